//! A strict reader of `multipart/form-data` (RFC 7578, RFC 2046 §5.1).
//!
//! It reads as the content comes. Fields and small files are kept; of a large file only its length and
//! checksum are.

use bytes::{Buf, BytesMut};
use memchr::memmem;

use super::crc32::Crc32;
use super::errors::Refusal;

/// Bytes of a part that are kept.
const MAX_KEPT: usize = 4 << 20;

/// Bytes of the head of a part.
const MAX_HEAD: usize = 16 << 10;

/// Parts of a form.
const MAX_PARTS: usize = 128;

/// The parts of a form in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Form {
    parts: Vec<Part>,
}

/// A field or a file.
#[derive(Debug, Default)]
pub(super) struct Part {
    name: String,
    /// Present where the part is a file.
    pub(super) filename: Option<String>,
    /// The length of all of it.
    pub(super) length: u64,
    /// The checksum of all of it.
    pub(super) checksum: Crc32,
    kept: Vec<u8>,
}

/// Reads a form piece by piece.
#[derive(Debug)]
pub(super) struct Reader {
    /// The line break, the two dashes and the boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    state: State,
    form: Form,
}

#[derive(Debug)]
enum State {
    /// Before the first delimiter.
    Preamble,
    /// Just after a delimiter.
    Delimiter,
    Head,
    Content(Part),
    /// After the last delimiter; whatever comes is ignored.
    Epilogue,
}

/// A form that breaks the rules; the text says which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(&'static str);

// === impl Form ===

impl Form {
    /// The file under any of `names`.
    pub(super) fn file(&self, names: &[&str]) -> Option<&Part> {
        self.parts.iter().find(|part| part.filename.is_some() && names.contains(&part.name.as_str()))
    }

    /// The value of the one field `name`; nothing if it is absent, repeated, too large or not text.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.parts.iter().filter(|part| part.filename.is_none() && part.name == name);
        let only = fields.next().filter(|_| fields.next().is_none())?;
        std::str::from_utf8(only.whole()?).ok()
    }
}

// === impl Part ===

impl Part {
    /// The bytes of it, unless it was too large to be kept.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (self.kept.len() as u64 == self.length).then_some(&self.kept)
    }

    fn append(&mut self, chunk: &[u8]) {
        let room = MAX_KEPT - self.kept.len();
        self.kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
        self.length += chunk.len() as u64;
        self.checksum.update(chunk);
    }
}

// === impl Reader ===

impl Reader {
    /// Starts with the `Content-Type` of the whole.
    pub(super) fn new(media_type: &str) -> Result<Self, Malformed> {
        let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
        if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
            return Err(Malformed("The content type must be multipart/form-data."));
        }
        let boundary = parameter(parameters, "boundary").filter(|text| (1..=70).contains(&text.len()));
        let boundary = boundary.ok_or(Malformed("The content type has no valid boundary."))?;
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first delimiter may stand at the very beginning, where no line break precedes it.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Ok(Self { delimiter, buffer, state: State::Preamble, form: Form::default() })
    }

    /// Reads on.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<(), Malformed> {
        self.buffer.extend_from_slice(chunk);
        while self.step()? {}
        Ok(())
    }

    /// Ends the form, which must have ended by itself.
    pub(super) fn finish(self) -> Result<Form, Malformed> {
        match self.state {
            State::Epilogue => Ok(self.form),
            _ => Err(Malformed("The form ends before its last boundary.")),
        }
    }

    /// Does one thing; `false` means that there is nothing to do before more content comes.
    fn step(&mut self) -> Result<bool, Malformed> {
        match &mut self.state {
            State::Preamble | State::Content(_) => Ok(self.read_up_to_delimiter()),
            State::Delimiter => self.end_delimiter(),
            State::Head => self.read_head(),
            State::Epilogue => {
                self.buffer.clear();
                Ok(false)
            }
        }
    }

    fn read_up_to_delimiter(&mut self) -> bool {
        let found = memmem::find(&self.buffer, &self.delimiter);
        // Without a delimiter in sight, its beginning may still be at the end of what is here.
        let end = found.unwrap_or_else(|| self.buffer.len().saturating_sub(self.delimiter.len() - 1));
        let content = self.buffer.split_to(end);
        if let State::Content(part) = &mut self.state {
            part.append(&content);
        }
        if found.is_some() {
            self.buffer.advance(self.delimiter.len());
            if let State::Content(part) = std::mem::replace(&mut self.state, State::Delimiter) {
                self.form.parts.push(part);
            }
        }
        found.is_some()
    }

    fn end_delimiter(&mut self) -> Result<bool, Malformed> {
        let Some(end) = self.buffer.first_chunk::<2>() else { return Ok(false) };
        self.state = match end {
            b"--" => State::Epilogue,
            b"\r\n" if self.form.parts.len() == MAX_PARTS => {
                return Err(Malformed("The form has too many parts."));
            }
            // The line break stays: it lets an empty head end like any other.
            b"\r\n" => State::Head,
            _ => return Err(Malformed("A boundary is not followed by the end of its line.")),
        };
        Ok(true)
    }

    fn read_head(&mut self) -> Result<bool, Malformed> {
        let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") else {
            let fits = self.buffer.len() <= MAX_HEAD;
            return if fits { Ok(false) } else { Err(Malformed("The head of a part is too large.")) };
        };
        let head = self.buffer.split_to(end + 4);
        self.state = State::Content(part(&head)?);
        Ok(true)
    }
}

fn part(head: &[u8]) -> Result<Part, Malformed> {
    const NAMELESS: Malformed = Malformed("A part has no Content-Disposition with a name.");
    let head = std::str::from_utf8(head).map_err(|_| NAMELESS)?;
    let mut fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, disposition) =
        fields.find(|(name, _)| name.eq_ignore_ascii_case("content-disposition")).ok_or(NAMELESS)?;
    let (kind, parameters) = disposition.split_once(';').ok_or(NAMELESS)?;
    let name = parameter(parameters, "name").filter(|_| kind.trim().eq_ignore_ascii_case("form-data"));
    let filename = parameter(parameters, "filename");
    Ok(Part { name: name.ok_or(NAMELESS)?, filename, ..Part::default() })
}

/// The parameter `wanted` of a field value, unquoted; nothing if the parameters cannot be read up to it.
fn parameter(mut parameters: &str, wanted: &str) -> Option<String> {
    loop {
        let (name, rest) = parameters.split_once('=')?;
        let (value, rest) = value(rest)?;
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        parameters = rest.trim_start().strip_prefix(';')?;
    }
}

/// A token or a quoted string at the beginning of `text`, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return Some((text[..end].trim().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[index + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

// === impl Malformed ===

impl From<Malformed> for Refusal {
    fn from(Malformed(rule): Malformed) -> Self {
        Self::Malformed(rule)
    }
}

#[cfg(test)]
mod tests;
