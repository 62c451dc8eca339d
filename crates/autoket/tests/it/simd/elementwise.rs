//! Activations and their derivatives against their formulas.

use autoket::c64;
use autoket::scalar::Real;
use autoket::simd::{Function, Row, levels};

use super::rows;

const FUNCTIONS: [Function; 16] = [
    Function::Selu,
    Function::Relu,
    Function::Elu(1.0),
    Function::Elu(-0.3),
    Function::Celu(1.0),
    Function::Celu(0.3),
    Function::LeakyRelu(0.2),
    Function::Gelu,
    Function::GeluExact,
    Function::Silu,
    Function::Softplus,
    Function::Sigmoid,
    Function::Tanh,
    Function::LogCosh,
    Function::Sin,
    Function::Identity,
];

/// The formulas of the documentation, with the numbers of the paper.
fn plain(f: Function, x: f64) -> f64 {
    let right = |left: f64| if x > 0.0 { x } else { left };
    match f {
        Function::Selu => 1.0507009873554805 * right(1.6732632423543772 * x.exp_m1()),
        Function::Relu => x.max(0.0),
        Function::Elu(alpha) => right(alpha * x.exp_m1()),
        Function::Celu(alpha) => right(alpha * (x / alpha).exp_m1()),
        Function::LeakyRelu(slope) => right(slope * x),
        Function::Gelu => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        Function::GeluExact => 0.5 * x * core_math::erfc(-x / std::f64::consts::SQRT_2),
        Function::Silu => x / (1.0 + (-x).exp()),
        Function::Softplus => x.exp().ln_1p(),
        Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Function::Tanh => x.tanh(),
        Function::LogCosh => x.cosh().ln(),
        Function::Sin => x.sin(),
        Function::Identity => x,
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
        for f in FUNCTIONS {
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
                        error <= 2e-9 + 40.0 * eps,
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

/// Value and derivative of analytic functions by textbook formulas in double precision.
fn textbook(f: Function, z: c64) -> [c64; 2] {
    let one = c64::ONE;
    let sigmoid = |z: c64| match z.re >= 0.0 {
        true => one / (one + (-z).exp()),
        false => z.exp() / (one + z.exp()),
    };
    let pair = |z: c64| [sigmoid(z), sigmoid(z) * sigmoid(-z)];
    match f {
        Function::Gelu => {
            let c = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
            let [s, bend] = pair((z + z * z * z * 0.044715) * c);
            [z * s, s + z * bend * (one + z * z * 0.134145) * c]
        }
        Function::Silu => {
            let [s, bend] = pair(z);
            [z * s, s + z * bend]
        }
        Function::Softplus => {
            let log = match z.re > 0.0 {
                true => c64::new(z.re, 0.0) + ((-z.re).exp() + c64::new(0.0, z.im).exp()).ln(),
                false => log1p(z.exp()),
            };
            [log, sigmoid(z)]
        }
        Function::Sigmoid => pair(z),
        Function::Tanh => {
            let [s, bend] = pair(z * 2.0);
            let cosh = z.cosh();
            let tanh = if z.re.abs() < 1.0 {
                z.sinh() / cosh
            } else {
                s * 2.0 - one
            };
            [tanh, bend * 4.0]
        }
        Function::LogCosh => {
            let slope = textbook(Function::Tanh, z)[0];
            let z = if z.re.is_sign_negative() { -z } else { z };
            let half = (z * 0.5).sinh();
            let value = match z.norm() < 1.0 {
                true => log1p(half * half * 2.0),
                false => z + log1p((z * -2.0).exp()) - std::f64::consts::LN_2,
            };
            [value, slope]
        }
        Function::Sin => [z.sin(), z.cos()],
        _ => [z, one],
    }
}

/// log(1 + w), the real part without cancellation for small w.
fn log1p(w: c64) -> c64 {
    let re = 0.5 * (w.re * (2.0 + w.re) + w.im * w.im).ln_1p();
    c64::new(re, w.im.atan2(1.0 + w.re))
}

/// Points in a box, in a wide strip, near 0 and beside the poles.
fn points<R: Real>() -> Vec<R::Row> {
    let mut z = rows::<R>(128, 60);
    for (k, pair) in z.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        for lane in 0..R::Row::LANES {
            let [re, im] = [pair[0][lane].widen(), pair[1][lane].widen()];
            let pi = std::f64::consts::PI;
            let [re, im] = match k % 4 {
                0 => [3.0 * re, 3.0 * im],
                1 => [20.0 * re, 40.0 * im],
                2 => [1e-3 * re, 1e-3 * im],
                _ => [0.1 * re, 0.5 * pi * (1 + lane % 5) as f64 + 0.1 * im],
            };
            (pair[0][lane], pair[1][lane]) = (R::from_f64(re), R::from_f64(im));
        }
    }
    z
}

/// The moduli that errors are measured by: of value and derivative, or of the terms of the latter.
/// The argument w of the sigmoid in `gelu` is rounded, which is multiplied by its condition, large beside the poles.
fn sizes(f: Function, z: c64) -> [f64; 2] {
    let [value, slope] = textbook(f, z).map(|x| x.norm());
    match f {
        Function::Silu => [value, slope + value / z.norm()],
        Function::Gelu => {
            let c = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
            let w = (z + z * z * z * 0.044715) * c;
            let [s, bend] = textbook(Function::Sigmoid, w);
            let condition = 1.0 + (w * (c64::ONE - s)).norm();
            let of_bend = 1.0 + (w * (c64::ONE - s * 2.0)).norm();
            let term = (z * bend * (c64::ONE + z * z * 0.134145) * c).norm();
            [value * condition, s.norm() * condition + term * of_bend]
        }
        _ => [value, slope],
    }
}

fn analytic<R: Real>() {
    let single = size_of::<R>() == 4;
    let eps = R::epsilon().widen();
    let (z, base) = (points::<R>(), rows::<R>(128, 61));
    let unit = [R::Row::splat(R::one()), R::Row::splat(R::zero())];
    for (name, level) in levels() {
        for f in FUNCTIONS.into_iter().filter(|f| f.is_analytic()) {
            let (mut y, mut less, mut d) = (z.clone(), z.clone(), unit.repeat(64));
            f.apply_complex::<R>(level, &z, None, &mut y);
            f.apply_complex::<R>(level, &z, Some(&base), &mut less);
            f.pull_back_complex::<R>(level, &z, &mut d);
            for (k, lane) in (0..64).flat_map(|k| (0..R::Row::LANES).map(move |l| (k, l))) {
                let part = |rows: &[R::Row], p: usize| rows[2 * k + p][lane];
                let at = |rows: &[R::Row]| c64::new(part(rows, 0).widen(), part(rows, 1).widen());
                for p in 0..2 {
                    assert_eq!(part(&less, p), part(&y, p) - part(&base, p));
                }
                // Beside the poles the textbook has digits enough for single precision only.
                if !single && k % 4 == 3 {
                    continue;
                }
                let bound = if single { 6.0 } else { 64.0 };
                let z = at(&z);
                let flushed = 4.0 * R::min_positive_value().widen() * (1.0 + z.norm());
                let results = [at(&y), at(&d).conj()].into_iter().zip(sizes(f, z));
                for ((got, size), expected) in results.zip(textbook(f, z)) {
                    let error = (got - expected).norm();
                    assert!(
                        error <= bound * eps * size + flushed,
                        "{name} {} {f:?}({z}): {got} is not {expected}, {} eps",
                        R::DTYPE,
                        error / (eps * size)
                    );
                }
            }
        }
    }
}

#[test]
fn analytic_activations_are_their_formulas() {
    analytic::<f32>();
    analytic::<f64>();
}

/// Where exponentials overflow and phases have many turns.
fn far_out<R: Real>() {
    let single = size_of::<R>() == 4;
    let eps = R::epsilon().widen();
    let z: Vec<c64> = [
        (1e4, 1.0),
        (-1e4, 1.0),
        (1e4, -1e6),
        (-1e4, 1e6),
        (0.5, 1e7),
        (-0.5, -1e7),
        (3.0, 1e5),
        (1e10, 1e10),
        (-1e10, 3.0),
    ]
    .map(|(re, im)| c64::new(re, im))
    .into();
    let x: Vec<R::Row> = z
        .iter()
        .flat_map(|z| [z.re, z.im])
        .map(|x| R::Row::splat(R::from_f64(x)))
        .collect();
    for (name, level) in levels() {
        for f in FUNCTIONS.into_iter().filter(|f| f.is_analytic()) {
            // The sine is exponential along the imaginary axis.
            if f == Function::Sin {
                continue;
            }
            let (mut y, mut d) = (x.clone(), x.clone());
            f.apply_complex::<R>(level, &x, None, &mut y);
            for (k, row) in d.iter_mut().enumerate() {
                *row = R::Row::splat(R::from_f64((1 - k % 2) as f64));
            }
            f.pull_back_complex::<R>(level, &x, &mut d);
            for (k, z) in z.iter().enumerate() {
                let at =
                    |rows: &[R::Row]| c64::new(rows[2 * k][5].widen(), rows[2 * k + 1][5].widen());
                assert!(
                    at(&y).is_finite() && at(&d).is_finite(),
                    "{name} {f:?}({z}): {}",
                    at(&y)
                );
                // The cube of such a number has no phase left in single precision.
                if f == Function::Gelu && single || z.re.abs() > 1e5 || z.im.abs() > 1e6 {
                    continue;
                }
                let [value, slope] = textbook(f, *z);
                for (got, expected) in [(at(&y), value), (at(&d).conj(), slope)] {
                    let error = (got - expected).norm() / (1.0 + expected.norm());
                    assert!(
                        error <= 64.0 * eps,
                        "{name} {f:?}({z}): {got} is not {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn activations_bear_large_arguments() {
    far_out::<f32>();
    far_out::<f64>();
}
