//! Certificates upstream: a bad one is a 502 that says what is wrong, and nothing of the request leaves.

use std::path::Path;
use std::sync::Arc;

use azure_openai_proxy::tls::ca::{Authority, Purpose};
use azure_openai_proxy::tls::resolver::Leaves;
use http::StatusCode;
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::ServerConfig;

use crate::client::{self, OPENAI_HOST, Whole};
use crate::errors::{CHAT, assert_openai_form, chat};
use crate::origin::{self, Origin, Pki};
use crate::program::Program;
use crate::stage::{AZURE_HOST, Stage};

/// What the proxy answers in front of an origin with this certificate, whose CA it trusts or does not.
async fn answer_before(certificate: Arc<ServerConfig>, trusted: &Path) -> Whole {
    let origin = Origin::secure(certificate);
    let resolve = format!("{AZURE_HOST}:443:{}", origin.address());
    let variables = [
        ("AZURE_OPENAI_PROXY_RESOLVE", &*resolve),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", trusted.to_str().unwrap()),
    ];
    let stage = Stage::with_variables(&variables).await;
    let (answer, handshake) = tokio::join!(chat(&stage), origin.try_accept());
    assert!(handshake.is_err(), "without a finished handshake nothing of a request can have come");
    assert!(origin.is_untouched(), "it is not tried again");
    answer
}

#[tokio::test]
async fn a_bad_certificate_is_502_and_says_why() {
    let (pki, other, impostor) = (Pki::new(), Pki::named("another root"), Pki::new());
    let year = |year| date_time_ymd(year, 1, 1);

    for (certificate, reason) in [
        (pki.server_with(AZURE_HOST, |it| it.not_after = year(2020)), "has expired"),
        (pki.server_with(AZURE_HOST, |it| it.not_before = year(4000)), "is not valid yet"),
        (pki.server("other.openai.azure.com"), "is not valid for this host name"),
        (pki.server("*.azure.com"), "is not valid for this host name"),
        (pki.server_with(AZURE_HOST, |it| it.subject_alt_names.clear()), "is not valid for this host name"),
        (
            pki.server_with(AZURE_HOST, |it| {
                it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]
            }),
            "is not meant for servers",
        ),
        (other.server(AZURE_HOST), "is signed by an authority that is not trusted"),
        (impostor.server(AZURE_HOST), "has a signature that does not match"),
        (origin::self_signed(AZURE_HOST), "is signed by an authority that is not trusted"),
    ] {
        let answer = answer_before(certificate, &pki.root_file()).await;
        assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_certificate");
        let message = format!("the upstream's certificate {reason}");
        assert_eq!(answer.json()["error"]["message"], message);
    }
}

#[tokio::test]
async fn a_good_certificate_of_an_added_ca_is_taken() {
    let pki = Pki::new();
    let origin = Origin::secure(pki.server(AZURE_HOST));
    let resolve = format!("{AZURE_HOST}:443:{}", origin.address());
    let roots = pki.root_file().display().to_string();
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
