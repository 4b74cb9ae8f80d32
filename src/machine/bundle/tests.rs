use tempfile::TempDir;

use super::*;
use crate::tls::ca::Authority;

/// Three authorities: ours, and two whose files are not ours because an intermediate stands in them.
struct Scene {
    folder: TempDir,
    ours: Authority,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("own")).unwrap();
        Self { folder, ours: authority() }
    }

    fn own(&self) -> PathBuf {
        self.folder.path().join("own")
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn build(&self, user: &[(&str, &str)]) -> Bundle {
        build(self.ours.root_der(), &Environment::new(user.iter().copied()), &self.own())
    }
}

fn authority() -> Authority {
    Authority::in_memory(&["openai.com".into()]).unwrap()
}

/// The text of a file as others would have it: a certificate that is no root of this program.
fn foreign() -> String {
    pem::encode("CERTIFICATE", authority().intermediate_der())
}

#[test]
fn stands_in_for_the_systems_roots_and_adds_ours_at_the_end() {
    let scene = Scene::new();
    let built = scene.build(&[]);
    let system = roots::platform_certificates(false).len();
    let found = pem::certificates(built.pem.as_bytes()).unwrap();
    assert!(built.pem.ends_with(&scene.ours.root_pem()));
    assert!(found.len() <= system + 1 && built.has_others == (system > 0));
}

#[test]
fn the_users_file_replaces_the_systems_roots_and_others_add_to_it() {
    let scene = Scene::new();
    let (first, second) = (foreign(), foreign());
    let [file, extra] = [("a.pem", &first), ("b.pem", &second)].map(|(name, text)| scene.write(name, text));
    let built =
        scene.build(&[("SSL_CERT_FILE", &file), ("REQUESTS_CA_BUNDLE", &extra), ("DENO_CERT", &extra)]);
    assert_eq!(built.pem, first + &second + &scene.ours.root_pem());
}

#[test]
fn copies_certificates_only() {
    let scene = Scene::new();
    let key = pem::encode("PRIVATE KEY", b"not to be copied");
    let text = foreign();
    let file = scene.write("with-key.pem", &(key + &text));
    let built = scene.build(&[("SSL_CERT_FILE", &file)]);
    assert_eq!(built.pem, text + &scene.ours.root_pem());
}

#[test]
fn an_environment_that_we_made_is_not_the_users() {
    let scene = Scene::new();
    let usual = scene.build(&[]).pem;
    let bundle = scene.write("own/bundle.pem", &(foreign() + &scene.ours.root_pem()));
    let elsewhere = scene.write("ca.pem", &authority().root_pem());
    for file in [bundle, elsewhere] {
        let built = scene.build(&[("SSL_CERT_FILE", &file), ("CURL_CA_BUNDLE", &file)]);
        // Not assert_eq: it would print hundreds of certificates.
        assert!(built.pem == usual, "{file}");
    }
}

#[test]
fn tells_of_files_without_certificates() {
    let scene = Scene::new();
    let built = scene.build(&[("REQUESTS_CA_BUNDLE", "/does/not/exist.pem")]);
    assert_eq!(built.unreadable, [("REQUESTS_CA_BUNDLE", PathBuf::from("/does/not/exist.pem"))]);
}
