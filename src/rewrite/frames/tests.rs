use std::io::Cursor;

use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};
use tokio_tungstenite::tungstenite::{self, Message};

use super::*;

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;

fn map() -> ModelMap {
    "gpt-4o=prod,rt=a-much-longer-deployment,whisper-1=ears".parse().unwrap()
}

/// One frame as a client writes it.
fn frame(first: u8, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut octets = vec![first];
    match payload.len() {
        short @ ..126 => octets.push(0x80 | short as u8),
        length @ 126..65_536 => {
            octets.push(0xFE);
            octets.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            octets.push(0xFF);
            octets.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    octets.extend_from_slice(&key);
    octets.extend(payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key));
    octets
}

/// A message in frames of `size` octets at most.
fn fragmented(opcode: u8, payload: &[u8], size: usize) -> Vec<Vec<u8>> {
    let parts: Vec<_> = if payload.is_empty() { vec![payload] } else { payload.chunks(size).collect() };
    let last = parts.len() - 1;
    let first_octet = |index| if index == 0 { opcode } else { 0 } | if index == last { 0x80 } else { 0 };
    parts.iter().enumerate().map(|(index, part)| frame(first_octet(index), part, KEY)).collect()
}

fn rewritten(octets: &[u8], step: usize, limit: usize) -> Vec<u8> {
    let models = map();
    let (mut rewriter, mut out) = (Rewriter::new(&models, limit), Vec::new());
    for chunk in octets.chunks(step) {
        rewriter.push(chunk, &mut out);
    }
    rewriter.end(&mut out);
    out
}

/// What an independent implementation reads in a client's octets.
fn read(octets: &[u8]) -> Vec<Message> {
    let mut socket = WebSocket::from_raw_socket(Silent(Cursor::new(octets.to_vec())), Role::Server, None);
    std::iter::from_fn(|| match socket.read() {
        Ok(message) => Some(message),
        Err(tungstenite::Error::Protocol(
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        )) => None,
        Err(error) => panic!("{error}"),
    })
    .collect()
}

/// Octets to read; what is written to it is gone.
struct Silent(Cursor<Vec<u8>>);

impl std::io::Read for Silent {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
}

impl std::io::Write for Silent {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Messages with what becomes of them.
const MESSAGES: &[(&str, &str)] = &[
    // Responses.
    (
        r#"{"type":"response.create","model":"gpt-4o","input":[]}"#,
        r#"{"type":"response.create","model":"prod","input":[]}"#,
    ),
    (
        r#" {"input":[{"model":"gpt-4o","type":"x"}], "model" : "rt" ,"type":"response.create"}"#,
        r#" {"input":[{"model":"gpt-4o","type":"x"}], "model" : "a-much-longer-deployment" ,"type":"response.create"}"#,
    ),
    (
        r#"{"\u0074ype":"response.create","mode\u006c":"gpt-4\u006f"}"#,
        r#"{"\u0074ype":"response.create","mode\u006c":"prod"}"#,
    ),
    // Realtime, in today's form and in the preview's; live.
    (
        r#"{"type":"session.update","session":{"model":"rt","audio":{"input":{"transcription":{"model":"whisper-1"}}}}}"#,
        r#"{"type":"session.update","session":{"model":"a-much-longer-deployment","audio":{"input":{"transcription":{"model":"ears"}}}}}"#,
    ),
    (
        r#"{"session":{"input_audio_transcription":{"model":"whisper-1"},"model":"gpt-4o"},"type":"session.update"}"#,
        r#"{"session":{"input_audio_transcription":{"model":"ears"},"model":"prod"},"type":"session.update"}"#,
    ),
    (
        r#"{"type":"transcription_session.update","session":{"input_audio_transcription":{"model":"whisper-1"}}}"#,
        r#"{"type":"transcription_session.update","session":{"input_audio_transcription":{"model":"ears"}}}"#,
    ),
    (
        r#"{"type":"session.start","session":{"model":"gpt-4o"}}"#,
        r#"{"type":"session.start","session":{"model":"prod"}}"#,
    ),
    (
        r#"{"type":"session.start","session":{"model":"rt","delegation":{"type":"responses","responses":{"model":"gpt-4o"}}}}"#,
        r#"{"type":"session.start","session":{"model":"a-much-longer-deployment","delegation":{"type":"responses","responses":{"model":"prod"}}}}"#,
    ),
    (
        r#"{"type":"session.update","session":{"delegation":{"model":"gpt-4o","responses":{"model":"rt"}}}}"#,
        r#"{"type":"session.update","session":{"delegation":{"model":"gpt-4o","responses":{"model":"a-much-longer-deployment"}}}}"#,
    ),
];

/// Messages that nothing becomes of.
const OTHERS: &[&str] = &[
    "",
    "no JSON",
    "[]",
    r#"{"type":"response.create","model":"gpt-5"}"#,
    r#"{"type":"response.create","response":{"model":"gpt-4o"}}"#,
    r#"{"type":"response.create","model":4}"#,
    r#"{"type":"response.create","model":"gpt-4o","model":"gpt-4o"}"#,
    r#"{"type":"conversation.item.create","model":"gpt-4o"}"#,
    r#"{"type":null,"model":"gpt-4o"}"#,
    r#"{"model":"gpt-4o"}"#,
    r#"{"type":"session.update","model":"gpt-4o","session":{"voice":"model"}}"#,
    r#"{"type":"input_audio_buffer.append","audio":"AAAA"}"#,
];

#[test]
fn maps_models_where_messages_name_them() {
    let untouched = OTHERS.iter().map(|text| (*text, *text));
    for (text, expected) in MESSAGES.iter().copied().chain(untouched) {
        for size in [1, 7, 50, 1000] {
            let octets = fragmented(TEXT, text.as_bytes(), size).concat();
            let out = rewritten(&octets, 3, 1 << 20);
            assert_eq!(read(&out), [Message::text(expected)], "{text} in frames of {size}");
            if text == expected {
                assert_eq!(out, octets, "{text} in frames of {size}");
            }
        }
    }
}

#[test]
fn a_frame_s_length_fits_whatever_it_becomes() {
    // Each of them crosses a boundary of RFC 6455's three forms of length in one direction.
    for (model, deployment, filler) in [
        ("rt", "a-much-longer-deployment", 60),
        ("gpt-4o", "prod", 84),
        ("rt", "a-much-longer-deployment", 65_470),
        ("gpt-4o", "prod", 65_493),
    ] {
        let text = |model| {
            format!(r#"{{"type":"response.create","model":"{model}","input":"{}"}}"#, "x".repeat(filler))
        };
        let out = rewritten(&frame(0x80 | TEXT, text(model).as_bytes(), KEY), 1000, 1 << 20);
        assert_eq!(out, frame(0x80 | TEXT, text(deployment).as_bytes(), KEY), "{model} and {filler}");
    }
}

#[test]
fn what_is_larger_than_the_limit_goes_on_with_what_was_found() {
    let filler = "x".repeat(5000);
    for (model, deployment) in [("gpt-4o", "prod"), ("rt", "a-much-longer-deployment")] {
        let text = |model| format!(r#"{{"type":"response.create","model":"{model}","input":"{filler}"}}"#);
        for (size, step) in [(10_000, 1), (10_000, 777), (600, 333)] {
            let octets = fragmented(TEXT, text(model).as_bytes(), size).concat();
            let out = rewritten(&octets, step, 2000);
            assert_eq!(read(&out), [Message::text(text(deployment))], "{size} {step}");
        }
        let late = format!(r#"{{"type":"response.create","input":"{filler}","model":"{model}"}}"#);
        let octets = frame(0x80 | TEXT, late.as_bytes(), KEY);
        assert_eq!(rewritten(&octets, 100, 2000), octets);
    }
    // Frames cost memory even if they are empty.
    let models = map();
    let (mut rewriter, mut out) = (Rewriter::new(&models, 2000), Vec::new());
    rewriter.push(&frame(TEXT, b"", KEY), &mut out);
    for _ in 0..100 {
        rewriter.push(&frame(0, b"", KEY), &mut out);
    }
    assert_eq!(out.len(), 101 * 6);
}

#[test]
fn what_names_no_model_is_not_held_back() {
    let models = map();
    let (mut rewriter, mut out) = (Rewriter::new(&models, 1 << 20), Vec::new());
    let octets = frame(0x80 | TEXT, br#"{"type":"input_audio_buffer.append","audio":"AAAA"}"#, KEY);
    rewriter.push(&octets[..45], &mut out);
    assert_eq!(out, &octets[..45]);
    rewriter.push(&octets[45..], &mut out);
    assert_eq!(out, octets);
}

#[test]
fn pings_overtake_a_held_message_and_a_close_does_not() {
    let models = map();
    let (mut rewriter, mut out) = (Rewriter::new(&models, 1 << 20), Vec::new());
    let [start, ping, close] = [
        frame(TEXT, br#"{"model":"gpt-4o","#, KEY),
        frame(0x80 | PING, b"?", KEY),
        frame(0x80 | CLOSE, &[3, 0xE8], KEY),
    ];
    rewriter.push(&start, &mut out);
    assert!(out.is_empty());
    rewriter.push(&ping, &mut out);
    assert_eq!(out, ping);
    rewriter.push(&close, &mut out);
    assert_eq!(out, [&ping[..], &start, &close].concat());
}

#[test]
fn what_is_not_understood_passes() {
    let text = br#"{"type":"response.create","model":"gpt-4o"}"#;
    let held = frame(TEXT, &text[..20], KEY);
    for octets in [
        // Compressed, unmasked is in order; so is what comes behind a compressed message.
        [frame(0xC0 | TEXT, b"\xAA\x56", KEY), frame(0x80 | BINARY, text, KEY)].concat(),
        // A continuation of nothing, a message within another, unknown opcodes.
        [frame(0x80, text, KEY), frame(0x80 | TEXT, text, KEY)].concat(),
        [held.clone(), frame(0x80 | TEXT, text, KEY)].concat(),
        [held.clone(), frame(0x83, text, KEY), frame(0x80 | TEXT, text, KEY)].concat(),
        // Broken off in a head, in a payload.
        held[..3].to_vec(),
        held[..12].to_vec(),
        // A length that is not in its shortest form.
        [&[0x81, 0xFE, 0, 2][..], &KEY, &[KEY[0] ^ b'{', KEY[1] ^ b'}']].concat(),
        [vec![0x81, 0xFF], vec![255; 8], KEY.to_vec(), vec![0; 100]].concat(),
    ] {
        for step in [1, 5, 1000] {
            assert_eq!(rewritten(&octets, step, 4096), octets);
        }
    }
    let unmasked = [&[0x81, text.len() as u8][..], text].concat();
    let expected = br#"{"type":"response.create","model":"prod"}"#;
    assert_eq!(rewritten(&unmasked, 9, 4096), [&[0x81, expected.len() as u8][..], expected].concat());
}

mod laws;
