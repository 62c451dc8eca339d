//! Stochastic reconfiguration (Sorella, cond-mat/9803107), the natural gradient of the energy.

use faer::ColRef;
use faer::linalg::evd::ComputeEigenvectors;

use super::layerwise::{self, Factors};
use super::log_derivatives::Buffers;
use super::{LogDerivatives, Schedule, Symmetric};
use crate::linalg::{CholeskySpace, cholesky_solve, conjugate_gradient, eigen};
use crate::models::Autoregressive;
use crate::scalar::{Real, Scalar};
use crate::simd::Row;
use crate::vqs::Estimate;

/// Solves (S + ε) δ = g + ε μ δ' for the update δ: S is the quantum geometric tensor, g the gradient of the
/// energy, and δ' the update before.
///
/// Of several equal [forms](SrForm) the cheapest is taken.
/// NetKet: `SR` with a Cholesky solver, `VMC_SR`; with momentum μ it is SPRING
/// (Goldshlager, Abrahamsen and Lin, arXiv:2401.10190).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sr {
    /// ε, added to the diagonal.
    pub diag_shift: Schedule,
    /// μ, from 0 to less than 1; `None` is plain stochastic reconfiguration.
    pub momentum: Option<f64>,
    /// How the system is solved; `None`: the cheapest way.
    pub form: Option<SrForm>,
}

impl Default for Sr {
    fn default() -> Self {
        Self {
            diag_shift: Schedule::Constant(0.01),
            momentum: None,
            form: None,
        }
    }
}

/// How the system is solved, A being the [log-derivatives](LogDerivatives); all give the same to rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SrForm {
    /// Parameter by parameter: Cholesky of AᵀA.
    Metric,
    /// Sample by sample: Cholesky of AAᵀ, the neural tangent kernel (Chen and Heyl, arXiv:2302.01941).
    Gram,
    /// AAᵀ from each layer's inputs and cotangents, without A: where every pair of sites has weights of its own.
    Layerwise,
    /// Conjugate gradients with A and Aᵀ, without a matrix.
    Cg,
}

impl SrForm {
    /// All names, for messages.
    pub const NAMES: &'static [&'static str] = &["metric", "gram", "layerwise", "cg"];
}

/// An update and how it was found.
#[derive(Clone, Debug)]
pub struct Solution {
    /// δ, by real parameters that are not masked.
    pub update: Vec<f64>,
    /// How the system was solved.
    pub form: SrForm,
    /// True where the matrix was not positive to rounding (then directions below 10⁻¹² of the largest
    /// eigenvalue were left out), or where conjugate gradients did not converge.
    pub fallback: bool,
}

/// Memory of a solver, to be used again, and the update before.
#[derive(Debug)]
pub struct SrSpace<S: Scalar> {
    /// Bytes that A may take; more is computed anew when it is needed.
    pub memory: usize,
    buffers: Buffers<S>,
    factors: Factors<S>,
    matrix: Symmetric,
    cholesky: CholeskySpace,
    previous: Vec<f64>,
}

impl<S: Scalar> Default for SrSpace<S> {
    fn default() -> Self {
        Self {
            memory: usize::MAX,
            buffers: Buffers::default(),
            factors: Factors::default(),
            matrix: Symmetric::default(),
            cholesky: CholeskySpace::default(),
            previous: Vec::new(),
        }
    }
}

/// Smallest eigenvalue the fallback keeps, relative to the largest.
const CUTOFF: f64 = 1e-12;
/// Residual, relative to the right-hand side, at which conjugate gradients end, and most iterations.
const RESIDUAL: f64 = 1e-10;
const ITERATIONS: usize = 2000;

impl Sr {
    /// The cheapest way to solve for a model and so many samples, whose A has `memory` bytes.
    pub fn cheapest<S: Scalar>(
        model: &dyn Autoregressive<S>,
        n_samples: usize,
        memory: usize,
    ) -> SrForm {
        let lanes = <S::Real as Real>::Row::LANES as f64;
        let (n, p) = ((n_samples * S::PLANES) as f64, model.n_reals() as f64);
        let factored = model.layerwise().map(|layers| {
            let tiles = |features: usize| features as f64 * S::PLANES as f64;
            let layer = |l: &layerwise::Layer| {
                // Sums are loaded and stored at each site: as dear as eight more features.
                l.n_sites as f64 * (tiles(l.inputs) + tiles(l.outputs) + 8.0)
            };
            layers.iter().map(layer).sum::<f64>()
        });
        let cholesky = |n: f64| n.powi(3) / 3.0;
        // A is made anew for each pair of granules where it is not kept: as dear as another product.
        let anew = if n * p * 8.0 > memory as f64 {
            2.0
        } else {
            1.0
        };
        let ways = [
            (SrForm::Metric, p, p * p * n + cholesky(p)),
            (SrForm::Gram, n, anew * n * n * p + cholesky(n)),
            (
                SrForm::Layerwise,
                n,
                factored.map_or(f64::INFINITY, |f| n * n * f + cholesky(n)),
            ),
            // Two products with A in each of some hundred iterations, at the speed of memory.
            (SrForm::Cg, lanes, 100.0 * 4.0 * n * p * 10.0 * anew * anew),
        ];
        let fits = |lines: f64| lines * lines * 8.0 <= (memory as f64).max(1e8);
        let fitting = ways.into_iter().filter(|(_, lines, _)| fits(*lines));
        fitting
            .min_by(|a, b| a.2.total_cmp(&b.2))
            .map_or(SrForm::Cg, |(form, ..)| form)
    }

    /// The update at a step.
    pub fn update<S: Scalar>(
        &self,
        model: &dyn Autoregressive<S>,
        theta: &[S],
        estimate: &Estimate<S>,
        step: usize,
        space: &mut SrSpace<S>,
    ) -> Solution {
        let n_samples = estimate.weights.len();
        let form = self
            .form
            .unwrap_or_else(|| Self::cheapest(model, n_samples, space.memory));
        if let (SrForm::Layerwise, Some(layers)) = (form, model.layerwise()) {
            return self.solve_layerwise(&layers, model, theta, estimate, step, space);
        }
        let buffers = std::mem::take(&mut space.buffers);
        let o = LogDerivatives::within(space.memory, buffers, model, theta, estimate);
        let solution = self.solve(form, &o, step, space);
        space.buffers = o.into_buffers();
        solution
    }

    /// The update at a step from A, by one of the forms that use it.
    ///
    /// `SrForm::Layerwise`, which does not, is taken for `SrForm::Gram`.
    pub fn solve<S: Scalar>(
        &self,
        form: SrForm,
        o: &LogDerivatives<S>,
        step: usize,
        space: &mut SrSpace<S>,
    ) -> Solution {
        let shift = self.diag_shift.at(step);
        let n_reals = o.n_reals();
        let before = self.momentum_of(space, n_reals);
        // The gradient of the energy is twice the force.
        let mut right: Vec<f64> = o.epsilon().iter().map(|e| 2.0 * e).collect();
        let (update, form, fallback) = match form {
            SrForm::Metric => {
                let mut x = o.transposed_times(&right);
                for (x, before) in x.iter_mut().zip(&before) {
                    *x += shift * before;
                }
                let SrSpace {
                    matrix, cholesky, ..
                } = space;
                let make = |matrix: &mut Symmetric| o.metric_into(matrix);
                let fallback = solve(make, shift, &mut x, matrix, cholesky);
                (x, form, fallback)
            }
            SrForm::Gram | SrForm::Layerwise => {
                subtract_before(o, &before, &mut right);
                let SrSpace {
                    matrix, cholesky, ..
                } = space;
                let make = |matrix: &mut Symmetric| o.gram_into(matrix);
                let fallback = solve(make, shift, &mut right, matrix, cholesky);
                let update = with_before(o.transposed_times(&right), &before);
                (update, SrForm::Gram, fallback)
            }
            SrForm::Cg if o.n_rows() < n_reals => {
                subtract_before(o, &before, &mut right);
                let product = |x: &[f64]| o.times(&o.transposed_times(x));
                let converged =
                    conjugate_gradient(product, shift, &mut right, RESIDUAL, ITERATIONS);
                let update = with_before(o.transposed_times(&right), &before);
                (update, form, !converged)
            }
            SrForm::Cg => {
                subtract_before(o, &before, &mut right);
                let mut x = o.transposed_times(&right);
                let product = |x: &[f64]| o.transposed_times(&o.times(x));
                let converged = conjugate_gradient(product, shift, &mut x, RESIDUAL, ITERATIONS);
                (with_before(x, &before), form, !converged)
            }
        };
        self.keep(&update, space);
        Solution {
            update,
            form,
            fallback,
        }
    }

    fn solve_layerwise<S: Scalar>(
        &self,
        layers: &[layerwise::Layer],
        model: &dyn Autoregressive<S>,
        theta: &[S],
        estimate: &Estimate<S>,
        step: usize,
        space: &mut SrSpace<S>,
    ) -> Solution {
        let shift = self.diag_shift.at(step);
        let before = self.momentum_of(space, model.n_reals());
        let SrSpace {
            factors,
            matrix,
            cholesky,
            ..
        } = space;
        factors.compute(layers, model, theta, estimate);
        let mut right: Vec<f64> = factors.epsilon().iter().map(|e| 2.0 * e).collect();
        if !before.is_empty() {
            let o = LogDerivatives::within(0, Buffers::default(), model, theta, estimate);
            subtract_before(&o, &before, &mut right);
        }
        let make = |matrix: &mut Symmetric| factors.gram_into(layers, matrix);
        let fallback = solve(make, shift, &mut right, matrix, cholesky);
        let update = factors.transposed_times(model, theta, estimate, &right);
        let update = with_before(update, &before);
        self.keep(&update, space);
        Solution {
            update,
            form: SrForm::Layerwise,
            fallback,
        }
    }

    /// μ δ'; empty where that is 0.
    fn momentum_of<S: Scalar>(&self, space: &SrSpace<S>, n_reals: usize) -> Vec<f64> {
        match self.momentum {
            Some(mu) if space.previous.len() == n_reals => {
                space.previous.iter().map(|x| mu * x).collect()
            }
            _ => Vec::new(),
        }
    }

    fn keep<S: Scalar>(&self, update: &[f64], space: &mut SrSpace<S>) {
        if self.momentum.is_some() {
            space.previous.clear();
            space.previous.extend_from_slice(update);
        }
    }
}

/// δ = μ δ' + x, where x solves the system with the right-hand side 2 ε - A μ δ'.
fn subtract_before<S: Scalar>(o: &LogDerivatives<S>, before: &[f64], right: &mut [f64]) {
    if !before.is_empty() {
        for (right, x) in right.iter_mut().zip(o.times(before)) {
            *right -= x;
        }
    }
}

fn with_before(mut update: Vec<f64>, before: &[f64]) -> Vec<f64> {
    for (x, before) in update.iter_mut().zip(before) {
        *x += before;
    }
    update
}

/// b ← (M + shift)⁻¹ b, where `make` makes M; returns whether Cholesky failed.
fn solve(
    make: impl Fn(&mut Symmetric),
    shift: f64,
    b: &mut Vec<f64>,
    matrix: &mut Symmetric,
    cholesky: &mut CholeskySpace,
) -> bool {
    let n = b.len();
    make(matrix);
    matrix.shift(shift);
    // Lines of zeros may lie behind the last: with a shift of 0 they too need something on the diagonal.
    matrix.fill_diagonal(n);
    b.resize(matrix.n_lines(), 0.0);
    let right = b.clone();
    let solved = cholesky_solve(matrix.columns_mut(), b, cholesky);
    if !solved {
        make(matrix);
        matrix.shift(shift);
        least_squares(matrix, &right, b);
    }
    b.truncate(n);
    !solved
}

/// x of M x = b in the directions that M has.
fn least_squares(matrix: &Symmetric, b: &[f64], x: &mut [f64]) {
    let Ok((values, vectors)) = eigen(matrix.as_ref(), ComputeEigenvectors::Yes) else {
        // No decomposition of a matrix with NaN: the driver refuses the update.
        return x.fill(f64::NAN);
    };
    let smallest = CUTOFF * values.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    let mut y = vectors.transpose() * ColRef::from_slice(b);
    for (y, &value) in y.iter_mut().zip(&values) {
        *y = if value > smallest { *y / value } else { 0.0 };
    }
    for (x, y) in x.iter_mut().zip((vectors * y).iter()) {
        *x = *y;
    }
}
