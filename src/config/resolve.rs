//! From texts to the settings that the modules take.

use std::net::SocketAddr;
use std::path::PathBuf;

use http::header::{HeaderName, HeaderValue};

use super::Config;
use super::azure_key::{AzureKey, KeyCommand};
use super::env::{Environment, is_convention};
use super::given::{self, Given, Upstream, ours, theirs};
use super::key::Key;
use super::layer::{Layer, Origin};
use super::problem::{Fault, Problem};
use super::value::{self, ValueError};
use crate::rewrite::azure::{self, ApiVersion, Endpoint, Surface};
use crate::rewrite::extras::Extras;
use crate::rewrite::model_map::ModelMap;
use crate::rewrite::response::Style;
use crate::rewrite::{self, Mode};
use crate::{policy, proxy, telemetry, tls, upstream};

/// Reads every setting, then what several say together. `None` only if a problem was found; those
/// that were found before do not keep it from finding more.
///
/// `file` is where an endpoint could be written; the environment says whether colours are welcome, and what leads to us.
pub fn resolve(
    settings: &Layer,
    file: Option<PathBuf>,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> Option<Config> {
    let mut draft = Draft::default();
    for (key, raw) in settings.iter() {
        draft.take(Given { key, raw, problems });
    }
    let azure_key = AzureKey::find(settings).unwrap_or_else(|problem| {
        problems.push(problem);
        AzureKey::None
    });
    let missing = draft.missing(settings, file, problems);
    problems.extend(missing);
    problems.extend(draft.contradiction(settings, &azure_key));
    draft.finish(azure_key, environment)
}

/// What has been read so far; `None` where a required value is missing or unreadable.
#[derive(Default)]
struct Draft {
    listen: Vec<SocketAddr>,
    target: Option<Upstream>,
    endpoint: Option<Endpoint>,
    surface: Option<Surface>,
    models: ModelMap,
    key_header: Option<HeaderName>,
    classic_models: Vec<String>,
    classic_api_version: Option<ApiVersion>,
    image_deployment: Option<HeaderValue>,
    responses: Style,
    extras: Extras,
    strip_dots: bool,
    intercept: Vec<String>,
    tls_names: Vec<String>,
    tls_cert_file: Option<PathBuf>,
    tls_key_file: Option<PathBuf>,
    certs: Option<PathBuf>,
    upstream: upstream::Settings,
    policy: policy::Settings,
    limits: proxy::Limits,
    log_format: telemetry::Format,
    log: telemetry::Filter,
}

// === impl Draft ===

impl Draft {
    fn take(&mut self, given: Given<'_>) {
        let origin = &given.raw.origin;
        let path = |text: &str| if text.is_empty() { Err(ValueError::Empty) } else { Ok(origin.path(text)) };
        match given.key {
            Key::Listen => given.all(&mut self.listen, ours(value::address)),
            Key::Mode => given.maybe(&mut self.target, ours(given::mode)),
            Key::Endpoint => given.maybe(&mut self.endpoint, theirs),
            Key::ApiVersion => given.maybe(&mut self.surface, theirs),
            Key::Map => given.each(|entry| given::insert(&mut self.models, entry)),
            // These three are read together, by `AzureKey::find`.
            Key::ApiKey | Key::ApiKeyFile | Key::ApiKeyCommand => {}
            Key::KeyHeader => given.maybe(&mut self.key_header, ours(given::key_header)),
            Key::ClassicModels => given.all(&mut self.classic_models, ours(given::non_empty)),
            Key::ClassicApiVersion => given.maybe(&mut self.classic_api_version, theirs),
            Key::ImageDeployment => given.maybe(&mut self.image_deployment, ours(given::deployment)),
            Key::Responses => given.one(&mut self.responses, theirs),
            Key::NestedModels => given.one(&mut self.extras.nested_models, ours(value::switch)),
            Key::BatchModels => given.one(&mut self.extras.batch_models, ours(value::switch)),
            Key::CodexStore => given.one(&mut self.extras.codex_store, ours(value::switch)),
            Key::StripDots => given.one(&mut self.strip_dots, ours(value::switch)),
            Key::Intercept => given.all(&mut self.intercept, ours(value::host_name)),
            Key::TlsNames => given.all(&mut self.tls_names, ours(value::host_name)),
            Key::TlsCertFile => given.maybe(&mut self.tls_cert_file, ours(path)),
            Key::TlsKeyFile => given.maybe(&mut self.tls_key_file, ours(path)),
            Key::Certs => given.maybe(&mut self.certs, ours(path)),
            Key::UpstreamCaFile => given.all(&mut self.upstream.ca_files, ours(path)),
            Key::UpstreamHttp => given.one(&mut self.upstream.http, ours(given::upstream_http)),
            Key::Resolve => given.all(&mut self.upstream.resolve, theirs),
            Key::UpstreamProxy => given.one(&mut self.upstream.parent, given::parent),
            Key::NoUpstreamProxy => {
                let is_convention = is_convention(origin);
                let read = |text: &str| given::exception(text, is_convention);
                given.all(&mut self.upstream.no_parent, ours(read));
            }
            Key::AllowAnonymous => given.one(&mut self.policy.allow_anonymous, ours(value::switch)),
            Key::AllowOrigin => given.all(&mut self.policy.allow_origins, ours(value::web_origin)),
            Key::ClientKeysFile => {
                let keys = self.policy.client_keys.get_or_insert_default();
                given.each(|text| given::add_client_keys(keys, &origin.path(text)));
            }
            Key::ClientKeys => {
                let keys = self.policy.client_keys.get_or_insert_default();
                given.each(|entry| keys.add_entry(entry).map_err(|error| Fault::Refused(error.into())));
            }
            Key::RequireClientKey => given.one(&mut self.policy.require_client_key, ours(value::switch)),
            Key::TrustedClients => given.all(&mut self.policy.trusted_clients, theirs),
            Key::TunnelPorts => {
                self.policy.destinations.ports.clear();
                given.all(&mut self.policy.destinations.ports, ours(value::port));
            }
            Key::AllowDestinations => given.all(&mut self.policy.destinations.allow, ours(value::suffix)),
            Key::DenyDestinations => given.all(&mut self.policy.destinations.deny, ours(value::suffix)),
            Key::BufferedContent => given.one(&mut self.limits.buffered_content, ours(value::size)),
            Key::MaxHeadSize => given.one(&mut self.limits.head_size, ours(value::size)),
            Key::MaxHeadFields => given.one(&mut self.limits.head_fields, ours(value::count)),
            Key::MaxConnections => given.one(&mut self.limits.connections, ours(value::count)),
            Key::MaxConnectionsPerClient => {
                given.one(&mut self.limits.connections_per_client, ours(value::count));
            }
            Key::HeadTimeout => given.one(&mut self.limits.head_timeout, ours(value::duration)),
            Key::KeepaliveTimeout => given.one(&mut self.limits.keepalive_timeout, ours(value::duration)),
            Key::ConnectTimeout => given.one(&mut self.upstream.connect_timeout, ours(value::duration)),
            Key::FirstByteTimeout => given.one(&mut self.upstream.first_byte_timeout, ours(value::duration)),
            Key::IdleTimeout => given.one(&mut self.upstream.idle_timeout, ours(value::duration)),
            Key::DrainTimeout => given.one(&mut self.limits.drain_timeout, ours(value::duration)),
            Key::LogFormat => given.one(&mut self.log_format, ours(given::log_format)),
            Key::Log => given.one(&mut self.log, theirs),
        }
    }

    /// What must be given and is not. What is given and could not be read has its problem already.
    fn missing(&self, settings: &Layer, file: Option<PathBuf>, problems: &[Problem]) -> Vec<Problem> {
        // Nobody knows what would be in a file that could not be read.
        if problems.iter().any(Problem::is_of_whole_file) {
            return Vec::new();
        }
        let given = |key| settings.get(key).is_some_and(|raw| !raw.values.is_empty());
        let absent = |key| !given(key) && !problems.iter().any(|problem| problem.key == Some(key));
        let mut missing = Vec::new();
        if self.target == Some(Upstream::Azure) && absent(Key::Endpoint) {
            missing.push(Problem::missing(Key::Endpoint, Fault::NoEndpoint { file }));
        }
        for (one, other) in [(Key::TlsCertFile, Key::TlsKeyFile), (Key::TlsKeyFile, Key::TlsCertFile)] {
            if given(one) && absent(other) {
                missing.push(Problem::missing(other, Fault::NeededBeside(one)));
            }
        }
        if absent(Key::Listen) {
            missing.push(Problem::missing(Key::Listen, Fault::NoListener));
        }
        if self.policy.require_client_key && self.policy.client_keys.is_none() {
            missing.push(Problem::missing(Key::ClientKeysFile, Fault::NoClientKeys));
        }
        if absent(Key::Certs) {
            missing.push(Problem::missing(Key::Certs, Fault::NoDirectory));
        }
        missing
    }

    /// Our key for whoever comes is an open door, unless the operator says so.
    fn contradiction(&self, settings: &Layer, key: &AzureKey) -> Option<Problem> {
        let spends_our_key = self.target == Some(Upstream::Azure) && *key != AzureKey::None;
        let listener = *self.listen.iter().find(|address| !address.ip().to_canonical().is_loopback())?;
        let origin = &settings.get(Key::Listen)?.origin;
        let asks = self.policy.client_keys.is_some() || !self.policy.trusted_clients.is_empty();
        let by_variable = matches!(origin, Origin::Env(_));
        (spends_our_key && !asks && !self.policy.allow_anonymous)
            .then(|| Problem::at(origin, Key::Listen, Fault::Anonymous { listener, by_variable }))
    }

    fn finish(mut self, azure_key: AzureKey, environment: &Environment) -> Option<Config> {
        let (key, key_command) = match azure_key {
            AzureKey::None => (None, None),
            AzureKey::Known(key) => (Some(key), None),
            AzureKey::Command(line) => (None, Some(KeyCommand::new(line, environment, &self.listen))),
        };
        if self.strip_dots {
            self.models.strip_dots();
        }
        let target = self.target?;
        let (mode, key_command) = match target {
            Upstream::OpenAi => (Mode::OpenAi, None),
            Upstream::Azure => (
                Mode::Azure(azure::Settings {
                    endpoint: self.endpoint?,
                    surface: self.surface?,
                    key,
                    key_header: self.key_header?,
                    classic_models: self.classic_models,
                    classic_api_version: self.classic_api_version?,
                    image_deployment: self.image_deployment,
                    responses: self.responses,
                    extras: self.extras,
                }),
                key_command,
            ),
        };
        Some(Config {
            listen: self.listen,
            rewrite: rewrite::Settings { mode, models: self.models },
            intercept: self.intercept,
            tls_names: self.tls_names,
            tls_files: self
                .tls_cert_file
                .zip(self.tls_key_file)
                .map(|(certificate, key)| tls::own::Files { certificate, key }),
            certs: self.certs?,
            upstream: self.upstream,
            policy: self.policy,
            limits: self.limits,
            log: telemetry::Settings {
                format: self.log_format,
                filter: self.log,
                color: !environment.no_color(),
            },
            key_command,
        })
    }
}
