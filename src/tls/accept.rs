//! The server side of a TLS handshake, with the certificate chosen once the client said which name it wants.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::Acceptor;
use rustls::{AlertDescription, ServerConfig};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::net::ahead::Ahead;
use crate::tls::leaf::LeafError;

/// A finished handshake.
#[derive(Debug)]
pub struct Accepted<IO> {
    /// The plain side of the connection.
    pub stream: TlsStream<Ahead<IO>>,
    /// The name that the client asked for, in lower case (RFC 6066 §3).
    pub sni: Option<String>,
    /// Whether HTTP/2 was agreed on (RFC 7301); HTTP/1.1 otherwise.
    pub h2: bool,
}

/// Why a handshake came to nothing.
#[derive(Debug, Error)]
pub enum AcceptError {
    /// It was not finished in time.
    #[error("the TLS handshake took longer than {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// What the client sent first is not a TLS ClientHello.
    #[error("the client does not speak TLS")]
    NotTls(#[source] rustls::Error),
    /// There is no certificate for the name that it asked for.
    #[error("there is no certificate for the client")]
    Choose(#[source] LeafError),
    /// The client refused with an alert; see [`AcceptError::client_distrusts`].
    #[error("the client refused the TLS handshake: {0:?}")]
    ClientRejected(AlertDescription),
    /// The client went away before it said what it wants.
    #[error("the client closed the connection before the TLS handshake")]
    Closed,
    /// The client went away once it had our certificate; see [`AcceptError::client_distrusts`].
    #[error("the client broke off the TLS handshake")]
    Abandoned,
    /// Both speak TLS but do not come together.
    #[error("the TLS handshake failed")]
    Handshake(#[source] rustls::Error),
    /// The connection broke.
    #[error("the connection broke during the TLS handshake")]
    Io(#[source] io::Error),
}

/// Runs the handshake on `io`; all of it ends within `deadline`.
///
/// `choose` gets the name that the client asks for, if any. Where it refuses, the client is told by an alert.
pub async fn accept<IO>(
    io: IO,
    choose: impl FnOnce(Option<&str>) -> Result<Arc<ServerConfig>, LeafError>,
    deadline: Duration,
) -> Result<Accepted<IO>, AcceptError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    time::timeout(deadline, handshake(io, choose)).await.unwrap_or(Err(AcceptError::Timeout(deadline)))
}

async fn handshake<IO>(
    io: IO,
    choose: impl FnOnce(Option<&str>) -> Result<Arc<ServerConfig>, LeafError>,
) -> Result<Accepted<IO>, AcceptError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let start = LazyConfigAcceptor::new(Acceptor::default(), Ahead::new(io))
        .await
        .map_err(AcceptError::before_hello)?;
    let sni = start.client_hello().server_name().map(str::to_ascii_lowercase);
    let config = match choose(sni.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            refuse(start.io, &error).await;
            return Err(AcceptError::Choose(error));
        }
    };
    let stream = start.into_stream(config).await.map_err(AcceptError::after_hello)?;
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(Accepted { stream, sni, h2 })
}

/// Sends the alert that fits; rustls writes none on behalf of one who drops a ClientHello.
async fn refuse(mut io: impl AsyncWrite + Unpin, error: &LeafError) {
    let description = match error {
        LeafError::NotAllowed { .. } | LeafError::NotCovered { .. } => AlertDescription::UnrecognisedName,
        LeafError::CaExpired(_) | LeafError::Sign(_) | LeafError::Tls(_) => AlertDescription::InternalError,
    };
    // RFC 8446 §5.1 and §6: record type alert, version, length; then level fatal, description.
    let record = [21, 3, 3, 0, 2, 2, u8::from(description)];
    // The refusal itself is what the caller reports, whether or not the client still hears it.
    let _ = io.write_all(&record).await;
    let _ = io.shutdown().await;
}

// === impl AcceptError ===

impl AcceptError {
    /// Whether the client most likely does not trust our CA: it refused the certificate with an alert, or went
    /// away on seeing it, as Node.js does.
    pub fn client_distrusts(&self) -> bool {
        use AlertDescription as Alert;
        match self {
            Self::Abandoned => true,
            Self::ClientRejected(alert) => matches!(
                alert,
                Alert::UnknownCA
                    | Alert::BadCertificate
                    | Alert::CertificateUnknown
                    | Alert::UnsupportedCertificate
                    | Alert::CertificateExpired
                    | Alert::CertificateRevoked
            ),
            _ => false,
        }
    }

    fn before_hello(error: io::Error) -> Self {
        match rustls_error(&error) {
            Some(error) => Self::NotTls(error),
            None if is_departure(&error) => Self::Closed,
            None => Self::Io(error),
        }
    }

    fn after_hello(error: io::Error) -> Self {
        match rustls_error(&error) {
            Some(rustls::Error::AlertReceived(alert)) => Self::ClientRejected(alert),
            Some(error) => Self::Handshake(error),
            None if is_departure(&error) => Self::Abandoned,
            None => Self::Io(error),
        }
    }
}

fn is_departure(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn rustls_error(error: &io::Error) -> Option<rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).cloned()
}

#[cfg(test)]
mod tests;
