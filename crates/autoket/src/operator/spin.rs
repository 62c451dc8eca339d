//! Pauli matrices, and their likes for larger spins, on one site.
//!
//! σ = 2S: the eigenvalues of σᶻ are the local states -2s, ..., 2s of a spin.
//! A space that is not of spins counts as a spin (d - 1)/2 whose index 0 is up.
//! NetKet: `nk.operator.spin`.

use super::LocalOperator;
use crate::error::Result;
use crate::hilbert::Hilbert;
use crate::scalar::c64;

/// σˣ = σ⁺ + σ⁻.
///
/// # Errors
/// A site the space lacks.
pub fn sigmax(hilbert: &Hilbert, site: usize) -> Result<LocalOperator> {
    sigmap(hilbert, site)?.plus(&sigmam(hilbert, site)?)
}

/// σʸ = -i (σ⁺ - σ⁻).
///
/// # Errors
/// A site the space lacks.
pub fn sigmay(hilbert: &Hilbert, site: usize) -> Result<LocalOperator> {
    let i = c64::I;
    let mut sigmay = sigmap(hilbert, site)?.scaled(-i);
    sigmay.add_scaled(&sigmam(hilbert, site)?, i)?;
    Ok(sigmay)
}

/// σᶻ: 2m on the diagonal, positive for up whatever the order of the local states.
///
/// # Errors
/// A site the space lacks.
pub fn sigmaz(hilbert: &Hilbert, site: usize) -> Result<LocalOperator> {
    let projections = hilbert.spin_projections();
    matrix(hilbert, site, |i, j| match i == j {
        true => projections[i],
        false => 0.0,
    })
}

/// σ⁺ = (σˣ + iσʸ)/2 = S⁺: ⟨m+1|σ⁺|m⟩ = √(s(s+1) - m(m+1)).
///
/// # Errors
/// A site the space lacks.
pub fn sigmap(hilbert: &Hilbert, site: usize) -> Result<LocalOperator> {
    let projections = hilbert.spin_projections();
    let s = (projections.len() as f64 - 1.0) / 2.0;
    matrix(hilbert, site, |i, j| {
        let m = projections[j] / 2.0;
        match projections[i] == projections[j] + 2.0 {
            true => (s * (s + 1.0) - m * (m + 1.0)).sqrt(),
            false => 0.0,
        }
    })
}

/// σ⁻ = (σˣ - iσʸ)/2, the adjoint of [`sigmap`].
///
/// # Errors
/// A site the space lacks.
pub fn sigmam(hilbert: &Hilbert, site: usize) -> Result<LocalOperator> {
    Ok(sigmap(hilbert, site)?.adjoint())
}

/// A real matrix on one site, from its elements ⟨i|O|j⟩ by local index.
pub(super) fn matrix(
    hilbert: &Hilbert,
    site: usize,
    element: impl Fn(usize, usize) -> f64,
) -> Result<LocalOperator> {
    let d = hilbert.local_size();
    let elements: Vec<c64> = (0..d * d)
        .map(|n| c64::from(element(n / d, n % d)))
        .collect();
    LocalOperator::term(hilbert, &[site], &elements)
}
