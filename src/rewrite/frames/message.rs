//! A text message that is held back until it is known which models it names.

use super::head::{Head, mask};
use crate::rewrite::ModelMap;
use crate::rewrite::extras::Extra;
use crate::rewrite::json::Scanner;
use crate::rewrite::splice::Splice;

/// The keys that lead to one model, outermost first.
type Place = &'static [&'static str];

/// Where a session names its models: the one that answers; the one that transcribes, in today's form and in the
/// preview's; and the one that a live session delegates to. On Azure all are deployments.
const SESSION: &[Place] = &[
    &["session", "model"],
    &["session", "audio", "input", "transcription", "model"],
    &["session", "input_audio_transcription", "model"],
    &["session", "delegation", "responses", "model"],
    &["session", "delegation", "decisions", "model"],
];

/// The message that asks for a response.
const RESPONSE: &str = "response.create";

/// The messages of clients that name models, by their `type`.
fn places(kind: &str) -> &'static [Place] {
    match kind {
        RESPONSE => &[&["model"]],
        "session.update" | "session.start" | "transcription_session.update" => SESSION,
        _ => &[],
    }
}

/// The frames of a message, as many as came.
#[derive(Debug)]
pub(super) struct Message {
    frames: Vec<Frame>,
    kind: Scanner,
    size: usize,
}

/// A frame with its mask taken off; the payload of a message's last frame may not be whole.
#[derive(Debug)]
struct Frame {
    head: Head,
    payload: Vec<u8>,
}

// === impl Message ===

impl Message {
    pub(super) fn new() -> Self {
        Self { frames: Vec::new(), kind: Scanner::new(&["type"]), size: 0 }
    }

    /// The memory that it takes, about.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Begins a frame.
    pub(super) fn begin(&mut self, head: Head) {
        self.size += size_of::<Frame>();
        self.frames.push(Frame { head, payload: Vec::new() });
    }

    /// Adds payload to the frame that was begun last.
    pub(super) fn push(&mut self, masked: &[u8]) {
        let Some(Frame { head, payload }) = self.frames.last_mut() else { return };
        let at = payload.len();
        payload.extend_from_slice(masked);
        mask(&mut payload[at..], head.mask(), at);
        self.size += masked.len();
        if self.kind.finding().is_none() {
            // A scanner that found nothing yet cannot find anything a second time.
            let _ = self.kind.push(&payload[at..]);
        }
    }

    /// Whether it may still be a message that names models. The first `type` counts.
    pub(super) fn may_name_models(&self) -> bool {
        match self.kind.finding() {
            None => true,
            Some(Ok(kind)) => !places(&kind.name).is_empty(),
            Some(Err(_)) => false,
        }
    }

    /// Writes what came, with the models in it mapped, and what else is to be changed.
    pub(super) fn write(self, models: &ModelMap, extra: &Extra, out: &mut Vec<u8>) {
        let splices = self.splices(models, extra);
        let mut start = 0;
        for frame in self.frames {
            let end = start + frame.payload.len() as u64;
            let within: Vec<_> =
                splices.iter().filter(|splice| splice.at.start < end && splice.at.end > start).collect();
            frame.write(start, &within, out);
            start = end;
        }
    }

    /// What there is to be mapped, in order. A place that is named twice is left alone: Azure judges it.
    fn splices(&self, models: &ModelMap, extra: &Extra) -> Vec<Splice> {
        let kind = self.kind.finding().and_then(|kind| kind.as_ref().ok());
        let kind = kind.map_or("", |kind| &kind.name);
        let mut splices: Vec<_> =
            places(kind).iter().filter_map(|place| self.splice(place, models)).collect();
        if kind == RESPONSE && !extra.is_none() {
            let payloads: Vec<&[u8]> = self.frames.iter().map(|frame| &*frame.payload).collect();
            splices.extend(extra.splices(&payloads.concat(), models));
        }
        splices.sort_by_key(|splice| splice.at.start);
        splices
    }

    fn splice(&self, place: Place, models: &ModelMap) -> Option<Splice> {
        let mut scanner = Scanner::new(place);
        for frame in &self.frames {
            scanner.push(&frame.payload).ok()?;
        }
        let model = scanner.finding()?.as_ref().ok()?;
        let deployment = models.deployment(&model.name);
        let replacement = || serde_json::to_vec(&deployment).expect("a string is always JSON").into();
        (*deployment != *model.name).then(|| Splice { at: model.at.clone(), replacement: replacement() })
    }
}

// === impl Frame ===

impl Frame {
    /// Writes the frame, whose payload begins at `start` of its message, with these splices.
    fn write(mut self, start: u64, splices: &[&Splice], out: &mut Vec<u8>) {
        let missing = self.head.length() - self.payload.len() as u64;
        let mut key = self.head.mask();
        if !splices.is_empty() {
            let before = self.payload.len();
            self.payload = spliced(&self.payload, start, splices);
            if missing > 0 {
                // What is still to come is masked already: the key is turned so that it stays right.
                let turned = self.payload.len() as isize - before as isize;
                key.rotate_right(turned.rem_euclid(4) as usize);
            }
            self.head = self.head.resized(self.payload.len() as u64 + missing, key);
        }
        mask(&mut self.payload, key, 0);
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&self.payload);
    }
}

/// A payload with the splices that touch it. One that begins in an earlier frame put its replacement there.
fn spliced(payload: &[u8], start: u64, splices: &[&Splice]) -> Vec<u8> {
    let within =
        |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(payload.len()).min(payload.len());
    let mut out = Vec::with_capacity(payload.len());
    let mut resume = 0;
    for splice in splices {
        out.extend_from_slice(&payload[resume..within(splice.at.start)]);
        if splice.at.start >= start {
            out.extend_from_slice(&splice.replacement);
        }
        resume = within(splice.at.end);
    }
    out.extend_from_slice(&payload[resume..]);
    out
}
