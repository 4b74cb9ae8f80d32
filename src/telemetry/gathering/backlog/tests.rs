use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant;

use super::*;

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(10);

/// An end to write to. Each write waits until somebody takes it, fails first where that is asked for, and takes no more
/// than a pipe does.
struct Pipe {
    taken: SyncSender<Vec<u8>>,
    failures: Vec<ErrorKind>,
}

impl Write for Pipe {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if let Some(kind) = self.failures.pop() {
            return Err(kind.into());
        }
        let count = text.len().min(64 << 10);
        self.taken.send(text[..count].to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines with a thread that has come to its rest or its sleep, and what it writes.
fn writing(failures: &[ErrorKind], until: State) -> (&'static Backlog, Receiver<Vec<u8>>) {
    let (taken, written) = sync_channel(0);
    let backlog: &'static Backlog = Box::leak(Box::new(Backlog::new()));
    backlog.start(Pipe { taken, failures: failures.to_vec() });
    comes_to(backlog, until);
    (backlog, written)
}

/// Has the thread at work until somebody takes this line.
fn is_busy_with(backlog: &Backlog, line: &[u8]) {
    backlog.put(line, true);
    comes(|| backlog.lock().text.is_empty());
}

fn comes_to(backlog: &Backlog, state: State) {
    comes(|| backlog.lock().writer == state);
}

fn comes(it: impl Fn() -> bool) {
    let begun = Instant::now();
    while !it() {
        assert!(begun.elapsed() < DEADLINE);
        thread::yield_now();
    }
}

fn text(written: &Receiver<Vec<u8>>) -> String {
    String::from_utf8(written.recv_timeout(DEADLINE).unwrap()).unwrap()
}

#[test]
fn what_is_put_while_the_thread_sleeps_waits_until_somebody_wakes_it() {
    let (backlog, written) = writing(&[], State::Sleeps);
    backlog.put(b"one\n", false);
    backlog.put(b"two\n", false);
    assert_eq!(written.recv_timeout(10 * PAUSE), Err(RecvTimeoutError::Timeout));
    backlog.wake();
    assert_eq!(text(&written), "one\ntwo\n");
    comes_to(backlog, State::Sleeps);
    backlog.put(b"three\n", false);
    backlog.put(b"look\n", true);
    assert_eq!(text(&written), "three\nlook\n");
    comes_to(backlog, State::Sleeps);
    let line = [b'x'; 100];
    for _ in 0..=MANY / line.len() {
        backlog.put(&line, false);
    }
    assert!(text(&written).len() >= MANY);
}

#[test]
fn what_is_put_while_the_thread_writes_or_rests_is_gathered_into_one_write() {
    let (backlog, written) = writing(&[], State::Sleeps);
    is_busy_with(backlog, b"first\n");
    let lines: String = (0..100).map(|line| format!("{line}\n")).collect();
    for line in lines.split_inclusive('\n') {
        backlog.put(line.as_bytes(), false);
        backlog.wake();
    }
    assert_eq!(text(&written), "first\n");
    // Nobody wakes it any more.
    assert_eq!(text(&written), lines);
}

#[test]
fn a_reader_that_stalls_holds_nobody_up_and_finds_a_gap_that_has_one_place() {
    let (backlog, written) = writing(&[], State::Sleeps);
    is_busy_with(backlog, b"first\n");
    let lines = 100_000;
    for line in 0..lines {
        backlog.put(format!("{line:99}\n").as_bytes(), line % 10 == 0);
        assert!(backlog.lock().text.len() <= ROOM);
    }
    backlog.put(b"short\n", false);
    let (kept, dropped) = (ROOM / 100, backlog.lock().dropped);
    assert_eq!(dropped, lines + 1 - kept as u64);
    let begun = Instant::now();
    backlog.finish(Duration::from_millis(50));
    assert!(begun.elapsed() >= Duration::from_millis(50));

    assert_eq!(text(&written), "first\n");
    let mut all = String::new();
    while all.len() < kept * 100 {
        all += &text(&written);
    }
    assert!(all.lines().map(str::trim).eq((0..kept).map(|line| line.to_string())));
    comes_to(backlog, State::Sleeps);
    assert_eq!(backlog.lock().dropped, 0);
    backlog.put(b"last\n", true);
    assert_eq!(text(&written), "last\n");
    comes_to(backlog, State::Sleeps);
    backlog.put(&vec![b'x'; 2 * ROOM], true);
    assert_eq!(text(&written).len(), 64 << 10, "one line alone is taken, however long it is");
    assert!(backlog.lock().text.capacity() <= 2 * MANY, "a burst's memory is given back");
}

#[test]
fn what_is_not_taken_at_once_is_tried_again_and_what_never_will_be_is_given_up() {
    let (again, never) = ([ErrorKind::Interrupted, ErrorKind::WouldBlock], [ErrorKind::BrokenPipe]);
    for (failures, first) in [(&again[..], "first\n"), (&never, "second\n")] {
        let (backlog, written) = writing(failures, State::Sleeps);
        is_busy_with(backlog, b"first\n");
        if failures == never {
            comes_to(backlog, State::Sleeps);
        }
        backlog.put(b"second\n", true);
        assert_eq!(text(&written), first);
    }
}

#[test]
fn the_end_waits_for_all_that_was_put() {
    let (backlog, written) = writing(&[], State::Sleeps);
    is_busy_with(backlog, b"one\n");
    backlog.put(b"two\n", false);
    let reading = thread::spawn(move || (text(&written), text(&written)));
    backlog.finish(DEADLINE);
    assert!(backlog.lock().text.is_empty() && backlog.lock().writer != State::Works);
    assert_eq!(reading.join().unwrap(), ("one\n".to_owned(), "two\n".to_owned()));
    let begun = Instant::now();
    Backlog::new().finish(DEADLINE);
    assert!(begun.elapsed() < DEADLINE, "nobody is there to wait for");
}
