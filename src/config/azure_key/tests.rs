use super::super::layer::Origin;
use super::*;

fn find(given: &[(Key, Origin, &str)]) -> Result<AzureKey, String> {
    let mut settings = Layer::default();
    for (key, origin, text) in given {
        settings.set(*key, Raw::new(origin.clone(), [*text]));
    }
    AzureKey::find(&settings).map_err(|problem| problem.to_string())
}

fn command(line: &str) -> KeyCommand {
    KeyCommand { line: Secret::new(line), without: Vec::new() }
}

fn env(name: &str) -> Origin {
    Origin::Env(name.into())
}

#[test]
fn the_higher_source_wins_and_a_tie_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), "from-file\n").unwrap();
    let file = Origin::File { path: dir.path().join("config.toml"), line: 2 };
    let flag = || Origin::Flag("--api-key-file".into());
    let path = dir.path().join("key").display().to_string();
    let known = |key| Ok(AzureKey::Known(Secret::new(key)));
    assert_eq!(find(&[]), Ok(AzureKey::None));
    assert_eq!(find(&[(Key::ApiKeyFile, file.clone(), "key")]), known("from-file"), "beside the settings");
    let variable = (Key::ApiKey, env("AZURE_OPENAI_TOKEN"), " from-env ");
    assert_eq!(find(&[variable.clone(), (Key::ApiKeyFile, file.clone(), "key")]), known("from-env"));
    assert_eq!(find(&[variable.clone(), (Key::ApiKeyFile, flag(), &path)]), known("from-file"));
    let command = (Key::ApiKeyCommand, file, "op read x");
    assert_eq!(find(std::slice::from_ref(&command)), Ok(AzureKey::Command(Secret::new("op read x"))));
    assert_eq!(
        find(&[variable, (Key::ApiKeyCommand, env("X"), "c")]),
        Err("AZURE_OPENAI_TOKEN: given together with api_key_command: leave one of them".into())
    );
}

#[test]
fn a_key_that_no_field_can_carry_is_refused_and_not_printed() {
    for key in [" ", "very\nsecret", "very\u{1}secret", "secret…"] {
        let problem = find(&[(Key::ApiKey, env("AZURE_OPENAI_TOKEN"), key)]).unwrap_err();
        assert!(problem.contains("AZURE_OPENAI_TOKEN") && !problem.contains("secret"), "{problem}");
    }
    for (key, why) in [
        ("very secret", "a key has no spaces in it"),
        ("very\nsecret", "a key has no spaces in it"),
        ("\"secret\"", "the key has quotes around it"),
        ("Bearer ", "the key is empty"),
    ] {
        let problem = find(&[(Key::ApiKey, env("AZURE_OPENAI_TOKEN"), key)]).unwrap_err();
        assert!(problem.contains(why) && !problem.contains("secret"), "{problem}");
    }
    let marked = find(&[(Key::ApiKey, env("AZURE_OPENAI_TOKEN"), "\u{feff}key\n")]);
    assert_eq!(marked, Ok(AzureKey::Known(Secret::new("key"))));
    let missing = find(&[(Key::ApiKeyFile, env("F"), "/nonexistent/key")]).unwrap_err();
    assert!(missing.starts_with("F: cannot read /nonexistent/key: "), "{missing}");
}

#[test]
fn the_scheme_of_a_field_that_was_copied_whole_is_taken_off() {
    for text in ["Bearer key", "bearer  key\n", "BEARER\tkey", "key"] {
        let found = find(&[(Key::ApiKey, env("AZURE_OPENAI_TOKEN"), text)]);
        assert_eq!(found, Ok(AzureKey::Known(Secret::new("key"))), "{text:?}");
    }
    let other = find(&[(Key::ApiKey, env("AZURE_OPENAI_TOKEN"), "bearerkey")]);
    assert_eq!(other, Ok(AzureKey::Known(Secret::new("bearerkey"))));
}

#[test]
fn quotes_in_the_file_of_the_key_are_told() {
    let dir = tempfile::tempdir().unwrap();
    for (text, why) in [("'secret'\n", Some("quotes around it")), ("Bearer key\n", None)] {
        let path = dir.path().join("key");
        std::fs::write(&path, text).unwrap();
        match (find(&[(Key::ApiKeyFile, env("F"), path.to_str().unwrap())]), why) {
            (Ok(found), None) => assert_eq!(found, AzureKey::Known(Secret::new("key"))),
            (Err(problem), Some(why)) => {
                assert!(problem.contains(why) && !problem.contains("secret"), "{problem}");
            }
            (found, _) => panic!("{text:?}: {found:?}"),
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_prints_the_key() {
    let run = async |line| command(line).run().await;
    assert_eq!(run("printf ' key\n'").await.unwrap(), Secret::new("key"));
    assert!(
        matches!(run("echo key; exit 3").await, Err(CommandError::Failed(status)) if status.code() == Some(3))
    );
    assert_eq!(run("echo Bearer key").await.unwrap(), Secret::new("key"));
    let unusable = async |line| match run(line).await {
        Err(CommandError::Unusable(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(unusable("true").await, KeyError::Characters);
    // As az does, unless it is told otherwise.
    assert_eq!(unusable("echo '\"key\"'").await, KeyError::Quoted);
    assert!(matches!(run("yes").await, Err(CommandError::Failed(_) | CommandError::Unusable(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_does_not_see_what_leads_to_us() {
    // Every process of a test has these two.
    let line = Secret::new("echo path:$PATH,cargo:$CARGO_MANIFEST_DIR");
    let without = KeyCommand { line, without: vec!["CARGO_MANIFEST_DIR"] };
    let printed = without.run().await.unwrap();
    assert!(printed.expose().starts_with("path:/") && printed.expose().ends_with(",cargo:"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_that_hangs_is_given_up() {
    let hangs = command("exec sleep 600").run_within(Duration::from_millis(1)).await;
    assert!(matches!(hangs, Err(CommandError::Deadline)));
}
