//! Certificates upstream: a bad one is a 502 that says what is wrong, and nothing of the request leaves.

use std::path::Path;
use std::sync::Arc;

use azure_openai_proxy::tls::ca::{Authority, Purpose};
use azure_openai_proxy::tls::resolver::Leaves;
use http::StatusCode;
use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints, date_time_ymd,
};
use rustls::ServerConfig;

use crate::client::{self, OPENAI_HOST, Whole};
use crate::errors::{CHAT, assert_openai_form, chat};
use crate::origin::{self, Below, Origin, Pki};
use crate::program::Program;
use crate::stage::{AZURE_HOST, Stage};

/// What the proxy answers in front of an origin with this certificate, whose CA it trusts or does not.
async fn answer_before(certificate: Arc<ServerConfig>, trusted: &Path, what: &str) -> Whole {
    let origin = Origin::secure(certificate);
    let resolve = format!("{AZURE_HOST}:443:{}", origin.address());
    let variables = [
        ("AZURE_OPENAI_PROXY_RESOLVE", &*resolve),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", trusted.to_str().unwrap()),
    ];
    let stage = Stage::with_variables(&variables).await;
    let (answer, ()) = tokio::join!(chat(&stage), async {
        // Without a finished handshake nothing of a request can have come.
        assert!(origin.try_accept().await.is_err(), "a certificate was taken that {what}");
    });
    assert!(origin.is_untouched(), "it is not tried again");
    answer
}

const UNTRUSTED: &str = "is signed by an authority that is not trusted; if it is your company's, name its file in \
                         upstream_ca_file";

#[tokio::test]
async fn a_bad_certificate_is_502_and_says_why() {
    let (pki, other, impostor) = (Pki::new(), Pki::named("another root"), Pki::new());
    let year = |year| date_time_ymd(year, 1, 1);

    for (certificate, reason) in [
        (pki.server_with(AZURE_HOST, |it| it.not_after = year(2020)), "has expired"),
        (pki.server_with(AZURE_HOST, |it| it.not_before = year(4000)), "is not valid yet"),
        (pki.server("other.openai.azure.com"), "is not valid for this host name"),
        (pki.server("*.azure.com"), "is not valid for this host name"),
        (pki.server("*.com"), "is not valid for this host name"),
        (pki.server("demo.*.azure.com"), "is not valid for this host name"),
        (pki.server("d*.openai.azure.com"), "is not valid for this host name"),
        (pki.server_with(AZURE_HOST, |it| it.subject_alt_names.clear()), "is not valid for this host name"),
        (
            pki.server_with(AZURE_HOST, |it| {
                it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]
            }),
            "is not meant for servers",
        ),
        (other.server(AZURE_HOST), UNTRUSTED),
        (impostor.server(AZURE_HOST), "has a signature that does not match"),
        (origin::self_signed(AZURE_HOST), UNTRUSTED),
    ] {
        let answer = answer_before(certificate, &pki.root_file(), reason).await;
        assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_certificate");
        let message = format!("the upstream's certificate {reason}");
        assert_eq!(answer.json()["error"]["message"], message);
    }
}

#[tokio::test]
async fn a_chain_with_a_bad_link_is_502_and_says_why() {
    let pki = Pki::new();
    for (index, (below, reason)) in [
        (
            Below { intermediate: |it| it.not_after = date_time_ymd(2020, 1, 1), ..Below::default() },
            "has expired",
        ),
        (
            Below { intermediate: |it| it.not_before = date_time_ymd(4000, 1, 1), ..Below::default() },
            "is not valid yet",
        ),
        (Below { sent: 1, ..Below::default() }, UNTRUSTED),
        (Below { intermediate: |it| it.is_ca = IsCa::ExplicitNoCa, ..Below::default() }, "is not valid"),
        (Below { intermediate: |it| it.is_ca = IsCa::NoCa, ..Below::default() }, "is not valid"),
        (Below { another: true, ..Below::default() }, "is not valid"),
        (
            Below {
                intermediate: |it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
                ..Below::default()
            },
            "is not meant for servers",
        ),
        (
            Below {
                intermediate: |it| it.key_usages = vec![KeyUsagePurpose::DigitalSignature],
                ..Below::default()
            },
            "is not valid",
        ),
        (
            Below {
                intermediate: |it| {
                    let elsewhere = vec![GeneralSubtree::DnsName("example.com".into())];
                    it.name_constraints =
                        Some(NameConstraints { permitted_subtrees: elsewhere, excluded_subtrees: vec![] });
                },
                ..Below::default()
            },
            "is not valid",
        ),
        (Below { leaf: unknown_critical, ..Below::default() }, "is not valid"),
        (Below { intermediate: unknown_critical, ..Below::default() }, "is not valid"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = answer_before(
            pki.server_below(AZURE_HOST, below),
            &pki.root_file(),
            &format!("{reason} ({index})"),
        )
        .await;
        assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_certificate");
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(message, format!("the upstream's certificate {reason}"));
    }
    // Without a fault it is taken.
    let good = pki.server_below(AZURE_HOST, Below::default());
    assert_taken(good, &pki.root_file()).await;
}

/// An extension that nobody knows and that everybody has to.
fn unknown_critical(params: &mut CertificateParams) {
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
    extension.set_criticality(true);
    params.custom_extensions.push(extension);
}

#[tokio::test]
async fn an_expired_root_vouches_for_nobody() {
    let expired = Pki::with("an old root", |it| it.not_after = date_time_ymd(2020, 1, 1));
    let answer =
        answer_before(expired.server(AZURE_HOST), &expired.root_file(), "is below an expired root").await;
    assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_certificate");
}

/// The proxy asks the origin with this certificate.
async fn assert_taken(certificate: Arc<ServerConfig>, trusted: &Path) {
    let origin = Origin::secure(certificate);
    let resolve = format!("{AZURE_HOST}:443:{}", origin.address());
    let roots = trusted.display().to_string();
    let variables =
        [("AZURE_OPENAI_PROXY_RESOLVE", &*resolve), ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", &roots)];
    let stage = Stage::with_variables(&variables).await;
    let (answer, ()) = tokio::join!(chat(&stage), async {
        let mut upstream = origin.accept().await;
        upstream.head().await;
        upstream.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    });
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_good_certificate_of_an_added_ca_is_taken() {
    let pki = Pki::new();
    assert_taken(pki.server(AZURE_HOST), &pki.root_file()).await;
}

/// An origin for OpenAI's host that has a certificate of our own CA, as one has who stole its key.
fn origin_of_our_ca(certs: &Path) -> Origin {
    let purpose = Purpose::for_names(["openai.com", "localhost"]);
    let authority = Arc::new(Authority::create(certs, &purpose).unwrap());
    let leaves = Leaves::new(authority, [OPENAI_HOST.to_owned()]).unwrap();
    Origin::secure(leaves.server_config(OPENAI_HOST).unwrap())
}

#[tokio::test]
async fn our_own_ca_is_no_authority_upstream_whoever_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin_of_our_ca(folder.path());
    let resolve = format!("{OPENAI_HOST}:443:{}", origin.address());
    let certs = folder.path().to_str().unwrap();
    let ca = folder.path().join("ca.pem").display().to_string();
    let usual = ["--mode", "openai", "--listen", "0", "--certs", certs, "--resolve", &resolve];
    for (added, variables) in
        [(&["--upstream-ca-file", &*ca][..], &[][..]), (&[], &[("SSL_CERT_FILE", &*ca)])]
    {
        let mut program = Program::start(folder.path(), &[&usual, added].concat(), variables);
        let proxy = program.address().await;
        let request = client::post(&proxy.to_string(), "/v1/chat/completions", CHAT);
        let (answer, handshake) = tokio::join!(client::ask(proxy, request), origin.try_accept());
        assert!(handshake.is_err());
        assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_certificate");
        assert!(answer.text().contains("an authority that is not trusted"), "{}", answer.text());
        program.says("our own CA; ignored upstream").await;
        program.says("upstream_certificate").await;
    }
}
