use std::net::SocketAddr;

use http_body_util::BodyExt;
use rustls::RootCertStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::kept::{FULL, MOST};
use super::*;
use crate::http1;
use crate::message::body::Upload;
use crate::net::activity::Activity;
use crate::policy::Policy;
use crate::policy::destination::Reach;
use crate::tls::{provider, roots};
use crate::upstream::Settings;
use crate::upstream::way::Way;

fn pool() -> Pool {
    let _ = provider();
    let policy = Policy::new(Vec::new(), Default::default());
    let tls = roots::client_config(RootCertStore::empty());
    let settings = Settings::default();
    let way = Way::new(&settings, policy.clone(), &tls);
    Pool::new(Connector::new(&settings, policy, Reach::Everywhere, way, tls))
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn ask(pool: &Pool, origin: SocketAddr) -> Result<Taken, PoolError> {
    let request = http::Request::get(format!("http://{origin}/"))
        .header("host", origin.to_string())
        .body(Noted::new(Upload::empty(), Activity::start()))
        .unwrap();
    let (response, taken) = pool.send(request.into()).await?;
    assert_eq!(response.content.collect().await.unwrap().to_bytes(), "ok");
    Ok(taken)
}

/// Reads a request's head and answers it.
async fn answer(client: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
}

#[tokio::test]
async fn the_connection_that_was_used_last_is_used_next() {
    let (pool, (listener, origin)) = (pool(), listen().await);
    let (first, mut older) = tokio::join!(ask(&pool, origin), async {
        let mut client = listener.accept().await.unwrap().0;
        answer(&mut client).await;
        client
    });
    // In use, it is nobody else's.
    let (second, mut newer) = tokio::join!(ask(&pool, origin), async {
        let mut client = listener.accept().await.unwrap().0;
        answer(&mut client).await;
        client
    });
    first.unwrap().give_back();
    second.unwrap().give_back();
    let (third, ()) = tokio::join!(ask(&pool, origin), answer(&mut newer));
    assert!(third.unwrap().reused);
    // That one was not given back, so it is closed.
    assert_eq!(newer.read(&mut [0]).await.unwrap(), 0);
    let (fourth, ()) = tokio::join!(ask(&pool, origin), answer(&mut older));
    assert!(fourth.unwrap().reused);
}

#[tokio::test]
async fn a_connection_that_was_closed_in_the_meantime_costs_nothing() {
    let (pool, (listener, origin)) = (pool(), listen().await);
    let (taken, client) = tokio::join!(ask(&pool, origin), async {
        let mut client = listener.accept().await.unwrap().0;
        answer(&mut client).await;
        client
    });
    let taken = taken.unwrap();
    drop(client);
    while !taken.connection.is_closed() {
        tokio::task::yield_now().await;
    }
    taken.give_back();
    let (taken, ()) = tokio::join!(ask(&pool, origin), async {
        answer(&mut listener.accept().await.unwrap().0).await;
    });
    assert!(!taken.unwrap().reused);
}

#[tokio::test]
async fn what_nobody_uses_is_closed_after_a_minute() {
    let (pool, (listener, origin)) = (pool(), listen().await);
    let (taken, mut client) = tokio::join!(ask(&pool, origin), async {
        let mut client = listener.accept().await.unwrap().0;
        answer(&mut client).await;
        client
    });
    taken.unwrap().give_back();
    let now = Instant::now();
    assert!(!pool.0.kept().close_idle(now + IDLE / 2));
    assert!(pool.0.kept().close_idle(now + IDLE));
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
}

/// Clients that may go anywhere could have one kept for every name that they can think of.
#[tokio::test]
async fn no_more_are_kept_than_a_bound_whatever_their_origins() {
    let pool = pool();
    let origin = |name: usize| Destination {
        over_tls: name.is_multiple_of(2),
        authority: Authority::try_from(format!("{name}.example")).unwrap(),
    };
    let idle = || Connection::Http1 {
        connection: http1::client::Connection::new(Box::new(tokio::io::duplex(1).0)),
        to_parent: false,
    };
    let mut kept = pool.0.kept();
    for name in 0..3 * MOST {
        kept.keep(&origin(name), idle());
    }
    assert_eq!((kept.over_tls.idle, kept.in_clear.idle), (MOST, MOST));
    assert!(kept.find(&origin(3 * MOST - 1)).is_none());
    // One that is taken makes room for one.
    assert!(kept.find(&origin(0)).is_some());
    kept.keep(&origin(2 * MOST), idle());
    assert_eq!((kept.over_tls.idle, kept.find(&origin(2 * MOST)).is_some()), (MOST, true));
    kept.close_idle(Instant::now() + IDLE);
    assert_eq!((kept.over_tls.idle, kept.in_clear.idle), (0, 0));
}

#[tokio::test]
async fn an_http2_connection_is_shared_until_it_is_nearly_full() {
    let pool = pool();
    let to = Destination { over_tls: true, authority: Authority::from_static("a.example") };
    let mut servers = Vec::new();
    let mut open = async || {
        let (near, far) = tokio::io::duplex(4096);
        servers.push(far);
        client::Connection::open(Box::new(near)).await.unwrap()
    };
    let mut places = vec![pool.share(&to, open().await).1];
    // Two that were opened at the same time: one is enough.
    places.push(pool.share(&to, open().await).1);
    assert_eq!(pool.0.kept().origin(&to).shared.len(), 1);
    while let Some((_, place)) = pool.0.kept().find(&to) {
        places.extend(place);
    }
    assert_eq!(places.len(), FULL);
    places.push(pool.share(&to, open().await).1);
    let under_way = |pool: &Pool| -> Vec<usize> {
        let mut kept = pool.0.kept();
        kept.origin(&to).shared.iter().map(|shared| shared.connection.under_way()).collect()
    };
    assert_eq!(under_way(&pool), [FULL, 1]);
    drop(places);
    assert_eq!(under_way(&pool), [0, 0]);
    assert!(pool.0.kept().close_idle(Instant::now() + IDLE));
}

/// What comes after would wait for a long stream to end.
#[tokio::test]
async fn a_server_that_allows_few_streams_has_no_more_put_on_a_connection() {
    let pool = pool();
    let to = Destination { over_tls: true, authority: Authority::from_static("a.example") };
    let (near, mut server) = tokio::io::duplex(4096);
    let connection = client::Connection::open(Box::new(near)).await.unwrap();
    // SETTINGS_MAX_CONCURRENT_STREAMS is 2.
    server.write_all(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x02").await.unwrap();
    while connection.allowed() != 2 {
        tokio::task::yield_now().await;
    }
    let (_, first) = pool.share(&to, connection);
    let (_, second) = pool.0.kept().find(&to).unwrap();
    assert!(pool.0.kept().find(&to).is_none());
    drop((first, second));
    assert!(pool.0.kept().find(&to).is_some());
}

/// Clients come in crowds to an origin whose connection has just ended.
#[tokio::test]
async fn one_opens_a_connection_of_http2_and_others_wait_for_that_alone() {
    let pool = pool();
    let to = Destination { over_tls: true, authority: Authority::from_static("a.example") };
    let turn = || pool.0.kept().turn(&to);
    // It may speak HTTP/1.1, where nobody can share.
    assert!(matches!((turn(), turn()), (Turn::Open(None), Turn::Open(None))));
    let connection = client::Connection::open(Box::new(tokio::io::duplex(4096).0)).await.unwrap();
    pool.share(&to, connection);
    for _ in 0..2 {
        let Turn::Open(opening @ Some(_)) = turn() else { panic!("nobody opens one") };
        let (Turn::Wait(mut first), Turn::Wait(mut second)) = (turn(), turn()) else {
            panic!("many open one")
        };
        drop(opening);
        assert!(first.changed().await.is_err() && second.changed().await.is_err());
    }
}
