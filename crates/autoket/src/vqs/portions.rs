//! Batches in portions: between two of them work can be stopped.

use std::ops::Range;

use rayon::current_num_threads;

use crate::error::Result;
use crate::hilbert::Hilbert;
use crate::interrupt::Interrupt;
use crate::models::Autoregressive;
use crate::operator::{Connected, LocalOperator, Operator};
use crate::scalar::Scalar;

/// Samples of a portion for each thread: whole sums of a gradient, [`SUMMED`](crate::models::SUMMED).
const PER_THREAD: usize = 512;

/// The portions of a batch of so many samples, one at least; an error once they are interrupted.
pub(crate) fn portions<S: Scalar>(
    model: &dyn Autoregressive<S>,
    n_samples: usize,
    interrupt: &Interrupt,
) -> impl Iterator<Item = Result<Range<usize>>> {
    let portion = match model.ranks().size() {
        1 => PER_THREAD * current_num_threads(),
        // Ranks do the same, whatever their threads, and are interrupted between steps.
        _ => n_samples.max(1),
    };
    let firsts = (0..n_samples.max(1)).step_by(portion);
    firsts.map(move |first| {
        interrupt.check()?;
        Ok(first..n_samples.min(first + portion))
    })
}

/// log ψ(σ) of a batch.
///
/// # Errors
/// As [`check_batch`](crate::models::Ansatz::check_batch); it was interrupted.
pub(crate) fn log_psi<S: Scalar>(
    model: &dyn Autoregressive<S>,
    theta: &[S],
    sigma: &[u8],
    interrupt: &Interrupt,
) -> Result<Vec<S>> {
    let n_sites = model.hilbert().n_sites();
    let mut log_psi = vec![S::zero(); model.check_batch(theta, sigma)?];
    for portion in portions(model, log_psi.len(), interrupt) {
        let portion = portion?;
        let sigma = &sigma[portion.start * n_sites..portion.end * n_sites];
        model.log_psi_into(theta, sigma, &mut log_psi[portion])?;
    }
    Ok(log_psi)
}

/// An operator whose rows are empty once it is interrupted: local values then end early and are worth nothing.
pub(super) struct Interruptible<'a> {
    pub(super) operator: &'a dyn Operator,
    pub(super) interrupt: &'a Interrupt,
}

impl Operator for Interruptible<'_> {
    fn hilbert(&self) -> &Hilbert {
        self.operator.hilbert()
    }

    fn is_hermitian(&self) -> bool {
        self.operator.is_hermitian()
    }

    fn is_real(&self) -> bool {
        self.operator.is_real()
    }

    fn max_conn_size(&self) -> usize {
        self.operator.max_conn_size()
    }

    fn as_local(&self) -> Option<&LocalOperator> {
        self.operator.as_local()
    }

    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        match self.interrupt.is_raised() {
            true => out.clear(),
            false => self.operator.connected(sigma, out),
        }
    }
}
