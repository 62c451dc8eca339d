//! Analytic functions, on real and on complex numbers.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat};

use super::{OnComplex, OnReals};
use crate::scalar::Real;
use crate::simd::math::complex::{self, Parts, Z};
use crate::simd::math::{self, V, number};

/// x.
#[derive(Clone, Copy)]
pub(super) struct Identity;

impl OnReals for Identity {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, _: S, x: V<S, R>) -> V<S, R> {
        x
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, _: V<S, R>) -> V<S, R> {
        number::<S, R>(simd, 1.0)
    }
}

impl OnComplex for Identity {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, _: S, z: Z<S, R>) -> Z<S, R> {
        z
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, _: Z<S, R>) -> Z<S, R> {
        real::<S, R>(simd, 1.0)
    }
}

/// sin x.
#[derive(Clone, Copy)]
pub(super) struct Sin;

impl OnReals for Sin {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        math::sincos::<S, R>(simd, x).0
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        math::sincos::<S, R>(simd, x).1
    }
}

impl OnComplex for Sin {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        complex::sincos::<S, R>(simd, z).0
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        complex::sincos::<S, R>(simd, z).1
    }
}

/// 1/(1 + e⁻ˣ).
#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

impl OnReals for Sigmoid {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        math::sigmoid::<S, R>(simd, x)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        sigmoid_and_slope::<S, R>(simd, x).1
    }
}

impl OnComplex for Sigmoid {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        complex::sigmoid::<S, R>(simd, complex::logistic::<S, R>(simd, z))
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        complex::sigmoid_slope::<S, R>(simd, complex::logistic::<S, R>(simd, z))
    }
}

/// tanh x.
#[derive(Clone, Copy)]
pub(super) struct Tanh;

impl OnReals for Tanh {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        math::tanh::<S, R>(simd, x)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        sigmoid_and_slope::<S, R>(simd, x + x).1 * number::<S, R>(simd, 4.0)
    }
}

impl OnComplex for Tanh {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        complex::tanh::<S, R>(simd, z)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        let l = complex::logistic::<S, R>(simd, z + z);
        complex::sigmoid_slope::<S, R>(simd, l).scale(number::<S, R>(simd, 4.0))
    }
}

/// log cosh x.
#[derive(Clone, Copy)]
pub(super) struct LogCosh;

impl OnReals for LogCosh {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        math::log_cosh::<S, R>(simd, x)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        math::tanh::<S, R>(simd, x)
    }
}

impl OnComplex for LogCosh {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        complex::log_cosh::<S, R>(simd, z)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        complex::tanh::<S, R>(simd, z)
    }
}

/// log(1 + eˣ).
#[derive(Clone, Copy)]
pub(super) struct Softplus;

impl OnReals for Softplus {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let zero = number::<S, R>(simd, 0.0);
        let small = math::exp::<S, R>(simd, -math::abs::<S, R>(simd, x));
        x.simd_lt(zero).select(zero, x) + math::log1p::<S, R>(simd, small)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        math::sigmoid::<S, R>(simd, x)
    }
}

impl OnComplex for Softplus {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        complex::softplus::<S, R>(simd, z)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        complex::sigmoid::<S, R>(simd, complex::logistic::<S, R>(simd, z))
    }
}

/// x/(1 + e⁻ˣ).
#[derive(Clone, Copy)]
pub(super) struct Silu;

impl OnReals for Silu {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        x * math::sigmoid::<S, R>(simd, x)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let (s, bend) = sigmoid_and_slope::<S, R>(simd, x);
        x.mul_add(bend, s)
    }
}

impl OnComplex for Silu {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        z * complex::sigmoid::<S, R>(simd, complex::logistic::<S, R>(simd, z))
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        let l = complex::logistic::<S, R>(simd, z);
        complex::sigmoid::<S, R>(simd, l) + z * complex::sigmoid_slope::<S, R>(simd, l)
    }
}

/// ½ x (1 + tanh(w/2)) = x/(1 + e⁻ʷ), w = √(8/π) (x + 0.044715 x³).
#[derive(Clone, Copy)]
pub(super) struct Gelu;

const GELU_CUBIC: f64 = 0.044715;
/// √(8/π)
const GELU_SCALE: f64 = 1.595_769_121_605_730_7;

impl OnReals for Gelu {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        x * math::sigmoid::<S, R>(simd, gelu_sum::<S, R>(simd, x * x, 1.0) * x)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let w = gelu_sum::<S, R>(simd, x * x, 1.0) * x;
        let (s, bend) = sigmoid_and_slope::<S, R>(simd, w);
        (x * gelu_sum::<S, R>(simd, x * x, 3.0)).mul_add(bend, s)
    }
}

impl OnComplex for Gelu {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        let w = gelu_sum_complex::<S, R>(simd, z * z, 1.0) * z;
        z * complex::sigmoid::<S, R>(simd, complex::logistic::<S, R>(simd, w))
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R> {
        let w = gelu_sum_complex::<S, R>(simd, z * z, 1.0) * z;
        let l = complex::logistic::<S, R>(simd, w);
        let bend = complex::sigmoid_slope::<S, R>(simd, l);
        let w_slope = gelu_sum_complex::<S, R>(simd, z * z, 3.0);
        complex::sigmoid::<S, R>(simd, l) + z * w_slope * bend
    }
}

/// √(8/π) (1 + c · 0.044715 x²): w/x with c = 1, dw/dx with c = 3.
#[inline(always)]
fn gelu_sum<S: Simd, R: Real>(simd: S, square: V<S, R>, c: f64) -> V<S, R> {
    square.mul_add(
        number::<S, R>(simd, c * GELU_CUBIC * GELU_SCALE),
        number::<S, R>(simd, GELU_SCALE),
    )
}

#[inline(always)]
fn gelu_sum_complex<S: Simd, R: Real>(simd: S, square: Z<S, R>, c: f64) -> Z<S, R> {
    square.scale(number::<S, R>(simd, c * GELU_CUBIC * GELU_SCALE)) + real::<S, R>(simd, GELU_SCALE)
}

#[inline(always)]
fn real<S: Simd, R: Real>(simd: S, x: f64) -> Z<S, R> {
    Parts::<V<S, R>> {
        re: number::<S, R>(simd, x),
        im: number::<S, R>(simd, 0.0),
    }
}

/// The sigmoid and its derivative e/(1 + e)², e = e^(-|x|).
#[inline(always)]
fn sigmoid_and_slope<S: Simd, R: Real>(simd: S, x: V<S, R>) -> (V<S, R>, V<S, R>) {
    let one = number::<S, R>(simd, 1.0);
    let e = math::exp::<S, R>(simd, -math::abs::<S, R>(simd, x));
    let reciprocal = one / (one + e);
    let less = e * reciprocal;
    let s = x
        .simd_lt(number::<S, R>(simd, 0.0))
        .select(less, reciprocal);
    (s, less * reciprocal)
}
