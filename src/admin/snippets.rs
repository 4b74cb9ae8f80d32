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

/// Sets variables in a shell's own way.
struct Lines {
    shell: Shell,
    text: String,
}

/// The variables for tools that take a proxy. The CA's file is `ca`.
///
/// `placeholder`: the proxy holds the key, and tools need some text to send in its place.
pub(super) fn as_proxy(shell: Shell, authority: &str, ca: &str, placeholder: bool) -> String {
    Lines::of(shell)
        .set("https_proxy", &format!("http://{authority}"))
        .set("SSL_CERT_FILE", ca)
        .set("REQUESTS_CA_BUNDLE", ca)
        .set("NODE_EXTRA_CA_CERTS", ca)
        .set("NODE_USE_ENV_PROXY", "1")
        .key(placeholder)
}

/// The variables for tools that take a base URL.
pub(super) fn as_base_url(shell: Shell, authority: &str, placeholder: bool) -> String {
    Lines::of(shell).set("OPENAI_BASE_URL", &format!("http://{authority}/v1")).key(placeholder)
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

    fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}={}", quoted(value, &[("'", r"'\''")])),
            Self::Fish => format!("set -gx {name} {}", quoted(value, &[("\\", r"\\"), ("'", r"\'")])),
            Self::Pwsh => format!("$env:{name} = '{}'", value.replace('\'', "''")),
            // There is no way to write a percent sign; no path of ours has one.
            Self::Cmd => format!("set \"{name}={value}\""),
        }
    }
}

/// A value in single quotes, where it has anything in it that a shell might read otherwise.
fn quoted(value: &str, escapes: &[(&str, &str)]) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/:._-".contains(c);
    if !value.is_empty() && value.chars().all(harmless) {
        return value.to_owned();
    }
    let escaped = escapes.iter().fold(value.to_owned(), |text, (from, to)| text.replace(from, to));
    format!("'{escaped}'")
}

// === impl Lines ===

impl Lines {
    fn of(shell: Shell) -> Self {
        Self { shell, text: String::new() }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.text.push_str(&self.shell.set(name, value));
        self.text.push('\n');
        self
    }

    fn key(self, placeholder: bool) -> String {
        if placeholder { self.set("OPENAI_API_KEY", "unused").text } else { self.text }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn each_shell_sets_a_variable_in_its_own_way() {
        for (shell, plain, odd) in [
            (Shell::Sh, "export X=/a/b-1.pem", r"export X='/it'\''s \here'"),
            (Shell::Fish, "set -gx X /a/b-1.pem", r"set -gx X '/it\'s \\here'"),
            (Shell::Pwsh, "$env:X = '/a/b-1.pem'", r"$env:X = '/it''s \here'"),
            (Shell::Cmd, r#"set "X=/a/b-1.pem""#, r#"set "X=/it's \here""#),
        ] {
            assert_eq!(shell.set("X", "/a/b-1.pem"), plain);
            assert_eq!(shell.set("X", r"/it's \here"), odd);
        }
    }

    #[test]
    fn a_shell_reads_what_was_meant() {
        let odd = "/ö $(exit 3) `x` 'it''s' \"q\" \\n %HOME% *;#&|";
        let script = as_proxy(Shell::Sh, "[::1]:8080", odd, true)
            + r#"printf '%s\n' "$https_proxy" "$SSL_CERT_FILE" "$OPENAI_API_KEY""#;
        let said = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), format!("http://[::1]:8080\n{odd}\nunused\n"));
    }

    #[test]
    fn a_key_is_set_only_where_the_proxy_holds_one() {
        for placeholder in [true, false] {
            for text in
                [as_proxy(Shell::Sh, "a:1", "/ca", placeholder), as_base_url(Shell::Sh, "a:1", placeholder)]
            {
                assert_eq!(text.contains("OPENAI_API_KEY"), placeholder, "{text}");
            }
        }
    }
}
