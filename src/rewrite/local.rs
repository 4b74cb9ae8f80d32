//! What is answered here, of what the model map and the request alone say.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, HeaderValue, ORIGIN, VARY,
};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::model_map::ModelMap;
use super::response;
use crate::message::Fields;

/// An answer that needs no upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, without `Content-Length`.
    pub fields: Fields,
    /// Its content.
    pub body: Bytes,
}

/// OpenAI's model object. When a deployment was made is not known here.
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'static str>,
    code: &'static str,
}

/// `GET /v1/models`, and `GET /v1/models/{id}` for a path with more behind `models/`.
pub(super) fn models(map: &ModelMap, path: &str, fields: &Fields) -> Answer {
    let (status, body) = match path.strip_prefix("models/") {
        None => (StatusCode::OK, json(&List { object: "list", data: map.listed().map(model).collect() })),
        Some(id) => one(map, &percent_decode_str(id).decode_utf8_lossy()),
    };
    let mut answer = Answer { status, fields: Fields::new(), body };
    answer.fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if fields.contains(ORIGIN) {
        response::allow_origin(&mut answer.fields);
    }
    answer
}

fn one(map: &ModelMap, id: &str) -> (StatusCode, Bytes) {
    if map.listed().any(|listed| listed == id) {
        return (StatusCode::OK, json(&model(id)));
    }
    let message = format!(
        "The model '{id}' is not in this proxy's model map. \
         Start it with --map '{id}=DEPLOYMENT' to have it listed."
    );
    let (r#type, param, code) = ("invalid_request_error", Some("model"), "model_not_found");
    (StatusCode::NOT_FOUND, json(&Failure { error: Error { message: &message, r#type, param, code } }))
}

fn model(id: &str) -> Model<'_> {
    Model { id, object: "model", created: 0, owned_by: "azure-openai" }
}

fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("strings and numbers are always JSON").into()
}

/// Whether this is a browser's question whether it may send a request. It is answered here, whatever it asks for.
pub fn is_preflight(method: &Method, fields: &Fields) -> bool {
    method == Method::OPTIONS && fields.contains(ORIGIN) && fields.contains(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a browser's question whether it may send a request (Fetch standard, CORS-preflight
/// request); `None` if this is no such question.
pub fn preflight(method: &Method, fields: &Fields) -> Option<Answer> {
    if !is_preflight(method, fields) {
        return None;
    }
    let asked = fields.value_of(ACCESS_CONTROL_REQUEST_METHOD)?;
    let mut answer = Fields::new();
    response::allow_origin(&mut answer);
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, asked);
    // Echoed, since "*" would not cover Authorization.
    if let Some(names) = fields.value_of(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    let vary = "access-control-request-method, access-control-request-headers";
    answer.insert(VARY, HeaderValue::from_static(vary));
    Some(Answer { status: StatusCode::NO_CONTENT, fields: answer, body: Bytes::new() })
}
