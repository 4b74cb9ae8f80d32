//! squid with `ssl_bump`, where its build has it.

use std::process::Command;

use super::{Running, Setting, free_port};
use crate::target::Target;

/// Whether the squid that is installed was built with OpenSSL.
pub(super) fn can_bump() -> bool {
    let version = Command::new("squid").arg("-v").output();
    version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("--with-openssl"))
}

/// One process, no cache, no log. It sends on what it gets: the client means the origin itself.
pub(super) fn start(setting: &Setting<'_>) -> anyhow::Result<Running> {
    let address = free_port()?;
    let pki = &setting.stage.pki;
    let folder = setting.folder.display();
    let certificates = setting.folder.join("certificates");
    if !certificates.exists() {
        let made = Command::new("/usr/lib/squid/security_file_certgen")
            .arg("-c")
            .arg("-s")
            .arg(&certificates)
            .args(["-M", "16MB"])
            .output()?;
        anyhow::ensure!(made.status.success(), "squid's store of certificates cannot be made");
    }
    let text = format!(
        "http_port {address} ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=16MB \
           tls-cert={ca} tls-key={key}\n\
         sslcrtd_program /usr/lib/squid/security_file_certgen -s {certificates} -M 16MB\n\
         sslcrtd_children 2 startup=1\n\
         ssl_bump bump all\n\
         tls_outgoing_options cafile={ca}\n\
         http_access allow all\n\
         cache deny all\n\
         access_log none\n\
         cache_log /dev/stderr\n\
         cache_effective_user root\n\
         pid_filename {folder}/pid\n\
         coredump_dir {folder}\n\
         via off\n\
         forwarded_for delete\n\
         max_filedescriptors 16384\n\
         client_idle_pconn_timeout 300 seconds\n\
         shutdown_lifetime 0 seconds\n",
        ca = pki.ca.display(),
        key = pki.ca_key.display(),
        certificates = certificates.display(),
    );
    let settings = setting.write("squid.conf", &text)?;
    let process = setting.start(&["-N", "-f", &settings.display().to_string()], &[])?;
    let authority = format!("localhost:{}", setting.stage.origin.port());
    let intercepted = Target {
        address,
        tunnel: Some(authority.clone()),
        tls: Some("localhost".to_owned()),
        host: authority,
        azure: true,
    };
    Ok(Running { process: Some(process), intercepted, reverse: None, maps: true })
}
