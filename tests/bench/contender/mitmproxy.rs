//! mitmproxy with an addon that rewrites.

use super::{Running, Setting, free_port, tunnel};

/// `mitmdump`, quiet, streaming everything.
pub(super) fn start(setting: &Setting<'_>) -> anyhow::Result<Running> {
    let address = free_port()?;
    let pki = &setting.stage.pki;
    let port = setting.stage.origin.port();
    // A host that is set later, in `server_connect`, would open a connection for each request.
    let addon = format!(
        "def requestheaders(flow):\n    flow.request.host = \"localhost\"\n    flow.request.port = {port}\n    \
         flow.request.path = \"/openai\" + flow.request.path\n    \
         flow.request.headers.pop(\"Authorization\", None)\n    flow.request.headers[\"api-key\"] = \"k\"\n"
    );
    let addon = setting.write("addon.py", &addon)?.display().to_string();
    let authority = std::fs::read_to_string(&pki.ca_key)? + &std::fs::read_to_string(&pki.ca)?;
    setting.write("mitmproxy-ca.pem", &authority)?;
    let options = [
        format!("confdir={}", setting.folder.display()),
        format!("ssl_verify_upstream_trusted_ca={}", pki.ca.display()),
        "connection_strategy=lazy".to_owned(),
        "stream_large_bodies=64k".to_owned(),
        "http2=false".to_owned(),
    ];
    let (host, listen_port) = (address.ip().to_string(), address.port().to_string());
    let mut arguments = vec!["-q", "-s", &addon, "--listen-host", &host, "--listen-port", &listen_port];
    for option in &options {
        arguments.extend(["--set", option]);
    }
    let process = setting.start(&arguments, &[("HOME", setting.folder.display().to_string())])?;
    Ok(Running { process: Some(process), intercepted: tunnel(address), reverse: None, maps: false })
}
