//! `config show`: every setting, its value and where it comes from.

use std::fmt;

use super::key::Key;
use super::layer::Layer;

/// A table of all settings, one line a value. Secrets are masked.
pub struct Show<'a>(pub &'a Layer);

/// Values longer than this push their origin to the right instead of everybody's.
const WIDEST: usize = 48;

// === impl Show ===

impl fmt::Display for Show<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = Key::ALL.iter().flat_map(|&key| rows(self.0, key)).collect();
        let names = rows.iter().map(|[name, ..]| name.len()).max().unwrap_or(0);
        let values = rows.iter().map(|[_, value, _]| value.chars().count()).filter(|&width| width <= WIDEST);
        let values = values.max().unwrap_or(0);
        for [name, value, origin] in &rows {
            writeln!(f, "{name:names$}  {value:values$}  {origin}")?;
        }
        Ok(())
    }
}

fn rows(settings: &Layer, key: Key) -> Vec<[String; 3]> {
    let row = |name: &str, value: &str, origin: &dyn fmt::Display| {
        [name.into(), printable(value), origin.to_string()]
    };
    let Some(raw) = settings.get(key) else { return vec![row(key.name(), "-", &"not set")] };
    if raw.values.is_empty() {
        return vec![row(key.name(), "(none)", &raw.origin)];
    }
    let names = std::iter::once(key.name()).chain(std::iter::repeat(""));
    let shown = |text| if key.is_secret() { "***" } else { text };
    names.zip(&raw.values).map(|(name, value)| row(name, shown(&value.text), &value.origin)).collect()
}

/// A text that cannot move the cursor.
fn printable(text: &str) -> String {
    if text.contains(char::is_control) { text.escape_debug().to_string() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::layer::{Origin, Raw};
    use super::*;

    #[test]
    fn shows_values_and_origins_but_no_secrets() {
        let mut settings = Layer::default();
        let variable = |name: &str| Origin::Env(name.into());
        settings.set(Key::ApiKey, Raw::new(variable("AZURE_OPENAI_TOKEN"), ["very-secret"]));
        settings.set(Key::ApiKeyCommand, Raw::new(variable("C"), ["echo very-secret"]));
        settings.set(Key::Map, Raw::from_text(Key::Map, variable("M"), "a=b,c=\x1b[2J"));
        settings.set(Key::Intercept, Raw::from_text(Key::Intercept, Origin::Flag("--intercept".into()), ""));
        let shown = Show(&settings.over(Layer::defaults())).to_string();
        let cells: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        for row in [
            &["listen", "127.0.0.1:8080", "default"][..],
            &["endpoint", "-", "not", "set"],
            &["api_key", "***", "AZURE_OPENAI_TOKEN"],
            &["api_key_command", "***", "C"],
            &["map", "a=b", "M"],
            &["c=\\u{1b}[2J", "M"],
            &["intercept", "(none)", "--intercept"],
            &["resolve", "(none)", "default"],
        ] {
            assert!(cells.iter().any(|cells| cells == row), "{row:?} in\n{shown}");
        }
        assert!(!shown.contains("secret"), "{shown}");
    }
}
