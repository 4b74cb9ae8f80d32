//! The work that is measured, each piece as a function that does it once.

pub mod exchange;
pub mod leaf;
pub mod pure;
