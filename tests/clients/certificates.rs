//! The certificates that clients are shown, before linters and before those who verify most strictly.

use std::path::{Path, PathBuf};

use azure_openai_proxy::tls::pem;

use crate::program::Program;
use crate::sdk::installed;
use crate::stage::Stage;

/// What pkilint finds by RFC 5280, and why it stays.
const BY_RFC_5280: &[(&str, &str)] = &[
    // `localhost` is the name of the proxy's own listener, which the CA has to be permitted to sign for.
    ("pkix.invalid_domain_name_syntax", "localhost"),
];

/// What it finds by the rules for public CAs, and why it stays.
const BY_BASELINE_REQUIREMENTS: &[(&str, &str)] = &[
    // People read the subject in the dialogs of their systems; no authority checked it, and none says so.
    ("cabf.serverauth.dv.common_name_attribute_present", ""),
    ("cabf.serverauth.dv.unknown_attribute_present", "2.5.4.10"),
    ("cabf.serverauth.ca.country_attribute_absent", ""),
    ("cabf.serverauth.ca.organization_name_attribute_absent", ""),
    // Nothing is published: there are no policies to name and nobody to fetch an issuer or an OCSP answer from.
    ("cabf.serverauth.subscriber.certificate_policies_extension_absent", ""),
    ("cabf.serverauth.subscriber.authority_info_access_extension_absent", ""),
    ("cabf.serverauth.ca.certificate_policies_extension_absent", ""),
    ("cabf.serverauth.ca.authority_info_access_extension_absent", ""),
    ("cabf.serverauth.ca.crl_distribution_points_extension_absent", ""),
    // Our list of revoked leaves is on this machine.
    ("cabf.internal_domain_name", "127.0.0.1"),
    ("cabf.internal_domain_name", "localhost"),
    // Schannel and others match leaves with issuers by it.
    ("cabf.serverauth.subscriber.subject_key_identifier_extension_present", ""),
    // The names are what is constrained; a directory name in a leaf means nothing to anybody.
    ("cabf.serverauth.ca.incomplete_name_constraints", "directoryName"),
    ("cabf.serverauth.ca.extended_key_usage_extension_absent", ""),
    // The root is bound more tightly than public ones, which may not be.
    ("cabf.serverauth.root_basic_constraints_pathlenconstraint_present", ""),
    ("cabf.serverauth.root.unknown_extension_present", "2.5.29.30"),
    ("cabf.serverauth.root.authority_key_identifier_extension_absent", ""),
];

/// The chain of OpenAI's host as OpenSSL is shown it: the files of the leaf, of the intermediate and of the root.
async fn chain(stage: &Stage) -> [PathBuf; 3] {
    let proxy = stage.proxy.to_string();
    let ran = Program::new("openssl", stage.folder())
        .args(["s_client", "-proxy", &proxy, "-connect", "api.openai.com:443", "-showcerts", "-CAfile"])
        .arg(&stage.ca_file)
        .run()
        .await
        .succeeded("openssl");
    let shown = pem::certificates(ran.stdout().as_bytes()).expect("certificates");
    // The leaf stands in the chain and once more behind it.
    let [leaf, intermediate] = [0, 1].map(|at| pem::encode("CERTIFICATE", &shown[at]));
    let files = ["leaf.pem", "intermediate.pem"].map(|name| stage.folder().join(name));
    for (file, text) in files.iter().zip([leaf, intermediate]) {
        std::fs::write(file, text).expect("it is written");
    }
    let [leaf, intermediate] = files;
    [leaf, intermediate, stage.ca_file.clone()]
}

/// What a linter has to say beyond these exceptions.
async fn findings(stage: &Stage, linter: &str, files: &[&Path], excepted: &[(&str, &str)]) -> Vec<String> {
    let said = Program::new(installed("venv/bin").join(linter), stage.folder())
        .args(["lint", "--severity", "WARNING"])
        .args(if linter.contains("serverauth") { &["--detect"][..] } else { &[] })
        .args(files)
        .run()
        .await;
    assert!(said.code.is_some_and(|code| (0..255).contains(&code)), "{linter}: {}", said.stderr);
    let found = said.stdout();
    let is_finding =
        |line: &&str| ["(WARNING)", "(ERROR)", "(FATAL)"].iter().any(|severity| line.contains(severity));
    let findings: Vec<_> = found.lines().map(str::trim).filter(is_finding).collect();
    assert_eq!(said.code, Some(i32::try_from(findings.len()).expect("few")), "{linter} counts: {found}");
    let is_excepted = |line: &&str| {
        let of_this_line =
            |(code, about): &&(&str, &str)| line.starts_with(&format!("{code} ")) && line.contains(about);
        excepted.iter().any(|exception| of_this_line(&exception))
    };
    findings.into_iter().filter(|line| !is_excepted(line)).map(str::to_owned).collect()
}

#[tokio::test]
async fn linters_find_nothing() {
    let stage = Stage::set().await;
    let [leaf, intermediate, root] = chain(&stage).await;
    for file in [&leaf, &intermediate, &root] {
        for (linter, excepted) in
            [("lint_pkix_cert", BY_RFC_5280), ("lint_cabf_serverauth_cert", BY_BASELINE_REQUIREMENTS)]
        {
            let found = findings(&stage, linter, &[file], excepted).await;
            assert!(found.is_empty(), "{linter}, {}: {found:#?}", file.display());
        }
    }
    for pair in [[&*root, &*intermediate], [&*intermediate, &*leaf]] {
        let found = findings(&stage, "lint_pkix_signer_signee_cert_chain", &pair, BY_RFC_5280).await;
        assert!(found.is_empty(), "{pair:?}: {found:#?}");
    }
}

#[tokio::test]
async fn openssl_verifies_the_chain_strictly() {
    let stage = Stage::set().await;
    let [leaf, intermediate, root] = chain(&stage).await;
    for more in [
        &["-x509_strict"][..],
        &["-x509_strict", "-purpose", "sslserver", "-verify_hostname", "api.openai.com"],
    ] {
        let verify = Program::new("openssl", stage.folder()).args(["verify"]).args(more);
        let verify = verify.arg("-CAfile").arg(&root).arg("-untrusted").arg(&intermediate).arg(&leaf);
        verify.run().await.succeeded("openssl verify");
    }
    // The test can fail: this is not its name.
    let verify = Program::new("openssl", stage.folder()).args(["verify", "-verify_hostname", "openai.com"]);
    let verify = verify.arg("-CAfile").arg(&root).arg("-untrusted").arg(&intermediate).arg(&leaf);
    assert_ne!(verify.run().await.code, Some(0));
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

#[tokio::test]
async fn python_verifies_strictly() {
    let stage = Stage::set().await;
    let ran = Program::new(installed("venv/bin/python"), stage.folder())
        .arg(script("strict.py"))
        .args([stage.proxy.ip().to_string(), stage.proxy.port().to_string()])
        .arg(&stage.ca_file);
    assert_eq!(ran.run().await.succeeded("Python").stdout(), "200");
}

#[tokio::test]
async fn go_verifies_and_speaks_http_2() {
    let stage = Stage::set().await;
    let ran = Program::new(installed("venv/bin/go"), stage.folder())
        .args(["run"])
        .arg(script("strict.go"))
        .env("GOCACHE", installed("go"))
        .env("GOFLAGS", "-p=2")
        .env("GOTELEMETRY", "off")
        .env("HTTPS_PROXY", format!("http://{}", stage.proxy))
        .env("SSL_CERT_FILE", &stage.ca_file);
    assert_eq!(ran.run().await.succeeded("Go").stdout(), "HTTP/2.0 200");
}
