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
    let json: serde_json::Value = serde_json::from_str(&logged("info", true, event(404))).unwrap();
    assert_eq!((&json["status"], &json["outcome"]), (&404.into(), &"complete".into()));
}

#[test]
fn an_exchange_for_machines_is_what_the_library_would_have_written() {
    let text = "\"quoted\" \\ back, \u{7}\t\n\u{1f} control, é → 🦀";
    let object = |line: &str| -> serde_json::Map<_, _> { serde_json::from_str(line).unwrap() };
    macro_rules! logged_at {
        ($target:expr) => {
            object(&logged("info", true, || {
                let absent: Option<&str> = None;
                tracing::info!(
                    target: $target, client = %text, model = text, absent, ms = 5_u64, less = -5_i64, yes = true, "{text}",
                );
            }))
        };
    }
    let (mut ours, mut librarys) = (logged_at!(access::TARGET), logged_at!("other"));
    assert_eq!(ours.remove("target"), Some(access::TARGET.into()));
    librarys.remove("target");
    assert_eq!((ours.get("message"), librarys.remove("message")), (None, Some(text.into())));
    let (at, librarys_at) = (ours.remove("timestamp").unwrap(), librarys.remove("timestamp").unwrap());
    assert_eq!(at.as_str().map(str::len), librarys_at.as_str().map(str::len));
    assert!(at.as_str() <= librarys_at.as_str(), "{at} {librarys_at}");
    assert_eq!(ours.keys().collect::<Vec<_>>(), librarys.keys().collect::<Vec<_>>());
    assert_eq!(ours, librarys);
}
