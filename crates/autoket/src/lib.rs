//! Autoregressive neural quantum states: from a lattice and a Hamiltonian to a ground state.

pub mod any;
pub mod checkpoint;
pub mod config;
pub mod driver;
pub mod error;
pub mod exact;
pub mod graph;
pub mod hilbert;
mod interrupt;
mod linalg;
pub mod logging;
pub mod memory;
pub mod models;
pub mod module;
pub mod nn;
pub mod observables;
pub mod operator;
pub mod optimizer;
pub mod params;
pub mod random;
pub mod ranks;
pub mod sampler;
pub mod scalar;
pub mod simd;
pub mod stats;
mod svg;
pub mod vqs;

pub use error::{Error, Result};
pub use interrupt::Interrupt;
pub use scalar::{Dtype, Real, Scalar, c64};

/// The snippets of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
