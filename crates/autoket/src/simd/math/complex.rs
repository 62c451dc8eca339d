//! Functions of complex numbers, real and imaginary parts in vectors of their own.
//!
//! Errors are at most 6 ε times the modulus of the result, ε the distance of 1 to the next number;
//! one part of a result may be less exact than the other.

use std::ops::{Add, Mul};

use fearless_simd::{Select, Simd, SimdBase, SimdFloat};

use super::{Constants, V, abs, atan2, exp, expm1, log, log1p, number, splat};
use crate::scalar::Real;

/// Real and imaginary part.
#[derive(Clone, Copy, Debug)]
pub struct Parts<T> {
    /// Real part.
    pub re: T,
    /// Imaginary part.
    pub im: T,
}

/// A vector of complex numbers.
pub type Z<S, R> = Parts<V<S, R>>;

impl<T: Add<Output = T>> Add for Parts<T> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self {
            re: self.re + other.re,
            im: self.im + other.im,
        }
    }
}

impl<T: Copy + Add<Output = T> + Mul<Output = T> + std::ops::Sub<Output = T>> Mul for Parts<T> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }
}

impl<T: Copy + Mul<Output = T>> Parts<T> {
    /// Times a real number.
    #[inline(always)]
    pub fn scale(self, by: T) -> Self {
        Self {
            re: self.re * by,
            im: self.im * by,
        }
    }
}

/// What functions of e^z have in common, z = x + iy: with e = e^(-|x|) and m = 1 - e,
/// |1 + e^(-|x| + iy)|² = m² + 4 e cos²(y/2), in which nothing cancels, not even beside the poles.
#[derive(Clone, Copy)]
pub struct Logistic<T> {
    /// The sign of x.
    sign: T,
    /// e^(-|x|).
    e: T,
    /// 1 - e.
    m: T,
    /// Sine and cosine of y/2.
    half: (T, T),
    /// |1 + e^(-|x| + iy)|².
    square: T,
}

/// [`Logistic`] of z.
#[inline(always)]
pub fn logistic<S: Simd, R: Real>(simd: S, z: Z<S, R>) -> Logistic<V<S, R>> {
    apart(simd, &z, logistic_of::<S, R>)
}

/// Runs `f` in a function of its own, shared by all who call it: inlined everywhere, the functions below
/// would take minutes to compile.
#[inline(never)]
fn apart<S: Simd, T: Copy, U>(simd: S, x: &T, f: impl FnOnce(S, T) -> U) -> U {
    simd.vectorize(
        #[inline(always)]
        || f(simd, *x),
    )
}

#[inline(always)]
fn logistic_of<S: Simd, R: Real>(simd: S, z: Z<S, R>) -> Logistic<V<S, R>> {
    let size = abs::<S, R>(simd, z.re);
    let e = exp::<S, R>(simd, -size);
    let m = -expm1::<S, R>(simd, -size);
    let half = super::sincos::<S, R>(simd, z.im * number::<S, R>(simd, 0.5));
    let four = number::<S, R>(simd, 4.0);
    Logistic::<V<S, R>> {
        sign: number::<S, R>(simd, 1.0).copysign(z.re),
        e,
        m,
        half,
        square: m.mul_add(m, four * e * half.1 * half.1),
    }
}

/// 1/(1 + e^(-z)).
#[inline(always)]
pub fn sigmoid<S: Simd, R: Real>(simd: S, l: Logistic<V<S, R>>) -> Z<S, R> {
    let two = number::<S, R>(simd, 2.0);
    let (sin, cos) = l.half;
    let right = l.sign.simd_gt(number::<S, R>(simd, 0.0));
    // The conjugate of 1 + e^(-z) where x ≥ 0, else e^z times the conjugate of 1 + e^z; over the square.
    let re = two * cos * cos * l.e;
    let conjugate = Parts::<V<S, R>> {
        re: right.select(l.m + re, re - l.e * l.m),
        im: two * sin * cos * l.e,
    };
    conjugate.scale(number::<S, R>(simd, 1.0) / l.square)
}

/// The derivative of the sigmoid, 1/(4 cosh²(z/2)).
#[inline(always)]
pub fn sigmoid_slope<S: Simd, R: Real>(simd: S, l: Logistic<V<S, R>>) -> Z<S, R> {
    let one = number::<S, R>(simd, 1.0);
    let (sin, cos) = l.half;
    // The conjugate of 2 cosh(z/2) e^(-|x|/2), over its square.
    let reciprocal = one / l.square;
    let inverse = Parts::<V<S, R>> {
        re: (one + l.e) * cos * reciprocal,
        im: -(l.sign * l.m * sin * reciprocal),
    };
    (inverse * inverse).scale(l.e)
}

/// tanh z.
#[inline(always)]
pub fn tanh<S: Simd, R: Real>(simd: S, z: Z<S, R>) -> Z<S, R> {
    let l = logistic::<S, R>(simd, z + z);
    let reciprocal = number::<S, R>(simd, 1.0) / l.square;
    let (sin, cos) = l.half;
    let four = number::<S, R>(simd, 4.0);
    Parts::<V<S, R>> {
        re: l.sign * l.m * (number::<S, R>(simd, 2.0) - l.m) * reciprocal,
        im: four * l.e * sin * cos * reciprocal,
    }
}

/// log |1 + e^(-|x| ± iy)|.
#[inline(always)]
fn log_modulus<S: Simd, R: Real>(simd: S, l: Logistic<V<S, R>>) -> V<S, R> {
    let (one, half) = (number::<S, R>(simd, 1.0), number::<S, R>(simd, 0.5));
    let two = number::<S, R>(simd, 2.0);
    let cos = two * l.half.1 * l.half.1 - one;
    // The square less 1, in full where the square is rounded.
    let excess = l.e * (two * cos + l.e);
    let lost = (excess - (l.square - one)) / l.square;
    let y = log::<S, R>(simd, l.square);
    l.square.simd_gt(half).select(y + lost, y) * half
}

/// log(1 + e^z), imaginary part in [-π, π].
#[inline(always)]
pub fn softplus<S: Simd, R: Real>(simd: S, z: Z<S, R>) -> Z<S, R> {
    let l = logistic::<S, R>(simd, z);
    let zero = number::<S, R>(simd, 0.0);
    let two = number::<S, R>(simd, 2.0);
    let (sin, cos) = l.half;
    let right = z.re.simd_gt(zero);
    // 1 + e^z, times e^(-x) where x > 0.
    let square = two * cos * cos;
    let re = right.select(square - l.m, l.m + square * l.e);
    let im = two * sin * cos;
    let im = right.select(im, im * l.e);
    Parts::<V<S, R>> {
        re: log_modulus::<S, R>(simd, l) + right.select(z.re, zero),
        im: atan2::<S, R>(simd, im, re),
    }
}

/// log cosh z, continuous from the right half plane to each half of the imaginary axis:
/// ±z + log(1 + e^(∓2z)) - log 2.
#[inline(always)]
pub fn log_cosh<S: Simd, R: Real>(simd: S, z: Z<S, R>) -> Z<S, R> {
    let (one, two) = (number::<S, R>(simd, 1.0), number::<S, R>(simd, 2.0));
    let half = number::<S, R>(simd, 0.5);
    let z = z.scale(one.copysign(z.re));
    let l = logistic::<S, R>(simd, z.scale(two));
    let (sin, cos) = l.half;
    let angle = atan2::<S, R>(simd, two * sin * cos * l.e, l.m + two * l.e * cos * cos);
    let re = z.re + log_modulus::<S, R>(simd, l) - number::<S, R>(simd, std::f64::consts::LN_2);
    // Near 0, where that cancels: 1 + 2 sinh²(z/2) under the logarithm.
    let (sinh, cosh) = sinh_cosh::<S, R>(simd, z.re * half);
    let (sin, cos) = super::sincos::<S, R>(simd, z.im * half);
    let sinh = Parts::<V<S, R>> {
        re: sinh * cos,
        im: cosh * sin,
    };
    let w = (sinh * sinh).scale(two);
    let near = Parts::<V<S, R>> {
        re: log1p::<S, R>(simd, two * w.re + w.re * w.re + w.im * w.im) * half,
        im: atan2::<S, R>(simd, w.im, w.re + one),
    };
    let small = (z.re * z.re + z.im * z.im).simd_lt(one);
    Parts::<V<S, R>> {
        re: small.select(near.re, re),
        im: small.select(near.im, z.im - angle),
    }
}

/// (sin z, cos z).
#[inline(always)]
pub fn sincos<S: Simd, R: Real>(simd: S, z: Z<S, R>) -> (Z<S, R>, Z<S, R>) {
    let (sin, cos) = super::sincos::<S, R>(simd, z.re);
    let (sinh, cosh) = sinh_cosh::<S, R>(simd, z.im);
    let sine = Parts::<V<S, R>> {
        re: sin * cosh,
        im: cos * sinh,
    };
    let cosine = Parts::<V<S, R>> {
        re: cos * cosh,
        im: -(sin * sinh),
    };
    (sine, cosine)
}

/// (sinh x, cosh x); infinite from half the largest number on.
#[inline(always)]
fn sinh_cosh<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> (V<S, R>, V<S, R>) {
    let (one, half) = (number::<S, R>(simd, 1.0), number::<S, R>(simd, 0.5));
    let e = expm1::<S, R>(simd, abs::<S, R>(simd, x));
    let finite = e.simd_le(splat::<S, R>(simd, R::max_value()));
    let quotient = e / (e + one);
    let sinh = finite.select((e + quotient) * half, e);
    let cosh = finite.select(one + e * quotient * half, e);
    (sinh.copysign(x), cosh)
}
