//! What is said on a WebSocket once it is open.

use http::StatusCode;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};

use super::{Code, Over, Socket};
use crate::simulator::errors::Refusal;
use crate::simulator::operation::Operation;
use crate::simulator::recorder::{Entry, Progress};
use crate::simulator::service::Simulator;
use crate::simulator::{realtime, responses};

/// A WebSocket that was agreed to.
pub(in crate::simulator) struct Session {
    pub(in crate::simulator) simulator: Simulator,
    pub(in crate::simulator) operation: Operation,
    pub(in crate::simulator) query: String,
    pub(in crate::simulator) upgrade: OnUpgrade,
    pub(in crate::simulator) entry: Entry,
}

/// What the service answers to one message.
pub(in crate::simulator) enum Turn {
    /// These events, each at its time.
    Events(Box<dyn Iterator<Item = Value> + Send>),
    /// It goes away, with a closing frame.
    Close,
    /// These events, and then the connection breaks.
    Break(Box<dyn Iterator<Item = Value> + Send>),
}

/// The two services that are spoken to by WebSocket.
enum Service<'a> {
    Realtime(Box<realtime::Conversation<'a>>),
    Responses(&'a Simulator),
}

// === impl Session ===

impl Session {
    /// Speaks until one side ends it.
    pub(in crate::simulator) async fn run(self) {
        let Self { simulator, operation, query, upgrade, entry } = self;
        let Ok(io) = upgrade.await else { return };
        let service = match operation {
            Operation::Realtime => {
                Service::Realtime(Box::new(realtime::Conversation::new(&simulator, &query)))
            }
            _ => Service::Responses(&simulator),
        };
        let mut socket = Socket::new(TokioIo::new(io));
        let over = match converse(service, &simulator, &mut socket, &entry).await {
            Ok(code) => Over::Broken(code),
            Err(over) => over,
        };
        match over {
            Over::Broken(code) => match socket.close(code).await {
                Ok(()) => entry.set(Progress::Answered(StatusCode::SWITCHING_PROTOCOLS)),
                Err(error) => tracing::debug!(%error, "a WebSocket could not be closed"),
            },
            Over::Closed => entry.set(Progress::Answered(StatusCode::SWITCHING_PROTOCOLS)),
            Over::Io(error) => tracing::debug!(%error, "a WebSocket broke"),
        }
    }
}

/// Answers messages until there are no more, or until the service wants to go away.
async fn converse<IO>(
    mut service: Service<'_>,
    simulator: &Simulator,
    socket: &mut Socket<IO>,
    entry: &Entry,
) -> Result<Code, Over>
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if let Service::Realtime(conversation) = &service {
        socket.send(&conversation.created()).await?;
    }
    loop {
        let message = socket.receive().await?;
        entry.append(message.as_bytes());
        entry.append(b"\n");
        let (events, breaks) = match service.answer(&message) {
            Turn::Close => return Ok(Code::GoingAway),
            Turn::Events(events) => (events, false),
            Turn::Break(events) => (events, true),
        };
        for event in events {
            socket.send(&event).await?;
            tokio::time::sleep(simulator.settings().pace).await;
        }
        if breaks {
            return Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into());
        }
    }
}

// === impl Service ===

impl Service<'_> {
    fn answer(&mut self, message: &str) -> Turn {
        let answered = match serde_json::from_str::<Map<String, Value>>(message) {
            Err(_) => Err(Refusal::Malformed("The message is not a JSON object.")),
            Ok(event) => match self {
                Self::Realtime(conversation) => conversation.answer(&event),
                Self::Responses(simulator) => responses::answer(simulator, &event),
            },
        };
        answered.unwrap_or_else(|refusal| Turn::Events(Box::new(std::iter::once(self.refused(&refusal)))))
    }

    fn refused(&self, refusal: &Refusal) -> Value {
        let (status, error) = (refusal.status().as_u16(), refusal.error());
        match self {
            Self::Realtime(conversation) => conversation.refused(error),
            Self::Responses(_) => json!({ "type": "error", "status": status, "error": error }),
        }
    }
}
