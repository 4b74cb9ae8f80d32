//! Image generation and edits: one plain colour that depends on what was asked.

use data_encoding::BASE64;
use http::Response;
use serde_json::{Value, json};

use super::call::{Answer, Call, ok, text};
use super::content::Content;
use super::crc32::Crc32;
use super::errors::Refusal;
use super::prompt::Prompt;
use super::service::now;
use super::settings::Kind;
use crate::message::body::Body;

/// Width and height of an image.
const SIDE: u8 = 8;

/// Images of one request.
const MAX_IMAGES: u64 = 10;

/// `POST /images/generations`
pub(super) async fn generate(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let deployment = call.deployment(text(&parameters, "model"), &[Kind::Image])?;
    let prompt = text(&parameters, "prompt").ok_or(Refusal::MissingParameter("prompt"))?;
    if deployment.model.starts_with("gpt-image") && parameters.contains_key("response_format") {
        return Err(Refusal::UnknownParameter("response_format"));
    }
    let count = match parameters.get("n") {
        None | Some(Value::Null) => Some(1),
        Some(count) => count.as_u64().filter(|count| (1..=MAX_IMAGES).contains(count)),
    };
    let count = count.ok_or(Refusal::InvalidValue("n"))?;
    Prompt::new(prompt.into(), "ImageGenerations_Create")?;
    Ok(images(count, Crc32::of(prompt.as_bytes())))
}

/// `POST /images/edits`
pub(super) async fn edit(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let form = content.form().await?;
    call.deployment(form.field("model"), &[Kind::Image])?;
    let image = form.file(&["image", "image[]"]).ok_or(Refusal::MissingParameter("image"))?;
    let prompt = form.field("prompt").ok_or(Refusal::MissingParameter("prompt"))?;
    Prompt::new(prompt.into(), "ImageEdits_Create")?;
    let mut checksum = image.checksum;
    checksum.update(prompt.as_bytes());
    Ok(images(1, checksum))
}

fn images(count: u64, colour: Crc32) -> Response<Body> {
    let image = json!({ "b64_json": BASE64.encode(&png(colour)) });
    let images: Vec<Value> = (0..count).map(|_| image.clone()).collect();
    let usage = json!({ "input_tokens": 1, "output_tokens": count, "total_tokens": 1 + count });
    ok(&json!({ "created": now(), "data": images, "output_format": "png", "usage": usage }))
}

/// A PNG of one colour, with its pixels in an uncompressed block (W3C PNG §5, RFC 1950, RFC 1951 §3.2.4).
fn png(colour: Crc32) -> Vec<u8> {
    let [_, red, green, blue] = colour.value().to_be_bytes();
    let side = usize::from(SIDE);
    let row = [vec![0], [red, green, blue].repeat(side)].concat();
    let pixels = row.repeat(side);
    let length = u16::try_from(pixels.len()).expect("8 rows of 25 bytes");
    let mut stored = vec![0x78, 0x01, 0x01];
    stored.extend(length.to_le_bytes());
    stored.extend((!length).to_le_bytes());
    stored.extend(&pixels);
    stored.extend(adler32(&pixels).to_be_bytes());
    // Eight bits a channel, red green blue, and no option.
    let header = [0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 2, 0, 0, 0];
    [b"\x89PNG\r\n\x1a\n", &*chunk(b"IHDR", &header), &*chunk(b"IDAT", &stored), &*chunk(b"IEND", &[])]
        .concat()
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("a few hundred bytes");
    let mut checksum = Crc32::of(kind);
    checksum.update(data);
    [&length.to_be_bytes()[..], kind, data, &checksum.value().to_be_bytes()].concat()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_what_the_standards_describe() {
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        let image = png(Crc32::default());
        assert_eq!(&image[..16], b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR");
        // The end chunk is the same in every PNG.
        assert_eq!(&image[image.len() - 12..], b"\0\0\0\0IEND\xae\x42\x60\x82");
        assert_ne!(image, png(Crc32::of(b"another colour")));
    }
}
