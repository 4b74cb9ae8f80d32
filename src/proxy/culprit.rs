//! Whose fault it is when a request's content breaks off on its way up.
//!
//! The upstream exchange fails with it, and says no more than that: over HTTP/2 a stream that we had
//! to reset looks like one that the upstream reset. So the reason is noted where it is known.

use std::sync::{Arc, OnceLock};

use http_body_util::BodyExt;

use super::content::Broken;
use crate::error::{Error, Kind};
use crate::message::body::{BoxError, Upload};
use crate::rewrite::Refusal;
use crate::upstream::send::SendError;

/// Why content broke off, if it did on our side of the upstream; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Culprit(Arc<OnceLock<Reason>>);

#[derive(Clone, Debug)]
enum Reason {
    /// The client's content broke off, or its framing could not be followed.
    Client,
    /// We refused to send the rest.
    Refused(Refusal),
}

/// Watches over content that goes upstream. What is there as a whole does not break off.
pub fn watch(content: Upload) -> (Upload, Culprit) {
    let culprit = Culprit::default();
    let Upload::Streamed(content) = content else { return (content, culprit) };
    let noting = culprit.clone();
    let content = content.inspect_err(move |error| noting.note(error)).boxed_unsync();
    (Upload::Streamed(content), culprit)
}

// === impl Culprit ===

impl Culprit {
    /// What the client is told about an exchange that failed: the true reason, where it is known.
    pub fn explain(&self, failed: SendError) -> Error {
        match self.0.get() {
            Some(Reason::Client) => Error::because(Kind::ClientContent, failed),
            Some(Reason::Refused(refusal)) => Kind::Refused(refusal.clone()).into(),
            None => failed.into(),
        }
    }

    fn note(&self, error: &BoxError) {
        let reason = match error.downcast_ref::<Refusal>() {
            Some(refusal) => Some(Reason::Refused(refusal.clone())),
            None => error.is::<Broken>().then_some(Reason::Client),
        };
        if let Some(reason) = reason {
            // Content breaks off once.
            let _ = self.0.set(reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body::Frame;

    use super::*;

    async fn explained(error: BoxError) -> Error {
        let content =
            http_body_util::StreamBody::new(futures_util::stream::iter([Err::<Frame<Bytes>, _>(error)]));
        let (mut content, culprit) = watch(Upload::Streamed(content.boxed_unsync()));
        assert!(content.frame().await.is_some_and(|frame| frame.is_err()));
        culprit.explain(SendError::Broken("the stream was reset".into()))
    }

    #[tokio::test]
    async fn a_refusal_in_the_middle_of_an_exchange_is_told_as_such() {
        let told = explained(Refusal::UnknownPath.into()).await;
        assert!(matches!(told.kind(), Kind::Refused(Refusal::UnknownPath)));
        let told = explained("a disk is full".into()).await;
        assert!(matches!(told.kind(), Kind::Upstream(SendError::Broken(_))));
    }
}
