//! hudsucker with a handler that rewrites.

use http::{Method, Request, Response};
use hudsucker::certificate_authority::RcgenAuthority;
use hudsucker::rustls::crypto::aws_lc_rs;
use hudsucker::{Body, HttpContext, HttpHandler, Proxy, RequestOrResponse};
use peers::{Setup, rewrite};

#[derive(Clone)]
struct Rewriter(String);

impl HttpHandler for Rewriter {
    async fn handle_request(&mut self, _: &HttpContext, request: Request<Body>) -> RequestOrResponse {
        if request.method() == Method::CONNECT {
            return request.into();
        }
        let (mut parts, body) = request.into_parts();
        match rewrite(&mut parts, &self.0) {
            Ok(()) => Request::from_parts(parts, body).into(),
            Err(_) => {
                let mut refused = Response::new(Body::empty());
                *refused.status_mut() = http::StatusCode::BAD_REQUEST;
                refused.into()
            }
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let setup = Setup::read()?;
    let ca = RcgenAuthority::new(setup.issuer()?, 10_000, aws_lc_rs::default_provider());
    let proxy = Proxy::builder()
        .with_listener(setup.listener()?)
        .with_ca(ca)
        .with_http_connector(setup.connector()?)
        .with_http_handler(Rewriter(setup.origin))
        .build()?;
    Ok(proxy.start().await?)
}
