//! What holds for every conversation, and for octets that are none.

use proptest::prelude::*;

use super::*;

/// A frame as the laws see it: first octet, key, payload.
type Seen = (u8, [u8; 4], Vec<u8>);

fn frames(mut octets: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    while !octets.is_empty() {
        let mut head = Head::default();
        octets = head.take(octets);
        let (payload, rest) = octets.split_at(head.length() as usize);
        let mut payload = payload.to_vec();
        head::mask(&mut payload, head.mask(), 0);
        seen.push((head[0], head.mask(), payload));
        octets = rest;
    }
    seen
}

/// A conversation's frames, and the texts that are read in it.
fn conversation() -> impl Strategy<Value = (Vec<u8>, Vec<String>)> {
    let message = (0..MESSAGES.len() + OTHERS.len(), 1..60_usize, any::<[u8; 4]>(), any::<bool>());
    prop::collection::vec(message, 1..6).prop_map(|messages| {
        let (mut octets, mut texts) = (Vec::new(), Vec::new());
        for (which, size, key, pings) in messages {
            let (text, expected) = match MESSAGES.get(which) {
                Some(pair) => *pair,
                None => (OTHERS[which - MESSAGES.len()], OTHERS[which - MESSAGES.len()]),
            };
            for part in fragmented(TEXT, text.as_bytes(), size) {
                octets.extend(part);
                if pings {
                    octets.extend(frame(0x80 | PING, &key, key));
                }
            }
            texts.push(expected.to_owned());
        }
        (octets, texts)
    })
}

proptest! {
    #[test]
    fn only_models_change((octets, texts) in conversation(), step in 1..300_usize) {
        let out = rewritten(&octets, step, 1 << 20);
        let read: Vec<_> = read(&out).into_iter().filter(Message::is_text).collect();
        prop_assert_eq!(read, texts.iter().map(Message::text).collect::<Vec<_>>());
        // Flags, keys and the number of frames stay, and each kind keeps its order.
        let is_ping = |(first, ..): &Seen| first & 0x0F == PING;
        let (pings, data): (Vec<_>, Vec<_>) = frames(&octets).into_iter().partition(is_ping);
        let (pings_out, data_out): (Vec<_>, Vec<_>) = frames(&out).into_iter().partition(is_ping);
        prop_assert_eq!(pings, pings_out);
        prop_assert_eq!(data.len(), data_out.len());
        for (before, after) in data.iter().zip(&data_out) {
            prop_assert_eq!((before.0, before.1), (after.0, after.1));
        }
    }

    #[test]
    fn the_limit_only_decides_how_much_is_found((octets, _) in conversation(), step in 1..99_usize, limit in 0..200_usize) {
        let without_keys = |seen: Vec<Seen>| seen.into_iter().map(|(first, ..)| first).collect::<Vec<_>>();
        let out = frames(&rewritten(&octets, step, limit));
        let (mut before, mut after) = (without_keys(frames(&octets)), without_keys(out));
        before.sort_unstable();
        after.sort_unstable();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn octets_that_are_no_websocket_pass(octets in prop::collection::vec(0x83_u8..=0x87, 1..9), more: Vec<u8>, step in 1..99_usize) {
        let octets = [octets, more].concat();
        prop_assert_eq!(rewritten(&octets, step, 64), octets);
    }

    #[test]
    fn never_panics(octets: Vec<u8>, step in 1..99_usize, limit in 0..200_usize) {
        let mut out = rewritten(&octets, step, limit);
        let mut all = octets;
        out.sort_unstable();
        all.sort_unstable();
        prop_assert_eq!(out, all);
    }
}
