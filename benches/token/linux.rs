//! How long `authctl token` takes, whole processes side by side: `cargo bench --bench token`.
//!
//! Everything that is compared runs in the same rounds, in a new order each round; what is told are medians of the ratios
//! within a round, for times alone depend on the machine and on what else it does. The message bus with gnome-keyring is
//! private, the homes are empty, the server is on loopback.
//!
//! ```text
//! cargo bench --bench token                     the table in docs/performance.md
//! cargo bench --bench token -- --rounds 200     more rounds (60 by default)
//! cargo bench --bench token -- --only cached    one part: cached, refreshed, crowded or at-once
//! cargo bench --bench token -- --endurance      10,000 reads one after the other, 50 times 40 at once
//! AUTHCTL_STATIC=PATH cargo bench --bench token  a static build beside the ordinary one
//! ```

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use authctl::store::keyring::secret_service::SecretService;
use keyring_core::api::CredentialStoreApi as _;

#[path = "../../tests/cli/support/http/mod.rs"]
mod http;
#[path = "../../tests/e2e/parts.rs"]
mod parts;

use self::http::{Reply, Server, certificates};
use self::parts::{Bus, Home};

pub fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let rounds = arguments.iter().position(|argument| argument == "--rounds");
    let rounds = rounds.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(60);
    if arguments.iter().any(|argument| argument == "--endurance") {
        return endurance();
    }
    println!("| what | compared with | ratio | wanted |\n|---|---|---|---|");
    let only = arguments.iter().position(|argument| argument == "--only");
    let only = only.and_then(|at| arguments.get(at + 1));
    let is_wanted = |part: &str| only.is_none_or(|only| only == part);
    if is_wanted("cached") {
        cached(rounds);
    }
    if is_wanted("refreshed") {
        refreshed(rounds);
    }
    if is_wanted("crowded") {
        crowded(rounds);
    }
    if is_wanted("at-once") {
        at_once(rounds);
    }
    let _ =
        std::fs::remove_dir_all(std::env::temp_dir().join(format!("authctl-bench-{}", std::process::id())));
}

/// Something to run.
struct Subject {
    name: &'static str,
    command: Box<dyn Fn() -> Command>,
}

fn subject(name: &'static str, command: impl Fn() -> Command + 'static) -> Subject {
    Subject { name, command: Box::new(command) }
}

/// The median times of each subject divided by that of another, round by round.
struct Times(BTreeMap<&'static str, Vec<f64>>);

impl Times {
    /// Runs all subjects in every round, in a new order each time; `many` processes of each at once.
    fn measure(subjects: &[Subject], rounds: usize, many: usize) -> Self {
        let mut times: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        let mut order: Vec<usize> = (0..subjects.len()).collect();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..rounds + 3 {
            for at in (1..order.len()).rev() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                order.swap(at, usize::try_from(seed >> 33).unwrap() % (at + 1));
            }
            for &at in &order {
                let subject = &subjects[at];
                let taken = run(subject, many);
                // The first rounds warm up.
                if round >= 3 {
                    times.entry(subject.name).or_default().push(taken.as_secs_f64());
                }
            }
        }
        Self(times)
    }

    fn ratio(&self, name: &str, base: &str) -> f64 {
        median(self.0[name].iter().zip(&self.0[base]).map(|(one, other)| one / other).collect())
    }

    fn milliseconds(&self, name: &str) -> f64 {
        median(self.0[name].clone()) * 1e3
    }

    fn row(&self, name: &str, base: &str, wanted: &str) {
        println!(
            "| {name} ({:.1} ms) | {base} ({:.1} ms) | {:.2} | {wanted} |",
            self.milliseconds(name),
            self.milliseconds(base),
            self.ratio(name, base)
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn run(subject: &Subject, many: usize) -> Duration {
    let mut commands: Vec<Command> = (0..many).map(|_| (subject.command)()).collect();
    for command in &mut commands {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    }
    let start = Instant::now();
    let children: Vec<Child> = commands.iter_mut().map(|command| command.spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "{} failed", subject.name);
    }
    start.elapsed()
}

const PLAIN: &str = "[credentials.as]\ndomain = \"as.example\"\n[credentials.as.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"repo\"]\nauthorization_endpoint = \"https://as.example/authorize\"\ntoken_endpoint = \"https://as.example/token\"\n";
/// As long as an access token in JWT form often is.
const TOKEN_LENGTH: usize = 1500;

/// A home that is logged in.
fn home(store: &str, config: &str, bus: Option<&Bus>) -> Home {
    let mut home = Home::new(&format!("store = {store}\n{config}"));
    home.bus = bus.map(|bus| bus.address.clone());
    let token = "t".repeat(TOKEN_LENGTH);
    feed(home.command(&["login", "as", "--with-token"]), &token);
    let printed = home.run(&["token", "as"]);
    assert_eq!(printed.text(), token, "{printed:?}");
    home
}

fn feed(mut command: Command, input: &str) {
    use std::io::Write as _;
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The program as an installer leaves it: copied. What a linker writes lies in small pieces in the memory of the system.
fn installed(program: &str) -> String {
    let folder = std::env::temp_dir().join(format!("authctl-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(program.replace('/', "_"));
    if !path.exists() {
        std::fs::copy(program, &path).unwrap();
    }
    path.display().to_string()
}

/// `authctl token as` in a home, by the ordinary program or another build of it.
fn token(home: &Home, program: Option<&str>) -> impl Fn() -> Command + 'static {
    let path = home.folder.path().to_owned();
    let bus = home.bus.clone();
    let program = installed(program.unwrap_or(parts::PROGRAM));
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

fn secret_tool(bus: &Bus) -> impl Fn() -> Command + 'static {
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

fn nothing() -> Command {
    let mut command = Command::new("/bin/true");
    command.env_clear();
    command
}

/// A thousand providers, of which one is meant.
fn thousand() -> String {
    let other = |number| {
        format!(
            "[credentials.p{number}]\ndomain = \"p{number}.example\"\n[credentials.p{number}.oauth]\nclient_id = \"app-{number}\"\nscopes = [\"read\", \"write\"]\nclient_secret = {{ env = \"P{number}_SECRET\" }}\n"
        )
    };
    let others: String = (0..999).map(other).collect();
    format!("{others}{PLAIN}")
}

/// A login whose token has an end: only such a token is kept in the kernel.
fn cached_in_kernel() -> Home {
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

fn cached(rounds: usize) {
    let mut bus = Bus::with_keyring();
    let keyring = home("\"keyring\"", PLAIN, Some(&bus));
    let file = home("\"file\"", PLAIN, None);
    let many = home("\"file\"", &thousand(), None);
    let kernel = cached_in_kernel();
    let fixed = std::env::var("AUTHCTL_STATIC").ok();
    let mut subjects = vec![
        subject("`true`", nothing),
        subject("`secret-tool lookup`", secret_tool(&bus)),
        subject("from the keyring", token(&keyring, None)),
        subject("from sealed files", token(&file, None)),
        subject("from sealed files, 1,000 providers", token(&many, None)),
        subject("from the kernel's cache", token(&kernel, None)),
    ];
    if let Some(program) = &fixed {
        subjects.extend([
            subject("static, from the keyring", token(&keyring, Some(program))),
            subject("static, from sealed files", token(&file, Some(program))),
            subject("static, from the kernel's cache", token(&kernel, Some(program))),
        ]);
    }
    let times = Times::measure(&subjects, rounds, 1);
    times.row("from the keyring", "`secret-tool lookup`", "≤ 0.25");
    times.row("from sealed files", "`true`", "≤ 2.0");
    times.row("from the kernel's cache", "`true`", "≤ 1.9");
    times.row("from sealed files, 1,000 providers", "from sealed files", "≤ 1.5");
    if fixed.is_some() {
        times.row("static, from the keyring", "`secret-tool lookup`", "≤ 0.20");
        times.row("static, from sealed files", "`true`", "≤ 2.0");
        times.row("static, from the kernel's cache", "`true`", "≤ 1.5");
    }
    assert!(bus.keyring_is_alive());
}

/// A refresh over TLS with the platform's certificate authorities, beside curl with the same request.
fn refreshed(rounds: usize) {
    let (authority, tls) = certificates();
    let server = Server::start_tls(tls, |_| {
        Reply::full(
            200,
            &[("content-type", "application/json")],
            "{\"access_token\":\"fresh\",\"token_type\":\"Bearer\",\"expires_in\":3600}",
        )
    });
    let address = format!("localhost:{}", server.address().port());
    let config = format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{address}\"\n[credentials.as.oauth]\nclient_id = \"app\"\nscopes = [\"repo\"]\nauthorization_endpoint = \"https://{address}/authorize\"\ntoken_endpoint = \"https://{address}/token\"\n"
    );
    let home = Home::new(&config);
    // The platform's own authorities, and the server's beside them.
    let bundle = home.folder.path().join("bundle.pem");
    let platform = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    std::fs::write(&bundle, format!("{platform}\n{authority}")).unwrap();
    let with_roots = |mut command: Command, bundle: &Path| {
        command.env("SSL_CERT_FILE", bundle);
        command
    };
    feed(with_roots(home.command(&["login", "as", "--with-token=refresh"]), &bundle), "refresh-token");
    let path = home.folder.path().to_owned();
    let (of_ours, of_curl) = (bundle.clone(), bundle);
    let program = installed(parts::PROGRAM);
    let ours = move || {
        let mut command = Command::new(&program);
        command.args(["token", "as", "--refresh"]).env_clear().env("HOME", &path).current_dir(&path);
        with_roots(command, &of_ours)
    };
    let curl = move || {
        let mut command = Command::new("curl");
        command.args(["-sS", "-d", "grant_type=refresh_token&refresh_token=refresh-token&client_id=app"]);
        command.arg(format!("https://{address}/token")).env_clear();
        with_roots(command, &of_curl)
    };
    let subjects = [subject("refreshed over TLS", ours), subject("the same request by `curl`", curl)];
    let times = Times::measure(&subjects, rounds, 1);
    times.row("refreshed over TLS", "the same request by `curl`", "≤ 0.25");
}

/// A keyring with 10,000 entries of others: the daemon looks through all of them.
fn crowded(rounds: usize) {
    let mut bus = Bus::with_keyring();
    let keyring = SecretService::new(bus.address.clone());
    // The collection in memory takes them fast; the one on disk is written anew for each.
    let in_memory = HashMap::from([("target", "session")]);
    for number in 0..10_000 {
        let entry = keyring.build("other", &number.to_string(), Some(&in_memory)).unwrap();
        entry.set_secret(b"x").unwrap();
    }
    let home = home("\"keyring\"", PLAIN, Some(&bus));
    let name = "from a keyring with 10,000 entries";
    let tool = "`secret-tool lookup` there";
    let subjects = [subject(name, token(&home, None)), subject(tool, secret_tool(&bus))];
    let times = Times::measure(&subjects, rounds, 1);
    times.row(name, tool, "≤ 0.65");
    assert!(bus.keyring_is_alive());
}

fn at_once(rounds: usize) {
    let mut bus = Bus::with_keyring();
    let home = home("\"keyring\"", PLAIN, Some(&bus));
    for (many, name, tool) in [
        (50, "50 at once, from the keyring", "50 `secret-tool lookup` at once"),
        (100, "100 at once, from the keyring", "100 `secret-tool lookup` at once"),
    ] {
        let subjects = [subject(name, token(&home, None)), subject(tool, secret_tool(&bus))];
        Times::measure(&subjects, rounds.div_ceil(6), many).row(name, tool, "≤ 0.22");
    }
    assert!(bus.keyring_is_alive());
}

/// gnome-keyring must live through it all: it can abort when a client opens a session first.
fn endurance() {
    let mut bus = Bus::with_keyring();
    let home = home("\"keyring\"", PLAIN, Some(&bus));
    let subject = subject("from the keyring", token(&home, None));
    for number in 0..10_000 {
        run(&subject, 1);
        if number % 1000 == 999 {
            println!("{} reads one after the other", number + 1);
        }
    }
    for _ in 0..50 {
        run(&subject, 40);
    }
    println!("50 times 40 reads at once");
    assert!(bus.keyring_is_alive());
    println!("the keyring is alive");
}
