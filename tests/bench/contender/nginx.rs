//! nginx as Debian has it, with the rewrite written into its settings.

use super::{Running, Setting, free_port};
use crate::pki::{AZURE_HOST, OPENAI_HOST};
use crate::target::Target;

/// One worker; access log off, since ours costs it more than ours does us; nothing buffered that has to stream.
pub(super) fn start(setting: &Setting<'_>) -> anyhow::Result<Running> {
    let (tls, plain) = (free_port()?, free_port()?);
    let pki = &setting.stage.pki;
    let (front, key, ca) = (pki.front.display(), pki.front_key.display(), pki.ca.display());
    let (origin, folder) = (setting.stage.origin, setting.folder.display());
    let text = format!(
        "daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;\n\
         events {{ worker_connections 8192; }}\n\
         http {{\n\
           access_log off; tcp_nodelay on; keepalive_timeout 300s; keepalive_requests 100000000; client_max_body_size 0;\n\
           client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;\n\
           uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n\
           ssl_session_cache shared:s:10m; ssl_protocols TLSv1.2 TLSv1.3;\n\
           upstream azure {{ server {origin}; keepalive 1024; keepalive_requests 100000000; }}\n\
           server {{\n\
             listen {tls} ssl http2 backlog=1024; listen {plain} backlog=1024;\n\
             ssl_certificate {front}; ssl_certificate_key {key};\n\
             location /v1/ {{\n\
               proxy_pass https://azure/openai/v1/; proxy_http_version 1.1; proxy_request_buffering off;\n\
               proxy_set_header Host {AZURE_HOST}; proxy_set_header Connection \"\";\n\
               proxy_set_header Authorization \"\"; proxy_set_header api-key k;\n\
               proxy_ssl_name {AZURE_HOST}; proxy_ssl_server_name on; proxy_ssl_session_reuse on;\n\
               proxy_ssl_verify on; proxy_ssl_trusted_certificate {ca}; proxy_ssl_protocols TLSv1.2 TLSv1.3;\n\
             }}\n\
           }}\n\
         }}\n"
    );
    let settings = setting.write("nginx.conf", &text)?;
    let settings = settings.display().to_string();
    let process = setting.start(&["-e", "stderr", "-p", &folder.to_string(), "-c", &settings], &[])?;
    let target = |address, tls: Option<&str>| Target {
        address,
        tunnel: None,
        tls: tls.map(str::to_owned),
        host: OPENAI_HOST.to_owned(),
        azure: false,
    };
    let (intercepted, reverse) = (target(tls, Some(OPENAI_HOST)), Some(target(plain, None)));
    Ok(Running { process: Some(process), intercepted, reverse, maps: false })
}
