//! Lines for machines: an exchange in its own words, anything else as the library writes it.
//!
//! Both look the same, but for an exchange's message, which is for people: its members say all of it. The library's
//! way through its visitors and serialisers took a sixth of all that a short exchange costs the proxy.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{self, Format, FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::stamp::Stamp;
use crate::proxy::access;

/// The format of a line.
pub(super) struct Json(Format<format::Json>);

/// Where the members of an exchange go, and what came of it.
struct Members<'a>(Writer<'a>, fmt::Result);

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
        if metadata.target() != access::TARGET || metadata.fields().field(access::FIELD).is_none() {
            return self.0.format_event(context, writer, event);
        }
        let (stamp, level) = (Stamp::now(), metadata.level().as_str());
        for part in ["{\"timestamp\":\"", stamp.as_str(), "\",\"level\":\"", level, "\""] {
            writer.write_str(part)?;
        }
        let mut members = Members(writer.by_ref(), Ok(()));
        event.record(&mut members);
        members.1?;
        for part in [",\"target\":\"", access::TARGET, "\"}\n"] {
            writer.write_str(part)?;
        }
        Ok(())
    }
}

// === impl Members ===

impl Visit for Members<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == access::FIELD {
            self.1 = write!(self.0, "{value:#?}");
        }
    }
}
