//! http-mitm-proxy with a service that rewrites and sends by hyper-util's client.

use std::sync::Arc;

use http::Request;
use http_mitm_proxy::MitmProxy;
use http_mitm_proxy::moka::sync::Cache;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use peers::{Setup, rewrite};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let setup = Setup::read()?;
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http1_preserve_header_case(true).http1_title_case_headers(true);
    let client: Client<_, Incoming> = builder.build(setup.connector()?);
    let origin: Arc<str> = setup.origin.as_str().into();
    let service = service_fn(move |request: Request<Incoming>| {
        let (client, origin) = (client.clone(), Arc::clone(&origin));
        async move {
            let (mut parts, body) = request.into_parts();
            rewrite(&mut parts, &origin)?;
            anyhow::Ok(client.request(Request::from_parts(parts, body)).await?)
        }
    });
    let proxy = Arc::new(MitmProxy::new(Some(setup.issuer()?), Some(Cache::new(10_000))));
    let listener = setup.listener()?;
    loop {
        // As its own `bind` does, but with a listener that has TCP_NODELAY.
        let (stream, _) = listener.accept().await?;
        let service = MitmProxy::wrap_service(Arc::clone(&proxy), service.clone());
        let connection = http1::Builder::new()
            .preserve_header_case(true)
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        // What goes wrong concerns one client.
        tokio::spawn(async move { connection.await.ok() });
    }
}
