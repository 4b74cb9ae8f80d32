use super::*;
use crate::tls::ca::{Authority, Purpose};

fn modified(path: &str) -> std::time::SystemTime {
    std::fs::metadata(path).unwrap().modified().unwrap()
}

#[tokio::test]
async fn files_are_made_anew_only_when_what_they_are_made_of_changed() {
    let certs = tempfile::tempdir().unwrap();
    Authority::create(certs.path(), &Purpose::for_names(["openai.com"])).unwrap();
    let user = Environment::default();
    let (files, _) = Files::prepare(certs.path(), &user, Extras::default()).await.unwrap();
    let written = modified(&files.bundle());
    Files::prepare(certs.path(), &user, Extras::default()).await.unwrap();
    assert_eq!(modified(&files.bundle()), written);
    let renewed = Authority::replace(certs.path(), &Purpose::for_names(["openai.com"])).unwrap();
    Files::prepare(certs.path(), &user, Extras::default()).await.unwrap();
    assert!(std::fs::read_to_string(files.bundle()).unwrap().ends_with(&renewed.root_pem()));
}

#[tokio::test]
async fn without_a_root_nothing_is_written() {
    let certs = tempfile::tempdir().unwrap();
    let prepared = Files::prepare(certs.path(), &Environment::default(), Extras::default()).await;
    assert!(matches!(prepared, Err(FilesError::Root { .. })));
    assert_eq!(std::fs::read_dir(certs.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_wgetrc_of_the_users_is_left_alone() {
    let certs = tempfile::tempdir().unwrap();
    Authority::create(certs.path(), &Purpose::for_names(["openai.com"])).unwrap();
    let home = tempfile::tempdir().unwrap();
    let own = home.path().join(".wgetrc");
    std::fs::write(&own, "http_password = secret").unwrap();
    let user = Environment::new([("HOME", home.path()), ("USERPROFILE", home.path())]);
    let (files, notes) = Files::prepare(certs.path(), &user, Extras::default()).await.unwrap();
    assert_eq!((files.wgetrc(), notes.contains(&Note::OwnWgetrc(own, files.bundle()))), (None, true));
    let ours = Environment::new([("WGETRC", certs.path().join("wgetrc"))]);
    assert!(Files::prepare(certs.path(), &ours, Extras::default()).await.unwrap().0.wgetrc().is_some());
}
