//! Lines that wait until their thread has nothing else to do: a system call for each costs a busy proxy some per cent.
//!
//! A thread of the runtime writes them before it parks, and sooner where somebody should look at one or many have come.
//! Any other thread never parks in that sense, and writes each at once.

use std::cell::RefCell;
use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

thread_local! {
    static LINES: RefCell<Lines> = RefCell::default();
}

/// Standard error, where a busy thread's lines are gathered before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathering;

/// Takes one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer {
    waits: bool,
}

/// What a thread has gathered.
#[derive(Debug, Default)]
struct Lines {
    text: Vec<u8>,
    /// Whether it is written once the thread parks.
    parks: bool,
}

/// Octets that are written without waiting for more.
const MANY: usize = 16 << 10;

/// Writes what this thread has gathered, which it calls whenever it parks.
pub fn before_park() {
    // Nobody is left to be told where the log cannot be written.
    let _ = with_lines(|lines| {
        lines.parks = true;
        lines.write(&mut io::stderr())
    });
}

/// Writes what this thread has gathered, which it calls when it ends.
pub fn before_stop() {
    let _ = with_lines(|lines| lines.write(&mut io::stderr()));
}

/// `None` at the end of a thread, where nothing is gathered any more.
fn with_lines(with: impl FnOnce(&mut Lines) -> io::Result<()>) -> Option<io::Result<()>> {
    LINES.try_with(|lines| lines.try_borrow_mut().ok().map(|mut lines| with(&mut lines))).ok().flatten()
}

// === impl Lines ===

impl Lines {
    fn put(&mut self, line: &[u8], waits: bool, out: &mut impl Write) -> io::Result<()> {
        self.text.extend_from_slice(line);
        if waits && self.parks && self.text.len() < MANY { Ok(()) } else { self.write(out) }
    }

    fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let written = out.write_all(&self.text);
        self.text.clear();
        written
    }
}

// === impl Writer ===

impl Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let put = with_lines(|lines| lines.put(line, self.waits, &mut io::stderr()));
        put.unwrap_or_else(|| io::stderr().write_all(line)).map(|()| line.len())
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
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        lines.put(b"at once\n", true, &mut out).unwrap();
        assert_eq!(out, b"at once\n");
        lines.parks = true;
        lines.put(b"later\n", true, &mut out).unwrap();
        assert_eq!(out, b"at once\n");
        lines.put(b"look\n", false, &mut out).unwrap();
        assert_eq!(out, b"at once\nlater\nlook\n");
        lines.put(b"last\n", true, &mut out).unwrap();
        lines.write(&mut out).unwrap();
        lines.write(&mut out).unwrap();
        assert!(out.ends_with(b"look\nlast\n"));
    }

    #[test]
    fn what_waits_has_a_bound() {
        let (mut lines, mut out) = (Lines { parks: true, ..Lines::default() }, Vec::new());
        for _ in 0..1000 {
            lines.put(&[b'x'; 100], true, &mut out).unwrap();
            assert!(lines.text.len() < MANY);
        }
        assert!(out.len() > 1000 * 100 - MANY);
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
