//! How long the rewrite core, an exchange and a leaf take:
//! `cargo bench --manifest-path tests/bench/Cargo.toml -p core-bench`.

use core_bench::exchange::Exchange;
use core_bench::leaf::Minting;
use core_bench::pure::{Rewrite, Stream};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn rewrite(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rewrite");
    for (name, request) in [
        ("chat of 2 KiB", Rewrite::chat(2 << 10)),
        ("chat of 1 MiB", Rewrite::chat(1 << 20)),
        ("upload of 1 MiB, model last", Rewrite::upload(1 << 20)),
    ] {
        let request = request.expect("the request is well-formed");
        group.throughput(Throughput::Bytes(request.octets() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| request.once().expect("it is rewritten")));
    }
    let stream = Stream::new(100);
    group.throughput(Throughput::Elements(100));
    group.bench_function("stream of 100 chunks", |bencher| {
        bencher.iter(|| stream.once().expect("it is normalised"));
    });
    group.finish();
    let mut exchange = Exchange::new().expect("the proxy starts");
    criterion.bench_function("whole exchange", |bencher| {
        bencher.iter(|| exchange.once().expect("it is answered"));
    });
    let mut minting = Minting::new().expect("the CA is made");
    criterion.bench_function("a new leaf", |bencher| {
        bencher.iter(|| minting.once().expect("it is minted"));
    });
}

criterion_group!(benches, rewrite);
criterion_main!(benches);
