//! Microsoft Entra's access tokens, which Azure takes in place of a key: JSON Web Tokens (RFC 7519).

use std::time::{Duration, SystemTime};

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    /// Seconds since the Unix epoch, not always whole ones (RFC 7519 §2, NumericDate).
    exp: f64,
}

/// Whether a credential has the form of a signed token, which no key of Azure's has: `{…}.{…}.signature`.
pub fn is_token(credential: &str) -> bool {
    let base64url = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    credential.starts_with("eyJ")
        && credential.split('.').count() == 3
        && credential.split('.').all(base64url)
}

/// When a token expires (RFC 7519 §4.1.4). `None` for a key, and for a token that does not say.
pub fn expiry(credential: &str) -> Option<SystemTime> {
    if !is_token(credential) {
        return None;
    }
    let claims = BASE64URL_NOPAD.decode(credential.split('.').nth(1)?.as_bytes()).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(exp).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}.c2ln-_", part(r#"{"alg":"none"}"#), part(claims))
    }

    #[test]
    fn a_token_is_told_from_a_key() {
        for (credential, is) in [
            (&*token("{}"), true),
            ("eyJh.e30", false),
            ("eyJh.e30.", false),
            ("eyJh.e30.c2ln.more", false),
            ("eyJh.e3+.c2ln", false),
            ("sk-proj.abc.def", false),
            ("0123456789abcdef0123456789abcdef", false),
        ] {
            assert_eq!(is_token(credential), is, "{credential}");
        }
    }

    #[test]
    fn says_when_a_token_expires() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds));
        for (credential, expires) in [
            (token(r#"{"aud":"https://ai.azure.com","exp":1764608400}"#), at(1_764_608_400.0)),
            (token(r#"{"exp":1764608400.5}"#), at(1_764_608_400.5)),
            (token(r#"{"exp":-1}"#), None),
            (token(r#"{"exp":1e300}"#), None),
            (token(r#"{"exp":"soon"}"#), None),
            (token("{}"), None),
            (token("no JSON"), None),
            ("eyJh.e.c2ln".to_owned(), None),
            ("a-key".to_owned(), None),
        ] {
            assert_eq!(expiry(&credential), expires, "{credential}");
        }
    }
}
