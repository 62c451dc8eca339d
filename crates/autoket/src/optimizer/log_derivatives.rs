//! Log-derivatives O = ∂ log ψ/∂θ, and their covariances: the force and the metric.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::models::Autoregressive;
use crate::nn::Grad;
use crate::scalar::{Scalar, c64};
use crate::vqs::Estimate;

/// Centred, weighted log-derivatives as real rows.
///
/// For each sample n with weight w there is a row √w Re ΔO_n and, for a complex wave function, one √w Im ΔO_n;
/// columns are real parameters that are not masked. Then Re⟨ΔO* ΔO⟩ = AᵀA and Re⟨ΔO* ΔE⟩ = Aᵀε.
#[derive(Debug)]
pub struct LogDerivatives {
    /// A, row after row.
    rows: Vec<f64>,
    n_reals: usize,
    /// √w ΔE, parts as in A.
    epsilon: Vec<f64>,
}

/// Products are made of tiles so wide, and of sums so long: the result does not depend on threads.
const TILE: usize = 192;
const DEPTH: usize = 1024;

impl LogDerivatives {
    /// Of a model at the samples of an estimate of the energy.
    pub fn new<S: Scalar>(
        model: &dyn Autoregressive<S>,
        theta: &[S],
        estimate: &Estimate<S>,
    ) -> Self {
        let (n_reals, n) = (model.n_reals(), estimate.weights.len());
        let sigma = &estimate.samples.sigma;
        let mut rows = vec![0.0; S::PLANES * n * n_reals];
        for (plane, rows) in rows.chunks_exact_mut((n * n_reals).max(1)).enumerate() {
            let unit = if plane == 0 { c64::ONE } else { c64::I };
            model.backward(
                theta,
                sigma,
                &vec![S::from_c64(unit); n],
                Grad::PerSample(rows),
            );
            centre(rows, n_reals, &estimate.weights);
        }
        let deviations = estimate.local_values.iter().zip(&estimate.weights);
        let epsilon = (0..S::PLANES)
            .flat_map(|plane| {
                deviations.clone().map(move |(e, w)| {
                    let d = (e - estimate.stats.mean) * w.sqrt();
                    if plane == 0 { d.re } else { d.im }
                })
            })
            .collect();
        Self {
            rows,
            n_reals,
            epsilon,
        }
    }

    /// Real parameters: columns of A.
    pub fn n_reals(&self) -> usize {
        self.n_reals
    }

    /// Rows of A.
    pub fn n_rows(&self) -> usize {
        self.epsilon.len()
    }

    fn a(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.rows, self.n_rows(), self.n_reals)
    }

    /// √w ΔE.
    pub fn epsilon(&self) -> &[f64] {
        &self.epsilon
    }

    /// Aᵀ v, `(parameter,)`; of ε it is the force Re⟨ΔO* ΔE⟩, half the gradient of the energy.
    pub fn transposed_times(&self, v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.n_reals];
        out.par_chunks_mut(TILE)
            .enumerate()
            .for_each(|(tile, out)| {
                for (row, v) in self.rows.chunks_exact(self.n_reals).zip(v) {
                    for (out, a) in out.iter_mut().zip(&row[tile * TILE..]) {
                        *out += v * a;
                    }
                }
            });
        out
    }

    /// AᵀA = Re⟨ΔO* ΔO⟩, the quantum geometric tensor, `(parameter, parameter)`.
    pub fn metric(&self) -> Mat<f64> {
        square(self.a().transpose())
    }

    /// AAᵀ, the neural tangent kernel, `(row, row)`.
    pub fn gram(&self) -> Mat<f64> {
        square(self.a())
    }
}

/// row_n ← √w_n (row_n - Σ_m w_m row_m).
fn centre(rows: &mut [f64], n_reals: usize, weights: &[f64]) {
    if n_reals == 0 {
        return;
    }
    let mut mean = vec![0.0; n_reals];
    mean.par_chunks_mut(TILE)
        .enumerate()
        .for_each(|(tile, mean)| {
            for (row, weight) in rows.chunks_exact(n_reals).zip(weights) {
                for (mean, x) in mean.iter_mut().zip(&row[tile * TILE..]) {
                    *mean += weight * x;
                }
            }
        });
    rows.par_chunks_exact_mut(n_reals)
        .zip(weights)
        .for_each(|(row, weight)| {
            let root = weight.sqrt();
            for (x, mean) in row.iter_mut().zip(&mean) {
                *x = root * (*x - mean);
            }
        });
}

/// M Mᵀ, by tiles of the lower triangle, mirrored.
fn square(m: MatRef<'_, f64>) -> Mat<f64> {
    let (n, depth) = (m.nrows(), m.ncols());
    let tiles: Vec<(usize, usize)> = (0..n)
        .step_by(TILE)
        .flat_map(|i| (0..=i).step_by(TILE).map(move |j| (i, j)))
        .collect();
    let blocks: Vec<Mat<f64>> = tiles
        .par_iter()
        .map(|&(i, j)| {
            let (rows, columns) = (TILE.min(n - i), TILE.min(n - j));
            let mut block = Mat::zeros(rows, columns);
            for k in (0..depth).step_by(DEPTH) {
                let length = DEPTH.min(depth - k);
                let left = m.submatrix(i, k, rows, length);
                let right = m.submatrix(j, k, columns, length).transpose();
                matmul(block.as_mut(), Accum::Add, left, right, 1.0, Par::Seq);
            }
            block
        })
        .collect();
    let mut out = Mat::zeros(n, n);
    for (&(i, j), block) in tiles.iter().zip(&blocks) {
        let (rows, columns) = (block.nrows(), block.ncols());
        out.as_mut()
            .submatrix_mut(i, j, rows, columns)
            .copy_from(block);
        let mirrored: MatMut<'_, f64> = out.as_mut().submatrix_mut(j, i, columns, rows);
        { mirrored }.copy_from(block.transpose());
    }
    out
}
