//! NSS: the databases of Firefox's profiles and of Chromium on Linux, those of snap and Flatpak packages too.

use std::path::{Path, PathBuf};

use super::host::{Host, Platform};
use super::{Holds, Place, Way};
use crate::cli::Store;
use crate::machine::command;
use crate::tls::pem;

/// Under the home directory: databases themselves, and directories of profiles. `*` is any one name.
const DATABASES: &[&str] = &[
    ".pki/nssdb",
    ".local/share/pki/nssdb",
    "snap/*/current/.pki/nssdb",
    ".var/app/*/.pki/nssdb",
    ".mozilla/firefox/*",
    ".config/mozilla/firefox/*",
    "snap/firefox/common/.mozilla/firefox/*",
    ".var/app/org.mozilla.firefox/.mozilla/firefox/*",
    "Library/Application Support/Firefox/Profiles/*",
];

/// Where Homebrew keeps a `certutil` that it puts on no `PATH`.
const HOMEBREW: &[&str] = &["/opt/homebrew/opt/nss/bin/certutil", "/usr/local/opt/nss/bin/certutil"];

/// Every database of the user's.
pub async fn survey(host: &Host) -> Vec<Place> {
    let none = |why: &str| vec![Place::closed(Store::Nss, "Firefox and Chromium", why)];
    if host.platform == Platform::Windows {
        return none("they believe Windows' own store (Firefox: security.enterprise_roots.enabled)");
    }
    let found = host.user.home().map(|home| databases(&home)).unwrap_or_default();
    if found.is_empty() {
        return none("no profile of either is in the home directory");
    }
    let homebrew = || HOMEBREW.iter().map(|path| host.at(path)).find(|path| path.is_file());
    let Some(certutil) = host.find("certutil").or_else(homebrew) else {
        return none(
            "certutil is not installed (libnss3-tools, nss-tools, mozilla-nss-tools; brew install nss)",
        );
    };
    let mut places = Vec::new();
    for database in found {
        let holds = look(host, &certutil, &database).await;
        let way = Way::Nss { certutil: certutil.clone() };
        places.push(Place { store: Store::Nss, name: database.display().to_string(), way, holds });
    }
    places
}

fn databases(home: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = DATABASES.iter().flat_map(|pattern| expand(home, pattern)).collect();
    // cert9.db is the only form since NSS 3.35.
    found.retain(|directory| directory.join("cert9.db").is_file());
    found.sort();
    found
}

fn expand(home: &Path, pattern: &str) -> Vec<PathBuf> {
    pattern.split('/').fold(vec![home.to_owned()], |paths, part| match part {
        "*" => paths.iter().flat_map(std::fs::read_dir).flatten().flatten().map(|e| e.path()).collect(),
        part => paths.into_iter().map(|path| path.join(part)).collect(),
    })
}

async fn look(host: &Host, certutil: &Path, database: &Path) -> Holds {
    let database = format!("sql:{}", database.display());
    let mut holds = Holds::default();
    let listed = command::run_ok(certutil, &["-L", "-d", &database]).await.unwrap_or_default();
    for (name, trust) in listed.lines().filter_map(entry) {
        let shown =
            command::run_ok(certutil, &["-L", "-d", &database, "-n", name, "-a"]).await.unwrap_or_default();
        for found in pem::certificates(shown.as_bytes()).unwrap_or_default() {
            host.note(&mut holds, name, &found);
            holds.effective |= found == host.root.certificate && trust.starts_with('C');
        }
    }
    holds
}

/// A line of `certutil -L` about a root of ours: its name, and after two spaces or more its trust.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, trust) = line.trim_end().rsplit_once(' ')?;
    name.starts_with("azure-openai-proxy ").then(|| (name.trim_end(), trust))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_certutil_lists() {
        let line = "azure-openai-proxy CA 1a2b3c4d                               C,,  ";
        assert_eq!(entry(line), Some(("azure-openai-proxy CA 1a2b3c4d", "C,,")));
        assert_eq!(entry("Certificate Nickname                             Trust Attributes"), None);
        assert_eq!(entry(""), None);
    }

    #[test]
    fn finds_every_profile() {
        let home = tempfile::tempdir().unwrap();
        let with = [
            ".pki/nssdb",
            "snap/chromium/current/.pki/nssdb",
            ".var/app/org.chromium.Chromium/.pki/nssdb",
            ".mozilla/firefox/a.default",
            ".mozilla/firefox/b.work",
            ".var/app/org.mozilla.firefox/.mozilla/firefox/c.default",
            "snap/firefox/common/.mozilla/firefox/d.default",
        ];
        for directory in with.iter().chain(&[".mozilla/firefox/Crash Reports"]) {
            std::fs::create_dir_all(home.path().join(directory)).unwrap();
        }
        for directory in with {
            std::fs::write(home.path().join(directory).join("cert9.db"), "").unwrap();
        }
        let mut expected: Vec<_> = with.iter().map(|directory| home.path().join(directory)).collect();
        expected.sort();
        assert_eq!(databases(home.path()), expected);
    }
}
