//! What orchestrators ask: is it alive, is it ready? They ask from anywhere and under any name.

use http::{Method, Response, StatusCode};

use super::{TEXT, answer, only_read};
use crate::error::Error;
use crate::message::body::Body;

/// Answers `/healthz` and `/readyz`; nothing for any other path. As [`super::WELL_KNOWN`], it says who we are and
/// nothing of what others do.
///
/// Alive is who answers: no upstream is asked, for a restart would not make that better. Ready is who takes new
/// work: not a proxy that is stopping.
pub fn respond(method: &Method, path: &str, stopping: bool) -> Option<Result<Response<Body>, Error>> {
    let ready = match path {
        "/healthz" => true,
        "/readyz" => !stopping,
        _ => return None,
    };
    Some(only_read(method).map(|()| {
        let mut response = answer(TEXT, if ready { "ok\n" } else { "stopping\n" });
        if !ready {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
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
            let answered =
                respond(&Method::GET, path, stopping).map(|answer| answer.unwrap().status().as_u16());
            assert_eq!(answered, status, "{path} {stopping}");
        }
        assert!(respond(&Method::POST, "/healthz", false).unwrap().is_err());
    }
}
