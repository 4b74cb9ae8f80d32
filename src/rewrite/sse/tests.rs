use proptest::prelude::*;

use super::*;

const FILTER: &str = "data: {\"id\":\"\",\"object\":\"\",\"created\":0,\"model\":\"\",\"prompt_filter_results\":\
    [{\"prompt_index\":0,\"content_filter_results\":{}}],\"choices\":[]}\n\n";
const OLD_FILTER: &str = "data: {\"prompt_annotations\":[{}],\"choices\": [ ], \"usage\":null}\n\n";
const WORD: &str = "data: {\"choices\": [{\"delta\":{\"content\":\"hi\\n\"},\"index\":0}]}\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"total_tokens\":3},\"prompt_filter_results\":[{}]}\n\n";
const ERROR: &str = "data: {\"error\":{\"code\":\"x\"},\"choices\":[],\"prompt_filter_results\":[]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn normalised(events: Events, stream: &[u8], step: usize) -> String {
    let mut normaliser = Normaliser::new(events);
    let mut out = Vec::new();
    for chunk in stream.chunks(step.max(1)) {
        out.extend_from_slice(&normaliser.push(Bytes::copy_from_slice(chunk)));
    }
    out.extend_from_slice(&normaliser.end());
    assert!(normaliser.end().is_empty());
    String::from_utf8(out).unwrap()
}

fn chat(stream: &str) -> String {
    normalised(Events::ChatCompletions, stream.as_bytes(), usize::MAX)
}

#[test]
fn takes_out_the_prompts_filter_results_and_nothing_else() {
    let stream = [FILTER, OLD_FILTER, WORD, USAGE, ERROR, ": ping\n\n", "event: x\n\n", DONE].concat();
    let expected = [WORD, USAGE, ERROR, ": ping\n\n", "event: x\n\n", DONE].concat();
    assert_eq!(chat(&stream), expected);
    assert_eq!(normalised(Events::Any, stream.as_bytes(), usize::MAX), stream);
}

#[test]
fn gives_a_delta_to_choices_that_have_none_and_changes_no_other_octet() {
    for (before, after) in [
        (
            r#"{"id":"", "choices":[ {"index":0,"content_filter_offsets":{"check_offset":44}} ]}"#,
            r#"{"id":"", "choices":[ {"delta":{},"index":0,"content_filter_offsets":{"check_offset":44}} ]}"#,
        ),
        (
            r#"{"choices":[{"finish_reason":"content_filter"},{"delta":{}},{}],"created":1e3}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"content_filter"},{"delta":{}},{"delta":{}}],"created":1e3}"#,
        ),
    ] {
        assert_eq!(chat(&format!("id: 1\ndata:{before}\n\n")), format!("id: 1\ndata:{after}\n\n"));
        assert_eq!(chat(&format!("data: {before}\r\n\r\n")), format!("data: {after}\r\n\r\n"));
    }
}

#[test]
fn text_completions_lose_the_filter_results_and_are_given_nothing() {
    let text = "data: {\"choices\":[{\"text\":\"hi\",\"index\":0}]}\n\n";
    let stream = [FILTER, text, OLD_FILTER, USAGE, DONE].concat();
    let normalised = normalised(Events::Completions, stream.as_bytes(), 7);
    assert_eq!(normalised, [text, USAGE, DONE].concat());
}

#[test]
fn leaves_what_it_does_not_understand() {
    for event in [
        "data: {\"choices\":[],\"usage\":null}\n\n",
        "data: {\"choices\":null,\"prompt_filter_results\":[{}]}\n\n",
        "data: {\"choices\":[]\ndata: ,\"prompt_filter_results\":[{}]}\n\n",
        "data: {\"choices\":[],\"prompt_filter_results\":[{}]\n\n",
        "data: {\"choices\":[1,\"two\",[]]}\n\n",
        "data: {\"type\":\"response.created\"}\n\n",
        "data\n\n",
        "\n\n\n",
    ] {
        assert_eq!(chat(event), event);
    }
}

#[test]
fn adds_only_what_the_end_lacks() {
    for (end, lacking) in [
        ("data: [DONE]\n\n", ""),
        ("data: [DONE]\r\n\r\n", ""),
        ("data: [DONE]\r\r", ""),
        ("data: [DONE]\n", "\n"),
        ("data: [DONE]\r\n", "\n"),
        ("data: [DONE]", "\n\n"),
        ("data: [DONE]\r", "\n\n"),
        ("data: [DONE]\r\n\r", ""),
        ("data: a\n\n: comment", "\n\n"),
        ("", ""),
        ("\n", ""),
    ] {
        for events in [Events::Any, Events::ChatCompletions] {
            let normalised = normalised(events, end.as_bytes(), usize::MAX);
            assert_eq!(normalised, format!("{end}{lacking}"), "{end:?}");
        }
    }
    assert_eq!(chat(FILTER.trim_end()), "", "filter results are taken out at the end too");
}

#[test]
fn lets_each_event_go_with_its_last_octet_and_holds_none_of_another_kind_of_stream() {
    let mut chat = Normaliser::new(Events::ChatCompletions);
    let (most, last) = WORD.split_at(WORD.len() - 1);
    assert_eq!(chat.push(most.into()), "");
    assert_eq!(chat.push(last.into()), WORD);
    assert_eq!(chat.push(Bytes::from([WORD, "data: "].concat())), WORD);
    let mut any = Normaliser::new(Events::Any);
    assert_eq!(any.push("data: x".into()), "data: x");
}

/// Whoever is behind it and hears nothing for too long gives up.
#[test]
fn a_comment_goes_on_as_soon_as_it_is_whole() {
    let mut normaliser = Normaliser::new(Events::ChatCompletions);
    let mut push = |text: &'static str| normaliser.push(Bytes::from_static(text.as_bytes()));
    assert_eq!(push(": pi"), "");
    assert_eq!(push("ng\r\n"), ": ping\r\n");
    assert_eq!(push(": again\n: and again\n"), ": again\n: and again\n");
    assert_eq!(push("data: {\n: inside\n"), "");
    assert_eq!(push("data: }\n\n"), "data: {\n: inside\ndata: }\n\n");
    assert_eq!(chat(&format!(": before\n{FILTER}{DONE}")), format!(": before\n{DONE}"));
    assert_eq!(chat(": last\n"), ": last\n");
}

#[test]
fn a_comment_inside_an_event_that_went_on_already_does_not_end_it() {
    let mut any = Normaliser::new(Events::Any);
    assert_eq!(any.push("data: x\n".into()), "data: x\n");
    assert_eq!(any.push(": ping\n".into()), ": ping\n");
    assert_eq!(any.push(Bytes::new()), "");
    assert_eq!(any.end(), "\n");
}

#[test]
fn passes_an_event_past_its_bound_as_it_is() {
    let mut chat = Normaliser::new(Events::ChatCompletions);
    let long = format!("data: {{\"choices\":[{{\"x\":\"{}", "y".repeat(LONGEST_EVENT));
    assert_eq!(chat.push(Bytes::from(long.clone())), long);
    assert_eq!(chat.push("more".into()), "more");
    assert_eq!(chat.push("\"}]}\n\n".into()), "\"}]}\n\n");
    assert_eq!(chat.push(FILTER.into()), "", "the next one is looked into again");
}

fn any_stream() -> impl Strategy<Value = String> {
    let event = prop::sample::select(vec![
        FILTER,
        OLD_FILTER,
        WORD,
        USAGE,
        ERROR,
        DONE,
        ": ping\n\n",
        ": pong\n",
        "data: x",
    ]);
    let annotation = Just("data: {\"choices\":[{\"index\":0}]}\n\n");
    let line_end = prop::sample::select(vec!["\n", "\r\n", "\r"]);
    prop::collection::vec((prop_oneof![3 => event, 1 => annotation], line_end), 0..6)
        .prop_map(|events| events.iter().map(|(event, end)| event.replace('\n', end)).collect())
}

proptest! {
    #[test]
    fn it_does_not_matter_where_a_stream_is_cut(stream in any_stream(), step in 1..40usize) {
        let whole = chat(&stream);
        prop_assert_eq!(normalised(Events::ChatCompletions, stream.as_bytes(), step), whole);
    }

    #[test]
    fn normalising_twice_is_normalising_once(stream in any_stream()) {
        let once = chat(&stream);
        prop_assert_eq!(chat(&once), once);
    }

    #[test]
    fn any_octets_of_another_stream_pass(stream in prop::collection::vec(any::<u8>(), 0..64), step in 1..9usize) {
        let mut normaliser = Normaliser::new(Events::Any);
        let out: Vec<u8> = stream.chunks(step).flat_map(|c| normaliser.push(Bytes::copy_from_slice(c))).collect();
        prop_assert_eq!(out, stream);
    }
}
