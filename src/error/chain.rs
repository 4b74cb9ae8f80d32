//! Errors with their causes, for people.

use std::error::Error;

/// An error and what caused it, on one line. A cause is left out where the line ends with its words already.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let text = cause.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    #[error("{says}")]
    struct Said {
        says: &'static str,
        source: Option<Box<Said>>,
    }

    fn said(words: &[&'static str]) -> Option<Box<Said>> {
        let (says, causes) = words.split_first()?;
        Some(Box::new(Said { says, source: said(causes) }))
    }

    #[test]
    fn causes_follow_and_none_is_said_twice() {
        for (words, line) in [
            (&["no connection"][..], "no connection"),
            (&["no connection", "refused", "by a firewall"], "no connection: refused: by a firewall"),
            (
                &["no connection: refused", "refused", "by a firewall"],
                "no connection: refused: by a firewall",
            ),
        ] {
            assert_eq!(chain(&said(words).unwrap()), line);
        }
    }
}
