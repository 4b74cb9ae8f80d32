//! One exchange in slow motion: content goes up piece by piece and comes down frame by frame.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use azure_openai_proxy::message::body::{Body, BoxError};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

use crate::client::{self, OPENAI_HOST, within};
use crate::stage::Stage;

/// The version inside and the way in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    BaseUrl,
    BaseUrlHttp2,
    Tunnel,
    TunnelHttp2,
}

/// A client in the middle of an exchange. Dropping it is going away.
pub(crate) struct Exchange {
    up: Option<UnboundedSender<Bytes>>,
    down: UnboundedReceiver<Bytes>,
    asking: JoinHandle<()>,
}

/// Content that is written as the test hands it over.
struct Dripping(UnboundedReceiver<Bytes>);

enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

// === impl Way ===

impl Way {
    /// Every way.
    pub(crate) const ALL: [Self; 4] = [Self::BaseUrl, Self::BaseUrlHttp2, Self::Tunnel, Self::TunnelHttp2];

    async fn sender(self, stage: &Stage) -> Sender {
        let connection = client::connect(stage.proxy);
        match self {
            Self::BaseUrl => Sender::Http1(client::http1_over(connection.await).await),
            Self::BaseUrlHttp2 => Sender::Http2(client::http2_over(connection.await).await),
            Self::Tunnel => Sender::Http1(client::intercepted(stage.proxy, &stage.ca_pem).await),
            Self::TunnelHttp2 => Sender::Http2(client::intercepted_http2(stage.proxy, &stage.ca_pem).await),
        }
    }

    fn request(self, proxy: SocketAddr, content: Body) -> Request<Body> {
        let target = match self {
            Self::BaseUrl | Self::Tunnel => "/v1/chat/completions".to_owned(),
            Self::BaseUrlHttp2 => format!("http://{proxy}/v1/chat/completions"),
            Self::TunnelHttp2 => format!("https://{OPENAI_HOST}/v1/chat/completions"),
        };
        let request = Request::post(target).header("Content-Type", "application/json");
        let request = match self {
            Self::BaseUrl => request.header("Host", proxy.to_string()),
            Self::Tunnel => request.header("Host", OPENAI_HOST),
            Self::BaseUrlHttp2 | Self::TunnelHttp2 => request,
        };
        request.body(content).expect("a request")
    }
}

// === impl Exchange ===

impl Exchange {
    /// Sends the head of a chat completion.
    pub(crate) async fn begin(stage: &Stage, way: Way) -> Self {
        let (up, content) = mpsc::unbounded_channel();
        let (frames, down) = mpsc::unbounded_channel();
        let request = way.request(stage.proxy, Dripping(content).boxed_unsync());
        let mut sender = way.sender(stage).await;
        let asking = tokio::spawn(async move {
            let Ok(response) = sender.send(request).await else { return };
            let mut content = response.into_body();
            while let Some(Ok(frame)) = content.frame().await {
                let Ok(data) = frame.into_data() else { continue };
                // The test may have seen enough.
                let _ = frames.send(data);
            }
        });
        Self { up: Some(up), down, asking }
    }

    /// Sends a piece of content.
    pub(crate) fn send(&self, piece: impl Into<Bytes>) {
        let up = self.up.as_ref().expect("the content is not finished");
        up.send(piece.into()).expect("the exchange goes on");
    }

    /// Sends the last piece of content.
    pub(crate) fn finish(&mut self, piece: impl Into<Bytes>) {
        self.send(piece);
        self.up = None;
    }

    /// The next frame of the answer's content.
    pub(crate) async fn receive(&mut self) -> Bytes {
        within(self.down.recv()).await.expect("the answer goes on")
    }

    /// The rest of the answer's content, which is whole.
    pub(crate) async fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        while let Some(data) = within(self.down.recv()).await {
            rest.extend_from_slice(&data);
        }
        rest
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.asking.abort();
        if let Some(up) = self.up.take() {
            // Dropped here it would be an end of the content, and this is none.
            std::mem::forget(up);
        }
    }
}

// === impl Sender ===

impl Sender {
    async fn send(&mut self, request: Request<Body>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::Http1(sender) => sender.send_request(request).await,
            Self::Http2(sender) => sender.send_request(request).await,
        }
    }
}

// === impl Dripping ===

impl http_body::Body for Dripping {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
