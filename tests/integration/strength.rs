//! How strong TLS is on both legs, judged by OpenSSL: what no browser accepts is neither spoken to clients nor upstream.

use std::path::Path;
use std::process::Stdio;

use http::StatusCode;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::client::{self, within};
use crate::errors::chat;
use crate::origin::{Origin, Pki};
use crate::stage::{AZURE_HOST, Stage};

/// OpenSSL allows itself anything with this.
const ANYTHING: &str = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";

/// Suites with static RSA, without forward secrecy, encryption or a server's key, and those of the last century.
const WEAK: [&[&str]; 8] = [
    &["-tls1", "-cipher", ANYTHING],
    &["-tls1_1", "-cipher", ANYTHING],
    &["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
    &["-tls1_2", "-cipher", "AES256-SHA256"],
    &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256"],
    &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
    &["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"],
    &["-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"],
];

async fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder).stdin(Stdio::null());
    let output = within(command.output()).await.expect("openssl is installed");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// OpenSSL's server with `key.pem` and `leaf.pem`, and where it listens.
async fn server(folder: &Path, arguments: &[&str]) -> (Child, u16) {
    let mut command = Command::new("openssl");
    command
        .args(["s_server", "-accept", "127.0.0.1:0", "-key", "key.pem", "-cert", "leaf.pem"])
        .args(arguments);
    command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.kill_on_drop(true).spawn().expect("openssl is installed");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let port = loop {
        let line = within(lines.next_line()).await.expect("text").expect("it listens");
        if let Some(port) = line.strip_prefix("ACCEPT ").and_then(|at| at.rsplit(':').next()) {
            break port.parse().expect("a port");
        }
    };
    child.stdout = Some(lines.into_inner().into_inner());
    (child, port)
}

/// What the proxy answers before that server, whose root it trusts.
async fn answer_before(folder: &Path, arguments: &[&str]) -> client::Whole {
    let (mut child, port) = server(folder, arguments).await;
    let roots = folder.join("root.pem").display().to_string();
    let resolve = format!("{AZURE_HOST}:443:127.0.0.1:{port}");
    let stage = Stage::with_variables(&[
        ("AZURE_OPENAI_PROXY_RESOLVE", &resolve),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", &roots),
    ])
    .await;
    // Without content, so that OpenSSL can answer.
    let answer = client::ask(stage.proxy, client::get(&stage.proxy.to_string(), "/v1/files")).await;
    let mut said = Vec::new();
    if answer.status != StatusCode::OK {
        child.kill().await.expect("it runs");
        within(child.stdout.take().expect("it is piped").read_to_end(&mut said)).await.expect("its words");
    }
    assert!(!String::from_utf8_lossy(&said).contains("GET /"), "a request was sent over {arguments:?}");
    answer
}

/// A root that OpenSSL made, and a leaf that it signed with this key and this digest.
async fn openssl_pki(folder: &Path, key: &str, digest: &str) {
    let root =
        "req -x509 -newkey rsa:2048 -sha256 -nodes -keyout root.key -out root.pem -days 2 -subj /CN=root";
    openssl(folder, root).await;
    let request = format!("req -newkey {key} -sha256 -nodes -keyout key.pem -out request.pem -subj /CN=leaf");
    openssl(folder, &request).await;
    std::fs::write(folder.join("names"), format!("subjectAltName=DNS:{AZURE_HOST}")).unwrap();
    let sign =
        "x509 -req -in request.pem -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile names";
    openssl(folder, &format!("{sign} -out leaf.pem -{digest}")).await;
}

#[tokio::test]
async fn an_origin_that_only_speaks_what_is_weak_is_502() {
    let folder = tempfile::tempdir().unwrap();
    openssl_pki(folder.path(), "rsa:2048", "sha256").await;
    for arguments in WEAK {
        let answer = answer_before(folder.path(), arguments).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{arguments:?}: {}", answer.text());
        assert_eq!(answer.code(), "upstream_tls", "{arguments:?}: {}", answer.text());
    }
    // The server is no obstacle: with what is good it is asked, and answers with a page about itself.
    for arguments in [["-tls1_2", "-www"], ["-tls1_3", "-www"]] {
        let answer = answer_before(folder.path(), &arguments).await;
        assert_eq!(answer.status, StatusCode::OK, "{arguments:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_certificate_with_a_weak_key_or_signature_is_502() {
    for (key, digest) in [("rsa:1024", "sha256"), ("rsa:2048", "sha1"), ("rsa:2048", "md5")] {
        let folder = tempfile::tempdir().unwrap();
        openssl_pki(folder.path(), key, digest).await;
        let answer = answer_before(folder.path(), &["-cipher", "ALL:@SECLEVEL=0"]).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{key} {digest}: {}", answer.text());
        assert_eq!(answer.code(), "upstream_certificate", "{key} {digest}: {}", answer.text());
    }
}

/// What OpenSSL's client says of the proxy's own listener.
async fn judged(stage: &Stage, arguments: &[&str]) -> String {
    let mut command = Command::new("openssl");
    let address = stage.proxy.to_string();
    command
        .args(["s_client", "-connect", &address, "-servername", "localhost", "-CAfile"])
        .arg(&stage.ca_file);
    command.args(arguments).stdin(Stdio::null());
    let output = within(command.output()).await.expect("openssl is installed");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[tokio::test]
async fn clients_are_offered_nothing_weak() {
    let stage = Stage::set().await;
    for arguments in WEAK {
        let said = judged(&stage, arguments).await;
        assert!(said.contains("Cipher is (NONE)"), "{arguments:?}: {said}");
    }
    for (arguments, facts) in [
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"][..],
            &["Secure Renegotiation IS supported", "Compression: NONE"][..],
        ),
        (&["-tls1_3"], &["Compression: NONE", "Verification: OK"]),
        (&["-tls1_3", "-groups", "X25519"], &["Server Temp Key: X25519"]),
    ] {
        let said = judged(&stage, arguments).await;
        assert!(!said.contains("Cipher is (NONE)"), "{arguments:?}: {said}");
        for fact in facts {
            assert!(said.contains(fact), "{arguments:?} lacks {fact}: {said}");
        }
        assert!(!said.contains("Max Early Data: 1"), "{said}");
    }
}

#[tokio::test]
async fn an_origin_that_wants_a_client_certificate_is_502() {
    let pki = Pki::new();
    let origin = Origin::secure(pki.server_that_wants_a_certificate(AZURE_HOST));
    let resolve = format!("{AZURE_HOST}:443:{}", origin.address());
    let roots = pki.root_file().display().to_string();
    let stage = Stage::with_variables(&[
        ("AZURE_OPENAI_PROXY_RESOLVE", &*resolve),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", &roots),
    ])
    .await;
    let (answer, handshake) = tokio::join!(chat(&stage), origin.try_accept());
    assert!(handshake.is_err());
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", answer.text());
    assert!(answer.text().contains("the server wants a client certificate"), "{}", answer.text());
    assert!(origin.is_untouched(), "it is not tried again");
}
