# Completions of authctl for nushell (0.108 or later); they ask authctl itself.
# Put this file into a folder of $nu.user-autoload-dirs or $nu.vendor-autoload-dirs, or `source` it in config.nu.

# The candidates for the last of these words
def "authctl candidates" [words: list<string>] {
    with-env { COMPLETE: nushell } { ^authctl -- ...$words } | complete | get stdout | from json
}

# Log in once, hand valid tokens to every tool
@complete "authctl candidates"
extern authctl []
