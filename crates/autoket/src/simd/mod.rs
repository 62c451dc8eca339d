//! Lanes, vector mathematics and register tiles, dispatched at run time to the SIMD level of the machine.

mod lanes;
pub use lanes::{Lanes, Row, level};
