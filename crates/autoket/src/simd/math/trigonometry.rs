//! Sine and cosine, and the angle of a point.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat, SimdMask};

use super::{Constants, V, abs, horner, number, splat};
use crate::scalar::Real;

/// (sin x, cos x); lane by lane beyond [`Constants::SINCOS_MAX`].
#[inline(always)]
pub fn sincos<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> (V<S, R>, V<S, R>) {
    let (mut sin, mut cos) = near::<S, R>(simd, x);
    let far = abs::<S, R>(simd, x).simd_gt(splat::<S, R>(simd, R::SINCOS_MAX));
    if far.any_true() {
        replace_far::<R>(x.as_slice(), sin.as_mut_slice(), cos.as_mut_slice());
    }
    (sin, cos)
}

/// Sine and cosine of large numbers, whose period needs more digits than three parts of π/2 have.
#[cold]
#[inline(never)]
fn replace_far<R: Real>(x: &[R], sin: &mut [R], cos: &mut [R]) {
    for (x, (sin, cos)) in x.iter().zip(sin.iter_mut().zip(cos)) {
        if x.abs() > R::SINCOS_MAX {
            let (s, c) = x.widen().sin_cos();
            (*sin, *cos) = (R::from_f64(s), R::from_f64(c));
        }
    }
}

/// (sin x, cos x) for |x| up to [`Constants::SINCOS_MAX`].
#[inline(always)]
fn near<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> (V<S, R>, V<S, R>) {
    let constant = |c: f64| number::<S, R>(simd, c);
    let magic = splat::<S, R>(simd, R::MAGIC);
    let shifted = x.mul_add(constant(std::f64::consts::FRAC_2_PI), magic);
    // x = n π/2 + r.
    let n = shifted - magic;
    let r = R::HALF_PI
        .iter()
        .fold(x, |r, &part| (-n).mul_add(splat::<S, R>(simd, part), r));
    let z = r * r;
    let sin = (z * r).mul_add(horner::<S, R>(simd, R::SIN, z), r);
    let one = splat::<S, R>(simd, R::one());
    let half = z * constant(0.5);
    let w = one - half;
    let cos = w + (z * z).mul_add(horner::<S, R>(simd, R::COS, z), (one - w) - half);
    // n mod 4: odd swaps the two, the sine is negative in quadrants 2 and 3, the cosine in 1 and 2.
    let quarter = n * constant(0.25);
    let turn = (quarter + magic) - magic;
    // -1/2, -1/4, 0, 1/4 or 1/2.
    let part = quarter - turn;
    let odd = abs::<S, R>(simd, part).simd_eq(constant(0.25));
    let (s, c) = (odd.select(cos, sin), odd.select(sin, cos));
    let opposite = abs::<S, R>(simd, part).simd_eq(constant(0.5));
    let first = part.simd_eq(constant(0.25));
    let last = part.simd_eq(constant(-0.25));
    let s = opposite.select(-s, last.select(-s, s));
    let c = opposite.select(-c, first.select(-c, c));
    (s, c)
}

/// The angle of (x, y), in [-π, π]; `atan2(y, x)` as everywhere.
#[inline(always)]
pub fn atan2<S: Simd, R: Real + Constants>(simd: S, y: V<S, R>, x: V<S, R>) -> V<S, R> {
    let constant = |c: f64| number::<S, R>(simd, c);
    let (a, b) = (abs::<S, R>(simd, x), abs::<S, R>(simd, y));
    let steep = b.simd_gt(a);
    let (less, more) = (steep.select(a, b), steep.select(b, a));
    // less/more is the tangent of up to π/4; of more than π/8, π/4 is taken off.
    let turned = less.simd_gt(more * constant(std::f64::consts::SQRT_2 - 1.0));
    let u = turned.select(less - more, less) / turned.select(less + more, more);
    let z = u * u;
    let angle = (z * u).mul_add(horner::<S, R>(simd, R::ATAN, z), u);
    let angle = turned.select(angle + constant(std::f64::consts::FRAC_PI_4), angle);
    let angle = steep.select(constant(std::f64::consts::FRAC_PI_2) - angle, angle);
    let left = x.simd_lt(constant(0.0));
    let angle = left.select(constant(std::f64::consts::PI) - angle, angle);
    angle.copysign(y)
}
