//! The tokens that an answer says it cost, read as the content passes: no octet waits and none is changed.
//!
//! Every API of OpenAI's tells them in an object under a key `usage`, in JSON as in the events of a stream. Inside a
//! JSON string a quote is escaped, so `"usage"` before a colon is a key wherever it stands.

use std::sync::LazyLock;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use memchr::memmem::Finder;
use serde::Deserialize;

use crate::admin::journal::Tokens;
use crate::message::Fields;

const KEY: &[u8] = b"\"usage\"";

/// To make one takes as long as to search a short answer.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(KEY));

/// Octets of one usage object, its key included, that are held at most; a longer one is not read.
const LONGEST: usize = 4096;

/// Reads the last usage that counts tokens.
#[derive(Debug, Default)]
pub struct UsageReader {
    /// The end of what has passed, from where a usage may have begun.
    held: Vec<u8>,
    tokens: Option<Tokens>,
}

/// The newer APIs' names and the older ones'; `None` for what is null too.
#[derive(Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    prompt_tokens: Option<u64>,
    output_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

/// What follows a key `usage`.
enum Value {
    Counts(Tokens),
    Nothing,
    Unfinished,
}

// === impl UsageReader ===

impl UsageReader {
    /// A reader for content with these fields, if it is of a kind that may tell a usage and is not compressed.
    pub fn for_content(fields: &Fields) -> Option<Self> {
        let media_type = fields.text(CONTENT_TYPE)?.split(';').next()?.trim();
        let telling = ["application/json", "text/event-stream"];
        let known = telling.iter().any(|known| media_type.eq_ignore_ascii_case(known));
        (known && !fields.contains(CONTENT_ENCODING)).then(Self::default)
    }

    /// Looks at the next octets, however they are divided.
    pub fn push(&mut self, data: &[u8]) {
        if self.held.is_empty() {
            let rest = self.scan(data);
            self.held.extend_from_slice(&data[rest..]);
        } else {
            let mut text = std::mem::take(&mut self.held);
            text.extend_from_slice(data);
            let rest = self.scan(&text);
            self.held = text.split_off(rest);
        }
    }

    /// What the last usage counts, as far as the content has passed.
    pub fn tokens(&self) -> Option<Tokens> {
        self.tokens
    }

    /// Where the octets begin that only the next ones can decide about.
    fn scan(&mut self, text: &[u8]) -> usize {
        for at in FINDER.find_iter(text) {
            let end = text.len().min(at + LONGEST);
            match value(&text[at + KEY.len()..end]) {
                Value::Counts(tokens) => self.tokens = Some(tokens),
                Value::Unfinished if text.len() - at < LONGEST => return at,
                Value::Unfinished | Value::Nothing => {}
            }
        }
        let mut last = text.len().saturating_sub(KEY.len() - 1)..text.len();
        last.find(|&at| text[at] == KEY[0] && KEY.starts_with(&text[at..])).unwrap_or(text.len())
    }
}

fn value(after_key: &[u8]) -> Value {
    let object = match after_key.trim_ascii_start() {
        [b':', rest @ ..] => rest.trim_ascii_start(),
        [] => return Value::Unfinished,
        _ => return Value::Nothing,
    };
    match object.first() {
        Some(b'{') => {}
        Some(_) => return Value::Nothing,
        None => return Value::Unfinished,
    }
    match Usage::deserialize(&mut serde_json::Deserializer::from_slice(object)) {
        Ok(usage) => usage.tokens().map_or(Value::Nothing, Value::Counts),
        Err(error) if error.is_eof() => Value::Unfinished,
        Err(_) => Value::Nothing,
    }
}

// === impl Usage ===

impl Usage {
    fn tokens(&self) -> Option<Tokens> {
        let (input, output) =
            (self.input_tokens.or(self.prompt_tokens), self.output_tokens.or(self.completion_tokens));
        (input.is_some() || output.is_some())
            .then(|| Tokens { input: input.unwrap_or(0), output: output.unwrap_or(0) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, step: usize) -> Option<(u64, u64)> {
        let mut reader = UsageReader::default();
        for part in text.as_bytes().chunks(step) {
            reader.push(part);
            assert!(reader.held.len() <= LONGEST, "{} held", reader.held.len());
        }
        reader.tokens().map(|tokens| (tokens.input, tokens.output))
    }

    #[test]
    fn reads_what_each_api_tells_wherever_frames_are_divided() {
        let long = format!(r#"{{"usage":{{"input_tokens":1,"x":"{}"}}}}"#, "y".repeat(LONGEST));
        for (text, expected) in [
            (
                r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}"#,
                Some((9, 12)),
            ),
            (
                r#"{"usage" : { "input_tokens":7,"input_tokens_details":{"cached_tokens":3},"output_tokens":2}}"#,
                Some((7, 2)),
            ),
            (r#"{"data":[],"usage":{"prompt_tokens":5,"total_tokens":5}}"#, Some((5, 0))),
            (
                "data: {\"usage\":null}\n\ndata: {\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
                Some((1, 2)),
            ),
            // The last one is right: a stream may tell the usage so far in each event.
            (r#"{"usage":{"output_tokens":1}}{"usage":{"output_tokens":8}}"#, Some((0, 8))),
            // Transcriptions are paid by their length.
            (r#"{"text":"hi","usage":{"type":"duration","seconds":3}}"#, None),
            // A tool's schema with a property of that name, and content that quotes JSON.
            (r#"{"properties":{"usage":{"type":"string"}}}"#, None),
            (r#"{"text":"{\"usage\":{\"input_tokens\":5}}"}"#, None),
            (r#"{"a":"usage","b":{"input_tokens":5}}"#, None),
            (r#"{"usage":{"input_tokens":"many"}}"#, None),
            (r#"{"usage":{"input_tokens":5"#, None),
            (&long, None),
            ("", None),
        ] {
            for step in [1, 2, 3, 7, 64, usize::MAX] {
                if text.len() < LONGEST || step > 7 {
                    assert_eq!(read(text, step), expected, "{step}: {text}");
                }
            }
        }
    }

    #[test]
    fn looks_only_into_plain_json_and_events() {
        for (fields, looks) in [
            (&[("content-type", "application/json")][..], true),
            (&[("content-type", "text/event-stream; charset=utf-8")], true),
            (&[("content-type", "Application/JSON")], true),
            (&[("content-type", "application/json"), ("content-encoding", "gzip")], false),
            (&[("content-type", "audio/mpeg")], false),
            (&[], false),
        ] {
            assert_eq!(UsageReader::for_content(&Fields::of(fields)).is_some(), looks, "{fields:?}");
        }
    }

    proptest! {
        #[test]
        fn division_never_matters(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("\"usage\""), Just(":"), Just(" "), Just("{"), Just("}"), Just("\"input_tokens\":4"),
                    Just("null"), Just(","), Just("\"us"), Just("age\""), Just("\\"),
                ],
                0..40,
            ),
            step in 1_usize..9,
        ) {
            let text = parts.concat();
            prop_assert_eq!(read(&text, step), read(&text, usize::MAX));
        }
    }
}
