//! The program as it was called, for a cure to call it again.

use super::finding::Cure;
use crate::cli::Flags;
use crate::config::flags::written;
use crate::machine::shell::word;

/// The flags behind a command of ours: without them, it would have other settings than those that were looked at.
#[derive(Clone, Debug)]
pub struct Again(String);

impl Again {
    /// With these flags.
    pub fn with(flags: &Flags) -> Self {
        Self(written(flags).map(|(flag, value)| format!(" {}", word(&format!("{flag}={value}")))).collect())
    }

    /// A command of ours; the words are empty for the proxy itself.
    pub fn command(&self, words: &str) -> String {
        let words = if words.is_empty() { words.to_owned() } else { format!(" {words}") };
        format!("azure-openai-proxy{words}{}", self.0)
    }

    /// To run it.
    pub fn cure(&self, words: &str) -> Cure {
        Cure::Run(self.command(words))
    }

    /// The one line that sets all variables in a shell.
    pub fn set_all(&self) -> Cure {
        Cure::Run(format!("eval \"$({})\"", self.command("env")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_the_flags_that_were_given() {
        assert_eq!(Again::with(&Flags::default()).command("ca init"), "azure-openai-proxy ca init");
        let flags = Flags {
            listen: vec!["9000".into(), "9001".into()],
            certs: Some("/it's here".into()),
            allow_anonymous: Some("true".into()),
            config: Some("a.toml".into()),
            ..Flags::default()
        };
        assert_eq!(
            Again::with(&flags).command(""),
            r"azure-openai-proxy --config=a.toml --listen=9000,9001 '--certs=/it'\''s here' --allow-anonymous=true"
        );
    }
}
