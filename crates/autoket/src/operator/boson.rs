//! Bosonic operators on one site, by local index n = 0, 1, ..., d - 1.
//!
//! The space ends at the largest occupation: a†|d-1⟩ = 0.
//! NetKet: `nk.operator.boson`.

use super::LocalOperator;
use super::spin::matrix;
use crate::error::Result;
use crate::hilbert::Hilbert;

/// a: ⟨n-1|a|n⟩ = √n.
///
/// # Errors
/// A site the space lacks.
pub fn destroy(hilbert: &Hilbert, site: usize) -> Result<LocalOperator> {
    matrix(hilbert, site, |i, j| match i + 1 == j {
        true => (j as f64).sqrt(),
        false => 0.0,
    })
}

/// a†: ⟨n+1|a†|n⟩ = √(n+1).
///
/// # Errors
/// A site the space lacks.
pub fn create(hilbert: &Hilbert, site: usize) -> Result<LocalOperator> {
    Ok(destroy(hilbert, site)?.adjoint())
}

/// n = a†a.
///
/// # Errors
/// A site the space lacks.
pub fn number(hilbert: &Hilbert, site: usize) -> Result<LocalOperator> {
    matrix(hilbert, site, |i, j| match i == j {
        true => i as f64,
        false => 0.0,
    })
}
