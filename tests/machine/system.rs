//! The system's own store, by the system's own commands: on a copy of it that only these commands see.
//!
//! A mount namespace puts the copy in the place of the store; no right is needed for that where the kernel lets users
//! make namespaces, and nothing of this machine changes.

use std::fs;
use std::process::Command;

use crate::cures::{follow, says};
use crate::stage::Stage;
use crate::trust::{on_path, skip};
use crate::user::User;

/// What `update-ca-certificates` of Debian and Alpine reads from and writes to.
const STORE: [&str; 2] = ["/usr/local/share/ca-certificates", "/etc/ssl/certs"];

/// What the doctor prescribes.
const CURE: &str = "azure-openai-proxy trust --stores system";

/// Puts the copies, which are in `$0`, in the place of the store, and becomes the command that follows. A user's `PATH`
/// may be empty.
const SCRIPT: &str = r#"for part in /usr/local/share/ca-certificates /etc/ssl/certs; do
        PATH=/usr/bin:/usr/sbin:/bin:/sbin mount --bind "$0$part" "$part"
    done
    exec "$@""#;

/// The user, on a machine whose store is a copy of this one's; or why that cannot be had.
fn with_a_store_of_their_own(user: User) -> Result<User, String> {
    if on_path("update-ca-certificates").is_none() || STORE.iter().any(|part| !fs::exists(part).unwrap()) {
        return Err("this system has no store of Debian's kind".into());
    }
    let unshare = on_path("unshare").ok_or("unshare is not installed")?;
    let machine = user.home.path().join("machine").display().to_string();
    for part in STORE {
        let copy = format!("{machine}{part}");
        fs::create_dir_all(&copy).unwrap();
        let copied = Command::new("cp").args(["-R", "-P", &format!("{part}/."), &copy]).status().unwrap();
        assert!(copied.success(), "{part} cannot be copied");
    }
    let unshare = unshare.display().to_string();
    let words = [&unshare, "--user", "--map-root-user", "--mount", "/bin/sh", "-ec", SCRIPT, &machine];
    let words: Vec<String> = words.map(str::to_owned).into();
    let tried = Command::new(&words[0]).args(&words[1..]).arg("true").output().unwrap();
    if !tried.status.success() {
        return Err(format!("no namespaces here: {}", String::from_utf8_lossy(&tried.stderr)));
    }
    Ok(user.within(words))
}

/// Whether the system trusts us: the doctor's word, and that of a client which has nothing else to go by.
async fn trusts(user: User, believes: bool) -> User {
    let path = std::env::var("PATH").unwrap();
    // With no client in sight, the doctor looks at the stores and is done.
    let user = user.with("PATH", "");
    let [found, _, cure] = says(&user, "system store").await;
    let expected = if believes { ("right", "") } else { ("remark", CURE) };
    assert_eq!((&*found, &*cure), expected);
    let user = user.with("PATH", path);
    let page = user.shell("sh", "curl -sS https://api.openai.com/.well-known/azure-openai-proxy").await;
    assert_eq!(page.code == Some(0), believes, "{page:?}");
    user
}

#[tokio::test]
async fn what_the_doctor_says_of_the_systems_store_is_true_before_and_after_its_cure() {
    let stage = Stage::set().await;
    let user = User::of_proxy(&stage).with("https_proxy", format!("http://{}", stage.proxy));
    let user = match with_a_store_of_their_own(user) {
        Ok(user) => user,
        Err(why) => return skip(&why),
    };
    let user = trusts(user, false).await;
    follow(&user, CURE).await;
    let user = trusts(user, true).await;
    for (verb, outcome) in [("trust", "already there"), ("untrust", "done"), ("untrust", "not there")] {
        let ran = user.run(&[verb, "--stores", "system"]).await;
        assert!(ran.code == Some(0) && ran.stdout.contains(outcome), "{ran:?}");
    }
    trusts(user, false).await;
}
