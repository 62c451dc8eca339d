//! The Lanczos method with thick restarts.
//!
//! Source: K. Wu and H. Simon, *Thick-restart Lanczos method for large symmetric eigenvalue problems*,
//! SIAM J. Matrix Anal. Appl. 22, 602 (2000).

use faer::Mat;
use faer::linalg::evd::ComputeEigenvectors;
use rayon::prelude::*;

use super::{LanczosInfo, LanczosOptions, Matrix, eigen};
use crate::error::{Error, Result};
use crate::operator::Operator;
use crate::random::Key;
use crate::scalar::Scalar;

/// Elements summed at a time: sums over vectors do not depend on the number of threads.
const CHUNK: usize = 4096;
/// A remainder this small beside the operator is rounding: the vectors span an invariant space.
const BREAKDOWN: f64 = 1e-13;
/// Steps between looks at the residual.
const CHECK_EVERY: usize = 4;

pub(super) fn lanczos<S: Scalar<Real = f64>>(
    operator: &dyn Operator,
    n_states: usize,
    options: &LanczosOptions,
) -> Result<LanczosInfo> {
    let matrix = Matrix::<S>::new(operator, n_states, options.matrix_bytes)?;
    let mut solver = Solver {
        matrix,
        options,
        found: Vec::new(),
        iterations: 0,
    };
    let mut pairs = Vec::new();
    for i in 0..options.n_energies {
        let start = random_vector(options.key.fold_in(i as u32), n_states);
        let (energy, vector, residual) = solver.lowest(start)?;
        solver.found.push(vector);
        pairs.push((energy, residual, i));
    }
    // Nearly degenerate energies may be found in either order.
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let to_c64 = |vector: &Vec<S>| vector.iter().map(|x| x.to_c64()).collect();
    Ok(LanczosInfo {
        energies: pairs.iter().map(|pair| pair.0).collect(),
        vectors: pairs
            .iter()
            .map(|pair| to_c64(&solver.found[pair.2]))
            .collect(),
        residual: pairs.iter().map(|pair| pair.1).fold(0.0, f64::max),
        iterations: solver.iterations,
    })
}

struct Solver<'a, S> {
    matrix: Matrix<'a, S>,
    options: &'a LanczosOptions,
    /// Eigenvectors found before; the search is orthogonal to them.
    found: Vec<Vec<S>>,
    iterations: usize,
}

impl<S: Scalar<Real = f64>> Solver<'_, S> {
    /// The lowest energy on the complement of `found`, its eigenvector and its residual.
    fn lowest(&mut self, mut start: Vec<S>) -> Result<(f64, Vec<S>, f64)> {
        let n = start.len();
        let dimension = n - self.found.len();
        let basis_size = self.options.basis_size.min(dimension);
        orthogonalize(&mut start, &[&self.found]);
        orthogonalize(&mut start, &[&self.found]);
        normalize(&mut start);
        let mut basis = vec![start];
        // ⟨vᵢ|H|vⱼ⟩ on the basis: an arrow after a restart, and tridiagonal.
        let mut projected = Mat::<f64>::zeros(basis_size, basis_size);
        let mut scale = 0.0_f64;
        loop {
            let j = basis.len() - 1;
            let mut w = vec![S::zero(); n];
            self.matrix.multiply(&basis[j], &mut w);
            self.iterations += 1;
            projected[(j, j)] = dot(&basis[j], &w).re();
            // What exact arithmetic leaves of the overlaps, then the rounding in all of them.
            let known: Vec<S> = (0..=j).map(|i| S::new(projected[(j, i)], 0.0)).collect();
            subtract(&mut w, &known, &[&basis]);
            orthogonalize(&mut w, &[&self.found, &basis]);
            let beta = norm(&w);
            let size = j + 1;
            scale = scale.max(projected[(j, j)].abs()).max(beta);
            let exhausted = size == dimension || beta <= BREAKDOWN * scale;
            let full = size == basis_size;
            let stop = self.iterations >= self.options.max_iterations;
            if exhausted || full || stop || size.is_multiple_of(CHECK_EVERY) {
                let (values, vectors) =
                    eigen(projected.get(..size, ..size), ComputeEigenvectors::Yes)?;
                scale = scale.max(values[0].abs()).max(values[size - 1].abs());
                let residual = beta * vectors[(size - 1, 0)].abs();
                if exhausted || residual <= self.options.tolerance * scale {
                    return Ok(self.finish(combine(&basis, &vectors, 0..1).swap_remove(0)));
                }
                if stop {
                    return Err(Error::NotConverged {
                        what: "the Lanczos method".into(),
                        iterations: self.iterations,
                        residual,
                        cure: "raise `max_iterations` or `basis_size`".into(),
                    });
                }
                if full {
                    // Half of the lowest Ritz vectors keeps most of what was learnt.
                    let kept = basis_size / 2;
                    basis = combine(&basis, &vectors, 0..kept);
                    projected.fill(0.0);
                    for i in 0..kept {
                        projected[(i, i)] = values[i];
                        projected[(kept, i)] = beta * vectors[(size - 1, i)];
                    }
                }
            }
            let next = basis.len();
            if !full {
                projected[(next, j)] = beta;
            }
            scale_by(&mut w, 1.0 / beta);
            basis.push(w);
        }
    }

    /// The Rayleigh quotient and true residual of an eigenvector.
    fn finish(&mut self, mut vector: Vec<S>) -> (f64, Vec<S>, f64) {
        orthogonalize(&mut vector, &[&self.found]);
        normalize(&mut vector);
        let mut w = vec![S::zero(); vector.len()];
        self.matrix.multiply(&vector, &mut w);
        self.iterations += 1;
        let energy = dot(&vector, &w).re();
        subtract(
            &mut w,
            &[S::new(energy, 0.0)],
            &[std::slice::from_ref(&vector)],
        );
        (energy, vector, norm(&w))
    }
}

/// Elements uniform in [-1, 1), one random number each: any state has an overlap with it.
fn random_vector<S: Scalar<Real = f64>>(key: Key, n: usize) -> Vec<S> {
    let uniform = |i: usize| 2.0 * key.uniform(i as u64) - 1.0;
    (0..n)
        .into_par_iter()
        .map(|i| S::new(uniform(i * S::PLANES), uniform((i + 1) * S::PLANES - 1)))
        .collect()
}

/// w -= Σ v ⟨v|w⟩ over all vectors of all `sets`.
fn orthogonalize<S: Scalar<Real = f64>>(w: &mut [S], sets: &[&[Vec<S>]]) {
    let n_vectors = sets.iter().map(|set| set.len()).sum();
    let partial: Vec<Vec<S>> = w
        .par_chunks(CHUNK)
        .enumerate()
        .map(|(chunk, w)| {
            let from = chunk * CHUNK;
            let vectors = sets.iter().flat_map(|set| set.iter());
            vectors
                .map(|v| dot_chunk(&v[from..from + w.len()], w))
                .collect()
        })
        .collect();
    let overlaps: Vec<S> = (0..n_vectors)
        .map(|i| partial.iter().map(|overlaps| overlaps[i]).sum())
        .collect();
    subtract(w, &overlaps, sets);
}

/// w -= Σ cᵢ vᵢ over all vectors of all `sets`.
fn subtract<S: Scalar<Real = f64>>(w: &mut [S], coefficients: &[S], sets: &[&[Vec<S>]]) {
    w.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, w)| {
        let from = chunk * CHUNK;
        let vectors = sets.iter().flat_map(|set| set.iter());
        for (v, &c) in vectors.zip(coefficients).filter(|(_, c)| **c != S::zero()) {
            for (w, &v) in w.iter_mut().zip(&v[from..]) {
                *w -= c * v;
            }
        }
    });
}

/// The Ritz vectors Σᵢ vᵢ sᵢₖ for some columns k of `coefficients`.
fn combine<S: Scalar<Real = f64>>(
    basis: &[Vec<S>],
    coefficients: &Mat<f64>,
    columns: std::ops::Range<usize>,
) -> Vec<Vec<S>> {
    columns
        .map(|k| {
            let mut sum = vec![S::zero(); basis[0].len()];
            let minus: Vec<S> = (0..basis.len())
                .map(|i| S::new(-coefficients[(i, k)], 0.0))
                .collect();
            subtract(&mut sum, &minus, &[basis]);
            sum
        })
        .collect()
}

/// ⟨a|b⟩
fn dot<S: Scalar<Real = f64>>(a: &[S], b: &[S]) -> S {
    let chunks = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
    let partial: Vec<S> = chunks.map(|(a, b)| dot_chunk(a, b)).collect();
    partial.into_iter().sum()
}

/// ⟨a|b⟩ in eight running sums, which the compiler keeps in vector registers.
fn dot_chunk<S: Scalar<Real = f64>>(a: &[S], b: &[S]) -> S {
    let product = |a: S, b: S| S::new(a.re(), -a.im()) * b;
    let mut sums = [S::zero(); 8];
    let (a_eights, a_rest) = a.as_chunks::<8>();
    let (b_eights, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_eights.iter().zip(b_eights) {
        for lane in 0..8 {
            sums[lane] += product(a[lane], b[lane]);
        }
    }
    let rest: S = a_rest
        .iter()
        .zip(b_rest)
        .map(|(&a, &b)| product(a, b))
        .sum();
    sums.into_iter().sum::<S>() + rest
}

fn norm<S: Scalar<Real = f64>>(a: &[S]) -> f64 {
    dot(a, a).re().sqrt()
}

fn scale_by<S: Scalar<Real = f64>>(a: &mut [S], factor: f64) {
    let factor = S::new(factor, 0.0);
    a.par_chunks_mut(CHUNK)
        .for_each(|a| a.iter_mut().for_each(|a| *a *= factor));
}

fn normalize<S: Scalar<Real = f64>>(a: &mut [S]) {
    let factor = 1.0 / norm(a);
    scale_by(a, factor);
}
