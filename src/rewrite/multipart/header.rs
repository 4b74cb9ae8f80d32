//! The two fields that frame a form: `Content-Type` and a part's `Content-Disposition`.

/// Whether a `Content-Type` is multipart/form-data.
pub fn is_form(content_type: &[u8]) -> bool {
    let kind = content_type.split(|&b| b == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"multipart/form-data")
}

/// The boundary that a `Content-Type` names; `None` if it is not of 1 to 70 of the characters that
/// RFC 2046 §5.1.1 allows, or ends in a space.
pub fn boundary(content_type: &[u8]) -> Option<String> {
    let (_, value) = parameters(content_type).find(|(name, _)| name.eq_ignore_ascii_case(b"boundary"))?;
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(b);
    let fits = (1..=70).contains(&value.len()) && value.iter().all(allowed) && !value.ends_with(b" ");
    fits.then(|| String::from_utf8(value).ok())?
}

/// Whether a part's head is that of the field with this name, and of a file or not where that matters.
pub(super) fn names_field(head: &[u8], name: &[u8], a_file: Option<bool>) -> bool {
    let Some(disposition) = disposition(head) else { return false };
    let kind = disposition.split(|&b| b == b';').next().unwrap_or_default();
    let (mut named, mut filed) = (false, false);
    for (parameter, value) in parameters(&disposition) {
        filed |= parameter.eq_ignore_ascii_case(b"filename") || parameter.eq_ignore_ascii_case(b"filename*");
        named |= parameter.eq_ignore_ascii_case(b"name") && value == name;
    }
    kind.trim_ascii().eq_ignore_ascii_case(b"form-data")
        && named
        && a_file.is_none_or(|wanted| filed == wanted)
}

/// The value of `Content-Disposition`, unfolded.
fn disposition(head: &[u8]) -> Option<Vec<u8>> {
    let mut lines = head.split(|&b| b == b'\n');
    let mut value = lines.by_ref().find_map(|line| {
        let colon = line.iter().position(|&b| b == b':')?;
        let (name, value) = (line[..colon].trim_ascii(), &line[colon + 1..]);
        name.eq_ignore_ascii_case(b"content-disposition").then(|| value.trim_ascii().to_vec())
    })?;
    for line in lines.take_while(|line| line.starts_with(b" ") || line.starts_with(b"\t")) {
        value.push(b' ');
        value.extend_from_slice(line.trim_ascii());
    }
    Some(value)
}

/// The parameters behind the first `;`, with quotes taken off.
fn parameters(value: &[u8]) -> impl Iterator<Item = (&[u8], Vec<u8>)> {
    let mut rest = value.iter().position(|&b| b == b';').map_or(&[][..], |at| &value[at..]);
    std::iter::from_fn(move || {
        loop {
            rest = rest.strip_prefix(b";")?.trim_ascii_start();
            let end = rest.iter().position(|b| b";=".contains(b)).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            rest = behind;
            if let Some(written) = behind.strip_prefix(b"=") {
                let (value, behind) = parameter_value(written.trim_ascii_start());
                rest = behind;
                return Some((name.trim_ascii(), value));
            }
        }
    })
}

/// A token or a quoted string, and what is left from the next `;` on.
fn parameter_value(written: &[u8]) -> (Vec<u8>, &[u8]) {
    let upto = |from: usize| {
        written[from..].iter().position(|&b| b == b';').map_or(&[][..], |at| &written[from + at..])
    };
    if !written.starts_with(b"\"") {
        let rest = upto(0);
        return (written[..written.len() - rest.len()].trim_ascii().to_vec(), rest);
    }
    let mut value = Vec::new();
    let mut at = 1;
    while let Some(&octet) = written.get(at) {
        match (octet, written.get(at + 1)) {
            (b'"', _) => return (value, upto(at + 1)),
            (b'\\', Some(&escaped)) => {
                value.push(escaped);
                at += 2;
            }
            _ => {
                value.push(octet);
                at += 1;
            }
        }
    }
    (value, &[])
}
