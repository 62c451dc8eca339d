//! Elementary functions against correct rounding.

use autoket::random::Key;
use autoket::scalar::Real;
use autoket::simd::levels;
use autoket::simd::math::{self, V};
use fearless_simd::{Level, Simd, SimdBase, dispatch};

use crate::ulps::Ulps;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Exp,
    Expm1,
    Log,
    Log1p,
    Tanh,
    Sigmoid,
    LogCosh,
    Sin,
    Cos,
    Atan,
    Normal,
}

use Function::{Atan, Cos, Exp, Expm1, Log, Log1p, LogCosh, Normal, Sigmoid, Sin, Tanh};

const FUNCTIONS: [Function; 11] = [
    Exp, Expm1, Log, Log1p, Tanh, Sigmoid, LogCosh, Sin, Cos, Atan, Normal,
];

/// A number with a correctly rounded library.
trait Reference: Ulps {
    fn reference(self, f: Function) -> Self;
}

impl Reference for f32 {
    /// From double precision: 29 bits more than enough for all but ties.
    fn reference(self, f: Function) -> Self {
        let x = f64::from(self);
        (match f {
            Exp => core_math::exp(x),
            Expm1 => core_math::expm1(x),
            Log => core_math::log(x),
            Log1p => core_math::log1p(x),
            Tanh => core_math::tanh(x),
            Sigmoid => 1.0 / (1.0 + core_math::exp(-x)),
            LogCosh => log_cosh(x),
            Sin => core_math::sin(x),
            Cos => core_math::cos(x),
            Atan => core_math::atan(x),
            Normal => normal(x),
        }) as f32
    }
}

impl Reference for f64 {
    fn reference(self, f: Function) -> Self {
        match f {
            Exp => core_math::exp(self),
            Expm1 => core_math::expm1(self),
            Log => core_math::log(self),
            Log1p => core_math::log1p(self),
            Tanh => core_math::tanh(self),
            LogCosh => log_cosh(self),
            Sin => core_math::sin(self),
            Cos => core_math::cos(self),
            Atan => core_math::atan(self),
            Normal => normal(self),
            // e/(1 + e) to an ulp: e is right to half a unit, and 1 + e is kept with its remainder.
            Sigmoid => {
                let e = core_math::exp(-self.abs());
                let sum = 1.0 + e;
                let rest = e - (sum - 1.0);
                let numerator = if self < 0.0 { e } else { 1.0 };
                let q = numerator / sum;
                q + ((-q).mul_add(sum, numerator) - q * rest) / sum
            }
        }
    }
}

/// To an ulp: log(1 + 2 sinh²(x/2)) where that is small, |x| - log 2 + log(1 + exp(-2|x|)) elsewhere.
fn log_cosh(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        let s = core_math::sinh(0.5 * x);
        core_math::log1p(2.0 * s * s)
    } else {
        x + (core_math::log1p(core_math::exp(-2.0 * x)) - std::f64::consts::LN_2)
    }
}

/// Φ(x) = erfc(-x/√2)/2 to an ulp: to first order in what rounding took off the argument.
fn normal(x: f64) -> f64 {
    // The second is what the first lacks.
    let [high, low] = [std::f64::consts::FRAC_1_SQRT_2, -4.833_646_656_726_457e-17];
    let u = -x * high;
    let lost = (-x).mul_add(high, -u) - x * low;
    let slope = -std::f64::consts::FRAC_2_SQRT_PI * core_math::exp(-u * u);
    0.5 * (core_math::erfc(u) + slope * lost)
}

fn apply<R: Real>(level: Level, f: Function, x: &mut [R]) {
    dispatch!(level, simd => apply_on::<_, R>(simd, f, x))
}

#[inline(always)]
fn apply_on<S: Simd, R: Real>(simd: S, f: Function, x: &mut [R]) {
    simd.vectorize(
        #[inline(always)]
        || {
            for x in x.chunks_exact_mut(V::<S, R>::LEN) {
                let v: V<S, R> = V::<S, R>::from_slice(simd, x);
                let y: V<S, R> = match f {
                    Exp => math::exp::<S, R>(simd, v),
                    Expm1 => math::expm1::<S, R>(simd, v),
                    Log => math::log::<S, R>(simd, v),
                    Log1p => math::log1p::<S, R>(simd, v),
                    Tanh => math::tanh::<S, R>(simd, v),
                    Sigmoid => math::sigmoid::<S, R>(simd, v),
                    LogCosh => math::log_cosh::<S, R>(simd, v),
                    Sin => math::sincos::<S, R>(simd, v).0,
                    Cos => math::sincos::<S, R>(simd, v).1,
                    Atan => math::atan2::<S, R>(simd, v, math::number::<S, R>(simd, 1.0)),
                    Normal => math::normal::<S, R>(simd, v).0,
                };
                y.store_slice(x);
            }
        },
    )
}

/// The bounds that the documentation of [`math`] promises.
fn bound(f: Function) -> u64 {
    match f {
        Exp | Log | Log1p => 1,
        Expm1 => 2,
        Tanh | Sigmoid | Sin | Cos => 3,
        Atan => 3,
        LogCosh => 6,
        Normal => 8,
    }
}

fn one<R: Real>(level: Level, f: Function, x: f64) -> R {
    let mut lanes = [R::from_f64(x); 32];
    apply::<R>(level, f, &mut lanes);
    lanes[7]
}

/// Arguments over the whole domain: even, and even in the logarithm.
fn arguments<R: Real>(f: Function) -> Vec<R> {
    let single = size_of::<R>() == 4;
    let (largest, exponent) = if single {
        (88.0, 126.0)
    } else {
        (709.0, 1022.0)
    };
    let key = Key::new(17 + f as i64);
    let n = 1 << 20;
    let mut x: Vec<f64> = Vec::new();
    for i in 0..n {
        let u = key.uniform(2 * i);
        let sign = if key.bits32(2 * i + 1) & 1 == 0 {
            1.0
        } else {
            -1.0
        };
        let wide = (2.0 * u - 1.0) * exponent;
        x.push(match (f, i % 4) {
            (Exp | Expm1 | Sigmoid, 0) => sign * u * largest,
            (Exp | Expm1 | Sigmoid, 1) => sign * u * 2.0,
            (Tanh | LogCosh, 0) => sign * u * 25.0,
            (Tanh | LogCosh, 1) => sign * u * 2.0,
            (LogCosh, _) => sign * (10.0 - 20.0 * u).exp2(),
            // Beyond the maximum too.
            (Sin | Cos, 0) => sign * u * 1.5 * R::SINCOS_MAX.widen(),
            (Sin | Cos, 1) => sign * u * 7.0,
            (Sin | Cos, _) => sign * (2.0 - 20.0 * u).exp2(),
            (Normal, 0) => sign * u * if single { 13.0 } else { 37.0 },
            (Normal, 1) => sign * u * 3.0,
            (Atan, 0) => sign * u * 10.0,
            (Atan, 1) => wide.exp2(),
            (Log, 0) => 0.5 + 1.5 * u,
            (Log, 1) => 1.0 + sign * (-20.0 * u).exp2(),
            (Log, _) => wide.exp2(),
            (Log1p, 0) => -0.999_999 * u,
            (Log1p, 1) => (wide.abs()).exp2(),
            (Log1p, _) => sign * (-1.0 - (exponent - 2.0) * u).exp2(),
            // Small ones, down to the smallest normal numbers.
            _ => sign * (3.0 - (exponent - 2.0) * u).exp2(),
        });
    }
    x.into_iter().map(R::from_f64).collect()
}

fn elementary<R: Reference>() {
    for (name, level) in levels() {
        let mut failed = false;
        for f in FUNCTIONS {
            let x = arguments::<R>(f);
            let mut y = x.clone();
            apply::<R>(level, f, &mut y);
            let mut worst = (0, R::zero());
            for (&x, &y) in x.iter().zip(&y) {
                let expected = x.reference(f);
                let smallest = 2.0 * R::min_positive_value().widen();
                if expected.widen().abs() < smallest {
                    // Flushed, or not.
                    assert!(y.widen().abs() <= smallest, "{name} {f:?}({x})");
                    continue;
                }
                let distance = expected.ulps(y);
                if distance > worst.0 {
                    worst = (distance, x);
                }
            }
            println!(
                "{name} {} {f:?}: {} ulp at {:e}",
                R::DTYPE,
                worst.0,
                worst.1.widen()
            );
            failed |= worst.0 > bound(f);
        }
        assert!(!failed, "{name} {}", R::DTYPE);
    }
}

#[test]
fn elementary_functions_f32() {
    elementary::<f32>();
}

#[test]
fn elementary_functions_f64() {
    elementary::<f64>();
}

fn special_values<R: Reference>() {
    let (inf, tiny) = (f64::INFINITY, R::min_positive_value().widen());
    for (name, level) in levels() {
        let is = |f: Function, x: f64, expected: f64| {
            let y: R = one(level, f, x);
            let same = y.widen() == expected || (y.widen().is_nan() && expected.is_nan());
            assert!(
                same,
                "{name} {} {f:?}({x:e}) = {y}, not {expected}",
                R::DTYPE
            );
        };
        for f in FUNCTIONS {
            is(f, f64::NAN, f64::NAN);
            if matches!(f, LogCosh | Sin | Cos) {
                continue;
            }
            // A subnormal argument is as good as 0, or itself.
            let y = one::<R>(level, f, 0.25 * tiny).widen();
            let at_zero = one::<R>(level, f, 0.0).widen();
            assert!(
                y == at_zero || (y - at_zero).abs() <= tiny,
                "{name} {f:?} {y:e}"
            );
        }
        for zero in [0.0, -0.0] {
            is(Exp, zero, 1.0);
            is(Expm1, zero, 0.0);
            is(Log, zero, -inf);
            is(Log1p, zero, 0.0);
            is(Tanh, zero, 0.0);
            is(Sigmoid, zero, 0.5);
        }
        is(Normal, 0.0, 0.5);
        is(Normal, inf, 1.0);
        is(Normal, -inf, 0.0);
        is(Sin, inf, f64::NAN);
        is(Sin, 0.0, 0.0);
        is(Cos, 0.0, 1.0);
        is(LogCosh, 0.0, 0.0);
        is(LogCosh, inf, inf);
        is(LogCosh, -inf, inf);
        assert!(one::<R>(level, Tanh, -0.0).widen().is_sign_negative());
        is(Exp, inf, inf);
        is(Exp, -inf, 0.0);
        is(Expm1, inf, inf);
        is(Expm1, -inf, -1.0);
        is(Log, inf, inf);
        is(Log, 1.0, 0.0);
        is(Log, -1.0, f64::NAN);
        is(Log, -inf, f64::NAN);
        is(Log1p, inf, inf);
        is(Log1p, -1.0, -inf);
        is(Log1p, -1.5, f64::NAN);
        is(Log1p, -inf, f64::NAN);
        is(Tanh, inf, 1.0);
        is(Tanh, -inf, -1.0);
        is(Tanh, 1e30, 1.0);
        is(Sigmoid, inf, 1.0);
        is(Sigmoid, -inf, 0.0);
        is(Exp, -1e30, 0.0);
        is(Expm1, -1e30, -1.0);
        // The largest number and its neighbours: the last finite exponential and the first infinite one.
        let mut x = R::max_value().widen().ln();
        if size_of::<R>() == 4 {
            x = f64::from(x as f32);
        }
        let mut finite = [false; 2];
        for step in -3i64..=3 {
            let x = R::from_low_bits((R::from_f64(x).low_bits() as i64 + step) as u64);
            let expected = x.reference(Exp);
            let got: R = one(level, Exp, x.widen());
            finite[usize::from(num_traits::Float::is_finite(expected))] = true;
            assert!(
                expected.ulps(got) <= bound(Exp),
                "{name} exp({x}) = {got}, {expected}"
            );
            assert_eq!(
                num_traits::Float::is_finite(got),
                num_traits::Float::is_finite(expected),
                "{name} exp({x})"
            );
        }
        assert_eq!(finite, [true; 2]);
        is(
            Log,
            R::max_value().widen(),
            R::max_value().reference(Log).widen(),
        );
        is(Log, tiny, R::min_positive_value().reference(Log).widen());
    }
}

#[test]
fn special_values_of_elementary_functions() {
    special_values::<f32>();
    special_values::<f64>();
}
