//! The config file's owner, path and schema.

use super::X;
use crate::support::Sandbox;
use crate::support::sandbox::set_mode;

#[cfg(unix)]
#[test]
fn a_file_that_holds_secrets_must_belong_to_the_user_f_bind2() {
    let sandbox = Sandbox::new(&format!("{X}jwt = \"tok\"\n"));
    let path = sandbox.path("config/config.toml");
    set_mode(&path, 0o644);
    sandbox
        .run(&["token"])
        .ok()
        .says("warning:")
        .says("can be read by others; run `chmod 600 ~/config/config.toml`");
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&path, mode);
        sandbox.run(&["token"]).fails(4).says("can be written by others");
    }
    // A link is followed, as dotfiles are kept: its target counts.
    let real = sandbox.write("dotfiles/authctl.toml", &format!("{X}jwt = \"linked\"\n"));
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(real, &path).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok().text(), "linked");
}

#[test]
fn path_edit_and_schema() {
    let sandbox = Sandbox::new(&format!("{X}jwt = \"tok\"\n"));
    assert_eq!(sandbox.run(&["config", "path"]).ok().text(), "~/config/config.toml");
    let editor = sandbox.write("editor", "#!/bin/sh\nsed -i 's/tok/edited/' \"$1\"\n");
    set_mode(&editor, 0o700);
    sandbox.environment.set("EDITOR", editor.to_str().unwrap());
    sandbox.run(&["config", "edit"]).ok().says("The configuration is valid (1 provider)");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "edited");
    sandbox.write("editor", "#!/bin/sh\necho 'nonsense' >> \"$1\"\n");
    set_mode(&editor, 0o700);
    sandbox.run(&["config", "edit"]).fails(4).says("invalid TOML");
    let schema: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["config", "schema"]).ok().stdout).unwrap();
    let credential = &schema["$defs"]["credential"]["properties"];
    for kind in ["oauth", "jwt", "api_key", "basic", "environment", "app_service", "command"] {
        assert!(credential[kind]["description"].is_string(), "{kind}");
    }
    fn described(value: &serde_json::Value, path: &str) {
        if let Some(properties) = value.get("properties").and_then(|p| p.as_object()) {
            for (name, property) in properties {
                let referenced = property.get("$ref").is_some() || property.get("const").is_some();
                assert!(
                    referenced
                        || property.get("description").is_some()
                        || path.contains("profile")
                        || path.contains("capabilities"),
                    "{path}.{name}"
                );
                described(property, &format!("{path}.{name}"));
            }
        }
        for part in ["anyOf", "oneOf"] {
            for form in value.get(part).and_then(|f| f.as_array()).into_iter().flatten() {
                described(form, path);
            }
        }
    }
    described(&schema, "");
}
