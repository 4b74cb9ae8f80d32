//! What is shipped beside the program keeps in step with it.

use std::fs;
use std::process::Command;

use azure_openai_proxy::cli::{Cli, Flags};
use azure_openai_proxy::config::{self, env::Environment};
use clap::Parser;
use tempfile::TempDir;

use crate::client;
use crate::program::{PROGRAM, Program};

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/scripts/packaging/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The settings among words such as `NAME=value`.
fn variables(text: &str) -> Vec<(&str, &str)> {
    let named =
        text.split_whitespace().filter_map(|word| word.trim_start_matches("Environment=").split_once('='));
    named.filter(|(name, _)| name.starts_with("AZURE_OPENAI_")).collect()
}

#[test]
fn unit_and_image_name_settings_that_there_are() {
    for (file, count) in [("Dockerfile", 5), ("systemd/azure-openai-proxy.service", 2)] {
        let text = read(file).replace('#', " ");
        let all = variables(&text);
        assert_eq!(all.len(), count, "{file}: {all:?}");
        let loaded = config::load(&Flags::default(), &Environment::new(all));
        let problems = loaded.config.map_or_else(|invalid| invalid.to_string(), |_| String::new());
        assert!(!problems.contains("unknown variable"), "{file}: {problems}");
    }
}

#[test]
fn the_units_command_line_is_one_that_is_understood() {
    let unit = read("systemd/azure-openai-proxy.service");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    assert!(Cli::try_parse_from(line.split(' ')).unwrap().flags.config.is_some());
}

/// Where systemd is installed: it finds nothing to say of the units, and little that the service could still do.
#[test]
fn systemd_understands_the_units_and_finds_the_service_confined() {
    let folder = TempDir::new().unwrap();
    let [service, socket] = ["service", "socket"].map(|kind| format!("azure-openai-proxy.{kind}"));
    for name in [&service, &socket] {
        let unit = read(&format!("systemd/{name}")).replace("/usr/local/bin/azure-openai-proxy", PROGRAM);
        fs::write(folder.path().join(name), unit).unwrap();
    }
    for arguments in [
        &["verify", &*service, &*socket][..],
        // From 0 to 100; a service without any setting of that kind has 96.
        &["security", "--offline=true", "--threshold=20", &*service],
    ] {
        let run = Command::new("systemd-analyze").args(arguments).current_dir(&folder).output();
        let Ok(output) = run else { return eprintln!("skipped: systemd-analyze is not installed") };
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(arguments[0] != "verify" || !said.contains("azure-openai-proxy."), "{said}");
    }
}

/// As in `docker run -d -p 8080:8080 --env AZURE_OPENAI_ENDPOINT=… --env AZURE_OPENAI_MODEL_MAPPER=… IMAGE`.
#[tokio::test]
async fn the_images_variables_and_two_more_suffice() {
    let home = TempDir::new().unwrap();
    let certs = home.path().join("certs").display().to_string();
    let text = read("Dockerfile");
    let image = text.lines().skip_while(|line| !line.starts_with("ENV ")).collect::<Vec<_>>().join(" ");
    let mut all = variables(&image);
    assert_eq!(all.len(), 3, "{all:?}");
    for (name, value) in &mut all {
        match *name {
            "AZURE_OPENAI_PROXY_ADDRESS" => *value = "0.0.0.0:0",
            "AZURE_OPENAI_PROXY_CERTS" => *value = &certs,
            _ => {}
        }
    }
    all.extend([
        ("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com"),
        ("AZURE_OPENAI_MODEL_MAPPER", "gpt-4o=d"),
    ]);
    let mut program = Program::start(home.path(), &[], &all);
    let address = ([127, 0, 0, 1], program.address().await.port()).into();
    let answer = client::ask(address, client::get("container:8080", "/v1/models")).await;
    assert!(answer.text().contains("gpt-4o"), "{}", answer.text());
    assert_eq!(client::ask(address, client::get("container:8080", "/healthz")).await.text(), "ok\n");
    program.terminate().await;
    assert!(program.ended().await.0.success());
}
