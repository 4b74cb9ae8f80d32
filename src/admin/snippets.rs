//! What a person types into a shell to have tools go through the proxy.

/// A shell, and how it sets variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shell {
    /// POSIX shells.
    Sh,
    Fish,
    /// PowerShell.
    Pwsh,
    /// Windows' command prompt.
    Cmd,
}

/// Has all tools that this shell starts go through the proxy. `flags` lead to this very proxy.
///
/// `placeholder`: the proxy holds the key, and tools need some text to send in its place.
pub(super) fn as_proxy(shell: Shell, flags: &[String], placeholder: bool) -> String {
    let flags: String = flags.iter().map(|flag| format!(" {}", shell.quoted(flag))).collect();
    let line = match shell {
        Shell::Sh => format!("eval \"$(azure-openai-proxy env{flags})\""),
        Shell::Fish => format!("azure-openai-proxy env --shell fish{flags} | source"),
        Shell::Pwsh => {
            format!("azure-openai-proxy env --shell pwsh{flags} | Out-String | Invoke-Expression")
        }
        Shell::Cmd => format!("azure-openai-proxy env --shell cmd{flags} > env.cmd\ncall env.cmd"),
    };
    format!("{line}\n{}", key(shell, placeholder))
}

/// Has one tool go through the proxy.
pub(super) fn for_one(shell: Shell, flags: &[String]) -> String {
    let flags: String = flags.iter().map(|flag| format!(" {}", shell.quoted(flag))).collect();
    format!("azure-openai-proxy exec{flags} -- codex\n")
}

/// The variables for tools that take a base URL.
pub(super) fn as_base_url(shell: Shell, authority: &str, placeholder: bool) -> String {
    let url = shell.set("OPENAI_BASE_URL", &format!("http://{authority}/v1"));
    format!("{url}\n{}", key(shell, placeholder))
}

fn key(shell: Shell, placeholder: bool) -> String {
    if placeholder { shell.set("OPENAI_API_KEY", "unused") + "\n" } else { String::new() }
}

// === impl Shell ===

impl Shell {
    pub(super) const ALL: [Self; 4] = [Self::Sh, Self::Fish, Self::Pwsh, Self::Cmd];

    /// Its name in the page's markup.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Sh => "sh",
            Self::Fish => "fish",
            Self::Pwsh => "powershell",
            Self::Cmd => "cmd",
        }
    }

    /// Its name for people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Sh => "sh, bash, zsh",
            Self::Fish => "fish",
            Self::Pwsh => "PowerShell",
            Self::Cmd => "cmd",
        }
    }

    /// Sets a variable to a text that no shell reads otherwise.
    fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}={value}"),
            Self::Fish => format!("set -gx {name} {value}"),
            Self::Pwsh => format!("$env:{name} = '{value}'"),
            Self::Cmd => format!("set \"{name}={value}\""),
        }
    }

    /// One argument, in quotes where it has anything in it that the shell might read otherwise.
    fn quoted(self, argument: &str) -> String {
        let harmless = |c: char| c.is_ascii_alphanumeric() || "/:._-".contains(c);
        if !argument.is_empty() && argument.chars().all(harmless) {
            return argument.to_owned();
        }
        match self {
            Self::Sh => format!("'{}'", argument.replace('\'', r"'\''")),
            Self::Fish => format!("'{}'", argument.replace('\\', r"\\").replace('\'', r"\'")),
            Self::Pwsh => format!("'{}'", argument.replace('\'', "''")),
            // No path on Windows has a double quote in it.
            Self::Cmd => format!("\"{argument}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const ALL: [Shell; 4] = Shell::ALL;

    #[test]
    fn each_shell_gets_lines_of_its_own() {
        let flags = ["--certs".to_owned(), r"/it's \here".to_owned()];
        let lines = ALL.map(|shell| as_proxy(shell, &flags, false));
        assert_eq!(
            lines,
            [
                "eval \"$(azure-openai-proxy env --certs '/it'\\''s \\here')\"\n",
                "azure-openai-proxy env --shell fish --certs '/it\\'s \\\\here' | source\n",
                "azure-openai-proxy env --shell pwsh --certs '/it''s \\here' | Out-String | Invoke-Expression\n",
                "azure-openai-proxy env --shell cmd --certs \"/it's \\here\" > env.cmd\ncall env.cmd\n",
            ]
        );
        let lines = ALL.map(|shell| as_base_url(shell, "[::1]:80", true));
        assert_eq!(
            lines,
            [
                "export OPENAI_BASE_URL=http://[::1]:80/v1\nexport OPENAI_API_KEY=unused\n",
                "set -gx OPENAI_BASE_URL http://[::1]:80/v1\nset -gx OPENAI_API_KEY unused\n",
                "$env:OPENAI_BASE_URL = 'http://[::1]:80/v1'\n$env:OPENAI_API_KEY = 'unused'\n",
                "set \"OPENAI_BASE_URL=http://[::1]:80/v1\"\nset \"OPENAI_API_KEY=unused\"\n",
            ]
        );
    }

    #[test]
    fn a_shell_hands_on_what_was_meant() {
        let odd = "/ö $(exit 3) `x` 'it''s' \"q\" \\n %HOME% *;#&|";
        let line = for_one(Shell::Sh, &["--certs".into(), odd.into()]);
        let script = line.replace("azure-openai-proxy", r"printf '%s\n'");
        let said = Command::new("sh").args(["-c", &script]).output();
        let said = String::from_utf8(said.unwrap().stdout).unwrap();
        assert_eq!(said, format!("exec\n--certs\n{odd}\n--\ncodex\n"));
    }

    #[test]
    fn a_key_is_set_only_where_the_proxy_holds_one() {
        for (shell, placeholder) in ALL.into_iter().flat_map(|shell| [(shell, true), (shell, false)]) {
            for text in [as_proxy(shell, &[], placeholder), as_base_url(shell, "a:1", placeholder)] {
                assert_eq!(text.contains("OPENAI_API_KEY"), placeholder, "{text}");
            }
        }
    }
}
