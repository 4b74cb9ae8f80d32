//! Variables as shells and their like read them.

use serde_json::{Map, Value};
use thiserror::Error;

use super::environment::Assignment;
use crate::cli::Dialect;

/// Why a value cannot be written.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{name} cannot be written for this shell: its value holds {what}")]
pub struct Unwritable {
    name: &'static str,
    what: &'static str,
}

/// The text that makes the assignments when the shell reads it.
///
/// No value can break out of its place, whatever is in it.
pub fn write(dialect: Dialect, assignments: &[Assignment]) -> Result<String, Unwritable> {
    if dialect == Dialect::Json {
        return Ok(json(assignments));
    }
    let mut text = String::new();
    for Assignment { name, value } in assignments {
        let line = match value {
            Some(value) => {
                writable(dialect, name, value)?;
                assign(dialect, name, value)
            }
            None => remove(dialect, name),
        };
        text.push_str(&line);
        text.push_str(newline(dialect));
    }
    Ok(text)
}

/// A line that says something to people and nothing to the shell.
pub fn comment(dialect: Dialect, text: &str) -> String {
    match dialect {
        // JSON has no comments, and an empty object sets nothing.
        Dialect::Json => "{}\n".to_owned(),
        Dialect::Cmd => format!("@rem {text}\r\n"),
        _ => format!("# {text}\n"),
    }
}

fn assign(dialect: Dialect, name: &str, value: &str) -> String {
    match dialect {
        Dialect::Sh | Dialect::Bash | Dialect::Zsh => {
            format!("export {name}='{}'", value.replace('\'', r"'\''"))
        }
        Dialect::Fish => {
            format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
        }
        Dialect::Pwsh => format!("$env:{name} = '{}'", double_quotes_of_pwsh(value)),
        // In a batch file; `set "…"` takes everything up to the last quote as it is.
        Dialect::Cmd => format!("@set \"{name}={}\"", value.replace('%', "%%")),
        Dialect::Nu => format!("$env.{name} = {}", Value::from(value)),
        // Every reader of such files takes what is in single quotes literally; a single quote is not written there.
        Dialect::Dotenv => format!("{name}={}", word(value)),
        Dialect::Docker => format!("{name}={value}"),
        Dialect::Json => Value::from(value).to_string(),
    }
}

fn remove(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Sh | Dialect::Bash | Dialect::Zsh => format!("unset {name}"),
        Dialect::Fish => format!("set -e {name}"),
        Dialect::Pwsh => format!("Remove-Item -ErrorAction SilentlyContinue Env:{name}"),
        Dialect::Cmd => format!("@set \"{name}=\""),
        Dialect::Nu => format!("hide-env --ignore-errors {name}"),
        // Files of variables can only leave one out.
        Dialect::Dotenv | Dialect::Docker => format!("# {name}"),
        Dialect::Json => Value::Null.to_string(),
    }
}

/// PowerShell takes typographic quotes for quotes too (about_Quoting_Rules).
fn double_quotes_of_pwsh(value: &str) -> String {
    let is_quote = |c| matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
    value.chars().flat_map(|c| std::iter::repeat_n(c, if is_quote(c) { 2 } else { 1 })).collect()
}

/// A value as one word of sh, in single quotes where there is something to quote.
pub fn word(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+=".contains(c);
    if value.chars().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

fn writable(dialect: Dialect, name: &'static str, value: &str) -> Result<(), Unwritable> {
    let cannot = |what| Err(Unwritable { name, what });
    let one_line = matches!(dialect, Dialect::Cmd | Dialect::Dotenv | Dialect::Docker);
    match dialect {
        _ if value.contains('\0') => cannot("a null"),
        _ if one_line && value.contains(['\n', '\r']) => cannot("a line break"),
        Dialect::Cmd if value.contains('"') => cannot("a double quote"),
        Dialect::Dotenv if value.contains('\'') => cannot("a single quote"),
        _ => Ok(()),
    }
}

fn newline(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Cmd { "\r\n" } else { "\n" }
}

fn json(assignments: &[Assignment]) -> String {
    let entry = |a: &Assignment| (a.name.to_owned(), a.value.clone().map_or(Value::Null, Value::from));
    let object: Map<String, Value> = assignments.iter().map(entry).collect();
    format!("{:#}\n", Value::from(object))
}

#[cfg(test)]
mod tests;
