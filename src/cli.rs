//! The command line: types only, their comments are the help text.

mod flags;
pub mod generated;
mod machine;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use flags::Flags;
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
/// A key is given in AZURE_OPENAI_TOKEN, api_key_file or api_key_command, never by flag; nor are client_keys and
/// upstream_proxy, which may hold a password (variable AZURE_OPENAI_PROXY_UPSTREAM_PROXY or HTTPS_PROXY).
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
    /// Put the CA's certificate into this machine's trust stores, for programs that read no variables
    Trust(Trust),
    /// Take the CA's certificate out of this machine's trust stores
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
    /// Run the simulated Azure OpenAI alone, on the address that --listen names or else on a free port
    Simulator,
    /// Print a completion script for a shell
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

    #[test]
    fn a_switch_is_on_where_nothing_is_said() {
        for (flag, text) in [("--strip-dots", "true"), ("--strip-dots=false", "false")] {
            let cli = Cli::try_parse_from(["proxy", flag, "check"]).unwrap();
            assert_eq!(cli.flags.strip_dots.as_deref(), Some(text));
            assert!(matches!(cli.command, Some(Command::Check)), "it takes no word that follows");
        }
    }
}
