//! The ways through a contender to the origin.

use crate::contender::{Kind, Running};
use crate::target::Target;

/// By which way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// With nothing between: what each of the others is compared with.
    Direct,
    /// The client's TLS for OpenAI's host ends on the way.
    Intercepted,
    /// The client speaks to what is on the way, without TLS.
    Reverse,
}

/// All ways through all of them, in their order.
pub(crate) fn ways(contenders: &[(Kind, Running)]) -> Vec<(Kind, &Running, Way)> {
    let of = |running: &Running| match (running.process().is_some(), running.reverse.is_some()) {
        (false, _) => &[Way::Direct][..],
        (true, false) => &[Way::Intercepted],
        (true, true) => &[Way::Intercepted, Way::Reverse],
    };
    let each = contenders.iter().map(|(kind, running)| (*kind, running));
    each.flat_map(|(kind, running)| of(running).iter().map(move |way| (kind, running, *way))).collect()
}

impl Way {
    /// What is at its beginning.
    pub(crate) fn target(self, running: &Running) -> &Target {
        match self {
            Self::Direct | Self::Intercepted => &running.intercepted,
            Self::Reverse => running.reverse.as_ref().unwrap_or(&running.intercepted),
        }
    }

    /// What the report calls it. Without anything between, both are the same.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Direct => &["intercepted", "reverse"],
            Self::Intercepted => &["intercepted"],
            Self::Reverse => &["reverse"],
        }
    }

    /// The same where what counts is the difference to the direct way, which has none.
    pub(crate) fn names_of_added(self) -> &'static [&'static str] {
        if self == Self::Direct { &[] } else { self.names() }
    }
}
