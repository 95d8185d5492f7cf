//! The manual's sections beyond `--help`: examples, exit statuses, files and variables.

use super::roff::Page;

const DESCRIPTION: &[&str] = &[
    "authctl is a credential manager. A config file defines the providers that issue tokens. authctl login obtains tokens, usually with your browser, and stores them in the operating system's keyring. authctl token prints a valid token and refreshes it when needed, for pipes, scripts and other programs.",
    "Standard output contains only what can be piped; messages go to standard error. authctl token never opens a browser and never prompts. If a login is required it exits with status 3, so that pipes do not hang.",
];

const EXAMPLES: &[(&str, &str)] = &[
    ("Log in once with your browser:", "authctl login github"),
    (
        "Call an API with a valid token:",
        "curl -H \"Authorization: Bearer $(authctl token github)\" https://api.github.com/user",
    ),
    (
        "Do the same without putting the token in any process's arguments, and refresh it if the server rejects it:",
        "authctl curl github https://api.github.com/user",
    ),
    ("Run a program that reads its token from the environment:", "authctl exec github -- gh api user"),
    ("Configure git and docker to use authctl:", "authctl helper git --write\nauthctl helper docker --write"),
    ("See your logins, and check the setup for problems:", "authctl status\nauthctl doctor"),
];

const CONFIGURATION: &[&str] = &[
    "A TOML file defines the providers. Each table [credentials.NAME] is one provider: the host that its tokens are for, and what type of provider it is (its kind), such as oauth, jwt, api_key, basic, command or external. A template supplies both for well-known providers.",
    "Later layers override earlier ones: the machine's config file, the user's, a project's .authctl.toml (which can only select a provider or profile and narrow what is requested), and environment variables. authctl config show --origin shows where each value comes from, authctl config schema prints a JSON Schema that describes every key, and authctl provider changes the file without losing its comments.",
];

const STATUSES: &[(&str, &str)] = &[
    ("0", "Success, even if the reader closes the pipe."),
    ("1", "Failure."),
    ("2", "Usage error."),
    ("3", "Login required; the hint on standard error shows the command."),
    ("4", "Configuration error."),
    ("5", "Provider unreachable or busy (try again); stored tokens are kept."),
    ("6", "Token store unavailable or locked."),
    ("130", "Interrupted. Other signals: 128 plus the signal's number."),
    (
        "any",
        "authctl curl and authctl exec: the program's own exit status; 127 if it does not exist, 126 if it cannot be run.",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "~/.config/authctl/config.toml",
        "The user's config file; authctl config path prints its path on other platforms.",
    ),
    ("/etc/authctl/config.toml", "The machine's config file; the user's overrides it."),
    (
        ".authctl.toml",
        "A project's selections: the nearest such file between the working folder and the root of the repository, if the user owns it.",
    ),
    (
        "~/.local/state/authctl/",
        "The index of stored accounts (without secrets), and the encrypted files if no keyring is available.",
    ),
    (
        "~/.local/share/authctl/",
        "The encryption key of the encrypted files, unless the config file names another source.",
    ),
    ("~/.cache/authctl/", "Cached server metadata and keys; can be deleted."),
];

const VARIABLES: &[(&str, &str)] = &[
    (
        "AUTHCTL_CONFIG",
        "A config file to use instead of the user's own, as --config does. authctl then prints a note on standard error.",
    ),
    ("AUTHCTL_PROFILE", "The profile to use, as --profile does."),
    ("AUTHCTL_DEFAULT", "The default provider."),
    (
        "AUTHCTL_STORE",
        "Where new tokens are stored: auto, keyring or file. Only a config file can choose etcd or Vault.",
    ),
    (
        "AUTHCTL_CREDENTIALS__NAME__KIND__KEY",
        "A key of a provider, such as AUTHCTL_CREDENTIALS__GITHUB__OAUTH__CLIENT_ID. If a config file defines the provider, variables can set only client_id, username, scopes, audience, resource and secrets.",
    ),
    ("NO_COLOR", "Disables colours if it is not empty."),
    ("BROWSER", "The web browser, unless the config file names one."),
    ("VISUAL, EDITOR", "The editor for authctl config edit."),
    (
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy for connections to servers; lower-case names work too.",
    ),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "On Linux, certificate authorities to use instead of the system's."),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME, XDG_CACHE_HOME",
        "The folders that contain the files above.",
    ),
    ("DBUS_SESSION_BUS_ADDRESS", "The address of the message bus on which authctl finds the keyring."),
    (
        "VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE, VAULT_CACERT",
        "Vault's address and credentials, unless the config file sets them. VAULT_ADDR and VAULT_CACERT are used only with a token from the environment.",
    ),
];

pub(super) fn description() -> String {
    let mut page = Page::new(String::new());
    page.section("DESCRIPTION");
    DESCRIPTION.iter().for_each(|text| page.paragraph(text));
    page.into_text()
}

/// Adds the sections of the main page.
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
    page.paragraph("authctl never writes tokens to unencrypted files, process arguments, logs or error messages, and sends them only to the servers that they belong to. It does not protect against programs that run as the same user, because they can run authctl too.");
}

/// Adds the sections of every command's page.
pub(super) fn of_a_command(page: &mut Page) {
    page.section("EXIT STATUS");
    page.paragraph("0 success, 1 failure, 2 usage error, 3 login required, 4 configuration error, 5 provider unreachable or busy, 6 token store unavailable, 130 interrupted. See authctl(1) for details, files and variables.");
}

/// Returns related pages of other programs, with their sections.
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
