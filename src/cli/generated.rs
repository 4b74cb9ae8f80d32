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
    match (shell, String::from_utf8(script)) {
        // The crate (4.6.11) takes the dashes of the name for spaces, but only in half of what it writes for bash.
        (Shell::Bash, Ok(script)) => {
            script.replace(&NAME.replace('-', "__subcmd__"), &NAME.replace('-', "__")).into_bytes()
        }
        (_, Ok(script)) => script.into_bytes(),
        (_, Err(error)) => error.into_bytes(),
    }
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
        let ask = ". \"$0\"; f=$(complete -p azure-openai-proxy | sed 's/.*-F //;s/ .*//')\n\
                   COMP_WORDS=(azure-openai-proxy \"$@\"); COMP_CWORD=$#\n\
                   $f azure-openai-proxy \"${!#}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; echo \"${COMPREPLY[*]}\"";
        for (words, completed) in
            [(&["exp"][..], "explain"), (&["ca", "i"], "init"), (&["env", "--shell", "fi"], "fish")]
        {
            let mut bash = std::process::Command::new("bash");
            bash.args(["--norc", "-c", ask]).arg(script.path()).args(words);
            let said = bash.output().unwrap();
            assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), completed, "{said:?}");
        }
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
