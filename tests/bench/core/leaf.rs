//! A leaf as a handshake needs it: its key, its certificate, and the configuration that shows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::ensure;
use azure_openai_proxy::tls::ca::Authority;
use azure_openai_proxy::tls::resolver::Leaves;

const NAME: &str = "api.openai.com";

/// One name whose leaf is due each time that it is asked for.
pub struct Minting {
    leaves: Leaves,
    /// Where the last one is in memory. It stays there until the next one is made.
    last: usize,
}

impl Minting {
    /// Makes the CA.
    pub fn new() -> anyhow::Result<Self> {
        let authority = Arc::new(Authority::in_memory(&[NAME.to_owned()])?);
        let (start, asked) = (SystemTime::now(), AtomicU64::new(0));
        // Every other time more than a leaf's life later, then back before its start.
        let clock = move || {
            let days = asked.fetch_add(1, Ordering::Relaxed) % 2 * 60;
            start + Duration::from_secs(days * 86_400)
        };
        Ok(Self { leaves: Leaves::with_clock(authority, [NAME.to_owned()], clock)?, last: 0 })
    }

    /// Has a leaf made.
    ///
    /// # Errors
    ///
    /// The CA cannot, or the leaf is not a new one: then nothing was measured.
    pub fn once(&mut self) -> anyhow::Result<()> {
        let made = Arc::as_ptr(&self.leaves.server_config(NAME)?).addr();
        ensure!(std::mem::replace(&mut self.last, made) != made, "the leaf was there");
        Ok(())
    }
}
