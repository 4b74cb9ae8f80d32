//! The content of a request: held back while its model is not known, then streamed.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

use super::received::Content;
use super::room::{Place, Room};
use crate::error::{Error, Kind, Sought};
use crate::message::body::{BoxError, Upload};
use crate::policy::Client;
use crate::rewrite::{Progress, Search, Splice, Watch};

/// Content that was read as far as it had to be.
pub struct Held {
    frames: VecDeque<Frame<Bytes>>,
    octets: usize,
    /// What it takes of the store.
    places: Vec<Place>,
    rest: Option<Content>,
    waited: Duration,
}

/// What bounds the reading of content that is held back.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// Octets that are held, and octets that come out of them when they are decoded.
    pub octets: usize,
    /// How long the client may pause.
    pub idle: Duration,
    /// Where what is held takes its places, with all that others hold: one for each [`SHELF`] octets.
    pub store: &'a Room,
    /// Who sends it, and from where.
    pub sender: (IpAddr, Client),
}

/// Octets that take one place in the store. What is shorter takes none: connections bound it well enough.
pub const SHELF: usize = 64 << 10;

/// Content as it goes upstream: what was held, with the model spliced, then the rest as it comes.
struct Released {
    held: Held,
    watch: Watch,
    /// Octets still to come, where the client declared their number.
    declared: Option<u64>,
}

/// The client's content broke off, or its framing cannot be followed any further.
#[derive(Debug, thiserror::Error)]
#[error("the client's content broke off")]
pub struct Broken(#[source] BoxError);

/// Content that goes on as it comes.
pub fn pass(content: Content) -> Upload {
    if content.is_end_stream() {
        return Upload::empty();
    }
    Upload::Streamed(content.map_err(|error| Broken(error).into()).boxed_unsync())
}

// === impl Held ===

impl Held {
    /// Reads until the search knows the model or the content ends.
    pub async fn until_found(
        content: Content,
        search: &mut Search,
        bounds: Bounds<'_>,
    ) -> Result<Self, Error> {
        let mut held = Self::before(content);
        while held.rest.is_some() {
            if held.read(search, bounds, Sought::Model).await? == Progress::Found {
                break;
            }
        }
        Ok(held)
    }

    fn before(rest: impl Into<Option<Content>>) -> Self {
        let (frames, places) = (VecDeque::new(), Vec::new());
        Self { frames, octets: 0, places, rest: rest.into(), waited: Duration::ZERO }
    }

    /// Reads on to the end of the content, and returns all of it.
    pub async fn whole(&mut self, search: &mut Search, bounds: Bounds<'_>) -> Result<Bytes, Error> {
        while self.rest.is_some() {
            self.read(search, bounds, Sought::Whole).await?;
        }
        let mut whole = BytesMut::with_capacity(self.octets);
        let mut trailers = VecDeque::new();
        for frame in self.frames.drain(..) {
            match frame.into_data() {
                Ok(data) => whole.extend_from_slice(&data),
                Err(frame) => trailers.push_back(frame),
            }
        }
        self.frames = trailers;
        let whole = whole.freeze();
        self.replace(whole.clone());
        Ok(whole)
    }

    /// How long the client was waited for.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Puts other content in place of that which [`Held::whole`] returned.
    pub fn replace(&mut self, content: Bytes) {
        self.frames.retain(Frame::is_trailers);
        if !content.is_empty() {
            self.frames.push_front(Frame::data(content));
        }
    }

    /// Replaces the model where it has to be, and lets everything go on. `declared` is the
    /// number of octets that the client declared, corrected for the splice.
    ///
    /// Only what would take no place in the store goes on as a whole, which may be kept until there is a response.
    pub fn release(mut self, splice: Option<Splice>, search: Search, declared: Option<u64>) -> Upload {
        if let Some(splice) = splice {
            cut(&mut self.frames, splice);
        }
        let octets: usize = self.frames.iter().filter_map(Frame::data_ref).map(Bytes::len).sum();
        if octets < SHELF && self.rest.as_ref().is_none_or(HttpBody::is_end_stream) {
            return Upload::Whole { frames: self.frames, declared };
        }
        Upload::Streamed(Released { held: self, watch: search.watch(), declared }.boxed_unsync())
    }

    /// Puts a frame behind those that are held.
    fn keep(&mut self, frame: Frame<Bytes>) {
        let small = |frame: &Frame<Bytes>| frame.data_ref().is_some_and(|data| data.len() < SMALL);
        if !small(&frame) {
            return self.frames.push_back(frame);
        }
        let last = if self.frames.back().is_some_and(small) { self.frames.pop_back() } else { None };
        let mut gathered = match last.and_then(|last| last.into_data().ok()).map(Bytes::try_into_mut) {
            None => return self.frames.push_back(frame),
            Some(Ok(gathered)) => gathered,
            Some(Err(shared)) => {
                let mut gathered = BytesMut::with_capacity(2 * SMALL);
                gathered.extend_from_slice(&shared);
                gathered
            }
        };
        gathered.extend(frame.into_data().ok());
        self.frames.push_back(Frame::data(gathered.freeze()));
    }

    /// Takes as many places in the store as the octets need, if there are so many.
    fn take_places(&mut self, bounds: Bounds<'_>) -> Result<(), Error> {
        while self.places.len() < self.octets / SHELF {
            let (address, client) = bounds.sender;
            let place = bounds.store.enter(address, client);
            self.places.push(place.map_err(|full| Error::because(Kind::StoreFull, full))?);
        }
        Ok(())
    }

    /// Reads one frame and shows it to the search.
    async fn read(
        &mut self,
        search: &mut Search,
        bounds: Bounds<'_>,
        sought: Sought,
    ) -> Result<Progress, Error> {
        let Some(rest) = &mut self.rest else { return Ok(Progress::Found) };
        // Content that came with its head is there: nobody was waited for.
        let there = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *rest).poll_frame(cx))).await;
        let frame = match there {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let asked = Instant::now();
                let frame = tokio::time::timeout(bounds.idle, rest.frame()).await;
                self.waited += asked.elapsed();
                frame.map_err(|elapsed| Error::because(Kind::ClientContent, elapsed))?
            }
        };
        let frame = match frame {
            Some(frame) => frame.map_err(|broken| Error::because(Kind::ClientContent, broken))?,
            None => {
                self.rest = None;
                search.end()?;
                return Ok(Progress::Found);
            }
        };
        let progress = match frame.data_ref() {
            Some(data) => {
                self.octets += data.len();
                search.push(data)?
            }
            None => Progress::More,
        };
        self.keep(frame);
        if progress == Progress::More || sought == Sought::Whole {
            self.take_places(bounds)?;
        }
        let past = self.octets > bounds.octets || search.octets() > bounds.octets as u64;
        if past && (progress == Progress::More || sought == Sought::Whole) {
            return Err(Kind::TooLarge { limit: bounds.octets, sought }.into());
        }
        Ok(progress)
    }
}

/// Content in pieces smaller than this is gathered: a piece by itself costs a frame, and holds the buffer that it was
/// read into.
const SMALL: usize = 4 << 10;

/// Cuts the replaced octets out of the frames, wherever the frames happen to be divided.
fn cut(frames: &mut VecDeque<Frame<Bytes>>, splice: Splice) {
    let mut replacement = Some(splice.replacement);
    let mut offset = 0_u64;
    // Each leaves at the front, and what becomes of it comes in at the back.
    for _ in 0..frames.len() {
        let Some(frame) = frames.pop_front() else { return };
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => {
                frames.push_back(trailers);
                continue;
            }
        };
        let length = data.len() as u64;
        let within =
            |at: u64| usize::try_from(at.clamp(offset, offset + length) - offset).unwrap_or(data.len());
        let (end, resume) = (within(splice.at.start), within(splice.at.end));
        let starts_here = splice.at.start < offset + length;
        push(frames, data.slice(..end));
        if let Some(replacement) = replacement.take_if(|_| starts_here) {
            push(frames, replacement);
        }
        push(frames, data.slice(resume..));
        offset += length;
    }
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
                Some(Err(error)) => return Poll::Ready(Some(Err(Broken(error).into()))),
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
mod tests;
