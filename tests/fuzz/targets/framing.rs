//! Where HTTP/1 requests begin and end: the same in all pieces, and where a parser of heads agrees.
#![no_main]

use azure_openai_proxy::net::framing::{Follower, FramingError};
use azure_openai_proxy_fuzz::STEPS;
use libfuzzer_sys::fuzz_target;

/// More than an input has.
const LIMIT: usize = 1 << 20;

fuzz_target!(|octets: &[u8]| {
    let whole = follow(octets, octets.len().max(1));
    for step in STEPS {
        assert_eq!(follow(octets, step), whole, "in pieces of {step}");
    }
    check_first(octets, &whole);
});

/// How many octets may be served, and why no more: a refusal, or an answer that has to come first.
#[derive(Debug)]
struct Followed {
    passed: usize,
    refused: Option<FramingError>,
    undecided: bool,
}

/// A head that came in pieces was passed on in part when it is refused, and by its first fault.
impl PartialEq for Followed {
    fn eq(&self, other: &Self) -> bool {
        let same = self.passed == other.passed && self.undecided == other.undecided;
        self.refused.is_some() == other.refused.is_some() && (same || self.refused.is_some())
    }
}

fn follow(octets: &[u8], step: usize) -> Followed {
    let mut follower = Follower::new(LIMIT);
    let mut passed = 0;
    for chunk in octets.chunks(step) {
        match follower.follow(chunk) {
            Ok(count) => passed += count,
            Err(refused) => {
                assert!(refused.passed < chunk.len());
                return Followed {
                    passed: passed + refused.passed,
                    refused: Some(refused.why),
                    undecided: false,
                };
            }
        }
        if follower.is_undecided() {
            return Followed { passed, refused: None, undecided: true };
        }
    }
    assert_eq!(passed, octets.len());
    Followed { passed, refused: None, undecided: false }
}

/// The first request, where another parser reads its head: two ways to frame its content are never passed.
fn check_first(octets: &[u8], followed: &Followed) {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let Ok(httparse::Status::Complete(head)) = request.parse(octets) else { return };
    let count =
        |name: &str| request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count();
    let (lengths, codings) = (count("content-length"), count("transfer-encoding"));
    if codings > 0 && lengths > 0 {
        assert!(followed.refused.is_some() && followed.passed < head, "{followed:?}");
    }
    if lengths + codings == 0 && request.version == Some(1) && followed.refused.is_none() {
        assert!(followed.passed >= head, "a head without content ends with its empty line");
    }
}
