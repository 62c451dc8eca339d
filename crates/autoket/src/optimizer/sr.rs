//! Stochastic reconfiguration (Sorella, cond-mat/9803107), the natural gradient of the energy.

use faer::ColRef;
use faer::linalg::evd::ComputeEigenvectors;

use super::layerwise::{self, Factors};
use super::log_derivatives::Buffers;
use super::{LogDerivatives, Schedule, Symmetric};
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::linalg::{CgSpace, conjugate_gradient, eigen};
use crate::models::{Autoregressive, RowOf};
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

/// An update and how it was found.
#[derive(Clone, Debug)]
pub struct Solution {
    /// δ, by real parameters that are not masked.
    pub update: Vec<f64>,
    /// How the system was solved.
    pub form: SrForm,
    /// True where the matrix was not positive to rounding (then directions below 10⁻¹² of the largest
    /// eigenvalue, 10⁻⁶ in single precision, were left out, by an eigendecomposition, which takes three times the
    /// matrix's memory more and is not interrupted), or where conjugate gradients did not converge.
    pub fallback: bool,
}

/// Memory of a solver, to be used again, and the update before.
#[derive(Debug)]
pub struct SrSpace<S: Scalar> {
    /// Bytes that A and the matrix made of it may take; an A that does not fit is computed anew, in granules of
    /// 512 samples, when it is needed. Granules come on top.
    pub memory: usize,
    /// Who may stop an update while it is being found.
    pub interrupt: Interrupt,
    buffers: Buffers<S>,
    factors: Factors<S>,
    columns: Vec<RowOf<S>>,
    matrix: Symmetric,
    cg: CgSpace,
    /// The right-hand side by rows of A, and a product with A.
    right: Vec<f64>,
    product: Vec<f64>,
    pub(crate) previous: Vec<f64>,
}

impl<S: Scalar> Default for SrSpace<S> {
    fn default() -> Self {
        Self {
            memory: usize::MAX,
            interrupt: Interrupt::default(),
            buffers: Buffers::default(),
            factors: Factors::default(),
            columns: Vec::new(),
            matrix: Symmetric::default(),
            cg: CgSpace::default(),
            right: Vec::new(),
            product: Vec::new(),
            previous: Vec::new(),
        }
    }
}

/// Smallest eigenvalue the fallback keeps, relative to the largest: below is rounding of A.
fn cutoff<S: Scalar>() -> f64 {
    match size_of::<S::Real>() {
        4 => 1e-6,
        _ => 1e-12,
    }
}

/// Residual, relative to the right-hand side, at which conjugate gradients end, and most iterations.
const RESIDUAL: f64 = 1e-10;
const ITERATIONS: usize = 2000;

/// How the system of a step will be solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SrPlan {
    /// The way.
    pub form: SrForm,
    /// Lines of the matrix, or of the vectors where there is none.
    pub lines: usize,
    /// Is A kept? Otherwise it is computed anew when it is needed.
    pub kept: bool,
    /// Memory for A, if it is kept, or for what its layers have in its place, and for the matrix.
    pub bytes: usize,
}

/// Iterations that conjugate gradients are reckoned to need, and how much slower than a product of
/// matrices a product with a vector is, for each multiplication: it runs at the speed of memory.
/// Seen on squares of 6x6, at the first step and later: 330 to 610, and 5 to 15 times on two cores.
const CG_ITERATIONS: f64 = 500.0;
const CG_SLOWNESS: f64 = 12.0;

impl Sr {
    /// The way with the least arithmetic among those whose matrix fits into so many bytes, or the way asked for,
    /// whether its matrix fits or not (layer by layer, where that cannot be, is the Gram matrix).
    pub fn plan<S: Scalar>(
        &self,
        model: &dyn Autoregressive<S>,
        n_samples: usize,
        memory: usize,
    ) -> SrPlan {
        let lanes = <S::Real as Real>::Row::LANES;
        let (rows, columns) = (
            n_samples.next_multiple_of(lanes) * S::PLANES,
            model.n_reals().next_multiple_of(lanes),
        );
        let (n, p) = (rows as f64, columns as f64);
        let a = rows.saturating_mul(model.n_reals() * size_of::<S::Real>());
        let factors = model.layerwise().map_or(0, |layers| {
            let features: usize = layers.iter().map(layerwise::Layer::rows).sum();
            rows.saturating_mul(features * size_of::<S::Real>())
        });
        let square = |n: usize| n.saturating_mul(n).saturating_mul(8);
        let plan = |form: SrForm| {
            let (lines, matrix, a) = match form {
                SrForm::Metric => (columns, square(columns), a),
                SrForm::Gram => (rows, square(rows), a),
                SrForm::Layerwise => (rows, square(rows).saturating_add(factors), 0),
                SrForm::Cg => (columns, 0, a),
            };
            let kept = matrix.saturating_add(a) <= memory;
            let bytes = matrix.saturating_add(if kept { a } else { 0 });
            SrPlan {
                form,
                lines,
                kept,
                bytes,
            }
        };
        if let Some(form) = self.form {
            let factored = model.layerwise().is_some();
            return plan(match form {
                SrForm::Layerwise if !factored => SrForm::Gram,
                form => form,
            });
        }
        let cholesky = |n: f64| n.powi(3) / 3.0;
        let flops = |plan: &SrPlan| match plan.form {
            SrForm::Metric => p * p * n + cholesky(p),
            // Anew for each pair of granules: as dear as another product.
            SrForm::Gram => n * n * p * if plan.kept { 1.0 } else { 2.0 } + cholesky(n),
            SrForm::Layerwise => match model.layerwise() {
                // Sums are loaded and stored at each site: as dear as eight more features.
                Some(layers) => {
                    let of_layer = |l: &layerwise::Layer| l.n_sites * (l.inputs + l.outputs + 8);
                    let features: usize = layers.iter().map(of_layer).sum();
                    n * n * features as f64 * S::PLANES as f64 + cholesky(n)
                }
                None => f64::INFINITY,
            },
            // A product with A and one with its transpose; A anew costs as much as five of both (4x4, 3 layers).
            SrForm::Cg => {
                let anew = if plan.kept { 1.0 } else { 6.0 };
                CG_ITERATIONS * CG_SLOWNESS * 4.0 * n * p * anew
            }
        };
        let fits = |plan: &SrPlan| plan.bytes <= memory || plan.form == SrForm::Cg;
        [SrForm::Metric, SrForm::Gram, SrForm::Layerwise, SrForm::Cg]
            .map(plan)
            .into_iter()
            .filter(fits)
            .min_by(|a, b| flops(a).total_cmp(&flops(b)))
            .unwrap_or_else(|| plan(SrForm::Cg))
    }

    /// The update at a step.
    ///
    /// # Errors
    /// It was interrupted: the space holds what it held before, as far as later updates depend on it.
    /// As [`Estimate::check`].
    pub fn update<S: Scalar>(
        &self,
        model: &dyn Autoregressive<S>,
        theta: &[S],
        estimate: &Estimate<S>,
        step: usize,
        space: &mut SrSpace<S>,
    ) -> Result<Solution> {
        let plan = self.plan(model, estimate.weights.len(), space.memory);
        if let (SrForm::Layerwise, Some(layers)) = (plan.form, model.layerwise()) {
            return self.solve_layerwise(&layers, model, theta, estimate, step, space);
        }
        let buffers = std::mem::take(&mut space.buffers);
        let interrupt = &space.interrupt;
        let o = LogDerivatives::within(buffers, plan.kept, model, theta, estimate, interrupt)?;
        let solution = self.solve(plan.form, &o, step, space);
        space.buffers = o.into_buffers();
        solution
    }

    /// The update at a step from A, by one of the forms that use it.
    ///
    /// `SrForm::Layerwise`, which does not, is taken for `SrForm::Gram`.
    ///
    /// # Errors
    /// As of [`update`](Self::update).
    pub fn solve<S: Scalar>(
        &self,
        form: SrForm,
        o: &LogDerivatives<S>,
        step: usize,
        space: &mut SrSpace<S>,
    ) -> Result<Solution> {
        let shift = self.diag_shift.at(step);
        let momentum = self.momentum_of(space, o.n_reals());
        let SrSpace {
            interrupt,
            columns,
            matrix,
            cg,
            right,
            product,
            previous,
            ..
        } = space;
        interrupt.check()?;
        put_force(o.epsilon(), right);
        if let Some(mu) = momentum {
            subtract_momentum(o, mu, previous, product, right)?;
        }
        let (mut update, form, fallback) = match form {
            SrForm::Metric => {
                let mut x = o.transposed_times(right)?;
                let make = |matrix: &mut Symmetric| o.metric_into(matrix, columns);
                let fallback = solve::<S>(make, shift, &mut x, matrix, interrupt)?;
                (x, form, fallback)
            }
            SrForm::Gram | SrForm::Layerwise => {
                let make = |matrix: &mut Symmetric| o.gram_into(matrix);
                let fallback = solve::<S>(make, shift, right, matrix, interrupt)?;
                (o.transposed_times(right)?, SrForm::Gram, fallback)
            }
            SrForm::Cg => {
                let mut x = o.transposed_times(right)?;
                let product = |x: &[f64], out: &mut Vec<f64>| o.metric_times_into(x, out);
                let (end, most) = (RESIDUAL, ITERATIONS);
                let converged =
                    conjugate_gradient(product, shift, &mut x, end, most, cg, interrupt)?;
                (x, form, !converged)
            }
        };
        interrupt.check()?;
        self.finish(momentum, &mut update, previous);
        Ok(Solution {
            update,
            form,
            fallback,
        })
    }

    fn solve_layerwise<S: Scalar>(
        &self,
        layers: &[layerwise::Layer],
        model: &dyn Autoregressive<S>,
        theta: &[S],
        estimate: &Estimate<S>,
        step: usize,
        space: &mut SrSpace<S>,
    ) -> Result<Solution> {
        let shift = self.diag_shift.at(step);
        let momentum = self.momentum_of(space, model.n_reals());
        let SrSpace {
            interrupt,
            buffers,
            factors,
            matrix,
            right,
            product,
            previous,
            ..
        } = space;
        factors.compute(layers, model, theta, estimate)?;
        interrupt.check()?;
        put_force(factors.epsilon(), right);
        if let Some(mu) = momentum {
            let memory = std::mem::take(buffers);
            let o = LogDerivatives::within(memory, false, model, theta, estimate, interrupt)?;
            subtract_momentum(&o, mu, previous, product, right)?;
            *buffers = o.into_buffers();
        }
        let make = |matrix: &mut Symmetric| {
            factors.gram_into(layers, matrix, model.ranks(), interrupt);
            Ok(())
        };
        let fallback = solve::<S>(make, shift, right, matrix, interrupt)?;
        let mut update = factors.transposed_times(model, theta, estimate, right)?;
        interrupt.check()?;
        self.finish(momentum, &mut update, previous);
        Ok(Solution {
            update,
            form: SrForm::Layerwise,
            fallback,
        })
    }

    /// μ, where there is an update before.
    fn momentum_of<S: Scalar>(&self, space: &SrSpace<S>, n_reals: usize) -> Option<f64> {
        self.momentum.filter(|_| space.previous.len() == n_reals)
    }

    /// δ = μ δ' + x, where x solves the system with the right-hand side 2 ε - μ A δ'; keeps δ for the next.
    fn finish(&self, momentum: Option<f64>, update: &mut [f64], previous: &mut Vec<f64>) {
        if let Some(mu) = momentum {
            for (x, before) in update.iter_mut().zip(&*previous) {
                *x += mu * before;
            }
        }
        // An update that the driver will refuse must not come back in the next.
        if self.momentum.is_some() && update.iter().all(|x| x.is_finite()) {
            previous.clear();
            previous.extend_from_slice(update);
        }
    }
}

/// 2 ε: the gradient of the energy is twice the force.
fn put_force(epsilon: &[f64], right: &mut Vec<f64>) {
    right.clear();
    right.extend(epsilon.iter().map(|e| 2.0 * e));
}

/// right -= μ A δ'.
fn subtract_momentum<S: Scalar>(
    o: &LogDerivatives<S>,
    mu: f64,
    previous: &[f64],
    product: &mut Vec<f64>,
    right: &mut [f64],
) -> Result<()> {
    o.times_into(previous, product)?;
    for (right, x) in right.iter_mut().zip(&*product) {
        *right -= mu * x;
    }
    Ok(())
}

/// b ← (M + shift)⁻¹ b, where `make` makes M; returns whether Cholesky failed.
fn solve<S: Scalar>(
    mut make: impl FnMut(&mut Symmetric) -> Result<()>,
    shift: f64,
    b: &mut Vec<f64>,
    matrix: &mut Symmetric,
    interrupt: &Interrupt,
) -> Result<bool> {
    let n = b.len();
    make(matrix)?;
    matrix.shift(shift);
    // Lines of zeros may lie behind the last: with a shift of 0 they too need something on the diagonal.
    matrix.fill_diagonal(n);
    b.resize(matrix.n_lines(), 0.0);
    let is_positive = matrix.decompose(interrupt);
    interrupt.check()?;
    if is_positive {
        matrix.solve(b);
    } else {
        make(matrix)?;
        matrix.gather();
        matrix.shift(shift);
        least_squares(matrix, cutoff::<S>(), b);
    }
    b.truncate(n);
    Ok(!is_positive)
}

/// b ← x of M x = b in the directions that M has.
fn least_squares(matrix: &Symmetric, cutoff: f64, b: &mut [f64]) {
    let Ok((values, vectors)) = eigen(matrix.as_ref(), ComputeEigenvectors::Yes) else {
        // No decomposition of a matrix with NaN: the driver refuses the update.
        return b.fill(f64::NAN);
    };
    let smallest = cutoff * values.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    let mut y = vectors.transpose() * ColRef::from_slice(b);
    for (y, &value) in y.iter_mut().zip(&values) {
        *y = if value > smallest { *y / value } else { 0.0 };
    }
    for (x, y) in b.iter_mut().zip((vectors * y).iter()) {
        *x = *y;
    }
}
