//! The life of one request: recorded, admitted, served, answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::Value;

use super::call::{Answer, Call};
use super::content::Content;
use super::errors::Refusal;
use super::files::StoredFile;
use super::operation::Operation;
use super::recorder::{Progress, Recorder};
use super::responses::StoredResponse;
use super::settings::Settings;
use super::store::Store;
use super::surface::Place;
use super::websocket::{self, session::Session};
use super::{
    audio, auth, chat, completions, containers, conversations, embeddings, files, images, models, objects,
    realtime, responses, uploads, videos,
};
use crate::message::body::Body;

/// Requests in the window of the simulated quota.
const QUOTA: u64 = 1000;

/// The simulated resource. Cheap to clone; all clones are the same resource.
#[derive(Clone)]
pub(super) struct Simulator(Arc<State>);

struct State {
    settings: Settings,
    recorder: Recorder,
    ids: AtomicU64,
    files: Store<Arc<StoredFile>>,
    responses: Store<Arc<StoredResponse>>,
    /// All other objects, by path.
    objects: Store<Value>,
    /// What some of those hold, by the same paths.
    contents: Store<Bytes>,
}

/// Answers one request; a refusal is an answer too. Of a WebSocket that is agreed to, the session is left in
/// its place for the connection's task to run.
pub(super) async fn respond(
    simulator: &Simulator,
    mut request: Request<Incoming>,
    place: &Mutex<Option<Session>>,
) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, incoming) = request.into_parts();
    let entry = simulator.recorder().begin(&head);
    let mut content = Content::new(&head.headers, incoming, &entry);
    let admitted = admit(simulator, &head);
    let operation = admitted.as_ref().ok().map(|(operation, _)| *operation);
    let mut response = match admitted {
        Ok((operation, call)) => serve(operation, &call, &head, &mut content).await,
        Err(refusal) => Err(refusal),
    }
    .unwrap_or_else(Refusal::into_response);
    content.drain().await;
    simulator.sign(response.headers_mut());
    let status = response.status();
    if let Some(operation) = operation.filter(|_| status == StatusCode::SWITCHING_PROTOCOLS) {
        entry.set(Progress::Answering(status));
        let (simulator, query) = (simulator.clone(), head.uri.query().unwrap_or_default().to_owned());
        let session = Session { simulator, operation, query, upgrade, entry };
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        return response;
    }
    response.map(|content| entry.follow(status, content))
}

/// Checks everything that the head of a request tells, in the order in which Azure's layers see it.
fn admit<'a>(simulator: &'a Simulator, head: &'a Parts) -> Result<(Operation, Call<'a>), Refusal> {
    let settings = simulator.settings();
    if settings.tls && !asks_for(head, &settings.host) {
        return Err(Refusal::NotFound);
    }
    let place = Place::of(head.uri.path())?;
    auth::check_leaks(&head.headers, place.path.starts_with("/realtime"))?;
    auth::check(&head.headers, place.surface, settings)?;
    let version = place.version(head.uri.query().unwrap_or_default())?;
    let (operation, id) = Operation::find(&head.method, &place, version)?;
    let Place { surface, deployment, path } = place;
    Ok((operation, Call { simulator, surface, version, scope: deployment, path, id }))
}

/// Whether `Host`, or `:authority` in HTTP/2, names this resource; its port is not looked at.
fn asks_for(head: &Parts, host: &str) -> bool {
    let field = head.headers.get(HOST).and_then(|value| value.to_str().ok());
    let authority = head.uri.authority().map(http::uri::Authority::as_str);
    let name = |text: &str| text.rsplit_once(':').map_or(text, |(name, _)| name).eq_ignore_ascii_case(host);
    (field.is_some() || authority.is_some()) && [field, authority].into_iter().flatten().all(name)
}

async fn serve(operation: Operation, call: &Call<'_>, head: &Parts, content: &mut Content<'_>) -> Answer {
    match operation {
        Operation::ChatCompletion => chat::create(call, content).await,
        Operation::Completion => completions::create(call, content).await,
        Operation::Embeddings => embeddings::create(call, content).await,
        Operation::Transcription => audio::transcribe(call, content).await,
        Operation::Translation => audio::translate(call, content).await,
        Operation::Speech => audio::speak(call, content).await,
        Operation::ImageGeneration => images::generate(call, content).await,
        Operation::ImageEdit => images::edit(call, content).await,
        Operation::CreateResponse => responses::create(call, content).await,
        Operation::GetResponse => responses::get(call),
        Operation::DeleteResponse => responses::delete(call),
        Operation::CancelResponse => responses::cancel(call),
        Operation::ListInputItems => responses::input_items(call),
        Operation::ListModels => Ok(models::list(call)),
        Operation::GetModel => models::get(call),
        Operation::UploadFile => files::upload(call, content).await,
        Operation::ListFiles => Ok(files::list(call)),
        Operation::GetFile => files::get(call),
        Operation::DeleteFile => files::delete(call),
        Operation::FileContent => files::content(call),
        Operation::ListCompletions => chat::stored::list(call, head.uri.query().unwrap_or_default()),
        Operation::ListMessages => chat::stored::messages(call),
        Operation::AddPart => uploads::add(call, content).await,
        Operation::CompleteUpload => uploads::complete(call, content).await,
        Operation::AddContainerFile => containers::add_file(call, content).await,
        Operation::CreateConversation => conversations::create(call, content).await,
        Operation::AddItems => conversations::add(call, content).await,
        Operation::CreateVideo => videos::create(call, content).await,
        Operation::RemixVideo => videos::remix(call, content).await,
        Operation::Create(collection) => objects::create(collection, call, content).await,
        Operation::List => objects::list(call),
        Operation::Get(collection) => objects::get(collection, call),
        Operation::Content(collection, media_type) => objects::content(collection, media_type, call),
        Operation::Update(collection) => objects::update(collection, call, content).await,
        Operation::Cancel(collection) => objects::cancel(collection, call),
        Operation::Delete(collection) => objects::delete(collection, call),
        Operation::ClientSecret => realtime::client_secret(call, content).await,
        Operation::Realtime => realtime::open(call, head),
        Operation::Responses => websocket::agree(head),
    }
}

// === impl Simulator ===

impl Simulator {
    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(State {
            settings,
            recorder: Recorder::new(),
            ids: AtomicU64::new(1),
            files: Store::new(),
            responses: Store::new(),
            objects: Store::new(),
            contents: Store::new(),
        }))
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    pub(super) fn files(&self) -> &Store<Arc<StoredFile>> {
        &self.0.files
    }

    pub(super) fn responses(&self) -> &Store<Arc<StoredResponse>> {
        &self.0.responses
    }

    pub(super) fn objects(&self) -> &Store<Value> {
        &self.0.objects
    }

    pub(super) fn contents(&self) -> &Store<Bytes> {
        &self.0.contents
    }

    /// An id that this simulator has not given before.
    pub(super) fn new_id(&self, prefix: &str) -> String {
        format!("{prefix}{:032x}", self.0.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// Adds the fields that every answer of Azure's has.
    fn sign(&self, fields: &mut HeaderMap) {
        let number = self.0.ids.fetch_add(1, Ordering::Relaxed);
        // There is no `x-request-id` on purpose: who needs it has to make it from this one.
        let request_id = format!("00000000-0000-4000-8000-{number:012x}");
        let remaining = QUOTA - number % QUOTA;
        fields.insert("apim-request-id", HeaderValue::try_from(request_id).expect("hexadecimal digits"));
        fields.insert("x-ratelimit-limit-requests", QUOTA.into());
        fields.insert("x-ratelimit-remaining-requests", remaining.into());
        fields.insert("x-ratelimit-limit-tokens", (QUOTA * 1000).into());
        fields.insert("x-ratelimit-remaining-tokens", (remaining * 1000).into());
        fields.insert("x-ms-region", HeaderValue::from_static("Simulated Central"));
        fields.insert("azureml-model-session", HeaderValue::from_static("simulator-1"));
        let hsts = HeaderValue::from_static("max-age=31536000; includeSubDomains; preload");
        fields.insert(STRICT_TRANSPORT_SECURITY, hsts);
    }
}

/// Seconds since 1970, for `created` and its like.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
