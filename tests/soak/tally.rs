//! What clients have seen, to be compared with what the program says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Exchanges by their status; 0 is that of one whose client did not wait for an answer.
type Statuses = BTreeMap<u16, u64>;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    seen: Mutex<Statuses>,
    /// Exchanges whose clients went away, and which may have been answered before.
    pub(crate) left: Count,
    /// Exchanges that the origin broke off.
    pub(crate) broken: Count,
    pub(crate) intercepted: Count,
    pub(crate) opened: Count,
    pub(crate) refused: Count,
    /// What counts nowhere: forwarded requests, and what is turned away before it is a request.
    pub(crate) elsewhere: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

// === impl Count ===

impl Count {
    pub(crate) fn add(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Tally ===

impl Tally {
    /// A client has seen this status.
    pub(crate) fn saw(&self, status: http::StatusCode) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner).entry(status.as_u16()).or_default() += 1;
    }

    fn statuses(&self) -> Statuses {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn exchanges(&self) -> u64 {
        self.statuses().values().sum::<u64>() + self.left.get()
    }

    /// Whether so many exchanges are over as there were.
    pub(crate) fn is_reached(&self, metrics: &str) -> bool {
        by_status(metrics).values().sum::<u64>() >= self.exchanges()
    }

    /// What clients saw is what was counted, and what was logged.
    pub(crate) fn assert_agrees_with(&self, metrics: &str, log: &str) {
        let (seen, counted) = (self.statuses(), by_status(metrics));
        let mut more = 0;
        for (status, count) in &counted {
            let clients = seen.get(status).copied().unwrap_or(0);
            assert!(*count >= clients, "{status}: {count} counted, {clients} seen");
            // Who goes away may have been answered, or not, or told that the content is not whole.
            assert!(
                *count == clients || matches!(status, 0 | 200 | 400),
                "{status}: {count} counted, {clients} seen"
            );
            more += count - clients;
        }
        assert!(seen.keys().all(|status| counted.contains_key(status)), "{seen:?} seen, {counted:?} counted");
        assert_eq!(more, self.left.get(), "{seen:?} seen, {counted:?} counted");
        assert_eq!(
            sum(metrics, "azure_openai_proxy_requests_total", r#"outcome="broken""#),
            self.broken.get()
        );
        for (labels, clients) in [
            (r#"kind="intercepted",opened="true""#, &self.intercepted),
            (r#"kind="blind",opened="true""#, &self.opened),
            (r#"kind="blind",opened="false""#, &self.refused),
        ] {
            assert_eq!(sum(metrics, "azure_openai_proxy_tunnels_total", labels), clients.get(), "{labels}");
        }
        assert_eq!(logged(log), counted, "the log and the numbers");
        assert!(!log.contains("panicked"), "somebody panicked");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exchanges by status: {:?}, and {} were left", self.statuses(), self.left.get())?;
        let (intercepted, opened, refused) = (self.intercepted.get(), self.opened.get(), self.refused.get());
        writeln!(f, "tunnels: {intercepted} intercepted, {opened} opened, {refused} refused")?;
        write!(f, "broken off: {}; not counted by the program: {}", self.broken.get(), self.elsewhere.get())
    }
}

/// The sum of a metric's lines with these labels.
fn sum(metrics: &str, name: &str, labels: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name) && line.contains(labels));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

fn by_status(metrics: &str) -> Statuses {
    let mut statuses = Statuses::new();
    for line in metrics.lines().filter(|line| line.starts_with("azure_openai_proxy_requests_total{")) {
        let status = line.split("status=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a label");
        let count: u64 = line.rsplit(' ').next().and_then(|text| text.parse().ok()).expect("a number");
        *statuses.entry(status.parse().expect("a status")).or_default() += count;
    }
    statuses
}

/// The lines of exchanges.
fn logged(log: &str) -> Statuses {
    let mut statuses = Statuses::new();
    for line in log.lines().filter(|line| line.contains("\"azure_openai_proxy::proxy::access\"")) {
        let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        // Why one broke off is told before, and is no line of an exchange.
        if line["outcome"].is_null() {
            continue;
        }
        let status = line["status"].as_u64().unwrap_or(0);
        *statuses.entry(u16::try_from(status).expect("a status")).or_default() += 1;
    }
    statuses
}
