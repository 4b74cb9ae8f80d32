//! Lines for people: an exchange or a tunnel as one line of its own make, anything else as the library writes it.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{self, Format, FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::registry::LookupSpan;

use super::stamp::Stamp;
use crate::proxy::{access, connect};

const DIM: &str = "\x1b[2m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// The format of a line.
pub(super) struct Human(Format<format::Full, TimeOfDay>);

/// Hours, minutes, seconds and milliseconds of UTC.
struct TimeOfDay;

/// What the line of an exchange or a tunnel is made of.
#[derive(Default)]
struct Exchange {
    message: String,
    status: u64,
    broken: bool,
}

// === impl Human ===

impl Human {
    pub(super) fn new(ansi: bool) -> Self {
        Self(Format::default().with_timer(TimeOfDay).with_target(false).with_ansi(ansi))
    }
}

impl<S, N> FormatEvent<S, N> for Human
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
        if ![access::TARGET, connect::TARGET].contains(&event.metadata().target()) {
            return self.0.format_event(context, writer, event);
        }
        let mut exchange = Exchange::default();
        event.record(&mut exchange);
        let paint = |color| if writer.has_ansi_escapes() { color } else { "" };
        let (dim, plain, color) = (paint(DIM), paint(PLAIN), paint(exchange.color()));
        writer.write_str(dim)?;
        TimeOfDay.format_time(&mut writer)?;
        writeln!(writer, "{plain} {color}{}{plain}", exchange.message)
    }
}

// === impl TimeOfDay ===

impl FormatTime for TimeOfDay {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        w.write_str(Stamp::now().time_of_day())?;
        w.write_char('Z')
    }
}

// === impl Exchange ===

impl Exchange {
    fn color(&self) -> &'static str {
        match self.status {
            500.. => RED,
            _ if self.broken => RED,
            400..500 => YELLOW,
            _ => "",
        }
    }
}

impl Visit for Exchange {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.broken |= field.name() == "outcome" && value == "broken";
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if ["message", access::FIELD].contains(&field.name()) {
            self.message = format!("{value:?}");
        }
    }
}
