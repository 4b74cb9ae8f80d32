//! What is made of the definition of the command line: completions for shells, and manual pages.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::Cli;

const NAME: &str = env!("CARGO_PKG_NAME");

/// The script that has a shell complete this program's arguments.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    script
}

/// The program's manual page, in roff.
pub fn manual() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page)?;
    Ok(page)
}

/// Writes that page and one for each command into `dir`, as `NAME.1` and `NAME-COMMAND.1`.
pub fn manuals(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Cli::command(), dir)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_has_a_script_that_knows_the_commands_and_settings() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(completions(*shell)).unwrap();
            for word in ["explain", "upstream-ca-file", "completions"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn bash_reads_its_script() {
        // Longer than an argument may be.
        let script = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&script, completions(Shell::Bash)).unwrap();
        let ask = "f=$(complete -p azure-openai-proxy | sed 's/.*-F //;s/ .*//'); COMP_WORDS=(azure-openai-proxy exp)\n\
                   COMP_CWORD=1; $f azure-openai-proxy exp azure-openai-proxy; echo \"${COMPREPLY[*]}\"";
        let line = format!(". \"$0\"\n{ask}");
        let said = std::process::Command::new("bash")
            .args(["--norc", "-c", &line])
            .arg(script.path())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "explain", "{said:?}");
    }

    #[test]
    fn each_command_has_a_page() {
        let page = String::from_utf8(manual().unwrap()).unwrap();
        assert!(page.contains(".TH azure-openai-proxy 1") && page.contains("Exit codes"), "{page}");
        let dir = tempfile::tempdir().unwrap();
        manuals(&dir.path().join("man1")).unwrap();
        for name in ["azure-openai-proxy.1", "azure-openai-proxy-explain.1", "azure-openai-proxy-ca-init.1"] {
            assert!(dir.path().join("man1").join(name).exists(), "{name}");
        }
    }
}
