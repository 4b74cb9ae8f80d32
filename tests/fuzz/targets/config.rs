//! The file of settings: every line of it is taken or complained about, and no complaint tells a secret.
#![no_main]

use std::path::Path;

use azure_openai_proxy::config::env::Environment;
use azure_openai_proxy::config::key::Key;
use azure_openai_proxy::config::layer::{Layer, Origin};
use azure_openai_proxy::config::problem::{Fault, Problem};
use azure_openai_proxy::config::{file, resolve};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let path = Path::new("config.toml");
    let mut problems = Vec::new();
    let layer = file::layer(path, text, &mut problems);
    let syntax = problems.iter().any(|problem| matches!(problem.fault, Fault::Syntax(_)));
    assert!(!syntax || layer.iter().count() == 0);
    // What another reader refuses may be refused later: numbers are read where they are used.
    if let Ok(table) = text.parse::<toml::Table>() {
        assert!(!syntax, "another reader reads it");
        assert_eq!(layer.iter().count() + problems.len(), table.len(), "a setting was lost");
    }
    let lines = text.lines().count().max(1);
    for problem in &problems {
        assert!(matches!(&problem.origin, Some(Origin::File { line, .. }) if (1..=lines + 1).contains(line)));
    }
    check_resolved(&layer, problems);
});

/// What the texts amount to, but for what would read files or run commands.
fn check_resolved(layer: &Layer, mut problems: Vec<Problem>) {
    let mut settings = Layer::default();
    let harmless = |key: Key| !key.names_files() && key != Key::ApiKeyCommand;
    for (key, raw) in layer.iter().filter(|(key, _)| harmless(*key)) {
        settings.set(key, raw.clone());
    }
    let settings = settings.over(Layer::defaults());
    let config = resolve::resolve(&settings, None, &Environment::default(), &mut problems);
    assert!(config.is_some() || !problems.is_empty(), "nothing came of it, and nobody says why");
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for (key, raw) in settings.iter().filter(|(key, _)| key.is_secret()) {
        let about = problems.iter().zip(&told).filter(|(problem, _)| problem.key == Some(key));
        for (value, (_, told)) in
            raw.values.iter().flat_map(|value| about.clone().map(move |told| (value, told)))
        {
            assert!(value.text.len() < 8 || !told.contains(&value.text), "a secret was told");
        }
    }
}
