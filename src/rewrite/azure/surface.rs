//! Azure's surfaces, as an `api-version` names them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use time::{Date, Month};

/// How Azure OpenAI is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `/openai/v1/`, which needs no api-version.
    V1 {
        /// Whether `?api-version=preview` is added.
        preview: bool,
    },
    /// `/openai/deployments/…` and `/openai/…`, which need a dated one.
    Classic(ApiVersion),
}

/// A dated api-version: `YYYY-MM-DD` or `YYYY-MM-DD-preview`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersion(Box<str>);

/// The text is no api-version.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "\"{text}\" is no api-version: expected v1, preview, or a date like 2024-10-21 or 2025-04-01-preview"
)]
pub struct ApiVersionError {
    /// The text as written.
    pub text: String,
}

/// The text is no date of an api-version, where only these have a meaning.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("\"{text}\" is no classic api-version: expected a date like 2024-10-21 or 2025-04-01-preview")]
pub struct DatedError {
    /// The text as written.
    pub text: String,
}

// === impl Surface ===

impl FromStr for Surface {
    type Err = ApiVersionError;

    /// Reads an api-version: nothing, `v1` and `latest` are the v1 surface, `preview` its preview,
    /// a date the classic surface.
    fn from_str(text: &str) -> Result<Self, ApiVersionError> {
        match text.trim() {
            "" | "v1" | "latest" => Ok(Self::V1 { preview: false }),
            "preview" => Ok(Self::V1 { preview: true }),
            dated => match dated.parse() {
                Ok(version) => Ok(Self::Classic(version)),
                Err(DatedError { text }) => Err(ApiVersionError { text }),
            },
        }
    }
}

impl fmt::Display for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V1 { preview: false } => f.write_str("v1"),
            Self::V1 { preview: true } => f.write_str("preview"),
            Self::Classic(version) => version.fmt(f),
        }
    }
}

// === impl ApiVersion ===

impl Default for ApiVersion {
    /// The newest dated version there is; no newer one will come.
    fn default() -> Self {
        Self("2025-04-01-preview".into())
    }
}

impl FromStr for ApiVersion {
    type Err = DatedError;

    fn from_str(text: &str) -> Result<Self, DatedError> {
        let text = text.trim();
        let date = text.strip_suffix("-preview").unwrap_or(text);
        if is_date(date) { Ok(Self(text.into())) } else { Err(DatedError { text: text.into() }) }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut number = |digits: usize| {
        let part = parts.next().filter(|p| p.len() == digits && p.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse::<u16>().ok()
    };
    let (Some(year), Some(month), Some(day)) = (number(4), number(2), number(2)) else { return false };
    let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok());
    let day = u8::try_from(day).ok();
    let real = month.zip(day).is_some_and(|(m, d)| Date::from_calendar_date(year.into(), m, d).is_ok());
    real && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_for_an_api_version() {
        for (text, shown) in [
            ("", "v1"),
            (" v1\n", "v1"),
            ("latest", "v1"),
            ("preview", "preview"),
            ("2024-10-21", "2024-10-21"),
            ("2025-04-01-preview", "2025-04-01-preview"),
            ("2024-02-29", "2024-02-29"),
        ] {
            assert_eq!(text.parse::<Surface>().map(|s| s.to_string()), Ok(shown.into()), "{text}");
        }
        assert!(matches!("2024-10-21".parse(), Ok(Surface::Classic(_))));
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "v2",
            "V1",
            "2024",
            "2024-10",
            "2024-13-01",
            "2023-02-29",
            "2024-1-1",
            "2024-10-21-beta",
            "2024-10-21-preview-preview",
            "2023-05-15 00:00:00 +0000 UTC",
            "2024-10-+1",
            "2024-10-21-01",
        ] {
            assert_eq!(text.parse::<Surface>(), Err(ApiVersionError { text: text.into() }), "{text}");
        }
    }
}
