//! Every setting there is: one table of names, aliases and defaults.

use std::fmt;

/// What the environment variables of this program begin with.
pub const ENV_PREFIX: &str = "AZURE_OPENAI_PROXY_";

/// The shape of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One text.
    Text,
    /// A whole number or a text that holds one.
    Number,
    /// `true` or `false`.
    Switch,
    /// Any number of texts; written as one text they are separated by commas.
    List,
    /// A list of `name=value`; layers are merged name by name.
    Map,
}

/// Where a setting may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// By flag, environment and file.
    Anywhere,
    /// By environment and file: a command line is visible to every user of the machine.
    NotByFlag,
    /// By environment alone: a file is shared and committed too easily.
    EnvironmentOnly,
}

struct Row {
    name: &'static str,
    kind: Kind,
    allowed: Allowed,
    aliases: &'static [&'static str],
    default: &'static [&'static str],
}

macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident: $name:literal $kind:ident $allowed:ident
        [$($alias:literal),*] = [$($default:literal),*];)*) => {
        /// A setting.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Key { $($(#[$doc])* $key,)* }

        impl Key {
            /// All settings, in the order in which they are shown.
            pub const ALL: &[Self] = &[$(Self::$key),*];

            fn row(self) -> &'static Row {
                match self {
                    $(Self::$key => &Row {
                        name: $name,
                        kind: Kind::$kind,
                        allowed: Allowed::$allowed,
                        aliases: &[$($alias),*],
                        default: &[$($default),*],
                    },)*
                }
            }
        }
    };
}

// Name, kind, where it may be given, other environment variables in falling precedence, default.
keys! {
    /// Addresses to listen on.
    Listen: "listen" List Anywhere ["AZURE_OPENAI_PROXY_ADDRESS"] = ["127.0.0.1:8080"];
    /// Where requests for OpenAI are sent: `azure` or `openai`.
    Mode: "mode" Text Anywhere [] = ["azure"];
    /// The Azure OpenAI resource.
    Endpoint: "endpoint" Text Anywhere ["AZURE_OPENAI_ENDPOINT"] = [];
    /// `v1`, `preview`, or the date of a classic api-version.
    ApiVersion: "api_version" Text Anywhere
        ["AZURE_OPENAI_APIVERSION", "OPENAI_API_VERSION", "AZURE_OPENAI_API_VERSION"] = ["v1"];
    /// Which deployment answers for which model.
    Map: "map" Map Anywhere ["AZURE_OPENAI_MODEL_MAPPER"] = [];
    /// The Azure key, or an Entra token, that replaces the clients' credentials.
    ApiKey: "api_key" Text EnvironmentOnly ["AZURE_OPENAI_TOKEN", "AZURE_OPENAI_API_KEY"] = [];
    /// A file that holds the Azure key or an Entra token.
    ApiKeyFile: "api_key_file" Text Anywhere [] = [];
    /// A shell command that prints the Azure key, or an Entra token: then it is run again before that expires.
    ApiKeyCommand: "api_key_command" Text NotByFlag [] = [];
    /// The field that carries the Azure key; a token always goes in `Authorization`.
    KeyHeader: "key_header" Text Anywhere [] = ["api-key"];
    /// Models that only the classic, deployment-scoped paths serve.
    ClassicModels: "classic_models" List Anywhere [] = [];
    /// The api-version of classic paths where `api_version` names none.
    ClassicApiVersion: "classic_api_version" Text Anywhere [] = ["2025-04-01-preview"];
    /// The deployment that `image_generation` tools use in responses.
    ImageDeployment: "image_deployment" Text Anywhere [] = [];
    /// How the contents of Azure's answers are handed on: `openai` or `as-is`.
    Responses: "responses" Text Anywhere [] = ["openai"];
    /// Map the models inside tools and evals too.
    NestedModels: "nested_models" Switch Anywhere [] = ["false"];
    /// Map the models in the lines of a batch's file.
    BatchModels: "batch_models" Switch Anywhere [] = ["false"];
    /// Have Azure store the responses that Codex asks it not to store and then refers to.
    CodexStore: "codex_store" Switch Anywhere [] = ["false"];
    /// Take dots and colons out of models that are not in the map.
    StripDots: "strip_dots" Switch Anywhere [] = ["false"];
    /// Hosts whose tunnels are intercepted.
    Intercept: "intercept" List Anywhere []
        = ["api.openai.com", "us.api.openai.com", "eu.api.openai.com", "ae.api.openai.com"];
    /// Names in the certificate of the proxy's own listener.
    TlsNames: "tls_names" List Anywhere [] = ["localhost"];
    /// A certificate of the proxy's own listener that another CA signed, with its chain.
    TlsCertFile: "tls_cert_file" Text Anywhere [] = [];
    /// The private key of that certificate.
    TlsKeyFile: "tls_key_file" Text Anywhere [] = [];
    /// The directory of the CA; the platform's data directory unless given.
    Certs: "certs" Text Anywhere [] = [];
    /// PEM files of further CAs that origin servers are trusted by.
    UpstreamCaFile: "upstream_ca_file" List Anywhere [] = [];
    /// Which HTTP is spoken to origin servers: `any`, `1` or `2`.
    UpstreamHttp: "upstream_http" Text Anywhere [] = ["any"];
    /// Destinations that are not looked up in DNS.
    Resolve: "resolve" List Anywhere [] = [];
    /// The proxy that everything upstream goes through; a URL, which may hold a password, or `direct`.
    UpstreamProxy: "upstream_proxy" Text NotByFlag [] = [];
    /// Destinations that are reached without it.
    NoUpstreamProxy: "no_upstream_proxy" List Anywhere [] = [];
    /// Serve clients beyond loopback although the proxy holds a key for them.
    AllowAnonymous: "allow_anonymous" Switch Anywhere [] = ["false"];
    /// Web pages that may use the proxy's key, by origin.
    AllowOrigin: "allow_origin" List Anywhere [] = [];
    /// A file of lines `NAME sha256:HEX`, the keys of clients beyond loopback.
    ClientKeysFile: "client_keys_file" Text Anywhere [] = [];
    /// Further such keys, in clear, as `NAME=KEY`.
    ClientKeys: "client_keys" Map EnvironmentOnly [] = [];
    /// Ask clients on loopback and in trusted networks for a client key too.
    RequireClientKey: "require_client_key" Switch Anywhere [] = ["false"];
    /// Networks whose clients need no key.
    TrustedClients: "trusted_clients" List Anywhere [] = [];
    /// Ports that clients beyond loopback may reach through the proxy.
    TunnelPorts: "tunnel_ports" List Anywhere [] = ["443", "80"];
    /// The only hosts that clients may reach through the proxy, if there are any.
    AllowDestinations: "allow_destinations" List Anywhere [] = [];
    /// Hosts that no client may reach through the proxy.
    DenyDestinations: "deny_destinations" List Anywhere [] = [];
    /// Content of one request that is held back until its model is known.
    BufferedContent: "buffered_content" Number Anywhere [] = ["64MiB"];
    /// Octets of a request's head.
    MaxHeadSize: "max_head_size" Number Anywhere [] = ["64KiB"];
    /// Fields in a request's head of HTTP/1, 16,384 at most.
    MaxHeadFields: "max_head_fields" Number Anywhere [] = ["256"];
    /// Connections open at once; a tunnel on HTTP/2 is one too.
    MaxConnections: "max_connections" Number Anywhere [] = ["4096"];
    /// Connections open at once from one address beyond loopback.
    MaxConnectionsPerClient: "max_connections_per_client" Number Anywhere [] = ["512"];
    /// Longest wait for a client's first octet and its TLS handshake.
    HeadTimeout: "head_timeout" Text Anywhere [] = ["30s"];
    /// Longest wait for the next request on an open connection.
    KeepaliveTimeout: "keepalive_timeout" Text Anywhere [] = ["100s"];
    /// Longest wait for DNS, TCP and TLS towards an origin server.
    ConnectTimeout: "connect_timeout" Text Anywhere [] = ["15s"];
    /// Longest wait for the head of a response.
    FirstByteTimeout: "first_byte_timeout" Text Anywhere [] = ["15m"];
    /// Longest silence inside a message or a tunnel.
    IdleTimeout: "idle_timeout" Text Anywhere [] = ["1h"];
    /// How long what is under way may take once the stop is asked for.
    DrainTimeout: "drain_timeout" Text Anywhere [] = ["30s"];
    /// How log lines look: `auto`, `human` or `json`.
    LogFormat: "log_format" Text Anywhere [] = ["auto"];
    /// How much is logged: a level, or `target=level` pairs.
    Log: "log" Text Anywhere [] = ["info"];
}

// === impl Key ===

impl Key {
    /// The setting of that name in a file.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }

    /// Its name in a file, in snake case.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The shape of its value.
    pub fn kind(self) -> Kind {
        self.row().kind
    }

    /// Where it may be given.
    pub fn allowed(self) -> Allowed {
        self.row().allowed
    }

    /// Its flag, where it has one.
    pub fn flag(self) -> Option<String> {
        (self.allowed() == Allowed::Anywhere).then(|| format!("--{}", self.name().replace('_', "-")))
    }

    /// Its environment variables, the one that wins first.
    pub fn variables(self) -> impl Iterator<Item = String> {
        let own = format!("{ENV_PREFIX}{}", self.name().to_ascii_uppercase());
        std::iter::once(own).chain(self.row().aliases.iter().map(|&alias| alias.to_owned()))
    }

    /// The value that holds where none is given; empty where there is none.
    pub fn default(self) -> &'static [&'static str] {
        self.row().default
    }

    /// Whether its values are paths of files whose content matters: a change in there is a change of settings.
    pub fn names_files(self) -> bool {
        matches!(
            self,
            Self::ApiKeyFile
                | Self::ClientKeysFile
                | Self::UpstreamCaFile
                | Self::TlsCertFile
                | Self::TlsKeyFile
        )
    }

    /// Whether its value must not be printed. A command may hold a secret as well as print one.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::ApiKey | Self::ApiKeyCommand | Self::ClientKeys | Self::UpstreamProxy)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_and_no_variable_is_used_twice() {
        let names: BTreeSet<_> = Key::ALL.iter().map(|key| key.name()).collect();
        let variables: Vec<_> = Key::ALL.iter().flat_map(|key| key.variables()).collect();
        assert_eq!(names.len(), Key::ALL.len());
        assert_eq!(variables.iter().collect::<BTreeSet<_>>().len(), variables.len());
    }

    #[test]
    fn own_variables_come_before_those_of_others() {
        let variables: Vec<_> = Key::ApiVersion.variables().collect();
        assert_eq!(
            variables,
            [
                "AZURE_OPENAI_PROXY_API_VERSION",
                "AZURE_OPENAI_APIVERSION",
                "OPENAI_API_VERSION",
                "AZURE_OPENAI_API_VERSION"
            ]
        );
    }

    #[test]
    fn a_key_never_comes_by_flag_and_never_by_file_in_clear() {
        assert_eq!(Key::UpstreamCaFile.flag().as_deref(), Some("--upstream-ca-file"));
        assert_eq!(Key::ApiKey.flag(), None);
        assert_eq!(Key::ApiKeyCommand.flag(), None);
        assert_eq!(Key::ApiKey.allowed(), Allowed::EnvironmentOnly);
        assert_eq!(Key::ClientKeys.allowed(), Allowed::EnvironmentOnly);
    }
}
