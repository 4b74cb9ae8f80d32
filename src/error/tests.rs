use std::io;
use std::time::Duration;

use super::*;
use crate::message::host_port::HostPort;
use crate::net::dial::DialError;
use crate::policy::presented::Role;
use crate::upstream::phases::FirstByteTimeout;

fn destination() -> HostPort {
    HostPort::parse("origin.example:443", None).unwrap()
}

const PROXY_KEY: &str = "proxy_authentication_required";
const DESTINATION: &str = "destination_not_allowed";

/// Every row of the table in which statuses are promised.
#[test]
fn each_kind_has_its_status_its_label_and_its_culprit() {
    let ours = || Denied::Ourselves("127.0.0.1:8080".parse().unwrap());
    let private = || Denied::Address { kind: "private" };
    let denied_host = || Denied::Host { host: destination().host().clone() };
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let misdirected = RouteError::Misdirected { named: "other.example".into(), tunnel: destination() };
    for (kind, status, reason, fault, closes) in [
        (Kind::Route(RouteError::Host), 400, "bad_request_target", Fault::Client, true),
        (Kind::ClientContent, 400, "content_broken", Fault::Client, true),
        (Kind::Denied(Denied::Stranger), 403, "not_allowed", Fault::Client, false),
        (Kind::NotFound, 404, "not_found", Fault::Client, false),
        (
            Kind::Refused(Refusal::Unsupported { operation: "o" }),
            404,
            "unsupported_on_azure",
            Fault::Client,
            false,
        ),
        (Kind::MethodNotAllowed, 405, "method_not_allowed", Fault::Client, false),
        (Kind::TooLarge { limit: 1, sought: Sought::Model }, 413, "content_too_large", Fault::Client, true),
        (Kind::Route(misdirected), 421, "misdirected_request", Fault::Client, false),
        (Kind::Certificate, 500, "no_leaf_certificate", Fault::Internal, false),
        (
            Kind::Dial(DialError::Dns { name: "origin.example".into(), source: refused() }),
            502,
            "upstream_unreachable",
            Fault::Upstream,
            false,
        ),
        (
            Kind::Dial(DialError::Connect { destination: destination(), source: refused() }),
            502,
            "upstream_unreachable",
            Fault::Upstream,
            false,
        ),
        (
            Kind::Upstream(SendError::Certificate("has expired", refused().into())),
            502,
            "upstream_certificate",
            Fault::Upstream,
            false,
        ),
        (Kind::Upstream(SendError::Tls(refused().into())), 502, "upstream_tls", Fault::Upstream, false),
        (Kind::Upstream(SendError::Broken(refused().into())), 502, "upstream_broken", Fault::Upstream, false),
        (Kind::DialTimeout, 504, "upstream_connect_timeout", Fault::Upstream, false),
        (
            Kind::Upstream(FirstByteTimeout(Duration::from_secs(1)).into()),
            504,
            "upstream_timeout",
            Fault::Upstream,
            false,
        ),
        (Kind::Denied(Denied::KeyMissing(Role::Origin)), 401, "invalid_api_key", Fault::Client, false),
        (Kind::Denied(Denied::KeyUnknown(Role::Origin)), 401, "invalid_api_key", Fault::Client, false),
        (Kind::Denied(Denied::KeyMissing(Role::Proxy)), 407, PROXY_KEY, Fault::Client, false),
        (Kind::Denied(Denied::KeyUnknown(Role::Proxy)), 407, PROXY_KEY, Fault::Client, false),
        (Kind::Denied(Denied::Port { port: 22 }), 403, DESTINATION, Fault::Client, false),
        (Kind::Dial(DialError::Denied(private())), 403, DESTINATION, Fault::Client, false),
        (
            Kind::Upstream(SendError::Denied(private(), refused().into())),
            403,
            DESTINATION,
            Fault::Client,
            false,
        ),
        (Kind::TooManyFailures { wait: Duration::ZERO }, 429, "too_many_failures", Fault::Client, false),
        (Kind::NoPlace, 503, "too_many_connections", Fault::Client, false),
        (Kind::StoreFull, 503, "too_much_held_back", Fault::Client, true),
        (Kind::Loop, 508, "proxy_loop", Fault::Internal, false),
        (Kind::Denied(ours()), 508, "proxy_loop", Fault::Internal, false),
        (Kind::Dial(DialError::Denied(ours())), 508, "proxy_loop", Fault::Internal, false),
        (
            Kind::Upstream(SendError::Denied(ours(), refused().into())),
            508,
            "proxy_loop",
            Fault::Internal,
            false,
        ),
        (
            Kind::Upstream(SendError::Denied(denied_host(), refused().into())),
            403,
            DESTINATION,
            Fault::Client,
            false,
        ),
    ] {
        let told = (kind.status().as_u16(), kind.reason(), kind.fault(), kind.closes());
        assert_eq!(told, (status, reason, fault, closes), "{kind:?}");
    }
}

#[test]
fn a_name_that_cannot_be_looked_up_is_named_and_the_resolvers_words_are_for_the_log() {
    let source = io::Error::other("the resolver's words");
    let error = Error::from(Kind::Dial(DialError::Dns { name: "origin.example".into(), source }));
    assert_eq!(error.to_string(), "the name origin.example cannot be resolved");
    assert_eq!(error.source().unwrap().to_string(), "the resolver's words");
}
