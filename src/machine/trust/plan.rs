//! What to do in a store, decided from what was found there: nothing here touches the machine.

use std::fmt;
use std::path::{Path, PathBuf};

use super::host::Root;
use super::{Place, Way, Wish};
use crate::machine::java;

/// What to do in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing: it is as wished.
    Nothing,
    /// Nothing: it cannot be as wished.
    Skip(String),
    /// These steps, one after the other.
    Do(Vec<Step>),
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put the root's certificate into a file that everybody can read.
    Install {
        /// The root's own file.
        from: PathBuf,
        /// The file to write.
        to: PathBuf,
    },
    /// Remove a file.
    Remove(PathBuf),
    /// Run a program.
    Run {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
        /// A file that it changes: without the right to that there is no use in running it.
        changes: Option<PathBuf>,
    },
}

/// The steps that make the wish true in a place.
pub fn plan(place: &Place, wish: Wish, root: &Root) -> Plan {
    let done = match wish {
        Wish::Trust => place.holds.effective,
        Wish::Untrust => place.holds.ours.is_empty() && !place.holds.effective,
    };
    match &place.way {
        Way::Closed(why) => Plan::Skip(why.clone()),
        _ if done => Plan::Nothing,
        Way::Anchors { refresh: None, .. } => {
            Plan::Skip("the package ca-certificates is not installed".to_owned())
        }
        Way::Anchors { directory, extension, refresh: Some((program, arguments)) } => {
            let to = directory.join(format!("{}.{extension}", root.slug()));
            let mut steps = match wish {
                Wish::Trust => vec![Step::Install { from: root.file.clone(), to }],
                Wish::Untrust => place.holds.ours.iter().map(|file| Step::Remove(file.into())).collect(),
            };
            steps.push(run(program, arguments));
            Plan::Do(steps)
        }
        Way::Keychain(keychain) => Plan::Do(in_keychain(place, wish, root, &text(keychain))),
        Way::Windows => Plan::Do(vec![match wish {
            // `-user`: the current user's store, which takes no administrator.
            Wish::Trust => run("certutil.exe", &["-user", "-addstore", "Root", &text(&root.file)]),
            Wish::Untrust => run("certutil.exe", &["-user", "-delstore", "Root", &root.serial]),
        }]),
        Way::Nss { certutil } => Plan::Do(in_nss(place, wish, root, certutil)),
        Way::Java { keytool } => Plan::Do(in_java(place, wish, root, keytool)),
    }
}

fn in_keychain(place: &Place, wish: Wish, root: &Root, keychain: &str) -> Vec<Step> {
    let file = text(&root.file);
    let fingerprint = root.fingerprint.to_ascii_uppercase();
    match wish {
        // For servers only; without `-d` it is the user's own setting.
        Wish::Trust => {
            let words =
                ["add-trusted-cert", "-r", "trustRoot", "-p", "ssl", "-p", "basic", "-k", keychain, &file];
            vec![run("security", &words)]
        }
        // The setting and the certificate are two things, and either may be left behind.
        Wish::Untrust => {
            let mut steps = Vec::new();
            if place.holds.effective {
                steps.push(run("security", &["remove-trusted-cert", &file]));
            }
            steps.push(run("security", &["delete-certificate", "-Z", &fingerprint, keychain]));
            steps
        }
    }
}

fn in_nss(place: &Place, wish: Wish, root: &Root, certutil: &Path) -> Vec<Step> {
    let database = format!("sql:{}", place.name);
    match wish {
        Wish::Trust => {
            let file = text(&root.file);
            // C: believed when it signs servers' certificates, and for nothing else.
            let add = run(certutil, &["-A", "-d", &database, "-t", "C,,", "-n", &root.name, "-i", &file]);
            vec![add]
        }
        Wish::Untrust => {
            let delete = |name: &String| run(certutil, &["-D", "-d", &database, "-n", name]);
            place.holds.ours.iter().map(delete).collect()
        }
    }
}

fn in_java(place: &Place, wish: Wish, root: &Root, keytool: &Path) -> Vec<Step> {
    let step = |arguments| Step::Run {
        program: keytool.to_owned(),
        arguments,
        changes: Some(PathBuf::from(&place.name)),
    };
    match wish {
        Wish::Trust => vec![step(java::import(&place.name, &root.slug(), &text(&root.file)))],
        Wish::Untrust => {
            place.holds.ours.iter().map(|alias| step(java::delete(&place.name, alias))).collect()
        }
    }
}

fn run(program: impl Into<PathBuf>, arguments: &[&str]) -> Step {
    let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
    Step::Run { program: program.into(), arguments, changes: None }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

// === impl Step ===

/// As a line for a shell.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Install { from, to } => {
                write!(f, "install -m 0644 {} {}", word(&text(from)), word(&text(to)))
            }
            Self::Remove(path) => write!(f, "rm {}", word(&text(path))),
            Self::Run { program, arguments, .. } => {
                f.write_str(&word(&text(program)))?;
                arguments.iter().try_for_each(|argument| write!(f, " {}", word(argument)))
            }
        }
    }
}

fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
