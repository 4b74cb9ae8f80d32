//! Java's trust store, `cacerts` of the JDK that the user runs.

use super::host::Host;
use super::{Holds, Place, Way};
use crate::cli::Store;
use crate::machine::command;
use crate::machine::java::{Jdk, PASSWORD};
use crate::tls::pem;

/// The trust store of `JAVA_HOME` or of the `java` on `PATH`.
///
/// On Debian and Fedora it is made of the system's store, so that our root may be there already.
pub async fn survey(host: &Host) -> Place {
    let Some(jdk) = Jdk::find(&host.user) else {
        return Place::closed(Store::Java, "Java", "no JDK is found by JAVA_HOME or PATH");
    };
    // A link would be replaced by some tools and followed by others.
    let name = jdk.cacerts.canonicalize().unwrap_or(jdk.cacerts).display().to_string();
    let arguments = ["-J-Duser.language=en", "-list", "-rfc", "-keystore", &name, "-storepass", PASSWORD];
    let mut holds = Holds::default();
    match command::run_ok(&jdk.keytool, &arguments).await {
        Ok(listed) => {
            for (alias, text) in entries(&listed) {
                for found in pem::certificates(text.as_bytes()).unwrap_or_default() {
                    host.note(&mut holds, alias, &found);
                }
            }
        }
        Err(error) => return Place::closed(Store::Java, name, error.to_string()),
    }
    holds.effective = !holds.ours.is_empty();
    Place { store: Store::Java, name, way: Way::Java { keytool: jdk.keytool }, holds }
}

/// The aliases of `keytool -list -rfc`, each with the text up to the next.
fn entries(listed: &str) -> impl Iterator<Item = (&str, &str)> {
    listed
        .split("Alias name: ")
        .skip(1)
        .filter_map(|entry| entry.split_once('\n'))
        .map(|(alias, text)| (alias.trim(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_keytool_lists() {
        let listed = "Keystore type: JKS\n\nAlias name: debian:a.pem\nEntry type: trustedCertEntry\n\nPEM1\n\n\n\
                      Alias name: b\r\nPEM2\n";
        let aliases: Vec<_> = entries(listed).map(|(alias, text)| (alias, text.contains("PEM"))).collect();
        assert_eq!(aliases, [("debian:a.pem", true), ("b", true)]);
    }
}
