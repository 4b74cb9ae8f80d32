//! The commands for a developer's machine: types only, their comments are the help text.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

/// The command to run.
#[derive(Debug, Args)]
pub struct Exec {
    /// Ways in beside https_proxy.
    #[command(flatten)]
    pub extras: Extras,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Which variables to print, and how.
#[derive(Clone, Copy, Debug, Args)]
pub struct Env {
    /// How to write them
    #[arg(long, value_enum, value_name = "SHELL", default_value_t = if cfg!(windows) { Dialect::Pwsh } else { Dialect::Sh })]
    pub shell: Dialect,
    /// Unset them; values of your own stay, but those that were replaced do not come back
    #[arg(long, conflicts_with_all = ["force", "base_url", "java"])]
    pub unset: bool,
    /// Print them even if the proxy is not running
    #[arg(long)]
    pub force: bool,
    /// Ways in beside https_proxy.
    #[command(flatten)]
    pub extras: Extras,
}

/// Ways in that are not opened unless asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct Extras {
    /// Set OPENAI_BASE_URL too, for clients that ignore proxies (Node before 22.21, PHP streams)
    #[arg(long)]
    pub base_url: bool,
    /// Set JAVA_TOOL_OPTIONS too; each JVM then says on standard error that it read them
    #[arg(long)]
    pub java: bool,
}

/// Which stores, and whether to touch them.
#[derive(Debug, Args)]
pub struct Trust {
    /// The kinds of stores
    #[arg(long, value_enum, value_name = "STORE", value_delimiter = ',', default_values_t = Store::ALL)]
    pub stores: Vec<Store>,
    /// Only say what would be run
    #[arg(long)]
    pub dry_run: bool,
}

/// A kind of store that clients take roots from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// The system's: curl, wget, git, Python's ssl, Go, Ruby, browsers of macOS and Windows
    System,
    /// Firefox, and Chromium on Linux
    Nss,
    /// The JDK's
    Java,
}

/// How to examine the machine.
#[derive(Clone, Copy, Debug, Args)]
pub struct Doctor {
    /// Put right what concerns the proxy's own files
    #[arg(long)]
    pub fix: bool,
    /// Print an array of JSON objects: name, verdict (right, remark, wrong), says, cure
    #[arg(long)]
    pub json: bool,
}

/// Who is to read variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// A POSIX shell
    Sh,
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish: azure-openai-proxy env --shell fish | source
    Fish,
    /// PowerShell: azure-openai-proxy env --shell pwsh | Out-String | Invoke-Expression
    Pwsh,
    /// A batch file: azure-openai-proxy env --shell cmd > env.cmd, then: call env.cmd
    Cmd,
    /// A script for Nushell's source; to load at once: azure-openai-proxy env --shell json | from json | load-env
    Nu,
    /// A .env file
    Dotenv,
    /// A file for docker run --env-file
    Docker,
    /// A JSON object
    Json,
}

// === impl Store ===

impl Store {
    /// All kinds, in the order in which they feed one another.
    pub const ALL: [Self; 3] = [Self::System, Self::Nss, Self::Java];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Nss => "nss",
            Self::Java => "java",
        }
    }
}
