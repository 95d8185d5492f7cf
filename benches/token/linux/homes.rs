//! The homes, and the programs that run in them.

use std::process::{Command, Stdio};

use authctl::store::keyring::secret_service::SecretService;
use keyring_core::api::CredentialStoreApi as _;

use super::parts::{Bus, Home};

pub(super) const PLAIN: &str = "[credentials.as]\ndomain = \"as.example\"\n[credentials.as.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"repo\"]\nauthorization_endpoint = \"https://as.example/authorize\"\ntoken_endpoint = \"https://as.example/token\"\n";

/// The length of a typical JWT access token.
pub(super) const TOKEN_LENGTH: usize = 1500;

/// A home with a login.
pub(super) fn home(store: &str, config: &str, bus: Option<&Bus>) -> Home {
    let mut home = Home::new(&format!("store = {store}\n{config}"));
    home.bus = bus.map(|bus| bus.address.clone());
    let token = "t".repeat(TOKEN_LENGTH);
    feed(home.command(&["login", "as", "--with-token"]), &token);
    let printed = home.run(&["token", "as"]);
    assert_eq!(printed.text(), token, "{printed:?}");
    home
}

pub(super) fn feed(mut command: Command, input: &str) {
    use std::io::Write as _;
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The program as an installer copies it. A linker's output is in small pieces in the system's memory.
pub(super) fn installed(program: &str) -> String {
    let folder = std::env::temp_dir().join(format!("authctl-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(program.replace('/', "_"));
    if !path.exists() {
        std::fs::copy(program, &path).unwrap();
    }
    path.display().to_string()
}

/// `authctl token as` in a home, with the ordinary program or another build.
pub(super) fn token(home: &Home, program: Option<&str>) -> impl Fn() -> Command + 'static {
    let path = home.folder.path().to_owned();
    let bus = home.bus.clone();
    let program = installed(program.unwrap_or(super::parts::PROGRAM));
    move || {
        let mut command = Command::new(&program);
        command.args(["token", "as"]).env_clear().env("HOME", &path).env("PATH", "/usr/bin:/bin");
        command.current_dir(&path);
        if let Some(bus) = &bus {
            command.env("DBUS_SESSION_BUS_ADDRESS", bus);
        }
        command
    }
}

pub(super) fn secret_tool(bus: &Bus) -> impl Fn() -> Command + 'static {
    let keyring = SecretService::new(bus.address.clone());
    keyring.build("bench", "x", None).unwrap().set_secret("t".repeat(TOKEN_LENGTH).as_bytes()).unwrap();
    let address = bus.address.clone();
    move || {
        let mut command = Command::new("secret-tool");
        command.args(["lookup", "service", "bench", "username", "x"]);
        command.env_clear().env("DBUS_SESSION_BUS_ADDRESS", &address);
        command
    }
}

pub(super) fn nothing() -> Command {
    let mut command = Command::new("/bin/true");
    command.env_clear();
    command
}

/// A thousand providers, of which one is used.
pub(super) fn thousand() -> String {
    let other = |number| {
        format!(
            "[credentials.p{number}]\ndomain = \"p{number}.example\"\n[credentials.p{number}.oauth]\nclient_id = \"app-{number}\"\nscopes = [\"read\", \"write\"]\nclient_secret = {{ env = \"P{number}_SECRET\" }}\n"
        )
    };
    let others: String = (0..999).map(other).collect();
    format!("{others}{PLAIN}")
}

/// A login whose token expires: only such a token is cached in the kernel.
pub(super) fn cached_in_kernel() -> Home {
    let jwt = |claims: &str| {
        use base64::Engine as _;
        let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part("{\"alg\":\"none\"}"), part(claims), "c2ln")
    };
    let home = Home::new(&format!("store = {{ kind = \"file\", cache = \"kernel\" }}\n{PLAIN}"));
    let token = jwt(&format!("{{\"exp\":4102444800,\"x\":\"{}\"}}", "t".repeat(TOKEN_LENGTH)));
    feed(home.command(&["login", "as", "--with-token"]), &token);
    assert_eq!(home.run(&["token", "as"]).text(), token);
    std::fs::rename(home.folder.path().join(".local/state/authctl/records"), home.folder.path().join("away"))
        .unwrap();
    assert_eq!(home.run(&["token", "as"]).text(), token, "it comes from the kernel");
    home
}
