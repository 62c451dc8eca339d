//! Register tiles: the products of a masked layer, with a few output features by two vectors of lanes in registers.

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
    /// y\[o\] = bias\[o\] + Σ_taps Σ_i w\[block\]\[i\]\[o\] x\[row + i\].
    ///
    /// `weights` is `[block][features in][features out]`, `y` has a row for each of `bias`.
    pub fn site<R: Real>(
        self,
        weights: &[R],
        bias: &[R],
        features_in: usize,
        taps: &[Tap],
        x: &[R::Row],
        y: &mut [R::Row],
    ) {
        debug_assert_eq!(bias.len(), y.len());
        let site = Site::<R> {
            weights,
            bias,
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

    /// The outer products of one block of weights, for each lane apart:
    /// out\[i\]\[o\] = Σ_pairs x\[row of x + i\] · dy\[row of dy + o\].
    pub fn outer<R: Real>(
        self,
        pairs: &[[u32; 2]],
        x: &[R::Row],
        dy: &[R::Row],
        [features_in, features_out]: [usize; 2],
        out: &mut [R::Row],
    ) {
        debug_assert_eq!(features_in * features_out, out.len());
        let outer = Outer::<R> {
            pairs,
            x,
            dy,
            features_out,
        };
        if self.precision == Precision::Highest && size_of::<R>() == 4 {
            dispatch!(self.level, simd => simd.vectorize(#[inline(always)] || outer.in_f64(features_in, out)))
        } else {
            dispatch!(self.level, simd => outer.all_features(simd, features_in, out))
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

struct Site<'a, R: Real> {
    weights: &'a [R],
    bias: &'a [R],
    features_in: usize,
    taps: &'a [Tap],
    x: &'a [R::Row],
}

impl<R: Real> Site<'_, R> {
    #[inline(always)]
    fn all_features<S: Simd>(&self, simd: S, y: &mut [R::Row]) {
        simd.vectorize(
            #[inline(always)]
            || {
                // Two vectors of accumulators a feature: 12 of 16 registers, 16 of 32 with AVX-512.
                let widest = if size_of::<V<S, R>>() >= 64 { 8 } else { 6 };
                for (first, n) in parts(y.len(), widest) {
                    with_const!(n, [1 2 3 4 5 6 7 8], N => self.features::<S, N>(simd, first, y));
                }
            },
        )
    }

    #[inline(always)]
    fn features<S: Simd, const N: usize>(&self, simd: S, first: usize, y: &mut [R::Row]) {
        let len = V::<S, R>::LEN;
        let features_out = self.bias.len();
        let block = self.features_in * features_out;
        let y = &mut y[first..first + N];
        for lane in (0..R::Row::LANES).step_by(2 * len) {
            let mut acc = [[splat::<S, R>(simd, R::zero()); 2]; N];
            for k in 0..N {
                acc[k] = [splat::<S, R>(simd, self.bias[first + k]); 2];
            }
            for tap in self.taps {
                let x = &self.x[tap.row as usize..][..self.features_in];
                let w = &self.weights[tap.block as usize * block..][..block];
                for (x, w) in x.iter().zip(w.chunks_exact(features_out)) {
                    let x0 = V::<S, R>::from_slice(simd, &x[lane..lane + len]);
                    let x1 = V::<S, R>::from_slice(simd, &x[lane + len..lane + 2 * len]);
                    let w = &w[first..first + N];
                    for k in 0..N {
                        let w = splat::<S, R>(simd, w[k]);
                        acc[k] = [w.mul_add(x0, acc[k][0]), w.mul_add(x1, acc[k][1])];
                    }
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
        let features_out = self.bias.len();
        for (k, y) in y.iter_mut().enumerate() {
            let mut acc = [self.bias[k].widen(); MAX_LANES];
            for tap in self.taps {
                for i in 0..self.features_in {
                    let w = self.weights
                        [(tap.block as usize * self.features_in + i) * features_out + k];
                    add_products::<R>(&mut acc, w, &self.x[tap.row as usize + i]);
                }
            }
            store::<R>(&acc, y);
        }
    }
}

const MAX_LANES: usize = 32;

#[inline(always)]
fn add_products<R: Real>(acc: &mut [f64; MAX_LANES], w: R, x: &R::Row) {
    for (acc, x) in acc.iter_mut().zip(x.iter()) {
        *acc += w.widen() * x.widen();
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
    x: &'a [R::Row],
    dy: &'a [R::Row],
    features_out: usize,
}

impl<R: Real> Outer<'_, R> {
    #[inline(always)]
    fn all_features<S: Simd>(&self, simd: S, features_in: usize, out: &mut [R::Row]) {
        simd.vectorize(
            #[inline(always)]
            || {
                for (i, ni) in parts(features_in, 3) {
                    for (o, no) in parts(self.features_out, 4) {
                        with_const!(ni, [1 2 3], NI => with_const!(no, [1 2 3 4], NO =>
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
            for &[x, dy] in self.pairs {
                let x = &self.x[x as usize + i..][..NI];
                let dy = &self.dy[dy as usize + o..][..NO];
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
            for a in 0..NI {
                let out = &mut out[(i + a) * self.features_out + o..][..NO];
                for b in 0..NO {
                    acc[a][b].store_slice(&mut out[b][lane..lane + len]);
                }
            }
        }
    }

    /// The same with sums in double precision.
    #[inline(always)]
    fn in_f64(&self, features_in: usize, out: &mut [R::Row]) {
        for i in 0..features_in {
            for o in 0..self.features_out {
                let mut acc = [0.0; MAX_LANES];
                for &[x, dy] in self.pairs {
                    let (x, dy) = (&self.x[x as usize + i], &self.dy[dy as usize + o]);
                    for ((acc, x), dy) in acc.iter_mut().zip(x.iter()).zip(dy.iter()) {
                        *acc += x.widen() * dy.widen();
                    }
                }
                store::<R>(&acc, &mut out[i * self.features_out + o]);
            }
        }
    }
}
