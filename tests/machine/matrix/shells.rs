//! What `env` writes, read by the shells themselves: those of Debian where they are installed, cmd by Wine, Nushell from
//! npm.

use std::path::Path;

use crate::find;
use crate::stage::Stage;
use crate::user::{Said, User, end, program};

/// A shell, how it reads the variables, asks for our page and gives the variables back.
struct Shell {
    name: &'static str,
    dialect: &'static str,
    /// `ENV` is the command that prints them.
    script: &'static str,
}

const POSIX: &str =
    r#"set -eu; eval "$(ENV)"; curl -sS PAGE; eval "$(ENV --unset)"; echo "[${https_proxy-gone}]""#;

const SHELLS: &[Shell] = &[
    Shell { name: "sh", dialect: "sh", script: POSIX },
    Shell { name: "bash", dialect: "bash", script: POSIX },
    Shell { name: "dash", dialect: "sh", script: POSIX },
    Shell { name: "zsh", dialect: "zsh", script: POSIX },
    Shell {
        name: "fish",
        dialect: "fish",
        script: r#"ENV | source; curl -sS PAGE; ENV --unset | source; set -q https_proxy; or echo "[gone]""#,
    },
    // It reads a whole script before it runs any of it, so that the file has to be there: another Nushell writes it.
    Shell {
        name: "node/node_modules/.bin/nu",
        dialect: "nu",
        script: r#"ENV | save set.nu
                   ^$nu.current-exe --no-config-file --commands 'source set.nu; ^curl -sS PAGE; ENV --unset | save unset.nu'
                   ^$nu.current-exe --no-config-file --commands 'source set.nu; source unset.nu; print $"[($env.https_proxy? | default gone)]"'"#,
    },
    Shell {
        name: "pwsh",
        dialect: "pwsh",
        script:
            "ENV | Out-String | Invoke-Expression; curl -sS PAGE; ENV --unset | Out-String | Invoke-Expression
                 if (-not $env:https_proxy) { '[gone]' }",
    },
    // Wine's cmd, which hands its variables on to programs of this system. It reads files only, so that a shell has to
    // write them.
    Shell {
        name: "wine",
        dialect: "cmd",
        script: r#"set -eu; export WINEPREFIX="$HOME/wine" WINEDEBUG=-all
                   wineboot --init >wine.log 2>&1
                   mkfifo page undo
                   ENV >set.bat
                   cat >ask.bat <<'END'
@call set.bat
@start /b /unix /bin/sh -c "curl -sS PAGE >$HOME/page; ENV --unset >$HOME/undo"
END
                   wine cmd /c ask.bat
                   cat page; cat undo >unset.bat
                   cat >undo.bat <<'END'
@call set.bat
@call unset.bat
@if not defined https_proxy echo [gone]
END
                   wine cmd /c undo.bat | tr -d '\r'
                   wineserver --kill >>wine.log 2>&1"#,
    },
];

#[tokio::test]
async fn every_shell_reads_its_variables_and_gives_them_back() {
    let stage = Stage::set().await;
    for shell in SHELLS {
        let Some(path) = find(shell.name) else {
            assert!(!shell.name.contains('/'), "{} is not installed; scripts/test does that", shell.name);
            eprintln!("skipped: {} is not installed", shell.name);
            continue;
        };
        let said = shell.run(&stage, &path).await;
        assert!(said.code == Some(0) && said.stderr.is_empty(), "{}: {said:?}", shell.name);
        assert!(said.stdout.contains("\"intercepted\":true"), "{}: {said:?}", shell.name);
        assert!(said.stdout.ends_with("[gone]\n"), "{}: {said:?}", shell.name);
    }
}

// === impl Shell ===

impl Shell {
    async fn run(&self, stage: &Stage, path: &Path) -> Said {
        let user = User::of_proxy(stage);
        let print = format!("{} env --shell {}", program().display(), self.dialect);
        let script = self.script.replace("ENV", &print).replace("PAGE", crate::PAGE);
        let reader = if self.dialect == "cmd" { Path::new("/bin/sh") } else { path };
        end(user.command(reader, &["-c", &script])).await
    }
}
