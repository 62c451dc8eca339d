//! Register tiles: sums of products, with a few output features by two vectors of lanes in registers.
//!
//! All arithmetic of a step that is not an elementary function goes through [`Tiles::site`] (a layer's
//! output at one site, forwards and backwards; blocks of products of two matrices) or [`Tiles::outer`]
//! (the derivative by one block of weights).

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch};

use super::lanes::Row;
use super::math::{V, splat};
use crate::scalar::Real;

/// One input site of an output site: which block of weights meets which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The block of weights, `(features in, features out)`.
    pub block: u32,
    /// The first row of the input site.
    pub row: u32,
}

/// How products of `f32` are accumulated.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// In the precision of the parameters, by fused multiply-add.
    #[default]
    Default,
    /// The same on a CPU.
    High,
    /// In double precision.
    Highest,
}

/// What a sum of products begins with.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a, R: Real> {
    /// Zero.
    Zero,
    /// A number for each feature, the same in all lanes.
    Bias(&'a [R]),
    /// A row for each feature.
    Rows(&'a [R::Row]),
    /// What is there.
    Own,
}

/// Weights of a sum of products: each line has a number for each output feature.
pub trait Weights<R: 'static>: Copy {
    /// `n` lines from `first` on.
    fn lines(&self, first: usize, n: usize) -> impl Iterator<Item = &[R]>;
}

/// Weights one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Flat<'a, R> {
    /// `(line, feature out)`.
    pub weights: &'a [R],
    /// Features out.
    pub features_out: usize,
}

impl<R: Real> Weights<R> for Flat<'_, R> {
    #[inline(always)]
    fn lines(&self, first: usize, n: usize) -> impl Iterator<Item = &[R]> {
        let lines = &self.weights[first * self.features_out..][..n * self.features_out];
        lines.chunks_exact(self.features_out)
    }
}

/// Rows of lanes as weights: their lanes become output features.
#[derive(Clone, Copy, Debug)]
pub struct Across<'a, R: Real>(pub &'a [R::Row]);

impl<R: Real> Weights<R> for Across<'_, R> {
    #[inline(always)]
    fn lines(&self, first: usize, n: usize) -> impl Iterator<Item = &[R]> {
        self.0[first..first + n].iter().map(|row| &row[..])
    }
}

/// A layer's input and the cotangents of its output, of one block of samples.
pub type InputAndCotangent<'a, R> = (&'a [<R as Real>::Row], &'a [<R as Real>::Row]);

/// Where and how precisely products are done.
#[derive(Clone, Copy, Debug)]
pub struct Tiles {
    /// The SIMD level.
    pub level: Level,
    /// How products are accumulated.
    pub precision: Precision,
}

impl Tiles {
    /// One output site of a layer, for all lanes:
    /// y\[o\] = start\[o\] + Σ_taps Σ_i w\[block\]\[i\]\[o\] x\[row + i\].
    ///
    /// Line `block · features_in + i` of the weights is w\[block\]\[i\].
    #[inline]
    pub fn site<R: Real>(
        self,
        weights: impl Weights<R>,
        start: Start<R>,
        features_in: usize,
        taps: &[Tap],
        x: &[R::Row],
        y: &mut [R::Row],
    ) {
        let site = Site {
            weights,
            start,
            features_in,
            taps,
            x,
        };
        if self.precision == Precision::Highest && size_of::<R>() == 4 {
            dispatch!(self.level, simd => simd.vectorize(#[inline(always)] || site.in_f64(y)))
        } else {
            dispatch!(self.level, simd => site.all_features(simd, y))
        }
    }

    /// The outer products of one block of weights, for each lane apart, summed over blocks of samples:
    /// out\[i · stride + o\] = Σ_(x, dy) Σ_pairs x\[row of x + i\] · dy\[row of dy + o\].
    #[inline]
    pub fn outer<R: Real>(
        self,
        pairs: &[[u32; 2]],
        samples: &[InputAndCotangent<R>],
        features: [usize; 2],
        out: &mut [R::Row],
        stride: usize,
    ) {
        let outer = Outer::<R> {
            pairs,
            samples,
            features,
            stride,
        };
        if self.precision == Precision::Highest && size_of::<R>() == 4 {
            dispatch!(self.level, simd => simd.vectorize(#[inline(always)] || outer.in_f64(out)))
        } else {
            dispatch!(self.level, simd => outer.all_features(simd, out))
        }
    }
}

/// The parts of `n` in as few, as equal parts of at most `max` as there can be: their starts and lengths.
#[inline(always)]
fn parts(n: usize, max: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = n.div_ceil(max).max(1);
    (0..count).map(move |i| (i * n / count, (i + 1) * n / count - i * n / count))
}

/// Calls a function with its const parameter taken from a run-time number.
macro_rules! with_const {
    ($n:expr, [$($k:literal)*], $N:ident => $body:expr) => {
        match $n {
            $($k => { const $N: usize = $k; $body })*
            _ => unreachable!("parts are at most as long as the longest tile"),
        }
    };
}

struct Site<'a, R: Real, W> {
    weights: W,
    start: Start<'a, R>,
    features_in: usize,
    taps: &'a [Tap],
    x: &'a [R::Row],
}

impl<R: Real, W: Weights<R>> Site<'_, R, W> {
    #[inline(always)]
    fn all_features<S: Simd>(&self, simd: S, y: &mut [R::Row]) {
        simd.vectorize(
            #[inline(always)]
            || {
                if y.is_empty() {
                    return;
                }
                // Two vectors of accumulators a feature: 12 of 16 registers, 16 of 32 with AVX-512.
                let widest = if size_of::<V<S, R>>() >= 64 { 8 } else { 6 };
                for (first, n) in parts(y.len(), widest) {
                    if n <= 2 {
                        // Few sums: every other line into sums of its own, or each would wait for the one before.
                        with_const!(n, [1 2], N => self.features::<S, N, 2>(simd, first, y));
                    } else {
                        with_const!(n, [3 4 5 6 7 8], N => self.features::<S, N, 1>(simd, first, y));
                    }
                }
            },
        )
    }

    #[inline(always)]
    fn features<S: Simd, const N: usize, const SETS: usize>(
        &self,
        simd: S,
        first: usize,
        y: &mut [R::Row],
    ) {
        let len = V::<S, R>::LEN;
        let y = &mut y[first..first + N];
        for lane in (0..R::Row::LANES).step_by(2 * len) {
            let mut sums = [[[splat::<S, R>(simd, R::zero()); 2]; N]; SETS];
            let acc = &mut sums[0];
            match self.start {
                Start::Zero => {}
                Start::Bias(bias) => {
                    let bias = &bias[first..first + N];
                    for k in 0..N {
                        acc[k] = [splat::<S, R>(simd, bias[k]); 2];
                    }
                }
                Start::Rows(rows) => load::<S, R, N>(simd, &rows[first..first + N], lane, acc),
                Start::Own => load::<S, R, N>(simd, y, lane, acc),
            }
            let Self {
                weights,
                features_in,
                taps,
                x,
                ..
            } = *self;
            for tap in taps {
                let x = &x[tap.row as usize..][..features_in];
                let lines = weights.lines(tap.block as usize * features_in, features_in);
                let mut terms = x.iter().zip(lines);
                'tap: loop {
                    for acc in &mut sums {
                        let Some((x, line)) = terms.next() else {
                            break 'tap;
                        };
                        let x0 = V::<S, R>::from_slice(simd, &x[lane..lane + len]);
                        let x1 = V::<S, R>::from_slice(simd, &x[lane + len..lane + 2 * len]);
                        let w = &line[first..first + N];
                        for k in 0..N {
                            let w = splat::<S, R>(simd, w[k]);
                            acc[k] = [w.mul_add(x0, acc[k][0]), w.mul_add(x1, acc[k][1])];
                        }
                    }
                }
            }
            let mut acc = sums[0];
            for others in &sums[1..] {
                for k in 0..N {
                    acc[k] = [acc[k][0] + others[k][0], acc[k][1] + others[k][1]];
                }
            }
            for k in 0..N {
                acc[k][0].store_slice(&mut y[k][lane..lane + len]);
                acc[k][1].store_slice(&mut y[k][lane + len..lane + 2 * len]);
            }
        }
    }

    /// The same with sums in double precision.
    #[inline(always)]
    fn in_f64(&self, y: &mut [R::Row]) {
        for (k, y) in y.iter_mut().enumerate() {
            let mut acc = [0.0; MAX_LANES];
            match self.start {
                Start::Zero => {}
                Start::Bias(bias) => acc.fill(bias[k].widen()),
                Start::Rows(rows) => widen::<R>(&rows[k], &mut acc),
                Start::Own => widen::<R>(y, &mut acc),
            }
            for tap in self.taps {
                let x = &self.x[tap.row as usize..][..self.features_in];
                let first = tap.block as usize * self.features_in;
                for (x, line) in x.iter().zip(self.weights.lines(first, self.features_in)) {
                    for (acc, x) in acc.iter_mut().zip(x.iter()) {
                        *acc += line[k].widen() * x.widen();
                    }
                }
            }
            store::<R>(&acc, y);
        }
    }
}

const MAX_LANES: usize = 32;

/// Two vectors of lanes of each row.
#[inline(always)]
fn load<S: Simd, R: Real, const N: usize>(
    simd: S,
    rows: &[R::Row],
    lane: usize,
    acc: &mut [[V<S, R>; 2]; N],
) {
    let len = V::<S, R>::LEN;
    for k in 0..N {
        acc[k] = [
            V::<S, R>::from_slice(simd, &rows[k][lane..lane + len]),
            V::<S, R>::from_slice(simd, &rows[k][lane + len..lane + 2 * len]),
        ];
    }
}

#[inline(always)]
fn widen<R: Real>(row: &R::Row, acc: &mut [f64; MAX_LANES]) {
    for (acc, x) in acc.iter_mut().zip(row.iter()) {
        *acc = x.widen();
    }
}

#[inline(always)]
fn store<R: Real>(acc: &[f64; MAX_LANES], y: &mut R::Row) {
    for (y, acc) in y.iter_mut().zip(acc) {
        *y = R::from_f64(*acc);
    }
}

struct Outer<'a, R: Real> {
    pairs: &'a [[u32; 2]],
    samples: &'a [InputAndCotangent<'a, R>],
    /// In and out.
    features: [usize; 2],
    stride: usize,
}

impl<'a, R: Real> Outer<'a, R> {
    #[inline(always)]
    fn all_features<S: Simd>(&self, simd: S, out: &mut [R::Row]) {
        simd.vectorize(
            #[inline(always)]
            || {
                let [features_in, features_out] = self.features;
                // Accumulators and factors: 16 + 8 of 32 registers, 12 + 4 of 16.
                let tallest = if size_of::<V<S, R>>() >= 64 { 4 } else { 3 };
                for (i, ni) in parts(features_in, tallest) {
                    for (o, no) in parts(features_out, 4) {
                        with_const!(ni, [1 2 3 4], NI => with_const!(no, [1 2 3 4], NO =>
                            self.features::<S, NI, NO>(simd, i, o, out)));
                    }
                }
            },
        )
    }

    #[inline(always)]
    fn features<S: Simd, const NI: usize, const NO: usize>(
        &self,
        simd: S,
        i: usize,
        o: usize,
        out: &mut [R::Row],
    ) {
        let len = V::<S, R>::LEN;
        for lane in (0..R::Row::LANES).step_by(len) {
            let mut acc = [[splat::<S, R>(simd, R::zero()); NO]; NI];
            for &(all_x, all_dy) in self.samples {
                for &[x, dy] in self.pairs {
                    let x = &all_x[x as usize + i..][..NI];
                    let dy = &all_dy[dy as usize + o..][..NO];
                    let mut d = [splat::<S, R>(simd, R::zero()); NO];
                    for b in 0..NO {
                        d[b] = V::<S, R>::from_slice(simd, &dy[b][lane..lane + len]);
                    }
                    for a in 0..NI {
                        let x = V::<S, R>::from_slice(simd, &x[a][lane..lane + len]);
                        for b in 0..NO {
                            acc[a][b] = x.mul_add(d[b], acc[a][b]);
                        }
                    }
                }
            }
            for a in 0..NI {
                let out = &mut out[(i + a) * self.stride + o..][..NO];
                for b in 0..NO {
                    acc[a][b].store_slice(&mut out[b][lane..lane + len]);
                }
            }
        }
    }

    /// The same with sums in double precision.
    #[inline(always)]
    fn in_f64(&self, out: &mut [R::Row]) {
        for i in 0..self.features[0] {
            for o in 0..self.features[1] {
                let mut acc = [0.0; MAX_LANES];
                let pairs = |&(x, dy): &InputAndCotangent<'a, R>| {
                    self.pairs.iter().map(move |pair| (x, dy, pair))
                };
                for (x, dy, &[x_row, dy_row]) in self.samples.iter().flat_map(pairs) {
                    let (x, dy): (&R::Row, &R::Row) =
                        (&x[x_row as usize + i], &dy[dy_row as usize + o]);
                    for ((acc, x), dy) in acc.iter_mut().zip(x.iter()).zip(dy.iter()) {
                        *acc += x.widen() * dy.widen();
                    }
                }
                store::<R>(&acc, &mut out[i * self.stride + o]);
            }
        }
    }
}
