//! Field lines in their order.

use http::HeaderMap;
use http::header::HeaderName;

/// Removes all fields but those to `keep`, and keeps the order of these:
/// [`HeaderMap::remove`] puts the last field in the place of the one that it removes.
pub fn retain(fields: &mut HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    if fields.keys().all(&keep) {
        return;
    }
    let mut kept = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.iter().filter(|(name, _)| keep(name)) {
        kept.append(name.clone(), value.clone());
    }
    *fields = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn what_is_kept_keeps_its_order() {
        let mut fields = HeaderMap::new();
        for (name, value) in [("host", "h"), ("b", "1"), ("a", "2"), ("b", "3"), ("z", "4")] {
            fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        retain(&mut fields, |name| name != "host");
        let lines: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        assert_eq!(lines, [("b", "1"), ("b", "3"), ("a", "2"), ("z", "4")]);
    }
}
