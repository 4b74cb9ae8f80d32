//! The models in a file that is uploaded for a batch: one request a line, its content under `body`.

use super::{follow, members, part};
use crate::rewrite::model_map::ModelMap;
use crate::rewrite::multipart::Wanted;
use crate::rewrite::splice::Splice;

/// The changes to a form with this boundary whose field `file` holds the lines.
pub(super) fn splices(content: &[u8], boundary: &str, models: &ModelMap) -> Vec<Splice> {
    let mut found = Vec::new();
    let Some(file) = part(content, boundary, Wanted::File) else { return found };
    let start = file.as_ptr().addr() - content.as_ptr().addr();
    for line in file.split(|&octet| octet == b'\n') {
        let Ok(text) = std::str::from_utf8(line) else { continue };
        let Some(request) = members(text.trim_start_matches('\u{feff}')) else { continue };
        let before = found.len();
        follow(text, &request, &["body", "model"], models, &mut found);
        let line_start = start + (line.as_ptr().addr() - file.as_ptr().addr());
        for splice in &mut found[before..] {
            splice.at = splice.at.start + line_start as u64..splice.at.end + line_start as u64;
        }
    }
    found
}
