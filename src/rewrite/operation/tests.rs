use super::*;

/// `METHOD /path` of every operation in OpenAI's own description of its API.
const DOCUMENTED: &str = include_str!("../../../tests/fixtures/openai-operations.txt");

fn documented() -> impl Iterator<Item = (Method, &'static str)> {
    DOCUMENTED.lines().map(|line| {
        let (method, target) = line.split_once(' ').unwrap();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        (method.parse().unwrap(), path.strip_prefix("/v1/").unwrap())
    })
}

#[test]
fn every_documented_operation_has_a_row() {
    assert_eq!(documented().count(), 288);
    for (method, path) in documented() {
        assert!(!std::ptr::eq(find(&method, path), &UNKNOWN), "{method} {path}");
    }
}

#[test]
fn every_row_is_reached_by_what_it_describes() {
    for row in TABLE {
        for method in row.methods {
            let path = row.template.replace("{}", "x").replace("{*}", "x/y");
            let found = find(&method.parse().unwrap(), &path);
            let whole_family = row.template.ends_with("{*}");
            assert!(
                std::ptr::eq(found, row) || whole_family,
                "{method} {path} is shadowed by {}",
                found.name
            );
        }
    }
}

#[test]
fn what_azure_lacks_is_just_this() {
    let lacking = |path: &str| {
        let family = first_segment(path);
        matches!(family, "organization" | "projects" | "chatkit" | "content_provenance_checks")
            || path.starts_with("audio/voice")
            || path.starts_with("fine_tuning/checkpoints/")
    };
    for (method, path) in documented() {
        let unsupported = find(&method, path).home == Home::Unsupported;
        let deletes_model = method == Method::DELETE && path.starts_with("models/");
        assert_eq!(unsupported, lacking(path) || deletes_model, "{method} {path}");
    }
}

#[test]
fn finds_by_method_and_whole_path() {
    for (method, path, name) in [
        ("POST", "chat/completions", "chat/completions"),
        ("GET", "chat/completions", "chat/completions (stored)"),
        ("HEAD", "models", "models"),
        ("GET", "models/ft:gpt/a/b", "models/{}"),
        ("POST", "threads/t/runs/r/cancel", "threads/…"),
        ("POST", "threads/t/runs", "threads/{}/runs"),
        ("POST", "threads/runs", "threads/runs"),
        ("DELETE", "embeddings", "unknown"),
        ("POST", "embeddings/", "unknown"),
        ("POST", "chat", "unknown"),
        ("GET", "files//content", "unknown"),
        ("GET", "models/", "unknown"),
        ("GET", "", "unknown"),
    ] {
        assert_eq!(find(&method.parse().unwrap(), path).name, name, "{method} {path}");
    }
}

#[test]
fn repairs_paths_that_base_urls_get_wrong() {
    for (path, repaired) in [
        ("/v1/chat/completions", Some("/v1/chat/completions")),
        ("//v1/chat/completions", Some("/v1/chat/completions")),
        ("/v1//chat/completions", Some("/v1/chat/completions")),
        ("///v1///chat/completions", Some("/v1/chat/completions")),
        ("/chat/completions", Some("/v1/chat/completions")),
        ("//models", Some("/v1/models")),
        ("/v1/v1/chat/completions", Some("/v1/chat/completions")),
        ("/v1//v1/models/", Some("/v1/models")),
        ("/v1/chat/completions/", Some("/v1/chat/completions")),
        ("/models/", Some("/v1/models")),
        ("/v1/threads/t/messages/", Some("/v1/threads/t/messages")),
        ("/v1/brand/new/", Some("/v1/brand/new/")),
        ("/v1/v1", Some("/v1/v1")),
        ("/v1/", Some("/v1/")),
        ("/v1/brand/new", Some("/v1/brand/new")),
        ("/v1/a//b", Some("/v1/a//b")),
        ("/openai/v1/responses", Some("/openai/v1/responses")),
        ("//openai/deployments/d/embeddings", Some("/openai/deployments/d/embeddings")),
        ("/", None),
        ("*", None),
        ("", None),
        ("/v1", None),
        ("/health", None),
        ("/chats", None),
    ] {
        assert_eq!(canonical(path).as_deref(), repaired, "{path}");
    }
}
