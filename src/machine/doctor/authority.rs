//! The CA: whether it can be used, and what would find its lists.

use std::net::SocketAddr;

use super::again::Again;
use super::finding::{Cure, Finding, Fix};
use super::{RENEW, SOON};
use crate::app::{self, StartError};
use crate::config::Config;
use crate::error::chain;
use crate::tls::ca::{Authority, CaError, FileError};

/// What is to be said of it.
pub(super) fn look(config: &Config, again: &Again) -> Vec<Finding> {
    const NAME: &str = "CA";
    let authority = match Authority::load(&config.certs) {
        Ok(authority) => authority,
        Err(CaError::Foreign { path }) => {
            let says = format!("{} is the root of a proxy of another user", path.display());
            return vec![Finding::right(NAME, &says)];
        }
        Err(error) => return vec![Finding::wrong(NAME, &chain(&error), cure_of_ca(&error, again))],
    };
    let mut findings = Vec::new();
    let until = authority.not_after();
    let says =
        format!("valid until {}, for {} and below only", until.date(), authority.permitted().join(", "));
    if until - time::OffsetDateTime::now_utc() < SOON {
        findings.push(Finding::remark(NAME, &says, Some(again.cure(RENEW))));
    } else {
        findings.push(Finding::right(NAME, &says));
    }
    if let Err(error) = app::check(config) {
        let cure = matches!(error, StartError::NotCovered { .. }).then(|| again.cure(RENEW));
        findings.push(Finding::wrong(NAME, &chain(&error), cure));
    }
    findings
}

/// Windows' own TLS asks of every certificate whether it is revoked, and without an answer it refuses.
pub(super) fn root_list(authority: &Authority, proxy: SocketAddr, again: &Again) -> Option<Finding> {
    let says = match authority.root_crl_url() {
        Some(url) if url.starts_with(&format!("http://{proxy}/")) => return None,
        Some(url) => format!("its list of what is revoked is at {url}, where this proxy does not listen"),
        None => "names no list of what is revoked".to_owned(),
    };
    let cure = Cure::Run(format!("{}, then {}", again.command(RENEW), again.command("trust")));
    Some(Finding::remark("CA", &format!("{says}: Windows' curl and git refuse what it signs"), Some(cure)))
}

fn cure_of_ca(error: &CaError, again: &Again) -> Option<Cure> {
    Some(match error {
        CaError::Absent { .. } => Cure::Fix(Fix::MakeCa(again.command("ca init"))),
        CaError::File(FileError::KeyExposed { path, .. }) => Cure::Fix(Fix::Private(path.clone(), 0o600)),
        CaError::File(FileError::DirectoryExposed { path, .. }) => {
            Cure::Fix(Fix::Private(path.clone(), 0o700))
        }
        CaError::Unusable { .. } => again.cure(RENEW),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Flags;
    use crate::tls::ca::Purpose;

    #[test]
    fn a_list_that_windows_would_not_find_is_worth_a_word() {
        let dir = tempfile::tempdir().unwrap();
        for (url, word) in [
            (Some("http://127.0.0.1:8080/root.crl"), None),
            (Some("http://127.0.0.1:80/root.crl"), Some("at http://127.0.0.1:80/root.crl")),
            (None, Some("no list")),
        ] {
            let purpose =
                Purpose { root_crl_url: url.map(str::to_owned), ..Purpose::for_names(["openai.com"]) };
            let authority = Authority::replace(dir.path(), &purpose).unwrap();
            let found =
                root_list(&authority, "127.0.0.1:8080".parse().unwrap(), &Again::with(&Flags::default()));
            assert_eq!(found.is_some(), word.is_some(), "{url:?}");
            assert!(found.is_none_or(|found| found.says.contains(word.unwrap())), "{url:?}");
        }
    }
}
