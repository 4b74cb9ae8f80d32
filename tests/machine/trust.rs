//! `trust` and `untrust`, on machines that are directories, with the real tools where they are installed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use azure_openai_proxy::cli::Store;
use azure_openai_proxy::config::env::Environment;
use azure_openai_proxy::machine::trust::host::{Host, Platform, Root};
use azure_openai_proxy::machine::trust::{Outcome, Report, Wish, run};
use azure_openai_proxy::tls::ca::{Authority, Purpose};
use azure_openai_proxy::tls::pem;
use tempfile::TempDir;

use crate::user::{self, User};

/// What every family's command does: one bundle of all anchors.
const REFRESH: &str =
    "#!/bin/sh\nmkdir -p \"$(dirname BUNDLE)\" && cat ANCHORS/* >BUNDLE 2>/dev/null; echo $0 $* >>LOG\n";

/// A directory that looks like a machine, and a CA on it.
struct Machine {
    base: TempDir,
}

impl Machine {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        Authority::create(&base.path().join("certs"), &Purpose::for_names(["openai.com"])).unwrap();
        Self { base }
    }

    /// With the store of a Linux family: its directory, its command and the bundle that it makes.
    fn with_system(self, anchors: &str, command: &str, bundle: &str) -> Self {
        let [anchors, bundle, log] = [anchors, bundle, "/log"].map(|path| self.at(path));
        fs::create_dir_all(&anchors).unwrap();
        let script = [("ANCHORS", &anchors), ("BUNDLE", &bundle), ("LOG", &log)]
            .iter()
            .fold(REFRESH.to_owned(), |script, (word, path)| script.replace(word, path.to_str().unwrap()));
        self.program(&format!("/usr/sbin/{command}"), &script);
        self
    }

    fn program(&self, path: &str, script: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn at(&self, path: &str) -> PathBuf {
        self.base.path().join(path.trim_start_matches('/'))
    }

    fn host(&self, user: &[(&str, &str)]) -> Host {
        let home = [("HOME", self.base.path().to_str().unwrap())];
        Host {
            base: self.base.path().to_owned(),
            user: Environment::new(home.iter().chain(user).copied()),
            platform: Platform::Linux,
            root: Root::of(&self.at("certs")).unwrap(),
        }
    }
}

async fn one(host: &Host, store: Store, wish: Wish) -> Report {
    run(host, &[store], wish, false).await.pop().unwrap()
}

/// Twice trusted, twice untrusted: done, already, done, already.
async fn there_and_back(host: &Host, store: Store) {
    for (wish, outcome) in [
        (Wish::Trust, Outcome::Done),
        (Wish::Trust, Outcome::Already(Wish::Trust)),
        (Wish::Untrust, Outcome::Done),
        (Wish::Untrust, Outcome::Already(Wish::Untrust)),
    ] {
        assert_eq!(one(host, store, wish).await.outcome, outcome, "{store:?} {wish:?}");
    }
}

#[tokio::test]
async fn every_linux_family_there_and_back() {
    for (anchors, command, bundle, said) in [
        (
            "/usr/local/share/ca-certificates",
            "update-ca-certificates",
            "/etc/ssl/certs/ca-certificates.crt",
            "",
        ),
        (
            "/etc/pki/ca-trust/source/anchors",
            "update-ca-trust",
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
            " extract",
        ),
        (
            "/etc/ca-certificates/trust-source/anchors",
            "trust",
            "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
            " extract-compat",
        ),
        ("/etc/pki/trust/anchors", "update-ca-certificates", "/var/lib/ca-certificates/ca-bundle.pem", ""),
        (
            "/usr/share/pki/trust/anchors",
            "update-ca-certificates",
            "/var/lib/ca-certificates/ca-bundle.pem",
            "",
        ),
    ] {
        let machine = Machine::new().with_system(anchors, command, bundle);
        there_and_back(&machine.host(&[]), Store::System).await;
        let log = fs::read_to_string(machine.at("/log")).unwrap();
        let line = format!("{}{said}", machine.at("/usr/sbin").join(command).display());
        assert_eq!(log.lines().map(str::trim_end).collect::<Vec<_>>(), [&line, &line]);
        assert_eq!(fs::read_dir(machine.at(anchors)).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_dry_run_says_the_commands_and_does_nothing() {
    let anchors = "/usr/local/share/ca-certificates";
    let machine =
        Machine::new().with_system(anchors, "update-ca-certificates", "/etc/ssl/certs/ca-certificates.crt");
    let report = run(&machine.host(&[]), &[Store::System], Wish::Trust, true).await.pop().unwrap();
    let Outcome::Would(commands) = &report.outcome else { panic!("{report}") };
    assert!(commands[0].starts_with("install -m 0644 ") && commands[1].ends_with("/update-ca-certificates"));
    assert_eq!(fs::read_dir(machine.at(anchors)).unwrap().count(), 0);
}

#[tokio::test]
async fn roots_of_other_cas_are_named_and_left_alone() {
    let anchors = "/usr/local/share/ca-certificates";
    let machine =
        Machine::new().with_system(anchors, "update-ca-certificates", "/etc/ssl/certs/ca-certificates.crt");
    let orphan = Authority::in_memory(&["openai.com".into()]).unwrap();
    let file = machine.at(anchors).join("left-behind.crt");
    fs::write(&file, orphan.root_pem()).unwrap();
    for wish in [Wish::Trust, Wish::Untrust] {
        let report = one(&machine.host(&[]), Store::System, wish).await;
        let shown = report.to_string();
        assert!(shown.contains(file.to_str().unwrap()) && shown.contains(&orphan.fingerprint()), "{shown}");
    }
    assert!(file.exists());
}

#[tokio::test]
async fn stores_that_are_not_there_are_skipped_with_the_reason() {
    let machine = Machine::new();
    let reports = run(&machine.host(&[]), &Store::ALL, Wish::Trust, false).await;
    let said: Vec<String> = reports.iter().map(ToString::to_string).collect();
    for (line, word) in said.iter().zip(["ca-certificates", "no profile", "no JDK"]) {
        assert!(line.contains("skipped: ") && line.contains(word), "{line}");
    }
    fs::create_dir_all(machine.at("/etc")).unwrap();
    fs::write(machine.at("/etc/NIXOS"), "").unwrap();
    let nixos = one(&machine.host(&[]), Store::System, Wish::Trust).await.to_string();
    assert!(nixos.contains("security.pki.certificateFiles = [ \""), "{nixos}");
}

#[tokio::test]
async fn a_store_that_fails_keeps_no_other_from_its_turn() {
    let machine = Machine::new();
    fs::create_dir_all(machine.at("/usr/local/share/ca-certificates")).unwrap();
    machine.program("/usr/sbin/update-ca-certificates", "#!/bin/sh\necho 'the disk is full' >&2; exit 1\n");
    let reports = run(&machine.host(&[]), &Store::ALL, Wish::Trust, false).await;
    assert!(
        matches!(&reports[0].outcome, Outcome::Failed(why) if why.contains("the disk is full")),
        "{reports:?}"
    );
    assert_eq!(reports.len(), 3);
}

#[tokio::test]
async fn the_jdks_store_there_and_back() {
    let Some(keytool) = on_path("keytool") else { return skip("keytool is not installed") };
    let machine = Machine::new();
    let jdk = machine.at("/jdk");
    for directory in ["bin", "lib/security"] {
        fs::create_dir_all(jdk.join(directory)).unwrap();
    }
    std::os::unix::fs::symlink(keytool.canonicalize().unwrap(), jdk.join("bin/keytool")).unwrap();
    let cacerts = jdk.join("lib/security/cacerts");
    let (store, root) = (cacerts.to_str().unwrap(), machine.at("certs/orphan.pem"));
    fs::write(&root, Authority::in_memory(&["openai.com".into()]).unwrap().root_pem()).unwrap();
    let arguments =
        ["-importcert", "-noprompt", "-storepass", "changeit", "-alias", "orphan", "-keystore", store];
    let made = Command::new(keytool).args(arguments).arg("-file").arg(root).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let host = machine.host(&[("JAVA_HOME", jdk.to_str().unwrap())]);
    there_and_back(&host, Store::Java).await;
    assert_eq!(one(&host, Store::Java, Wish::Untrust).await.others[0].at, "orphan");
}

#[tokio::test]
async fn databases_of_nss_there_and_back() {
    let Some(certutil) = on_path("certutil") else { return skip("certutil is not installed") };
    let machine = Machine::new();
    for database in [".pki/nssdb", ".mozilla/firefox/a.default"] {
        let directory = machine.at(database);
        fs::create_dir_all(&directory).unwrap();
        let database = format!("sql:{}", directory.display());
        assert!(
            Command::new(&certutil)
                .args(["-N", "--empty-password", "-d", &database])
                .status()
                .unwrap()
                .success()
        );
    }
    let path = std::env::var("PATH").unwrap();
    let host = machine.host(&[("PATH", &path)]);
    assert_eq!(run(&host, &[Store::Nss], Wish::Trust, true).await.len(), 2);
    there_and_back(&host, Store::Nss).await;
}

/// As somebody who may not: nothing is changed, and the commands for an administrator are printed.
#[tokio::test]
async fn missing_rights_are_asked_for_and_not_taken() {
    if !Path::new("/usr/local/share/ca-certificates").is_dir() {
        return skip("this system has no store of Debian's kind");
    }
    let user = User::new();
    user.run(&["ca", "init", "--certs", user.certs().to_str().unwrap()]).await;
    let (program, certs) = (user.home.path().join("program"), user.certs());
    fs::copy(user::program(), &program).unwrap();
    for path in [user.home.path(), &certs] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let arguments = ["trust", "--stores", "system", "--certs", certs.to_str().unwrap()];
    let mut command = user.command(&program, &arguments);
    if rustix::process::geteuid().is_root() {
        command.as_std_mut().uid(65534).gid(65534);
    }
    let said = user::end(command).await;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(
        said.stdout.contains("run: sudo install -m 0644 ") && said.stdout.contains("&& sudo "),
        "{said:?}"
    );
}

#[test]
fn what_is_installed_is_a_certificate_and_nothing_more() {
    let machine = Machine::new();
    let text = Root::of(&machine.at("certs")).unwrap().pem();
    assert_eq!(pem::certificates(text.as_bytes()).unwrap().len(), 1);
    assert!(!text.contains("KEY"));
}

pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

pub(crate) fn skip(why: &str) {
    eprintln!("skipped: {why}");
}
