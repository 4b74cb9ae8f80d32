//! The content of the one part that matters.

use super::Wanted;
use crate::rewrite::finding::{Fault, Finding, Model, Repeated};
use crate::rewrite::json;
use crate::rewrite::written::Written;

/// The part that is being read.
#[derive(Debug)]
pub(super) enum Field {
    /// Any but the wanted one.
    Other,
    /// The wanted one, read as text that begins at this octet.
    Text(u64, Written),
    /// The wanted one, read as JSON that begins at this octet.
    Json(u64, json::Scanner),
    /// The wanted one, of which only the place is wanted: where it begins, and how long it is.
    Place(u64, u64),
}

// === impl Field ===

impl Field {
    /// The wanted field, whose content begins at `start`.
    pub(super) fn begin(wanted: Wanted, start: u64) -> Self {
        match wanted {
            Wanted::Model | Wanted::Purpose => Self::Text(start, Written::default()),
            Wanted::Session => Self::Json(start, json::Scanner::new(&["model"])),
            Wanted::File | Wanted::SessionPlace => Self::Place(start, 0),
        }
    }

    /// Takes octets of the content; says what is found by them.
    pub(super) fn take(&mut self, data: &[u8]) -> Result<Option<Finding>, Repeated> {
        match self {
            Self::Other => Ok(None),
            Self::Text(_, written) => {
                written.push(data);
                Ok(written.whole().is_none().then_some(Err(Fault::TooLong)))
            }
            Self::Json(start, scanner) => {
                scanner.push(data)?;
                Ok(scanner.finding().map(|finding| shifted(finding, *start)))
            }
            Self::Place(_, length) => {
                *length += data.len() as u64;
                Ok(None)
            }
        }
    }

    /// The content is over; says what is found by that.
    pub(super) fn end(self) -> Option<Finding> {
        match self {
            Self::Other => None,
            Self::Text(start, written) => Some(text(start, written.whole())),
            Self::Json(start, mut scanner) => {
                scanner.end();
                scanner.finding().map(|finding| shifted(finding, start))
            }
            Self::Place(start, length) => Some(Ok(Model { name: "".into(), at: start..start + length })),
        }
    }
}

fn text(start: u64, written: Option<&[u8]>) -> Finding {
    let written = written.ok_or(Fault::TooLong)?;
    match std::str::from_utf8(written) {
        Ok("") => Err(Fault::Empty),
        Ok(name) => Ok(Model { name: name.into(), at: start..start + written.len() as u64 }),
        Err(_) => Err(Fault::Malformed),
    }
}

/// A finding in a part, as one in the whole content.
fn shifted(finding: &Finding, start: u64) -> Finding {
    let model = finding.as_ref().map_err(|&fault| fault)?;
    Ok(Model { name: model.name.clone(), at: model.at.start + start..model.at.end + start })
}
