//! The first that a client says in a tunnel: which protocol it is, and which name a ClientHello asks for.
#![no_main]

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use azure_openai_proxy::net::sniff::{Protocol, sniff};
use azure_openai_proxy::tls::accept::{AcceptError, accept};
use azure_openai_proxy::tls::leaf::LeafError;
use azure_openai_proxy_fuzz::STEPS;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().build().expect("a runtime without I/O needs nothing");
}

fuzz_target!(|octets: &[u8]| {
    RUNTIME.with(|runtime| {
        let whole = runtime.block_on(heard(octets, octets.len().max(1)));
        for step in STEPS {
            assert_eq!(runtime.block_on(heard(octets, step)), whole, "in pieces of {step}");
        }
        check(octets, &whole);
    });
});

/// What is made of what a client says.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Protocol(Protocol),
    /// A ClientHello, and the name that it asks for.
    Hello(Option<String>),
    /// TLS, but no ClientHello.
    NoHello,
}

async fn heard(octets: &[u8], step: usize) -> Heard {
    let Ok((protocol, mut io)) = sniff(Pieces(octets.chunks(step).collect())).await else {
        return Heard::Nothing;
    };
    if protocol != Protocol::Tls {
        let mut all = Vec::new();
        io.read_to_end(&mut all).await.expect("it ends");
        assert_eq!(all, octets, "what was looked at has to be read again");
        return Heard::Protocol(protocol);
    }
    let mut asked = None;
    let choose = |name: Option<&str>| {
        asked = Some(name.map(str::to_owned));
        Err(LeafError::NotAllowed { name: name.unwrap_or_default().to_owned() })
    };
    let error = accept(io, choose, Duration::from_secs(10)).await.expect_err("there is no certificate");
    match asked {
        Some(name) => {
            assert!(matches!(error, AcceptError::Choose(_)), "{error}");
            Heard::Hello(name)
        }
        None => {
            assert!(matches!(error, AcceptError::NotTls(_) | AcceptError::Closed), "{error}");
            Heard::NoHello
        }
    }
}

fn check(octets: &[u8], heard: &Heard) {
    match heard {
        Heard::Nothing => assert!(octets.is_empty()),
        Heard::Protocol(Protocol::Tls) | Heard::NoHello => assert_eq!(octets.first(), Some(&0x16)),
        Heard::Protocol(_) => assert_ne!(octets.first(), Some(&0x16)),
        Heard::Hello(Some(name)) => {
            // The name is logged and told to the client.
            let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
            assert!(!name.is_empty() && name.len() <= 255 && name.bytes().all(plain), "{name:?}");
            assert_eq!(*name, name.to_ascii_lowercase());
            assert_eq!(server_name(octets).map(|name| name.to_ascii_lowercase()).as_ref(), Some(name));
        }
        // No name, or one that is no DNS name, such as an address.
        Heard::Hello(None) => {
            let address = |name: String| name.parse::<std::net::IpAddr>().is_ok();
            assert!(server_name(octets).is_none_or(address), "a name was overheard");
        }
    }
}

/// The host name in a ClientHello, read straight from RFC 8446 §4.1.2 and RFC 6066 §3.
fn server_name(octets: &[u8]) -> Option<String> {
    let mut records = Cursor(octets);
    let mut message = Vec::new();
    while let Some(22) = records.number(1) {
        records.take(2)?;
        message.extend_from_slice(records.vector(2)?);
        let mut hello = Cursor(&message);
        hello.take(1)?;
        let Some(body) = hello.vector(3) else { continue };
        let mut body = Cursor(body);
        body.take(34)?;
        body.vector(1)?;
        body.vector(2)?;
        body.vector(1)?;
        let mut extensions = Cursor(body.vector(2)?);
        while let Some(kind) = extensions.number(2) {
            let extension = extensions.vector(2)?;
            if kind == 0 {
                let mut names = Cursor(Cursor(extension).vector(2)?);
                names.take(1).filter(|kind| *kind == [0])?;
                return String::from_utf8(names.vector(2)?.to_vec()).ok();
            }
        }
        return None;
    }
    None
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, octets: usize) -> Option<usize> {
        Some(self.take(octets)?.iter().fold(0, |number, octet| number << 8 | usize::from(*octet)))
    }

    fn vector(&mut self, length: usize) -> Option<&'a [u8]> {
        let length = self.number(length)?;
        self.take(length)
    }
}

/// Octets that arrive in pieces, and then an end; what is written goes nowhere.
#[derive(Debug)]
struct Pieces<'a>(VecDeque<&'a [u8]>);

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(piece) = self.0.front_mut() {
            let (now, later) = piece.split_at(piece.len().min(buf.remaining()));
            buf.put_slice(now);
            *piece = later;
        }
        self.0.pop_front_if(|piece| piece.is_empty());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
