use super::*;
use crate::cli::Store;
use crate::machine::trust::Holds;
use crate::tls::ca::Authority;

fn root() -> Root {
    let authority = Authority::in_memory(&["openai.com".into()]).unwrap();
    Root {
        file: "/home/u/my certs/ca.pem".into(),
        certificate: authority.root_der().clone(),
        name: "azure-openai-proxy CA 1a2b3c4d".into(),
        fingerprint: "ab".repeat(32),
        serial: "0123".into(),
    }
}

fn anchors(
    directory: &str,
    extension: &'static str,
    refresh: &str,
    arguments: &'static [&'static str],
) -> Way {
    Way::Anchors { directory: directory.into(), extension, refresh: Some((refresh.into(), arguments)) }
}

fn place(name: &str, way: Way) -> Place {
    Place { store: Store::System, name: name.into(), way, holds: Holds::default() }
}

/// The place once our root is in it, under this name.
fn filled(place: &Place, at: &str) -> Place {
    let holds = Holds { ours: vec![at.into()], effective: true, others: Vec::new() };
    Place { holds, ..place.clone() }
}

fn commands(place: &Place, wish: Wish) -> Vec<String> {
    match plan(place, wish, &root()) {
        Plan::Do(steps) => steps.iter().map(Step::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

/// What each platform is made to run, to the letter.
#[test]
fn every_store_is_filled_and_emptied_in_its_own_way() {
    let debian = "/usr/local/share/ca-certificates/azure-openai-proxy-CA-1a2b3c4d.crt";
    let fedora = "/etc/pki/ca-trust/source/anchors/azure-openai-proxy-CA-1a2b3c4d.pem";
    let arch = "/etc/ca-certificates/trust-source/anchors/azure-openai-proxy-CA-1a2b3c4d.crt";
    let suse = "/etc/pki/trust/anchors/azure-openai-proxy-CA-1a2b3c4d.pem";
    let install = "install -m 0644 '/home/u/my certs/ca.pem'";
    let fingerprint = "AB".repeat(32);
    for (place, at, filling, emptying) in [
        (
            place("debian", anchors("/usr/local/share/ca-certificates", "crt", "/usr/sbin/update-ca-certificates", &[])),
            debian,
            vec![format!("{install} {debian}"), "/usr/sbin/update-ca-certificates".into()],
            vec![format!("rm {debian}"), "/usr/sbin/update-ca-certificates".into()],
        ),
        (
            place("fedora", anchors("/etc/pki/ca-trust/source/anchors", "pem", "/usr/bin/update-ca-trust", &["extract"])),
            fedora,
            vec![format!("{install} {fedora}"), "/usr/bin/update-ca-trust extract".into()],
            vec![format!("rm {fedora}"), "/usr/bin/update-ca-trust extract".into()],
        ),
        (
            place("arch", anchors("/etc/ca-certificates/trust-source/anchors", "crt", "/usr/bin/trust", &["extract-compat"])),
            arch,
            vec![format!("{install} {arch}"), "/usr/bin/trust extract-compat".into()],
            vec![format!("rm {arch}"), "/usr/bin/trust extract-compat".into()],
        ),
        (
            place("suse", anchors("/etc/pki/trust/anchors", "pem", "/usr/sbin/update-ca-certificates", &[])),
            suse,
            vec![format!("{install} {suse}"), "/usr/sbin/update-ca-certificates".into()],
            vec![format!("rm {suse}"), "/usr/sbin/update-ca-certificates".into()],
        ),
        (
            place("macOS", Way::Keychain("/Users/u/Library/Keychains/login.keychain-db".into())),
            "login",
            vec!["security add-trusted-cert -r trustRoot -p ssl -p basic -k \
                  /Users/u/Library/Keychains/login.keychain-db '/home/u/my certs/ca.pem'"
                .into()],
            vec![
                "security remove-trusted-cert '/home/u/my certs/ca.pem'".into(),
                format!("security delete-certificate -Z {fingerprint} /Users/u/Library/Keychains/login.keychain-db"),
            ],
        ),
        (
            place("Windows", Way::Windows),
            "0123",
            vec!["certutil.exe -user -addstore Root '/home/u/my certs/ca.pem'".into()],
            vec!["certutil.exe -user -delstore Root 0123".into()],
        ),
        (
            place("/home/u/.pki/nssdb", Way::Nss { certutil: "/usr/bin/certutil".into() }),
            "some nickname",
            vec!["/usr/bin/certutil -A -d sql:/home/u/.pki/nssdb -t C,, -n 'azure-openai-proxy CA 1a2b3c4d' -i \
                  '/home/u/my certs/ca.pem'"
                .into()],
            vec!["/usr/bin/certutil -D -d sql:/home/u/.pki/nssdb -n 'some nickname'".into()],
        ),
        (
            place("/jdk/lib/security/cacerts", Way::Java { keytool: "/jdk/bin/keytool".into() }),
            "debian:x.pem",
            vec!["/jdk/bin/keytool -importcert -noprompt -keystore /jdk/lib/security/cacerts -storepass changeit -alias \
                  azure-openai-proxy-CA-1a2b3c4d -file '/home/u/my certs/ca.pem'"
                .into()],
            vec!["/jdk/bin/keytool -delete -noprompt -keystore /jdk/lib/security/cacerts -storepass changeit -alias \
                  debian:x.pem"
                .into()],
        ),
    ] {
        let full = filled(&place, at);
        assert_eq!(commands(&place, Wish::Trust), filling, "{}", place.name);
        assert_eq!(commands(&full, Wish::Untrust), emptying, "{}", place.name);
        assert_eq!(plan(&full, Wish::Trust, &root()), Plan::Nothing, "{}", place.name);
        assert_eq!(plan(&place, Wish::Untrust, &root()), Plan::Nothing, "{}", place.name);
    }
}

#[test]
fn half_done_work_is_finished() {
    let mut debian = place("debian", anchors("/anchors", "crt", "/refresh", &[]));
    debian.holds = Holds { ours: vec!["/anchors/old-name.crt".into()], ..Holds::default() };
    assert_eq!(commands(&debian, Wish::Trust).last().unwrap(), "/refresh", "the bundle was not made of it");
    debian.holds = Holds { effective: true, ..Holds::default() };
    assert_eq!(commands(&debian, Wish::Untrust), ["/refresh"], "the bundle still has it");

    let mut keychain = place("macOS", Way::Keychain("k".into()));
    keychain.holds = Holds { ours: vec!["k".into()], ..Holds::default() };
    assert_eq!(commands(&keychain, Wish::Untrust).len(), 1, "there is no setting to remove");
}

#[test]
fn what_cannot_be_done_is_skipped_with_the_reason() {
    let missing = Way::Anchors { directory: "/anchors".into(), extension: "crt", refresh: None };
    for (way, word) in [(missing, "ca-certificates"), (Way::Closed("declared".into()), "declared")] {
        for wish in [Wish::Trust, Wish::Untrust] {
            let mut place = place("x", way.clone());
            place.holds.effective = wish == Wish::Untrust;
            assert!(matches!(plan(&place, wish, &root()), Plan::Skip(why) if why.contains(word)));
        }
    }
}

#[test]
fn only_the_file_that_changes_decides_about_rights() {
    let Plan::Do(steps) = plan(&place("/cacerts", Way::Java { keytool: "k".into() }), Wish::Trust, &root())
    else {
        panic!("nothing to do");
    };
    assert!(matches!(&steps[..], [Step::Run { changes: Some(path), .. }] if path.ends_with("cacerts")));
}
