//! Lines of the log, which wait for a thread of their own: whoever reads them holds nobody else up.
//!
//! A system call for each line costs a busy proxy some per cent. So a thread of the runtime wakes the writing one before
//! it parks, and sooner where somebody should look at a line or many have come. Any other thread never parks in that
//! sense, and wakes it for each.

mod backlog;

use std::cell::Cell;
use std::io::{self, Write};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use backlog::Backlog;

/// What this process has still to write on standard error.
static BACKLOG: Backlog = Backlog::new();

thread_local! {
    /// Whether this thread says when it parks.
    static PARKS: Cell<bool> = const { Cell::new(false) };
    /// Whether it has put lines for which it woke nobody.
    static OWES: Cell<bool> = const { Cell::new(false) };
}

/// How long the end of the process waits for whoever reads the log.
const FAREWELL: Duration = Duration::from_secs(1);

/// Standard error, where lines are gathered before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathering;

/// Takes one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer {
    waits: bool,
}

/// Has lines written by a thread of their own from here on. Until then, and where there can be no such thread, whoever
/// has a line writes it.
pub(super) fn start() {
    BACKLOG.start(io::stderr());
}

/// Has what this thread has put written soon, which it calls whenever it parks.
pub fn before_park() {
    PARKS.set(true);
    if OWES.replace(false) {
        BACKLOG.wake();
    }
}

/// Writes a line on standard error, after those of the log that came before it.
pub fn say(line: &str) {
    BACKLOG.put(format!("{line}\n").as_bytes(), true);
}

/// Waits until all is written, but no longer than a second: the process ends after this.
pub fn finish() {
    BACKLOG.finish(FAREWELL);
}

// === impl Writer ===

impl Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let waits = self.waits && PARKS.get();
        BACKLOG.put(line, !waits);
        if waits {
            OWES.set(true);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// === impl Gathering ===

impl<'a> MakeWriter<'a> for Gathering {
    type Writer = Writer;

    fn make_writer(&'a self) -> Writer {
        Writer { waits: false }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Writer {
        Writer { waits: *event.level() > Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wait_only_on_a_thread_that_parks_and_only_where_nobody_should_look() {
        for (waits, parks, owes) in
            [(true, false, false), (false, false, false), (false, true, false), (true, true, true)]
        {
            if parks {
                before_park();
            }
            assert_eq!(Writer { waits }.write(b"").unwrap(), 0);
            assert_eq!(OWES.get(), owes, "{waits} {parks}");
        }
        before_park();
        assert!(!OWES.get());
    }

    #[test]
    fn warnings_and_errors_do_not_wait() {
        struct Levels;
        impl tracing_subscriber::Layer<tracing_subscriber::Registry> for Levels {
            fn on_event(
                &self,
                event: &tracing::Event<'_>,
                _: tracing_subscriber::layer::Context<'_, tracing_subscriber::Registry>,
            ) {
                let level = *event.metadata().level();
                let waits = Gathering.make_writer_for(event.metadata()).waits;
                assert_eq!(waits, level == Level::INFO || level == Level::DEBUG, "{level}");
            }
        }
        let levels = tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), Levels);
        tracing::subscriber::with_default(levels, || {
            tracing::error!("one");
            tracing::warn!("one");
            tracing::info!("one");
            tracing::debug!("one");
        });
    }
}
