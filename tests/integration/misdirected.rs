//! Requests that are not for the tunnel they came through: 421, and nothing is sent.

use std::sync::Arc;

use azure_openai_proxy::tls::{self, roots};
use http::StatusCode;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::client::{self, OPENAI_HOST, within};
use crate::errors::{CHAT, assert_openai_form};
use crate::stage::Stage;

#[tokio::test]
async fn another_name_than_the_tunnels_is_421() {
    let stage = Stage::set().await;
    for host in ["other.example", "us.api.openai.com", "api.openai.com:8443", "localhost"] {
        let mut sender = client::intercepted(stage.proxy, &stage.ca_pem).await;
        let response = sender.send_request(client::post(host, "/v1/chat/completions", CHAT)).await.unwrap();
        let answer = client::whole(response).await;
        assert_openai_form(&answer, StatusCode::MISDIRECTED_REQUEST, "misdirected_request");
        assert!(answer.text().contains(host), "{}", answer.text());
    }
    let mut sender = client::intercepted_http2(stage.proxy, &stage.ca_pem).await;
    let mut request = client::post("", "https://us.api.openai.com/v1/chat/completions", CHAT);
    request.headers_mut().remove("host");
    let answer = client::whole(sender.send_request(request).await.unwrap()).await;
    assert_openai_form(&answer, StatusCode::MISDIRECTED_REQUEST, "misdirected_request");
    // The connection is good for the host that it is for.
    let mut request = client::post("", &format!("https://{OPENAI_HOST}/v1/chat/completions"), CHAT);
    request.headers_mut().remove("host");
    assert_eq!(sender.send_request(request).await.unwrap().status(), StatusCode::OK);
    assert_eq!(stage.recorder.seen().len(), 1);
}

#[tokio::test]
async fn another_name_in_the_handshake_is_421() {
    let stage = Stage::set().await;
    let tunnel = client::tunnel(stage.proxy, &format!("{OPENAI_HOST}:443")).await.unwrap();
    // The certificate is the tunnel's whatever the handshake asks for, so that the refusal can be told.
    let config = Odd::client(&stage.ca_pem, OPENAI_HOST);
    let asked = ServerName::try_from("us.api.openai.com").unwrap();
    let tls = within(TlsConnector::from(Arc::new(config)).connect(asked, tunnel)).await.unwrap();
    let mut sender = client::http1_over(tls).await;
    let request = client::post(OPENAI_HOST, "/v1/chat/completions", CHAT);
    let answer = client::whole(sender.send_request(request).await.unwrap()).await;
    assert_openai_form(&answer, StatusCode::MISDIRECTED_REQUEST, "misdirected_request");
    assert!(stage.recorder.seen().is_empty());
}

/// Looks at a certificate as every client does, but for another name than the one it asks for.
#[derive(Debug)]
struct Odd {
    strict: Arc<WebPkiServerVerifier>,
    expects: ServerName<'static>,
}

// === impl Odd ===

impl Odd {
    fn client(root_pem: &str, expects: &'static str) -> ClientConfig {
        let roots = Arc::new(client::trusting(root_pem));
        let strict = WebPkiServerVerifier::builder_with_provider(roots, tls::provider()).build().unwrap();
        let mut config = roots::client_config(RootCertStore::empty());
        let odd = Self { strict, expects: ServerName::try_from(expects).unwrap() };
        config.dangerous().set_certificate_verifier(Arc::new(odd));
        config
    }
}

impl ServerCertVerifier for Odd {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _asked: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.strict.verify_server_cert(leaf, chain, &self.expects, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}
