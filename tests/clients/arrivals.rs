//! Whether a stream came piece by piece, as it was sent.

use std::time::Duration;

use tokio::time::Instant;

/// The simulator's pace in these tests: well above what a busy machine delays a process by.
pub(crate) const PACE: Duration = Duration::from_millis(60);

/// Fails if the moments are those of a stream that somebody held back.
pub(crate) fn assert_paced(what: &str, moments: impl IntoIterator<Item = Instant>) {
    let moments: Vec<Instant> = moments.into_iter().collect();
    let since: Vec<Duration> = moments.iter().map(|moment| *moment - moments[0]).collect();
    assert!(is_paced(&since), "{what}: pieces sent every {PACE:?} came at {since:?}");
}

/// The span is at least half of what was sent, and at least half of the pieces came apart from the one before:
/// a pause of the client's makes one burst, a buffer on the way makes nothing else.
fn is_paced(since: &[Duration]) -> bool {
    let Some((last, pieces)) = since.last().zip(u32::try_from(since.len()).ok()) else { return false };
    let apart = since.windows(2).filter(|pair| pair[1] - pair[0] >= PACE / 2).count();
    pieces >= 8 && *last >= PACE * (pieces - 2) / 2 && 2 * apart >= since.len() - 1
}

#[test]
fn tells_a_stream_from_bursts() {
    let ms = |all: &[u64]| all.iter().map(|ms| Duration::from_millis(*ms)).collect::<Vec<_>>();
    for (came, paced) in [
        (&[0, 60, 120, 181, 240, 302, 360, 420, 480, 540][..], true),
        // The client slept for a while.
        (&[0, 240, 240, 241, 242, 302, 360, 420, 480, 540], true),
        (&[0, 0, 0, 0, 0, 1, 1, 1, 1, 1], false),
        // Two bursts, and three.
        (&[0, 0, 0, 0, 0, 540, 540, 540, 541, 541], false),
        (&[0, 0, 0, 240, 240, 240, 480, 480, 480, 480], false),
        // Too few to tell.
        (&[0, 60, 120], false),
        (&[], false),
    ] {
        assert_eq!(is_paced(&ms(came)), paced, "{came:?}");
    }
}
