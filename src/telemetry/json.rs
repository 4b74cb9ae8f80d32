//! Lines for machines: an exchange written in one go, anything else as the library writes it.
//!
//! Both look the same, but for an exchange's message, which is for people: its members say all of it. The library's
//! way through its visitors and serialisers took a sixth of all that a short exchange costs the proxy.

use std::fmt::{self, Write};

use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{self, Format, FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::proxy::access;

/// The format of a line.
pub(super) struct Json(Format<format::Json>);

/// The members of an object that has been begun.
struct Members<'a>(&'a mut String);

/// A string's inside (RFC 8259 §7).
struct Escaped<'a>(&'a mut String);

// === impl Json ===

impl Json {
    pub(super) fn new() -> Self {
        Self(Format::default().json().flatten_event(true).with_ansi(false))
    }
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        if metadata.target() != access::TARGET {
            return self.0.format_event(context, writer, event);
        }
        let mut line = String::with_capacity(512);
        line.push_str("{\"timestamp\":\"");
        write_time(&mut line, OffsetDateTime::now_utc())?;
        write!(line, "\",\"level\":\"{}\"", metadata.level())?;
        event.record(&mut Members(&mut line));
        writeln!(line, ",\"target\":\"{}\"}}", metadata.target())?;
        writer.write_str(&line)
    }
}

/// RFC 3339, in microseconds.
fn write_time(line: &mut String, at: OffsetDateTime) -> fmt::Result {
    write!(line, "{:04}", at.year())?;
    for (mark, number) in [
        ('-', u8::from(at.month())),
        ('-', at.day()),
        ('T', at.hour()),
        (':', at.minute()),
        (':', at.second()),
    ] {
        line.extend([mark, digit(number / 10), digit(number % 10)]);
    }
    write!(line, ".{:06}Z", at.microsecond())
}

/// The last digit of a number.
fn digit(number: u8) -> char {
    char::from(b'0' + number % 10)
}

// === impl Members ===

impl Members<'_> {
    fn name(&mut self, field: &Field) {
        self.0.push_str(",\"");
        self.0.push_str(field.name());
        self.0.push_str("\":");
    }

    fn number(&mut self, field: &Field, number: impl fmt::Display) {
        self.name(field);
        write!(self.0, "{number}").expect("writing to a string does not fail");
    }
}

impl Visit for Members<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        self.0.push('"');
        Escaped(self.0).push(value);
        self.0.push('"');
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            return;
        }
        self.name(field);
        self.0.push('"');
        write!(Escaped(self.0), "{value:?}").expect("writing to a string does not fail");
        self.0.push('"');
    }
}

// === impl Escaped ===

impl Escaped<'_> {
    fn push(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|octet| octet < b' ' || octet == b'"' || octet == b'\\') {
            let (plain, from) = rest.split_at(at);
            // All of these are of one octet.
            let (special, after) = from.split_at(1);
            self.0.push_str(plain);
            match special {
                "\"" | "\\" => {
                    self.0.push('\\');
                    self.0.push_str(special);
                }
                _ => {
                    let code = special.as_bytes()[0];
                    write!(self.0, "\\u{code:04x}").expect("writing to a string does not fail");
                }
            }
            rest = after;
        }
        self.0.push_str(rest);
    }
}

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}
