//! Fields that HTTP/2 has its own ways for.

use std::time::SystemTime;

use http::header::{CONTENT_LENGTH, COOKIE, DATE, HeaderValue, TE};

use crate::message::{Fields, ResponseHead};

/// Fields of one connection of HTTP/1.
const CONNECTIONS_OWN: [&str; 5] =
    ["connection", "transfer-encoding", "upgrade", "keep-alive", "proxy-connection"];

/// A response's head as the `h2` crate takes it.
pub(super) fn response(head: &ResponseHead) -> http::Response<()> {
    let mut response = http::Response::new(());
    (*response.status_mut(), *response.headers_mut()) = (head.status, head.fields.to_map());
    response
}

/// Takes out what speaks of a connection of HTTP/1 (RFC 9113 §8.2.2).
pub(super) fn without_connection(fields: &mut Fields) {
    let trailers = fields.get(TE) == Some(b"trailers");
    fields.retain(|name| !name.is_one_of(&CONNECTIONS_OWN) && (trailers || !name.is(TE)));
}

/// Puts together what HTTP/2 lets a client send in pieces, as everybody else has to have it (RFC 9113 §8.2.3).
pub(super) fn join_cookies(fields: &mut Fields) {
    let crumbs: Vec<&[u8]> = fields.get_all(COOKIE).collect();
    if crumbs.len() > 1
        && let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        fields.insert(COOKIE, whole);
    }
}

/// Declares a length where none is declared.
pub(super) fn declare(fields: &mut Fields, length: u64) {
    if !fields.contains(CONTENT_LENGTH) {
        fields.append(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// Adds the date where there is none, as RFC 9110 §6.6.1 asks.
pub(super) fn date(fields: &mut Fields) {
    if fields.contains(DATE) {
        return;
    }
    if let Ok(now) = HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::now())) {
        fields.append(DATE, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_in_pieces_is_one_for_everybody_else() {
        let mut fields = Fields::of(&[("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2; c=3")]);
        join_cookies(&mut fields);
        assert_eq!(fields.get_all(COOKIE).collect::<Vec<_>>(), [b"a=1; b=2; c=3"]);
        assert_eq!(fields.text("accept"), Some("*/*"));
    }
}
