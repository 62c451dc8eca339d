//! Operators that keep to a constrained space.

use rayon::prelude::*;

use super::{Connected, Operator};
use crate::error::{Error, Result};
use crate::hilbert::Walk;
use crate::random::Key;

/// Spaces up to so many states are checked state by state.
const MAX_CHECKED: u64 = 1 << 16;
/// In larger ones, so many states are.
const N_SAMPLES: usize = 1 << 12;

/// Whether an operator keeps to the constrained space that it acts on.
///
/// All rows are looked at up to 2¹⁶ states, and 4096 random ones of larger spaces: there local energies are NaN
/// should an element that leaves the space be met later.
///
/// # Errors
/// The first element found that leads out of the space.
pub fn check_closed(operator: &dyn Operator) -> Result<()> {
    check_rows(operator, MAX_CHECKED)
}

/// [`check_closed`] with all rows of up to `limit`.
pub(crate) fn check_rows(operator: &dyn Operator, limit: u64) -> Result<()> {
    let hilbert = operator.hilbert();
    let Some(automaton) = hilbert.automaton() else {
        return Ok(());
    };
    let n_sites = hilbert.n_sites();
    let few = automaton.n_states().filter(|&n| n <= limit);
    let n_states = few.unwrap_or(N_SAMPLES as u64);
    let key = Key::new(0);
    let leaves = |(row, walk, sigma): &mut (Connected, Walk, Vec<u8>), number: u64| {
        match few {
            Some(_) => automaton.state(number, sigma),
            None => *sigma = hilbert.random_states(key.fold_in(number as u32), 1),
        }
        operator.connected(sigma, row);
        automaton.walk(sigma, walk);
        let mut elements = row.iter();
        let leaving = elements
            .find(|(_, changes)| automaton.number_of_changed(walk, sigma, changes).is_none());
        leaving.map(|(mel, changes)| (sigma.clone(), mel, changes.to_vec()))
    };
    let memory = || (Connected::default(), Walk::default(), vec![0; n_sites]);
    let found = (0..n_states).into_par_iter().map_init(memory, leaves);
    let Some((sigma, mel, changes)) = found.find_first(Option::is_some).flatten() else {
        return Ok(());
    };
    let mut new = sigma.clone();
    for (site, index) in changes {
        new[site as usize] = index;
    }
    let values = |sigma: &[u8]| format!("{:?}", hilbert.values_of(sigma));
    Err(Error::invalid(
        "hamiltonian",
        format!("an operator that keeps to {hilbert}"),
        format!(
            "⟨{}|H|{}⟩ = {mel}, which leads out of it",
            values(&sigma),
            values(&new)
        ),
        "leave the constraint out, or the terms that break it",
    ))
}
