//! The ways in which a client is led to the proxy.

use crate::stage::Stage;

/// The root of the API for a client that was told nothing.
const OPENAI: &str = "https://api.openai.com/v1";

/// How a client is led to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `https_proxy=http://…`
    Proxy,
    /// `https_proxy=https://…`: TLS to the proxy, and TLS through it.
    TlsProxy,
    /// A base URL with `http`, which needs no certificate.
    BaseUrl,
    /// A base URL with `https`.
    TlsBaseUrl,
}

// === impl Way ===

impl Way {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Proxy, Self::TlsProxy, Self::BaseUrl, Self::TlsBaseUrl];

    /// The value of `https_proxy`, where that is the way.
    pub(crate) fn proxy(self, stage: &Stage) -> Option<String> {
        match self {
            Self::Proxy => Some(format!("http://{}", stage.proxy)),
            Self::TlsProxy => Some(format!("https://localhost:{}", stage.proxy.port())),
            Self::BaseUrl | Self::TlsBaseUrl => None,
        }
    }

    /// The base URL, where that is the way.
    pub(crate) fn base_url(self, stage: &Stage) -> Option<String> {
        match self {
            Self::Proxy | Self::TlsProxy => None,
            Self::BaseUrl => Some(format!("http://{}/v1", stage.proxy)),
            Self::TlsBaseUrl => Some(format!("https://localhost:{}/v1", stage.proxy.port())),
        }
    }

    /// Where this client believes that `path` is.
    pub(crate) fn url(self, stage: &Stage, path: &str) -> String {
        format!("{}{path}", self.base_url(stage).as_deref().unwrap_or(OPENAI))
    }

    /// Whether the client has to trust the proxy's CA.
    pub(crate) fn needs_trust(self) -> bool {
        self != Self::BaseUrl
    }
}
