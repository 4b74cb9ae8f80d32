//! What the log says of an exchange: a sentence for people, the members of a JSON object for machines.

use std::fmt;
use std::net::SocketAddr;

use crate::admin::journal::Record;

/// Octets that nearly all lines for machines have room in.
const USUAL: usize = 512;

/// Shown as `{}` it is the sentence, as `{:#}` the members, each after a comma. What is not known is left out.
pub(super) struct Line<'a> {
    /// Where the client connects from.
    pub(super) client: SocketAddr,
    /// By whose key it was let in.
    pub(super) client_key: Option<&'a str>,
    /// How the request came in.
    pub(super) route: &'static str,
    /// Microseconds of its time that were ours.
    pub(super) own_us: Option<u64>,
    /// All else.
    pub(super) record: &'a Record,
}

/// Members of a JSON object (RFC 8259 §4). They are not put together by [`fmt`], nor by `tracing`'s visitors: each cost
/// several times what all of this does, for every exchange.
struct Members(String);

/// What stands before a member's value.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

// === impl Line ===

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { f.write_str(&self.members()) } else { self.record.fmt(f) }
    }
}

impl Line<'_> {
    fn members(&self) -> String {
        let record = self.record;
        let mut members = Members(String::with_capacity(USUAL));
        members.address(key!("client"), self.client);
        members.text(key!("client_key"), self.client_key);
        members.word(key!("route"), Some(self.route));
        members.text(key!("method"), Some(&record.method));
        members.text(key!("path"), Some(&record.path));
        members.word(key!("operation"), Some(record.operation).filter(|operation| !operation.is_empty()));
        members.text(key!("model"), record.model.as_deref());
        members.text(key!("deployment"), record.deployment.as_deref());
        members.text(key!("upstream"), record.upstream.as_deref());
        members.number(key!("status"), record.status.map(u64::from));
        members.word(key!("reason"), record.reason);
        members.number(key!("ttfb_ms"), record.ttfb_ms);
        members.number(key!("total_ms"), record.total_ms);
        members.number(key!("own_us"), self.own_us);
        members.number(key!("octets"), Some(record.octets));
        members.number(key!("input_tokens"), record.tokens.map(|tokens| tokens.input));
        members.number(key!("output_tokens"), record.tokens.map(|tokens| tokens.output));
        members.word(key!("outcome"), Some(record.outcome.as_str()));
        members.0
    }
}

// === impl Members ===

impl Members {
    fn number(&mut self, key: &'static str, number: Option<u64>) {
        if let Some(number) = number {
            self.0.push_str(key);
            self.digits(number);
        }
    }

    /// A text of ours, in which nothing has to be escaped.
    fn word(&mut self, key: &'static str, word: Option<&'static str>) {
        if let Some(word) = word {
            self.0.push_str(key);
            self.0.push('"');
            self.0.push_str(word);
            self.0.push('"');
        }
    }

    fn text(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.0.push_str(key);
            self.0.push('"');
            self.escaped(text);
            self.0.push('"');
        }
    }

    fn address(&mut self, key: &'static str, address: SocketAddr) {
        let SocketAddr::V4(address) = address else {
            return self.text(key, Some(&address.to_string()));
        };
        let [first, rest @ ..] = address.ip().octets();
        self.0.push_str(key);
        self.0.push('"');
        self.digits(first.into());
        for octet in rest {
            self.0.push('.');
            self.digits(octet.into());
        }
        self.0.push(':');
        self.digits(address.port().into());
        self.0.push('"');
    }

    fn digits(&mut self, number: u64) {
        self.0.push_str(itoa::Buffer::new().format(number));
    }

    /// A string's inside (RFC 8259 §7).
    fn escaped(&mut self, text: &str) {
        let special = |octet: u8| octet < b' ' || octet == b'"' || octet == b'\\';
        // Without a way out on the first one the compiler looks at many octets at once.
        if !text.bytes().fold(false, |found, octet| found | special(octet)) {
            return self.0.push_str(text);
        }
        for char in text.chars() {
            match char {
                '"' | '\\' => self.0.extend(['\\', char]),
                '\0'..' ' => self.0.push_str(&format!("\\u{:04x}", u32::from(char))),
                _ => self.0.push(char),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::admin::journal::{Outcome, Tokens};

    fn line<'a>(record: &'a Record, client: &str) -> Line<'a> {
        let client = client.parse().unwrap();
        Line { client, client_key: Some("alice"), route: "intercept", own_us: Some(87), record }
    }

    #[test]
    fn machines_get_all_that_is_known_under_its_name() {
        let record = Record {
            method: "POST".into(),
            path: "/v1/responses".into(),
            operation: "responses",
            model: Some("gpt-5".into()),
            deployment: Some("gpt-5-eu".into()),
            upstream: Some("acme.openai.azure.com".into()),
            status: Some(200),
            ttfb_ms: Some(412),
            total_ms: Some(3_950),
            octets: u64::MAX,
            tokens: Some(Tokens { input: 1_290, output: 0 }),
            outcome: Outcome::Complete,
            ..Record::default()
        };
        let expected = concat!(
            r#","client":"127.0.0.1:65535","client_key":"alice","route":"intercept","method":"POST","path":"/v1/responses""#,
            r#","operation":"responses","model":"gpt-5","deployment":"gpt-5-eu","upstream":"acme.openai.azure.com""#,
            r#","status":200,"ttfb_ms":412,"total_ms":3950,"own_us":87,"octets":18446744073709551615"#,
            r#","input_tokens":1290,"output_tokens":0,"outcome":"complete""#,
        );
        assert_eq!(format!("{:#}", line(&record, "127.0.0.1:65535")), expected);
    }

    #[test]
    fn machines_get_each_text_as_it_is() {
        for text in [
            "",
            "\"quoted\" \\ back",
            "\0\u{7}\t\n\u{1f} control\u{7f}",
            "é → 🦀",
            "plain, and longer than 16",
        ] {
            let record = Record { model: Some(text.into()), reason: Some("why"), ..Record::default() };
            for client in ["10.0.200.1:1", "[2001:db8::1]:443"] {
                let object: Value =
                    serde_json::from_str(&format!("{{\"a\":1{:#}}}", line(&record, client))).unwrap();
                assert_eq!((&object["model"], &object["client"]), (&json!(text), &json!(client)));
                assert_eq!((&object["reason"], &object["status"]), (&json!("why"), &Value::Null));
            }
        }
        let record = Record { path: "/\n\"".into(), ..Record::default() };
        let members = line(&record, "[::1]:2").members();
        assert!(!members.contains("operation"), "what is not known is left out: {members}");
        assert!(members.contains(r#""path":"/\u000a\"","#), "{members}");
    }

    #[test]
    fn people_get_the_sentence() {
        let record = Record { method: "GET".into(), path: "/v1/models".into(), ..Record::default() };
        assert_eq!(line(&record, "127.0.0.1:1").to_string(), "GET /v1/models");
    }
}
