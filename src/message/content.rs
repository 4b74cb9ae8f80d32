//! What a head says of its message's content, in every version of HTTP (RFC 9110 §6.4).

use http::header::{CONTENT_LENGTH, EXPECT};
use http::{Method, StatusCode};
use thiserror::Error;

use super::Fields;

/// Not one number, written as everybody writes it: what two readers could read in two ways.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a Content-Length that can be read in two ways")]
pub struct AmbiguousLength;

/// The declared length, if there is one (RFC 9110 §8.6): digits, once, without a sign and without zeros in front, which
/// some take for an octal number.
pub fn length(fields: &Fields) -> Result<Option<u64>, AmbiguousLength> {
    let mut lines = fields.get_all(CONTENT_LENGTH);
    let Some(line) = lines.next() else { return Ok(None) };
    let number = match line {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] => line.iter().try_fold(0, |number: u64, octet| {
            let digit = octet.is_ascii_digit().then(|| u64::from(octet - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        }),
        _ => None,
    };
    number.filter(|_| lines.next().is_none()).map(Some).ok_or(AmbiguousLength)
}

/// Whether a response to a request of this method has no content, whatever its fields say (RFC 9110 §6.4.1).
pub fn is_without_content(asked: &Method, status: StatusCode) -> bool {
    let bare = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let tunnel = *asked == Method::CONNECT && status.is_success();
    bare || tunnel || status.is_informational() || *asked == Method::HEAD
}

/// Whether a request's content waits until the server says that it is wanted (RFC 9110 §10.1.1).
pub fn expects_continue(fields: &Fields) -> bool {
    fields.get(EXPECT).is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
}
