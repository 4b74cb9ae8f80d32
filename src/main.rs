//! The program: parse, load the settings, dispatch. The only place that exits.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::TcpListener;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use azure_openai_proxy::app::reload::Source;
use azure_openai_proxy::app::serve::Ended;
use azure_openai_proxy::app::{self, StartError};
use azure_openai_proxy::cli::{
    CaCommand, Cli, Command, ConfigCommand, Demo, Doctor, Env, Exec, Exit, Flags, Trust, generated,
};
use azure_openai_proxy::config::env::Environment;
use azure_openai_proxy::config::key::Key;
use azure_openai_proxy::config::layer::Origin;
use azure_openai_proxy::config::show::Show;
use azure_openai_proxy::config::{self, Config, Loaded};
use azure_openai_proxy::demo::{self, alone};
use azure_openai_proxy::machine::export::export;
use azure_openai_proxy::machine::trust::Wish;
use azure_openai_proxy::machine::trust::host::Host;
use azure_openai_proxy::policy::client_keys;
use azure_openai_proxy::telemetry::{self, gathering};
use azure_openai_proxy::tls::ca::{self, Authority, CaError};
use azure_openai_proxy::{explain, machine, tls};
use clap::Parser;

/// In place of musl's, by which a request would cost an eighth more.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// What went wrong, and how the program ends because of it.
struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

type Outcome = Result<(), Failure>;

fn main() -> ExitCode {
    let code = match run(Cli::parse()) {
        Ok(code) => code,
        Err(Failure { exit, error }) => {
            for line in format!("{error:#}").lines() {
                gathering::say(&format!("error: {line}"));
            }
            exit.into()
        }
    };
    gathering::finish();
    code
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let flags = &cli.flags;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Exec(asked) => return exec(&asked, flags),
        Command::Env(asked) => env(asked, flags),
        Command::Trust(asked) => trust(&asked, Wish::Trust, flags),
        Command::Doctor(asked) => doctor(asked, flags),
        Command::Untrust(asked) => trust(&asked, Wish::Untrust, flags),
        Command::Serve => serve(flags.clone()),
        Command::Check => check(flags),
        Command::Config(ConfigCommand::Show) => show(flags),
        Command::Ca(command) => certificate_authority(command, flags),
        Command::ClientKey { name } => client_key(&name),
        Command::Explain(asked) => print(explain::explain(&settings(load(flags))?, &asked)?),
        Command::Demo(asked) => demonstrate(&asked, flags),
        Command::Simulator => simulator(flags),
        Command::Completions { shell } => write(&generated::completions(shell)),
        Command::Man { dir: None } => write(&generated::manual().context("cannot make the page")?),
        Command::Man { dir: Some(dir) } => {
            generated::manuals(&dir).with_context(|| format!("cannot write into {}", dir.display()))?;
            Ok(())
        }
    }
    .map(|()| ExitCode::SUCCESS)
}

fn exec(asked: &Exec, flags: &Flags) -> Result<ExitCode, Failure> {
    let runtime = runtime().map_err(|failure| Failure { exit: Exit::NotRun, ..failure })?;
    let ended = runtime.block_on(machine::exec::exec(asked, flags, &Environment::of_process()));
    // The command is gone: nobody is left to finish anything for.
    runtime.shutdown_background();
    ended.map(ExitCode::from).map_err(|error| Failure { exit: error.exit(), error: error.into() })
}

fn env(asked: Env, flags: &Flags) -> Outcome {
    let user = Environment::of_process();
    let config = settings(config::load_local(flags, &user))?;
    let export = runtime()?.block_on(export(asked, &config, &user)).map_err(anyhow::Error::from)?;
    for warning in &export.warnings {
        eprintln!("azure-openai-proxy: {warning}");
    }
    print(export.text)
}

fn trust(asked: &Trust, wish: Wish, flags: &Flags) -> Outcome {
    let user = Environment::of_process();
    let config = settings(config::load_local(flags, &user))?;
    let host = Host::this(&config.certs, user)
        .map_err(|error| Failure { exit: Exit::Authority, error: error.into() })?;
    let reports = runtime()?.block_on(machine::trust::run(&host, &asked.stores, wish, asked.dry_run));
    for report in &reports {
        print(report)?;
    }
    match reports.iter().filter(|report| report.outcome.is_failure()).count() {
        0 => Ok(()),
        failed => {
            Err(Failure { exit: Exit::Authority, error: anyhow!("{failed} of {} failed", reports.len()) })
        }
    }
}

fn doctor(asked: Doctor, flags: &Flags) -> Outcome {
    let user = Environment::of_process();
    tls::install_provider();
    let runtime = runtime()?;
    let mut findings = runtime.block_on(machine::doctor::examine(flags, &user));
    if asked.fix
        && let Ok(config) = config::load_local(flags, &user).config
    {
        for line in machine::doctor::fix(&findings, &config) {
            eprintln!("{line}");
        }
        findings = runtime.block_on(machine::doctor::examine(flags, &user));
    }
    match asked.json {
        true => print(format_args!(
            "{}\n",
            serde_json::to_string_pretty(&findings).map_err(anyhow::Error::from)?
        ))?,
        false => findings.iter().try_for_each(|finding| print(format_args!("{finding}\n")))?,
    }
    match findings.iter().filter(|finding| finding.is_wrong()).count() {
        0 => Ok(()),
        wrong => {
            Err(Failure { exit: Exit::Unwell, error: anyhow!("{wrong} of {} checks failed", findings.len()) })
        }
    }
}

fn serve(flags: Flags) -> Outcome {
    let (flags, handed) = with_handed_listeners(flags)?;
    let (source, config) = Source::read(flags, Environment::of_process());
    let mut config = config.map_err(Failure::settings)?;
    telemetry::init(&config.log);
    app::service::leave_no_core();
    app::service::fit(&mut config.limits.connections);
    tls::install_provider();
    let ended = runtime()?.block_on(async {
        config.fetch_key().await.map_err(Failure::settings)?;
        let bound = app::bind_with(config, handed)?;
        app::serve::serve(bound, source).await.context("cannot listen for signals").map_err(Failure::from)
    })?;
    match ended {
        Ended::Drained => Ok(()),
        // As shells report a process that an interrupt ended: 128 and the signal's number.
        Ended::AtOnce => {
            gathering::finish();
            std::process::exit(130)
        }
    }
}

/// The listeners that a service manager opened stand in for those of the settings, and have to obey the same rules.
fn with_handed_listeners(flags: Flags) -> Result<(Flags, Vec<TcpListener>), Failure> {
    let handed =
        app::service::listeners().context("a socket that was handed over does not listen for TCP")?;
    if handed.is_empty() {
        return Ok((flags, handed));
    }
    let addresses = handed.iter().map(|listener| listener.local_addr().map(|address| address.to_string()));
    let listen =
        addresses.collect::<Result<_, _>>().context("a socket that was handed over has no address")?;
    Ok((Flags { listen, ..flags }, handed))
}

fn check(flags: &Flags) -> Outcome {
    let config = settings(load(flags))?;
    app::check(&config)?;
    print("the settings are valid\n")
}

/// Shows the settings also where they are not valid: that is when people want to see them.
fn show(flags: &Flags) -> Outcome {
    let loaded = load(flags);
    print(Show(&loaded.settings))?;
    settings(loaded).map(drop)
}

fn certificate_authority(command: CaCommand, flags: &Flags) -> Outcome {
    let config = settings(config::load_local(flags, &Environment::of_process()))?;
    let (dir, purpose) = (&config.certs, app::ca_purpose(&config));
    match command {
        CaCommand::Init { replace: false } => {
            Authority::create(dir, &purpose)?;
        }
        CaCommand::Init { replace: true } => {
            let trusted = dir.join("ca.pem").exists();
            Authority::replace(dir, &purpose)?;
            if trusted {
                eprintln!(
                    "azure-openai-proxy: restart a proxy that is running: it has the old CA until then\n\
                     azure-openai-proxy: clients that trusted the old root must now trust the new one: run \
                     `azure-openai-proxy trust` for stores, and `azure-openai-proxy env` again in each shell"
                );
            }
        }
        CaCommand::Show => return print(ca::root_pem(dir)?),
        CaCommand::Path => {
            ca::root_pem(dir)?;
        }
    }
    print(format_args!("{}\n", dir.join("ca.pem").display()))
}

/// Prints a new key, which is kept nowhere, and the line that lets it in.
fn client_key(name: &str) -> Outcome {
    let key = format!("aop-{}", tls::random_token().context("no randomness")?);
    let line = client_keys::line(name, &key).map_err(anyhow::Error::from)?;
    print(format_args!(
        "# For {name}, as OPENAI_API_KEY or as the password in https_proxy; it is kept nowhere.\n{key}\n\
         # For client_keys_file.\n{line}\n\
         # Or as a variable of the proxy's: AZURE_OPENAI_PROXY_CLIENT_KEYS={name}={key}\n"
    ))
}

fn demonstrate(asked: &Demo, flags: &Flags) -> Outcome {
    if let Some((flag, _)) = config::flags::written(flags).next() {
        return Err(Failure::settings(anyhow!("demo makes its own settings; run it without {flag}")));
    }
    Ok(runtime()?.block_on(demo::run(asked.once))?)
}

fn simulator(flags: &Flags) -> Outcome {
    let user = Environment::of_process();
    let loaded = config::load_local(flags, &user);
    let named = loaded.settings.get(Key::Listen).is_some_and(|listen| listen.origin != Origin::Default);
    let config = settings(loaded)?;
    telemetry::init(&config.log);
    let address = config.listen.first().copied().filter(|_| named).unwrap_or(alone::FREE);
    Ok(runtime()?.block_on(alone::run(&config, address, &user))?)
}

fn load(flags: &Flags) -> Loaded {
    config::load(flags, &Environment::of_process())
}

fn settings(loaded: Loaded) -> Result<Config, Failure> {
    loaded.config.map_err(Failure::settings)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(gathering::before_park)
        .build();
    Ok(built.context("cannot start the runtime")?)
}

fn print(text: impl Display) -> Outcome {
    write(text.to_string().as_bytes())
}

/// Writes to standard output. A reader that has seen enough is no failure.
fn write(octets: &[u8]) -> Outcome {
    match io::stdout().write_all(octets).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(anyhow::Error::from(error).into()),
        _ => Ok(()),
    }
}

// === impl Failure ===

impl Failure {
    fn settings(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Settings, error: error.into() }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Failed, error }
    }
}

impl From<CaError> for Failure {
    fn from(error: CaError) -> Self {
        Self { exit: Exit::Authority, error: error.into() }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self { exit: error.exit(), error: error.into() }
    }
}
