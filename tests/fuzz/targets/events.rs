//! A stream of events on its way to the client: whatever the pieces, the events are those that came.
#![no_main]

use azure_openai_proxy::rewrite::sse::{Events, Normaliser};
use azure_openai_proxy_fuzz::{STEPS, entries};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|octets: &[u8]| {
    for events in [Events::ChatCompletions, Events::Any] {
        let whole = normalised(events, octets, octets.len().max(1));
        for step in STEPS {
            assert_eq!(normalised(events, octets, step), whole, "in pieces of {step}");
        }
        assert_eq!(normalised(events, &whole, whole.len().max(1)), whole, "what is in order stays");
        if events == Events::Any {
            let added = whole.strip_prefix(octets).expect("nothing but an end is added");
            assert!([&b""[..], b"\n", b"\n\n"].contains(&added));
        }
        if events == Events::ChatCompletions {
            check(octets, &whole);
        }
    }
});

fn normalised(events: Events, octets: &[u8], step: usize) -> Vec<u8> {
    let mut normaliser = Normaliser::new(events);
    let mut out = Vec::new();
    for chunk in octets.chunks(step) {
        out.extend_from_slice(&normaliser.push(Bytes::copy_from_slice(chunk)));
    }
    out.extend_from_slice(&normaliser.end());
    out
}

/// Each event goes on as it is, loses its place, or has a `delta` more in its choices.
fn check(before: &[u8], after: &[u8]) {
    let mut after = blocks(after).into_iter();
    for block in blocks(before) {
        match expected(&block) {
            Expected::Same => assert_eq!(after.next().as_ref(), Some(&block)),
            Expected::Nothing => {}
            Expected::Choices(expected) => {
                let block = after.next().expect("an event is missing");
                let found = data(&block).and_then(first_choices).expect("it has choices still");
                assert_eq!(serde_json::from_str::<Vec<Value>>(found).ok(), Some(expected));
            }
        }
    }
    assert_eq!(after.next(), None, "an event came from nowhere");
}

enum Expected {
    Same,
    Nothing,
    Choices(Vec<Value>),
}

fn expected(block: &[Vec<u8>]) -> Expected {
    let Some(data) = data(block) else { return Expected::Same };
    let choices = first_choices(data).and_then(|text| serde_json::from_str::<Vec<&RawValue>>(text).ok());
    let (Some(members), Some(choices)) = (entries(data), choices) else { return Expected::Same };
    if choices.is_empty() {
        let has = |name| first(&members, name).is_some();
        let of_filter = has("prompt_filter_results") || has("prompt_annotations");
        return if of_filter && !has("usage") && !has("error") { Expected::Nothing } else { Expected::Same };
    }
    let lacks = |choice: &&RawValue| {
        entries(choice.get()).is_some_and(|members| members.iter().all(|(name, _)| name != "delta"))
    };
    if !choices.iter().any(lacks) {
        return Expected::Same;
    }
    let mended = choices.iter().map(|choice| {
        let mut value: Value = serde_json::from_str(choice.get()).ok()?;
        if lacks(choice) {
            value["delta"] = serde_json::json!({});
        }
        Some(value)
    });
    // A number that no Value can hold cannot be compared.
    mended.collect::<Option<_>>().map_or(Expected::Same, Expected::Choices)
}

fn first_choices(data: &str) -> Option<&str> {
    first(&entries(data)?, "choices")
}

fn first<'a>(members: &[(String, &'a str)], name: &str) -> Option<&'a str> {
    members
        .iter()
        .find(|(member, _)| member == name)
        .map(|(_, value)| *value)
        .filter(|value| *value != "null")
}

/// The one line of data of an event; `None` if it has several or none, or it is no text.
fn data(block: &[Vec<u8>]) -> Option<&str> {
    let mut lines = block.iter().filter_map(|line| line.strip_prefix(b"data:"));
    let data = lines.next().filter(|_| lines.next().is_none())?;
    std::str::from_utf8(data).ok()
}

/// The lines of each event, the one that is not ended too (WHATWG HTML §9.2.6).
fn blocks(octets: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (mut blocks, mut block, mut line) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = octets.iter().copied().chain(*b"\n\n").peekable();
    while let Some(octet) = rest.next() {
        match octet {
            b'\r' | b'\n' => {
                if octet == b'\r' {
                    rest.next_if_eq(&b'\n');
                }
                if line.is_empty() {
                    blocks.extend(Some(std::mem::take(&mut block)).filter(|block| !block.is_empty()));
                } else {
                    block.push(std::mem::take(&mut line));
                }
            }
            octet => line.push(octet),
        }
    }
    blocks
}
