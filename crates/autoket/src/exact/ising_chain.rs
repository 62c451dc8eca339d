//! The Ising chain in a transverse field, as free fermions.
//!
//! Source: E. Lieb, T. Schultz and D. Mattis, *Two soluble models of an antiferromagnetic chain*,
//! Ann. Phys. 16, 407 (1961); P. Pfeuty, *The one-dimensional Ising model with a transverse field*,
//! Ann. Phys. 57, 79 (1970).

use faer::Mat;

use crate::error::{Error, Result};
use crate::linalg::singular_values;

/// The ground-state energy of H = -h Σ σˣᵢ + J Σ σᶻᵢ σᶻᵢ₊₁ on a chain of `n_sites`, exact at any size.
///
/// By Jordan and Wigner's fermions, whose energies are the singular values of a matrix of h and J. On a periodic chain
/// the parity Π σˣ sets the boundary condition of the fermions, and only states of that parity count.
///
/// # Errors
/// Fewer than 2 sites, or 3 of a periodic chain; a field or coupling that is not finite.
///
/// # Example
/// ```
/// use autoket::exact::ising_chain_energy;
/// // At the critical point E = 1 - 1/sin(π/(4N + 2)) on an open chain.
/// let exact = 1.0 - 1.0 / (std::f64::consts::PI / 402.0).sin();
/// assert!((ising_chain_energy(100, 1.0, -1.0, false)? - exact).abs() < 1e-11);
/// # Ok::<(), autoket::Error>(())
/// ```
pub fn ising_chain_energy(n_sites: usize, h: f64, j: f64, pbc: bool) -> Result<f64> {
    let least = if pbc { 3 } else { 2 };
    if n_sites < least {
        return Err(Error::invalid(
            "n_sites",
            format!("at least {least}"),
            n_sites,
            "a bond joins two sites; a periodic chain of two would have one bond twice",
        ));
    }
    if !(h.is_finite() && j.is_finite()) {
        return Err(Error::invalid(
            "h",
            "a finite field and coupling",
            format!("h = {h}, J = {j}"),
            "give numbers",
        ));
    }
    if !pbc {
        return Ok(-fermion_energies(n_sites, h, j, 0.0)?.iter().sum::<f64>());
    }
    let of_parity = |parity: f64| -> Result<f64> {
        let corner = -parity * j;
        let energies = fermion_energies(n_sites, h, j, corner)?;
        let vacuum = -energies.iter().sum::<f64>();
        // The parity of the state without fermions is the sign of the determinant; by logarithms, for it
        // leaves the range of numbers.
        let n = n_sites as f64;
        let (of_field, of_bonds) = (h.abs().ln() * n, j.abs().ln() * n);
        let sign_of_field = h.signum().powi(n_sites as i32);
        let sign_of_bonds = -(-1.0_f64).powi(n_sites as i32)
            * j.signum().powi(n_sites as i32 - 1)
            * corner.signum();
        let sign = match of_field >= of_bonds {
            true => sign_of_field,
            false => sign_of_bonds,
        };
        let lowest = energies.last().copied().unwrap_or(0.0);
        Ok(match sign == parity {
            true => vacuum,
            // The lightest fermion is added, or at the critical point costs nothing.
            false => vacuum + 2.0 * lowest,
        })
    };
    Ok(of_parity(1.0)?.min(of_parity(-1.0)?))
}

/// Half the energies of all fermions, descending.
fn fermion_energies(n: usize, h: f64, j: f64, corner: f64) -> Result<Vec<f64>> {
    let matrix = Mat::from_fn(n, n, |row, column| match (row, column) {
        (row, column) if row == column => h,
        (row, column) if row == column + 1 => j,
        (0, column) if column + 1 == n => corner,
        _ => 0.0,
    });
    singular_values(matrix.as_ref())
}
