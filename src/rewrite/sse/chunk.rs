//! One event of a completion's stream, of chat or of text: Azure's content filter says things in it that OpenAI never
//! says, and for which clients have no place.
//!
//! <https://learn.microsoft.com/azure/foundry/openai/concepts/content-streaming>

use crate::rewrite::json::members::{elements, members, offset, value};
use crate::rewrite::splice::Splice;

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on as it is: OpenAI's own, an error, the usage, or anything not understood.
    Keep,
    /// It is the result of filtering the prompt, in a chunk without choices: `choices[0]` would fail.
    Drop,
    /// Choices without `delta`, as annotations and blocked completions have them, are given an empty one.
    Mend(Vec<Splice>),
}

/// Looks into a whole event. Only chat's choices have a `delta`.
pub(super) fn judge(event: &[u8], of_chat: bool) -> Verdict {
    let Some((start, data)) = data(event) else { return Verdict::Keep };
    let Some(chunk) = members(data) else { return Verdict::Keep };
    let Some(choices) = value(&chunk, "choices").and_then(elements) else { return Verdict::Keep };
    if choices.is_empty() {
        let has = |name| value(&chunk, name).is_some();
        // The key was `prompt_annotations` in 2023-06-01-preview.
        let of_filter = has("prompt_filter_results") || has("prompt_annotations");
        return if of_filter && !has("usage") && !has("error") { Verdict::Drop } else { Verdict::Keep };
    }
    let splices: Vec<_> = choices
        .into_iter()
        .filter(|_| of_chat)
        .filter_map(|choice| Some((offset(data, choice), empty_delta(choice)?)))
        .map(|(at, delta)| Splice::insert(start + at + 1, delta))
        .collect();
    if splices.is_empty() { Verdict::Keep } else { Verdict::Mend(splices) }
}

/// What is to be put behind the opening brace of a choice that has no `delta`.
fn empty_delta(choice: &str) -> Option<&'static str> {
    let members = members(choice)?;
    match members.iter().any(|member| member.name == "delta") {
        true => None,
        false if members.is_empty() => Some(r#""delta":{}"#),
        false => Some(r#""delta":{},"#),
    }
}

/// The data of an event and where it begins; `None` if there is none or it is in several lines.
fn data(event: &[u8]) -> Option<(usize, &str)> {
    let mut found = None;
    for line in event.split(|&octet| octet == b'\n' || octet == b'\r') {
        let Some(data) = line.strip_prefix(b"data:") else { continue };
        if found.replace(data).is_some() {
            return None;
        }
    }
    let data = found?;
    let start = data.as_ptr().addr() - event.as_ptr().addr();
    Some((start, std::str::from_utf8(data).ok()?))
}
