use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const CONNECT: &[u8] = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";
const SMUGGLER: &[u8] = b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nGET";

fn guarded() -> (Guard<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(1024);
    (Guard::new(near, 1024), far)
}

#[tokio::test]
async fn a_refused_request_is_poisoned_and_ends_the_connection() {
    for piece in [1, 5, SMUGGLER.len()] {
        let (mut guard, mut far) = guarded();
        let mut seen = Vec::new();
        for part in SMUGGLER.chunks(piece) {
            far.write_all(part).await.unwrap();
            let mut buffer = [0; 128];
            let count = guard.read(&mut buffer).await.unwrap();
            seen.extend_from_slice(&buffer[..count]);
        }
        guard.read_to_end(&mut seen).await.unwrap();
        let mut fields = [httparse::EMPTY_HEADER; 8];
        let parsed = httparse::Request::new(&mut fields).parse(&seen);
        assert!(parsed.is_err(), "{piece}: {:?} is {parsed:?}", String::from_utf8_lossy(&seen));
    }
}

#[tokio::test]
async fn a_poison_larger_than_the_buffer_arrives_whole() {
    let (mut guard, mut far) = guarded();
    far.write_all(b"\n").await.unwrap();
    let mut seen = Vec::new();
    while let Ok(octet) = guard.read_u8().await {
        seen.push(octet);
    }
    assert_eq!(seen, POISON);
}

#[tokio::test]
async fn a_tunnel_is_not_looked_into() {
    let (mut guard, mut far) = guarded();
    far.write_all(CONNECT).await.unwrap();
    let mut seen = vec![0; CONNECT.len()];
    guard.read_exact(&mut seen).await.unwrap();
    guard.verdict().tell(true);
    far.write_all(SMUGGLER).await.unwrap();
    drop(far);
    seen.clear();
    guard.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen, SMUGGLER);
}

#[tokio::test]
async fn after_a_refused_connect_requests_are_guarded_again() {
    let (mut guard, mut far) = guarded();
    for _ in 0..2 {
        far.write_all(CONNECT).await.unwrap();
        guard.read_exact(&mut vec![0; CONNECT.len()]).await.unwrap();
        assert!(guard.verdict().tell(false), "nothing came early");
    }
    far.write_all(SMUGGLER).await.unwrap();
    let mut seen = Vec::new();
    guard.read_to_end(&mut seen).await.unwrap();
    assert!(seen.ends_with(POISON));
}

#[tokio::test]
async fn octets_that_came_before_the_answer_go_into_the_tunnel_or_nowhere() {
    for switched in [true, false] {
        let (mut guard, mut far) = guarded();
        far.write_all(&[CONNECT, b"\x16\x03\n"].concat()).await.unwrap();
        let mut seen = vec![0; CONNECT.len() + 3];
        guard.read_exact(&mut seen).await.unwrap();
        assert!(seen.ends_with(b"\x16\x03\n"));
        assert!(!guard.verdict().tell(switched), "HTTP cannot follow");
    }
}
