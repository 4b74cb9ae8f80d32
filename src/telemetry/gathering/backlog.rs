//! Lines that wait to be written, and the thread that writes them.

use std::io::{ErrorKind, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, mem, thread};

/// Lines between those who have them and the one thread that writes them. Who puts one never waits for who reads it.
pub(super) struct Backlog {
    lines: Mutex<Lines>,
    /// Told when the writing thread has something to do.
    woken: Condvar,
    /// Told when it has written all that it took.
    written: Condvar,
}

/// What waits.
struct Lines {
    text: Vec<u8>,
    /// Lines for which there was no room since something was taken.
    dropped: u64,
    /// Whether something came that is to be written at once.
    soon: bool,
    writer: State,
}

/// What the writing thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is not there.
    Absent,
    /// It writes, or is about to look whether it has to.
    Works,
    /// It lets lines gather for [`PAUSE`].
    Rests,
    /// It waits to be woken.
    Sleeps,
}

/// Octets of more than one line that wait at most. Those that are being written are as many again at most.
const ROOM: usize = 512 << 10;
/// Octets for which the writing thread is woken from its rest.
const MANY: usize = 32 << 10;
/// How long lines gather after some were written, and until what could not be written is tried again.
const PAUSE: Duration = Duration::from_millis(10);

// === impl Backlog ===

impl Backlog {
    pub(super) const fn new() -> Self {
        let lines = Lines { text: Vec::new(), dropped: 0, soon: false, writer: State::Absent };
        Self { lines: Mutex::new(lines), woken: Condvar::new(), written: Condvar::new() }
    }

    /// Starts the thread that writes to `out`, unless it is there.
    pub(super) fn start(&'static self, out: impl Write + Send + 'static) {
        let mut lines = self.lock();
        if lines.writer == State::Absent {
            let thread = thread::Builder::new().name("log".into()).spawn(move || self.write_on(out));
            // Where there can be no thread, each line is written by whoever has it.
            lines.writer = thread.map_or(State::Absent, |_| State::Works);
        }
    }

    /// Takes one line. It is written at once if it is to be `soon` or many wait, else when somebody wakes the thread or
    /// its rest ends.
    pub(super) fn put(&self, line: &[u8], soon: bool) {
        let mut lines = self.lock();
        if lines.writer == State::Absent {
            // Nobody is left to be told where the log cannot be written.
            let _ = io::stderr().write_all(line);
            return;
        }
        let is_full = !lines.text.is_empty() && lines.text.len() + line.len() > ROOM;
        // In a gap, not even a shorter line: it has one beginning and one end.
        if lines.dropped > 0 || is_full {
            lines.dropped += 1;
            return;
        }
        lines.text.extend_from_slice(line);
        lines.soon |= soon;
        if soon || lines.text.len() >= MANY {
            self.rouse(lines, &[State::Sleeps, State::Rests]);
        }
    }

    /// Has what waits written soon: a thread that rests will do so anyway.
    pub(super) fn wake(&self) {
        let lines = self.lock();
        if !lines.text.is_empty() {
            self.rouse(lines, &[State::Sleeps]);
        }
    }

    /// Waits until all that was put is written, but no longer than this.
    pub(super) fn finish(&self, patience: Duration) {
        let mut lines = self.lock();
        lines.soon = true;
        self.rouse(lines, &[State::Sleeps, State::Rests]);
        let unwritten = |lines: &mut Lines| lines.writer == State::Works || !lines.text.is_empty();
        drop(self.written.wait_timeout_while(self.lock(), patience, unwritten));
    }

    /// Tells the thread if it is in one of these states, once: telling costs a system call.
    fn rouse(&self, mut lines: MutexGuard<'_, Lines>, from: &[State]) {
        if from.contains(&lines.writer) {
            lines.writer = State::Works;
            drop(lines);
            self.woken.notify_one();
        }
    }

    fn write_on(&self, mut out: impl Write) {
        let mut text = Vec::new();
        loop {
            let dropped = self.take(&mut text);
            if dropped > 0 {
                // It waits until what came before the gap is written.
                tracing::warn!(lines = dropped, "the log has a gap: nobody read it fast enough");
            }
            write(&mut out, &text);
        }
    }

    /// Waits for lines and takes all, in exchange for what was written; how many are missing after them.
    fn take(&self, text: &mut Vec<u8>) -> u64 {
        text.clear();
        // What a burst took is given back.
        text.shrink_to(2 * MANY);
        let mut lines = self.lock();
        if !lines.soon {
            lines.writer = State::Rests;
            self.written.notify_all();
            let rests = |lines: &mut Lines| lines.writer == State::Rests;
            let rested = self.woken.wait_timeout_while(lines, PAUSE, rests);
            lines = rested.unwrap_or_else(PoisonError::into_inner).0;
        }
        while lines.text.is_empty() {
            lines.writer = State::Sleeps;
            self.written.notify_all();
            let sleeps = |lines: &mut Lines| lines.writer == State::Sleeps;
            lines = self.woken.wait_while(lines, sleeps).unwrap_or_else(PoisonError::into_inner);
        }
        lines.writer = State::Works;
        lines.soon = false;
        mem::swap(text, &mut lines.text);
        mem::take(&mut lines.dropped)
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        // Each change is whole: there is nothing half done.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes all of it, however long it takes: only this thread waits.
fn write(out: &mut impl Write, mut text: &[u8]) {
    while !text.is_empty() {
        match out.write(text) {
            // Nobody is left to be told where the log cannot be written.
            Ok(0) => return,
            Ok(count) => text = &text[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests;
