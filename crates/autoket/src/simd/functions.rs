//! Kernels over rows that are not products: activations, normalisation of conditionals, draws.

use fearless_simd::{Level, Select, Simd, SimdBase, SimdFloat, dispatch};

use super::lanes::Row;
use super::math::{self, V, splat};
use crate::random::Key;
use crate::scalar::Real;

/// A real function of one number with its derivative, on rows.
///
/// With `scale` c the function is f(c x)/c and its derivative f'(c x): `reim` of a complex number has c = √2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elementwise {
    /// λ x for x > 0, λ α (eˣ - 1) otherwise (Klambauer et al., arXiv:1706.02515).
    Selu,
    /// max(x, 0).
    Relu,
    /// tanh x.
    Tanh,
    /// x Φ(x), by its tanh form: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).
    Gelu,
    /// x/(1 + e⁻ˣ).
    Silu,
    /// log cosh x.
    LogCosh,
}

const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const GELU_CUBIC: f64 = 0.044715;
/// √(2/π)
const GELU_SCALE: f64 = 0.797_884_560_802_865_4;

impl Elementwise {
    /// y ← f(c y)/c.
    pub fn apply<R: Real>(self, level: Level, scale: R, y: &mut [R::Row]) {
        dispatch!(level, simd => self.apply_on(simd, scale, y))
    }

    /// dy ← f'(c x) dy.
    pub fn pull_back<R: Real>(self, level: Level, scale: R, x: &[R::Row], dy: &mut [R::Row]) {
        dispatch!(level, simd => self.pull_back_on(simd, scale, x, dy))
    }

    #[inline(always)]
    fn apply_on<S: Simd, R: Real>(self, simd: S, scale: R, y: &mut [R::Row]) {
        simd.vectorize(
            #[inline(always)]
            || {
                let c = splat::<S, R>(simd, scale);
                for y in y {
                    for y in y.chunks_exact_mut(V::<S, R>::LEN) {
                        let x = V::<S, R>::from_slice(simd, y);
                        let f = if scale == R::one() {
                            self.value::<S, R>(simd, x)
                        } else {
                            self.value::<S, R>(simd, x * c) / c
                        };
                        f.store_slice(y);
                    }
                }
            },
        )
    }

    #[inline(always)]
    fn pull_back_on<S: Simd, R: Real>(self, simd: S, scale: R, x: &[R::Row], dy: &mut [R::Row]) {
        simd.vectorize(
            #[inline(always)]
            || {
                let len = V::<S, R>::LEN;
                let c = splat::<S, R>(simd, scale);
                for (x, dy) in x.iter().zip(dy) {
                    for (x, dy) in x.chunks_exact(len).zip(dy.chunks_exact_mut(len)) {
                        let x = V::<S, R>::from_slice(simd, x) * c;
                        let d = V::<S, R>::from_slice(simd, dy) * self.slope::<S, R>(simd, x);
                        d.store_slice(dy);
                    }
                }
            },
        )
    }

    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        match self {
            Self::Selu => {
                let below =
                    math::expm1::<S, R>(simd, x) * number::<S, R>(simd, SELU_LAMBDA * SELU_ALPHA);
                x.simd_gt(number::<S, R>(simd, 0.0))
                    .select(x * number::<S, R>(simd, SELU_LAMBDA), below)
            }
            Self::Relu => x
                .simd_lt(number::<S, R>(simd, 0.0))
                .select(number::<S, R>(simd, 0.0), x),
            Self::Tanh => math::tanh::<S, R>(simd, x),
            Self::Gelu => {
                let inner = (x * x)
                    .mul_add(number::<S, R>(simd, GELU_CUBIC), number::<S, R>(simd, 1.0))
                    * x;
                let t = math::tanh::<S, R>(simd, inner * number::<S, R>(simd, GELU_SCALE));
                x * number::<S, R>(simd, 0.5) * (t + number::<S, R>(simd, 1.0))
            }
            Self::Silu => x * math::sigmoid::<S, R>(simd, x),
            Self::LogCosh => {
                let x = math::abs::<S, R>(simd, x);
                let small = math::exp::<S, R>(simd, x * number::<S, R>(simd, -2.0));
                x + math::log1p::<S, R>(simd, small) - number::<S, R>(simd, std::f64::consts::LN_2)
            }
        }
    }

    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        match self {
            // At 0 the left branch, as JAX differentiates it.
            Self::Selu => {
                let below =
                    math::exp::<S, R>(simd, x) * number::<S, R>(simd, SELU_LAMBDA * SELU_ALPHA);
                x.simd_gt(number::<S, R>(simd, 0.0))
                    .select(number::<S, R>(simd, SELU_LAMBDA), below)
            }
            Self::Relu => x
                .simd_gt(number::<S, R>(simd, 0.0))
                .select(number::<S, R>(simd, 1.0), number::<S, R>(simd, 0.0)),
            Self::Tanh => {
                let t = math::tanh::<S, R>(simd, x);
                number::<S, R>(simd, 1.0) - t * t
            }
            Self::Gelu => {
                let square = x * x;
                let inner =
                    square.mul_add(number::<S, R>(simd, GELU_CUBIC), number::<S, R>(simd, 1.0)) * x;
                let t = math::tanh::<S, R>(simd, inner * number::<S, R>(simd, GELU_SCALE));
                let inner_slope = square.mul_add(
                    number::<S, R>(simd, 3.0 * GELU_CUBIC),
                    number::<S, R>(simd, 1.0),
                ) * number::<S, R>(simd, GELU_SCALE);
                let bend = x * (number::<S, R>(simd, 1.0) - t * t) * inner_slope;
                (t + number::<S, R>(simd, 1.0) + bend) * number::<S, R>(simd, 0.5)
            }
            Self::Silu => {
                let s = math::sigmoid::<S, R>(simd, x);
                s * (number::<S, R>(simd, 1.0) + x * (number::<S, R>(simd, 1.0) - s))
            }
            Self::LogCosh => math::tanh::<S, R>(simd, x),
        }
    }
}

#[inline(always)]
fn number<S: Simd, R: Real>(simd: S, x: f64) -> V<S, R> {
    splat::<S, R>(simd, R::from_f64(x))
}

/// Makes log-amplitudes of one site normalised: y_s ← y_s - log(Σ_t exp(p Re y_t))/p, p the machine power.
///
/// `y` holds `planes` rows for each local state; only the first, the real part, changes.
pub fn log_normalise<R: Real>(level: Level, planes: usize, machine_pow: u32, y: &mut [R::Row]) {
    dispatch!(level, simd => log_normalise_on::<_, R>(simd, planes, machine_pow, y))
}

#[inline(always)]
fn log_normalise_on<S: Simd, R: Real>(simd: S, planes: usize, machine_pow: u32, y: &mut [R::Row]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            let p = number::<S, R>(simd, machine_pow.into());
            for lane in (0..R::Row::LANES).step_by(len) {
                let mut max = V::<S, R>::from_slice(simd, &y[0][lane..lane + len]);
                for row in y.iter().step_by(planes).skip(1) {
                    let v = V::<S, R>::from_slice(simd, &row[lane..lane + len]);
                    max = v.simd_gt(max).select(v, max);
                }
                let mut sum = number::<S, R>(simd, 0.0);
                for row in y.iter().step_by(planes) {
                    let v = V::<S, R>::from_slice(simd, &row[lane..lane + len]);
                    sum += math::exp::<S, R>(simd, (v - max) * p);
                }
                let log_norm = max + math::log::<S, R>(simd, sum) / p;
                for row in y.iter_mut().step_by(planes) {
                    let v = V::<S, R>::from_slice(simd, &row[lane..lane + len]) - log_norm;
                    v.store_slice(&mut row[lane..lane + len]);
                }
            }
        },
    )
}

/// Draws a local index in each lane from log-conditionals, as NetKet's `batch_choice`:
/// the number of partial sums of p that are below `uniform` times the whole.
///
/// `cumulative` is scratch, a row for each local state.
pub fn draw<R: Real>(
    level: Level,
    planes: usize,
    machine_pow: u32,
    log_conditionals: &[R::Row],
    uniform: &[f64],
    cumulative: &mut [R::Row],
    index: &mut [u8],
) {
    let p = R::from_f64(machine_pow.into());
    for (c, row) in cumulative
        .iter_mut()
        .zip(log_conditionals.iter().step_by(planes))
    {
        for (c, &y) in c.iter_mut().zip(row.iter()) {
            *c = p * y;
        }
    }
    exp_in_place::<R>(level, cumulative);
    for s in 1..cumulative.len() {
        let before = cumulative[s - 1];
        for (c, &before) in cumulative[s].iter_mut().zip(before.iter()) {
            *c = before + *c;
        }
    }
    let whole = cumulative[cumulative.len() - 1];
    for (lane, index) in index.iter_mut().enumerate() {
        let r = whole[lane].widen() * uniform[lane];
        *index = cumulative
            .iter()
            .map(|c| u8::from(r > c[lane].widen()))
            .sum();
    }
}

/// y ← e^y.
pub fn exp_in_place<R: Real>(level: Level, y: &mut [R::Row]) {
    dispatch!(level, simd => exp_on::<_, R>(simd, y))
}

#[inline(always)]
fn exp_on<S: Simd, R: Real>(simd: S, y: &mut [R::Row]) {
    simd.vectorize(
        #[inline(always)]
        || {
            for y in y {
                for y in y.chunks_exact_mut(V::<S, R>::LEN) {
                    math::exp::<S, R>(simd, V::<S, R>::from_slice(simd, y)).store_slice(y);
                }
            }
        },
    )
}

/// Elements `first…` of `jax.random.uniform(key, dtype=float64)`; the length is a multiple of 16.
pub fn uniforms(level: Level, key: Key, first: u64, out: &mut [f64]) {
    dispatch!(level, simd => uniforms_on(simd, key, first, out))
}

#[inline(always)]
fn uniforms_on<S: Simd>(simd: S, key: Key, first: u64, out: &mut [f64]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let (blocks, _) = out.as_chunks_mut::<16>();
            for (i, block) in blocks.iter_mut().enumerate() {
                *block = key.uniforms(first + 16 * i as u64);
            }
        },
    )
}
