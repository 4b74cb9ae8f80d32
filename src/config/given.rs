//! One setting as it was given, and how each is read that has no form of its own.

use std::error::Error;
use std::path::Path;
use std::str::FromStr;

use http::header::{self, HeaderName, HeaderValue};

use super::file;
use super::key::Key;
use super::layer::Raw;
use super::problem::{Fault, Problem};
use super::value::ValueError;
use crate::message::hop_by_hop::is_hop_by_hop;
use crate::policy::client_keys::ClientKeys;
use crate::rewrite::model_map::{ModelMap, ModelMapError};
use crate::telemetry;
use crate::upstream::Http;
use crate::upstream::parent::Parent;

/// A setting that is to be read, and where to complain about it.
pub(super) struct Given<'a> {
    pub(super) key: Key,
    pub(super) raw: &'a Raw,
    pub(super) problems: &'a mut Vec<Problem>,
}

/// Who answers OpenAI requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Upstream {
    Azure,
    OpenAi,
}

// === impl Given ===

impl Given<'_> {
    pub(super) fn one<T>(self, slot: &mut T, read: impl Fn(&str) -> Result<T, Fault>) {
        self.each(|text| read(text).map(|value| *slot = value));
    }

    pub(super) fn maybe<T>(self, slot: &mut Option<T>, read: impl Fn(&str) -> Result<T, Fault>) {
        self.each(|text| read(text).map(|value| *slot = Some(value)));
    }

    pub(super) fn all<T>(self, slot: &mut Vec<T>, read: impl Fn(&str) -> Result<T, Fault>) {
        self.each(|text| read(text).map(|value| slot.push(value)));
    }

    pub(super) fn each(self, mut take: impl FnMut(&str) -> Result<(), Fault>) {
        for value in &self.raw.values {
            if let Err(fault) = take(&value.text) {
                self.problems.push(Problem::at(&value.origin, self.key, fault));
            }
        }
    }
}

/// A value whose form this module's family defines; the message repeats the text.
pub(super) fn ours<T>(read: impl Fn(&str) -> Result<T, ValueError>) -> impl Fn(&str) -> Result<T, Fault> {
    move |text| read(text).map_err(|error| Fault::Value { text: text.to_owned(), error })
}

/// A value whose form the module that takes it defines.
pub(super) fn theirs<T: FromStr<Err: Error + Send + Sync + 'static>>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|error: T::Err| Fault::Refused(error.into()))
}

pub(super) fn insert(models: &mut ModelMap, entry: &str) -> Result<(), Fault> {
    let no_equals = || ModelMapError::NoEquals { entry: entry.to_owned() };
    let pair = entry.split_once('=').ok_or_else(no_equals);
    let inserted = pair.and_then(|(model, deployment)| models.insert(model, deployment));
    inserted.map_err(|error| Fault::Refused(error.into()))
}

pub(super) fn add_client_keys(keys: &mut ClientKeys, path: &Path) -> Result<(), Fault> {
    for (index, line) in file::read(path)?.lines().enumerate() {
        let fault = |error| Fault::ClientKey { path: path.to_owned(), line: index + 1, error };
        keys.add_line(line).map_err(fault)?;
    }
    Ok(())
}

pub(super) fn mode(text: &str) -> Result<Upstream, ValueError> {
    match text {
        "azure" => Ok(Upstream::Azure),
        "openai" => Ok(Upstream::OpenAi),
        _ => Err(ValueError::Mode),
    }
}

pub(super) fn upstream_http(text: &str) -> Result<Http, ValueError> {
    match text {
        "any" => Ok(Http::Any),
        "1" => Ok(Http::Only1),
        "2" => Ok(Http::Only2),
        _ => Err(ValueError::Http),
    }
}

/// A proxy, or the word for none, which is for those whose environment names one.
pub(super) fn parent(text: &str) -> Result<Option<Parent>, Fault> {
    if text == "direct" { Ok(None) } else { theirs(text).map(Some) }
}

/// A destination that is reached without the parent. Other programs' lists are taken as they are.
pub(super) fn exception(text: &str, is_convention: bool) -> Result<String, ValueError> {
    if text.contains("://") && !is_convention { Err(ValueError::Exception) } else { non_empty(text) }
}

pub(super) fn log_format(text: &str) -> Result<telemetry::Format, ValueError> {
    telemetry::Format::named(text).ok_or(ValueError::LogFormat)
}

pub(super) fn deployment(text: &str) -> Result<HeaderValue, ValueError> {
    let value = HeaderValue::from_str(text).map_err(|_| ValueError::Deployment)?;
    if text.is_empty() { Err(ValueError::Empty) } else { Ok(value) }
}

pub(super) fn non_empty(text: &str) -> Result<String, ValueError> {
    if text.is_empty() { Err(ValueError::Empty) } else { Ok(text.to_owned()) }
}

/// Any field but those that frame or route the message.
pub(super) fn key_header(text: &str) -> Result<HeaderName, ValueError> {
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| ValueError::KeyHeader)?;
    let framing = matches!(name, header::HOST | header::CONTENT_LENGTH) || is_hop_by_hop((&name).into());
    if framing { Err(ValueError::KeyHeader) } else { Ok(name) }
}
