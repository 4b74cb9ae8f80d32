//! What is wrong with an origin server's certificate, in plain words.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

/// What is wrong with the peer's certificate, if that is somewhere in a chain of errors; made to follow
/// "the certificate of HOST". A reading aid for messages, not a decision.
pub fn certificate_problem(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return of_rustls(found);
        }
        // An io::Error's source() skips the error that it wraps and gives that one's source.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn of_rustls(error: &rustls::Error) -> Option<&'static str> {
    match error {
        rustls::Error::InvalidCertificate(error) => Some(of_certificate(error)),
        rustls::Error::NoCertificatesPresented => Some("was not sent"),
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            Some("was accepted, but the server wants a client certificate")
        }
        _ => None,
    }
}

fn of_certificate(error: &CertificateError) -> &'static str {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => "has expired",
        E::NotValidYet | E::NotValidYetContext { .. } => "is not valid yet",
        E::Revoked => "has been revoked",
        E::UnknownIssuer => {
            "is signed by an authority that is not trusted; if it is your company's, name its file in upstream_ca_file"
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => "is not valid for this host name",
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => "is not meant for servers",
        E::BadSignature => "has a signature that does not match",
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "is signed in a way that is not supported"
        }
        E::UnhandledCriticalExtension => "has a critical extension that is not understood",
        E::BadEncoding => "cannot be read",
        E::UnknownRevocationStatus | E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => {
            "cannot be checked for revocation"
        }
        // The enum may grow, and wraps errors of other verifiers.
        _ => "is not valid",
    }
}

#[cfg(test)]
mod tests {
    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn finds_the_problem_at_any_depth() {
        let rustls = || rustls::Error::InvalidCertificate(CertificateError::Expired);
        let deep = Outer(io::Error::other(io::Error::new(io::ErrorKind::InvalidData, rustls())));
        for error in [&rustls() as &(dyn Error + 'static), &io::Error::other(rustls()), &deep] {
            assert_eq!(certificate_problem(error), Some("has expired"), "{error:?}");
        }
    }

    #[test]
    fn keeps_silent_about_other_errors() {
        for error in [
            &io::Error::from(io::ErrorKind::ConnectionReset) as &(dyn Error + 'static),
            &rustls::Error::DecryptError,
            &rustls::Error::AlertReceived(AlertDescription::HandshakeFailure),
        ] {
            assert_eq!(certificate_problem(error), None, "{error:?}");
        }
    }

    #[test]
    fn tells_the_problems_apart() {
        for (error, words) in [
            (CertificateError::NotValidForName, "host name"),
            (CertificateError::UnknownIssuer, "not trusted"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::InvalidPurpose, "servers"),
        ] {
            let found = certificate_problem(&rustls::Error::InvalidCertificate(error)).unwrap();
            assert!(found.contains(words), "{found}");
        }
    }
}
