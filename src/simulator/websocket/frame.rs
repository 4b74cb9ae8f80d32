//! One frame of a WebSocket (RFC 6455 §5.2): read from a client, written to it.

use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Code, Over};

/// The longest payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL: u64 = 125;

/// A frame that a client may send.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) opcode: Opcode,
    /// Whether its message ends with it.
    pub(super) last: bool,
    /// Without its mask.
    pub(super) payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// Reads a frame with a payload of at most `room` octets.
///
/// It waits for as long as the client is silent: whoever runs the simulator ends it.
pub(super) async fn read(io: &mut (impl AsyncRead + Unpin), room: usize) -> Result<Frame, Over> {
    let [flags, short] = octets(io).await?;
    let opcode =
        Opcode::of(flags & 0x0F).filter(|_| flags & 0x70 == 0).ok_or(Over::Broken(Code::Protocol))?;
    let (last, masked) = (flags & 0x80 != 0, short & 0x80 != 0);
    let length = match short & 0x7F {
        126 => u16::from_be_bytes(octets(io).await?).into(),
        127 => u64::from_be_bytes(octets(io).await?),
        short => short.into(),
    };
    if !masked || opcode.is_control() && (!last || length > MAX_CONTROL) {
        return Err(Over::Broken(Code::Protocol));
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= room || opcode.is_control());
    let length = length.ok_or(Over::Broken(Code::TooLarge))?;
    let key: [u8; 4] = octets(io).await?;
    let mut payload = Vec::new();
    (&mut *io).take(length as u64).read_to_end(&mut payload).await?;
    if payload.len() < length {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    payload.iter_mut().zip(key.iter().cycle()).for_each(|(octet, key)| *octet ^= key);
    Ok(Frame { opcode, last, payload })
}

async fn octets<const N: usize>(io: &mut (impl AsyncRead + Unpin)) -> Result<[u8; N], Over> {
    let mut octets = [0; N];
    io.read_exact(&mut octets).await?;
    Ok(octets)
}

/// A whole message as a server writes it: in one frame, not masked.
pub(super) fn unmasked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x80 | opcode as u8];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..126), _) => octets.push(short),
        (_, Ok(length)) => {
            octets.push(126);
            octets.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            octets.push(127);
            octets.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    octets.extend_from_slice(payload);
    octets
}

// === impl Opcode ===

impl Opcode {
    fn of(number: u8) -> Option<Self> {
        let all = [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong];
        all.into_iter().find(|opcode| *opcode as u8 == number)
    }

    fn is_control(self) -> bool {
        self as u8 & 8 != 0
    }
}
