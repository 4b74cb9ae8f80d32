//! Where a request goes, by its method, its target and its `Host`: three lines of input.
#![no_main]

use std::sync::LazyLock;

use azure_openai_proxy::message::fields::{Fields, text};
use azure_openai_proxy::message::host_port::HostPort;
use azure_openai_proxy::route::{self, InterceptList, OpenRoute};
use http::header::{HOST, HeaderValue};
use http::{Method, Uri, Version};
use libfuzzer_sys::fuzz_target;

static INTERCEPTED: LazyLock<InterceptList> =
    LazyLock::new(|| InterceptList::new(["api.openai.com".to_owned()]));

fuzz_target!(|octets: &[u8]| {
    let mut lines = octets.splitn(3, |&octet| octet == b'\n');
    let (Some(method), Some(target)) = (lines.next(), lines.next()) else { return };
    let (Ok(method), Ok(uri)) = (Method::from_bytes(method), Uri::try_from(target)) else { return };
    let mut fields = Fields::new();
    for host in lines.next().into_iter().flat_map(|rest| rest.split(|&octet| octet == b'\n')) {
        let Ok(host) = HeaderValue::from_bytes(host) else { return };
        fields.append(HOST, host);
    }
    for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
        let asked = Asked { method: &method, uri: &uri, version, fields: &fields };
        asked.check_open();
        asked.check_inner();
    }
});

struct Asked<'a> {
    method: &'a Method,
    uri: &'a Uri,
    version: Version,
    fields: &'a Fields,
}

impl Asked<'_> {
    /// On a connection to the proxy itself.
    fn check_open(&self) {
        let Self { method, uri, version, fields } = *self;
        let Ok(route) = route::open(method, uri, version, fields, &INTERCEPTED, false) else { return };
        assert_eq!(
            method == Method::CONNECT,
            matches!(route, OpenRoute::Intercept(_) | OpenRoute::Tunnel(_))
        );
        match route {
            OpenRoute::Intercept(to) => {
                assert!(INTERCEPTED.contains(&to));
                assert_eq!(self.written(0), Some(to));
            }
            OpenRoute::Tunnel(to) => {
                assert!(!INTERCEPTED.contains(&to));
                assert_eq!(self.written(0), Some(to));
            }
            OpenRoute::Exchange(to, path) => {
                assert!(INTERCEPTED.contains(&to) && to.port() == 443);
                assert_eq!(self.written(80).map(|named| named.host().clone()), Some(to.host().clone()));
                assert_eq!(uri.path_and_query(), Some(&path));
                self.check_one_host();
            }
            OpenRoute::Forward(to, path) => {
                assert!(!INTERCEPTED.contains(&to));
                assert_eq!(uri.scheme_str(), Some("http"), "only plain http is forwarded");
                assert_eq!((self.written(80), uri.path_and_query()), (Some(to), Some(&path)));
                self.check_one_host();
            }
            OpenRoute::Origin(origin) => {
                assert_eq!(origin.openai.is_some(), INTERCEPTED.contains(&origin.authority));
                assert_eq!(uri.path_and_query(), Some(&origin.path));
                self.check_one_host();
            }
            OpenRoute::Asterisk => assert_eq!(uri.path(), "*"),
        }
    }

    /// Inside the tunnel to OpenAI's host.
    fn check_inner(&self) {
        let Self { method, uri, version, fields } = *self;
        let tunnel = HostPort::parse("api.openai.com:443", None).expect("an authority");
        let Ok(inner) = route::inner(method, uri, version, fields, &tunnel) else { return };
        assert_ne!(method, Method::CONNECT, "a tunnel in a tunnel");
        assert_eq!(uri.path_and_query(), Some(&inner.path));
        self.check_one_host();
        for host in fields.get_all(HOST) {
            let named = text(host).and_then(|host| HostPort::parse(host, Some(443)).ok());
            assert!(version != Version::HTTP_11 || named.as_ref() == Some(&tunnel), "{host:?}");
        }
        if let Some(authority) = uri.authority() {
            let named = HostPort::parse(authority.as_str(), Some(443)).expect("it was taken");
            assert_eq!(named.host(), tunnel.host());
        }
    }

    /// What the target names.
    fn written(&self, default_port: u16) -> Option<HostPort> {
        let default_port = Some(default_port).filter(|&port| port != 0);
        HostPort::parse(self.uri.authority()?.as_str(), default_port).ok()
    }

    fn check_one_host(&self) {
        let hosts = self.fields.get_all(HOST).count();
        match self.version {
            Version::HTTP_11 => assert_eq!(hosts, 1),
            _ => assert!(hosts <= 1 || self.uri.authority().is_some() || hosts == 0, "{hosts} hosts"),
        }
    }
}
