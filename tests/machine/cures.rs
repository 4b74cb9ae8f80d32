//! What `doctor` says to run, run as it says: what was found is right then.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use azure_openai_proxy::tls::ca::{Authority, Purpose};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, GeneralSubtree, IsCa, KeyPair,
    KeyUsagePurpose, NameConstraints,
};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::program::Program;
use crate::user::{self, User};

/// What becomes of a CA that is made anew.
const RENEW: &str = "azure-openai-proxy ca init --replace";

/// One whose settings are good, whose CA is in their home, and who has no client and no running proxy.
fn user() -> User {
    let user = User::new();
    let certs = user.certs().display().to_string();
    user.with("AZURE_OPENAI_PROXY_MODE", "openai")
        .with("AZURE_OPENAI_PROXY_CERTS", certs)
        .with("AZURE_OPENAI_PROXY_LISTEN", user::nobody())
        .with("PATH", "")
}

/// The first that doctor says of this: verdict, words, cure.
pub(crate) async fn says(user: &User, name: &str) -> [String; 3] {
    let said = user.run(&["doctor", "--json"]).await;
    let findings: Vec<Value> = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    let found = findings.iter().filter(|finding| finding["name"] == name);
    // The worst of several, and of those the first.
    let found = found.min_by_key(|finding| finding["cure"].is_null()).unwrap_or_else(|| panic!("{said:?}"));
    ["verdict", "says", "cure"].map(|key| found[key].as_str().unwrap_or_default().to_owned())
}

/// Runs a cure that is a command of the program's.
pub(crate) async fn follow(user: &User, cure: &str) {
    let arguments: Vec<&str> = cure.split(' ').collect();
    assert_eq!(arguments[0], "azure-openai-proxy", "{cure:?}");
    let said = user.run(&arguments[1..]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
}

/// A CA as this program makes them, but that it ends then.
fn aged(certs: &Path, end: OffsetDateTime) {
    let params = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = end - Duration::days(3650);
        params.not_after = end;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let permitted = ["openai.com", "localhost"].map(|name| GeneralSubtree::DnsName(name.into()));
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted.into(), excluded_subtrees: vec![] });
        params
    };
    let root =
        CertifiedIssuer::self_signed(params("azure-openai-proxy CA aged"), KeyPair::generate().unwrap());
    let (root, key) = (root.unwrap(), KeyPair::generate().unwrap());
    let intermediate = params("aged").signed_by(&key, &root).unwrap();
    write(certs, &[key.serialize_pem(), intermediate.pem(), root.pem()].concat());
}

fn write(certs: &Path, text: &str) {
    use std::io::Write;
    fs::create_dir_all(certs).unwrap();
    fs::set_permissions(certs, fs::Permissions::from_mode(0o700)).unwrap();
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(certs.join("issuer.pem")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn a_ca_that_is_no_use_or_soon_will_be_is_made_anew() {
    let now = OffsetDateTime::now_utc();
    for (verdict, words, spoil) in [
        ("wrong", "expired on", &(|certs: &Path| aged(certs, now - Duration::DAY)) as &dyn Fn(&Path)),
        ("remark", "valid until", &|certs: &Path| aged(certs, now + Duration::days(20))),
        ("wrong", "cannot be used", &|certs: &Path| write(certs, "no PEM")),
        ("wrong", "may not sign for", &|certs: &Path| {
            Authority::create(certs, &Purpose::for_names(["other.example"])).unwrap();
        }),
    ] {
        let user = user();
        spoil(&user.certs());
        let [found, says_so, cure] = says(&user, "CA").await;
        assert!(found == verdict && says_so.contains(words), "{found}: {says_so}");
        assert_eq!(cure, RENEW, "{words}");
        follow(&user, &cure).await;
        assert_eq!(says(&user, "CA").await[0], "right", "{words}");
    }
}

#[tokio::test]
async fn a_file_of_the_key_that_others_can_read_is_closed() {
    let key = |user: &User| user.home.path().join("the key");
    let user = user();
    let file = key(&user).display().to_string();
    let user = user.with("AZURE_OPENAI_PROXY_API_KEY_FILE", file);
    fs::write(key(&user), "k").unwrap();
    for (mode, verdict) in [(0o640, "remark"), (0o604, "remark"), (0o600, "right"), (0o400, "right")] {
        fs::set_permissions(key(&user), fs::Permissions::from_mode(mode)).unwrap();
        let [found, words, cure] = says(&user, "settings").await;
        assert_eq!(found, verdict, "{mode:o}: {words}");
        if found == "remark" {
            assert_eq!(cure, format!("chmod 600 '{}'", key(&user).display()));
            assert!(Command::new("sh").args(["-c", &cure]).status().unwrap().success());
            assert_eq!(says(&user, "settings").await[0], "right");
        }
    }
}

/// Without them it would be done to another CA, or at another address.
#[tokio::test]
async fn flags_that_doctor_was_given_are_given_to_its_cures() {
    let user = user();
    let (listen, certs) = (user::nobody(), user.home.path().join("elsewhere"));
    let flags = [format!("--listen={listen}"), format!("--certs={}", certs.display())];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let cure_of = async |name: &str| {
        let said = user.run(&[&["doctor", "--json"], &*flags].concat()).await;
        let findings: Vec<Value> = serde_json::from_str(&said.stdout).unwrap();
        let found = findings.into_iter().find(|finding| finding["name"] == name);
        found.map(|finding| finding["cure"].as_str().unwrap_or_default().to_owned()).unwrap()
    };
    let cure = cure_of("CA").await;
    assert_eq!(cure, format!("azure-openai-proxy ca init {}", flags.join(" ")));
    follow(&user, &cure).await;
    assert!(certs.join("issuer.pem").exists());
    let cure = cure_of("proxy").await;
    let arguments: Vec<&str> = cure.split(' ').skip(1).collect();
    let mut program = Program::spawn(&mut user.command(user::program(), &arguments));
    assert_eq!(program.address().await, listen);
    assert_eq!(cure_of("proxy").await, "");
}

#[tokio::test]
async fn a_proxy_that_does_not_run_is_started() {
    let user = user();
    follow(&user, "azure-openai-proxy ca init").await;
    let [verdict, _, cure] = says(&user, "proxy").await;
    assert_eq!((&*verdict, &*cure), ("wrong", "azure-openai-proxy"));
    let mut program = Program::spawn(&mut user.command(user::program(), &[]));
    program.address().await;
    assert_eq!(says(&user, "proxy").await[0], "right");
}

#[tokio::test]
async fn an_address_that_somebody_else_has_is_left_to_them() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let user = user().with("AZURE_OPENAI_PROXY_LISTEN", taken.local_addr().unwrap());
    tokio::spawn(async move { while taken.accept().await.is_ok() {} });
    follow(&user, "azure-openai-proxy ca init").await;
    let [verdict, _, cure] = says(&user, "proxy").await;
    assert_eq!((&*verdict, &*cure), ("wrong", "azure-openai-proxy --listen PORT, another one"));
    let user = user.with("AZURE_OPENAI_PROXY_LISTEN", user::nobody());
    let mut program = Program::spawn(&mut user.command(user::program(), &[]));
    program.address().await;
    assert_eq!(says(&user, "proxy").await[0], "right");
}

/// The README's other setup: nothing of its CA is there but the root, which suffices for clients and is never replaced.
#[tokio::test]
async fn a_proxy_of_another_user_is_tried_with_its_root_alone() {
    let (user, other) = (user(), user());
    let root = user.certs().join("ca.pem");
    fs::create_dir(user.certs()).unwrap();
    follow(&other, "azure-openai-proxy ca init").await;
    fs::copy(other.certs().join("ca.pem"), &root).unwrap();
    let [verdict, says_so, cure] = says(&user, "CA").await;
    assert!(verdict == "right" && says_so.ends_with("the root of a proxy of another user"), "{says_so}");
    assert_eq!(cure, "");
    let [verdict, _, cure] = says(&user, "proxy").await;
    assert!(verdict == "wrong" && cure.starts_with("have its user start it, "), "{cure}");
    let mut program = Program::spawn(&mut other.command(user::program(), &[]));
    let user = user.with("AZURE_OPENAI_PROXY_LISTEN", program.address().await);
    assert_eq!(says(&user, "proxy").await[0], "right");
    let shell = says(&user, "this shell").await;
    assert!(shell[1].contains("https_proxy is not set"), "it went on to the clients: {shell:?}");
    for arguments in [&["doctor", "--fix"][..], &["ca", "init"], &["serve"], &["check"]] {
        let said = user.run(arguments).await;
        assert_ne!(said.code, Some(0), "{arguments:?} {said:?}");
    }
    assert_eq!(fs::read(&root).unwrap(), fs::read(other.certs().join("ca.pem")).unwrap());
    let said = user.run(&["ca", "init"]).await;
    assert!(said.code == Some(4) && said.stderr.contains("the root of another proxy"), "{said:?}");
    follow(&user, RENEW).await;
}

#[tokio::test]
async fn a_proxy_that_has_the_old_ca_is_restarted() {
    let user = user();
    follow(&user, "azure-openai-proxy ca init").await;
    let mut program = Program::spawn(&mut user.command(user::program(), &[]));
    program.address().await;
    assert_eq!(says(&user, "proxy").await[0], "right");
    follow(&user, RENEW).await;
    let [verdict, _, cure] = says(&user, "proxy").await;
    assert!(verdict == "wrong" && cure.starts_with("restart it; "), "{cure}");
    program.terminate().await;
    program.ended().await;
    let mut program = Program::spawn(&mut user.command(user::program(), &[]));
    program.address().await;
    assert_eq!(says(&user, "proxy").await[0], "right");
}

#[tokio::test]
async fn a_proxy_that_has_our_ca_and_other_hosts_is_not_restarted() {
    let user = user();
    follow(&user, "azure-openai-proxy ca init").await;
    let other = ["--intercept", "other.openai.com", "--deny-destinations", "api.openai.com"];
    let mut program = Program::spawn(&mut user.command(user::program(), &other));
    program.address().await;
    let [verdict, _, cure] = says(&user, "proxy").await;
    assert_eq!((&*verdict, &*cure), ("wrong", "azure-openai-proxy --listen PORT, another one"));
}

#[tokio::test]
async fn a_store_that_does_not_trust_us_is_told_to() {
    let Some(certutil) = crate::trust::on_path("certutil") else {
        return crate::trust::skip("certutil is not installed");
    };
    let user = user().with("PATH", certutil.parent().unwrap().display());
    follow(&user, "azure-openai-proxy ca init").await;
    let database = user.home.path().join(".pki/nssdb");
    fs::create_dir_all(&database).unwrap();
    let database = format!("sql:{}", database.display());
    assert!(
        Command::new(&certutil).args(["-N", "--empty-password", "-d", &database]).status().unwrap().success()
    );
    let [verdict, _, cure] = says(&user, "nss store").await;
    assert_eq!((&*verdict, &*cure), ("remark", "azure-openai-proxy trust --stores nss"));
    follow(&user, &cure).await;
    assert_eq!(says(&user, "nss store").await[0], "right");
}

#[tokio::test]
async fn a_jdk_that_does_not_trust_us_is_told_to() {
    let Some(keytool) = crate::trust::on_path("keytool") else {
        return crate::trust::skip("keytool is not installed");
    };
    let user = user();
    let jdk = user.home.path().join("jdk");
    for directory in ["bin", "lib/security"] {
        fs::create_dir_all(jdk.join(directory)).unwrap();
    }
    std::os::unix::fs::symlink(keytool.canonicalize().unwrap(), jdk.join("bin/keytool")).unwrap();
    let user = user.with("JAVA_HOME", jdk.display());
    follow(&user, "azure-openai-proxy ca init").await;
    let (cacerts, other) = (jdk.join("lib/security/cacerts"), user.home.path().join("other.pem"));
    fs::write(&other, Authority::in_memory(&["openai.com".into()]).unwrap().root_pem()).unwrap();
    let made = Command::new(&keytool)
        .args(["-importcert", "-noprompt", "-storepass", "changeit", "-alias", "other", "-keystore"])
        .arg(&cacerts)
        .arg("-file")
        .arg(&other)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let cure = "azure-openai-proxy trust --stores java";
    assert_eq!(says(&user, "java store").await[2], cure);
    follow(&user, cure).await;
    assert!(!says(&user, "java store").await.contains(&cure.to_owned()));
}
