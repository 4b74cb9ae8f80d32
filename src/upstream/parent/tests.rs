use super::*;

fn shown(text: &str) -> Result<String, ParentUrlError> {
    text.parse::<Parent>().map(|parent| parent.to_string())
}

#[test]
fn reads_what_curl_reads() {
    for (text, read) in [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example/", "http://proxy.example:80"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("https://proxy.example", "https://proxy.example:443"),
        ("socks5://127.0.0.1", "socks5://127.0.0.1:1080"),
        ("socks5h://u:p@[::1]:9050", "socks5://[::1]:9050"),
    ] {
        assert_eq!(shown(text), Ok(read.into()), "{text}");
    }
    for text in ["", "ftp://proxy.example", "socks4://proxy.example", "http://", "http://a b", "http://a:0"] {
        assert_eq!(shown(text), Err(ParentUrlError::Form), "{text}");
    }
    let long = format!("socks5://{}@a", "u".repeat(256));
    assert_eq!(shown(&long), Err(ParentUrlError::Credential));
}

#[test]
fn takes_the_credential_and_never_shows_it() {
    let parent: Parent = "http://Aladdin:open%20sesame@proxy.example:8080".parse().unwrap();
    assert_eq!(parent.credential().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    for shown in [format!("{parent} {parent:?}"), format!("{:?}", parent.credential())] {
        assert!(!shown.contains("sesame") && !shown.contains("QWxh"), "{shown}");
    }
}

#[test]
fn exceptions_are_those_of_no_proxy_and_this_machine() {
    let listed = ["corp.example", ".intern", "10.0.0.0/8", "192.0.2.1"].map(String::from);
    let exceptions = Exceptions::new(&listed);
    for (to, excepted) in [
        ("corp.example:443", true),
        ("a.corp.example:80", true),
        ("notcorp.example:443", false),
        ("x.intern:443", true),
        ("10.9.8.7:443", true),
        ("192.0.2.1:443", true),
        ("192.0.2.2:443", false),
        ("[2001:db8::1]:443", false),
        ("localhost:443", true),
        ("127.0.0.1:443", true),
        ("[::1]:443", true),
    ] {
        assert_eq!(exceptions.cover(&HostPort::parse(to, None).unwrap()), excepted, "{to}");
    }
    let listed =
        ["*.corp.example:443 b.example", "c.example:8443", "[2001:db8::1]:443", "2001:db8::/48", "*.d"];
    let exceptions = Exceptions::new(&listed.map(String::from));
    for (to, excepted) in [
        ("a.corp.example:443", true),
        ("notcorp.example:443", false),
        ("x.b.example:443", true),
        ("c.example:443", true),
        ("[2001:db8::1]:80", true),
        ("[2001:db8:0:1::]:80", true),
        ("[2001:db9::1]:80", false),
        ("x.d:80", true),
    ] {
        assert_eq!(exceptions.cover(&HostPort::parse(to, None).unwrap()), excepted, "{to}");
    }
    let to = HostPort::parse("any.example:1", None).unwrap();
    assert!(Exceptions::new(&["*".into()]).cover(&to) && !Exceptions::new(&[]).cover(&to));
}
