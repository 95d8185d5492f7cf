# Completions of authctl for bash; they ask authctl itself.

_authctl() {
    # bash takes words apart at `=`, `:` and `@`. What no blank stands between is one word; the last ends at the cursor.
    local rest=${COMP_LINE:0:COMP_POINT} part i
    local words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        part=${COMP_WORDS[i]}
        if [[ $i == 0 || $rest == [[:space:]]* ]]; then
            words+=("")
            rest=${rest#"${rest%%[![:space:]]*}"}
        fi
        [[ $i == "$COMP_CWORD" ]] && part=$rest
        words[${#words[@]} - 1]+=$part
        rest=${rest#"$part"}
    done
    # bash replaces only the last part with the candidate.
    local last=$((${#words[@]} - 1)) candidate
    local before=${words[last]%"$2"}
    COMPREPLY=()
    while IFS= read -r candidate || [[ -n $candidate ]]; do
        COMPREPLY+=("${candidate#"$before"}")
    done < <(COMPLETE=bash _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$last authctl -- "${words[@]}" 2>/dev/null)
    # More follows after these.
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

if [[ ${BASH_VERSINFO[0]} -gt 4 || ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ]]; then
    complete -o bashdefault -o nosort -F _authctl authctl
else
    complete -o bashdefault -F _authctl authctl
fi
