//! The command line as a layer.

use super::key::Key;
use super::layer::{Layer, Origin, Raw};
use crate::cli::Flags;

/// The settings among the flags. A repeatable flag may also hold several items, separated by commas.
pub fn layer(flags: &Flags) -> Layer {
    let mut layer = Layer::default();
    for (key, flag, text) in settings(flags) {
        layer.set(key, Raw::from_text(key, Origin::Flag(flag), &text));
    }
    layer
}

/// The flags as they could be given again: each once, with its value.
pub fn written(flags: &Flags) -> impl Iterator<Item = (String, String)> {
    let file = flags.config.iter().map(|path| ("--config".to_owned(), path.display().to_string()));
    file.chain(settings(flags).map(|(_, flag, text)| (flag, text)))
}

/// Each setting that is given, with its flag and all that stands behind it.
fn settings(flags: &Flags) -> impl Iterator<Item = (Key, String, String)> {
    Key::ALL.iter().filter_map(|&key| {
        let (flag, texts) = (key.flag()?, given(flags, key));
        (!texts.is_empty()).then(|| (key, flag, texts.join(",")))
    })
}

/// What is given for a setting, each time that its flag stands on the command line.
fn given(flags: &Flags, key: Key) -> &[String] {
    match key {
        Key::Listen => &flags.listen,
        Key::Mode => flags.mode.as_slice(),
        Key::Endpoint => flags.endpoint.as_slice(),
        Key::ApiVersion => flags.api_version.as_slice(),
        Key::Map => &flags.map,
        Key::ApiKey | Key::ApiKeyCommand | Key::ClientKeys | Key::UpstreamProxy => &[],
        Key::ApiKeyFile => flags.api_key_file.as_slice(),
        Key::KeyHeader => flags.key_header.as_slice(),
        Key::ClassicModels => &flags.classic_models,
        Key::ClassicApiVersion => flags.classic_api_version.as_slice(),
        Key::ImageDeployment => flags.image_deployment.as_slice(),
        Key::Responses => flags.responses.as_slice(),
        Key::NestedModels => flags.nested_models.as_slice(),
        Key::BatchModels => flags.batch_models.as_slice(),
        Key::CodexStore => flags.codex_store.as_slice(),
        Key::StripDots => flags.strip_dots.as_slice(),
        Key::Intercept => &flags.intercept,
        Key::TlsNames => &flags.tls_names,
        Key::TlsCertFile => flags.tls_cert_file.as_slice(),
        Key::TlsKeyFile => flags.tls_key_file.as_slice(),
        Key::Certs => flags.certs.as_slice(),
        Key::UpstreamCaFile => &flags.upstream_ca_file,
        Key::UpstreamHttp => flags.upstream_http.as_slice(),
        Key::Resolve => &flags.resolve,
        Key::NoUpstreamProxy => &flags.no_upstream_proxy,
        Key::AllowAnonymous => flags.allow_anonymous.as_slice(),
        Key::AllowOrigin => &flags.allow_origin,
        Key::ClientKeysFile => flags.client_keys_file.as_slice(),
        Key::RequireClientKey => flags.require_client_key.as_slice(),
        Key::TrustedClients => &flags.trusted_clients,
        Key::TunnelPorts => &flags.tunnel_ports,
        Key::AllowDestinations => &flags.allow_destinations,
        Key::DenyDestinations => &flags.deny_destinations,
        Key::BufferedContent => flags.buffered_content.as_slice(),
        Key::MaxHeadSize => flags.max_head_size.as_slice(),
        Key::MaxHeadFields => flags.max_head_fields.as_slice(),
        Key::MaxConnections => flags.max_connections.as_slice(),
        Key::MaxConnectionsPerClient => flags.max_connections_per_client.as_slice(),
        Key::HeadTimeout => flags.head_timeout.as_slice(),
        Key::KeepaliveTimeout => flags.keepalive_timeout.as_slice(),
        Key::ConnectTimeout => flags.connect_timeout.as_slice(),
        Key::FirstByteTimeout => flags.first_byte_timeout.as_slice(),
        Key::IdleTimeout => flags.idle_timeout.as_slice(),
        Key::DrainTimeout => flags.drain_timeout.as_slice(),
        Key::LogFormat => flags.log_format.as_slice(),
        Key::Log => flags.log.as_slice(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{CommandFactory, Parser};

    use super::super::key::Kind;
    use super::*;
    use crate::cli::Cli;

    fn parse(arguments: &[&str]) -> Layer {
        layer(&Cli::try_parse_from([&["proxy"], arguments].concat()).unwrap().flags)
    }

    #[test]
    fn the_command_line_has_the_flags_of_the_table_and_no_other_setting() {
        let ours: BTreeSet<_> = Key::ALL.iter().filter_map(|key| key.flag()).collect();
        let command = Cli::command();
        let global = command.get_arguments().filter(|argument| argument.is_global_set());
        let shown = global.filter_map(|argument| argument.get_long()).filter(|&long| long != "config");
        assert_eq!(shown.map(|long| format!("--{long}")).collect::<BTreeSet<_>>(), ours);
    }

    #[test]
    fn the_help_names_the_defaults_of_the_table() {
        for key in Key::ALL.iter().filter(|key| key.kind() != Kind::Switch) {
            let (Some(flag), [default]) = (key.flag(), key.default()) else { continue };
            let command = Cli::command();
            let argument =
                command.get_arguments().find(|argument| argument.get_long() == flag.strip_prefix("--"));
            let help = argument.unwrap().get_help().unwrap().to_string();
            assert!(help.ends_with(&format!("[default: {default}]")), "{flag}: {help}");
        }
    }

    #[test]
    fn each_flag_sets_its_own_key() {
        for (key, flag) in Key::ALL.iter().filter_map(|&key| Some((key, key.flag()?))) {
            let layer = parse(&[&format!("{flag}=x=y")]);
            let given: Vec<_> = layer.iter().map(|(key, raw)| (key, &*raw.values[0].text)).collect();
            assert_eq!(given, [(key, "x=y")]);
            assert_eq!(layer.get(key).unwrap().origin, Origin::Flag(flag));
        }
    }

    #[test]
    fn lists_are_repeated_or_separated_by_commas() {
        let layer = parse(&["--intercept", "a", "--intercept", "b,c"]);
        let texts: Vec<_> = layer.get(Key::Intercept).unwrap().values.iter().map(|v| &*v.text).collect();
        assert_eq!(texts, ["a", "b", "c"]);
    }

    #[test]
    fn a_switch_needs_no_value() {
        assert_eq!(parse(&["--allow-anonymous"]).get(Key::AllowAnonymous).unwrap().values[0].text, "true");
    }
}
