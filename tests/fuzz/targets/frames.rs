//! A client's side of a WebSocket: without a map nothing changes; with one, nothing but models does.
#![no_main]

use std::sync::LazyLock;

use azure_openai_proxy::rewrite::ModelMap;
use azure_openai_proxy::rewrite::frames::Rewriter;
use azure_openai_proxy_fuzz::STEPS;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// More than an input has.
const LIMIT: usize = 1 << 20;

/// One deployment is shorter than its model, one as long, one longer.
const MAP: &str =
    "abc=x,same=SAME,rt=a-deployment-with-a-name-so-long-that-the-length-of-a-frame-needs-another-form";

static MODELS: LazyLock<ModelMap> = LazyLock::new(|| MAP.parse().expect("a map"));
static NONE: LazyLock<ModelMap> = LazyLock::new(ModelMap::default);

fuzz_target!(|octets: &[u8]| {
    if is_plain(octets) {
        assert_eq!(rewritten(&NONE, octets, octets.len().max(1), LIMIT), octets, "nothing was to be changed");
    }
    let whole = rewritten(&MODELS, octets, octets.len().max(1), LIMIT);
    for step in STEPS {
        assert_eq!(rewritten(&MODELS, octets, step, LIMIT), whole, "in pieces of {step}");
        // Where less fits, less may be mapped, but a message stays what it is.
        check(octets, &rewritten(&MODELS, octets, step, 200));
    }
    check(octets, &whole);
});

fn rewritten(models: &ModelMap, octets: &[u8], step: usize, limit: usize) -> Vec<u8> {
    let (mut rewriter, mut out) = (Rewriter::new(models, limit), Vec::new());
    for chunk in octets.chunks(step) {
        rewriter.push(chunk, &mut out);
    }
    rewriter.end(&mut out);
    out
}

/// Whole frames, none of which may overtake others, and no model that every map has an entry for.
fn is_plain(octets: &[u8]) -> bool {
    let (frames, whole) = frames(octets);
    whole.is_some() && frames.iter().all(|frame| frame.first & 8 == 0 && !frame.payload.contains(&b'3'))
}

fn check(before: &[u8], after: &[u8]) {
    let (old, old_rest) = frames(before);
    let (new, new_rest) = frames(after);
    if old_rest.is_none() || new_rest.is_none() {
        // Some frame is cut short or makes no sense, which the frames before it do not show.
        return;
    }
    let controls = |frames: &[Frame]| {
        let controls = frames.iter().filter(|frame| frame.first & 8 != 0);
        controls.map(|frame| (frame.first, frame.payload.clone())).collect::<Vec<_>>()
    };
    assert_eq!(controls(&old), controls(&new), "a control frame was changed");
    let (old, new) = (messages(&old), messages(&new));
    assert_eq!(old.len(), new.len());
    for (old, new) in old.iter().zip(&new) {
        assert_eq!((&old.firsts, old.whole), (&new.firsts, new.whole), "frames keep their flags");
        if old.payload != new.payload {
            check_mapped(&old.payload, &new.payload);
        }
    }
}

/// What is no JSON may be changed too, up to where it breaks, so only what is read as a whole is compared.
fn check_mapped(old: &[u8], new: &[u8]) {
    let (Ok(mut old), Ok(new)) = (serde_json::from_slice(old), serde_json::from_slice::<Value>(new)) else {
        return;
    };
    let kind = |value: &Value| value["type"].as_str().unwrap_or_default().to_owned();
    let places: &[&str] = match &*kind(&old) {
        "response.create" => &["/model"],
        "session.update" | "session.start" | "transcription_session.update" => &[
            "/session/model",
            "/session/audio/input/transcription/model",
            "/session/input_audio_transcription/model",
        ],
        _ => &[],
    };
    // Of a key that is repeated, serde_json has the last one and the type that counts is the first one.
    if places.is_empty() {
        return;
    }
    for place in places {
        if let Some(Value::String(model)) = old.pointer_mut(place) {
            *model = MODELS.deployment(model).into_owned();
        }
    }
    for place in places {
        if let (Some(Value::String(old)), Some(Value::String(new))) = (old.pointer(place), new.pointer(place))
        {
            assert_eq!(old, new, "{place}");
        }
    }
}

/// A frame without its mask.
struct Frame {
    first: u8,
    payload: Vec<u8>,
}

/// Frames that belong together.
#[derive(Default)]
struct Message {
    firsts: Vec<u8>,
    payload: Vec<u8>,
    whole: bool,
}

/// The frames in these octets (RFC 6455 §5.2); `None` beside them if the last one is not whole.
fn frames(octets: &[u8]) -> (Vec<Frame>, Option<()>) {
    let (mut frames, mut rest) = (Vec::new(), octets);
    while !rest.is_empty() {
        match frame(rest) {
            Some((frame, behind)) => {
                frames.push(frame);
                rest = behind;
            }
            None => return (frames, None),
        }
    }
    (frames, Some(()))
}

fn frame(octets: &[u8]) -> Option<(Frame, &[u8])> {
    let (&[first, second], rest) = octets.split_first_chunk()?;
    let (length, rest) = match second & 0x7f {
        126 => {
            rest.split_first_chunk().map(|(length, rest)| (u64::from(u16::from_be_bytes(*length)), rest))?
        }
        127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
        length => (u64::from(length), rest),
    };
    let (key, rest) = match second & 0x80 {
        0 => ([0; 4], rest),
        _ => rest.split_first_chunk::<4>().map(|(key, rest)| (*key, rest))?,
    };
    let (masked, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let payload = masked.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key).collect();
    Some((Frame { first, payload }, rest))
}

fn messages(frames: &[Frame]) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for frame in frames.iter().filter(|frame| frame.first & 8 == 0) {
        if messages.last().is_none_or(|message| message.whole) {
            messages.push(Message::default());
        }
        let message = messages.last_mut().expect("one was begun");
        message.firsts.push(frame.first);
        message.payload.extend_from_slice(&frame.payload);
        message.whole = frame.first & 0x80 != 0;
    }
    messages
}
