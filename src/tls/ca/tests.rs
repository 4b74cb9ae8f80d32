use rcgen::{BasicConstraints, CertifiedIssuer, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints};
use time::Duration;

use data_encoding::HEXLOWER;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use crate::tls::leaf::LeafError;
use crate::tls::testing::{authority, names};

fn assemble_now(made: Material) -> Result<Authority, AuthorityError> {
    Authority::assemble(made, OffsetDateTime::now_utc())
}

fn generate(name: &str) -> Material {
    profile::generate(&Purpose::for_names([name]), OffsetDateTime::now_utc()).unwrap()
}

#[test]
fn two_of_them_share_nothing() {
    let (one, two) = (authority(), authority());
    assert_ne!(one.fingerprint(), two.fingerprint());
    for (one, two) in
        [(&one.root, &two.root), (&one.intermediate, &two.intermediate), (&one.root, &one.intermediate)]
    {
        let (one, two) =
            (X509Certificate::from_der(one).unwrap().1, X509Certificate::from_der(two).unwrap().1);
        assert_ne!(one.serial, two.serial);
        assert_ne!(one.public_key().raw, two.public_key().raw);
        assert_ne!(one.subject(), two.subject());
    }
}

#[test]
fn certificates_have_the_profile() {
    let made = authority();
    let (_, root) = X509Certificate::from_der(&made.root).unwrap();
    let (_, below) = X509Certificate::from_der(&made.intermediate).unwrap();
    for (certificate, path_length) in [(&root, 1), (&below, 0)] {
        let basic = certificate.basic_constraints().unwrap().unwrap();
        assert!(basic.critical && basic.value.ca && basic.value.path_len_constraint == Some(path_length));
        let usage = certificate.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.flags == 0b110_0000, "keyCertSign and cRLSign only");
        let constraints = certificate.name_constraints().unwrap().unwrap();
        assert!(constraints.critical);
        assert_eq!(constraints.value.excluded_subtrees.as_ref().unwrap().len(), 2);
        let life =
            certificate.validity().not_after.to_datetime() - certificate.validity().not_before.to_datetime();
        assert_eq!(life, Duration::days(3650));
        assert!(certificate.raw_serial().len() >= 15, "{:x?}", certificate.raw_serial());
    }
    let purposes = below.extended_key_usage().unwrap().unwrap().value;
    assert!(purposes.server_auth && !purposes.any && !purposes.client_auth && !purposes.email_protection);
    assert!(root.subject().to_string().starts_with("CN=azure-openai-proxy CA "), "{}", root.subject());
    assert_eq!(below.issuer(), root.subject());
    assert!(below.validity().not_after <= root.validity().not_after);
    assert_eq!(made.permitted(), ["openai.com", "localhost"]);
}

#[test]
fn covers_permitted_names_and_those_below() {
    let made = authority();
    for name in ["openai.com", "api.openai.com", "a.b.OpenAI.com", "localhost", "api.openai.com."] {
        assert!(made.covers(name), "{name}");
    }
    for name in [
        "",
        "com",
        "notopenai.com",
        ".openai.com",
        "*.openai.com",
        "openai.com.evil.example",
        "127.0.0.1",
        "[::1]",
    ] {
        assert!(!made.covers(name), "{name}");
    }
}

#[test]
fn is_made_for_dns_names_only() {
    for name in ["", "127.0.0.1", "[::1]", "*.openai.com", "a b", "-a.com", "a-.com", "openai.com:443"] {
        let error = Authority::in_memory(&names(&["localhost", name])).unwrap_err();
        assert!(matches!(&error, CaError::BadName { name: found } if found == name), "{error}");
    }
    assert!(matches!(Authority::in_memory(&[]), Err(CaError::NoNames)));
    let made = Authority::in_memory(&names(&["OpenAI.com", "openai.com."])).unwrap();
    assert_eq!(made.permitted(), ["openai.com"]);
}

#[test]
fn debug_shows_no_key() {
    let made = authority();
    let key = made.issuer.key().serialized_der();
    // Where the secret scalar stands in a P-256 PKCS #8 key (RFC 5915, RFC 5958).
    let secret = &key[36..48];
    let base64 = pem::encode("X", &key[..48]);
    let decimal = format!("{secret:?}");
    let shown = format!("{made:?} {made:#?}");
    assert!(shown.contains(&made.fingerprint()));
    for form in
        [&base64.lines().nth(1).unwrap()[48..], decimal.trim_matches(['[', ']']), &HEXLOWER.encode(secret)]
    {
        assert!(!shown.contains(form), "{form}");
    }
    assert!(
        made.issuer_pem().contains(&base64.lines().nth(1).unwrap()[48..]),
        "the key's file is where it shows"
    );
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let ours = || generate("openai.com");
    let mix = Material { key: IssuerKey::generate().unwrap(), ..ours() };
    assert!(matches!(assemble_now(mix), Err(AuthorityError::KeyMismatch)));
    let mix = Material { root: ours().root, ..ours() };
    assert!(matches!(assemble_now(mix), Err(AuthorityError::Refused(_))));
    let swapped = ours();
    let swapped = Material { root: swapped.intermediate, intermediate: swapped.root, ..swapped };
    assert!(matches!(assemble_now(swapped), Err(AuthorityError::KeyMismatch)));
}

#[test]
fn an_intermediate_that_is_not_fit_is_refused() {
    let params = |permitted: &[&str]| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: permitted.iter().map(|&name| GeneralSubtree::DnsName(name.into())).collect(),
            excluded_subtrees: vec![],
        });
        params
    };
    let assembled = |above: &[&str], below: &[&str]| {
        let root = CertifiedIssuer::self_signed(params(above), IssuerKey::generate().unwrap()).unwrap();
        let key = IssuerKey::generate().unwrap();
        let intermediate = params(below).signed_by(&key, &root).unwrap().der().clone();
        assemble_now(Material { key, intermediate, root: root.der().clone(), root_crl: None })
    };
    assert!(assembled(&[], &["openai.com"]).is_ok());
    assert!(matches!(assembled(&[], &[]), Err(AuthorityError::Unconstrained)));
    assert!(matches!(
        assembled(&[], &["10.0.0.1"]),
        Err(AuthorityError::Trial(LeafError::NotCovered { .. }))
    ));
    assert!(matches!(assembled(&["other.example"], &["openai.com"]), Err(AuthorityError::Refused(_))));
}

#[test]
fn an_expired_one_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let then = OffsetDateTime::now_utc() - Duration::days(3650);
    let made = profile::generate(&Purpose::for_names(["openai.com"]), then).unwrap();
    let old = Authority::assemble(made, then).unwrap();
    files::create(dir.path(), &old.issuer_pem()).unwrap();
    let error = Authority::load(dir.path()).unwrap_err();
    assert!(error.to_string().ends_with("(azure-openai-proxy ca init --replace makes a new one)"), "{error}");
    let CaError::Unusable { source, .. } = error else { panic!("{error}") };
    assert!(matches!(source, AuthorityError::Expired(end) if end == old.not_after()));
    assert!(source.to_string().starts_with("it expired on "), "{source}");
}

#[test]
fn no_part_of_the_text_is_enough() {
    let text = authority().issuer_pem();
    let parse = |text: &str| Authority::parse(text.as_bytes(), OffsetDateTime::now_utc());
    assert!(parse(&text).is_ok());
    for end in (0..text.len() - 2).step_by(7) {
        assert!(parse(&text[..end]).is_err(), "{end}");
    }
    let again = format!("{}{}", text.as_str(), authority().root_pem());
    assert!(matches!(parse(&again), Err(AuthorityError::Count(3))));
}
