//! Log-derivatives O = ∂ log ψ/∂θ, and their covariances: the force and the metric.

use std::borrow::Cow;
use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

use crate::models::Autoregressive;
use crate::nn::Grad;
use crate::scalar::{Scalar, c64};
use crate::vqs::Estimate;

/// Centred, weighted log-derivatives as a matrix A of real numbers.
///
/// For each sample n with weight w there is a row √w Re ΔO_n and, for a complex wave function, one √w Im ΔO_n;
/// columns are real parameters that are not masked. Then Re⟨ΔO* ΔO⟩ = AᵀA and Re⟨ΔO* ΔE⟩ = Aᵀε.
///
/// Rows come in granules of 512 samples, first the real parts, then the imaginary ones.
/// Where all rows would need more than 1 GiB, each granule is computed anew when it is needed;
/// the results are the same to the last bit.
pub struct LogDerivatives<'a, S: Scalar> {
    model: &'a dyn Autoregressive<S>,
    theta: &'a [S],
    estimate: &'a Estimate<S>,
    n_reals: usize,
    /// Σ_n w_n O_n, for each plane.
    mean: Vec<Vec<f64>>,
    /// √w ΔE, in the order of the rows.
    epsilon: Vec<f64>,
    /// All granules, if they fit.
    kept: Option<Vec<Vec<f64>>>,
}

/// Samples of a granule.
const GRANULE: usize = 512;
/// Bytes up to which all rows are kept.
const MEMORY: usize = 1 << 30;
/// Rows and columns of a tile of a product.
const TILE: usize = 256;

impl<'a, S: Scalar> LogDerivatives<'a, S> {
    /// Of a model at the samples of an estimate of the energy.
    pub fn new(
        model: &'a dyn Autoregressive<S>,
        theta: &'a [S],
        estimate: &'a Estimate<S>,
    ) -> Self {
        Self::with_memory(model, theta, estimate, MEMORY)
    }

    /// The same with another limit for keeping rows, in bytes.
    pub fn with_memory(
        model: &'a dyn Autoregressive<S>,
        theta: &'a [S],
        estimate: &'a Estimate<S>,
        memory: usize,
    ) -> Self {
        let (n, n_reals) = (estimate.weights.len(), model.n_reals());
        let mean = (0..S::PLANES)
            .map(|plane| {
                let cotangent: Vec<S> = estimate
                    .weights
                    .iter()
                    .map(|&w| S::from_c64(unit(plane) * w))
                    .collect();
                let mut mean = vec![0.0; n_reals];
                let grad = Grad::Sum(&mut mean);
                model.backward(theta, &estimate.samples.sigma, &cotangent, grad);
                mean
            })
            .collect();
        let mut o = Self {
            model,
            theta,
            estimate,
            n_reals,
            mean,
            epsilon: Vec::new(),
            kept: None,
        };
        o.epsilon = (0..o.n_granules())
            .flat_map(|g| (0..S::PLANES).map(move |plane| (g, plane)))
            .flat_map(|(g, plane)| o.samples(g).map(move |sample| (sample, plane)))
            .map(|(sample, plane)| {
                let deviation = estimate.local_values[sample] - estimate.stats.mean;
                estimate.weights[sample].sqrt()
                    * if plane == 0 {
                        deviation.re
                    } else {
                        deviation.im
                    }
            })
            .collect();
        if n * S::PLANES * n_reals * size_of::<f64>() <= memory {
            o.kept = Some((0..o.n_granules()).map(|g| o.compute(g)).collect());
        }
        o
    }

    /// Real parameters: columns of A.
    pub fn n_reals(&self) -> usize {
        self.n_reals
    }

    /// Rows of A.
    pub fn n_rows(&self) -> usize {
        self.estimate.weights.len() * S::PLANES
    }

    /// √w ΔE, in the order of the rows.
    pub fn epsilon(&self) -> &[f64] {
        &self.epsilon
    }

    fn n_granules(&self) -> usize {
        self.estimate.weights.len().div_ceil(GRANULE)
    }

    fn samples(&self, granule: usize) -> Range<usize> {
        granule * GRANULE..((granule + 1) * GRANULE).min(self.estimate.weights.len())
    }

    /// The first row of a granule.
    fn first_row(granule: usize) -> usize {
        granule * GRANULE * S::PLANES
    }

    fn granule(&self, granule: usize) -> Cow<'_, [f64]> {
        match &self.kept {
            Some(kept) => Cow::Borrowed(&kept[granule]),
            None => Cow::Owned(self.compute(granule)),
        }
    }

    fn compute(&self, granule: usize) -> Vec<f64> {
        let samples = self.samples(granule);
        let n_sites = self.model.hilbert().n_sites();
        let sigma = &self.estimate.samples.sigma[samples.start * n_sites..samples.end * n_sites];
        let mut rows = vec![0.0; S::PLANES * samples.len() * self.n_reals];
        if self.n_reals == 0 {
            return rows;
        }
        for (plane, rows) in rows
            .chunks_exact_mut(samples.len() * self.n_reals)
            .enumerate()
        {
            let cotangent = vec![S::from_c64(unit(plane)); samples.len()];
            self.model
                .backward(self.theta, sigma, &cotangent, Grad::PerSample(rows));
            let weights = &self.estimate.weights[samples.clone()];
            rows.par_chunks_exact_mut(self.n_reals)
                .zip(weights)
                .for_each(|(row, weight)| {
                    let root = weight.sqrt();
                    for (x, mean) in row.iter_mut().zip(&self.mean[plane]) {
                        *x = root * (*x - mean);
                    }
                });
        }
        rows
    }

    fn matrix<'b>(&self, rows: &'b [f64]) -> MatRef<'b, f64> {
        MatRef::from_row_major_slice(rows, rows.len() / self.n_reals.max(1), self.n_reals)
    }

    /// Aᵀ v, `(parameter,)`; of ε it is the force Re⟨ΔO* ΔE⟩, half the gradient of the energy.
    pub fn transposed_times(&self, v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.n_reals];
        for g in 0..self.n_granules() {
            let rows = self.granule(g);
            let v = &v[Self::first_row(g)..];
            out.par_chunks_mut(TILE)
                .enumerate()
                .for_each(|(tile, out)| {
                    for (row, v) in rows.chunks_exact(self.n_reals).zip(v) {
                        for (out, a) in out.iter_mut().zip(&row[tile * TILE..]) {
                            *out += v * a;
                        }
                    }
                });
        }
        out
    }

    /// AᵀA = Re⟨ΔO* ΔO⟩, the quantum geometric tensor, `(parameter, parameter)`.
    pub fn metric(&self) -> Mat<f64> {
        let mut out = Mat::zeros(self.n_reals, self.n_reals);
        for g in 0..self.n_granules() {
            let rows = self.granule(g);
            let columns = self.matrix(&rows).transpose();
            add_product(&mut out, [0, 0], columns, columns);
        }
        mirror(&mut out);
        out
    }

    /// AAᵀ, the neural tangent kernel, `(row, row)`.
    pub fn gram(&self) -> Mat<f64> {
        let mut out = Mat::zeros(self.n_rows(), self.n_rows());
        for g in 0..self.n_granules() {
            let left = self.granule(g);
            for h in 0..=g {
                let right = if h == g {
                    Cow::Borrowed(&left[..])
                } else {
                    self.granule(h)
                };
                let at = [Self::first_row(g), Self::first_row(h)];
                add_product(&mut out, at, self.matrix(&left), self.matrix(&right));
            }
        }
        mirror(&mut out);
        out
    }
}

/// The cotangent that asks for the real or the imaginary part.
fn unit(plane: usize) -> c64 {
    if plane == 0 { c64::ONE } else { c64::I }
}

/// out\[at…\] += L Rᵀ where that lies on or below the diagonal, tile by tile, each on one thread.
fn add_product(out: &mut Mat<f64>, at: [usize; 2], left: MatRef<f64>, right: MatRef<f64>) {
    let tiles: Vec<(usize, usize)> = (0..left.nrows())
        .step_by(TILE)
        .flat_map(|i| (0..right.nrows()).step_by(TILE).map(move |j| (i, j)))
        .filter(|(i, j)| at[0] + i >= at[1] + j)
        .collect();
    let products: Vec<Mat<f64>> = tiles
        .par_iter()
        .map(|&(i, j)| {
            let left = left.subrows(i, TILE.min(left.nrows() - i));
            let right = right.subrows(j, TILE.min(right.nrows() - j));
            let mut product = Mat::zeros(left.nrows(), right.nrows());
            matmul(
                product.as_mut(),
                Accum::Replace,
                left,
                right.transpose(),
                1.0,
                Par::Seq,
            );
            product
        })
        .collect();
    for ((i, j), product) in tiles.into_iter().zip(products) {
        let mut tile =
            out.as_mut()
                .submatrix_mut(at[0] + i, at[1] + j, product.nrows(), product.ncols());
        tile += product;
    }
}

/// Copies what lies below the diagonal above it.
fn mirror(m: &mut Mat<f64>) {
    for j in 0..m.ncols() {
        for i in j + 1..m.nrows() {
            m[(j, i)] = m[(i, j)];
        }
    }
}
