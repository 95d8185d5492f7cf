//! A provider from the environment.

use super::Story;

/// F-BIND6
#[test]
fn a_provider_of_the_environment_never_reaches_what_a_files_provider_stored() {
    for (name, same_host) in [("at another host", false), ("at the very same host", true)] {
        for file in ["AUTHCTL_CONFIG", "an empty file", "no file"] {
            let story = Story::new();
            let name = format!("{name}, {file}");
            match file {
                "AUTHCTL_CONFIG" => {
                    let empty = story.sandbox.write("other/empty.toml", "");
                    story.sandbox.environment.set(file, empty.to_str().unwrap());
                }
                "an empty file" => story.sandbox.configure(""),
                _ => std::fs::remove_file(story.sandbox.path("config/config.toml")).unwrap(),
            }
            story.define_by_environment(&if same_host { story.server.domain() } else { story.evil.domain() });
            story.nothing_leaks(&name, &[]);
            let told = story.sandbox.run(&["token", "as"]).fails(3);
            told.says("belongs to another provider of the same name; nothing was sent")
                .says("authctl login as");
            // Without the index the record is found by its name alone.
            std::fs::remove_file(story.sandbox.path("state/index/as.json")).unwrap();
            story.nothing_leaks(&name, &[]);
        }
    }
}

/// F-BIND6: It has its own logins, which are used only for their hosts too.
#[test]
fn a_provider_of_the_environment_has_its_own_login() {
    let story = Story::new();
    let own = story.sandbox.run(&["token"]).ok().stdout;
    story.sandbox.configure("");
    story.define_by_environment(&story.server.domain());
    story.sandbox.run(&["login", "as"]).ok();
    let others = story.sandbox.run(&["token", "as"]).ok().stdout;
    assert_ne!(others, own);
    story.define_by_environment(&story.evil.domain());
    story.nothing_leaks("moved by the environment", &[]);
    let told = story.sandbox.run(&["token", "as"]).fails(4);
    told.says("is not for the host 127.0.0.1:").says("AUTHCTL_CREDENTIALS__AS__DOMAIN sets");
}
