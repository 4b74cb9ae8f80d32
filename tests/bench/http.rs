//! As much HTTP/1.1 as the benchmark's two ends need, so that they cost little beside the proxy between them.
//!
//! No message is pipelined behind another: what has been read never goes beyond the message under way.

use std::io;

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest head.
const HEAD: usize = 16 << 10;

/// Reads one message after the other from one connection.
pub(crate) struct Reader {
    buffer: Vec<u8>,
    filled: usize,
}

/// A head that was read, with what came behind it.
pub(crate) struct Head {
    /// Where it ends in the reader's buffer.
    pub(crate) end: usize,
    length: Option<u64>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self { buffer: vec![0; HEAD], filled: 0 }
    }

    /// What has been read of the message under way.
    pub(crate) fn read_so_far(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// The next message's head; `None` where the other side closed instead.
    pub(crate) async fn head(&mut self, io: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Head>> {
        self.filled = 0;
        loop {
            if self.more(io).await? == 0 {
                return if self.filled == 0 { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            if let Some(end) = memmem::find(self.read_so_far(), b"\r\n\r\n").map(|at| at + 4) {
                let length = content_length(&self.buffer[..end]);
                return Ok(Some(Head { end, length }));
            }
            if self.filled == self.buffer.len() {
                return Err(io::Error::other("the head is too large"));
            }
        }
    }

    /// The rest of a message that has to fit into the buffer; its content stays there.
    pub(crate) async fn content(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        head: &Head,
    ) -> io::Result<&[u8]> {
        while !self.is_whole(head) {
            if self.filled == self.buffer.len() || self.more(io).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(&self.buffer[head.end..self.filled])
    }

    /// Reads the rest of a message of any size and drops it; says how much it was.
    pub(crate) async fn drain(&mut self, io: &mut (impl AsyncRead + Unpin), head: &Head) -> io::Result<u64> {
        let mut seen = (self.filled - head.end) as u64;
        // The end of chunked content is only known by its last octets.
        let mut tail = self.read_so_far().to_vec();
        loop {
            let whole = match head.length {
                Some(length) => seen >= length,
                None => tail.ends_with(b"0\r\n\r\n"),
            };
            if whole {
                return Ok(seen);
            }
            let read = io.read(&mut self.buffer).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            seen += read as u64;
            tail.extend_from_slice(&self.buffer[read.saturating_sub(8)..read]);
            tail.drain(..tail.len().saturating_sub(8));
        }
    }

    /// Whether the content is large, by its head.
    pub(crate) fn is_large(&self, head: &Head) -> bool {
        head.length.is_some_and(|length| length > (HEAD / 2) as u64)
    }

    /// Makes room for large content.
    pub(crate) fn grow(&mut self, octets: usize) {
        self.buffer.resize(octets.max(self.buffer.len()), 0);
    }

    /// Reads once.
    async fn more(&mut self, io: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        let read = io.read(&mut self.buffer[self.filled..]).await?;
        self.filled += read;
        Ok(read)
    }

    fn is_whole(&self, head: &Head) -> bool {
        match head.length {
            Some(length) => (self.filled - head.end) as u64 >= length,
            None => self.read_so_far()[head.end..].ends_with(b"0\r\n\r\n"),
        }
    }
}

/// `None` is chunked.
fn content_length(head: &[u8]) -> Option<u64> {
    let mut lines = head.split(|&octet| octet == b'\n');
    let value = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(b"content-length:".len())?;
        name.eq_ignore_ascii_case(b"content-length:").then_some(value)
    })?;
    std::str::from_utf8(value.trim_ascii()).ok()?.parse().ok()
}
