//! Big things pass at constant memory, or are told apart from those that cannot.

use std::path::Path;

use http::{HeaderValue, StatusCode};

use crate::client::{self, Whole};
use crate::conversation::Conversation;
use crate::origin::Origin;
use crate::program::Program;
use crate::responses::take;
use crate::stage::Stage;

const FORM: &str = "multipart/form-data; boundary=B";

const MODEL: &str = "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-4o\r\n";

const FILE: &str = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n";

const END: &str = "\r\n--B--\r\n";

/// What is held back at most.
const HELD: &str = "1MiB";

/// The most memory that the process had at once, in MiB, of its own and of files.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> usize {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
    let status = status.expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel says it");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") >> 10
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn half_a_gibibyte_whose_model_comes_first_needs_no_more_memory_than_less() {
    const PIECE: usize = 1 << 20;
    const PIECES: usize = 512;
    let (origin, home) = (Origin::plain(), tempfile::tempdir().expect("a temporary folder"));
    let certs = home.path().join("certs");
    let mut program = Program::start(
        home.path(),
        &[],
        &[
            ("AZURE_OPENAI_PROXY_LISTEN", "127.0.0.1:0"),
            ("AZURE_OPENAI_PROXY_CERTS", certs.to_str().expect("a path of ours")),
            ("AZURE_OPENAI_PROXY_BUFFERED_CONTENT", HELD),
            ("AZURE_OPENAI_ENDPOINT", &origin.url()),
            ("AZURE_OPENAI_TOKEN", "key"),
            ("AZURE_OPENAI_MODEL_MAPPER", "gpt-4o=another"),
        ],
    );
    let mut client = Conversation::with(program.address().await).await;
    let before = peak(program.id());
    let length = MODEL.len() + FILE.len() + PIECES * PIECE + END.len();
    let upload = async {
        let head = format!(
            "POST /v1/images/edits HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n"
        );
        client.write([&head, MODEL, FILE].concat()).await;
        for piece in 0..PIECES {
            client.write(vec![piece as u8; PIECE]).await;
        }
        client.write(END).await;
    };
    let arrival = async {
        let mut upstream = origin.accept().await;
        upstream.head().await;
        upstream.until("another\r\n").await;
        upstream.until("a.wav\"\r\n\r\n").await;
        for piece in 0..PIECES {
            assert!(upstream.octets(PIECE).await == vec![piece as u8; PIECE], "piece {piece}");
        }
        upstream.octets(END.len()).await;
        upstream
    };
    tokio::join!(upload, arrival);
    let after = peak(program.id());
    assert!(after - before < 12, "{before} MiB became {after} MiB");
    assert!(after < 40, "{after} MiB");
}

/// Octets of a file that a model comes after.
const LONG: usize = 100_000_000;

/// The answer to a form whose model comes after a file of 100 MB.
async fn model_last(variables: &[(&str, &str)]) -> (Whole, Option<Vec<u8>>) {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, variables).await;
    let content =
        [FILE.as_bytes(), &vec![b'x'; LONG], b"\r\n", MODEL.trim_end().as_bytes(), END.as_bytes()].concat();
    let mut request = client::post("localhost", "/v1/images/edits", content);
    request.headers_mut().insert("content-type", HeaderValue::from_static(FORM));
    tokio::select! {
        answer = client::ask(stage.proxy, request) => (answer, None),
        arrived = async {
            let (mut upstream, _, content) = take(&origin).await;
            upstream.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
            content
        } => (Whole { status: StatusCode::OK, fields: http::HeaderMap::new(), content: "".into() }, Some(arrived)),
    }
}

#[tokio::test]
async fn a_model_behind_a_large_file_is_found_within_the_limit_and_is_a_clear_413_past_it() {
    let (answer, arrived) = model_last(&[]).await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::PAYLOAD_TOO_LARGE, "content_too_large"));
    let message = answer.json()["error"]["message"].to_string();
    assert!(message.contains("67108864 octets") && message.contains("buffered_content"), "{message}");
    assert!(arrived.is_none());
    let (_, arrived) = model_last(&[("AZURE_OPENAI_PROXY_BUFFERED_CONTENT", "128MiB")]).await;
    let arrived = arrived.expect("it is sent");
    assert!(arrived.ends_with(b"\r\n\r\ndemo-gpt-4o\r\n--B--\r\n"));
    assert_eq!(arrived.len(), FILE.len() + LONG + MODEL.len() + "demo-".len() + END.len());
}
