//! Vector functions and tiles, on every SIMD level of this machine, against correct rounding and plain loops.

use autoket::c64;
use autoket::random::Key;
use autoket::scalar::Real;
use autoket::simd::math::{self, V};
use autoket::simd::{
    Across, Elementwise, Flat, Precision, Row, Start, Tap, Tiles, add_columns, add_difference,
    add_dots, add_elementwise, add_lanes, add_log_conditional, add_scaled, center, draw,
    exp_complex, levels, log_normalise, pick, pull_back_conditionals, transpose, uniforms,
};
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
}

use Function::{Cos, Exp, Expm1, Log, Log1p, LogCosh, Sigmoid, Sin, Tanh};

const FUNCTIONS: [Function; 9] = [Exp, Expm1, Log, Log1p, Tanh, Sigmoid, LogCosh, Sin, Cos];

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
        LogCosh => 6,
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
            (Sin | Cos, 0) => sign * u * R::SINCOS_MAX.widen(),
            (Sin | Cos, 1) => sign * u * 7.0,
            (Sin | Cos, _) => sign * (2.0 - 20.0 * u).exp2(),
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

/// Rows of numbers in (-1, 1).
fn rows<R: Real>(n: usize, seed: i64) -> Vec<R::Row> {
    let key = Key::new(seed);
    (0..n)
        .map(|i| {
            let mut row = R::Row::splat(R::zero());
            for (lane, x) in row.iter_mut().enumerate() {
                *x = R::from_f64(2.0 * key.uniform((64 * i + lane) as u64) - 1.0);
            }
            row
        })
        .collect()
}

fn numbers<R: Real>(n: usize, seed: i64) -> Vec<R> {
    let key = Key::new(seed);
    (0..n as u64)
        .map(|i| R::from_f64(2.0 * key.uniform(i) - 1.0))
        .collect()
}

/// Error of a sum of `terms` products below 1 each: rounding of sums up to `terms`, at each term.
fn sum_error<R: Real>(precision: Precision, terms: usize) -> f64 {
    let terms = terms as f64 + 1.0;
    match (precision, size_of::<R>()) {
        // Summed in double precision and rounded once.
        (Precision::Highest, 4) => R::epsilon().widen() * terms,
        _ => R::epsilon().widen() * terms * terms,
    }
}

fn products<R: Real>() {
    let taps: Vec<Tap> = [(0, 0), (2, 20), (1, 7)]
        .map(|(block, row)| Tap { block, row })
        .to_vec();
    let pairs = [[0, 20], [20, 0], [3, 5]];
    let (x, dy) = (rows::<R>(40, 1), rows::<R>(40, 2));
    for (name, level) in levels() {
        for precision in [Precision::Default, Precision::High, Precision::Highest] {
            let tiles = Tiles { level, precision };
            for (i, o) in (1..=20).flat_map(|i| (1..=20).map(move |o| (i, o))) {
                let weights = numbers::<R>(3 * i * o, 3);
                let bias = numbers::<R>(o, 4);
                let flat = Flat {
                    weights: &weights[..],
                    features_out: o,
                };
                let mut y = vec![R::Row::splat(R::nan()); o];
                let starts = [Start::Zero, Start::Bias(&bias), Start::Rows(&dy[3..])];
                let start = starts[(i + o) % 3];
                tiles.site::<R>(flat, start, i, &taps, &x, &mut y);
                for k in 0..o {
                    for lane in 0..R::Row::LANES {
                        let mut sum = match start {
                            Start::Zero => 0.0,
                            Start::Bias(bias) => bias[k].widen(),
                            Start::Rows(rows) => rows[k][lane].widen(),
                        };
                        for tap in &taps {
                            for f in 0..i {
                                let w = weights[(tap.block as usize * i + f) * o + k];
                                sum += w.widen() * x[tap.row as usize + f][lane].widen();
                            }
                        }
                        let error = (y[k][lane].widen() - sum).abs();
                        assert!(
                            error <= sum_error::<R>(precision, 3 * i),
                            "{name} {precision:?} site {i} {o}: {error:e}"
                        );
                    }
                }

                let stride = o + i % 3;
                let mut out = vec![R::Row::splat(R::nan()); i * stride];
                let samples = [(&x[..], &dy[..]), (&dy[..], &x[..])];
                tiles.outer::<R>(&pairs, &samples, [i, o], &mut out, stride);
                for (f, k) in (0..i).flat_map(|f| (0..o).map(move |k| (f, k))) {
                    for lane in 0..R::Row::LANES {
                        let sum: f64 = pairs
                            .iter()
                            .map(|&[a, b]| {
                                let product = |x: &[R::Row], dy: &[R::Row]| {
                                    x[a as usize + f][lane].widen()
                                        * dy[b as usize + k][lane].widen()
                                };
                                product(&x, &dy) + product(&dy, &x)
                            })
                            .sum();
                        let error = (out[f * stride + k][lane].widen() - sum).abs();
                        assert!(
                            error <= sum_error::<R>(precision, 6),
                            "{name} {precision:?} outer {i} {o}: {error:e}"
                        );
                    }
                }
            }
        }
    }
}

/// Lanes as weights: the products of two panels.
fn panels<R: Real>() {
    let (a, b) = (rows::<R>(50, 5), rows::<R>(50, 6));
    let whole = [Tap { block: 0, row: 0 }];
    for (name, level) in levels() {
        let tiles = Tiles {
            level,
            precision: Precision::Default,
        };
        let mut y = vec![R::Row::splat(R::nan()); R::Row::LANES];
        tiles.site::<R>(Across::<R>(&b), Start::Zero, 50, &whole, &a, &mut y);
        for (k, lane) in (0..R::Row::LANES).flat_map(|k| (0..R::Row::LANES).map(move |l| (k, l))) {
            let sum: f64 = (0..50).map(|i| a[i][lane].widen() * b[i][k].widen()).sum();
            let error = (y[k][lane].widen() - sum).abs();
            assert!(
                error <= sum_error::<R>(Precision::Default, 50),
                "{name} {error:e}"
            );
        }
    }
}

#[test]
fn products_of_panels_are_plain_loops() {
    panels::<f32>();
    panels::<f64>();
}

#[test]
fn tiles_are_plain_loops_f32() {
    products::<f32>();
}

#[test]
fn tiles_are_plain_loops_f64() {
    products::<f64>();
}

/// No input: the bias, and zeros.
#[test]
fn tiles_of_nothing() {
    for (_, level) in levels() {
        let tiles = Tiles {
            level,
            precision: Precision::Default,
        };
        let mut y = vec![<f64 as Real>::Row::splat(f64::NAN); 3];
        let flat = Flat {
            weights: &[][..],
            features_out: 3,
        };
        tiles.site::<f64>(flat, Start::Bias(&[1.0, 2.0, 3.0]), 4, &[], &[], &mut y);
        assert!(y[2].iter().all(|&y| y == 3.0));
        tiles.outer::<f64>(&[], &[(&[], &[])], [3, 1], &mut y, 1);
        assert!(y[1].iter().all(|&y| y == 0.0));
    }
}

const ELEMENTWISE: [Elementwise; 7] = [
    Elementwise::Selu,
    Elementwise::Relu,
    Elementwise::Tanh,
    Elementwise::Gelu,
    Elementwise::Silu,
    Elementwise::LogCosh,
    Elementwise::Identity,
];

/// The formulas of the documentation, with the numbers of the paper.
fn plain(f: Elementwise, x: f64) -> f64 {
    match f {
        Elementwise::Selu => {
            1.0507009873554805
                * if x > 0.0 {
                    x
                } else {
                    1.6732632423543772 * x.exp_m1()
                }
        }
        Elementwise::Relu => x.max(0.0),
        Elementwise::Tanh => x.tanh(),
        Elementwise::Gelu => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        Elementwise::Silu => x / (1.0 + (-x).exp()),
        Elementwise::LogCosh => x.cosh().ln(),
        Elementwise::Identity => x,
    }
}

fn elementwise<R: Real>() {
    let eps = R::epsilon().widen();
    let mut x = rows::<R>(64, 9);
    for (i, row) in x.iter_mut().enumerate() {
        // Up to 8, and not at the kinks.
        for x in row.iter_mut() {
            let big = x.widen() * 8.0 * (i + 1) as f64 / 64.0;
            *x = R::from_f64(big + 1e-3f64.copysign(big));
        }
    }
    let dy = rows::<R>(64, 10);
    for (name, level) in levels() {
        for f in ELEMENTWISE {
            for scale in [1.0, std::f64::consts::SQRT_2] {
                let c = R::from_f64(scale);
                let (mut y, mut less, mut d) = (x.clone(), x.clone(), dy.clone());
                f.apply::<R>(level, c, &x, None, &mut y);
                f.apply::<R>(level, c, &x, Some(&dy), &mut less);
                f.pull_back::<R>(level, c, &x, &mut d);
                for lane in (0..64).flat_map(|i| (0..R::Row::LANES).map(move |l| (i, l))) {
                    let at = |rows: &[R::Row]| rows[lane.0][lane.1].widen();
                    assert_eq!(
                        at(&less),
                        (R::from_f64(at(&y)) - R::from_f64(at(&dy))).widen()
                    );
                    let (x, c) = (at(&x), c.widen());
                    let value = plain(f, c * x) / c;
                    // A few roundings of numbers up to |x| and 1.
                    let error = (at(&y) - value).abs();
                    assert!(
                        error <= 8.0 * eps * (1.0 + x.abs()),
                        "{name} {} {f:?}({x}): {error:e}",
                        R::DTYPE
                    );
                    // Central differences are right to h² and eps/h of double precision, about 1e-9.
                    let h = 1e-5;
                    let slope = (plain(f, c * x + h) - plain(f, c * x - h)) / (2.0 * h);
                    let error = (at(&d) - slope * at(&dy)).abs();
                    assert!(
                        error <= 1e-9 + 40.0 * eps,
                        "{name} {} {f:?}'({x}): {error:e}",
                        R::DTYPE
                    );
                }
            }
        }
    }
}

#[test]
fn activations_are_their_formulas() {
    elementwise::<f32>();
    elementwise::<f64>();
}

fn conditionals<R: Real>() {
    let eps = R::epsilon().widen();
    for (name, level) in levels() {
        for (planes, states, power) in [(1, 2, 2), (2, 2, 2), (1, 3, 1), (2, 5, 3), (1, 1, 2)] {
            let mut raw = rows::<R>(planes * states, 20 + states as i64);
            for row in &mut raw {
                for x in row.iter_mut() {
                    *x *= R::from_f64(6.0);
                }
            }
            let mut y = rows::<R>(planes * states, 1);
            log_normalise::<R>(level, planes, power, &raw, &mut y);
            let p = f64::from(power);
            for lane in 0..R::Row::LANES {
                let at = |rows: &[R::Row], s: usize| rows[s * planes][lane].widen();
                let sum: f64 = (0..states).map(|s| (p * at(&raw, s)).exp()).sum();
                for s in 0..states {
                    let expected = at(&raw, s) - sum.ln() / p;
                    let error = (at(&y, s) - expected).abs();
                    assert!(error <= 40.0 * eps, "{name} {error:e}");
                    if planes == 2 {
                        // Imaginary parts stay.
                        assert_eq!(y[2 * s + 1][lane], raw[2 * s + 1][lane]);
                    }
                }
            }

            let uniform: Vec<f64> = (0..R::Row::LANES as u64)
                .map(|i| Key::new(99).uniform(i))
                .collect();
            let mut cumulative = vec![R::Row::splat(R::nan()); states];
            let mut index = vec![u8::MAX; R::Row::LANES];
            draw::<R>(
                level,
                planes,
                power,
                &y,
                &uniform,
                &mut cumulative,
                &mut index,
            );
            let mut decided = 0;
            for lane in 0..R::Row::LANES {
                let mut edge = 0.0;
                let mut expected = 0;
                let mut near = false;
                for s in 0..states {
                    edge += (p * y[s * planes][lane].widen()).exp();
                    expected += u8::from(uniform[lane] > edge);
                    // Only rounding decides so near an edge.
                    near |= (uniform[lane] - edge).abs() < 100.0 * eps;
                }
                if !near {
                    decided += 1;
                    assert_eq!(index[lane], expected, "{name} lane {lane}");
                }
                assert!(usize::from(index[lane]) < states);
            }

            let local_states: Vec<R> = (0..states).map(|s| R::from_f64(2.0 * s as f64)).collect();
            let mut values = R::Row::splat(R::nan());
            for (value, &index) in values.iter_mut().zip(&index) {
                *value = local_states[usize::from(index)];
            }
            let mut own = vec![R::Row::splat(R::nan()); planes];
            pick::<R>(level, planes, &local_states, &values, &y, &mut own);
            for (plane, lane) in (0..planes).flat_map(|p| (0..R::Row::LANES).map(move |l| (p, l))) {
                let expected = y[usize::from(index[lane]) * planes + plane][lane];
                assert_eq!(own[plane][lane], expected);
            }
            assert!(decided >= R::Row::LANES - 1);
        }
    }
}

#[test]
fn conditionals_are_normalised_and_drawn() {
    conditionals::<f32>();
    conditionals::<f64>();
}

/// What goes back from conditionals to outputs, and what a change of outputs does to log ψ.
fn derivatives_of_conditionals<R: Real>() {
    let eps = R::epsilon().widen();
    for (name, level) in levels() {
        for (planes, states, power) in [(1, 2, 2), (2, 2, 2), (1, 3, 1), (2, 5, 3)] {
            let z = rows::<R>(planes * states, 30 + states as i64);
            let mut y = z.clone();
            log_normalise::<R>(level, planes, power, &z, &mut y);
            let local_states: Vec<R> = (0..states).map(|s| R::from_f64(s as f64)).collect();
            let index = |lane: usize| (7 * lane + 3) % states;
            let mut values = R::Row::splat(R::nan());
            for (lane, value) in values.iter_mut().enumerate() {
                *value = local_states[index(lane)];
            }
            let cotangent: [R::Row; 2] = rows::<R>(2, 40).try_into().unwrap();
            let mut dz = vec![R::Row::splat(R::nan()); planes * states];
            pull_back_conditionals::<R>(
                level,
                planes,
                power,
                &local_states,
                &values,
                &y,
                &cotangent,
                &mut dz,
            );
            let before = rows::<R>(planes, 41);
            let mut sums = [[0.25; 32]; 2];
            add_log_conditional::<R>(
                level,
                planes,
                power,
                &local_states,
                &values,
                &z,
                &before,
                &mut sums,
            );
            for lane in 0..R::Row::LANES {
                for s in 0..states {
                    let own = f64::from(u8::from(s == index(lane)));
                    let p = (f64::from(power) * y[s * planes][lane].widen()).exp();
                    let parts = [own - p, own];
                    for plane in 0..planes {
                        let expected = cotangent[plane][lane].widen() * parts[plane];
                        let error = (dz[s * planes + plane][lane].widen() - expected).abs();
                        assert!(error <= 40.0 * eps, "{name} {error:e}");
                    }
                }
                for plane in 0..planes {
                    let own = y[index(lane) * planes + plane][lane].widen();
                    let expected = 0.25 + own - before[plane][lane].widen();
                    let error = (sums[plane][lane] - expected).abs();
                    assert!(error <= 40.0 * eps, "{name} {error:e}");
                }
            }
        }
    }
}

#[test]
fn derivatives_of_conditionals_are_their_formulas() {
    derivatives_of_conditionals::<f32>();
    derivatives_of_conditionals::<f64>();
}

/// Sums in double precision over lanes, over rows, and lane by lane.
fn sums<R: Real>() {
    let n = R::Row::LANES;
    let (a, b) = (rows::<R>(5, 50), rows::<R>(5, 51));
    let u: Vec<f64> = (0..5).map(|k| (k as f64).cos()).collect();
    let v: [f64; 32] = std::array::from_fn(|lane| (lane as f64).sin());
    let at = |rows: &[R::Row], k: usize, lane: usize| rows[k][lane].widen();
    let near = |what: &str, got: f64, expected: f64| {
        // Numbers of 1 at most, 32 of them at most, in double precision.
        assert!((got - expected).abs() < 1e-14, "{what}: {got} {expected}");
    };
    for (name, level) in levels() {
        let mut dots = [[0.5; 32]; 5];
        add_dots::<R>(level, &a, &v, &mut dots);
        let mut products = [[0.5; 32]; 5];
        add_elementwise::<R>(level, &a, &b, &mut products);
        let mut lanes = [0.5; 5];
        add_lanes::<R>(level, &a, &mut lanes);
        let mut scaled = [0.5; 32];
        add_scaled::<R>(level, &a, &u, &mut scaled);
        let (mut plain, mut less) = ([0.5; 32], [0.5; 32]);
        add_difference::<R>(level, &a[1], None, &mut plain);
        add_difference::<R>(level, &a[1], Some(&b[1]), &mut less);
        let mut columns = vec![0.5; 5 * 40];
        add_columns::<R>(level, &a, &mut columns, 40);
        let mut centred = a.clone();
        center::<R>(level, &u, &v[..n], &mut centred);
        let mut turned = vec![R::Row::splat(R::nan()); n];
        transpose::<R>(&a, &mut turned);
        for k in 0..5 {
            let sum: f64 = (0..n).map(|lane| at(&a, k, lane)).sum();
            near(name, lanes[k], 0.5 + sum);
            for lane in 0..n {
                near(name, dots[k][lane], 0.5 + at(&a, k, lane) * v[lane]);
                near(name, columns[40 * k + lane], 0.5 + at(&a, k, lane));
                assert_eq!(columns[40 * k + n], 0.5);
                let product = at(&a, k, lane) * at(&b, k, lane);
                near(name, products[k][lane], 0.5 + product);
                let expected = R::from_f64(v[lane] * (at(&a, k, lane) - u[k]));
                near(name, at(&centred, k, lane), expected.widen());
                assert_eq!(turned[lane][k], a[k][lane]);
                assert_eq!(turned[lane][n - 1], R::zero());
            }
        }
        for lane in 0..n {
            let sum: f64 = (0..5).map(|k| at(&a, k, lane) * u[k]).sum();
            near(name, scaled[lane], 0.5 + sum);
            near(name, plain[lane], 0.5 + at(&a, 1, lane));
            near(name, less[lane], 0.5 + at(&a, 1, lane) - at(&b, 1, lane));
        }
        for lane in n..32 {
            assert_eq!(
                [dots[0][lane], scaled[lane], plain[lane], less[lane]],
                [0.5; 4]
            );
        }
    }
}

#[test]
fn sums_are_plain_loops() {
    sums::<f32>();
    sums::<f64>();
}

/// Numbers too large to exponentiate are normalised all the same.
#[test]
fn large_log_amplitudes_are_normalised() {
    for (_, level) in levels() {
        let z = [700.0, 701.0].map(<f64 as Real>::Row::splat);
        let mut y = z;
        log_normalise::<f64>(level, 1, 2, &z, &mut y);
        let expected = -0.5 * (1.0f64 + 2.0f64.exp()).ln();
        assert!((y[0][3] - expected).abs() < 1e-12);
    }
}

/// The level that is asked for is the one in use, if the machine has it.
#[test]
fn the_level_is_the_one_asked_for() {
    let asked = std::env::var("AUTOKET_SIMD").unwrap_or_default();
    if let Some((_, level)) = levels().into_iter().find(|(name, _)| *name == asked) {
        assert_eq!(
            format!("{:?}", autoket::simd::level()),
            format!("{level:?}")
        );
    }
}

#[test]
fn complex_exponentials_are_their_parts() {
    for (_, level) in levels() {
        // The second row has a phase beyond what the vector sine bears.
        for large in [1.0, 1e9] {
            let (mut re, mut im) = (vec![0.0; 32], vec![0.0; 32]);
            for i in 0..32 {
                re[i] = (i as f64).sin();
                im[i] = (7.0 * i as f64).cos() * 3.0 * if i == 9 { large } else { 1.0 };
            }
            let z: Vec<c64> = re.iter().zip(&im).map(|(&a, &b)| c64::new(a, b)).collect();
            exp_complex(level, &mut re, &mut im);
            for (i, z) in z.iter().enumerate() {
                assert!((c64::new(re[i], im[i]) - z.exp()).norm() < 1e-14, "{z}");
            }
        }
    }
}

#[test]
fn uniforms_are_those_of_the_key() {
    let key = Key::new(-5);
    for (_, level) in levels() {
        // Across the carry into the counter's high word.
        for first in [0, 5, (1 << 32) - 7] {
            let mut out = [0.0; 48];
            uniforms(level, key, first, &mut out);
            for (i, &x) in out.iter().enumerate() {
                assert_eq!(x.to_bits(), key.uniform(first + i as u64).to_bits());
            }
        }
    }
}
