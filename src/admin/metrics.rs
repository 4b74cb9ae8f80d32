//! Counts and times for Prometheus, in the text format of OpenMetrics.
//!
//! The names that begin with `gen_ai` are those of OpenTelemetry's semantic conventions for generative AI
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics>, status Development, as of version 1.38) in
//! Prometheus's spelling. Labels have few values: a model is one that the map names, or `unresolved`.

mod labels;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::VERSION;
use super::journal::Record;
use labels::{Call, Ended, Kind, Request, Tunnel, Usage};

pub use labels::TunnelKind;

/// The content's type.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted; clones share it.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<Request, Counter>,
    tunnels: Family<Tunnel, Counter>,
    own_latency: Histogram,
    duration: Times<Ended>,
    first_token: Times<Call>,
    tokens: Times<Usage>,
    /// What was looked up once: to do it for each exchange costs several times what counting does.
    found: RwLock<BTreeMap<Kind, Counters>>,
}

/// What counts the exchanges of one kind.
struct Counters {
    requests: Counter,
    answers: Option<Answers>,
}

/// What counts the answers of models, as far as they tell it.
struct Answers {
    duration: Histogram,
    first_token: Option<Histogram>,
    input: Option<Histogram>,
    output: Option<Histogram>,
}

type Times<L> = Family<L, Histogram, fn() -> Histogram>;

/// What is known of an answered exchange beside its [`Record`].
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Who answers, as the conventions call them.
    pub provider: &'static str,
    /// Whether the map names the model.
    pub known_model: bool,
    /// All of its time.
    pub total: Duration,
    /// The part of it that was ours: neither client nor origin server was waited for.
    pub own: Duration,
    /// Until the first octets of a stream.
    pub first_token: Option<Duration>,
}

/// Counts the connections that are open, when it is asked.
struct Open(Box<dyn Fn() -> usize + Send + Sync>);

// === impl Measured ===

impl Measured {
    /// Nothing measured yet.
    pub fn begin(provider: &'static str, known_model: bool) -> Self {
        let (total, own) = (Duration::ZERO, Duration::ZERO);
        Self { provider, known_model, total, own, first_token: None }
    }
}

// === impl Metrics ===

impl Metrics {
    /// Nothing counted yet, but for what counts the open connections.
    pub fn new(open: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        let own_latency = Histogram::new(exponential_buckets(10e-6, 2.0, 18));
        let mut inner = Inner {
            registry: Registry::default(),
            requests: Family::default(),
            tunnels: Family::default(),
            own_latency,
            duration: Family::new_with_constructor(seconds),
            first_token: Family::new_with_constructor(seconds),
            tokens: Family::new_with_constructor(counts),
            found: RwLock::default(),
        };
        inner.register();
        inner.registry.register_collector(Box::new(Open(Box::new(open))));
        Self(Arc::new(inner))
    }

    /// Counts an exchange that is over, whether or not it was sent on.
    pub fn exchange(&self, record: &Record, measured: Option<&Measured>) {
        let kind = Kind::of(record, measured);
        // Nothing under the lock panics half-way.
        if let Some(counters) = self.0.found.read().unwrap_or_else(PoisonError::into_inner).get(&kind) {
            return self.0.count(counters, record, measured);
        }
        let counters = self.0.find(&kind);
        self.0.count(&counters, record, measured);
        self.0.found.write().unwrap_or_else(PoisonError::into_inner).insert(kind, counters);
    }

    /// Counts a CONNECT.
    pub fn tunnel(&self, kind: TunnelKind, opened: bool) {
        self.0.tunnels.get_or_create(&Tunnel::new(kind, opened)).inc();
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("writing to a string does not fail");
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    fn find(&self, kind: &Kind) -> Counters {
        let answers = kind.asked.as_ref().map(|asked| {
            let call = kind.call(asked);
            let usage = |kind| self.tokens.get_or_create_owned(&call.clone().usage(kind));
            Answers {
                duration: self.duration.get_or_create_owned(&kind.ended(call.clone())),
                first_token: asked.first_token.then(|| self.first_token.get_or_create_owned(&call)),
                input: asked.tokens.then(|| usage("input")),
                output: asked.tokens.then(|| usage("output")),
            }
        });
        Counters { requests: self.requests.get_or_create_owned(&kind.request()), answers }
    }

    fn count(&self, counters: &Counters, record: &Record, measured: Option<&Measured>) {
        counters.requests.inc();
        let Some(measured) = measured else { return };
        self.own_latency.observe(measured.own.as_secs_f64());
        let Some(answers) = &counters.answers else { return };
        answers.duration.observe(measured.total.as_secs_f64());
        if let (Some(times), Some(first)) = (&answers.first_token, measured.first_token) {
            times.observe(first.as_secs_f64());
        }
        if let (Some(input), Some(output), Some(tokens)) = (&answers.input, &answers.output, record.tokens) {
            // Exact up to 2⁵³, which nobody can pay for.
            input.observe(tokens.input as f64);
            output.observe(tokens.output as f64);
        }
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("azure_openai_proxy_requests", "Exchanges that are over", self.requests.clone());
        registry.register("azure_openai_proxy_tunnels", "CONNECT requests", self.tunnels.clone());
        registry.register_with_unit(
            "azure_openai_proxy_own_latency",
            "Time that the proxy itself adds to an exchange",
            Unit::Seconds,
            self.own_latency.clone(),
        );
        registry.register_with_unit(
            "gen_ai_server_request_duration",
            "Time from a request to the end of its answer",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register_with_unit(
            "gen_ai_server_time_to_first_token",
            "Time from a request to the first octets of its stream",
            Unit::Seconds,
            self.first_token.clone(),
        );
        registry.register(
            "gen_ai_client_token_usage",
            "Tokens of an exchange, where the answer tells them",
            self.tokens.clone(),
        );
        let version = Info::new([("version", VERSION)]);
        registry.register("azure_openai_proxy_build", "What runs here", version);
    }
}

/// The buckets that the conventions ask for, in seconds.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 2.0, 14))
}

/// The same for tokens.
fn counts() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 4.0, 14))
}

// === impl Open ===

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Open").field(&(self.0)()).finish()
    }
}

impl Collector for Open {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let gauge = ConstGauge::new(i64::try_from((self.0)()).unwrap_or(i64::MAX));
        let name = "azure_openai_proxy_open_connections";
        let help = "Connections of clients, tunnels included";
        gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
    }
}

#[cfg(test)]
mod tests;
