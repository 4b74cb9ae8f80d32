//! Field lines in their order.

use http::HeaderMap;
use http::header::{Entry, HeaderName};

/// Removes all fields but those to `keep`, and keeps the order of these:
/// [`HeaderMap::remove`] puts the last field in the place of the one that it removes.
pub fn retain(fields: &mut HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    let Some(kept_before) = fields.keys().position(|name| !keep(name)) else { return };
    let mut kept = HeaderMap::with_capacity(fields.len());
    let mut lines = std::mem::take(fields).into_iter().peekable();
    // Nobody is asked twice about a field.
    let mut names = 0..;
    let mut keep = |name: &HeaderName| match names.next() {
        Some(number) if number < kept_before => true,
        Some(number) if number == kept_before => false,
        _ => keep(name),
    };
    while let Some((name, value)) = lines.next() {
        let mut field = match name.filter(&mut keep).map(|name| kept.entry(name)) {
            Some(Entry::Vacant(field)) => Some(field.insert_entry(value)),
            Some(Entry::Occupied(mut field)) => {
                field.append(value);
                Some(field)
            }
            None => None,
        };
        // Only the first line of a field comes with its name.
        while let Some((_, value)) = lines.next_if(|(name, _)| name.is_none()) {
            if let Some(field) = &mut field {
                field.append(value);
            }
        }
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
