//! Buffers for what is read and written, handed from one connection to the next.
//!
//! A connection holds none while it waits, however long that lasts, and to ask for the memory each time costs more than
//! to fill it.

use std::cell::RefCell;

use bytes::BytesMut;

thread_local! {
    static STOCK: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// Buffers that a thread keeps.
const KEPT: usize = 4;

/// Octets that each has room for; those that were made larger are not kept.
const ROOM: usize = 16 << 10;

/// An empty buffer with room.
pub(super) fn take() -> BytesMut {
    // At the end of a thread, and nowhere else, there is no stock.
    let kept = STOCK.try_with(|stock| stock.borrow_mut().pop()).ok().flatten();
    kept.unwrap_or_else(|| BytesMut::with_capacity(ROOM))
}

/// Keeps a buffer in which there is nothing, if nobody holds parts of it.
pub(super) fn give(mut buffer: BytesMut) {
    if !buffer.is_empty() || !buffer.try_reclaim(ROOM) || buffer.capacity() > 2 * ROOM {
        return;
    }
    let _ = STOCK.try_with(|stock| {
        let mut stock = stock.borrow_mut();
        if stock.len() < KEPT {
            stock.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    #[test]
    fn a_buffer_comes_back_whole_and_empty() {
        let mut buffer = take();
        buffer.extend_from_slice(b"a head");
        let at = buffer.as_ptr();
        buffer.advance(6);
        give(buffer);
        let again = take();
        assert_eq!((again.as_ptr(), again.len()), (at, 0));
        assert!(again.capacity() >= ROOM);
    }

    #[test]
    fn what_is_held_elsewhere_or_is_large_or_holds_something_is_not_kept() {
        let mut held = take();
        held.extend_from_slice(b"part");
        let part = held.split().freeze();
        let at = part.as_ptr();
        give(held);
        give(BytesMut::with_capacity(4 * ROOM));
        give(BytesMut::from(&b"octets"[..]));
        let buffer = take();
        assert!(buffer.is_empty() && buffer.as_ptr() != at);
        assert!((ROOM..=2 * ROOM).contains(&buffer.capacity()));
    }

    #[test]
    fn the_stock_has_a_bound() {
        let buffers: Vec<_> = std::iter::repeat_with(take).take(3 * KEPT).collect();
        buffers.into_iter().for_each(give);
        assert_eq!(STOCK.with(|stock| stock.borrow().len()), KEPT);
    }
}
