//! Elementary functions over rows: activations, exponentials, random numbers.

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
    /// x.
    Identity,
}

const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const GELU_CUBIC: f64 = 0.044715;
/// √(2/π)
const GELU_SCALE: f64 = 0.797_884_560_802_865_4;

impl Elementwise {
    /// y ← f(c z)/c, less `base` where there is one.
    pub fn apply<R: Real>(
        self,
        level: Level,
        scale: R,
        z: &[R::Row],
        base: Option<&[R::Row]>,
        y: &mut [R::Row],
    ) {
        dispatch!(level, simd => self.apply_on(simd, scale, z, base, y))
    }

    /// dy ← f'(c x) dy.
    pub fn pull_back<R: Real>(self, level: Level, scale: R, x: &[R::Row], dy: &mut [R::Row]) {
        dispatch!(level, simd => self.pull_back_on(simd, scale, x, dy))
    }

    #[inline(always)]
    fn apply_on<S: Simd, R: Real>(
        self,
        simd: S,
        scale: R,
        z: &[R::Row],
        base: Option<&[R::Row]>,
        y: &mut [R::Row],
    ) {
        simd.vectorize(
            #[inline(always)]
            || {
                let len = V::<S, R>::LEN;
                let c = splat::<S, R>(simd, scale);
                let reciprocal = splat::<S, R>(simd, R::one() / scale);
                for (k, (z, y)) in z.iter().zip(y).enumerate() {
                    for lane in (0..R::Row::LANES).step_by(len) {
                        let z = V::<S, R>::from_slice(simd, &z[lane..lane + len]);
                        let mut f = if scale == R::one() {
                            self.value::<S, R>(simd, z)
                        } else {
                            self.value::<S, R>(simd, z * c) * reciprocal
                        };
                        if let Some(base) = base {
                            f -= V::<S, R>::from_slice(simd, &base[k][lane..lane + len]);
                        }
                        f.store_slice(&mut y[lane..lane + len]);
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
                let below = math::expm1_below::<S, R>(simd, x)
                    * number::<S, R>(simd, SELU_LAMBDA * SELU_ALPHA);
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
            Self::LogCosh => math::log_cosh::<S, R>(simd, x),
            Self::Identity => x,
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
            Self::Identity => number::<S, R>(simd, 1.0),
        }
    }
}

#[inline(always)]
pub(super) fn number<S: Simd, R: Real>(simd: S, x: f64) -> V<S, R> {
    splat::<S, R>(simd, R::from_f64(x))
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

/// (re, im) ← e^(re + i im), in double precision; lengths are multiples of 16.
pub fn exp_complex(level: Level, re: &mut [f64], im: &mut [f64]) {
    if im.iter().all(|&im| im == 0.0) {
        return dispatch!(level, simd => exp_f64_on(simd, re));
    }
    // Lane by lane: what one lane needs must not change a bit of another.
    for (re, im) in re.chunks_exact_mut(16).zip(im.chunks_exact_mut(16)) {
        let (old_re, old_im): ([f64; 16], [f64; 16]) = (
            std::array::from_fn(|i| re[i]),
            std::array::from_fn(|i| im[i]),
        );
        dispatch!(level, simd => exp_complex_on(simd, re, im));
        for lane in 0..16 {
            let small = old_im[lane].abs() <= <f64 as math::Constants>::SINCOS_MAX;
            if !small {
                let (modulus, (sin, cos)) = (old_re[lane].exp(), old_im[lane].sin_cos());
                (re[lane], im[lane]) = (modulus * cos, modulus * sin);
            }
        }
    }
}

#[inline(always)]
fn exp_f64_on<S: Simd>(simd: S, x: &mut [f64]) {
    simd.vectorize(
        #[inline(always)]
        || {
            for x in x.chunks_exact_mut(V::<S, f64>::LEN) {
                math::exp::<S, f64>(simd, V::<S, f64>::from_slice(simd, x)).store_slice(x);
            }
        },
    )
}

#[inline(always)]
fn exp_complex_on<S: Simd>(simd: S, re: &mut [f64], im: &mut [f64]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, f64>::LEN;
            for (re, im) in re.chunks_exact_mut(len).zip(im.chunks_exact_mut(len)) {
                let modulus = math::exp::<S, f64>(simd, V::<S, f64>::from_slice(simd, re));
                let (sin, cos) = math::sincos::<S, f64>(simd, V::<S, f64>::from_slice(simd, im));
                (modulus * cos).store_slice(re);
                (modulus * sin).store_slice(im);
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
