//! Where requests go.

use proptest::prelude::*;

use super::*;

/// `surface | METHOD target | model | outcome`, one a line.
const GOLDEN: &str = include_str!("../../../tests/fixtures/rewrites.txt");

/// `METHOD /path` of every operation in OpenAI's own description of its API.
const DOCUMENTED: &str = include_str!("../../../tests/fixtures/openai-operations.txt");

/// A URL, a local answer's status, or a refusal's code.
fn outcome(explained: Result<Explained, Refusal>) -> String {
    match explained {
        Ok(Explained::Sent(sent)) => sent.into_head().uri.to_string(),
        Ok(Explained::Local(answer)) => answer.status.to_string(),
        Err(refusal) => refusal.code().to_owned(),
    }
}

#[test]
fn every_golden_request_goes_where_it_should() {
    let cases = GOLDEN.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for case in cases {
        let columns: Vec<_> = case.split('|').map(str::trim).collect();
        let [surface, line, model, expected] = columns[..] else { panic!("four columns: {case}") };
        let model = (model != "-").then_some(model);
        assert_eq!(outcome(Request::new(line, &[]).explain(&settings(surface), model)), expected, "{case}");
    }
}

/// Where an operation goes on each surface, said a second time and in other words than the table.
fn expected(method: &Method, op: &str) -> [String; 2] {
    let host = "https://r.openai.azure.com/openai";
    let family = op.split('/').next().unwrap();
    let beneath_deployment = [
        "chat/completions",
        "completions",
        "embeddings",
        "audio/speech",
        "audio/transcriptions",
        "audio/translations",
        "images/generations",
        "images/edits",
    ];
    let v1 = format!("{host}/v1/{op}");
    if method == Method::POST && beneath_deployment.contains(&op) {
        return [v1, format!("{host}/deployments/prod-4o/{op}?api-version=2024-10-21")];
    }
    let resource = format!("{host}/{op}?api-version=2024-10-21");
    match family {
        "organization" | "projects" | "chatkit" | "content_provenance_checks" => Default::default(),
        "audio" => Default::default(),
        "fine_tuning" if op.contains("/permissions") => Default::default(),
        "models" if method == Method::DELETE => Default::default(),
        "models" => ["models".into(), "models".into()],
        "assistants" | "threads" => [format!("{host}/{op}?api-version=2025-04-01-preview"), resource],
        "realtime" | "conversations" | "containers" | "skills" | "videos" | "moderations" | "images" => {
            [v1.clone(), v1]
        }
        "responses" if ["compact", "input_tokens", "cancel"].iter().any(|tail| op.ends_with(tail)) => {
            [v1.clone(), v1]
        }
        "fine_tuning" if op.contains("/alpha/") => [v1.clone(), v1],
        "responses" | "chat" | "files" | "uploads" | "batches" | "fine_tuning" | "vector_stores"
        | "evals" => [v1, resource],
        _ => panic!("{op} has no expectation"),
    }
}

#[test]
fn every_documented_operation_goes_where_section_10_says() {
    for line in DOCUMENTED.lines() {
        let line = line.split('?').next().unwrap().replace(['{', '}'], "");
        let request = Request::new(&line, &[]);
        let op = request.target.strip_prefix("/v1/").unwrap();
        for (surface, want) in ["v1", "2024-10-21"].into_iter().zip(expected(&request.method, op)) {
            let explained = request.explain(&settings(surface), Some("gpt-4o"));
            match (&*want, &explained) {
                ("", Err(Refusal::Unsupported { .. })) | ("models", Ok(Explained::Local(_))) => {}
                _ => assert_eq!(outcome(explained), want, "{surface}: {line}"),
            }
        }
        let openai = format!("https://api.openai.com/v1/{op}");
        assert_eq!(outcome(request.explain(&settings("openai"), None)), openai);
    }
}

#[test]
fn a_mount_repairs_the_path_that_a_tunnel_leaves_alone() {
    let mut request = Request::new("GET //chat/completions", &[]);
    let openai = settings("openai");
    assert_eq!(outcome(request.explain(&openai, None)), "https://api.openai.com//chat/completions");
    request.entry = Entry::Mounted;
    assert_eq!(outcome(request.explain(&openai, None)), "https://api.openai.com/v1/chat/completions");
}

proptest! {
    #[test]
    fn whatever_is_asked_stays_at_the_endpoint(
        path in "/(v1/|openai/)?[a-z{}%2eE./:@-]{0,24}",
        query in "[a-z=&%+?/-]{0,12}",
        model in "[a-z./%?#\\\\@é-]{0,8}",
        surface in prop::sample::select(vec!["v1", "preview", "2024-10-21"]),
    ) {
        let target = format!("POST {path}?{query}");
        let explained = Request::new(&target, &[]).explain(&settings(surface), Some(&model));
        if let Ok(Explained::Sent(sent)) = explained {
            let uri = sent.into_head().uri;
            prop_assert_eq!(uri.authority().map(|a| a.as_str()), Some("r.openai.azure.com"));
            prop_assert!(uri.path().starts_with("/openai/"), "{}", uri);
            prop_assert!(!uri.path().split('/').any(|segment| segment == ".." || segment == "."), "{}", uri);
        }
    }
}
