//! Everything at once, for a while, against the program as its own process: exchanges by every way in, tunnels, WebSockets,
//! uploads, clients that go away, origins that break, hostile input, and reloads all the time.
//!
//! In the end memory is flat, no socket is left, and what clients saw, what `/metrics` says and what the log says is the
//! same. `scripts/soak` runs it and says for how long.

#![cfg(target_os = "linux")]

#[path = "../support/client.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod client;
mod ground;
mod hostile;
mod origin;
mod process;
mod tally;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ground::Ground;
use process::Process;

/// What may be taken beyond what was taken before, in octets: allocators give back late.
const SLACK: usize = 24 << 20;

fn length() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(15))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_flat_no_socket_is_left_and_every_count_adds_up() {
    let length = length();
    let simulator = ground::Simulator::start().await;
    let origin = origin::Origin::start().await;
    let mut process = Process::start(&simulator).await;
    let idle = process.open_files();
    let ground = Arc::new(Ground::new(&process, &origin, length));

    let working = work::begin(&ground).into_iter().chain(hostile::begin(&ground)).collect::<Vec<_>>();
    let memory = watch(&mut process, length).await;
    for work in working {
        work.await.expect("nobody panics");
    }

    process.settle(&ground.tally).await;
    let counted = process.metrics().await;
    simulator.stop().await;
    origin.stop();
    let left = process.files_come_down_to(idle).await;
    let log = process.end().await;

    println!("{}", ground.tally);
    println!("memory: {memory:?}; files: {idle} before, {left} after");
    ground.tally.assert_agrees_with(&counted, &log);
    assert_eq!(left, idle, "sockets are left");
    assert!(memory.later <= memory.earlier + SLACK, "memory grows: {memory:?}");
}

/// The most memory that was in use in the second third of the time and in the last, in octets.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    earlier: usize,
    later: usize,
}

/// Looks at the process while it works, and makes it read its settings again all the time.
async fn watch(process: &mut Process, length: Duration) -> Memory {
    let (begun, mut memory, mut round) = (Instant::now(), Memory::default(), 0);
    while begun.elapsed() < length {
        tokio::time::sleep(Duration::from_millis(500)).await;
        process.reload(round).await;
        round += 1;
        let now = process.resident();
        match begun.elapsed().as_secs_f64() / length.as_secs_f64() {
            ..0.33 => {}
            ..0.66 => memory.earlier = memory.earlier.max(now),
            _ => memory.later = memory.later.max(now),
        }
    }
    memory
}
