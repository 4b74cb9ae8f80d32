use std::sync::Barrier;
use std::thread;

use super::*;
use crate::tls::ca::{Authority, Purpose};
use crate::tls::pem;

#[test]
fn what_is_created_is_what_is_loaded() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    assert!(matches!(Authority::load(&dir), Err(CaError::Absent { .. })));
    let (made, new) = Authority::load_or_create(&dir, &Purpose::for_names(["openai.com"])).unwrap();
    assert!(new);
    let (found, new) = Authority::load_or_create(&dir, &Purpose::for_names(["other.example"])).unwrap();
    assert!(!new);
    let again = Authority::load(&dir).unwrap();
    for loaded in [&found, &again] {
        assert_eq!(loaded.fingerprint(), made.fingerprint());
        assert_eq!(loaded.intermediate_der(), made.intermediate_der());
        assert_eq!(loaded.permitted(), ["openai.com"]);
    }
    assert!(matches!(
        Authority::create(&dir, &Purpose::for_names(["openai.com"])),
        Err(CaError::Exists { .. })
    ));
    assert_eq!(Authority::load(&dir).unwrap().fingerprint(), made.fingerprint());
}

#[test]
fn the_file_for_people_holds_the_root_alone_and_is_kept_right() {
    let dir = tempfile::tempdir().unwrap();
    let made = Authority::create(dir.path(), &Purpose::for_names(["openai.com"])).unwrap();
    let published = dir.path().join("ca.pem");
    assert_eq!(fs::read_to_string(&published).unwrap(), made.root_pem());
    fs::write(&published, "something else").unwrap();
    assert_eq!(Authority::read(dir.path()).unwrap().fingerprint(), made.fingerprint());
    assert_eq!(fs::read_to_string(&published).unwrap(), "something else", "reading writes nothing");
    Authority::load(dir.path()).unwrap();
    assert_eq!(fs::read_to_string(&published).unwrap(), made.root_pem());
    fs::remove_file(&published).unwrap();
    Authority::load(dir.path()).unwrap();
    assert_eq!(pem::certificates(&fs::read(&published).unwrap()).unwrap(), [made.root_der().clone()]);
}

#[test]
fn replacing_takes_over_whatever_is_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("issuer.pem"), "broken").unwrap();
    let one = Authority::replace(dir.path(), &Purpose::for_names(["openai.com"])).unwrap();
    let two = Authority::replace(dir.path(), &Purpose::for_names(["localhost"])).unwrap();
    assert_ne!(one.fingerprint(), two.fingerprint());
    assert_eq!(Authority::load(dir.path()).unwrap().fingerprint(), two.fingerprint());
    assert_eq!(fs::read_to_string(dir.path().join("ca.pem")).unwrap(), two.root_pem());
}

#[test]
fn a_root_that_was_fetched_from_another_proxy_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (purpose, path) = (Purpose::for_names(["openai.com"]), dir.path().join("ca.pem"));
    let root = Authority::in_memory(&["openai.com".into()]).unwrap().root_pem();
    fs::write(&path, &root).unwrap();
    for refused in [
        Authority::load(dir.path()).map(drop),
        Authority::create(dir.path(), &purpose).map(drop),
        Authority::load_or_create(dir.path(), &purpose).map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, CaError::Foreign { path: found } if *found == path), "{error}");
        assert!(error.to_string().contains("azure-openai-proxy ca init --replace"), "{error}");
    }
    assert_eq!(crate::tls::ca::root_pem(dir.path()).unwrap(), root);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was written");
    let replaced = Authority::replace(dir.path(), &purpose).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), replaced.root_pem());
    // What is no root at all is nobody's loss.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ca.pem"), "404 page not found").unwrap();
    Authority::create(dir.path(), &purpose).unwrap();
}

#[test]
fn where_there_is_no_place_for_it_another_one_can_be_named() {
    // Whoever runs this may be root, for whom a file in the way is one of few obstacles.
    let parent = tempfile::tempdir().unwrap();
    let home = parent.path().join("home");
    fs::write(&home, "").unwrap();
    let dir = home.join(".local/share/azure-openai-proxy");
    let error = make_directory(&dir).unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with(&format!("cannot create {}, which is where the CA is kept", dir.display())));
    assert!(told.contains("--certs (AZURE_OPENAI_PROXY_CERTS)"), "{told}");
    assert!(std::error::Error::source(&error).is_some());
    let error = publish(&parent.path().join("absent"), "ca.pem", "").unwrap_err();
    assert!(error.to_string().starts_with("cannot write into "), "{error}");
}

#[test]
fn of_many_that_create_at_once_one_wins_and_all_agree() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("ca");
    let start = Barrier::new(8);
    let made: Vec<_> = thread::scope(|scope| {
        let create = || {
            start.wait();
            Authority::load_or_create(&dir, &Purpose::for_names(["openai.com"])).unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made.iter().filter(|(_, new)| *new).count(), 1);
    assert!(made.iter().all(|(authority, _)| authority.fingerprint() == made[0].0.fingerprint()));
    let mut left: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["ca.pem", "issuer.pem"]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;
    use crate::tls::testing::rerun;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn files_have_their_modes() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("ca");
        for make in [Authority::create, Authority::replace] {
            make(&dir, &Purpose::for_names(["openai.com"])).unwrap();
            assert_eq!(mode(&dir), 0o700);
            assert_eq!(mode(&dir.join("issuer.pem")), 0o600);
            assert_eq!(mode(&dir.join("ca.pem")), 0o644);
        }
    }

    #[test]
    fn files_have_their_modes_whatever_the_umask() {
        for umask in ["umask 000", "umask 077"] {
            rerun("tls::ca::files::tests::unix::files_have_their_modes", umask, &[]);
        }
    }

    #[test]
    fn a_key_that_others_can_use_is_refused_with_the_command_that_helps() {
        let dir = tempfile::tempdir().unwrap();
        Authority::create(dir.path(), &Purpose::for_names(["openai.com"])).unwrap();
        let key = dir.path().join("issuer.pem");
        for bad in [0o644, 0o640, 0o604, 0o620, 0o610] {
            set_mode(&key, bad);
            let error =
                Authority::load_or_create(dir.path(), &Purpose::for_names(["openai.com"])).unwrap_err();
            assert!(
                matches!(error, CaError::File(FileError::KeyExposed { mode, .. }) if mode == bad),
                "{error}"
            );
            assert!(error.to_string().contains(&format!("chmod 600 '{}'", key.display())), "{error}");
        }
        set_mode(&key, 0o400);
        Authority::load(dir.path()).unwrap();
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for bad in [0o777, 0o1777, 0o770, 0o702] {
            set_mode(dir.path(), bad);
            let error = Authority::load(dir.path()).unwrap_err();
            assert!(matches!(error, CaError::File(FileError::DirectoryExposed { .. })), "{bad:o}: {error}");
            let error =
                Authority::load_or_create(dir.path(), &Purpose::for_names(["openai.com"])).unwrap_err();
            assert!(matches!(error, CaError::File(FileError::DirectoryExposed { .. })), "{bad:o}: {error}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was written");
        set_mode(dir.path(), 0o755);
        Authority::create(dir.path(), &Purpose::for_names(["openai.com"])).unwrap();
        set_mode(dir.path(), 0o777);
        assert!(matches!(
            Authority::load(dir.path()),
            Err(CaError::File(FileError::DirectoryExposed { .. }))
        ));
    }

    #[test]
    fn only_a_regular_file_is_read_and_nothing_is_written_through_a_link() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Authority::create(elsewhere.path(), &Purpose::for_names(["openai.com"])).unwrap();
        let key = dir.path().join("issuer.pem");
        symlink(elsewhere.path().join("issuer.pem"), &key).unwrap();
        assert!(matches!(Authority::load(dir.path()), Err(CaError::File(FileError::NotRegular { .. }))));

        fs::remove_file(&key).unwrap();
        let target = elsewhere.path().join("absent");
        symlink(&target, &key).unwrap();
        assert!(matches!(Authority::load(dir.path()), Err(CaError::File(FileError::NotRegular { .. }))));
        let error = Authority::create(dir.path(), &Purpose::for_names(["openai.com"])).unwrap_err();
        assert!(matches!(error, CaError::Exists { .. }), "{error}");
        assert!(!target.exists());

        fs::remove_file(&key).unwrap();
        fs::create_dir(&key).unwrap();
        assert!(matches!(Authority::load(dir.path()), Err(CaError::File(FileError::NotRegular { .. }))));
    }

    #[test]
    fn a_strangers_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Authority::create(dir.path(), &Purpose::for_names(["openai.com"])).unwrap();
        let key = dir.path().join("issuer.pem");
        match chown(&key, Some(12_345), None) {
            Ok(()) => {
                let error = Authority::load(dir.path()).unwrap_err();
                assert!(
                    matches!(error, CaError::File(FileError::ForeignOwner { owner: 12_345, .. })),
                    "{error}"
                );
            }
            // Only root can give files away, and only root could read such a file.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        }
    }
}
