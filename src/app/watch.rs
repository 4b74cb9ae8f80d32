//! Noticing that files were changed, by looking at them every few seconds.
//!
//! Looking finds what notifications miss: network file systems, and the symbolic links that Kubernetes swaps.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often they are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// Files, and how they looked last.
#[derive(Debug)]
pub struct Watch(Stamps);

type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

/// What a change of a file changes. A file that cannot be looked at has none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    /// Where symbolic links lead.
    path: PathBuf,
    modified: Option<SystemTime>,
    octets: u64,
}

// === impl Watch ===

impl Watch {
    /// Takes these files as they are now for unchanged. Blocks on them.
    pub fn over(files: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(stamps(files))
    }

    /// Resolves when a file was changed, made or removed, and nothing has moved since the last look.
    ///
    /// It may be dropped at any time; a change is found again.
    pub async fn changed(&mut self) {
        let mut before = self.0.clone();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = look_at(self.0.keys().cloned()).await;
            // Whatever is just being written is looked at once more.
            if now != self.0 && now == before {
                self.0 = now;
                return;
            }
            before = now;
        }
    }

    /// Takes the files as they are now for unchanged.
    pub async fn look(&mut self) {
        self.0 = look_at(self.0.keys().cloned()).await;
    }

    /// Watches these from now on. What is known of those that were watched already stays known.
    pub async fn follow(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        let mut followed = look_at(files).await;
        for (path, stamp) in &mut followed {
            if let Some(known) = self.0.remove(path) {
                *stamp = known;
            }
        }
        self.0 = followed;
    }
}

/// Looks on a thread where a slow disk holds nothing up.
async fn look_at(files: impl IntoIterator<Item = PathBuf>) -> Stamps {
    let files: Vec<_> = files.into_iter().collect();
    // It fails only where the runtime is going away.
    tokio::task::spawn_blocking(move || stamps(files)).await.unwrap_or_default()
}

fn stamps(files: impl IntoIterator<Item = PathBuf>) -> Stamps {
    files.into_iter().map(|path| (path.clone(), stamp(&path))).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let path = fs::canonicalize(path).ok()?;
    let facts = fs::metadata(&path).ok()?;
    Some(Stamp { path, modified: facts.modified().ok(), octets: facts.len() })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tokio::time::timeout;

    use super::*;

    /// With the clock paused, as long as it takes to be sure that nothing is noticed.
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn notices_what_is_written_made_and_removed() {
        let dir = TempDir::new().unwrap();
        let [there, absent] = ["there", "absent"].map(|name| dir.path().join(name));
        fs::write(&there, "a").unwrap();
        let mut watch = Watch::over([there.clone(), absent.clone()]);
        assert!(timeout(LONG, watch.changed()).await.is_err());
        fs::write(&there, "ab").unwrap();
        timeout(LONG, watch.changed()).await.unwrap();
        fs::write(&absent, "").unwrap();
        timeout(LONG, watch.changed()).await.unwrap();
        fs::remove_file(&there).unwrap();
        timeout(LONG, watch.changed()).await.unwrap();
        assert!(timeout(LONG, watch.changed()).await.is_err());
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn notices_that_a_link_on_the_way_leads_elsewhere() {
        use std::os::unix::fs::symlink;
        let dir = TempDir::new().unwrap();
        let at = |name: &str| dir.path().join(name);
        for version in ["1", "2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("key"), "same").unwrap();
        }
        // As Kubernetes mounts a Secret: key → data/key, data → 1.
        symlink("1", at("data")).unwrap();
        symlink("data/key", at("key")).unwrap();
        let mut watch = Watch::over([at("key")]);
        symlink("2", at("new")).unwrap();
        fs::rename(at("new"), at("data")).unwrap();
        timeout(LONG, watch.changed()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn waits_until_a_file_stands_still() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("log");
        let mut watch = Watch::over([path.clone()]);
        let mut text = String::new();
        let start = tokio::time::Instant::now();
        let writing = async {
            for _ in 0..10 {
                text.push('x');
                fs::write(&path, &text).unwrap();
                tokio::time::sleep(INTERVAL / 2).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! { () = watch.changed() => {}, () = writing => {} }
        assert!(start.elapsed() > INTERVAL / 2 * 9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_between_look_and_follow_is_not_lost() {
        let dir = TempDir::new().unwrap();
        let [old, new] = ["old", "new"].map(|name| dir.path().join(name));
        let mut watch = Watch::over([old.clone()]);
        watch.look().await;
        fs::write(&old, "changed while the settings were read").unwrap();
        watch.follow([old, new]).await;
        timeout(LONG, watch.changed()).await.unwrap();
    }
}
