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
fn only_those_with_roots_of_their_own_have_a_file_of_their_own() {
    let scene = Scene::new();
    let [one, two] = ["a.pem", "b.pem"].map(|name| scene.write(name, &foreign()));
    let mark = |user: &[(&str, &str)]| scene.build(user).mark;
    let marks =
        [mark(&[("SSL_CERT_FILE", &one)]), mark(&[("CURL_CA_BUNDLE", &one)]), mark(&[("PIP_CERT", &two)])];
    assert_eq!(mark(&[]), "");
    assert!(marks.iter().all(|mark| mark.len() == 17), "{marks:?}");
    assert!(marks[0] != marks[1] && marks[1] != marks[2], "{marks:?}");
}

#[test]
fn a_bundle_of_ours_stands_for_what_it_was_made_of() {
    let mut scene = Scene::new();
    // Roots of this program's making may be among a user's, and it is not for us to take them out.
    let text = authority().root_pem() + &foreign();
    let [file, extra] = [text, foreign()].map(|text| scene.write(&format!("{}.pem", text.len()), &text));
    for user in [
        &[("SSL_CERT_FILE", &*file), ("NODE_EXTRA_CA_CERTS", &*extra)][..],
        &[("REQUESTS_CA_BUNDLE", &*file)],
        &[("SSL_CERT_DIR", scene.folder.path().to_str().unwrap())],
        &[],
    ] {
        let once = scene.build(user);
        let bundle = scene.write(&format!("own/bundle{}.pem", once.mark), &once.pem);
        let ca = scene.write("own/ca.pem", &scene.ours.root_pem());
        // The one that is at the end by then is not of use any more.
        let renewed = authority();
        let expected = once.pem.replace(&scene.ours.root_pem(), &renewed.root_pem());
        scene.ours = renewed;
        let again = scene.build(&[("SSL_CERT_FILE", &bundle), ("PIP_CERT", &bundle), ("DENO_CERT", &ca)]);
        // Not assert_eq: it would print hundreds of certificates.
        assert!(again.pem == expected, "{user:?}");
        assert_eq!(again.mark, once.mark, "{user:?}");
    }
}

#[test]
fn roots_of_this_program_alone_are_not_the_users() {
    let scene = Scene::new();
    let usual = scene.build(&[]).pem;
    let elsewhere = scene.write("ca.pem", &authority().root_pem());
    let built = scene.build(&[("SSL_CERT_FILE", &elsewhere), ("CURL_CA_BUNDLE", &elsewhere)]);
    assert!(built.pem == usual && built.mark.is_empty());
}

#[test]
fn tells_of_files_without_certificates() {
    let scene = Scene::new();
    let built = scene.build(&[("REQUESTS_CA_BUNDLE", "/does/not/exist.pem")]);
    assert_eq!(built.unreadable, [("REQUESTS_CA_BUNDLE", PathBuf::from("/does/not/exist.pem"))]);
}
