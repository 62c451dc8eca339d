//! The Lanczos method in two passes: energies from the first, vectors from the second.
//!
//! The recurrence keeps two vectors. Orthogonality is lost where an energy has converged, which repeats that energy
//! and leaves the lowest one right. The second pass makes the same vectors again and sums them to the eigenvector.
//! Source: J. Cullum and R. Willoughby, *Lanczos Algorithms for Large Symmetric Eigenvalue Computations* (1985).

use std::ops::ControlFlow;

use faer::Mat;
use faer::linalg::evd::ComputeEigenvectors;
use rayon::prelude::*;

use super::{LanczosInfo, LanczosOptions, LanczosPlan, LanczosProgress, Products, Watch};
use super::{check_finite, eigen};
use crate::error::{Error, Result};
use crate::operator::hermitian::Hermitian;
use crate::operator::sparse::{Matrix, MatrixRows};
use crate::random::Key;
use crate::scalar::Scalar;

/// Elements summed at a time: sums over vectors do not depend on the number of threads.
const CHUNK: usize = 4096;
/// A remainder this small beside the operator is rounding: the vectors span an invariant space.
const BREAKDOWN: f64 = 1e-13;
/// Smaller remainders beside the operator are not told from it.
const ROUNDING: f64 = 1e-15;
/// Steps by the dimension after which nothing new is found.
const TURNS: usize = 8;
/// Vectors at a time, beside those found and the one that is looked for: three of the recurrence.
pub(super) const VECTORS: usize = 3;
/// Steps between looks at the residual: so many, or this part of those done.
const CHECK_EVERY: usize = 4;
const CHECK_PART: usize = 16;

/// The lowest energies of a Hermitian matrix, as planned.
pub(super) fn lanczos<S: Scalar<Real = f64>>(
    rows: &dyn MatrixRows,
    plan: LanczosPlan,
    options: &LanczosOptions,
    watch: &mut Watch<'_>,
) -> Result<LanczosInfo> {
    let n_states = plan.n_states;
    let matrix = match plan.products {
        Products::Stored => {
            let watch = &mut |rows| {
                watch(LanczosProgress {
                    rows,
                    ..LanczosProgress::default()
                })
            };
            Matrix::Stored(Hermitian::new(rows, n_states, watch)?)
        }
        Products::ByTerms | Products::ByRows => Matrix::unstored(rows),
    };
    let mut solver = Solver {
        matrix,
        options,
        watch,
        found: Vec::new(),
        scale: 0.0,
        width: 0.0,
        rows: match plan.products {
            Products::Stored => n_states,
            Products::ByTerms | Products::ByRows => 0,
        },
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
    // One by one: a complex vector takes twice the memory of a real one.
    let mut take = |i: usize| std::mem::take(&mut solver.found[i]);
    let to_c64 = |vector: Vec<S>| vector.iter().map(|x| x.to_c64()).collect();
    Ok(LanczosInfo {
        energies: pairs.iter().map(|pair| pair.0).collect(),
        vectors: pairs.iter().map(|pair| to_c64(take(pair.2))).collect(),
        residuals: pairs.iter().map(|pair| pair.1).collect(),
        iterations: solver.iterations,
    })
}

struct Solver<'a, S> {
    matrix: Matrix<'a, S>,
    options: &'a LanczosOptions,
    watch: &'a mut Watch<'a>,
    /// Eigenvectors found before; the search is orthogonal to them.
    found: Vec<Vec<S>>,
    /// The largest element of the recurrence.
    scale: f64,
    /// From the lowest to the highest energy met: a constant in H makes no difference.
    width: f64,
    /// Rows of the stored matrix.
    rows: usize,
    iterations: usize,
}

/// What the recurrence has found: ⟨vᵢ|H|vᵢ⟩ and ⟨vᵢ|H|vᵢ₊₁⟩.
#[derive(Default)]
struct Tridiagonal {
    diagonal: Vec<f64>,
    beside: Vec<f64>,
}

impl Tridiagonal {
    /// The lowest eigenvalue and its vector, and how far the highest lies above it.
    fn lowest(&self) -> Result<(f64, Vec<f64>, f64)> {
        let n = self.diagonal.len();
        let mut matrix = Mat::zeros(n, n);
        for (i, &x) in self.diagonal.iter().enumerate() {
            matrix[(i, i)] = x;
        }
        for (i, &x) in self.beside.iter().take(n - 1).enumerate() {
            matrix[(i + 1, i)] = x;
            matrix[(i, i + 1)] = x;
        }
        let (values, vectors) = eigen(matrix.as_ref(), ComputeEigenvectors::Yes)?;
        let width = values[n - 1] - values[0];
        let vector = (0..n).map(|i| vectors[(i, 0)]).collect();
        Ok((values[0], vector, width))
    }
}

/// Two vectors that follow each other in the recurrence.
struct Recurrence<S> {
    before: Vec<S>,
    now: Vec<S>,
    /// H times the latter.
    image: Vec<S>,
}

impl<S: Scalar<Real = f64>> Recurrence<S> {
    /// The image, of norm `beta`, becomes the vector at hand.
    fn turn(&mut self, beta: f64) {
        scale_by(&mut self.image, 1.0 / beta);
        std::mem::swap(&mut self.before, &mut self.now);
        std::mem::swap(&mut self.now, &mut self.image);
    }

    fn new(start: Vec<S>) -> Self {
        let zeros = || vec![S::zero(); start.len()];
        Self {
            before: zeros(),
            image: zeros(),
            now: start,
        }
    }
}

impl<S: Scalar<Real = f64>> Solver<'_, S> {
    /// The lowest energy on the complement of `found`, its eigenvector and its residual.
    fn lowest(&mut self, mut start: Vec<S>) -> Result<(f64, Vec<S>, f64)> {
        orthogonalize(&mut start, &self.found);
        orthogonalize(&mut start, &self.found);
        normalize(&mut start);
        let (coefficients, reached) = self.converged(start.clone())?;
        // The same steps once more.
        let mut recurrence = Recurrence::new(start);
        let mut vector = vec![S::zero(); recurrence.now.len()];
        let mut known = Tridiagonal::default();
        for (i, &c) in coefficients.iter().enumerate() {
            add(&mut vector, S::new(c, 0.0), &recurrence.now);
            if i + 1 < coefficients.len() {
                self.advance(&mut recurrence, &mut known);
                recurrence.turn(known.beside[i]);
                self.show(LanczosProgress {
                    left: Some(coefficients.len() - i - 1),
                    ..reached
                })?;
            }
        }
        drop(recurrence);
        Ok(self.finish(vector))
    }

    /// Tells how far it is, and hears whether to go on.
    fn show(&mut self, mut progress: LanczosProgress) -> Result<()> {
        progress.found = self.found.len();
        progress.rows = self.rows;
        progress.iterations = self.iterations;
        match (self.watch)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Interrupted),
        }
    }

    /// The lowest eigenvector, by the vectors of the recurrence, and what was reached with it.
    fn converged(&mut self, start: Vec<S>) -> Result<(Vec<f64>, LanczosProgress)> {
        let dimension = start.len() - self.found.len();
        let mut recurrence = Recurrence::new(start);
        let mut known = Tridiagonal::default();
        let mut next_check = CHECK_EVERY;
        let mut reached = LanczosProgress::default();
        loop {
            let beta = self.advance(&mut recurrence, &mut known);
            check_finite(beta)?;
            let size = known.diagonal.len();
            self.scale = self.scale.max(known.diagonal[size - 1].abs()).max(beta);
            // Where all energies left are 0 to rounding, no remainder is small beside them.
            let exhausted = beta <= BREAKDOWN * self.scale || size > TURNS * dimension;
            let stop = self.iterations >= self.options.max_iterations;
            if exhausted || stop || size == next_check {
                next_check = size + CHECK_EVERY.max(size / CHECK_PART);
                let (energy, vector, width) = known.lowest()?;
                self.width = self.width.max(width);
                // What rounding leaves within reach.
                let unit = self
                    .width
                    .max(ROUNDING * self.scale / self.options.tolerance);
                let residual = beta * vector[size - 1].abs();
                reached.energy = Some(energy);
                reached.residual = residual / unit;
                if exhausted || residual <= self.options.tolerance * unit {
                    return Ok((vector, reached));
                }
                if stop {
                    return Err(Error::NotConverged {
                        what: "the Lanczos method".into(),
                        iterations: self.iterations,
                        residual,
                        cure: "raise `max_iterations`, or ask for fewer energies".into(),
                    });
                }
            }
            self.show(reached)?;
            recurrence.turn(beta);
        }
    }

    /// One product, made orthogonal to the last two vectors and to what was found before; its norm.
    fn advance(&mut self, recurrence: &mut Recurrence<S>, known: &mut Tridiagonal) -> f64 {
        let Recurrence { before, now, image } = recurrence;
        self.matrix.multiply(now, image);
        self.iterations += 1;
        if let Some(&beta) = known.beside.last() {
            add(image, S::new(-beta, 0.0), before);
        }
        let alpha = dot(now, image).re();
        add(image, S::new(-alpha, 0.0), now);
        orthogonalize(image, &self.found);
        let beta = norm(image);
        known.diagonal.push(alpha);
        known.beside.push(beta);
        beta
    }

    /// The Rayleigh quotient and true residual of an eigenvector.
    fn finish(&mut self, mut vector: Vec<S>) -> (f64, Vec<S>, f64) {
        orthogonalize(&mut vector, &self.found);
        normalize(&mut vector);
        let mut w = vec![S::zero(); vector.len()];
        self.matrix.multiply(&vector, &mut w);
        self.iterations += 1;
        let energy = dot(&vector, &w).re();
        add(&mut w, S::new(-energy, 0.0), &vector);
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

/// w -= Σ v ⟨v|w⟩
fn orthogonalize<S: Scalar<Real = f64>>(w: &mut [S], vectors: &[Vec<S>]) {
    for v in vectors {
        let overlap = dot(v, w);
        add(w, -overlap, v);
    }
}

/// w += c v
fn add<S: Scalar<Real = f64>>(w: &mut [S], c: S, v: &[S]) {
    let chunks = w.par_chunks_mut(CHUNK).zip(v.par_chunks(CHUNK));
    chunks.for_each(|(w, v)| {
        for (w, &v) in w.iter_mut().zip(v) {
            *w += c * v;
        }
    });
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
