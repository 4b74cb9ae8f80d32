use super::*;

#[test]
fn content_in_the_smallest_pieces_takes_little_more_than_its_octets() {
    let sent: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
    let mut held = Held::before(None);
    let buffer = Bytes::from(sent.clone());
    for at in 0..sent.len() {
        held.keep(Frame::data(buffer.slice(at..=at)));
    }
    assert!(held.frames.len() <= sent.len() / SMALL + 1, "{}", held.frames.len());
    // What was large stays as it is, and nothing is put before it.
    held.keep(Frame::data(buffer.slice(..SMALL)));
    held.keep(Frame::data(buffer.slice(..1)));
    let kept: Vec<Bytes> = held.frames.into_iter().filter_map(|frame| frame.into_data().ok()).collect();
    assert_eq!(kept[kept.len() - 2].as_ptr(), buffer.as_ptr());
    assert!(kept.concat() == [&sent[..], &sent[..SMALL], &sent[..1]].concat());
    // None of those that were gathered holds the buffer that they came in.
    let own = |data: &Bytes| !buffer.as_ptr_range().contains(&data.as_ptr());
    assert!(kept[..kept.len() - 2].iter().all(own));
}

#[test]
fn splices_wherever_the_frames_are_divided() {
    let text = b"{\"model\":\"gpt-4o\",\"x\":1}";
    for step in 1..=text.len() {
        for (replacement, expected) in [
            ("\"d\"", "{\"model\":\"d\",\"x\":1}"),
            ("\"a-longer-deployment\"", "{\"model\":\"a-longer-deployment\",\"x\":1}"),
        ] {
            let mut frames =
                text.chunks(step).map(|part| Frame::data(Bytes::copy_from_slice(part))).collect();
            let splice = Splice { at: 9..17, replacement: Bytes::from_static(replacement.as_bytes()) };
            cut(&mut frames, splice);
            let out: Vec<u8> = frames.into_iter().filter_map(|f| f.into_data().ok()).flatten().collect();
            assert_eq!(String::from_utf8_lossy(&out), expected, "{step}");
        }
    }
}
