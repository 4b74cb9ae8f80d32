//! The model in JSON: where JSON is valid, what serde_json reads; changed, nothing but the model is.
#![no_main]

use azure_openai_proxy::rewrite::finding::{Fault, Finding, LONGEST_MODEL, Repeated};
use azure_openai_proxy::rewrite::json::Scanner;
use azure_openai_proxy_fuzz::{STEPS, entries, replaced};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

const MODEL: &[&str] = &["model"];
const SESSION: &[&str] = &["session", "model"];

fuzz_target!(|octets: &[u8]| {
    for path in [MODEL, SESSION] {
        let whole = scan(path, octets, octets.len().max(1));
        for step in STEPS {
            assert_eq!(scan(path, octets, step), whole, "in pieces of {step}");
        }
        if let Some(expected) = expected(path, octets) {
            assert_eq!(whole.clone().map(|finding| finding.map(|model| String::from(model.name))), expected);
        }
        let Ok(Ok(model)) = whole else { continue };
        let written = &octets[model.at.start as usize..model.at.end as usize];
        assert_eq!(serde_json::from_slice::<String>(written).ok().as_deref(), Some(&*model.name));
        let changed = replaced(octets, &model.at, br#""another \"name""#);
        let again = scan(path, &changed, changed.len()).expect("no second one was added");
        let again = again.expect("it stands where the old one stood");
        assert_eq!((&*again.name, again.at.start), ("another \"name", model.at.start));
    }
});

fn scan(path: &'static [&'static str], octets: &[u8], step: usize) -> Result<Finding, Repeated> {
    let mut scanner = Scanner::new(path);
    for chunk in octets.chunks(step) {
        scanner.push(chunk)?;
    }
    scanner.end();
    Ok(scanner.finding().cloned().expect("the end decides"))
}

/// What an independent reader finds; `None` if it cannot read this.
fn expected(path: &[&str], octets: &[u8]) -> Option<Result<Result<String, Fault>, Repeated>> {
    let text = std::str::from_utf8(octets).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: &RawValue = serde_json::from_str(text).ok()?;
    if !value.get().starts_with('{') {
        return Some(Ok(Err(Fault::NotObject)));
    }
    let mut values = vec![value.get()];
    for key in path {
        let inside = values.into_iter().filter_map(entries).flatten();
        values = inside.filter(|(name, _)| name == key).map(|(_, value)| value).collect();
    }
    let &[written] = values.as_slice() else {
        return Some(if values.is_empty() { Ok(Err(Fault::Missing)) } else { Err(Repeated) });
    };
    let found = match serde_json::from_str::<String>(written) {
        _ if !written.starts_with('"') => Err(Fault::NotString),
        _ if written.len() > LONGEST_MODEL + 2 => Err(Fault::TooLong),
        Ok(name) if name.is_empty() => Err(Fault::Empty),
        Ok(name) => Ok(name),
        // Half of a surrogate pair: JSON by its grammar, but no text.
        Err(_) => Err(Fault::Malformed),
    };
    Some(Ok(found))
}
