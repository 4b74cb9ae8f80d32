//! JVMs: they read no variable of anybody's, but options for every one of them can be set in one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::command::{self, CommandError};
use crate::config::env::Environment;

/// What a JDK or JRE brings that we need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jdk {
    /// Reads and writes trust stores.
    pub keytool: PathBuf,
    /// The trust store of every program that names no other.
    pub cacerts: PathBuf,
}

/// Why there is no trust store.
#[derive(Debug, Error)]
pub enum JavaError {
    /// Neither `JAVA_HOME` nor `PATH` leads to one.
    #[error("no keytool is found; set JAVA_HOME or put java on PATH")]
    NoJdk,
    /// The JDK's trust store cannot be copied.
    #[error("cannot copy {} to {}", from.display(), to.display())]
    Copy {
        /// The JDK's.
        from: PathBuf,
        /// Ours.
        to: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// keytool failed.
    #[error(transparent)]
    Keytool(#[from] CommandError),
}

/// The password of every JDK's trust store. It protects nothing: certificates are public.
pub const PASSWORD: &str = "changeit";

/// Begins our part of the options: everything from here to the end.
const MARK: &str = "-Dazure.openai.proxy=true";

/// The options that lead a JVM to the proxy.
pub fn options(proxy: SocketAddr, trust_store: &str) -> String {
    let (host, port) = (proxy.ip(), proxy.port());
    // The JVM takes white space for the end of an option, except in quotes.
    let quote = if trust_store.contains(char::is_whitespace) { "\"" } else { "" };
    format!(
        "{MARK} -Dhttp.proxyHost={host} -Dhttp.proxyPort={port} -Dhttps.proxyHost={host} -Dhttps.proxyPort={port} \
         -Dhttp.nonProxyHosts=localhost|127.*|[::1]|*.local \
         {quote}-Djavax.net.ssl.trustStore={trust_store}{quote} -Djavax.net.ssl.trustStorePassword={PASSWORD}"
    )
}

/// Such options without ours; nothing if there were no others.
pub fn options_without(options: &str) -> Option<String> {
    let users = options.split(MARK).next().unwrap_or_default().trim_end();
    (!users.is_empty()).then(|| users.to_owned())
}

/// Makes a trust store at `store`: the JDK's own and our root. Does nothing if it is newer than what it is made of.
pub async fn trust_store(user: &Environment, root: &Path, store: &Path) -> Result<(), JavaError> {
    let jdk = Jdk::find(user).ok_or(JavaError::NoJdk)?;
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let sources = [&*jdk.cacerts, root].map(changed).into_iter().max().flatten();
    if changed(store) > sources {
        return Ok(());
    }
    let draft = store.with_extension("new");
    let copied = std::fs::read(&jdk.cacerts).and_then(|octets| std::fs::write(&draft, octets));
    copied.map_err(|source| JavaError::Copy { from: jdk.cacerts.clone(), to: draft.clone(), source })?;
    let (draft_text, root) = (draft.display().to_string(), root.display().to_string());
    let arguments = import(&draft_text, "azure-openai-proxy", &root);
    command::run_ok(&jdk.keytool, &arguments).await?;
    std::fs::rename(&draft, store).map_err(|source| JavaError::Copy { from: draft, to: store.into(), source })
}

/// The arguments with which keytool takes a root in.
pub fn import(store: &str, alias: &str, root: &str) -> Vec<String> {
    let words = [
        "-importcert",
        "-noprompt",
        "-keystore",
        store,
        "-storepass",
        PASSWORD,
        "-alias",
        alias,
        "-file",
        root,
    ];
    words.map(str::to_owned).to_vec()
}

/// The arguments with which keytool gives one up.
pub fn delete(store: &str, alias: &str) -> Vec<String> {
    ["-delete", "-noprompt", "-keystore", store, "-storepass", PASSWORD, "-alias", alias]
        .map(str::to_owned)
        .to_vec()
}

// === impl Jdk ===

impl Jdk {
    /// That of `JAVA_HOME`, else the one whose `keytool` or `java` is on `PATH`.
    pub fn find(user: &Environment) -> Option<Self> {
        let on_path = || {
            let program = command::find("keytool", user).or_else(|| command::find("java", user))?;
            Some(program.canonicalize().ok()?.parent()?.parent()?.to_owned())
        };
        let home = user.path("JAVA_HOME").or_else(on_path)?;
        let keytool = home.join("bin").join(if cfg!(windows) { "keytool.exe" } else { "keytool" });
        let stores = ["lib/security/cacerts", "jre/lib/security/cacerts"].map(|store| home.join(store));
        let cacerts = stores.into_iter().find(|store| store.is_file())?;
        keytool.is_file().then_some(Self { keytool, cacerts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_options_come_first_and_survive() {
        let ours = options("127.0.0.1:8080".parse().unwrap(), "/a b/truststore");
        assert!(ours.contains("\"-Djavax.net.ssl.trustStore=/a b/truststore\""), "{ours}");
        assert!(ours.contains("-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8080"), "{ours}");
        assert_eq!(options_without(&format!("-Xmx1g {ours}")).as_deref(), Some("-Xmx1g"));
        assert_eq!(options_without(&ours), None);
    }
}
