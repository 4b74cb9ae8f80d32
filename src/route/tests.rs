use super::*;

fn fields(hosts: &[&str]) -> Fields {
    Fields::of(&hosts.iter().map(|&host| ("host", host)).collect::<Vec<_>>())
}

fn list() -> InterceptList {
    InterceptList::new(["API.openai.com".to_owned()])
}

fn opened(method: &str, uri: &str, version: Version, hosts: &[&str]) -> Result<OpenRoute, RouteError> {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    open(&method, &uri.parse().unwrap(), version, &fields(hosts), &list(), false)
}

fn authority(text: &str) -> HostPort {
    HostPort::parse(text, None).unwrap()
}

#[test]
fn connect_is_decided_by_its_authority_alone() {
    for (to, host, intercepted) in [
        ("api.openai.com:443", &["evil.example"][..], true),
        ("API.OPENAI.COM:443", &[], true),
        ("api.openai.com.evil.example:443", &["api.openai.com"], false),
        ("example.com:443", &["api.openai.com"], false),
    ] {
        let route = opened("CONNECT", to, Version::HTTP_10, host).unwrap();
        assert_eq!(matches!(route, OpenRoute::Intercept(_)), intercepted, "{to}");
        assert_eq!(matches!(route, OpenRoute::Tunnel(_)), !intercepted, "{to}");
    }
}

#[test]
fn absolute_form_never_leaves_for_openai_in_the_clear() {
    let route = opened("GET", "http://api.openai.com/v1/models", Version::HTTP_11, &["other"]).unwrap();
    assert_eq!(
        route,
        OpenRoute::Exchange(authority("api.openai.com:443"), PathAndQuery::from_static("/v1/models"))
    );
    let route = opened("GET", "http://example.com/x", Version::HTTP_11, &["example.com"]).unwrap();
    assert_eq!(route, OpenRoute::Forward(authority("example.com:80"), PathAndQuery::from_static("/x")));
    let route = opened("GET", "https://api.openai.com/v1/models", Version::HTTP_11, &["api.openai.com"]);
    assert_eq!(
        route,
        Ok(OpenRoute::Exchange(authority("api.openai.com:443"), PathAndQuery::from_static("/v1/models")))
    );
    let refused = opened("GET", "https://example.com/", Version::HTTP_11, &["example.com"]);
    assert_eq!(refused, Err(RouteError::SecureAbsolute));
}

#[test]
fn origin_form_knows_when_dns_led_the_client_here() {
    for (host, openai) in [("127.0.0.1:8080", false), ("api.openai.com", true), ("localhost", false)] {
        let Ok(OpenRoute::Origin(form)) = opened("GET", "/v1/models", Version::HTTP_11, &[host]) else {
            panic!("{host}");
        };
        assert_eq!(form.openai.is_some(), openai, "{host}");
    }
    let h2 = opened("GET", "http://localhost:8080/v1/models", Version::HTTP_2, &[]);
    assert!(matches!(h2, Ok(OpenRoute::Origin(_))), "{h2:?}");
}

#[test]
fn tls_to_the_proxy_itself_was_for_the_name_that_is_asked() {
    for (named, sni, right) in [
        ("localhost:8080", Some("localhost"), true),
        ("LOCALHOST", Some("localhost"), true),
        ("127.0.0.1:8080", None, true),
        ("evil.example", Some("localhost"), false),
        ("localhost", Some("api.openai.com"), false),
    ] {
        let named = HostPort::parse(named, Some(443)).unwrap();
        assert_eq!(check_sni(&named, sni).is_ok(), right, "{named} {sni:?}");
    }
}

/// As Chromium asks a proxy that it speaks TLS to.
#[test]
fn http2_over_tls_forwards_what_is_http() {
    let over_tls = |uri: &str| {
        open(&Method::GET, &uri.parse().unwrap(), Version::HTTP_2, &Fields::new(), &list(), true).unwrap()
    };
    let path = PathAndQuery::from_static("/v1/files");
    assert_eq!(
        over_tls("http://other.example/v1/files"),
        OpenRoute::Forward(authority("other.example:80"), path)
    );
    assert!(matches!(over_tls("http://api.openai.com/v1/files"), OpenRoute::Exchange(..)));
    assert!(matches!(over_tls("https://localhost:8080/v1/files"), OpenRoute::Origin(_)));
}

#[test]
fn host_stands_exactly_once() {
    for (version, hosts, fits) in [
        (Version::HTTP_11, &["a"][..], true),
        (Version::HTTP_11, &[], false),
        (Version::HTTP_11, &["a", "a"], false),
        (Version::HTTP_11, &["a b"], false),
        (Version::HTTP_11, &["u@a"], false),
        (Version::HTTP_10, &[], true),
    ] {
        assert_eq!(opened("GET", "/", version, hosts).is_ok(), fits, "{hosts:?}");
    }
    let disagreeing = opened("GET", "http://localhost/", Version::HTTP_2, &["other"]);
    assert_eq!(disagreeing, Err(RouteError::Host));
}

#[test]
fn inside_a_tunnel_only_its_own_host_is_answered() {
    let tunnel = authority("api.openai.com:443");
    let route = |method: &str, uri: &str, version, hosts: &[&str]| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        inner(&method, &uri.parse().unwrap(), version, &fields(hosts), &tunnel)
    };
    let expected = InnerRoute { path: PathAndQuery::from_static("/v1/x?y") };
    for (uri, version, hosts) in [
        ("/v1/x?y", Version::HTTP_11, &["api.openai.com"][..]),
        ("/v1/x?y", Version::HTTP_11, &["API.openai.com:443"]),
        ("https://api.openai.com/v1/x?y", Version::HTTP_11, &["api.openai.com"]),
        ("https://api.openai.com/v1/x?y", Version::HTTP_2, &[]),
        ("/v1/x?y", Version::HTTP_10, &[]),
    ] {
        assert_eq!(route("GET", uri, version, hosts).as_ref(), Ok(&expected), "{uri}");
    }
    for (uri, version, hosts) in [
        ("/v1/x", Version::HTTP_11, &["evil.example"][..]),
        ("/v1/x", Version::HTTP_11, &["api.openai.com:8443"]),
        ("https://evil.example/v1/x", Version::HTTP_11, &["api.openai.com"]),
        ("https://evil.example/v1/x", Version::HTTP_2, &[]),
    ] {
        let refused = route("GET", uri, version, hosts);
        assert!(matches!(refused, Err(RouteError::Misdirected { .. })), "{uri} {refused:?}");
    }
    assert_eq!(route("CONNECT", "a.example:443", Version::HTTP_11, &["a.example"]), Err(RouteError::Nested));
    assert_eq!(route("OPTIONS", "*", Version::HTTP_11, &["api.openai.com"]), Err(RouteError::Nested));
}
