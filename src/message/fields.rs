//! Field lines in their order.

use http::HeaderMap;
use http::header::HeaderName;

/// Removes all fields but those to `keep`, and keeps the order of these:
/// [`HeaderMap::remove`] puts the last field in the place of the one that it removes.
pub fn retain(fields: &mut HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    let Some(first) = fields.keys().position(|name| !keep(name)) else { return };
    let has_repeated = fields.len() > fields.keys_len();
    let mut kept = HeaderMap::with_capacity(fields.len());
    let lines = std::mem::take(fields).into_iter();
    if has_repeated {
        let mut field = None;
        for (name, value) in lines {
            // Only the first line of a field comes with its name.
            field = name.map_or(field, |name| keep(&name).then_some(name));
            if let Some(name) = &field {
                kept.append(name, value);
            }
        }
    } else {
        // Nearly always: no name is copied, and none is asked about twice.
        for (number, (name, value)) in lines.enumerate() {
            if let Some(name) = name.filter(|name| number < first || number > first && keep(name)) {
                kept.append(name, value);
            }
        }
    }
    *fields = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        lines.iter().map(line).fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
    }

    fn lines(fields: &HeaderMap) -> Vec<(&str, &str)> {
        fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect()
    }

    #[test]
    fn what_is_kept_keeps_its_order() {
        let mut fields = map(&[("host", "h"), ("b", "1"), ("a", "2"), ("b", "3"), ("te", "4"), ("z", "5")]);
        retain(&mut fields, |name| name != "host" && name != "te");
        assert_eq!(lines(&fields), [("b", "1"), ("b", "3"), ("a", "2"), ("z", "5")]);
        let mut fields = map(&[("z", "1"), ("host", "h"), ("b", "2"), ("te", "3"), ("a", "4")]);
        retain(&mut fields, |name| name != "host" && name != "te");
        assert_eq!(lines(&fields), [("z", "1"), ("b", "2"), ("a", "4")]);
    }

    #[test]
    fn all_lines_of_a_field_go() {
        let mut fields = map(&[("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("a", "5")]);
        retain(&mut fields, |name| name != "a");
        assert_eq!(lines(&fields), [("b", "2"), ("c", "4")]);
    }
}
