//! The normal distribution.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat};

use super::{Bits, Constants, V, abs, exp, expm1, horner, number};
use crate::scalar::Real;

/// (Φ(x), φ(x)): the normal distribution function and its density.
#[inline(always)]
pub fn normal<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> (V<S, R>, V<S, R>) {
    let constant = |c: f64| number::<S, R>(simd, c);
    let one = constant(1.0);
    // Far out all is 0.
    let a = abs::<S, R>(simd, x);
    let a = a.simd_gt(constant(100.0)).select(constant(100.0), a);
    // e^(-a²/2) with the square in two parts: the first, of half the digits, is exact.
    let cut = const { R::MANTISSA / 2 + 1 };
    let high = V::<S, R>::from_bits((Bits::<S, R>::from(a.to_bits()) >> cut) << cut);
    let bell = exp::<S, R>(simd, high * high * constant(-0.5));
    let rest = expm1::<S, R>(simd, (a - high) * (a + high) * constant(-0.5));
    let bell = rest.mul_add(bell, bell);
    let q = (a - constant(4.0)) / (a + constant(4.0));
    let tail = bell * horner::<S, R>(simd, R::NORMAL_TAIL, q) / (one + a);
    let below = x.simd_lt(constant(0.0));
    let density =
        bell * constant(0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2);
    (below.select(tail, one - tail), density)
}
