//! The coefficients of the elementary functions, for each of the two real types.

use fearless_simd::SimdFloatElement;

use super::Word;

/// The numbers by which the functions of [`super`] differ between `f32` and `f64`.
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
    /// Up to here sine and cosine are vector code; beyond, lane by lane.
    const SINCOS_MAX: Self;
    /// Coefficients of (sin(r) - r)/r³ in r², highest first, |r| ≤ π/4.
    const SIN: &'static [Self];
    /// Coefficients of (cos(r) - 1 + r²/2)/r⁴ in r², highest first, |r| ≤ π/4.
    const COS: &'static [Self];
    /// Coefficients of (atan(u) - u)/u³ in u², highest first, |u| ≤ tan(π/8): its Chebyshev interpolation.
    const ATAN: &'static [Self];
    /// Coefficients of (1 + x) e^(x²/2) Φ(-x) in (x - 4)/(x + 4), highest first, x ≥ 0: its Chebyshev interpolation.
    const NORMAL_TAIL: &'static [Self];
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
    const ATAN: &'static [f64] = &[
        -1.917_540_471_110_493_5e-2,
        3.923_044_778_479_309e-2,
        -5.085_407_834_589_484_4e-2,
        5.858_140_904_866_328e-2,
        -6.664_510_525_508_936e-2,
        7.692_183_125_376_892e-2,
        -9.090_904_575_306_49e-2,
        1.111_111_101_518_701_8e-1,
        -1.428_571_428_466_568_2e-1,
        1.999_999_999_999_551_6e-1,
        -3.333_333_333_333_333e-1,
    ];
    const NORMAL_TAIL: &'static [f64] = &[
        -7.255_368_647_588_727e-10,
        -1.546_372_838_198_945_9e-9,
        5.758_338_726_862_199e-9,
        1.744_677_735_256_332_2e-8,
        -1.864_304_802_261_076_6e-8,
        -1.102_336_707_200_775e-7,
        -2.211_621_119_837_143_3e-10,
        5.507_886_486_288_915e-7,
        4.058_053_444_732_057_6e-7,
        -2.611_858_216_937_671_4e-6,
        -3.432_838_337_815_133e-6,
        1.362_632_164_516_068_5e-5,
        2.125_024_190_395_470_7e-5,
        -8.785_300_670_160_779e-5,
        -9.443_028_888_871_097e-5,
        6.948_970_697_587_195e-4,
        -2.856_230_944_318_908_4e-4,
        -5.002_378_587_116_244e-3,
        1.793_609_747_950_762_3e-2,
        -3.219_783_742_831_021_4e-2,
        2.860_036_405_355_274e-2,
        1.399_963_472_443_035_6e-2,
        -9.670_347_732_652_579e-2,
        4.720_532_065_098_446_7e-1,
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
    const ATAN: &'static [f32] = &[
        -6.451_718_5e-2,
        1.074_366_9e-1,
        -1.426_395e-1,
        1.999_954e-1,
        -3.333_333e-1,
    ];
    const NORMAL_TAIL: &'static [f32] = &[
        1.308_965_5e-5,
        -5.801_647e-5,
        -8.599_175_6e-5,
        6.648_009_3e-4,
        -2.898_238_6e-4,
        -4.987_549e-3,
        1.793_706e-2,
        -3.220_122_3e-2,
        2.860_028_3e-2,
        1.399_992_1e-2,
        -9.670_348e-2,
        4.720_532e-1,
    ];
}
