//! Log-derivatives O = ∂ log ψ/∂θ, and their covariances: the force and the metric.

use std::ops::Range;

use faer::Mat;
use rayon::prelude::*;

use super::{Pool, Symmetric};
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::models::{Autoregressive, RowOf, check_length};
use crate::scalar::{Real, Scalar};
use crate::simd::{Row, add_dots, add_scaled, center, level, transpose};
use crate::vqs::Estimate;

/// Centred, weighted log-derivatives as a matrix A of real numbers.
///
/// For each sample n with weight w there is a row √w Re ΔO_n and, for a complex wave function, one √w Im ΔO_n;
/// columns are real parameters that are not masked. Then Re⟨ΔO* ΔO⟩ = AᵀA and Re⟨ΔO* ΔE⟩ = Aᵀε.
///
/// A is kept as the backward pass makes it and as products want it: in panels, one for each part of log ψ of
/// each block of samples; a panel has a row of lanes for each column of A. So rows of A are numbered by
/// (block, part, lane); lanes left over in the last block are rows of zeros.
///
/// Where A is not kept, each granule of 512 samples is computed anew when it is needed; the results are the
/// same to the last bit.
pub struct LogDerivatives<'a, S: Scalar> {
    model: &'a dyn Autoregressive<S>,
    theta: &'a [S],
    estimate: &'a Estimate<S>,
    n_reals: usize,
    buffers: Buffers<S>,
    kept: bool,
    interrupt: Interrupt,
}

/// Memory of [`LogDerivatives`], to be used again.
#[derive(Debug)]
pub struct Buffers<S: Scalar> {
    /// All panels, if they are kept.
    panels: Vec<RowOf<S>>,
    /// √w of each lane, 0 for those left over.
    roots: Vec<f64>,
    /// √w ΔE, by rows of A.
    epsilon: Vec<f64>,
    /// Σ_n w_n O_n, for each part.
    mean: [Vec<f64>; 2],
    /// Memory of granules that were computed anew.
    granules: Pool<Vec<RowOf<S>>>,
}

impl<S: Scalar> Default for Buffers<S> {
    fn default() -> Self {
        Self {
            panels: Vec::new(),
            roots: Vec::new(),
            epsilon: Vec::new(),
            mean: Default::default(),
            granules: Pool::default(),
        }
    }
}

/// Samples of a granule: a multiple of all block sizes.
const GRANULE: usize = 512;
/// Granules whose log-derivatives are asked for at once, where all are kept.
const GRANULES: usize = 8;
/// Columns of A that are worked on at once.
const COLUMNS: usize = 64;

/// Samples of a block.
const fn lanes<S: Scalar>() -> usize {
    <S::Real as Real>::Row::LANES
}

impl<'a, S: Scalar> LogDerivatives<'a, S> {
    /// Of a model at the samples of an estimate of the energy; all of A is kept.
    ///
    /// # Errors
    /// As [`Estimate::check`].
    pub fn new(
        model: &'a dyn Autoregressive<S>,
        theta: &'a [S],
        estimate: &'a Estimate<S>,
    ) -> Result<Self> {
        let interrupt = Interrupt::default();
        Self::within(Buffers::default(), true, model, theta, estimate, &interrupt)
    }

    /// The same in memory used before; A is kept, or computed anew when it is needed.
    ///
    /// Once `interrupt` is raised, all work ends early and its results are worth nothing.
    ///
    /// # Errors
    /// As of [`new`](Self::new).
    pub fn within(
        buffers: Buffers<S>,
        kept: bool,
        model: &'a dyn Autoregressive<S>,
        theta: &'a [S],
        estimate: &'a Estimate<S>,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        estimate.check(model, theta)?;
        let mut o = Self {
            model,
            theta,
            estimate,
            n_reals: model.n_reals(),
            buffers,
            kept,
            interrupt: interrupt.clone(),
        };
        o.weigh();
        let mut mean = std::mem::take(&mut o.buffers.mean);
        for mean in &mut mean[..S::PLANES] {
            zeros(mean, o.n_reals);
        }
        if o.kept {
            let mut panels = std::mem::take(&mut o.buffers.panels);
            panels.resize(o.n_panels() * o.n_reals, zero_row::<S>());
            let some = panels.chunks_mut(GRANULES * o.granule_rows());
            for (g, some) in some.enumerate().take_while(|_| !interrupt.is_raised()) {
                let first = g * GRANULES;
                let start = o.blocks(first).start;
                let n_blocks = some.len() / (S::PLANES * o.n_reals);
                o.jacobian(start..start + n_blocks, some)?;
                for (i, granule) in some.chunks(o.granule_rows()).enumerate() {
                    o.add_mean((first + i, granule), &mut mean);
                }
            }
            o.buffers.mean = mean;
            o.center(0, &mut panels);
            o.buffers.panels = panels;
        } else {
            for g in 0..o.n_granules() {
                o.buffers.granules.with(|panels| -> Result<()> {
                    o.fill(g, panels)?;
                    o.add_mean((g, panels), &mut mean);
                    Ok(())
                })?;
            }
            o.buffers.mean = mean;
        }
        Ok(o)
    }

    /// Gives the memory back.
    pub fn into_buffers(self) -> Buffers<S> {
        self.buffers
    }

    /// Real parameters: columns of A.
    pub fn n_reals(&self) -> usize {
        self.n_reals
    }

    /// Rows of A, those of zeros among them.
    pub fn n_rows(&self) -> usize {
        self.n_panels() * lanes::<S>()
    }

    /// √w ΔE, by rows of A.
    pub fn epsilon(&self) -> &[f64] {
        &self.buffers.epsilon
    }

    fn n_blocks(&self) -> usize {
        self.estimate.weights.len().div_ceil(lanes::<S>())
    }

    fn n_panels(&self) -> usize {
        self.n_blocks() * S::PLANES
    }

    fn n_granules(&self) -> usize {
        self.estimate.weights.len().div_ceil(GRANULE)
    }

    fn blocks(&self, granule: usize) -> Range<usize> {
        let blocks = GRANULE / lanes::<S>();
        granule * blocks..((granule + 1) * blocks).min(self.n_blocks())
    }

    /// Rows of lanes of a granule.
    fn granule_rows(&self) -> usize {
        (GRANULE / lanes::<S>() * S::PLANES * self.n_reals).max(1)
    }

    /// √w and √w ΔE of each row of A.
    fn weigh(&mut self) {
        let (n_panels, estimate) = (self.n_panels(), self.estimate);
        let Buffers { roots, epsilon, .. } = &mut self.buffers;
        roots.clear();
        roots.extend(estimate.weights.iter().map(|w| w.sqrt()));
        roots.resize(n_panels / S::PLANES * lanes::<S>(), 0.0);
        epsilon.clear();
        epsilon.resize(n_panels * lanes::<S>(), 0.0);
        for (sample, value) in estimate.local_values.iter().enumerate() {
            let (block, lane) = (sample / lanes::<S>(), sample % lanes::<S>());
            let deviation = value - estimate.stats.mean;
            for (plane, part) in [deviation.re, deviation.im][..S::PLANES].iter().enumerate() {
                let panel = block * S::PLANES + plane;
                epsilon[panel * lanes::<S>() + lane] = roots[sample] * part;
            }
        }
    }

    /// O of some blocks, as the model gives it.
    fn jacobian(&self, blocks: Range<usize>, panels: &mut [RowOf<S>]) -> Result<()> {
        let n_sites = self.model.hilbert().n_sites();
        let sigma = &self.estimate.samples.sigma;
        let first = blocks.start * lanes::<S>() * n_sites;
        let end = (blocks.end * lanes::<S>() * n_sites).min(sigma.len());
        self.model.jacobian(self.theta, &sigma[first..end], panels)
    }

    /// O of a granule.
    fn fill(&self, granule: usize, panels: &mut Vec<RowOf<S>>) -> Result<()> {
        let blocks = self.blocks(granule);
        panels.resize(blocks.len() * S::PLANES * self.n_reals, zero_row::<S>());
        match self.interrupt.is_raised() {
            true => Ok(()),
            false => self.jacobian(blocks, panels),
        }
    }

    /// Runs `f` on the panels of a granule.
    fn with_granule<T>(&self, granule: usize, f: impl FnOnce(&[RowOf<S>]) -> T) -> Result<T> {
        if self.kept {
            let mut panels = self.buffers.panels.chunks(self.granule_rows());
            return Ok(f(panels.nth(granule).unwrap_or(&[])));
        }
        self.buffers.granules.with(|panels| {
            self.fill(granule, panels)?;
            self.center(self.blocks(granule).start * S::PLANES, panels);
            Ok(f(panels))
        })
    }

    /// Adds Σ w O of a granule to the mean.
    fn add_mean(&self, (granule, panels): (usize, &[RowOf<S>]), mean: &mut [Vec<f64>; 2]) {
        let first = self.blocks(granule).start * lanes::<S>();
        let roots = &self.buffers.roots[first..];
        for (plane, mean) in mean[..S::PLANES].iter_mut().enumerate() {
            let weight = |block: usize, lane: usize| roots[block * lanes::<S>() + lane].powi(2);
            self.add_dots(panels, (plane, S::PLANES), weight, mean);
        }
    }

    /// out\[k\] += Σ v\[panel\]\[lane\] A\[panel\]\[k\]\[lane\] over every `step`-th panel from `first` on.
    fn add_dots(
        &self,
        panels: &[RowOf<S>],
        (first, step): (usize, usize),
        v: impl Fn(usize, usize) -> f64 + Sync,
        out: &mut [f64],
    ) {
        out.par_chunks_mut(COLUMNS)
            .enumerate()
            .for_each(|(chunk, out)| {
                let mut sums = [[0.0; 32]; COLUMNS];
                let panels = panels.chunks_exact(self.n_reals).skip(first).step_by(step);
                for (number, panel) in panels.enumerate() {
                    let v: [f64; 32] = std::array::from_fn(|lane| match lane < lanes::<S>() {
                        true => v(number, lane),
                        false => 0.0,
                    });
                    let rows = &panel[chunk * COLUMNS..][..out.len()];
                    add_dots::<S::Real>(level(), rows, &v, &mut sums);
                }
                for (out, sums) in out.iter_mut().zip(&sums) {
                    *out += sums[..lanes::<S>()].iter().sum::<f64>();
                }
            });
    }

    /// Makes √w (O - mean) of O, from some panel on.
    fn center(&self, first: usize, panels: &mut [RowOf<S>]) {
        if self.n_reals == 0 {
            return;
        }
        panels
            .par_chunks_exact_mut(self.n_reals)
            .enumerate()
            .for_each(|(i, panel)| {
                let (block, plane) = ((first + i) / S::PLANES, (first + i) % S::PLANES);
                let roots = &self.buffers.roots[block * lanes::<S>()..][..lanes::<S>()];
                center::<S::Real>(level(), &self.buffers.mean[plane], roots, panel);
            });
    }

    /// The first row of A of a granule.
    fn first_row(&self, granule: usize) -> usize {
        self.blocks(granule).start * S::PLANES * lanes::<S>()
    }

    /// Aᵀ v, `(parameter,)`; of ε it is the force Re⟨ΔO* ΔE⟩, half the gradient of the energy.
    ///
    /// # Errors
    /// A `v` of another length than [`n_rows`](Self::n_rows).
    pub fn transposed_times(&self, v: &[f64]) -> Result<Vec<f64>> {
        check_length("v", self.n_rows(), v.len())?;
        let mut out = vec![0.0; self.n_reals];
        for g in 0..self.n_granules() {
            self.with_granule(g, |panels| {
                self.add_transposed_times(panels, &v[self.first_row(g)..], &mut out);
            })?;
        }
        Ok(out)
    }

    /// A u, by rows of A.
    ///
    /// # Errors
    /// A `u` of another length than [`n_reals`](Self::n_reals).
    pub fn times(&self, u: &[f64]) -> Result<Vec<f64>> {
        check_length("u", self.n_reals, u.len())?;
        let mut out = Vec::new();
        self.times_into(u, &mut out)?;
        Ok(out)
    }

    pub(super) fn times_into(&self, u: &[f64], out: &mut Vec<f64>) -> Result<()> {
        zeros(out, self.n_rows());
        for g in 0..self.n_granules() {
            let out = &mut out[self.first_row(g)..];
            self.with_granule(g, |panels| self.add_times(panels, u, out))?;
        }
        Ok(())
    }

    /// AᵀA u into `out`: each granule of A is made once.
    pub(super) fn metric_times_into(&self, u: &[f64], out: &mut Vec<f64>) -> Result<()> {
        zeros(out, self.n_reals);
        for g in 0..self.n_granules() {
            self.with_granule(g, |panels| {
                let mut product = [0.0; 2 * GRANULE];
                self.add_times(panels, u, &mut product);
                self.add_transposed_times(panels, &product, out);
            })?;
        }
        Ok(())
    }

    /// out += A u for some panels.
    fn add_times(&self, panels: &[RowOf<S>], u: &[f64], out: &mut [f64]) {
        if self.n_reals == 0 {
            return;
        }
        out.par_chunks_exact_mut(lanes::<S>())
            .zip(panels.par_chunks_exact(self.n_reals))
            .for_each(|(out, panel)| add_scaled::<S::Real>(level(), panel, u, out));
    }

    /// out += Aᵀ v for some panels.
    fn add_transposed_times(&self, panels: &[RowOf<S>], v: &[f64], out: &mut [f64]) {
        let part = |panel: usize, lane: usize| v[panel * lanes::<S>() + lane];
        self.add_dots(panels, (0, 1), part, out);
    }

    /// AᵀA = Re⟨ΔO* ΔO⟩, the quantum geometric tensor, `(parameter, parameter)`.
    ///
    /// # Errors
    /// The model refuses the samples, though it took them before.
    pub fn metric(&self) -> Result<Mat<f64>> {
        let mut out = Symmetric::default();
        self.metric_into(&mut out, &mut Vec::new())?;
        out.gather();
        Ok(out.to_mat(self.n_reals))
    }

    /// The own columns of AᵀA, with lines of zeros behind it, so that the number of lines is a multiple of the lanes of
    /// a row; `columns` is scratch for the transpose of a granule.
    pub(super) fn metric_into(
        &self,
        out: &mut Symmetric,
        columns: &mut Vec<RowOf<S>>,
    ) -> Result<()> {
        let n_panels = self.n_reals.div_ceil(lanes::<S>());
        out.reset(n_panels * lanes::<S>(), self.model.ranks());
        for g in 0..self.n_granules() {
            let depth = self.blocks(g).len() * S::PLANES * lanes::<S>();
            columns.resize(n_panels * depth, zero_row::<S>());
            self.with_granule(g, |panels| self.transpose_into(panels, columns))?;
            out.add_products::<S::Real>([0, 0], columns, columns, depth, &self.interrupt);
        }
        Ok(())
    }

    /// Panels with rows of A for lanes to panels with columns of A for lanes.
    fn transpose_into(&self, panels: &[RowOf<S>], columns: &mut [RowOf<S>]) {
        if self.n_reals == 0 {
            return;
        }
        let depth = panels.len() / self.n_reals * lanes::<S>();
        columns
            .par_chunks_exact_mut(depth)
            .enumerate()
            .for_each(|(p, columns)| {
                let end = ((p + 1) * lanes::<S>()).min(self.n_reals);
                let panels = panels.chunks_exact(self.n_reals);
                for (panel, to) in panels.zip(columns.chunks_exact_mut(lanes::<S>())) {
                    transpose::<S::Real>(&panel[p * lanes::<S>()..end], to);
                }
            });
    }

    /// AAᵀ, the neural tangent kernel, `(row, row)`.
    ///
    /// # Errors
    /// As of [`metric`](Self::metric).
    pub fn gram(&self) -> Result<Mat<f64>> {
        let mut out = Symmetric::default();
        self.gram_into(&mut out)?;
        out.gather();
        Ok(out.to_mat(self.n_rows()))
    }

    /// The own columns of AAᵀ.
    pub(super) fn gram_into(&self, out: &mut Symmetric) -> Result<()> {
        out.reset(self.n_rows(), self.model.ranks());
        let add = |at: [usize; 2], left: &[_], right: &[_], out: &mut Symmetric| {
            out.add_products::<S::Real>(at, left, right, self.n_reals, &self.interrupt);
        };
        if self.kept {
            let panels = &self.buffers.panels;
            add([0, 0], panels, panels, out);
            return Ok(());
        }
        for g in 0..self.n_granules() {
            self.with_granule(g, |left| -> Result<()> {
                for h in 0..g {
                    let at = [self.first_row(g), self.first_row(h)];
                    self.with_granule(h, |right| add(at, left, right, out))?;
                }
                add([self.first_row(g); 2], left, left, out);
                Ok(())
            })??;
        }
        Ok(())
    }
}

/// Makes it so many zeros.
fn zeros(vector: &mut Vec<f64>, n: usize) {
    vector.clear();
    vector.resize(n, 0.0);
}

fn zero_row<S: Scalar>() -> RowOf<S> {
    Row::splat(S::Real::from_f64(0.0))
}
