use std::env;
use std::fs;

use rustls::{CertificateError, Error as TlsError};

use super::*;
use crate::tls::ca::{Authority, Purpose};
use crate::tls::resolver::Leaves;
use crate::tls::testing::{authority, handshake, names};

fn own(authority: &Authority) -> [&CertificateDer<'static>; 2] {
    [authority.root_der(), authority.intermediate_der()]
}

fn holds(store: &RootCertStore, certificate: &CertificateDer<'static>) -> bool {
    let mut alone = RootCertStore::empty();
    alone.add(certificate.clone()).unwrap();
    store.roots.contains(&alone.roots[0])
}

fn write(dir: &Path, name: &str, certificates: &[&CertificateDer<'static>]) -> PathBuf {
    let path = dir.join(name);
    let text: String = certificates.iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn our_own_ca_is_never_among_the_platforms() {
    let (ours, other) = (authority(), authority());
    for own_one in own(&ours) {
        let mut roots = Collector::new(&own(&ours), vec![]);
        roots.add_platform(vec![own_one.clone(), other.root_der().clone()], [].into_iter());
        assert!(holds(&roots.store, other.root_der()) && roots.store.len() == 1);
        assert_eq!(roots.notes, [Note::OwnCaInPlatform]);
    }
}

#[test]
fn a_platform_with_nothing_but_our_own_is_looked_past() {
    let (ours, other) = (authority(), authority());
    let dir = tempfile::tempdir().unwrap();
    let (absent, only_ours) = (dir.path().join("absent"), write(dir.path(), "ours", &own(&ours)));
    let good = write(dir.path(), "good", &[ours.root_der(), other.root_der()]);
    for (platform, first) in [(vec![ours.root_der().clone()], vec![Note::OwnCaInPlatform]), (vec![], vec![])]
    {
        let mut roots = Collector::new(&own(&ours), vec![]);
        roots.add_platform(
            platform,
            [&absent, &only_ours, &good, &only_ours].into_iter().map(PathBuf::as_path),
        );
        assert!(holds(&roots.store, other.root_der()) && roots.store.len() == 1);
        assert_eq!(roots.notes, [first, vec![Note::WellKnownFile(good.clone())]].concat());
    }
}

#[test]
fn without_any_file_mozillas_are_used() {
    let mut roots = Collector::new(&[], vec![]);
    roots.add_platform(vec![], [Path::new("/nonexistent/roots.pem")].into_iter());
    assert_eq!(roots.notes, [Note::BuiltIn]);
    assert!(roots.store.len() > 50);
}

#[test]
fn files_add_roots_but_never_our_own() {
    let (ours, other) = (authority(), authority());
    let dir = tempfile::tempdir().unwrap();
    let both = write(dir.path(), "both.pem", &[ours.root_der(), other.root_der()]);
    let good = write(dir.path(), "good.pem", &[other.intermediate_der()]);
    let roots = UpstreamRoots::load(&[both.clone(), good], &own(&ours)).unwrap();
    assert!(holds(&roots.store, other.root_der()) && holds(&roots.store, other.intermediate_der()));
    assert!(!holds(&roots.store, ours.root_der()));
    assert!(roots.notes.contains(&Note::OwnCaInFile(both)));
    assert!(roots.store.len() > 2, "the platform's are still there");
}

#[test]
fn an_expired_root_is_left_out() {
    let (dir, key) = (tempfile::tempdir().unwrap(), rcgen::KeyPair::generate().unwrap());
    let mut params = rcgen::CertificateParams::default();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let (expired, other) = (params.self_signed(&key).unwrap(), authority());
    let file = write(dir.path(), "roots.pem", &[expired.der(), other.root_der()]);
    let roots = UpstreamRoots::load(std::slice::from_ref(&file), &[]).unwrap();
    assert!(holds(&roots.store, other.root_der()));
    assert!(roots.notes.contains(&Note::ExpiredInFile(file, 1)), "{:?}", roots.notes);
    let mut roots = Collector::new(&[], vec![]);
    roots.add_platform(vec![expired.der().clone(), other.root_der().clone()], [].into_iter());
    assert_eq!(roots.store.len(), 1);
}

#[test]
fn a_file_that_is_no_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent.pem");
    let text = dir.path().join("text.pem");
    fs::write(&text, "no certificate").unwrap();
    let garbage = write(dir.path(), "garbage.pem", &[&CertificateDer::from(vec![1, 2, 3])]);
    for (path, kind) in [(absent, "Read"), (text, "Pem"), (garbage, "Certificate")] {
        let error = UpstreamRoots::load(std::slice::from_ref(&path), &[]).unwrap_err();
        assert!(format!("{error:?}").starts_with(kind), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn notes_can_be_read() {
    let file = || PathBuf::from("/a/file");
    for note in [
        Note::PlatformTrouble("/a/file".into()),
        Note::OwnCaInFile(file()),
        Note::ExpiredInFile(file(), 2),
        Note::WellKnownFile(file()),
    ] {
        assert!(note.to_string().contains("/a/file"), "{note}");
    }
}

#[tokio::test]
async fn a_server_signed_by_our_own_ca_is_refused_upstream() {
    let (ours, dir) = (std::sync::Arc::new(authority()), tempfile::tempdir().unwrap());
    let file = write(dir.path(), "ca.pem", &[ours.root_der()]);
    let leaves = Leaves::new(ours.clone(), names(&["localhost"])).unwrap();
    for (own, accepted) in [(own(&ours).to_vec(), false), (vec![], true)] {
        let roots = UpstreamRoots::load(std::slice::from_ref(&file), &own).unwrap();
        let (near, _) =
            handshake(client_config(roots.store), "localhost", |_| leaves.server_config("localhost")).await;
        match near {
            Ok(_) => assert!(accepted),
            Err(error) => {
                let found = error.get_ref().unwrap().downcast_ref::<TlsError>();
                assert_eq!(found, Some(&TlsError::InvalidCertificate(CertificateError::UnknownIssuer)));
                assert!(!accepted);
            }
        }
    }
}

/// Runs itself again with `SSL_CERT_FILE` set, which only a new process can have without a race.
#[cfg(unix)]
#[test]
fn ssl_cert_file_with_our_own_ca_is_not_believed() {
    const CA_DIR: &str = "AZURE_OPENAI_PROXY_TEST_CA_DIR";
    let Some(dir) = env::var_os(CA_DIR) else {
        let dir = tempfile::tempdir().unwrap();
        Authority::create(dir.path(), &Purpose::for_names(["openai.com"])).unwrap();
        let variables = [(CA_DIR, dir.path()), ("SSL_CERT_FILE", &dir.path().join("ca.pem"))];
        let this = "tls::roots::tests::ssl_cert_file_with_our_own_ca_is_not_believed";
        return crate::tls::testing::rerun(this, "unset SSL_CERT_DIR", &variables);
    };
    let ours = Authority::load(Path::new(&dir)).unwrap();
    let blind = UpstreamRoots::load(&[], &[]).unwrap();
    assert!(holds(&blind.store, ours.root_der()) && blind.store.len() == 1, "the variable is in force");
    let roots = UpstreamRoots::load(&[], &own(&ours)).unwrap();
    assert_eq!(roots.notes[0], Note::OwnCaInPlatform);
    assert!(!holds(&roots.store, ours.root_der()) && roots.store.len() > 10);
}
