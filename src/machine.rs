//! A developer's machine: what leads its clients to the proxy and makes them trust it.

pub mod bundle;
pub mod child;
pub mod command;
pub mod doctor;
pub mod environment;
pub mod exec;
pub mod export;
pub mod files;
pub mod java;
pub mod no_proxy;
pub mod probe;
pub mod proxy_url;
pub mod shell;
pub mod trust;

use crate::config::Config;
use crate::config::env::Environment;
use files::Note;
use no_proxy::NoProxy;

/// What keeps clients from the proxy although everything is set, in words.
fn warnings(notes: &[Note], config: &Config, user: &Environment) -> Vec<String> {
    let no_proxy = NoProxy::of(user);
    let mut said: Vec<String> = notes.iter().map(ToString::to_string).collect();
    for entry in no_proxy.dropped() {
        said.push(format!(
            "left {entry} out of NO_PROXY, because OpenAI's Python SDK does not start with it"
        ));
    }
    for host in &config.intercept {
        if let Some(entry) = no_proxy.bypasses(host) {
            said.push(format!("NO_PROXY has {entry}, so clients go to {host} past the proxy; take it out"));
            break;
        }
    }
    said
}
