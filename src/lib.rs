//! A forward proxy that answers OpenAI API clients from Azure OpenAI.
//!
//! # The life of a request
//!
//! ```text
//! net::listen → net::sniff (TLS | HTTP/1 | HTTP/2 | neither) → [tls::accept] → proxy::serve → route::open
//!   Intercept  CONNECT to an OpenAI host: decided from the authority alone → admission, for which the key may still
//!              be to come → 200 → sniff → tls::accept with a leaf for that one name → proxy::serve → route::inner
//!              → exchange
//!   Tunnel     CONNECT to any other host → admission → net::dial first, so that a failure has a status → 200
//!              → net::relay
//!   Exchange   absolute-form http:// for an OpenAI host → exchange, upstream over TLS
//!   Forward    absolute-form http:// for any other host → admission → sanitise → upstream::send
//!   Origin     origin-form: an OpenAI path → exchange; else one of our own pages (admin), for this machine alone
//!
//! admission = proxy::admission asks policy: by the client's address, its key, and the web page that sends it
//! exchange = admission → rewrite::plan → read no more content than finding the model needs → rewrite::apply
//!          → upstream::send → rewrite::response → stream back
//! WebSocket = rewrite::websocket → upstream::open → 101 (HTTP/1.1) or 200 (HTTP/2) → net::relay, where models are
//!          mapped through rewrite::frames
//! ```
//!
//! Both ends of HTTP/1 are [`http1`], and those of HTTP/2 are [`http2`], on the frames of the `h2` crate.
//!
//! Everything that goes wrong on the way is an [`error::Error`], and only `proxy::respond` makes a response of it.
//!
//! # Words
//!
//! As in RFC 9110: *client*, *origin server*, *proxy*, *gateway* (the reverse route), *tunnel*; *downstream* is the
//! client's side, *upstream* the origin's. To *intercept* is to end TLS inside a CONNECT with our CA. A request target
//! is in *origin-*, *absolute-*, *authority-* or *asterisk-form*; an *authority* is a [`message::host_port::HostPort`],
//! whereas what signs certificates is the *CA*: its *root*, its *intermediate*, and the *leaves* it signs. *Operation*
//! is OpenAI's word; *deployment*, *resource* and *api-version* are Azure's. A *mount* is where the reverse route hangs.
//!
//! # Layers
//!
//! Imports point down. `tests/tidy.rs` keeps these rules.
//!
//! | layer | modules | |
//! |---|---|---|
//! | 0 | [`message`] | what a message is made of |
//! | 1 | [`policy`], [`route`], [`rewrite`] | pure decisions: no async, clock, randomness, log or environment |
//! | 2 | [`tls`], [`net`], [`http1`], [`http2`], [`upstream`], [`shutdown`] | thin I/O |
//! | 3 | [`error`], [`proxy`], [`admin`] | one request's way |
//! | 4 | [`config`], [`cli`], [`telemetry`], [`simulator`], [`client`] | the program around it |
//! | 5 | [`app`], [`demo`], [`explain`], [`machine`] | what is put together of all that |
//!
//! Each power has one holder: outbound sockets `net::dial` (which takes only a [`policy::Permitted`]), the CA's key
//! [`tls::ca`], credentials [`rewrite::credential`], the environment [`config::env`] (beside it there is only
//! what crates read for themselves: `SSL_CERT_FILE` and `SSL_CERT_DIR` for [`tls::roots`], a service manager's variables
//! for [`app::service`]), error responses [`proxy::respond`]. [`upstream::send`] takes only a
//! [`rewrite::UpstreamRequest`], which only [`rewrite`] makes: a request that was not sanitised cannot be sent. Inside a
//! tunnel there is only a [`route::InnerRoute`]: a nested CONNECT cannot be written.
//!
//! # What holds
//!
//! - The only octets of a request's content that change are those of the model's value, and of the models that a
//!   session transcribes with and delegates to, unless one of [`rewrite::extras`] is on. Coded content that changes is
//!   sent decoded. Of a WebSocket's message those octets change, and the frame's length; of a response's content, those
//!   that [`rewrite::sse`] and [`rewrite::response::error`] add or take out.
//! - From HTTP/1 to HTTP/1 the lines of a head that go on keep their order and their letters, but for `TE`, of which
//!   `trailers` alone goes on.
//! - A destination is dialled at an address that was checked, or that `resolve` names for it, and never at one of ours.
//!   What is reached through a parent proxy is looked up there.
//! - A client on another machine reaches the public internet only, and nothing before it has shown a key, where there
//!   is something to protect. Its key goes no further than here.
//! - A request whose end two readers could see in two places is not served.
//! - Each frame is written on as it arrives; only events in streams of completions, and errors in JSON of up to
//!   64 KiB, go on as a whole. A stream that breaks upstream is aborted downstream.
//! - A client that goes away cancels what was asked for it.
//! - Every wait has a deadline, every buffer a bound; no deadline cuts a living stream. A client on HTTP/2 that has
//!   paused for ten minutes in the middle of an answer cannot be told from one that is gone.
//!
//! Deliberately absent: retries of what an origin may have processed, caching, reading of prompts, a switch that turns
//! certificate verification off.

pub mod admin;
pub mod app;
pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
pub mod error;
pub mod explain;
pub mod http1;
pub mod http2;
pub mod machine;
pub mod message;
pub mod net;
pub mod policy;
pub mod proxy;
pub mod rewrite;
pub mod route;
pub mod shutdown;
pub mod simulator;
pub mod telemetry;
pub mod tls;
pub mod upstream;
