//! Settings as they were written, and the order in which sources win.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::key::{Key, Kind};

/// Where a value was written. Later variants give way to earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// On the command line, with this flag.
    Flag(String),
    /// In this environment variable.
    Env(String),
    /// In a file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// Nowhere: it is built in.
    Default,
}

/// One text and where it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// The text, which may be a secret.
    pub text: String,
    /// Where it stands.
    pub origin: Origin,
}

/// A setting as one source gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Where the setting stands.
    pub origin: Origin,
    /// Its values: one, or for lists and maps any number.
    pub values: Vec<Value>,
}

/// What one source says, or several sources once they are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer(BTreeMap<Key, Raw>);

// === impl Origin ===

impl Origin {
    /// Whether both stand in the same kind of source, so that neither wins over the other.
    pub fn same_source(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// The path that a text stands for: in a file, a relative one begins at the file's directory.
    pub fn path(&self, text: &str) -> PathBuf {
        match self {
            Self::File { path, .. } => path.parent().unwrap_or(Path::new("")).join(text),
            Self::Flag(_) | Self::Env(_) | Self::Default => text.into(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Env(name) => f.write_str(name),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

// === impl Value ===

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value(*** from {})", self.origin)
    }
}

// === impl Raw ===

impl Raw {
    /// Values that all stand in one place.
    pub fn new<T: Into<String>>(origin: Origin, texts: impl IntoIterator<Item = T>) -> Self {
        let value = |text: T| Value { text: text.into(), origin: origin.clone() };
        Self { values: texts.into_iter().map(value).collect(), origin }
    }

    /// What one text says where `key` may take several values: they are separated by commas.
    pub fn from_text(key: Key, origin: Origin, text: &str) -> Self {
        match key.kind() {
            Kind::Text | Kind::Number | Kind::Switch => Self::new(origin, [text.trim()]),
            Kind::List | Kind::Map => Self::new(origin, items(text)),
        }
    }
}

/// The items of a list that is written as one text.
pub fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

// === impl Layer ===

impl Layer {
    /// What holds where nothing is said.
    pub fn defaults() -> Self {
        let given = Key::ALL.iter().filter(|key| !key.default().is_empty() || key.kind() == Kind::List);
        Self(given.map(|&key| (key, Raw::new(Origin::Default, key.default().iter().copied()))).collect())
    }

    /// Sets a setting, in place of what was there.
    pub fn set(&mut self, key: Key, raw: Raw) {
        self.0.insert(key, raw);
    }

    /// What is said about a setting.
    pub fn get(&self, key: Key) -> Option<&Raw> {
        self.0.get(&key)
    }

    /// The settings that are given, in the table's order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Raw)> {
        self.0.iter().map(|(&key, raw)| (key, raw))
    }

    /// The settings that are not the same in both, in the table's order.
    pub fn differences(&self, other: &Self) -> impl Iterator<Item = Key> {
        Key::ALL.iter().copied().filter(|&key| {
            let texts = |layer: &Self| -> Option<Vec<String>> {
                Some(layer.get(key)?.values.iter().map(|value| value.text.clone()).collect())
            };
            texts(self) != texts(other)
        })
    }

    /// Adds what `lower` says and this one does not: whole settings, for maps single names.
    pub fn over(mut self, lower: Self) -> Self {
        for (key, below) in lower.0 {
            match self.0.get_mut(&key) {
                None => self.set(key, below),
                Some(raw) if key.kind() == Kind::Map => merge_names(raw, below),
                Some(_) => {}
            }
        }
        self
    }
}

fn merge_names(upper: &mut Raw, lower: Raw) {
    let known: Vec<String> = upper.values.iter().map(|value| name_of(value).to_owned()).collect();
    upper.values.extend(lower.values.into_iter().filter(|value| !known.iter().any(|n| n == name_of(value))));
}

fn name_of(value: &Value) -> &str {
    value.text.split_once('=').map_or(&*value.text, |(name, _)| name).trim()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layer(key: Key, origin: &Origin, text: &str) -> Layer {
        let mut layer = Layer::default();
        layer.set(key, Raw::from_text(key, origin.clone(), text));
        layer
    }

    fn sources() -> [Origin; 4] {
        let file = Origin::File { path: "config.toml".into(), line: 7 };
        [Origin::Flag("--x".into()), Origin::Env("X".into()), file, Origin::Default]
    }

    fn texts(layer: &Layer, key: Key) -> Vec<&str> {
        layer.get(key).into_iter().flat_map(|raw| &raw.values).map(|value| &*value.text).collect()
    }

    #[test]
    fn the_higher_source_wins_whole() {
        for (upper, lower) in sources().iter().zip(&sources()[1..]) {
            let merged = layer(Key::Intercept, upper, "a.example").over(layer(Key::Intercept, lower, "b,c"));
            assert_eq!(texts(&merged, Key::Intercept), ["a.example"], "{upper} over {lower}");
        }
    }

    #[test]
    fn an_empty_list_is_a_value() {
        let [flag, env, ..] = sources();
        let merged = layer(Key::Intercept, &flag, "").over(layer(Key::Intercept, &env, "a"));
        assert_eq!(texts(&merged, Key::Intercept), [""; 0]);
    }

    #[test]
    fn maps_are_merged_name_by_name_and_keep_their_origins() {
        let [flag, env, ..] = sources();
        let merged = layer(Key::Map, &flag, "a=1").over(layer(Key::Map, &env, "b=2, a = 3, oops"));
        assert_eq!(texts(&merged, Key::Map), ["a=1", "b=2", "oops"]);
        let origins: Vec<_> = merged.get(Key::Map).unwrap().values.iter().map(|v| &v.origin).collect();
        assert_eq!(origins, [&flag, &env, &env]);
    }

    #[test]
    fn a_name_that_is_given_twice_in_one_source_is_kept_for_the_reader_to_refuse() {
        let [flag, env, ..] = sources();
        let merged = layer(Key::Map, &flag, "a=1,a=2").over(layer(Key::Map, &env, "a=3"));
        assert_eq!(texts(&merged, Key::Map), ["a=1", "a=2"]);
    }

    prop_compose! {
        fn any_layer()(texts in prop::collection::vec(("[ab]=[12]|[ab],?", any::<bool>()), 0..4), rank in 0..4usize) -> Layer {
            let mut layer = Layer::default();
            for (text, map) in texts {
                let key = if map { Key::Map } else { Key::Intercept };
                layer.set(key, Raw::from_text(key, sources()[rank].clone(), &text));
            }
            layer
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_which_layers_are_merged_first(a in any_layer(), b in any_layer(), c in any_layer()) {
            let from_above = a.clone().over(b.clone()).over(c.clone());
            prop_assert_eq!(from_above, a.over(b.over(c)));
        }
    }

    #[test]
    fn origins_say_where_to_look() {
        let shown: Vec<_> = sources().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["--x", "X", "config.toml:7", "default"]);
    }

    #[test]
    fn a_path_in_a_file_begins_at_the_file() {
        let file = Origin::File { path: "/etc/proxy/config.toml".into(), line: 1 };
        assert_eq!(file.path("certs"), Path::new("/etc/proxy/certs"));
        assert_eq!(file.path("/certs"), Path::new("/certs"));
        assert_eq!(Origin::Env("X".into()).path("certs"), Path::new("certs"));
    }

    #[test]
    fn debug_output_holds_no_value() {
        let raw = Raw::new(Origin::Env("AZURE_OPENAI_TOKEN".into()), ["very-secret"]);
        assert!(!format!("{raw:?}").contains("very-secret"));
    }
}
