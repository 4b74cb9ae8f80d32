use std::fmt;
use std::sync::{Arc, Mutex};

use super::*;
use crate::proxy::access;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(filter: &str, json: bool, events: impl FnOnce()) -> String {
    colored(filter, json, false, events)
}

fn colored(filter: &str, json: bool, ansi: bool, events: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = layer(&filter.parse().unwrap(), json, ansi, move || writer.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn libraries_that_print_header_fields_are_capped_whatever_the_filter_says() {
    for filter in ["trace", "hyper=trace,hyper::proto=trace,h2=trace,h2::hpack=trace,rustls=trace"] {
        let log = logged(filter, false, || {
            tracing::trace!(target: "hyper::proto::h1", "secret");
            tracing::trace!(target: "hyper_util::client::legacy", "secret");
            tracing::trace!(target: "h2::hpack::decoder", "secret");
            tracing::debug!(target: "h2::codec", "secret");
            tracing::trace!(target: "rustls::conn", "secret");
            tracing::debug!(target: "hyper::proto::h1", "shown at debug");
        });
        assert!(!log.contains("secret"), "{filter}: {log}");
        assert!(log.contains("shown at debug"), "{filter}: {log}");
    }
}

#[test]
fn the_filter_takes_levels_and_targets() {
    let log = logged("warn,noisy=off,ours::part=debug", false, || {
        tracing::info!(target: "other", "info of others");
        tracing::warn!(target: "other", "warning of others");
        tracing::error!(target: "noisy", "error of the noisy");
        tracing::debug!(target: "ours::part", "debug of ours");
    });
    assert!(!log.contains("info of others") && !log.contains("noisy"), "{log}");
    assert!(log.contains("warning of others") && log.contains("debug of ours"), "{log}");
}

#[test]
fn what_is_no_filter_is_refused() {
    for text in ["", "verbose", "info,", "=info", "a=", "a=verbose", "a=b=info", "3", "a=3", "a[span]=info"] {
        assert_eq!(text.parse::<Filter>(), Err(FilterError), "{text}");
    }
    assert_eq!("info".parse(), Ok(Filter::default()));
    assert_eq!("INFO".parse(), Ok(Filter::default()));
}

#[test]
fn a_line_is_short_for_people_and_an_object_for_machines() {
    let event = || tracing::info!(target: "ours", status = 200, "answered");
    let human = logged("info", false, event);
    let (time, rest) = human.split_once(' ').unwrap();
    assert_eq!((time.len(), rest.trim()), ("23:59:59.999Z".len(), "INFO answered status=200"));
    let json: serde_json::Value = serde_json::from_str(&logged("info", true, event)).unwrap();
    assert_eq!(
        (&json["message"], &json["status"], &json["level"]),
        (&"answered".into(), &200.into(), &"INFO".into())
    );
    assert!(json["timestamp"].is_string());
}

#[test]
fn an_exchange_is_a_line_of_its_own() {
    let event = |status: u16| move || tracing::info!(target: access::TARGET, status, outcome = "complete", "GET /v1/models  {status}  1ms");
    let line = logged("info", false, event(200));
    assert_eq!(line.split_once(' ').map(|(_, rest)| rest), Some("GET /v1/models  200  1ms\n"));
    for (status, color) in [(200, ""), (404, "\x1b[33m"), (502, "\x1b[31m")] {
        let line = colored("info", false, true, event(status));
        let expected = format!("Z\x1b[0m {color}GET /v1/models  {status}  1ms\x1b[0m\n");
        assert!(line.starts_with("\x1b[2m") && line.ends_with(&expected), "{line:?}");
    }
}

/// What the log gets of an exchange.
struct Both;

impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if f.alternate() { ",\"status\":200,\"model\":\"é\"" } else { "for people" })
    }
}

#[test]
fn an_exchange_for_machines_looks_like_all_else() {
    let line = |target: &str, line: String| {
        let line = line.strip_suffix(&format!(",\"target\":\"{target}\"}}\n")).expect("a target").to_owned();
        let (time, rest) = line.split_at("{\"timestamp\":\"2026-11-24T07:12:03.412345Z".len());
        (time.to_owned(), rest.to_owned())
    };
    let ours = logged("info", true, || {
        tracing::info!(target: access::TARGET, status = 200, outcome = "complete", exchange = %Both);
    });
    let librarys = logged("info", true, || tracing::info!(target: "other", status = 200, model = "é"));
    let ((at, ours), (librarys_at, librarys)) = (line(access::TARGET, ours), line("other", librarys));
    assert_eq!(ours, librarys);
    assert!(at <= librarys_at, "{at} {librarys_at}");
    let other = logged("info", true, || tracing::warn!(target: access::TARGET, "\"quoted\""));
    assert!(other.contains(r#","message":"\"quoted\"","#), "{other}");
    let human = logged("info", false, || tracing::info!(target: access::TARGET, exchange = %Both));
    assert!(human.ends_with("Z for people\n"), "{human}");
}
