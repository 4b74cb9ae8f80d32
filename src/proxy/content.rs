//! The content of a request: held back while its model is not known, then streamed.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::error::{Error, Kind};
use crate::message::body::{Body, BoxError};
use crate::rewrite::{Progress, Search, Splice, Watch};

/// Content that was read far enough to know its model.
pub struct Held {
    frames: VecDeque<Frame<Bytes>>,
    rest: Option<Incoming>,
}

/// Content as it goes upstream: what was held, with the model spliced, then the rest as it comes.
struct Released {
    held: Held,
    watch: Watch,
    /// Octets still to come, where the client declared their number.
    declared: Option<u64>,
}

/// Reads until the search knows the model or the content ends.
///
/// At most `limit` octets are held, and the client may pause for `idle` at most.
pub async fn hold(
    mut content: Incoming,
    search: &mut Search,
    limit: usize,
    idle: Duration,
) -> Result<Held, Error> {
    let mut held = Held { frames: VecDeque::new(), rest: None };
    let mut octets = 0;
    loop {
        let frame = tokio::time::timeout(idle, content.frame()).await;
        let frame = match frame.map_err(|elapsed| Error::because(Kind::ClientContent, elapsed))? {
            Some(frame) => frame.map_err(|broken| Error::because(Kind::ClientContent, broken))?,
            None => {
                search.end()?;
                return Ok(held);
            }
        };
        let progress = match frame.data_ref() {
            Some(data) => {
                octets += data.len();
                search.push(data)?
            }
            None => Progress::More,
        };
        held.frames.push_back(frame);
        if progress == Progress::Found {
            held.rest = Some(content);
            return Ok(held);
        }
        if octets > limit {
            return Err(Kind::TooLarge { limit }.into());
        }
    }
}

// === impl Held ===

impl Held {
    /// Replaces the model where it has to be, and lets everything go on. `declared` is the
    /// number of octets that the client declared, corrected for the splice.
    pub fn release(mut self, splice: Option<Splice>, search: Search, declared: Option<u64>) -> Body {
        if let Some(splice) = splice {
            self.frames = spliced(self.frames, splice);
        }
        Released { held: self, watch: search.watch(), declared }.boxed_unsync()
    }
}

/// Cuts the replaced octets out of the frames, wherever the frames happen to be divided.
fn spliced(frames: VecDeque<Frame<Bytes>>, splice: Splice) -> VecDeque<Frame<Bytes>> {
    let mut replacement = Some(splice.replacement);
    let mut offset = 0_u64;
    let mut out = VecDeque::with_capacity(frames.len() + 2);
    for frame in frames {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => {
                out.push_back(trailers);
                continue;
            }
        };
        let length = data.len() as u64;
        let within =
            |at: u64| usize::try_from(at.clamp(offset, offset + length) - offset).unwrap_or(data.len());
        let (cut, resume) = (within(splice.at.start), within(splice.at.end));
        let starts_here = splice.at.start < offset + length;
        push(&mut out, data.slice(..cut));
        if let Some(replacement) = replacement.take_if(|_| starts_here) {
            push(&mut out, replacement);
        }
        push(&mut out, data.slice(resume..));
        offset += length;
    }
    out
}

fn push(frames: &mut VecDeque<Frame<Bytes>>, data: Bytes) {
    if !data.is_empty() {
        frames.push_back(Frame::data(data));
    }
}

// === impl Released ===

impl HttpBody for Released {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let frame = match (this.held.frames.pop_front(), &mut this.held.rest) {
            (Some(frame), _) => frame,
            (None, None) => return Poll::Ready(None),
            (None, Some(rest)) => match ready!(Pin::new(rest).poll_frame(cx)) {
                None => {
                    this.held.rest = None;
                    return Poll::Ready(None);
                }
                Some(Err(broken)) => return Poll::Ready(Some(Err(broken.into()))),
                Some(Ok(frame)) => {
                    if let Some(Err(refusal)) = frame.data_ref().map(|data| this.watch.push(data)) {
                        return Poll::Ready(Some(Err(refusal.into())));
                    }
                    frame
                }
            },
        };
        if let (Some(declared), Some(data)) = (&mut this.declared, frame.data_ref()) {
            *declared = declared.saturating_sub(data.len() as u64);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.held.frames.is_empty() && self.held.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splices_wherever_the_frames_are_divided() {
        let text = b"{\"model\":\"gpt-4o\",\"x\":1}";
        for step in 1..=text.len() {
            for (replacement, expected) in [
                ("\"d\"", "{\"model\":\"d\",\"x\":1}"),
                ("\"a-longer-deployment\"", "{\"model\":\"a-longer-deployment\",\"x\":1}"),
            ] {
                let frames =
                    text.chunks(step).map(|part| Frame::data(Bytes::copy_from_slice(part))).collect();
                let splice = Splice { at: 9..17, replacement: Bytes::from_static(replacement.as_bytes()) };
                let out: Vec<u8> = spliced(frames, splice)
                    .into_iter()
                    .filter_map(|f| f.into_data().ok())
                    .flatten()
                    .collect();
                assert_eq!(String::from_utf8_lossy(&out), expected, "{step}");
            }
        }
    }
}
