//! The settings as flags: types only, their comments are the help text.

use std::path::PathBuf;

use clap::{Arg, Args};

/// What the help shows as the value of a setting that is on or off.
const SWITCH: &str = "BOOL";

/// The settings as they were written on the command line.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Settings", mut_args = settle)]
pub struct Flags {
    /// The file of settings, instead of azure-openai-proxy/config.toml in the platform's directory
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen: IP:PORT, :PORT or PORT [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Vec<String>,
    /// Where requests go: azure or openai [default: azure]
    #[arg(long, global = true, value_name = "MODE")]
    pub mode: Option<String>,
    /// The resource, such as https://NAME.openai.azure.com
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    /// v1, preview, or the date of a classic api-version [default: v1]
    #[arg(long, global = true, value_name = "VERSION")]
    pub api_version: Option<String>,
    /// Which deployment answers for a model; others are deployments of their own name
    #[arg(long, global = true, value_name = "MODEL=DEPLOYMENT")]
    pub map: Vec<String>,
    /// A file that holds the Azure key or an Entra token
    #[arg(long, global = true, value_name = "FILE")]
    pub api_key_file: Option<String>,
    /// The header field that carries the Azure key [default: api-key]
    #[arg(long, global = true, value_name = "NAME")]
    pub key_header: Option<String>,
    /// A model that is served on classic paths only
    #[arg(long, global = true, value_name = "MODEL")]
    pub classic_models: Vec<String>,
    /// The api-version of classic paths beside v1 [default: 2025-04-01-preview]
    #[arg(long, global = true, value_name = "VERSION")]
    pub classic_api_version: Option<String>,
    /// The deployment that image_generation tools use in responses
    #[arg(long, global = true, value_name = "DEPLOYMENT")]
    pub image_deployment: Option<String>,
    /// Hand Azure's answers on as OpenAI would write them (openai) or as they are (as-is) [default: openai]
    #[arg(long, global = true, value_name = "STYLE")]
    pub responses: Option<String>,
    /// Map the models inside tools and evals too
    #[arg(long, global = true, value_name = SWITCH)]
    pub nested_models: Option<String>,
    /// Map the models in the lines of a batch's file
    #[arg(long, global = true, value_name = SWITCH)]
    pub batch_models: Option<String>,
    /// Have Azure store responses although Codex says "store": false, because it refers to them later
    #[arg(long, global = true, value_name = SWITCH)]
    pub codex_store: Option<String>,
    /// Take dots and colons out of models that are not in the map, as old deployments needed
    #[arg(long, global = true, value_name = SWITCH)]
    pub strip_dots: Option<String>,
    /// A host to intercept, in place of api.openai.com and its us, eu and ae siblings
    #[arg(long, global = true, value_name = "HOST")]
    pub intercept: Vec<String>,
    /// A name in the certificate of the proxy's own address [default: localhost]
    #[arg(long, global = true, value_name = "NAME")]
    pub tls_names: Vec<String>,
    /// A certificate for the proxy's own address that another authority signed, with its chain
    #[arg(long, global = true, value_name = "PEM")]
    pub tls_cert_file: Option<String>,
    /// The private key of that certificate
    #[arg(long, global = true, value_name = "PEM")]
    pub tls_key_file: Option<String>,
    /// The directory of the certificate authority
    #[arg(long, global = true, value_name = "DIR")]
    pub certs: Option<String>,
    /// Further CAs to trust upstream
    #[arg(long, global = true, value_name = "PEM")]
    pub upstream_ca_file: Vec<String>,
    /// Which HTTP to speak upstream: any, 1 or 2 [default: any]
    #[arg(long, global = true, value_name = "VERSION")]
    pub upstream_http: Option<String>,
    /// Dial an address instead of looking a host up
    #[arg(long, global = true, value_name = "HOST:PORT:ADDR[:PORT]")]
    pub resolve: Vec<String>,
    /// A host, address or network that is reached without the upstream proxy
    #[arg(long, global = true, value_name = "HOST")]
    pub no_upstream_proxy: Vec<String>,
    /// Let clients on other machines use the proxy's key
    #[arg(long, global = true, value_name = SWITCH)]
    pub allow_anonymous: Option<String>,
    /// A web page's origin, such as https://chat.example, that may use the proxy's key
    #[arg(long, global = true, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// A file of client keys: lines NAME sha256:HEX, as the command client-key prints them
    #[arg(long, global = true, value_name = "FILE")]
    pub client_keys_file: Option<String>,
    /// Ask clients on this machine and in trusted networks for a client key too
    #[arg(long, global = true, value_name = SWITCH)]
    pub require_client_key: Option<String>,
    /// A network whose clients need no key, such as 10.1.0.0/16
    #[arg(long, global = true, value_name = "NETWORK")]
    pub trusted_clients: Vec<String>,
    /// A port that clients on other machines may reach, in place of 443 and 80
    #[arg(long, global = true, value_name = "PORT")]
    pub tunnel_ports: Vec<String>,
    /// A host that clients may reach, with all names below it; once one is given, all others are refused
    #[arg(long, global = true, value_name = "HOST")]
    pub allow_destinations: Vec<String>,
    /// A host that no client may reach, with all names below it
    #[arg(long, global = true, value_name = "HOST")]
    pub deny_destinations: Vec<String>,
    /// Content held back until its model is known [default: 64MiB]
    #[arg(long, global = true, value_name = "SIZE")]
    pub buffered_content: Option<String>,
    /// Octets of a request's head, 8KiB at least [default: 64KiB]
    #[arg(long, global = true, value_name = "SIZE")]
    pub max_head_size: Option<String>,
    /// Fields in a request's head of HTTP/1, 16,384 at most [default: 256]
    #[arg(long, global = true, value_name = "NUMBER")]
    pub max_head_fields: Option<String>,
    /// Connections open at once; a tunnel on HTTP/2 is one too [default: 4096]
    #[arg(long, global = true, value_name = "NUMBER")]
    pub max_connections: Option<String>,
    /// Connections open at once from one client on another machine [default: 512]
    #[arg(long, global = true, value_name = "NUMBER")]
    pub max_connections_per_client: Option<String>,
    /// Longest wait for a client's first octet and its TLS handshake [default: 30s]
    #[arg(long, global = true, value_name = "DURATION")]
    pub head_timeout: Option<String>,
    /// Longest wait for the next request on an open connection [default: 100s]
    #[arg(long, global = true, value_name = "DURATION")]
    pub keepalive_timeout: Option<String>,
    /// Longest wait for DNS, TCP and TLS upstream [default: 15s]
    #[arg(long, global = true, value_name = "DURATION")]
    pub connect_timeout: Option<String>,
    /// Longest wait for the head of a response [default: 15m]
    #[arg(long, global = true, value_name = "DURATION")]
    pub first_byte_timeout: Option<String>,
    /// Longest silence inside a message or a tunnel [default: 1h]
    #[arg(long, global = true, value_name = "DURATION")]
    pub idle_timeout: Option<String>,
    /// Longest wait for what is under way when stopping [default: 30s]
    #[arg(long, global = true, value_name = "DURATION")]
    pub drain_timeout: Option<String>,
    /// auto (human on a terminal, else json), human or json [default: auto]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// off, error, warn, info, debug or trace, or TARGET=LEVEL,… [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
}

/// A setting that is on or off is on where nothing is said, and takes a value only behind `=`, so that the command
/// may follow it.
fn settle(arg: Arg) -> Arg {
    let is_switch = arg.get_value_names().is_some_and(|names| names == [SWITCH]);
    if is_switch { arg.num_args(0..=1).require_equals(true).default_missing_value("true") } else { arg }
}
