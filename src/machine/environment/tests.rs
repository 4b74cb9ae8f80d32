use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;

use super::*;
use crate::tls::ca::{Authority, Purpose};

const PROXY: &str = "127.0.0.1:8080";

/// A user's directory of the CA with its files prepared, and the variables that result.
struct Machine {
    certs: TempDir,
}

impl Machine {
    fn new() -> Self {
        let certs = tempfile::tempdir().unwrap();
        Authority::create(certs.path(), &Purpose::for_names(["openai.com"])).unwrap();
        Self { certs }
    }

    fn path(&self, name: &str) -> String {
        self.certs.path().join(name).display().to_string()
    }

    async fn set(&self, user: &[(&str, &str)], extras: Extras) -> BTreeMap<&'static str, String> {
        let user = Environment::new(user.iter().copied());
        let (files, _) = Files::prepare(self.certs.path(), &user, extras).await.unwrap();
        set(PROXY.parse().unwrap(), &files, &user, extras)
            .into_iter()
            .map(|a| (a.name, a.value.unwrap()))
            .collect()
    }

    fn unset(&self, user: &[(&str, &str)]) -> Vec<(&'static str, Option<String>)> {
        let user = Environment::new(user.iter().copied());
        let files = Files::named(self.certs.path());
        unset(&[PROXY.parse().unwrap()], &files, &user).into_iter().map(|a| (a.name, a.value)).collect()
    }
}

#[test]
fn no_variable_stands_twice() {
    let names: BTreeSet<_> = VARIABLES.iter().map(|variable| variable.name).collect();
    assert_eq!(names.len(), VARIABLES.len());
}

#[tokio::test]
async fn every_variable_points_where_its_kind_says() {
    let machine = Machine::new();
    let set = machine.set(&[], Extras::default()).await;
    for variable in VARIABLES {
        let expected = match variable.kind {
            Kind::Proxy => Some(format!("http://{PROXY}")),
            Kind::NoProxy => Some(".local,::1,127.0.0.1,localhost".into()),
            Kind::Roots(Effect::Adds) => Some(machine.path("ca.pem")),
            Kind::Roots(Effect::Replaces) => Some(machine.path("bundle.pem")),
            Kind::Fixed(text) => Some(text.into()),
            Kind::Wgetrc => Some(machine.path("wgetrc")),
            Kind::PhpIni => Some(format!(":{}", machine.path("php"))),
            Kind::Java | Kind::BaseUrl => None,
        };
        assert_eq!(set.get(variable.name), expected.as_ref(), "{}", variable.name);
    }
    for name in ["ca.pem", "bundle.pem", "wgetrc", "php/azure-openai-proxy.ini"] {
        assert!(machine.certs.path().join(name).is_file(), "{name}");
    }
}

#[tokio::test]
async fn the_base_url_is_set_on_demand() {
    let set = Machine::new().set(&[], Extras { base_url: true, java: false }).await;
    assert_eq!(set["OPENAI_BASE_URL"], format!("http://{PROXY}/v1"));
}

#[tokio::test]
async fn setting_twice_changes_nothing() {
    let machine = Machine::new();
    let user = [("NO_PROXY", "corp.example"), ("PHP_INI_SCAN_DIR", "/etc/php.d")];
    let once = machine.set(&user, Extras::default()).await;
    let again: Vec<(&str, &str)> = once.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(machine.set(&again, Extras::default()).await, once);
    assert_eq!(once["PHP_INI_SCAN_DIR"], format!("/etc/php.d:{}", machine.path("php")));
}

#[tokio::test]
async fn a_client_key_in_the_users_url_is_in_all_of_them() {
    let machine = Machine::new();
    let with_key = format!("http://u:key@{PROXY}");
    for (user, own) in [
        (("https_proxy", &*with_key), &*with_key),
        (("HTTPS_PROXY", "https://u:key@localhost:8080"), "https://u:key@localhost:8080"),
        (("http_proxy", "u:key@localhost:8080"), "http://u:key@localhost:8080"),
    ] {
        let set = machine
            .set(&[user, ("npm_config_proxy", "http://other:key@proxy.corp:80")], Extras::default())
            .await;
        for variable in VARIABLES.iter().filter(|variable| variable.kind == Kind::Proxy) {
            let expected = if variable.name == user.0 { own } else { &with_key };
            assert_eq!(set[variable.name], expected, "{user:?}");
        }
    }
    let set = machine.set(&[("https_proxy", &with_key)], Extras::default()).await;
    let now: Vec<(&str, &str)> = set.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(machine.unset(&now).len(), now.len());
    let set = machine.set(&[("https_proxy", "http://u:key@127.0.0.1:9")], Extras::default()).await;
    assert!(set.values().all(|value| !value.contains("key")), "{set:?}");
}

#[tokio::test]
async fn roots_that_the_user_added_stay() {
    let machine = Machine::new();
    let corporate = Authority::in_memory(&["corp.example".into()]).unwrap();
    let file = machine.certs.path().join("elsewhere");
    std::fs::create_dir(&file).unwrap();
    let file = file.join("corp.pem");
    // As a company's file would be: no root of this program alone.
    let text = corporate.root_pem() + &crate::tls::pem::encode("CERTIFICATE", corporate.intermediate_der());
    std::fs::write(&file, text).unwrap();
    let once = machine.set(&[("NODE_EXTRA_CA_CERTS", file.to_str().unwrap())], Extras::default()).await;
    let again: Vec<(&str, &str)> = once.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Another shell, which has no roots of its own.
    machine.set(&[], Extras::default()).await;
    for set in [&once, &machine.set(&again, Extras::default()).await] {
        let bundle = &set["NODE_EXTRA_CA_CERTS"];
        assert_eq!(set["DENO_CERT"], machine.path("ca.pem"));
        assert_eq!((bundle, bundle), (&set["SSL_CERT_FILE"], &once["SSL_CERT_FILE"]));
        let named = [&*set["WGETRC"], &*format!("{}/azure-openai-proxy.ini", &set["PHP_INI_SCAN_DIR"][1..])];
        for file in named {
            assert!(std::fs::read_to_string(file).unwrap().contains(bundle), "{file}");
        }
        assert!(std::fs::read_to_string(bundle).unwrap().contains(&corporate.root_pem()));
    }
    assert!(machine.unset(&again).iter().all(|(name, rest)| rest.is_none() || !name.contains("CA")));
    assert_eq!(machine.unset(&again).len(), again.len());
}

#[tokio::test]
async fn unset_takes_back_what_was_set_and_nothing_else() {
    let machine = Machine::new();
    let set = machine.set(&[("NO_PROXY", "corp.example")], Extras { base_url: true, java: false }).await;
    let now: Vec<(&str, &str)> = set.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (name, value) in machine.unset(&now) {
        let rest = matches!(name, "no_proxy" | "NO_PROXY").then(|| "corp.example".to_owned());
        assert_eq!(value, rest, "{name}");
    }
    assert_eq!(machine.unset(&now).len(), now.len());
    let own = [
        ("https_proxy", "http://proxy.corp:3128"),
        ("SSL_CERT_FILE", "/etc/ssl/corp.pem"),
        ("NO_PROXY", "localhost,127.0.0.1,corp.example"),
        ("no_proxy", "localhost,127.0.0.1"),
        ("NODE_USE_ENV_PROXY", "1"),
        ("PHP_INI_SCAN_DIR", "/etc/php.d"),
        ("JAVA_TOOL_OPTIONS", "-Xmx1g"),
        ("WGETRC", "/home/u/wgetrc"),
    ];
    assert_eq!(machine.unset(&own), []);
}
