//! Vector mathematics: elementary functions, lane by lane, in the precision of the lanes.
//!
//! Errors, against correctly rounded results: `exp`, `log` and `log1p` 1 ulp, `expm1` 2 ulp,
//! `tanh`, `sigmoid`, `sincos` and `atan2` 3 ulp, `log_cosh` 6 ulp, `normal` 8 ulp.
//! NaN goes through; infinities give their limits; results below twice the smallest normal number may be flushed to 0.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat, SimdFloatElement};

use crate::scalar::Real;

pub mod complex;
mod constants;
mod normal;
mod trigonometry;

pub use constants::Constants;
pub use normal::normal;
pub use trigonometry::{atan2, sincos};

/// A vector of `R` on the level `S`.
pub type V<S, R> = <R as Real>::Vector<S>;
type Bits<S, R> = <V<S, R> as SimdFloat<S>>::Bits;
type Word<R> = <R as SimdFloatElement>::Bits;

/// The same number in every lane.
#[inline(always)]
pub fn splat<S: Simd, R: Real>(simd: S, x: R) -> V<S, R> {
    V::<S, R>::splat(simd, x)
}

/// The same number in every lane, from double precision.
#[inline(always)]
pub fn number<S: Simd, R: Real>(simd: S, x: f64) -> V<S, R> {
    splat::<S, R>(simd, R::from_f64(x))
}

#[inline(always)]
fn word<S: Simd, R: Real>(simd: S, w: Word<R>) -> Bits<S, R> {
    Bits::<S, R>::splat(simd, w)
}

#[inline(always)]
fn horner<S: Simd, R: Real>(simd: S, coefficients: &[R], x: V<S, R>) -> V<S, R> {
    let mut p = splat(simd, coefficients[0]);
    for &c in &coefficients[1..] {
        p = p.mul_add(x, splat::<S, R>(simd, c));
    }
    p
}

/// x = n ln 2 + r: (exp(r) - 1, 2ⁿ⁻¹); the half keeps 2ⁿ finite up to the largest number.
#[inline(always)]
fn reduce<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> (V<S, R>, V<S, R>) {
    let magic = splat::<S, R>(simd, R::MAGIC);
    let shifted = x.mul_add(splat::<S, R>(simd, R::LOG2_E()), magic);
    let n = magic - shifted;
    let r = n.mul_add(splat::<S, R>(simd, R::LN2_HI), x);
    let r = n.mul_add(splat::<S, R>(simd, R::LN2_LO), r);
    let expm1 = (r * r).mul_add(horner::<S, R>(simd, R::EXPM1, r), r);
    let half = Bits::<S, R>::splat(simd, R::HALF_BITS);
    (
        expm1,
        V::<S, R>::from_bits((shifted.to_bits() << R::MANTISSA) + half),
    )
}

/// eˣ.
#[inline(always)]
pub fn exp<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> V<S, R> {
    let (expm1, half_scale) = reduce::<S, R>(simd, x);
    let y = expm1.mul_add(half_scale, half_scale);
    let y = y + y;
    let y = x
        .simd_lt(splat::<S, R>(simd, R::EXP_MIN))
        .select(splat::<S, R>(simd, R::zero()), y);
    x.simd_gt(splat::<S, R>(simd, R::EXP_MAX))
        .select(splat::<S, R>(simd, R::infinity()), y)
}

/// eˣ - 1, without cancellation near 0.
#[inline(always)]
pub fn expm1<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> V<S, R> {
    let y = expm1_below::<S, R>(simd, x);
    x.simd_gt(splat::<S, R>(simd, R::EXP_MAX))
        .select(splat::<S, R>(simd, R::infinity()), y)
}

/// eˣ - 1 for x up to [`Constants::EXP_MAX`]; beyond, any number.
#[inline(always)]
pub fn expm1_below<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> V<S, R> {
    let (expm1, half_scale) = reduce::<S, R>(simd, x);
    let half = R::one() / (R::one() + R::one());
    let y = expm1.mul_add(half_scale, half_scale - splat::<S, R>(simd, half));
    let y = y + y;
    x.simd_lt(splat::<S, R>(simd, R::EXP_MIN))
        .select(splat::<S, R>(simd, -R::one()), y)
}

/// log x; -∞ at 0 and below the smallest normal number, NaN for negative x.
#[inline(always)]
pub fn log<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> V<S, R> {
    let bits = x.to_bits() + word::<S, R>(simd, R::LOG_SHIFT);
    let exponent =
        V::<S, R>::from_bits((bits >> R::MANTISSA) | word::<S, R>(simd, R::SHIFTED_BITS));
    let k = exponent - splat::<S, R>(simd, R::SHIFTED_BIAS);
    let m = V::<S, R>::from_bits(
        (bits & word::<S, R>(simd, R::MANTISSA_MASK)) + word::<S, R>(simd, R::SQRT_HALF_BITS),
    );
    let one = splat::<S, R>(simd, R::one());
    let f = m - one;
    let s = f / (f + splat::<S, R>(simd, R::one() + R::one()));
    let z = s * s;
    let half_square = f * f * splat::<S, R>(simd, R::from_f64(0.5));
    let tail = half_square + z * horner::<S, R>(simd, R::LOG, z);
    let low = s.mul_add(tail, k * splat::<S, R>(simd, R::LN2_LO));
    let y = k.mul_add(splat::<S, R>(simd, R::LN2_HI), f - (half_square - low));
    let zero = splat::<S, R>(simd, R::zero());
    let y = x
        .simd_lt(splat::<S, R>(simd, R::min_positive_value()))
        .select(-splat::<S, R>(simd, R::infinity()), y);
    let y = x.simd_lt(zero).select(splat::<S, R>(simd, R::nan()), y);
    // Infinity and NaN are their own logarithms; the comparison is true for both.
    x.simd_le(splat::<S, R>(simd, R::max_value())).select(y, x)
}

/// log(1 + x), without cancellation near 0.
#[inline(always)]
pub fn log1p<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> V<S, R> {
    let one = splat::<S, R>(simd, R::one());
    let u = x + one;
    let lost = x - (u - one);
    let y = log::<S, R>(simd, u);
    // At -1, where u is 0, the correction is 0/0.
    let y = x.simd_eq(-one).select(y, y + lost / u);
    u.simd_le(splat::<S, R>(simd, R::max_value())).select(y, u)
}

/// Hyperbolic tangent.
#[inline(always)]
pub fn tanh<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> V<S, R> {
    let t = expm1::<S, R>(
        simd,
        abs::<S, R>(simd, x) * splat::<S, R>(simd, R::from_f64(-2.0)),
    );
    let y = -t / (t + splat::<S, R>(simd, R::from_f64(2.0)));
    y.copysign(x)
}

/// log cosh x, without overflow.
#[inline(always)]
pub fn log_cosh<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> V<S, R> {
    let x = abs::<S, R>(simd, x);
    let small = exp::<S, R>(simd, x * splat::<S, R>(simd, R::from_f64(-2.0)));
    let above = x + log1p::<S, R>(simd, small) - splat::<S, R>(simd, R::LN_2());
    // Near 0, where that cancels: 2 sinh²(x/2) under the logarithm.
    let half = x * splat::<S, R>(simd, R::from_f64(0.5));
    let e = expm1::<S, R>(simd, half);
    let sinh = e + e / (e + splat::<S, R>(simd, R::one()));
    let below = log1p::<S, R>(simd, sinh * sinh * splat::<S, R>(simd, R::from_f64(0.5)));
    x.simd_lt(splat::<S, R>(simd, R::one()))
        .select(below, above)
}

/// 1/(1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> V<S, R> {
    let one = splat::<S, R>(simd, R::one());
    one / (one + exp::<S, R>(simd, -x))
}

/// |x|.
#[inline(always)]
pub fn abs<S: Simd, R: Real>(simd: S, x: V<S, R>) -> V<S, R> {
    x.copysign(splat::<S, R>(simd, R::one()))
}
