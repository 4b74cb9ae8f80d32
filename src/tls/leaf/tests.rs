use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration as StdDuration;

use rcgen::{BasicConstraints, Issuer, KeyPair};
use rustls::CertificateError;
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use crate::tls::testing::{authority, openssl_verify, verify};

fn read<'a>(der: &'a CertificateDer<'_>) -> X509Certificate<'a> {
    X509Certificate::from_der(der).unwrap().1
}

fn mint_now(authority: &Authority, name: &str) -> Leaf {
    mint(authority, name, SystemTime::now()).unwrap()
}

/// A leaf as a thief of the issuer's key would sign it: nothing is asked.
fn forge(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Vec<CertificateDer<'static>> {
    let now = OffsetDateTime::now_utc();
    let mut params = params("api.openai.com", now - BACKDATED, now + Duration::DAY).unwrap();
    change(&mut params);
    let leaf = authority.sign(&params, &KeyPair::generate().unwrap()).unwrap();
    vec![leaf, authority.intermediate_der().clone()]
}

#[test]
fn strict_clients_accept_it() {
    let authority = authority();
    let long = format!("{}.openai.com", "a".repeat(63));
    for name in ["api.openai.com", "openai.com", "localhost", &long] {
        let leaf = mint_now(&authority, name);
        assert_eq!(verify(&authority, &leaf.certified.cert, name), Ok(()), "{name}");
        assert_eq!(openssl_verify(&authority, &leaf.certified.cert, name), Ok(()), "{name}");
    }
}

#[test]
fn it_has_the_profile() {
    let authority = authority();
    let leaf = mint_now(&authority, "API.openai.com");
    let [first, second] = &leaf.certified.cert[..] else { panic!("leaf and intermediate") };
    assert_eq!(second, authority.intermediate_der());
    let (certificate, issuer) = (read(first), read(second));

    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(names.value.general_names, [GeneralName::DNSName("api.openai.com")]);
    let basic = certificate.basic_constraints().unwrap().unwrap();
    assert!(basic.critical && !basic.value.ca);
    let usage = certificate.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.flags == 1, "digitalSignature only");
    let extended = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.server_auth && !extended.client_auth && !extended.any && extended.other.is_empty());
    assert_eq!(certificate.issuer(), issuer.subject());
    assert_eq!(authority_key(&certificate), subject_key(&issuer).map(<[u8]>::to_vec));
    assert_ne!(certificate.public_key().raw, issuer.public_key().raw);
    assert_eq!(leaf.certified.keys_match(), Ok(()), "the certificate is for the key that goes with it");
}

fn authority_key(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => Some(id.key_identifier.as_ref()?.0.to_vec()),
        _ => None,
    })
}

fn subject_key<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
        _ => None,
    })
}

#[test]
fn it_lives_45_days_with_the_first_two_behind_it() {
    let authority = authority();
    let now = SystemTime::now();
    let leaf = mint(&authority, "api.openai.com", now).unwrap();
    let day = StdDuration::from_secs(86_400);
    assert_eq!(now.duration_since(leaf.not_before).unwrap(), 2 * day);
    assert!(leaf.renew_at > now + 28 * day && leaf.renew_at < leaf.not_after);
    let certificate = read(&leaf.certified.cert[0]);
    let (start, end) =
        (certificate.validity().not_before.to_datetime(), certificate.validity().not_after.to_datetime());
    assert_eq!(end - start, Duration::days(45) - Duration::SECOND);
}

#[test]
fn it_never_outlives_the_ca() {
    let authority = authority();
    let end = authority.not_after();
    for (before, expected) in [(Duration::days(10), end), (Duration::SECOND, end)] {
        let leaf = mint(&authority, "localhost", (end - before).into()).unwrap();
        assert_eq!((leaf.not_after, leaf.renew_at), (expected.into(), expected.into()));
        assert_eq!(read(&leaf.certified.cert[0]).validity().not_after.to_datetime(), end);
    }
    let error = mint(&authority, "localhost", end.into()).unwrap_err();
    assert!(matches!(error, LeafError::CaExpired(at) if at == end), "{error}");
}

#[test]
fn keys_and_serial_numbers_never_repeat() {
    let authority = authority();
    let mut seen = HashSet::new();
    for _ in 0..500 {
        let leaf = mint_now(&authority, "api.openai.com");
        let certificate = read(&leaf.certified.cert[0]);
        assert_eq!(certificate.raw_serial()[0] & 0x80, 0, "negative");
        assert!(
            seen.insert(certificate.raw_serial().to_vec())
                && seen.insert(certificate.public_key().raw.to_vec())
        );
    }
}

#[test]
fn nothing_else_is_minted() {
    let authority = authority();
    for name in
        ["evil.example", "*.openai.com", "127.0.0.1", "", "notopenai.com", "a.openai.com\0.evil.example"]
    {
        let error = mint(&authority, name, SystemTime::now()).unwrap_err();
        assert!(matches!(error, LeafError::NotCovered { .. }), "{name}");
    }
}

#[test]
fn a_stolen_key_is_good_for_nothing_else() {
    let authority = authority();
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let san = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let forged = [
        ("evil.example", vec![san("evil.example")]),
        ("127.0.0.1", vec![SanType::IpAddress(ip)]),
        ("::1", vec![SanType::IpAddress("::1".parse().unwrap())]),
        ("api.openai.com", vec![san("api.openai.com"), san("evil.example")]),
        ("a.evil.example", vec![san("*.evil.example")]),
    ];
    for (name, sans) in forged {
        let chain = forge(&authority, |params| params.subject_alt_names = sans);
        let told = format!("{:?}", verify(&authority, &chain, name));
        assert!(told.contains("NameConstraintViolation"), "{name}: {told}");
        let told = openssl_verify(&authority, &chain, name).unwrap_err();
        assert!(told.contains("subtree violation"), "{name}: {told}");
    }
}

#[test]
fn a_certificate_authority_below_it_is_refused() {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let below = forge_ca(&authority, &key);
    let issuer = Issuer::from_ca_cert_der(&below, key).unwrap();
    let now = OffsetDateTime::now_utc();
    let leaf = params("api.openai.com", now - BACKDATED, now + Duration::DAY)
        .unwrap()
        .signed_by(&KeyPair::generate().unwrap(), &issuer)
        .unwrap();
    let chain = [leaf.der().clone(), below, authority.intermediate_der().clone()];
    assert!(verify(&authority, &chain, "api.openai.com").is_err());
    let told = openssl_verify(&authority, &chain, "api.openai.com").unwrap_err();
    assert!(told.contains("path length constraint exceeded"), "{told}");
}

fn forge_ca(authority: &Authority, key: &KeyPair) -> CertificateDer<'static> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "below");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.use_authority_key_identifier_extension = true;
    authority.sign(&params, key).unwrap()
}

#[test]
fn another_ca_vouches_for_nothing() {
    let (ours, other) = (authority(), authority());
    let leaf = mint_now(&other, "api.openai.com");
    let unknown = Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer));
    assert_eq!(verify(&ours, &leaf.certified.cert, "api.openai.com"), unknown);
}
