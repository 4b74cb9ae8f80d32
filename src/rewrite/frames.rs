//! What a client says on a WebSocket: models in its text messages become deployments, all else passes, but for what
//! [`extras`](super::extras) are on.
//!
//! A text message is held back only while it may be one that names models, which its `type` tells, and then
//! until it is whole. A message that is larger than the limit goes on with what was found in it up to there.
//! Frames of a message that is changed keep their number, their flags and their masking keys. Pings and pongs
//! that come in the middle of a held message go on before it. What is no WebSocket passes as it comes.

mod head;
mod message;

use head::{Head, Opcode};
use message::Message;

use super::extras::Extra;
use super::model_map::ModelMap;

/// Rewrites the octets of one client, in the pieces in which they arrive.
#[derive(Debug)]
pub struct Rewriter<'m> {
    models: &'m ModelMap,
    extra: Extra,
    /// Octets of a message that are held back at most, about.
    limit: usize,
    state: State,
    current: Current,
}

/// What comes next.
#[derive(Debug)]
enum State {
    /// A frame's head, of which this came.
    Head(Head),
    /// So much of a frame's payload.
    Payload(u64, Part),
    /// Octets that cannot be told apart any more.
    Lost,
}

/// What a frame is part of.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// Nothing: it may come between the frames of a message (RFC 6455 §5.4).
    Control,
    /// The message that is under way.
    Message {
        /// Whether it ends with this frame.
        last: bool,
    },
}

/// The message that is under way.
#[derive(Debug)]
enum Current {
    None,
    Passing,
    Held(Message),
}

// === impl Rewriter ===

impl<'m> Rewriter<'m> {
    /// Begins behind the handshake. About `limit` octets of a message are held back at most.
    pub fn new(models: &'m ModelMap, limit: usize) -> Self {
        let (state, current) = (State::Head(Head::default()), Current::None);
        Self { models, extra: Extra::default(), limit, state, current }
    }

    /// The same, which makes these changes too.
    pub fn with(self, extra: Extra) -> Self {
        Self { extra, ..self }
    }

    /// Takes what the client sent and appends what may go on.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = match &mut self.state {
                State::Head(head) => {
                    let after = head.take(rest);
                    if head.is_whole() {
                        let head = std::mem::take(head);
                        self.begin(head, out);
                    }
                    after
                }
                State::Payload(left, part) => {
                    let now = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                    let (payload, after) = rest.split_at(now);
                    let (left, part) = (*left - now as u64, *part);
                    self.payload(payload, part, out);
                    self.rest(left, part, out);
                    after
                }
                State::Lost => {
                    out.extend_from_slice(rest);
                    &[]
                }
            };
        }
    }

    /// The client says nothing more: appends what was held back.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.release(out);
        if let State::Head(head) = &self.state {
            out.extend_from_slice(head);
        }
        self.state = State::Lost;
    }

    /// Decides what becomes of a frame.
    fn begin(&mut self, head: Head, out: &mut Vec<u8>) {
        let (left, last) = (head.length(), head.is_final());
        let part = match (head.opcode(), &mut self.current) {
            (Opcode::Control, _) => Part::Control,
            (Opcode::Close, _) => {
                self.release(out);
                Part::Control
            }
            (Opcode::Text, current @ Current::None) if !head.is_extended() => {
                *current = Current::Held(Message::new());
                Part::Message { last }
            }
            (Opcode::Text | Opcode::Binary, current @ Current::None) => {
                *current = Current::Passing;
                Part::Message { last }
            }
            (Opcode::Continuation, Current::Passing | Current::Held(_)) => Part::Message { last },
            (Opcode::Continuation | Opcode::Text | Opcode::Binary | Opcode::Unknown, _) => {
                self.release(out);
                out.extend_from_slice(&head);
                self.state = State::Lost;
                return;
            }
        };
        match (part, &mut self.current) {
            (Part::Message { .. }, Current::Held(message)) => message.begin(head),
            _ => out.extend_from_slice(&head),
        }
        self.rest(left, part, out);
    }

    fn payload(&mut self, payload: &[u8], part: Part, out: &mut Vec<u8>) {
        match (part, &mut self.current) {
            (Part::Message { .. }, Current::Held(message)) => message.push(payload),
            _ => out.extend_from_slice(payload),
        }
    }

    /// Goes on to what is left of a frame, or to the next one.
    fn rest(&mut self, left: u64, part: Part, out: &mut Vec<u8>) {
        if let Current::Held(message) = &self.current
            && (!message.may_name_models() || message.size() > self.limit)
        {
            self.release(out);
        }
        if left > 0 {
            self.state = State::Payload(left, part);
            return;
        }
        self.state = State::Head(Head::default());
        if let Part::Message { last: true } = part {
            self.release(out);
            self.current = Current::None;
        }
    }

    /// Lets the held message go on, and its rest with it.
    fn release(&mut self, out: &mut Vec<u8>) {
        if let Current::Held(_) = self.current
            && let Current::Held(message) = std::mem::replace(&mut self.current, Current::Passing)
        {
            message.write(self.models, &self.extra, out);
        }
    }
}

#[cfg(test)]
mod tests;
