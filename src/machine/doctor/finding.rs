//! What the doctor found, one line each.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::machine::shell::word;

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was found.
    pub says: String,
    /// The one thing to do about it.
    pub cure: Option<Cure>,
}

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Right,
    /// Worth knowing, and in nobody's way.
    Remark,
    /// Some client does not get through because of it.
    Wrong,
}

/// The one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cure {
    /// Set a variable, for all that this shell runs.
    Set(&'static str, String),
    /// Run something.
    Run(String),
    /// Change something of ours, which `doctor --fix` does.
    Fix(Fix),
}

/// What `doctor --fix` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Make a CA, as this command does.
    MakeCa(String),
    /// Take a file or directory away from everybody else.
    Private(PathBuf, u32),
}

// === impl Finding ===

impl Finding {
    /// All is well.
    pub fn right(name: &str, says: &(impl fmt::Display + ?Sized)) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Right, says: says.to_string(), cure: None }
    }

    /// Worth knowing.
    pub fn remark(name: &str, says: &(impl fmt::Display + ?Sized), cure: Option<Cure>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Remark, says: says.to_string(), cure }
    }

    /// In somebody's way.
    pub fn wrong(name: &str, says: &(impl fmt::Display + ?Sized), cure: Option<Cure>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Wrong, says: says.to_string(), cure }
    }

    /// Makes it no more than worth knowing.
    pub fn soften(&mut self) {
        if self.is_wrong() {
            self.verdict = Verdict::Remark;
        }
    }

    /// Whether some client does not get through because of it.
    pub fn is_wrong(&self) -> bool {
        self.verdict == Verdict::Wrong
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Right => '✓',
            Verdict::Remark => '!',
            Verdict::Wrong => '✗',
        };
        write!(f, "{mark} {:16} {}", self.name, self.says)?;
        match &self.cure {
            Some(cure) => write!(f, "\n    → {cure}"),
            None => Ok(()),
        }
    }
}

// === impl Cure ===

impl fmt::Display for Cure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(name, value) => write!(f, "export {name}={}", word(value)),
            Self::Run(command) => f.write_str(command),
            Self::Fix(fix) => fix.fmt(f),
        }
    }
}

impl Serialize for Cure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl Fix ===

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeCa(command) => f.write_str(command),
            Self::Private(path, mode) => write!(f, "chmod {mode:o} {}", word(&path.display().to_string())),
        }
    }
}
