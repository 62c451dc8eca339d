//! Stochastic reconfiguration (Sorella, cond-mat/9803107), the natural gradient of the energy.

use faer::linalg::evd::ComputeEigenvectors;
use faer::{ColRef, Mat};

use super::{LogDerivatives, Schedule};
use crate::linalg::{cholesky_solve, eigen};
use crate::scalar::Scalar;

/// Solves (S + ε) δ = g for the update δ, S the quantum geometric tensor and g the gradient of the energy.
///
/// Of two equal forms the one with the smaller matrix is solved: parameter by parameter (the metric AᵀA),
/// or sample by sample (the neural tangent kernel AAᵀ; Chen and Heyl, arXiv:2302.01941).
/// NetKet: `SR` with a Cholesky solver, `VMC_SR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sr {
    /// ε, added to the diagonal.
    pub diag_shift: Schedule,
}

impl Default for Sr {
    fn default() -> Self {
        Self {
            diag_shift: Schedule::Constant(0.01),
        }
    }
}

/// The matrix that was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrForm {
    /// Parameter by parameter.
    Metric,
    /// Sample by sample.
    Gram,
}

/// An update and how it was found.
#[derive(Clone, Debug)]
pub struct Solution {
    /// δ, by real parameters that are not masked.
    pub update: Vec<f64>,
    /// The matrix that was solved.
    pub form: SrForm,
    /// True where the matrix was not positive to rounding: then directions below
    /// 10⁻¹² of the largest eigenvalue were left out.
    pub fallback: bool,
}

/// Smallest eigenvalue the fallback keeps, relative to the largest.
const CUTOFF: f64 = 1e-12;

impl Sr {
    /// The update at a step.
    pub fn solve<S: Scalar>(&self, o: &LogDerivatives<S>, step: usize) -> Solution {
        let form = if o.n_reals() <= o.n_rows() {
            SrForm::Metric
        } else {
            SrForm::Gram
        };
        self.solve_as(form, o, step)
    }

    /// The update at a step by the given form; both give the same to rounding.
    pub fn solve_as<S: Scalar>(
        &self,
        form: SrForm,
        o: &LogDerivatives<S>,
        step: usize,
    ) -> Solution {
        let shift = self.diag_shift.at(step);
        // The gradient of the energy is twice the force.
        let twice: Vec<f64> = o.epsilon().iter().map(|e| 2.0 * e).collect();
        match form {
            SrForm::Metric => {
                let (update, fallback) = solve(o.metric(), shift, &o.transposed_times(&twice));
                Solution {
                    update,
                    form,
                    fallback,
                }
            }
            SrForm::Gram => {
                let (x, fallback) = solve(o.gram(), shift, &twice);
                Solution {
                    update: o.transposed_times(&x),
                    form,
                    fallback,
                }
            }
        }
    }
}

/// (M + shift) x = b and whether Cholesky failed.
fn solve(mut m: Mat<f64>, shift: f64, b: &[f64]) -> (Vec<f64>, bool) {
    for i in 0..m.nrows() {
        m[(i, i)] += shift;
    }
    if let Some(x) = cholesky_solve(&m, b) {
        return (x, false);
    }
    let Ok((values, vectors)) = eigen(m.as_ref(), ComputeEigenvectors::Yes) else {
        // No decomposition of a matrix with NaN: the driver refuses the update.
        return (vec![f64::NAN; b.len()], true);
    };
    let smallest = CUTOFF * values.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    let mut y = vectors.transpose() * ColRef::from_slice(b);
    for (y, &value) in y.iter_mut().zip(&values) {
        *y = if value > smallest { *y / value } else { 0.0 };
    }
    ((vectors * y).iter().copied().collect(), true)
}
