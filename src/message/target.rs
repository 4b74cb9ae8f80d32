//! The four forms of a request target (RFC 9112 §3.2).

use http::uri::{PathAndQuery, Scheme};
use http::{Method, Uri};
use thiserror::Error;

use super::host_port::{HostPort, HostPortError};

/// What a request line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `/path?query`: the authority stands in `Host` or `:authority`.
    Origin(PathAndQuery),
    /// `http://host/path`: the form that is sent to a proxy.
    Absolute {
        /// Whether the scheme is `https`.
        secure: bool,
        /// Who is to answer.
        authority: HostPort,
        /// What is asked of it.
        path: PathAndQuery,
    },
    /// `host:port`, with CONNECT only.
    Authority(HostPort),
    /// `*`, with OPTIONS only.
    Asterisk,
}

/// Why a request target cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    /// CONNECT with anything but `host:port`, or the authority form with another method.
    #[error("CONNECT takes host:port and nothing else")]
    Connect,
    /// The authority is malformed.
    #[error("bad authority in the request target")]
    Authority(#[from] HostPortError),
    /// Neither http nor https.
    #[error("only http and https targets are proxied")]
    Scheme,
}

// === impl Target ===

impl Target {
    /// Reads the target of a request that came over HTTP/1.x, or of an HTTP/2 request on a
    /// connection that is not a tunnel. An HTTP/2 `:authority` equal to the request's own
    /// server is still an origin-form request, so `h2` says which rules hold (RFC 9113 §8.3.1).
    pub fn parse(method: &Method, uri: &Uri, h2: bool) -> Result<Self, TargetError> {
        if method == Method::CONNECT {
            let authority =
                uri.authority().filter(|_| uri.path_and_query().is_none_or(|p| p.as_str() == "/"));
            let authority = authority.filter(|_| uri.scheme().is_none()).ok_or(TargetError::Connect)?;
            return Ok(Self::Authority(HostPort::parse(authority.as_str(), None)?));
        }
        let path = uri.path_and_query().cloned().ok_or(TargetError::Connect)?;
        if path.as_str() == "*" {
            return Ok(Self::Asterisk);
        }
        match (uri.scheme(), uri.authority()) {
            (Some(scheme), Some(authority)) if !h2 => {
                let secure = *scheme == Scheme::HTTPS;
                if !secure && *scheme != Scheme::HTTP {
                    return Err(TargetError::Scheme);
                }
                let authority = HostPort::parse(authority.as_str(), Some(if secure { 443 } else { 80 }))?;
                Ok(Self::Absolute { secure, authority, path })
            }
            _ => Ok(Self::Origin(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: &str, uri: &str) -> Result<Target, TargetError> {
        let uri: Uri = uri.parse().expect("the test's targets are URIs");
        Target::parse(&Method::from_bytes(method.as_bytes()).expect("a method"), &uri, false)
    }

    #[test]
    fn tells_the_four_forms_apart() {
        assert!(matches!(parse("GET", "/v1/models?a=b"), Ok(Target::Origin(p)) if p == "/v1/models?a=b"));
        assert_eq!(parse("OPTIONS", "*"), Ok(Target::Asterisk));
        assert!(
            matches!(parse("CONNECT", "api.openai.com:443"), Ok(Target::Authority(a)) if a.port() == 443)
        );
        let absolute = parse("GET", "http://Example.com/x//y?q");
        assert!(matches!(absolute, Ok(Target::Absolute { secure: false, authority, path })
            if authority.to_string() == "example.com:80" && path == "/x//y?q"));
    }

    #[test]
    fn refuses_what_is_neither() {
        assert_eq!(parse("CONNECT", "/x"), Err(TargetError::Connect));
        assert_eq!(parse("CONNECT", "host"), Err(TargetError::Authority(HostPortError::MissingPort)));
        assert_eq!(parse("GET", "host:80"), Err(TargetError::Connect));
        assert_eq!(parse("GET", "ftp://host/"), Err(TargetError::Scheme));
        assert_eq!(parse("GET", "http://u@host/"), Err(TargetError::Authority(HostPortError::BadHost)));
    }
}
