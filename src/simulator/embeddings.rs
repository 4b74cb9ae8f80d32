//! Embeddings: vectors that mean nothing, but always the same for the same input.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::call::{Answer, Call, ok, text};
use super::content::Content;
use super::crc32::Crc32;
use super::errors::Refusal;
use super::prompt::words;
use super::settings::Kind;

/// Inputs of one request.
const MAX_INPUTS: usize = 2048;

/// Dimensions of a vector for which none are asked: small, so that a person can read it.
const DIMENSIONS: u64 = 8;

/// Dimensions of the longest vector.
const MAX_DIMENSIONS: u64 = 3072;

/// `POST /embeddings`
pub(super) async fn create(call: &Call<'_>, content: &mut Content<'_>) -> Answer {
    let parameters = content.json().await?;
    let deployment = call.deployment(text(&parameters, "model"), &[Kind::Embedding])?;
    let inputs = inputs(parameters.get("input")).ok_or(Refusal::MissingParameter("input"))?;
    if inputs.is_empty() || inputs.len() > MAX_INPUTS {
        return Err(Refusal::InvalidValue("input"));
    }
    let dimensions = match parameters.get("dimensions") {
        None | Some(Value::Null) => Some(DIMENSIONS),
        Some(given) => given.as_u64().filter(|count| (1..=MAX_DIMENSIONS).contains(count)),
    };
    let dimensions = dimensions.ok_or(Refusal::InvalidValue("dimensions"))?;
    let encode = match text(&parameters, "encoding_format") {
        None | Some("float") => |vector: Vec<f32>| json!(vector),
        // The official Python client asks for this one by default.
        Some("base64") => |vector: Vec<f32>| {
            json!(BASE64.encode(&vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>()))
        },
        Some(_) => return Err(Refusal::InvalidValue("encoding_format")),
    };
    let item = |(index, input): (usize, &String)| {
        let vector = encode(vector(input, dimensions));
        json!({ "object": "embedding", "index": index, "embedding": vector })
    };
    let data: Vec<Value> = inputs.iter().enumerate().map(item).collect();
    let tokens: usize = inputs.iter().map(|input| words(input).count()).sum();
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    Ok(ok(&json!({ "object": "list", "data": data, "model": deployment.model, "usage": usage })))
}

/// The inputs: a text, texts, tokens, or lists of tokens. Tokens are taken as they are written.
fn inputs(input: Option<&Value>) -> Option<Vec<String>> {
    match input? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) if items.first().is_some_and(Value::is_u64) => Some(vec![input?.to_string()]),
        Value::Array(items) => Some(
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect(),
        ),
        _ => None,
    }
}

/// A vector of length 1, made from checksums of the input.
fn vector(input: &str, dimensions: u64) -> Vec<f32> {
    let seed = Crc32::of(input.as_bytes());
    let component = |index: u64| {
        let mut checksum = seed;
        checksum.update(&index.to_le_bytes());
        // The upper 16 bits are exact in f32, and the half keeps every component away from 0.
        f32::from((checksum.value() >> 16) as u16) - 32767.5
    };
    let components: Vec<f32> = (0..dimensions).map(component).collect();
    let length = components.iter().map(|number| number * number).sum::<f32>().sqrt();
    components.into_iter().map(|number| number / length).collect()
}
