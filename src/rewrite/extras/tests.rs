use http::Method;

use super::*;
use crate::rewrite::operation;
use crate::rewrite::splice::splice_all;

const ALL: Extras = Extras { nested_models: true, batch_models: true, codex_store: true };

fn changed(extras: Extras, path: &str, content_type: &str, content: &str) -> String {
    let operation = operation::find(&Method::POST, path);
    let extra = extras.for_request(&Method::POST, operation, content_type.as_bytes());
    let models = "gpt-4o=prod,whisper-1=ears".parse().unwrap();
    let mut splices = extra.splices(content.as_bytes(), &models);
    splices.sort_by_key(|splice| splice.at.start);
    String::from_utf8(splice_all(content.as_bytes(), &splices)).unwrap()
}

#[test]
fn nested_models_are_mapped_where_azure_takes_them_for_deployments() {
    let only = Extras { nested_models: true, ..Extras::default() };
    for (path, before, after) in [
        (
            "responses",
            r#"{"store":false,"tools":[{"type":"image_generation","model":"gpt-4o"},{"type":"x","model":"gpt-4o"},7]}"#,
            r#"{"store":false,"tools":[{"type":"image_generation","model":"prod"},{"type":"x","model":"gpt-4o"},7]}"#,
        ),
        (
            "evals",
            r#"{"testing_criteria":[{"type":"label_model","model":"gpt-4o"},{"model":"other"}]}"#,
            r#"{"testing_criteria":[{"type":"label_model","model":"prod"},{"model":"other"}]}"#,
        ),
        (
            "responses/input_tokens",
            r#"{"model":"gpt-4o","tools":[{"type":"image_generation","model":"gpt-4o"}]}"#,
            r#"{"model":"gpt-4o","tools":[{"type":"image_generation","model":"prod"}]}"#,
        ),
        ("evals/e/runs", r#"{"data_source":{"model":"gpt-4o"}}"#, r#"{"data_source":{"model":"prod"}}"#),
        (
            "evals/e/runs",
            r#"{"data_source":{"sampling_params":{"tools":[{"type":"image_generation","model":"gpt-4o"}]}}}"#,
            r#"{"data_source":{"sampling_params":{"tools":[{"type":"image_generation","model":"prod"}]}}}"#,
        ),
        ("fine_tuning/jobs", r#"{"model":"gpt-4o"}"#, r#"{"model":"gpt-4o"}"#),
        (
            "evals/e/runs",
            "\u{feff}{\"data_source\":{\"model\":\"gpt-4o\"}}",
            "\u{feff}{\"data_source\":{\"model\":\"prod\"}}",
        ),
    ] {
        assert_eq!(changed(only, path, "application/json", before), after);
        assert_eq!(changed(Extras::default(), path, "application/json", before), before);
    }
}

#[test]
fn what_transcribes_in_a_session_is_always_mapped() {
    let form = |session: &str| {
        let part = |name: &str, content: &str| {
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
        };
        format!("{}{}--B--\r\n", part("sdp", "v=0 {\"model\":\"whisper-1\"}"), part("session", session))
    };
    let today = r#" {"model":"gpt-4o","audio":{"input":{"transcription":{ "model" :"whisper\u002d1"}}}}"#;
    let preview = r#"{"input_audio_transcription":{"model":"whisper-1"}}"#;
    for before in [today, preview] {
        let after = before.replace(r#""whisper\u002d1""#, r#""ears""#).replace("whisper-1", "ears");
        let within =
            |session: &str| format!(r#"{{"expires_after":{{"model":"whisper-1"}},"session":{session}}}"#);
        for path in [
            "realtime/client_secrets",
            "realtime/translations/client_secrets",
            "realtime/calls",
            "realtime/translations/calls",
        ] {
            assert_eq!(changed(Extras::default(), path, "application/json", &within(before)), within(&after));
        }
        for path in ["realtime/calls/c/accept", "realtime/sessions", "realtime/transcription_sessions"] {
            assert_eq!(changed(Extras::default(), path, "application/json", before), after);
        }
        let form_type = "multipart/form-data; boundary=B";
        let broken = form(before).replace("--B--", "");
        for path in ["realtime/calls", "realtime/translations/calls"] {
            assert_eq!(changed(Extras::default(), path, form_type, &form(before)), form(&after), "{path}");
            assert_eq!(changed(Extras::default(), path, form_type, &broken), broken, "{path}");
        }
    }
    for (path, content) in
        [("realtime/calls", "v=0\r\n"), ("responses", preview), ("realtime/client_secrets", "7")]
    {
        assert_eq!(changed(ALL, path, "application/sdp", content), content, "{path}");
    }
    assert_eq!(changed(ALL, "realtime/calls", "multipart/form-data; boundary=B", "--B--\r\n"), "--B--\r\n");
}

#[test]
fn what_a_live_session_delegates_to_is_always_mapped() {
    let within = |model: &str| {
        let delegation = format!(r#"{{"type":"responses","responses":{{"model":"{model}","tools":[]}}}}"#);
        format!(r#"{{"session":{{"model":"gpt-4o", "delegation":{delegation}}},"delegation":{delegation}}}"#)
    };
    let before = within("whisper-1");
    let decides = |text: &str| text.replace("responses", "decisions");
    for path in ["live/sessions", "live/sessions/s/accept", "live/sessions/s/fork"] {
        let after = before.replacen("whisper-1", "ears", 1);
        for (before, after) in [(before.clone(), after.clone()), (decides(&before), decides(&after))] {
            assert_eq!(changed(Extras::default(), path, "application/json", &before), after, "{path}");
        }
    }
    for path in ["live/sessions/s/hangup", "realtime/client_secrets"] {
        assert_eq!(changed(ALL, path, "application/json", &before), before, "{path}");
    }
}

#[test]
fn store_becomes_true_at_the_top_level_of_responses_only() {
    let only = Extras { codex_store: true, ..Extras::default() };
    for (path, before, after) in [
        ("responses", r#"{"a":{"store":false},"store": false }"#, r#"{"a":{"store":false},"store": true }"#),
        ("responses", r#"{"store":true}"#, r#"{"store":true}"#),
        ("responses", r#"{"store":false,"store":1}"#, r#"{"store":true,"store":1}"#),
        ("responses", r#"{"store":1,"store":false}"#, r#"{"store":1,"store":true}"#),
        ("responses", r#"{"store":"false"}"#, r#"{"store":"false"}"#),
        ("responses", r#"{"store":null}"#, r#"{"store":null}"#),
        ("responses", "{}", "{}"),
        ("chat/completions", r#"{"store":false}"#, r#"{"store":false}"#),
    ] {
        assert_eq!(changed(only, path, "application/json", before), after);
    }
}

#[test]
fn lines_of_a_batch_are_mapped_one_by_one() {
    let form = |lines: &str| {
        format!(
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b\"\r\n\r\n{lines}\r\n--B--\r\n"
        )
    };
    let before = "{\"body\":{\"model\":\"gpt-4o\"}}\n\nno JSON\n{\"model\":\"gpt-4o\"}\r\n{\"body\":{\"model\":\"a\"}}";
    let after = before.replacen("gpt-4o", "prod", 1);
    let form_type = "multipart/form-data; boundary=B";
    assert_eq!(changed(ALL, "files", form_type, &form(before)), form(&after));
    assert_eq!(changed(Extras::default(), "files", form_type, &form(before)), form(before));
    assert_eq!(changed(ALL, "uploads", form_type, &form(before)), form(before));
    let broken = form(before).replace("--B--", "");
    assert_eq!(changed(ALL, "files", form_type, &broken), broken, "its end is missing");
}

#[test]
fn content_that_is_not_as_it_should_be_is_left() {
    for content in ["", "[]", "{", "{\"store\":false", "\"store\"", "{\"tools\":{\"model\":\"gpt-4o\"}}"] {
        assert_eq!(changed(ALL, "responses", "application/json", content), content);
    }
    let get = ALL.for_request(&Method::GET, operation::find(&Method::GET, "evals"), b"");
    assert!(get.is_none());
}
