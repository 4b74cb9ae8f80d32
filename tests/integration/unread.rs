//! A log that nobody reads: it holds up neither requests nor the end, and has a gap that is counted.

use std::io::{BufRead, BufReader, PipeReader, Read};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::client::{self, within};
use crate::conversation::Conversation;
use crate::program::PROGRAM;

/// A running proxy, whose log was read as far as its address.
struct Unread<R> {
    program: Child,
    log: BufReader<R>,
    proxy: SocketAddr,
    _home: TempDir,
}

// === impl Unread ===

impl<R: Read + Send + 'static> Unread<R> {
    async fn start(read: R, written: impl Into<Stdio>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["--endpoint", "https://r.openai.azure.com", "--listen", "127.0.0.1:0"]);
        command.env_clear().env("HOME", home.path()).kill_on_drop(true);
        let program = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(written).spawn().unwrap();
        let reading = tokio::task::spawn_blocking(move || {
            let (mut log, mut line) = (BufReader::new(read), String::new());
            while !line.contains("listening on http://") {
                line.clear();
                assert!(log.read_line(&mut line).unwrap() > 0, "it ended early");
            }
            (log, line)
        });
        let (log, line) = within(reading).await.unwrap();
        let address = line.split("http://").nth(1).unwrap().split('"').next().unwrap();
        Self { program, log, proxy: address.parse().unwrap(), _home: home }
    }

    /// Asks so many times, on one connection, for what is refused with two lines of some 700 octets.
    async fn ask(&self, times: usize) {
        let padding = "x".repeat(1000);
        let mut asking = Conversation::with(self.proxy).await;
        for number in 0..times {
            let path = format!("/v1/organization/{number}/{padding}");
            asking.write(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
            let head = asking.head().await;
            assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap();
            asking.octets(length.parse().unwrap()).await;
        }
        let host = self.proxy.to_string();
        assert_eq!(client::ask(self.proxy, client::get(&host, "/healthz")).await.text(), "ok\n");
    }

    async fn signal(&self, signal: &str) {
        let id = self.program.id().unwrap().to_string();
        assert!(within(Command::new("kill").args([signal, &id]).status()).await.unwrap().success());
    }

    /// Waits for its end: how it ended, and the rest of the log, which is read from now on if it `is_read`.
    async fn ended(self, is_read: bool) -> (Option<i32>, String) {
        let Self { mut program, mut log, .. } = self;
        let read = move || {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            text
        };
        if is_read {
            let reading = tokio::task::spawn_blocking(read);
            let status = within(program.wait()).await.unwrap();
            return (status.code(), within(reading).await.unwrap());
        }
        (
            within(program.wait()).await.unwrap().code(),
            within(tokio::task::spawn_blocking(read)).await.unwrap(),
        )
    }
}

async fn on_a_pipe() -> Unread<PipeReader> {
    let (read, written) = std::io::pipe().unwrap();
    Unread::start(read, written).await
}

/// The numbers of the requests that the log has, in its order.
fn numbers(log: &str) -> Vec<usize> {
    let after = log.split("\"path\":\"/v1/organization/").skip(1);
    after.map(|after| after.split('/').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn requests_are_answered_and_a_signal_ends_it() {
    for signals in [&["-TERM"][..], &["-TERM", "-INT"]] {
        let unread = on_a_pipe().await;
        unread.ask(1000).await;
        // One that is never finished, which only a second signal ends.
        let mut asking = Conversation::with(unread.proxy).await;
        if signals.len() > 1 {
            asking
                .write(
                    "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\napi-key: k\r\n\
                     Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
                )
                .await;
            // The proxy asks for what it has to search.
            asking.until("100 Continue\r\n\r\n").await;
        }
        let begun = Instant::now();
        for signal in signals {
            unread.signal(signal).await;
            // With the first one it stops listening.
            within(async { while TcpStream::connect(unread.proxy).await.is_ok() {} }).await;
        }
        let (code, log) = unread.ended(false).await;
        assert_eq!(code, Some(if signals.len() > 1 { 130 } else { 0 }));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let there = numbers(&log);
        assert!(there.iter().copied().eq(0..there.len()), "{there:?}");
    }
}

#[tokio::test]
async fn who_reads_again_learns_how_many_lines_are_missing() {
    const ASKED: usize = 1500;
    let unread = on_a_pipe().await;
    unread.ask(ASKED).await;
    unread.signal("-TERM").await;
    let (code, log) = unread.ended(true).await;
    assert_eq!(code, Some(0));
    let there = numbers(&log);
    assert!(there.len() > 500 && there.iter().copied().eq(0..there.len()), "{there:?}");
    let told: Vec<&str> = log.lines().filter(|line| line.contains("has a gap")).collect();
    let [told] = told[..] else { panic!("{told:?}") };
    let missing: usize = told.split("\"lines\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    // Beside the requests' lines there are four more of the start, and one of the stop.
    assert_eq!(log.lines().count() - 1 + missing, 4 + 2 * ASKED + 1);
}

#[tokio::test]
async fn no_line_is_lost_where_the_other_end_is_full_and_says_so() {
    const ASKED: usize = 500;
    let (read, written) = UnixStream::pair().unwrap();
    written.set_nonblocking(true).unwrap();
    let unread = Unread::start(read, OwnedFd::from(written)).await;
    unread.ask(ASKED).await;
    unread.signal("-TERM").await;
    let (code, log) = unread.ended(true).await;
    assert_eq!(code, Some(0));
    assert!(numbers(&log).into_iter().eq(0..ASKED));
    assert_eq!(log.lines().count(), 4 + 2 * ASKED + 1);
    assert!(log.ends_with('\n') && log.lines().last().unwrap().contains("stopping"), "{log}");
}
