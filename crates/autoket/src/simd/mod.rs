//! Lanes, vector mathematics and register tiles, dispatched at run time to the SIMD level of the machine.
//!
//! Samples lie side by side in [rows of lanes](Row); everything a network does is done to whole rows.
//! The levels (AVX-512, AVX2 with FMA, NEON, SSE, plain) are `fearless_simd`'s, which keeps this crate free of `unsafe`.

mod conditionals;
mod elementwise;
mod functions;
mod lanes;
mod lanewise;
pub mod math;
mod products;
mod sums;
mod tiles;

pub use conditionals::{add_log_conditional, draw, log_normalise, pick, pull_back_conditionals};
pub use elementwise::{Function, OnRows};
pub use functions::{exp_complex, exp_in_place, uniforms};
pub use lanes::{Lanes, Row, level, levels};
pub use lanewise::{gather_lanes, scatter_lanes};
pub use products::add_product;
pub use sums::{
    add_columns, add_difference, add_dots, add_elementwise, add_lanes, add_scaled, center,
    transpose,
};
pub use tiles::{Across, Flat, InputAndCotangent, Precision, Start, Tap, Tiles, Weights};
