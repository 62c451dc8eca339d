//! Vector mathematics: elementary functions, lane by lane, in the precision of the lanes.
//!
//! Errors, against correctly rounded results: `exp`, `log` and `log1p` 1 ulp, `expm1` 2 ulp,
//! `tanh`, `sigmoid` and `sincos` 3 ulp, `log_cosh` 6 ulp.
//! NaN goes through; infinities give their limits; results below twice the smallest normal number may be flushed to 0.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat, SimdFloatElement};

use crate::scalar::Real;

/// A vector of `R` on the level `S`.
pub type V<S, R> = <R as Real>::Vector<S>;
type Bits<S, R> = <V<S, R> as SimdFloat<S>>::Bits;
type Word<R> = <R as SimdFloatElement>::Bits;

/// The numbers by which the functions below differ between `f32` and `f64`.
pub trait Constants: SimdFloatElement + 'static {
    /// Bits of the mantissa.
    const MANTISSA: u32;
    /// 1.5 · 2^[`Self::MANTISSA`]: added to a small number, leaves its integer part in the low bits.
    const MAGIC: Self;
    /// ln 2, its leading bits.
    const LN2_HI: Self;
    /// ln 2, the rest.
    const LN2_LO: Self;
    /// Below this `exp` is 0; so it may be above, where it is less than twice the smallest normal number.
    const EXP_MIN: Self;
    /// Above this `exp` is infinite.
    const EXP_MAX: Self;
    /// Coefficients of (exp(r) - 1 - r)/r², highest first: its Chebyshev interpolation on |r| ≤ ln(2)/2.
    const EXPM1: &'static [Self];
    /// Coefficients of (log(1+f) - f + f²/2 - s·f²/2)/(s·s²), s = f/(2+f), highest first (FreeBSD's msun).
    const LOG: &'static [Self];
    /// The bits of 1/2.
    const HALF_BITS: Word<Self>;
    /// The bits of 1 minus those of √½.
    const LOG_SHIFT: Word<Self>;
    /// The bits of √½.
    const SQRT_HALF_BITS: Word<Self>;
    /// The bits of the mantissa.
    const MANTISSA_MASK: Word<Self>;
    /// The bits of 2^[`Self::MANTISSA`].
    const SHIFTED_BITS: Word<Self>;
    /// 2^[`Self::MANTISSA`] plus the bias of the exponent.
    const SHIFTED_BIAS: Self;
    /// π/2 in three parts, so short that multiples up to [`Self::SINCOS_MAX`] of the first are exact.
    const HALF_PI: [Self; 3];
    /// Up to here [`sincos`] holds its bound.
    const SINCOS_MAX: Self;
    /// Coefficients of (sin(r) - r)/r³ in r², highest first, |r| ≤ π/4.
    const SIN: &'static [Self];
    /// Coefficients of (cos(r) - 1 + r²/2)/r⁴ in r², highest first, |r| ≤ π/4.
    const COS: &'static [Self];
}

impl Constants for f64 {
    const MANTISSA: u32 = 52;
    const MAGIC: f64 = 6755399441055744.0;
    const LN2_HI: f64 = 6.931_471_803_691_238e-1;
    const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
    const EXP_MIN: f64 = -708.396_418_532_264_1;
    const EXP_MAX: f64 = 709.782_712_893_384;
    const EXPM1: &'static [f64] = &[
        2.510_042_415_700_506_7e-8,
        2.762_013_871_973_399_4e-7,
        2.755_726_837_868_419_2e-6,
        2.480_152_119_021_773e-5,
        1.984_126_986_310_586_8e-4,
        1.388_888_891_728_179_4e-3,
        8.333_333_333_330_051e-3,
        4.166_666_666_662_399e-2,
        1.666_666_666_666_666_9e-1,
        0.5,
    ];
    const LOG: &'static [f64] = &[
        1.479_819_860_511_658_6e-1,
        1.531_383_769_920_937_3e-1,
        1.818_357_216_161_805e-1,
        2.222_219_843_214_978_4e-1,
        2.857_142_874_366_239e-1,
        3.999_999_999_940_942e-1,
        6.666_666_666_666_735e-1,
    ];
    const HALF_BITS: u64 = 0x3fe0_0000_0000_0000;
    const LOG_SHIFT: u64 = 0x3ff0_0000_0000_0000 - Self::SQRT_HALF_BITS;
    const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_0000_0000;
    const MANTISSA_MASK: u64 = 0x000f_ffff_ffff_ffff;
    const SHIFTED_BITS: u64 = 0x4330_0000_0000_0000;
    const SHIFTED_BIAS: f64 = 4503599627370496.0 + 1023.0;
    const HALF_PI: [f64; 3] = [
        1.570_796_326_734_125_614_17,
        6.077_100_506_303_965_976_6e-11,
        2.022_266_248_795_950_631_54e-21,
    ];
    const SINCOS_MAX: f64 = 1e5;
    const SIN: &'static [f64] = &[
        1.589_690_995_211_550_102_21e-10,
        -2.505_076_025_340_686_341_95e-8,
        2.755_731_370_707_006_767_89e-6,
        -1.984_126_982_985_794_931_34e-4,
        8.333_333_333_322_489_461_24e-3,
        -1.666_666_666_666_663_243_48e-1,
    ];
    const COS: &'static [f64] = &[
        -1.135_964_755_778_819_482_65e-11,
        2.087_572_321_298_174_827_9e-9,
        -2.755_731_435_139_066_330_35e-7,
        2.480_158_728_947_672_941_78e-5,
        -1.388_888_888_887_410_957_49e-3,
        4.166_666_666_666_660_190_37e-2,
    ];
}

impl Constants for f32 {
    const MANTISSA: u32 = 23;
    const MAGIC: f32 = 12582912.0;
    const LN2_HI: f32 = 6.931_381_2e-1;
    const LN2_LO: f32 = 9.058_000_6e-6;
    const EXP_MIN: f32 = -87.336_54;
    const EXP_MAX: f32 = 88.722_84;
    const EXPM1: &'static [f32] = &[
        1.392_621_3e-3,
        8.363_203e-3,
        4.166_655_6e-2,
        1.666_657_6e-1,
        0.5,
    ];
    const LOG: &'static [f32] = &[0.242_790_79, 0.284_987_87, 0.400_009_72, 0.666_666_6];
    const HALF_BITS: u32 = 0x3f00_0000;
    const LOG_SHIFT: u32 = 0x3f80_0000 - Self::SQRT_HALF_BITS;
    const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
    const MANTISSA_MASK: u32 = 0x007f_ffff;
    const SHIFTED_BITS: u32 = 0x4b00_0000;
    const SHIFTED_BIAS: f32 = 8388608.0 + 127.0;
    const HALF_PI: [f32; 3] = [1.570_312_5, 4.837_513e-4, 7.549_79e-8];
    const SINCOS_MAX: f32 = 1e2;
    const SIN: &'static [f32] = &[-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1];
    const COS: &'static [f32] = &[2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2];
}

/// The same number in every lane.
#[inline(always)]
pub fn splat<S: Simd, R: Real>(simd: S, x: R) -> V<S, R> {
    V::<S, R>::splat(simd, x)
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

/// (sin x, cos x) for |x| up to [`Constants::SINCOS_MAX`].
#[inline(always)]
pub fn sincos<S: Simd, R: Real + Constants>(simd: S, x: V<S, R>) -> (V<S, R>, V<S, R>) {
    let constant = |c: f64| splat::<S, R>(simd, R::from_f64(c));
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
