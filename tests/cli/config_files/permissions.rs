//! Who may own, read and write a config file.

use std::os::unix::fs::symlink;

use super::{HARMLESS, SOMEBODY, give_away, home};
use crate::support::sandbox::set_mode;

/// F-BIND7, F-BIND2. No list of sensitive keys decides: a program, a host, a proxy, nothing at all.
#[test]
fn a_user_file_that_others_can_write_is_refused_whatever_is_in_it() {
    let program = "on_login_required = [\"/bin/sh\", \"-c\", \"touch ~/ran\"]\n";
    for (name, config) in [
        ("nothing", String::new()),
        ("a comment", "# nothing\n".to_owned()),
        ("a program when a login is needed", format!("{program}{HARMLESS}")),
        ("a host", format!("{HARMLESS}[credentials.y]\ndomain = \"y.example\"\njwt = {{ env = \"T\" }}\n")),
        ("only references", HARMLESS.to_owned()),
        ("a syntax error", "[[[".to_owned()),
    ] {
        for mode in [0o620, 0o602, 0o664, 0o666] {
            let sandbox = home(&config);
            set_mode(&sandbox.path("config/config.toml"), mode);
            let output = sandbox.run(&["token", "x"]).fails(4);
            let says = "~/config/config.toml can be written by others";
            output.clone().says(says).says("chmod go-w ~/config/config.toml");
            assert!(!output.stderr.contains("TOML"), "{name}: it is not read at all: {output}");
            assert!(!sandbox.path("ran").exists(), "{name}");
        }
    }
}

/// F-BIND7
#[test]
fn every_way_to_name_a_file_is_checked() {
    let sandbox = home(HARMLESS);
    let other = sandbox.write("other.toml", HARMLESS);
    set_mode(&other, 0o666);
    let other = other.to_str().unwrap();
    sandbox.run(&["token", "x"]).ok();
    sandbox.run(&["--config", other, "token", "x"]).fails(4).says("other.toml can be written by others");
    sandbox.environment.set("AUTHCTL_CONFIG", other);
    sandbox.run(&["token", "x"]).fails(4).says("other.toml can be written by others");
    sandbox.environment.set("AUTHCTL_CONFIG", "");
    let site = sandbox.write("site/config.toml", "[credentials.s]\ndomain = \"s.example\"\njwt = \"tok\"\n");
    set_mode(&site, 0o622);
    sandbox.run(&["token", "x"]).fails(4).says("site/config.toml can be written by others");
}

/// F-BIND7
#[test]
fn a_file_is_refused_that_was_made_as_another_user() {
    let sandbox = home(HARMLESS);
    let path = sandbox.path("config/config.toml");
    set_mode(&path, 0o644);
    assert!(give_away(&path), "run this test as root, or skip it");
    let output = sandbox.run(&["token", "x"]).fails(4);
    output
        .says("belongs to user 65533, neither to you nor to root")
        .says("sudo chown 0 ~/config/config.toml");
    set_mode(&path, 0o666);
    sandbox
        .run(&["token", "x"])
        .fails(4)
        .says("chown 0 ~/config/config.toml && chmod go-w ~/config/config.toml");
}

/// F-BIND7
#[test]
fn a_link_to_a_config_file_is_checked_at_its_target() {
    let sandbox = home(HARMLESS);
    let target = sandbox.write("dotfiles/authctl.toml", HARMLESS);
    let path = sandbox.path("config/config.toml");
    std::fs::remove_file(&path).unwrap();
    symlink(&target, &path).unwrap();
    sandbox.run(&["token", "x"]).ok();
    set_mode(&target, 0o660);
    sandbox.run(&["token", "x"]).fails(4).says("can be written by others");
    set_mode(&target, 0o600);
    set_mode(target.parent().unwrap(), 0o777);
    let output = sandbox.run(&["token", "x"]).fails(4);
    output.says("is in a folder that can be written by others: ~/dotfiles").says("chmod o-w ~/dotfiles");
    set_mode(target.parent().unwrap(), 0o1777);
    sandbox.run(&["token", "x"]).ok();
    if std::os::unix::fs::lchown(&path, Some(SOMEBODY), None).is_ok() {
        sandbox.run(&["token", "x"]).fails(4).says("a link of user 65533");
    }
}

/// F-BIND7: A named pipe or a folder is rejected without waiting.
#[test]
fn a_config_path_that_is_not_a_file_is_refused_at_once() {
    let sandbox = home(HARMLESS);
    let pipe = sandbox.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    sandbox.run(&["--config", pipe.to_str().unwrap(), "token", "x"]).fails(4).says("it is not a file");
    let folder = sandbox.path("config");
    sandbox.run(&["--config", folder.to_str().unwrap(), "token", "x"]).fails(4).says("it is not a file");
}

/// F-BIND7: The commands that find and fix the problem, or leave nothing behind, still work.
#[test]
fn the_error_explains_how_to_fix_the_permissions() {
    let sandbox = home(HARMLESS);
    let path = sandbox.path("config/config.toml");
    set_mode(&path, 0o666);
    assert_eq!(sandbox.run(&["config", "path"]).ok().text(), "~/config/config.toml");
    sandbox.run(&["config", "check"]).fails(4).says("chmod go-w ~/config/config.toml");
    for change in [
        ["provider", "set", "x", "domain=y.example"].as_slice(),
        &["provider", "remove", "x"],
        &["provider", "set", "x", "--unset", "jwt"],
    ] {
        sandbox.run(change).fails(4).says("chmod go-w ~/config/config.toml");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), HARMLESS, "nothing in it is accepted as valid");
    let report = sandbox.run(&["doctor", "--offline"]);
    assert_eq!(report.status, 4, "{report}");
    assert!(report.stdout.contains("chmod go-w ~/config/config.toml"), "{report}");
    sandbox.run(&["logout", "x"]).fails(4).says("chmod go-w ~/config/config.toml");
    sandbox.run(&["logout", "--all", "--local"]).ok();
    let editor = sandbox.write("editor", "#!/bin/sh\nchmod go-w \"$1\"\n");
    set_mode(&editor, 0o700);
    sandbox.environment.set("EDITOR", editor.to_str().unwrap());
    sandbox.run(&["config", "edit"]).ok();
    sandbox.run(&["token", "x"]).ok();
}

/// F-BIND7: The secrets of a file are its literals: references, programs and hosts reveal nothing.
#[test]
fn a_file_that_others_can_read_is_warned_about_only_where_it_holds_a_secret() {
    let oauth = "[credentials.x]\ndomain = \"x.example\"\n[credentials.x.oauth]\nclient_id = \"c\"\n";
    for (name, config, is_warned) in [
        ("a reference", HARMLESS.to_owned(), false),
        ("a program", HARMLESS.replace("env = \"T\"", "command = [\"echo\", \"tok\"]"), false),
        ("a browser", format!("browser = \"/bin/true\"\n{HARMLESS}"), false),
        ("a token", HARMLESS.replace("{ env = \"T\" }", "\"tok\""), true),
        (
            "a token with its mark",
            HARMLESS.replace("jwt = { env = \"T\" }", "jwt = { _jwt = \"tok\" }"),
            true,
        ),
        ("a client secret", format!("{oauth}client_secret = \"s\"\n"), true),
        ("a secret parameter", format!("{oauth}token_params = {{ _x = \"s\" }}\n"), true),
        ("a plain parameter", format!("{oauth}token_params = {{ x = \"s\" }}\n"), false),
        (
            "a header",
            "[credentials.x]\ndomain = \"x.example\"\napi_key.headers = { X-Key = \"s\" }\n".to_owned(),
            true,
        ),
        ("a profile's", format!("{HARMLESS}[profile.w.credentials.x]\njwt = \"tok\"\n"), true),
        (
            "the store's password",
            format!(
                "store = {{ kind = \"etcd\", endpoints = [\"https://127.0.0.1:1\"], key = \"passphrase\", username = \"u\", password = \"p\" }}\n{HARMLESS}"
            ),
            true,
        ),
    ] {
        let sandbox = home(&config);
        sandbox.run(&["config", "check"]).ok();
        set_mode(&sandbox.path("config/config.toml"), 0o644);
        let output = sandbox.run(&["config", "check"]).ok();
        let is_told = output
            .stderr
            .contains("holds secrets and can be read by others; run `chmod 600 ~/config/config.toml`");
        assert_eq!(is_told, is_warned, "{name}: {output}");
    }
}

/// F-BIND7: A project's file may come from a clone: it is used only if the user owns it and others cannot write it.
#[test]
fn a_projects_file_follows_the_same_rule() {
    let sandbox = home(&format!("{HARMLESS}[credentials.y]\ndomain = \"y.example\"\njwt = \"why\"\n"));
    let path = sandbox.write("work/.authctl.toml", "default = \"y\"\n");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "why");
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&path, mode);
        let output = sandbox.run(&["token", "x"]).fails(4);
        output.says("work/.authctl.toml can be written by others").says("chmod go-w ~/work/.authctl.toml");
        sandbox.run(&["config", "path"]).ok();
        sandbox.run(&["logout", "x"]).ok();
    }
    set_mode(&path, 0o644);
    assert_eq!(sandbox.run(&["token"]).ok().text(), "why");
    if give_away(&path) {
        sandbox.run(&["token"]).fails(2).says("several providers");
    }
    // authctl opens nothing that other users put there.
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    sandbox.run(&["token", "x"]).ok();
}
