//! What orchestrators ask: is it alive, is it ready? They ask from anywhere and under any name.

use http::{Method, StatusCode};

use super::{PRODUCT_FIELD, TEXT, answer, only_read};
use crate::error::Error;
use crate::message::Response;
use crate::message::body::Body;

/// Whether an orchestrator asks this.
pub fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}

/// Answers `/healthz` and `/readyz`; nothing for any other path. Who we are is for clients of this machine alone.
///
/// Alive is who answers: no upstream is asked, for a restart would not make that better. Ready is who takes new
/// work: not a proxy that is stopping.
pub fn respond(
    method: &Method,
    path: &str,
    local: bool,
    stopping: bool,
) -> Option<Result<Response<Body>, Error>> {
    let ready = match path {
        "/healthz" => true,
        "/readyz" => !stopping,
        _ => return None,
    };
    Some(only_read(method).map(|()| {
        let mut response = answer(TEXT, if ready { "ok\n" } else { "stopping\n" });
        if !local {
            response.head.fields.remove(PRODUCT_FIELD);
        }
        if !ready {
            response.head.status = StatusCode::SERVICE_UNAVAILABLE;
        }
        response
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stops_is_alive_but_not_ready() {
        for (path, stopping, status) in [
            ("/healthz", false, Some(200)),
            ("/healthz", true, Some(200)),
            ("/readyz", false, Some(200)),
            ("/readyz", true, Some(503)),
            ("/metrics", false, None),
        ] {
            for local in [true, false] {
                let answered = respond(&Method::GET, path, local, stopping).map(Result::unwrap);
                let told = answered.as_ref().map(|response| response.head.status.as_u16());
                assert_eq!(told, status, "{path} {stopping}");
                let names_us = answered.is_some_and(|response| response.head.fields.contains(PRODUCT_FIELD));
                assert_eq!(names_us, local && status.is_some(), "{path} {local}");
            }
        }
        assert!(respond(&Method::POST, "/healthz", true, false).unwrap().is_err());
    }
}
