use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::*;
use crate::rewrite::finding::LONGEST_MODEL;

const MODEL: &[&str] = &["model"];
const SESSION: &[&str] = &["session", "model"];

fn scan<'a>(
    path: &'static [&'static str],
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Finding, Repeated> {
    let mut scanner = Scanner::new(path);
    for chunk in chunks {
        scanner.push(chunk)?;
    }
    scanner.end();
    Ok(scanner.finding().cloned().expect("the end decides"))
}

/// The model's name and its value as written, scanned in one piece and octet by octet.
fn found(path: &'static [&'static str], text: &str) -> (String, String) {
    let whole = scan(path, [text.as_bytes()]);
    assert_eq!(whole, scan(path, text.as_bytes().chunks(1)), "{text}");
    let model = whole.unwrap().unwrap_or_else(|fault| panic!("{fault}: {text}"));
    (model.name.into(), text[model.at.start as usize..model.at.end as usize].into())
}

#[test]
fn finds_the_top_level_model_wherever_it_stands() {
    for (text, name, written) in [
        (r#"{"model":"m"}"#, "m", r#""m""#),
        (r#"{"messages":[{"model":"no","a":"}]"}],"x":{"model":"no"},"model":"m"}"#, "m", r#""m""#),
        ("\u{feff} { \"n\" : -1.5e3 ,\r\n\t\"model\" : \"m\" , \"z\":null}", "m", r#""m""#),
        (r#"{"mo\u0064el":"gpt\u002d4\/x"}"#, "gpt-4/x", r#""gpt\u002d4\/x""#),
        (r#"{"a\"model":1,"model\\":2,"model":"é"}"#, "é", r#""é""#),
        // What comes behind the model is for the origin to judge.
        (r#"{"model":"m",,]"#, "m", r#""m""#),
        (r#"{"model":"m"}{"model":"n"}"#, "m", r#""m""#),
    ] {
        assert_eq!(found(MODEL, text), (name.into(), written.into()), "{text}");
    }
}

#[test]
fn follows_a_path_of_keys() {
    for text in
        [r#"{"model":"no","session":{"type":"x","model":"m"}}"#, r#"{"session":{},"session":{"model":"m"}}"#]
    {
        assert_eq!(found(SESSION, text), ("m".into(), r#""m""#.into()), "{text}");
    }
    for text in [r#"{"session":[{"model":"no"}]}"#, r#"{"session":{"audio":{"model":"no"}}}"#] {
        assert_eq!(scan(SESSION, [text.as_bytes()]), Ok(Err(Fault::Missing)), "{text}");
    }
    let twice = r#"{"session":{"model":"m"},"session":{"model":"m"}}"#;
    assert_eq!(scan(SESSION, [twice.as_bytes()]), Err(Repeated));
}

#[test]
fn tells_apart_why_there_is_no_model() {
    let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(LONGEST_MODEL + 1));
    for (text, fault) in [
        ("", Fault::Missing),
        ("{}", Fault::Missing),
        (r#"{"models":"m","Model":"m"}"#, Fault::Missing),
        (r#"{"model":""}"#, Fault::Empty),
        (r#"{"model":null}"#, Fault::NotString),
        (r#"{"model":["m"]}"#, Fault::NotString),
        (r#"{"model":4}"#, Fault::NotString),
        ("[]", Fault::NotObject),
        ("\"model\"", Fault::NotObject),
        ("v=0\r\no=-", Fault::NotObject),
        ("\u{feff}\u{feff}{}", Fault::NotObject),
        (" ", Fault::Malformed),
        (r#"{"model":"m"#, Fault::Malformed),
        (r#"{"model" "m"}"#, Fault::Malformed),
        (r#"{"model":}"#, Fault::Malformed),
        (r#"{"model":"\ud800"}"#, Fault::Malformed),
        ("{\"model\":\"a\nb\"}", Fault::Malformed),
        (r#"{"a":1 2,"model":"m"}"#, Fault::Malformed),
        (r#"{model:"m"}"#, Fault::Malformed),
        (r#"{"a":1,}"#, Fault::Malformed),
        (&long, Fault::TooLong),
    ] {
        assert_eq!(scan(MODEL, [text.as_bytes()]), Ok(Err(fault)), "{text}");
    }
    assert_eq!(scan(MODEL, [&b"{\"model\":\"\xff\"}"[..]]), Ok(Err(Fault::Malformed)));
}

#[test]
fn a_second_model_is_refused_whatever_the_first_was() {
    for text in [
        r#"{"model":"a","model":"a"}"#,
        r#"{"model":1,"x":{},"\u006dodel":"b"}"#,
        r#"{"model":"","model":null}"#,
    ] {
        assert_eq!(scan(MODEL, [text.as_bytes()]), Err(Repeated), "{text}");
    }
}

#[test]
fn keeps_nothing_of_what_it_skips() {
    let mut scanner = Scanner::new(MODEL);
    scanner.push(b"{\"messages\":[\"").unwrap();
    for _ in 0..64 {
        scanner.push(&[b'x'; 4096]).unwrap();
    }
    scanner.push(b"\"],\"").unwrap();
    scanner.push(&[b'k'; 4096]).unwrap();
    scanner.push(b"\":[").unwrap();
    scanner.push(&[b'['; 4096]).unwrap();
    assert_eq!(scanner.finding(), None);
    assert_eq!(scanner.text.whole(), None);
}

/// The top level of an object as serde reads it: every entry, repeated keys too.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// What the scanner has to say about a valid text, according to serde.
fn oracle(text: &str) -> Result<Finding, Repeated> {
    let Ok(Entries(entries)) = serde_json::from_str(text) else { return Ok(Err(Fault::NotObject)) };
    let mut models = entries.iter().filter(|(key, _)| key == "model").map(|(_, value)| value.get());
    let Some(raw) = models.next() else { return Ok(Err(Fault::Missing)) };
    if models.next().is_some() {
        return Err(Repeated);
    }
    let start = (raw.as_ptr() as usize - text.as_ptr() as usize) as u64;
    Ok(match serde_json::from_str::<String>(raw) {
        Err(_) => Err(Fault::NotString),
        Ok(name) if name.is_empty() => Err(Fault::Empty),
        Ok(name) => Ok(Model { name: name.into(), at: start..start + raw.len() as u64 }),
    })
}

fn space() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,2}"
}

/// A string as JSON may write it: characters as they are, or escaped.
fn string(of: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (of, prop::collection::vec(any::<bool>(), 12)).prop_map(|(text, escaped)| {
        let written = text.chars().zip(escaped.into_iter().cycle()).map(|(character, escaped)| {
            if escaped {
                let units: Vec<u16> = character.encode_utf16(&mut [0; 2]).to_vec();
                return units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            }
            let quoted = serde_json::to_string(&character).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        });
        format!("\"{}\"", written.collect::<String>())
    })
}

fn key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec!["model", "messages", "", "models", "mode\\"]);
    prop_oneof![string(known.prop_map(String::from)), string(any::<String>())]
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let entry = (space(), key(), space(), space(), value, space())
        .prop_map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"));
    (prop::collection::vec(entry, 0..5), space())
        .prop_map(|(entries, empty)| format!("{{{}{empty}}}", entries.join(",")))
}

fn value() -> impl Strategy<Value = String> {
    let scalars = ["null", "true", "false", "0", "-1.5e+3", "\"\""].map(String::from).to_vec();
    let leaf = prop_oneof![prop::sample::select(scalars), string(any::<String>())];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(" , ")));
        prop_oneof![list, object(inner)]
    })
}

fn document() -> impl Strategy<Value = String> {
    prop_oneof![8 => object(value()), 1 => value()].boxed()
}

proptest! {
    #[test]
    fn agrees_with_serde_on_every_text_in_every_chunking(text in document(), size in 1usize..9) {
        let expected = oracle(&text);
        prop_assert_eq!(scan(MODEL, [text.as_bytes()]), expected.clone());
        prop_assert_eq!(scan(MODEL, text.as_bytes().chunks(size)), expected);
    }

    #[test]
    fn chunking_never_matters(octets in "[{}\\[\\]:,\"\\\\model 1u]{0,60}", size in 1usize..5) {
        let text = [b"{\"", octets.as_bytes()].concat();
        prop_assert_eq!(scan(MODEL, text.chunks(size)), scan(MODEL, [&text[..]]));
    }

    #[test]
    fn replacing_what_was_found_changes_nothing_else(text in document()) {
        if let Ok(Ok(model)) = scan(MODEL, [text.as_bytes()]) {
            let (start, end) = (model.at.start as usize, model.at.end as usize);
            let spliced = format!("{}\"other\"{}", &text[..start], &text[end..]);
            let before: Entries<'_> = serde_json::from_str(&text).unwrap();
            let after: Entries<'_> = serde_json::from_str(&spliced).unwrap();
            for ((key, old), (_, new)) in before.0.iter().zip(&after.0) {
                prop_assert_eq!(new.get(), if key == "model" { "\"other\"" } else { old.get() });
            }
        }
    }
}
