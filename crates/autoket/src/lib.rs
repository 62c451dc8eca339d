//! Autoregressive neural quantum states: from a lattice and a Hamiltonian to a ground state.

pub mod error;
pub mod exact;
pub mod graph;
pub mod hilbert;
pub mod operator;
pub mod random;
pub mod scalar;
pub mod simd;

pub use error::{Error, Result};
pub use scalar::{Dtype, Real, Scalar, c64};
