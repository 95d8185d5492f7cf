//! What the manual says beside what `--help` says: examples, exit statuses, files, variables.

use super::roff::Page;

const DESCRIPTION: &[&str] = &[
    "authctl is a credential manager. A configuration file says where tokens come from; authctl login gets them, with the browser where a person is needed; the operating system's keyring keeps them; and authctl token prints a valid one, renewed when it must be, for pipes, scripts and other programs.",
    "Standard output carries what may be piped and nothing else; everything for the person goes to standard error. authctl token never opens a browser and never asks anything: when a login is needed it ends with status 3, so that no pipe hangs.",
];

const EXAMPLES: &[(&str, &str)] = &[
    ("Log in once, with the browser:", "authctl login github"),
    (
        "Call an API with a token that is valid, whenever that is:",
        "curl -H \"Authorization: Bearer $(authctl token github)\" https://api.github.com/user",
    ),
    (
        "The same with the token in nobody's arguments, renewed when the server refuses it:",
        "authctl curl github https://api.github.com/user",
    ),
    ("Run a program that reads its token from the environment:", "authctl exec github -- gh api user"),
    ("Let git and docker ask authctl:", "authctl helper git --write\nauthctl helper docker --write"),
    ("See what is configured and stored, and what is wrong:", "authctl status\nauthctl config check"),
];

const CONFIGURATION: &[&str] = &[
    "A file in TOML says where tokens come from. Each table [credentials.NAME] is a provider; it holds the host that its tokens are for and one kind, such as oauth, jwt, api_key, basic, command or external; a template brings both for well-known providers.",
    "The layers, later ones win: the machine's file, the user's, a project's .authctl.toml (which may only select and narrow), variables. The command authctl config show --origin says where each value came from, authctl config schema prints a JSON Schema with a description of every key, and authctl provider changes the file without losing its comments.",
];

const STATUSES: &[(&str, &str)] = &[
    ("0", "Done. A pipe that is closed by its reader is done, too."),
    ("1", "Failed."),
    ("2", "Used wrongly."),
    ("3", "Log in first; the hint on standard error says how."),
    ("4", "The configuration is wrong."),
    ("5", "The provider cannot be reached or said \"try later\"; what is stored is kept."),
    ("6", "The token store cannot be used, or is locked."),
    ("130", "Interrupted; 128 and the number of the signal in general."),
    (
        "any",
        "Of authctl curl and authctl exec: the program's own; 127 when it is not there, 126 when it cannot be run.",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "~/.config/authctl/config.toml",
        "The user's configuration; authctl config path says where it is on other platforms.",
    ),
    ("/etc/authctl/config.toml", "The machine's configuration, which lies under the user's."),
    (
        ".authctl.toml",
        "A project's choices, found upward from the working folder to the root of the repository, and read only when it is the user's own file.",
    ),
    (
        "~/.local/state/authctl/",
        "What is stored where (without secrets), and the sealed files where there is no keyring.",
    ),
    (
        "~/.local/share/authctl/",
        "The key of the sealed files, unless the configuration names another source.",
    ),
    ("~/.cache/authctl/", "Metadata and keys of servers; may be deleted."),
];

const VARIABLES: &[(&str, &str)] = &[
    (
        "AUTHCTL_CONFIG",
        "A config file to use instead of the user's own, as --config does. A note on standard error says so.",
    ),
    ("AUTHCTL_PROFILE", "The profile, as --profile."),
    ("AUTHCTL_DEFAULT", "The provider that is meant where none is named."),
    (
        "AUTHCTL_STORE",
        "Where new tokens are stored: auto, keyring or file. Only a config file can choose etcd or Vault.",
    ),
    (
        "AUTHCTL_CREDENTIALS__NAME__KIND__KEY",
        "A key of a provider, such as AUTHCTL_CREDENTIALS__GITHUB__OAUTH__CLIENT_ID. For a provider that a config file defines: only client_id, username, scopes, audience, resource and secrets.",
    ),
    ("NO_COLOR", "When it is not empty: no colours."),
    ("BROWSER", "The web browser, where the configuration names none."),
    ("VISUAL, EDITOR", "The editor of authctl config edit."),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "The proxy on the way to servers, in capitals or not."),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "On Linux: certificate authorities in the place of the system's own."),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME, XDG_CACHE_HOME", "The folders of the files above."),
    ("DBUS_SESSION_BUS_ADDRESS", "The message bus on which the keyring is found."),
    (
        "VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE, VAULT_CACERT",
        "Where Vault is and what opens it, unless the config file says so. VAULT_ADDR and VAULT_CACERT count only with a token from the environment.",
    ),
];

/// What the program is.
pub(super) fn description() -> String {
    let mut page = Page::new(String::new());
    page.section("DESCRIPTION");
    DESCRIPTION.iter().for_each(|text| page.paragraph(text));
    page.into_text()
}

/// Adds what is true of the program as a whole.
pub(super) fn of_the_program(page: &mut Page) {
    page.section("CONFIGURATION");
    CONFIGURATION.iter().for_each(|text| page.paragraph(text));
    page.section("EXAMPLES");
    page.examples(EXAMPLES);
    page.section("EXIT STATUS");
    page.list(STATUSES);
    page.section("FILES");
    page.list(FILES);
    page.section("ENVIRONMENT");
    page.list(VARIABLES);
    page.section("SECURITY");
    page.paragraph("Tokens are in no file in the clear, in no program's arguments, in no log and in no error message, and they are bound to the servers that they came from. Programs that run as the same user can run authctl as well: from those it does not protect.");
}

/// Adds what is true of every command.
pub(super) fn of_a_command(page: &mut Page) {
    page.section("EXIT STATUS");
    page.paragraph("0 done, 1 failed, 2 used wrongly, 3 log in first, 4 the configuration is wrong, 5 the provider cannot be reached, 6 the token store cannot be used, 130 interrupted; in full, with files and variables, in authctl(1).");
}

/// Pages of other programs that a command has to do with, with their sections.
pub(super) fn others(name: &str) -> &'static [(&'static str, u8)] {
    match name {
        "authctl" => &[("curl", 1), ("gitcredentials", 7), ("secret-tool", 1)],
        "authctl-curl" | "authctl-headers" => &[("curl", 1)],
        "authctl-exec" => &[("env", 1)],
        "authctl-helper-git" => &[("gitcredentials", 7), ("git-credential", 1)],
        "authctl-helper-docker" => &[("docker-login", 1)],
        "authctl-helper-cargo" => &[("cargo-login", 1)],
        "authctl-man" => &[("man", 1)],
        _ => &[],
    }
}
