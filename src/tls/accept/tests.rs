use std::io::ErrorKind;

use rustls::version::TLS12;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt, duplex};

use super::*;
use crate::tls::ca::Authority;
use crate::tls::provider;
use crate::tls::resolver::Leaves;
use crate::tls::testing::{PATIENCE, authority, client_of, handshake, names};

const API: &str = "api.openai.com";

fn served() -> (Arc<Authority>, Leaves) {
    let authority = Arc::new(authority());
    let leaves = Leaves::new(Arc::clone(&authority), names(&[API, "localhost"])).unwrap();
    (authority, leaves)
}

fn refused(_: Option<&str>) -> Result<Arc<ServerConfig>, LeafError> {
    Err(LeafError::NotAllowed { name: "evil.example".into() })
}

fn never(_: Option<&str>) -> Result<Arc<ServerConfig>, LeafError> {
    panic!("there is no ClientHello to choose for")
}

/// The first bytes of any ClientHello: a record that announces more than comes.
const CLIENT_HELLO_START: &[u8] = &[22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3];

#[tokio::test]
async fn agrees_on_name_and_protocol() {
    for (offer, h2) in [(vec!["h2", "http/1.1"], true), (vec!["http/1.1"], false), (vec![], false)] {
        let (authority, leaves) = served();
        let mut client = client_of(&authority);
        client.alpn_protocols = offer.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let (near, far) = handshake(client, API, |sni| leaves.server_config(sni.unwrap())).await;
        let (mut near, mut far) = (near.unwrap(), far.unwrap());
        assert_eq!((far.sni.as_deref(), far.h2), (Some(API), h2), "{offer:?}");

        near.write_all(b"ping").await.unwrap();
        near.flush().await.unwrap();
        let mut read = [0; 4];
        far.stream.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"ping");
    }
}

#[tokio::test]
async fn serves_a_client_that_names_no_server() {
    let (authority, leaves) = served();
    let mut client = client_of(&authority);
    client.enable_sni = false;
    let choose = |sni: Option<&str>| {
        assert_eq!(sni, None);
        leaves.server_config("localhost")
    };
    let (near, far) = handshake(client, "localhost", choose).await;
    near.unwrap();
    assert_eq!(far.unwrap().sni, None);
}

#[tokio::test]
async fn serves_tls_1_2_clients() {
    let (authority, leaves) = served();
    let mut store = RootCertStore::empty();
    store.add(authority.root_der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    let (near, far) = handshake(client, API, |_| leaves.server_config(API)).await;
    assert_eq!(near.unwrap().get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_2));
    far.unwrap();
}

#[tokio::test]
async fn tells_that_the_client_does_not_trust_the_ca() {
    let (_, leaves) = served();
    let (near, far) = handshake(client_of(&authority()), API, |_| leaves.server_config(API)).await;
    assert_eq!(near.unwrap_err().kind(), ErrorKind::InvalidData);
    let error = far.unwrap_err();
    assert!(matches!(error, AcceptError::ClientRejected(AlertDescription::UnknownCA)), "{error}");
    assert!(error.client_distrusts());
}

#[tokio::test]
async fn a_name_without_a_certificate_is_answered_with_an_alert() {
    let (authority, _) = served();
    let (near, far) = handshake(client_of(&authority), "evil.example", refused).await;
    let alert = rustls_error(&near.unwrap_err());
    assert_eq!(alert, Some(rustls::Error::AlertReceived(AlertDescription::UnrecognisedName)));
    let error = far.unwrap_err();
    assert!(matches!(error, AcceptError::Choose(LeafError::NotAllowed { .. })), "{error}");
    assert!(!error.client_distrusts());
}

#[tokio::test]
async fn a_client_with_no_protocol_of_ours_is_told_so() {
    let (authority, leaves) = served();
    let mut client = client_of(&authority);
    client.alpn_protocols = vec![b"smtp".to_vec()];
    let (near, far) = handshake(client, API, |_| leaves.server_config(API)).await;
    let alert = rustls_error(&near.unwrap_err());
    assert_eq!(alert, Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)));
    let error = far.unwrap_err();
    assert!(matches!(error, AcceptError::Handshake(rustls::Error::NoApplicationProtocol)), "{error}");
}

#[tokio::test]
async fn what_is_not_tls_gets_an_alert_and_no_panic() {
    let too_long = [22, 3, 1, 255, 255, 1];
    let empty_hello = [22, 3, 1, 0, 4, 1, 0, 0, 0];
    for sent in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &too_long, &empty_hello] {
        let (mut near, far) = duplex(1000);
        near.write_all(sent).await.unwrap();
        let error = accept(far, never, PATIENCE).await.unwrap_err();
        assert!(matches!(error, AcceptError::NotTls(_)), "{sent:?}: {error}");
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, [21, 3, 3, 0, 2, 2, u8::from(AlertDescription::DecodeError)], "{sent:?}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_early_has_closed() {
    for sent in [b"".as_slice(), CLIENT_HELLO_START] {
        let (mut near, far) = duplex(1000);
        near.write_all(sent).await.unwrap();
        drop(near);
        let error = accept(far, never, PATIENCE).await.unwrap_err();
        assert!(matches!(error, AcceptError::Closed) && !error.client_distrusts(), "{error}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_on_seeing_the_certificate_distrusts() {
    let (authority, leaves) = served();
    let (mut near, far) = duplex(10_000);
    let mut hello = Vec::new();
    ClientConnection::new(Arc::new(client_of(&authority)), API.try_into().unwrap())
        .unwrap()
        .write_tls(&mut hello)
        .unwrap();
    near.write_all(&hello).await.unwrap();
    let leave = async {
        near.read_exact(&mut [0; 1000]).await.unwrap();
        drop(near);
    };
    let (error, ()) = tokio::join!(accept(far, |_| leaves.server_config(API), PATIENCE), leave);
    let error = error.unwrap_err();
    assert!(matches!(error, AcceptError::Abandoned) && error.client_distrusts(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_is_given_up() {
    for sent in [b"".as_slice(), CLIENT_HELLO_START] {
        let (mut near, far) = duplex(1000);
        near.write_all(sent).await.unwrap();
        let deadline = Duration::from_secs(7);
        let error = accept(far, never, deadline).await.unwrap_err();
        assert!(matches!(error, AcceptError::Timeout(limit) if limit == deadline), "{error}");
    }
}
