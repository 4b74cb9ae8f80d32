//! Fields of a form whose boundary is `b`: found where a reader of whole forms finds them.
#![no_main]

use azure_openai_proxy::rewrite::finding::{Finding, Repeated};
use azure_openai_proxy::rewrite::multipart::{Scanner, Wanted};
use azure_openai_proxy_fuzz::{STEPS, replaced};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let form = form(octets);
    for (wanted, name) in [
        (Wanted::Model, "model"),
        (Wanted::Session, "session"),
        (Wanted::Purpose, "purpose"),
        (Wanted::File, "file"),
        (Wanted::SessionPlace, "session"),
    ] {
        let whole = scan(wanted, octets, octets.len().max(1));
        for step in STEPS {
            assert_eq!(scan(wanted, octets, step), whole, "in pieces of {step}");
        }
        if let Some(parts) = &form {
            let a_file = wanted == Wanted::File;
            let named: Vec<_> =
                parts.iter().filter(|part| part.name == name && part.is_file == a_file).collect();
            check_place(wanted, &whole, &named);
        }
        let Ok(Ok(model)) = &whole else { continue };
        let written = &octets[model.at.start as usize..model.at.end as usize];
        match wanted {
            Wanted::Model | Wanted::Purpose => assert_eq!(written, model.name.as_bytes()),
            Wanted::Session => {
                assert_eq!(serde_json::from_slice::<String>(written).ok().as_deref(), Some(&*model.name));
            }
            Wanted::File | Wanted::SessionPlace => continue,
        }
        let other = if wanted == Wanted::Session { &b"\"other\""[..] } else { b"other" };
        let changed = replaced(octets, &model.at, other);
        let again = scan(wanted, &changed, changed.len()).expect("no second one was added");
        let again = again.expect("it stands where the old one stood");
        assert_eq!((&*again.name, again.at.start), ("other", model.at.start));
    }
});

fn scan(wanted: Wanted, octets: &[u8], step: usize) -> Result<Finding, Repeated> {
    let mut scanner = Scanner::new("b", wanted);
    for chunk in octets.chunks(step) {
        scanner.push(chunk)?;
    }
    scanner.end();
    Ok(scanner.finding().cloned().expect("the end decides"))
}

fn check_place(wanted: Wanted, found: &Result<Finding, Repeated>, parts: &[&Part]) {
    match (parts, found) {
        ([], found) => assert!(matches!(found, Ok(Err(_))), "{found:?}"),
        ([part], Ok(Ok(model))) if wanted == Wanted::Session => {
            assert!(part.start < model.at.start && model.at.end < part.end);
        }
        ([part], Ok(Ok(model))) => assert_eq!(model.at, part.start..part.end),
        // Empty, too long, no text, or JSON without a model or with two.
        ([_], Ok(Err(_))) => assert!(!matches!(wanted, Wanted::File | Wanted::SessionPlace)),
        ([_], Err(Repeated)) => assert_eq!(wanted, Wanted::Session),
        // The JSON of the first of two may be broken, or name two models.
        (_, found) => assert!(*found == Err(Repeated), "{found:?}"),
    }
}

/// A part of a form that is written in the plainest way.
struct Part {
    name: String,
    is_file: bool,
    start: u64,
    end: u64,
}

/// The parts of a form that leaves nothing to be read in two ways; `None` if it is not such a one.
fn form(octets: &[u8]) -> Option<Vec<Part>> {
    let text = std::str::from_utf8(octets).ok()?;
    let mut rest = text.strip_prefix("--b\r\n")?;
    let mut parts = Vec::new();
    loop {
        let (disposition, behind) = rest.split_once("\r\n")?;
        let content = behind.strip_prefix("\r\n")?;
        let (name, is_file) = named(disposition.strip_prefix("Content-Disposition: form-data; name=\"")?)?;
        let length = content.find("\r\n--b")?;
        let start = (text.len() - content.len()) as u64;
        parts.push(Part { name: name.to_owned(), is_file, start, end: start + length as u64 });
        let behind = &content[length + "\r\n--b".len()..];
        match behind.strip_prefix("\r\n") {
            Some(next) => rest = next,
            None => return (behind == "--\r\n").then_some(parts),
        }
    }
}

/// The name behind `name="`, and whether a file name follows.
fn named(text: &str) -> Option<(&str, bool)> {
    let plain = |text: &str| text.bytes().all(|octet| octet.is_ascii_alphanumeric());
    let (name, rest) = text.split_once('"')?;
    let file = rest.strip_prefix("; filename=\"").and_then(|rest| rest.strip_suffix('"'));
    (plain(name) && (rest.is_empty() || file.is_some_and(plain))).then_some((name, file.is_some()))
}
