//! The name that was probably meant.

/// The candidate that a few typing mistakes turn into `name`, if one is that close.
pub fn nearest(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    let allowed = (name.len() / 3).max(1);
    let scored = candidates.map(|candidate| (distance(name, &candidate), candidate));
    scored.filter(|&(d, _)| d <= allowed).min().map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, octet by octet.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_insertions_deletions_and_substitutions() {
        for (a, b, d) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("map", "map", 0)]
        {
            assert_eq!(distance(a, b), d, "{a} {b}");
        }
    }

    #[test]
    fn suggests_only_what_is_close() {
        let names = || ["endpoint", "listen", "map"].into_iter().map(String::from);
        assert_eq!(nearest("end_point", names()).as_deref(), Some("endpoint"));
        assert_eq!(nearest("listne", names()).as_deref(), Some("listen"));
        assert_eq!(nearest("colour", names()), None);
    }
}
