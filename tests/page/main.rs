//! The page in a real browser: headless Chromium, driven by `page.mjs`, in front of a proxy with its simulator.
//!
//! Needs node, `playwright-core` in `target/clients/page` and Chromium in `/usr/bin` or where `CHROMIUM` says.
//! `scripts/test` sees to that. Screenshots are left in `target/page`.

#[path = "../support/stage.rs"]
#[expect(dead_code, reason = "other tests look behind the stage, this one at its front")]
mod stage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use stage::{Stage, Wishes};

/// Longest run of the browser.
const DEADLINE: Duration = Duration::from_secs(180);

/// Long enough that a stream is seen under way.
const PACE: Duration = Duration::from_millis(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_page_works_in_a_browser() {
    let stage =
        Stage::with(Wishes { resource: Some(|simulator| simulator.pace = PACE), ..Wishes::default() });
    let stage = stage.await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shots = root.join("target/page");
    std::fs::create_dir_all(&shots).unwrap();
    // Modules are looked for beside the script.
    let script = root.join("target/clients/page/page.mjs");
    std::fs::copy(root.join("tests/page/page.mjs"), &script).unwrap();
    let browser =
        std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    let run = Command::new("node")
        .arg(script)
        .args([&format!("http://{}", stage.proxy), &stage.key])
        .args([&shots, &browser])
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(DEADLINE, run).await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
