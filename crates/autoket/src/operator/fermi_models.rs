//! The usual Hamiltonians of fermions on a lattice.

use super::FermionOperator;
use super::models::{check_finite, check_sizes};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::hilbert::Hilbert;

/// The Fermi-Hubbard model,
/// H = -t Σ⟨ij⟩,σ (c†ᵢσcⱼσ + h.c.) + U Σᵢ nᵢ↓nᵢ↑.
///
/// `hilbert` has two sites for each of the graph, all of one spin before those of the other.
/// NetKet: `FermiHubbardJax(hilbert, graph, t, U)`.
///
/// # Errors
/// The space is not of sites that are empty or filled, or has not twice as many as the graph;
/// `t` or `U` is not finite.
///
/// # Example
/// ```
/// use autoket::{exact, graph::Graph, hilbert::Hilbert, operator::fermi_hubbard};
/// // Two electrons on two sites.
/// let hilbert = Hilbert::spin_orbital_fermions(2, Some(0.5))?.with_n_fermions_per_spin(&[1, 1])?;
/// let h = fermi_hubbard(&hilbert, &Graph::chain(2, false)?, 1.0, 4.0)?;
/// let energy = 2.0 - 8.0_f64.sqrt();
/// assert!((exact::ground_state_energy(&h)? - energy).abs() < 1e-12);
/// # Ok::<(), autoket::Error>(())
/// ```
#[allow(non_snake_case)]
pub fn fermi_hubbard(hilbert: &Hilbert, graph: &Graph, t: f64, U: f64) -> Result<FermionOperator> {
    let n = graph.n_nodes();
    let mut operator = FermionOperator::new(hilbert)?;
    if hilbert.n_sites() != 2 * n {
        return Err(Error::invalid(
            "graph",
            format!("half of the {} sites of {hilbert}", hilbert.n_sites()),
            format!("{n} sites"),
            "give the space an orbital with two spins for each site of the lattice",
        ));
    }
    check_finite("t", t)?;
    check_finite("U", U)?;
    for spin in [0, n] {
        add_hops(&mut operator, graph, spin, t)?;
    }
    for i in 0..n {
        let pair = [(true, i), (false, i), (true, n + i), (false, n + i)];
        operator.add_ladders(&pair, U.into())?;
    }
    Ok(operator)
}

/// The t-V model of fermions without spin,
/// H = -t Σ⟨ij⟩ (c†ᵢcⱼ + h.c.) + V Σ⟨ij⟩ nᵢnⱼ.
///
/// # Errors
/// The space is not of sites that are empty or filled, or has another number of them than the
/// graph; `t` or `V` is not finite.
///
/// # Example
/// ```
/// use autoket::{exact, graph::Graph, hilbert::Hilbert, operator::t_v};
/// let h = t_v(&Hilbert::spin_orbital_fermions(3, None)?, &Graph::chain(3, false)?, 1.0, 0.0)?;
/// assert!((exact::ground_state_energy(&h)? - -2.0_f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), autoket::Error>(())
/// ```
#[allow(non_snake_case)]
pub fn t_v(hilbert: &Hilbert, graph: &Graph, t: f64, V: f64) -> Result<FermionOperator> {
    let mut operator = FermionOperator::new(hilbert)?;
    check_sizes(hilbert, graph)?;
    check_finite("t", t)?;
    check_finite("V", V)?;
    add_hops(&mut operator, graph, 0, t)?;
    for &(i, j) in graph.edges() {
        let pair = [(true, i), (false, i), (true, j), (false, j)];
        operator.add_ladders(&pair, V.into())?;
    }
    Ok(operator)
}

/// Adds -t Σ (c†ᵢcⱼ + h.c.) between sites counted from `first`.
fn add_hops(operator: &mut FermionOperator, graph: &Graph, first: usize, t: f64) -> Result<()> {
    for &(i, j) in graph.edges() {
        let (i, j) = (first + i, first + j);
        operator.add_ladders(&[(true, i), (false, j)], (-t).into())?;
        operator.add_ladders(&[(true, j), (false, i)], (-t).into())?;
    }
    Ok(())
}
