//! JVMs: they read no variable of anybody's, but options for every one of them can be set in one.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::bundle::mark;
use super::command::{self, CommandError};
use crate::config::env::Environment;
use crate::tls;

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
        source: io::Error,
    },
    /// keytool failed.
    #[error(transparent)]
    Keytool(#[from] CommandError),
}

/// A trust store in the making, under a name of its own: others may be making theirs. It vanishes when dropped.
struct Draft(PathBuf);

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

/// Makes a trust store in `directory`, the JDK's own and our root, and says where it is. Nothing is done if it is newer
/// than what it is made of.
///
/// Each JDK's has a name of its own: another may have other roots, or not read this one's.
pub async fn trust_store(user: &Environment, root: &Path, directory: &Path) -> Result<PathBuf, JavaError> {
    let jdk = Jdk::find(user).ok_or(JavaError::NoJdk)?;
    let made_of = jdk.cacerts.canonicalize().unwrap_or_else(|_| jdk.cacerts.clone());
    let store = directory.join(format!("truststore{}", mark(made_of.as_os_str().as_encoded_bytes())));
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let sources = [&*jdk.cacerts, root].map(changed).into_iter().max().flatten();
    if changed(&store) > sources {
        return Ok(store);
    }
    let failed = |source| JavaError::Copy { from: jdk.cacerts.clone(), to: store.clone(), source };
    let draft = Draft::beside(&store).map_err(failed)?;
    std::fs::read(&jdk.cacerts).and_then(|octets| std::fs::write(&draft.0, octets)).map_err(failed)?;
    let arguments = import(&draft.0.display().to_string(), "azure-openai-proxy", &root.display().to_string());
    command::run_ok(&jdk.keytool, &arguments).await?;
    std::fs::rename(&draft.0, &store).map_err(failed)?;
    Ok(store)
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

// === impl Draft ===

impl Draft {
    fn beside(store: &Path) -> io::Result<Self> {
        let token = tls::random_token().map_err(io::Error::other)?;
        Ok(Self(store.with_file_name(format!(".{token}.tmp"))))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename it is gone; otherwise a leftover holds certificates only.
        let _ = std::fs::remove_file(&self.0);
    }
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

    /// A JDK whose keytool is this script; the third argument that it gets is `-keystore`, the fourth the store.
    #[cfg(unix)]
    fn jdk(script: &str) -> (tempfile::TempDir, Environment) {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        for directory in ["bin", "lib/security"] {
            std::fs::create_dir_all(home.path().join(directory)).unwrap();
        }
        std::fs::write(home.path().join("lib/security/cacerts"), "theirs\n").unwrap();
        let keytool = home.path().join("bin/keytool");
        std::fs::write(&keytool, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&keytool, std::fs::Permissions::from_mode(0o755)).unwrap();
        let user = Environment::new([("JAVA_HOME", home.path())]);
        (home, user)
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn two_trust_stores_that_are_made_at_once_are_both_whole() {
        let (_jdk, user) = jdk("sleep 0.2; [ -f \"$4\" ] && echo ours >>\"$4\"");
        let certs = tempfile::tempdir().unwrap();
        let root = certs.path().join("ca.pem");
        let made =
            tokio::join!(trust_store(&user, &root, certs.path()), trust_store(&user, &root, certs.path()));
        let (one, other) = (made.0.unwrap(), made.1.unwrap());
        assert_eq!(one, other);
        assert_eq!(std::fs::read_to_string(&one).unwrap(), "theirs\nours\n");
        assert_eq!(std::fs::read_dir(certs.path()).unwrap().count(), 1, "only the store is left");
    }

    /// Another's may hold roots of the user's that this one's lacks.
    #[cfg(unix)]
    #[tokio::test]
    async fn no_jdk_takes_the_place_of_anothers_trust_store() {
        let [one, other] = ["echo ours >>\"$4\"", "echo anew >>\"$4\""].map(jdk);
        let certs = tempfile::tempdir().unwrap();
        let root = certs.path().join("ca.pem");
        let store = trust_store(&one.1, &root, certs.path()).await.unwrap();
        let others = trust_store(&other.1, &root, certs.path()).await.unwrap();
        assert_eq!(trust_store(&one.1, &root, certs.path()).await.unwrap(), store);
        assert_eq!(std::fs::read_to_string(&store).unwrap(), "theirs\nours\n");
        assert_eq!(std::fs::read_to_string(&others).unwrap(), "theirs\nanew\n");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_trust_store_that_cannot_be_made_leaves_nothing_behind() {
        let (_jdk, user) = jdk("echo no >&2; exit 1");
        let certs = tempfile::tempdir().unwrap();
        let made = trust_store(&user, &certs.path().join("ca.pem"), certs.path()).await;
        assert!(matches!(made, Err(JavaError::Keytool(_))), "{made:?}");
        assert_eq!(std::fs::read_dir(certs.path()).unwrap().count(), 0);
    }
}
