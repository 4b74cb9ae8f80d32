//! The TOML file.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{Allowed, Key, Kind};
use super::layer::{Layer, Origin, Raw, Value};
use super::nearest::nearest;
use super::problem::{Fault, Problem};

/// Octets that a file of settings, or of one key, may have.
const LIMIT: u64 = 1 << 20;

/// Reads a short text file whole.
pub fn read(path: &Path) -> Result<String, Fault> {
    let unreadable = |error| Fault::Unreadable { path: path.to_owned(), error };
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_string(&mut text)).map_err(unreadable)?;
    if text.len() as u64 > LIMIT {
        return Err(unreadable(io::Error::from(io::ErrorKind::FileTooLarge)));
    }
    Ok(text)
}

/// The settings in `text`, which was read from `path`.
pub fn layer(path: &Path, text: &str, problems: &mut Vec<Problem>) -> Layer {
    let source = Source { path, text };
    let mut layer = Layer::default();
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        // The error's own Display quotes the line, which may hold a key.
        Err(error) => {
            let origin = source.origin(error.span().unwrap_or(0..0));
            problems.push(Problem::elsewhere(origin, Fault::Syntax(error.message().to_owned())));
            return layer;
        }
    };
    for (name, value) in table.get_ref().iter() {
        match source.setting(name, value) {
            Ok((key, raw)) => layer.set(key, raw),
            Err(problem) => problems.push(problem),
        }
    }
    problems.sort_by(|a, b| a.origin.cmp(&b.origin));
    layer
}

struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

type Node<'a> = Spanned<DeValue<'a>>;

// === impl Source ===

impl Source<'_> {
    fn setting(&self, name: &Spanned<Cow<'_, str>>, value: &Node<'_>) -> Result<(Key, Raw), Problem> {
        let origin = self.origin(name.span());
        let name = &**name.get_ref();
        let Some(key) = Key::named(name) else {
            let names = Key::ALL.iter().filter(|key| key.allowed() != Allowed::EnvironmentOnly);
            let nearest = nearest(name, names.map(ToString::to_string));
            return Err(Problem::elsewhere(origin, Fault::UnknownKey { name: name.to_owned(), nearest }));
        };
        if key.allowed() == Allowed::EnvironmentOnly {
            return Err(Problem::at(&origin, key, Fault::SecretInFile(key)));
        }
        Ok((key, self.raw(key, origin, value)?))
    }

    fn raw(&self, key: Key, origin: Origin, value: &Node<'_>) -> Result<Raw, Problem> {
        let values = match (key.kind(), value.get_ref()) {
            (Kind::Text | Kind::Number, DeValue::String(text)) => return Ok(Raw::new(origin, [&**text])),
            (Kind::List | Kind::Map, DeValue::String(text)) => return Ok(Raw::from_text(key, origin, text)),
            (Kind::Number, DeValue::Integer(number)) => return Ok(Raw::new(origin, [number.to_string()])),
            (Kind::Switch, DeValue::Boolean(on)) => return Ok(Raw::new(origin, [on.to_string()])),
            (Kind::List | Kind::Map, DeValue::Array(items)) => {
                items.iter().map(|item| self.item(key, item)).collect::<Result<_, _>>()?
            }
            (Kind::Map, DeValue::Table(table)) => self.entries(key, table)?,
            _ => return Err(self.wrong_type(key, value)),
        };
        Ok(Raw { origin, values })
    }

    fn entries(&self, key: Key, table: &DeTable<'_>) -> Result<Vec<Value>, Problem> {
        let entry = |(name, value): (&Spanned<Cow<'_, str>>, &Node<'_>)| {
            let at = self.origin(name.span());
            if let Some(setting) = Key::named(name.get_ref()) {
                return Err(Problem::at(&at, setting, Fault::Below(key)));
            }
            if let DeValue::Table(below) = value.get_ref()
                && !below.is_empty()
            {
                return Err(Problem::at(&at, key, Fault::Unquoted(dotted(name.get_ref(), below))));
            }
            let Value { text, origin } = self.item(key, value)?;
            if name.get_ref().contains('=') {
                return Err(Problem::at(&origin, key, Fault::EqualsInName(name.get_ref().to_string())));
            }
            Ok(Value { text: format!("{}={text}", name.get_ref()), origin })
        };
        let mut entries = table.iter().map(entry).collect::<Result<Vec<_>, Problem>>()?;
        // The parser sorts by name; people expect the order in which they wrote.
        entries.sort_by(|a, b| a.origin.cmp(&b.origin));
        Ok(entries)
    }

    fn item(&self, key: Key, item: &Node<'_>) -> Result<Value, Problem> {
        match item.get_ref() {
            DeValue::String(text) => {
                Ok(Value { text: text.trim().to_owned(), origin: self.origin(item.span()) })
            }
            _ => Err(self.wrong_type(key, item)),
        }
    }

    fn wrong_type(&self, key: Key, value: &Node<'_>) -> Problem {
        let expected = match key.kind() {
            Kind::Text => "a string",
            Kind::Number => "a number or a string",
            Kind::Switch => "true or false",
            Kind::List => "a list of strings",
            Kind::Map => "a table of strings",
        };
        let found = value.get_ref().type_str();
        Problem::at(&self.origin(value.span()), key, Fault::Type { expected, found })
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        let before = self.text.as_bytes().iter().take(span.start);
        let line = 1 + before.filter(|&&octet| octet == b'\n').count();
        Origin::File { path: PathBuf::from(self.path), line }
    }
}

/// A name as it was written, from the tables that TOML has made of it.
fn dotted(name: &str, mut below: &DeTable<'_>) -> String {
    let mut name = name.to_owned();
    while let Some((part, value)) = below.iter().next() {
        name = format!("{name}.{}", part.get_ref());
        let DeValue::Table(next) = value.get_ref() else { break };
        below = next;
    }
    name
}

#[cfg(test)]
mod tests;
