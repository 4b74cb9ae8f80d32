//! Who may do what, and which destination may be dialled: pure decisions.

/// What the operator allows beyond the defaults.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Serve clients beyond loopback although the proxy holds an Azure key for them.
    pub allow_anonymous: bool,
}
