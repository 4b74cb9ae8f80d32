//! The system's own store: directories of anchors on Linux, the keychain on macOS, the Root store on Windows.

use std::path::PathBuf;

use super::host::{Host, Platform};
use super::{Holds, Place, Way};
use crate::cli::Store;
use crate::machine::command;
use crate::tls::{pem, roots};

/// How one family of Linux distributions keeps the administrator's own roots.
struct Family {
    directory: &'static str,
    extension: &'static str,
    refresh: (&'static str, &'static [&'static str]),
    /// What the command makes.
    bundle: &'static str,
}

/// Each with a directory that the others do not have; the first that is there decides.
const FAMILIES: &[Family] = &[
    // Fedora, RHEL, CentOS, Amazon Linux: update-ca-trust(8).
    Family {
        directory: "/etc/pki/ca-trust/source/anchors",
        extension: "pem",
        refresh: ("update-ca-trust", &["extract"]),
        bundle: "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    },
    // Arch: trust(1).
    Family {
        directory: "/etc/ca-certificates/trust-source/anchors",
        extension: "crt",
        refresh: ("trust", &["extract-compat"]),
        bundle: "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
    },
    // SUSE: update-ca-certificates(8) of its ca-certificates package.
    Family {
        directory: "/etc/pki/trust/anchors",
        extension: "pem",
        refresh: ("update-ca-certificates", &[]),
        bundle: "/var/lib/ca-certificates/ca-bundle.pem",
    },
    Family {
        directory: "/usr/share/pki/trust/anchors",
        extension: "pem",
        refresh: ("update-ca-certificates", &[]),
        bundle: "/var/lib/ca-certificates/ca-bundle.pem",
    },
    // Debian, Ubuntu, Alpine: update-ca-certificates(8), which takes files in .crt only.
    Family {
        directory: "/usr/local/share/ca-certificates",
        extension: "crt",
        refresh: ("update-ca-certificates", &[]),
        bundle: "/etc/ssl/certs/ca-certificates.crt",
    },
];

/// The store, and a word about Windows where Linux runs inside it.
pub async fn survey(host: &Host) -> Vec<Place> {
    match host.platform {
        Platform::MacOs => vec![keychain(host).await],
        Platform::Windows => vec![windows(host).await],
        Platform::Linux => {
            let mut places = vec![linux(host)];
            if host.has("/proc/sys/fs/binfmt_misc/WSLInterop") {
                let why = "run `azure-openai-proxy.exe trust` there, with the same --certs, for programs of Windows";
                places.push(Place::closed(Store::System, "Windows around this Linux", why));
            }
            places
        }
    }
}

fn linux(host: &Host) -> Place {
    if host.has("/etc/NIXOS") {
        let line = format!("security.pki.certificateFiles = [ \"{}\" ];", host.root.file.display());
        return Place::closed(Store::System, "NixOS", format!("it is declared in configuration.nix: {line}"));
    }
    let Some(family) = FAMILIES.iter().find(|family| host.at(family.directory).is_dir()) else {
        return Place::closed(
            Store::System,
            "Linux",
            "none that is known; install the package ca-certificates",
        );
    };
    let directory = host.at(family.directory);
    let mut holds = Holds::default();
    for file in files(&directory) {
        for found in roots::certificates_at(&file) {
            host.note(&mut holds, &file.display().to_string(), &found);
        }
    }
    holds.effective = roots::certificates_at(&host.at(family.bundle)).contains(&host.root.certificate);
    let (program, arguments) = family.refresh;
    let refresh = host.find(program).map(|program| (program, arguments));
    let name = directory.display().to_string();
    Place {
        store: Store::System,
        name,
        way: Way::Anchors { directory, extension: family.extension, refresh },
        holds,
    }
}

fn files(directory: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

async fn keychain(host: &Host) -> Place {
    let Some(home) = host.user.home() else {
        return Place::closed(Store::System, "keychain", "HOME is not set");
    };
    let keychain = home.join("Library/Keychains/login.keychain-db");
    let name = keychain.display().to_string();
    let mut holds = Holds::default();
    let arguments = ["find-certificate", "-a", "-p", "-c", "azure-openai-proxy CA", &name];
    if let Ok(text) = command::run_ok("security".as_ref(), &arguments).await {
        for found in pem::certificates(text.as_bytes()).unwrap_or_default() {
            host.note(&mut holds, &name, &found);
        }
    }
    // A certificate without its trust setting is there and not believed.
    let file = host.root.file.display().to_string();
    let verify = ["verify-cert", "-q", "-l", "-L", "-p", "ssl", "-c", &file];
    holds.effective = !holds.ours.is_empty() && command::run_ok("security".as_ref(), &verify).await.is_ok();
    Place { store: Store::System, name, way: Way::Keychain(keychain), holds }
}

async fn windows(host: &Host) -> Place {
    let name = "CurrentUser\\Root".to_owned();
    let look = ["-user", "-store", "Root", &host.root.serial];
    let effective = command::run_ok("certutil.exe".as_ref(), &look).await.is_ok();
    let ours = if effective { vec![host.root.serial.clone()] } else { Vec::new() };
    let holds = Holds { ours, effective, others: Vec::new() };
    Place { store: Store::System, name, way: Way::Windows, holds }
}
