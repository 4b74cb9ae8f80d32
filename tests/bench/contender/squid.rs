//! squid with `ssl_bump`, where its build has it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use super::{Running, Setting, free_port};
use crate::target::Target;

/// Debian's number of nobody and of its group.
const NOBODY: u32 = 65_534;

/// Whether the squid that is installed was built with OpenSSL.
pub(super) fn can_bump() -> bool {
    let version = Command::new("squid").arg("-v").output();
    version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("--with-openssl"))
}

/// squid does not run as root: what it writes to belongs to nobody then, and what leads there can be passed.
fn give_away(folder: &Path) -> anyhow::Result<()> {
    if is_root(folder)? {
        fs::set_permissions(folder.parent().unwrap_or(folder), fs::Permissions::from_mode(0o711))?;
        chown(folder, Some(NOBODY), Some(NOBODY))?;
    }
    Ok(())
}

/// Arguments of setpriv.
fn as_whom(folder: &Path) -> anyhow::Result<Vec<String>> {
    Ok(match fs::metadata(folder)?.uid() {
        NOBODY => vec![format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()],
        _ => Vec::new(),
    })
}

fn is_root(folder: &Path) -> std::io::Result<bool> {
    // The folder was made by us.
    Ok(fs::metadata(folder)?.uid() == 0)
}

/// One process, no cache, no log. It sends on what it gets: the client means the origin itself.
///
/// Started by root it outlives a benchmark that is killed: the kernel forgets whom it dies with when it becomes nobody.
pub(super) fn start(setting: &Setting<'_>) -> anyhow::Result<Running> {
    let address = free_port()?;
    let pki = &setting.stage.pki;
    let folder = setting.folder.display();
    let certificates = setting.folder.join("certificates");
    if !certificates.exists() {
        give_away(setting.folder)?;
        let made = Command::new("setpriv")
            .args(as_whom(setting.folder)?)
            .args(["--", "/usr/lib/squid/security_file_certgen", "-c"])
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
         cache_log {folder}/log\n\
         cache_effective_user nobody\n\
         pid_filename none\n\
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
    // The name keeps its shared memory apart from that of another squid.
    let name = format!("bench{}", address.port());
    let process = setting.start(&["-N", "-n", &name, "-f", &settings.display().to_string()], &[])?;
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
