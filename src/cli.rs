//! The command line: types only, their comments are the help text.

pub mod generated;

mod machine;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use machine::{Dialect, Doctor, Env, Exec, Extras, Store, Trust};

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 settings not valid, \
    4 certificate authority not usable, 5 address in use, 6 doctor found something wrong; \
    exec: the command's own, 125 it was not run, 126 it cannot be executed, 127 it was not found, \
    128+N it ended by signal N";

/// Answers OpenAI clients from Azure OpenAI: a proxy on one port, nothing to change in the client.
///
/// Point the client at it with https_proxy, or with OPENAI_BASE_URL=http://127.0.0.1:8080/v1.
/// Every setting is a flag, a variable AZURE_OPENAI_PROXY_NAME and a line NAME = VALUE of the file;
/// the flag wins over the variable, the variable over the file.
/// A key is given in AZURE_OPENAI_TOKEN, api_key_file or api_key_command, never by flag.
#[derive(Debug, Parser)]
#[command(name = "azure-openai-proxy", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do; serve if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings.
    #[command(flatten)]
    pub flags: Flags,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the proxy (the default)
    Serve,
    /// Run one command with everything set that leads its OpenAI requests to the proxy
    ///
    /// Uses the proxy that is running, or starts one on a free port for as long as the command runs.
    Exec(Exec),
    /// Print the variables that lead clients to the running proxy, for a shell to read
    ///
    /// In a profile: eval "$(azure-openai-proxy env)". Nothing is set while the proxy is not running.
    Env(Env),
    /// Put the CA's certificate into the stores of this machine, for clients that read no variables
    Trust(Trust),
    /// Take the CA's certificate out of the stores of this machine
    Untrust(Trust),
    /// Find out what keeps the clients of this machine from the proxy, by trying each that is installed
    Doctor(Doctor),
    /// The certificate authority that intercepted connections are signed by
    #[command(subcommand)]
    Ca(CaCommand),
    /// Check the settings as serve would, without any network
    Check,
    /// Make a key for a client on another machine, and its line for client_keys_file
    ClientKey {
        /// The client's name, for logs
        name: String,
    },
    /// The settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Say what would become of a request; nothing is sent
    Explain(Explain),
    /// Show it working against a simulated Azure OpenAI: no account and no network needed
    Demo(Demo),
    /// Run the simulated Azure OpenAI alone, on the address that --listen names
    Simulator,
    /// Print what has a shell complete the arguments
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Where to write them, such as ~/.local/share/man/man1
        dir: Option<PathBuf>,
    },
}

/// What to do with the certificate authority.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum CaCommand {
    /// Make one
    Init {
        /// Make a new one even if there is one; who trusts the old one must trust the new one again
        #[arg(long)]
        replace: bool,
    },
    /// Print the certificate that clients have to trust
    Show,
    /// Print the path of the file of that certificate
    Path,
}

/// What to do with the settings.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print each value and where it comes from; secrets are masked
    Show,
}

/// The request to explain.
#[derive(Debug, Args)]
pub struct Explain {
    /// The method, such as POST
    pub method: String,
    /// The URL that the client asks for, such as https://api.openai.com/v1/chat/completions
    pub url: String,
    /// The model that the request's content names
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
}

/// How to run the demonstration.
#[derive(Clone, Copy, Debug, Args)]
pub struct Demo {
    /// Exit after the first round, with 0 only if every answer was right
    #[arg(long)]
    pub once: bool,
}

/// How the program ends, where it does not end well. Wrong usage is 2, which clap sees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something failed.
    Failed = 1,
    /// The settings are not valid.
    Settings = 3,
    /// The certificate authority is absent, unusable or not to be trusted.
    Authority = 4,
    /// Someone else listens on the address.
    AddressInUse = 5,
    /// The doctor found something wrong.
    Unwell = 6,
    /// The command was not run, through no fault of its own.
    NotRun = 125,
    /// The command is there but cannot be executed.
    NotExecutable = 126,
    /// The command was not found.
    NotFound = 127,
}

/// The settings as they were written on the command line.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
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
    /// A file that holds the Azure key
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
    /// Hand Azure's answers on as OpenAI would write them (openai) or as they are (as-is) [default: openai]
    #[arg(long, global = true, value_name = "STYLE")]
    pub responses: Option<String>,
    /// Map the models inside tools, sessions and evals too
    #[arg(
        long,
        global = true,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub nested_models: Option<String>,
    /// Map the models in the lines of a batch's file
    #[arg(
        long,
        global = true,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub batch_models: Option<String>,
    /// Have Azure store the responses that Codex asks it not to store and then refers to
    #[arg(
        long,
        global = true,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub codex_store: Option<String>,
    /// Take dots and colons out of models that are not in the map, as old deployments needed
    #[arg(
        long,
        global = true,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
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
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_anonymous: Option<String>,
    /// A web page's origin, such as https://chat.example, that may use the proxy's key
    #[arg(long, global = true, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// A file of client keys: lines NAME sha256:HEX, as the command client-key prints them
    #[arg(long, global = true, value_name = "FILE")]
    pub client_keys_file: Option<String>,
    /// Ask clients on this machine and in trusted networks for a client key too
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub require_client_key: Option<String>,
    /// A network whose clients need no key, such as 10.1.0.0/16
    #[arg(long, global = true, value_name = "NETWORK")]
    pub trusted_clients: Vec<String>,
    /// A port that clients on other machines may reach, in place of 443 and 80
    #[arg(long, global = true, value_name = "PORT")]
    pub tunnel_ports: Vec<String>,
    /// A host that clients may reach, with all names below it; others they then may not
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
    /// Fields in a request's head [default: 256]
    #[arg(long, global = true, value_name = "NUMBER")]
    pub max_head_fields: Option<String>,
    /// Connections open at once [default: 4096]
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

// === impl Exit ===

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_stand_before_or_after_the_command() {
        for line in [["proxy", "--map", "a=b", "check"], ["proxy", "check", "--map", "a=b"]] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!(cli.flags.map, ["a=b"]);
            assert!(matches!(cli.command, Some(Command::Check)));
        }
    }
}
