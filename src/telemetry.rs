//! The log: who reads it, how it looks, and what never gets into it.

pub mod gathering;
mod human;
mod json;
mod stamp;

use std::io::{self, IsTerminal};
use std::str::FromStr;

use thiserror::Error;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use gathering::Gathering;
use human::Human;
use json::Json;

/// The most that libraries may say. Below these levels they print header fields, frames and
/// handshakes, and with them keys.
const CAPS: [(&str, LevelFilter); 6] = [
    ("h2", LevelFilter::INFO),
    ("hyper", LevelFilter::DEBUG),
    ("hyper_rustls", LevelFilter::DEBUG),
    ("hyper_util", LevelFilter::DEBUG),
    ("rustls", LevelFilter::DEBUG),
    ("tokio_rustls", LevelFilter::DEBUG),
];

/// How and how much to log.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How a line looks.
    pub format: Format,
    /// Which events are logged.
    pub filter: Filter,
    /// Whether colours are welcome where a terminal shows the log.
    pub color: bool,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people on a terminal, else for machines.
    #[default]
    Auto,
    /// One short line of text.
    Human,
    /// One JSON object.
    Json,
}

/// Which events are logged: a level for all, and levels for single targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Targets);

/// Why a text is no filter.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "not a log filter: write off, error, warn, info, debug or trace, or TARGET=LEVEL, separated by commas"
)]
pub struct FilterError;

/// Sends the log of this process to standard error. A process has one log: later calls do nothing.
///
/// Nobody who logs waits for whoever reads it: [`gathering::finish`] does, at the end of the process.
pub fn init(settings: &Settings) {
    gathering::start();
    let terminal = io::stderr().is_terminal();
    let json = match settings.format {
        Format::Auto => !terminal,
        Format::Human => false,
        Format::Json => true,
    };
    let layer = layer(&settings.filter, json, terminal && settings.color, Gathering);
    // It fails only where a log is set already, as in tests.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

fn layer<S, W>(filter: &Filter, json: bool, ansi: bool, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<S> + Send + Sync> = if json {
        Box::new(lines.json().with_ansi(false).event_format(Json::new()))
    } else {
        Box::new(lines.with_ansi(ansi).event_format(Human::new(ansi)))
    };
    let caps = Targets::new().with_default(LevelFilter::TRACE).with_targets(CAPS);
    lines.with_filter(filter.0.clone().and(caps))
}

// === impl Format ===

impl Format {
    /// The format of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "human" => Some(Self::Human),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

// === impl Filter ===

impl Default for Filter {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl Filter {
    /// Nothing but what somebody should look at.
    pub fn warnings() -> Self {
        Self(Targets::new().with_default(LevelFilter::WARN))
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    /// Reads `info` or `warn,azure_openai_proxy::proxy=debug`. What no directive speaks of is at `info`.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for directive in text.split(',').map(str::trim) {
            let (target, level) = match directive.split_once('=') {
                Some((target, level)) if is_path(target) => (Some(target), level),
                Some(_) => return Err(FilterError),
                None => (None, directive),
            };
            // A level's own parser takes numbers and the empty text too.
            if !level.starts_with(|c: char| c.is_ascii_alphabetic()) {
                return Err(FilterError);
            }
            let level: LevelFilter = level.parse().map_err(|_| FilterError)?;
            filter.0 = match target {
                Some(target) => filter.0.with_target(target, level),
                None => filter.0.with_default(level),
            };
        }
        Ok(filter)
    }
}

/// Whether a text can be a target: the path of a module.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
}

#[cfg(test)]
mod tests;
