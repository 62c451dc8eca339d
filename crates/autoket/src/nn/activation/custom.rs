//! The user's own function.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use super::reim_scale;
use crate::error::{Error, Result};
use crate::scalar::{Real, Scalar, c64};
use crate::simd::Row;

/// A function of complex numbers.
pub trait Analytic: Fn(c64) -> c64 + Send + Sync + 'static {}
impl<F: Fn(c64) -> c64 + Send + Sync + 'static> Analytic for F {}

/// A function of many numbers, each apart, that puts values in the place of arguments.
pub trait InPlace<T>: Fn(&mut [T]) + Send + Sync + 'static {}
impl<T, F: Fn(&mut [T]) + Send + Sync + 'static> InPlace<T> for F {}

/// A function and its derivative that the user gives, evaluated in double precision.
#[derive(Clone)]
pub struct Custom {
    name: String,
    pair: Pair,
}

#[derive(Clone)]
enum Pair {
    Real([Arc<dyn InPlace<f64>>; 2]),
    Holomorphic([Arc<dyn InPlace<c64>>; 2]),
}

impl Debug for Custom {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "Custom({})", self.name)
    }
}

/// The same two functions, not only the same name.
impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        let pairs = match (&self.pair, &other.pair) {
            (Pair::Real(a), Pair::Real(b)) => a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b)),
            (Pair::Holomorphic(a), Pair::Holomorphic(b)) => {
                a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
            }
            _ => false,
        };
        pairs && self.name == other.name
    }
}

/// Step of central differences: their error is about its square.
const STEP: f64 = 1e-5;
/// How far they may be from the derivative, relative to value and derivative.
const TOLERANCE: f64 = 1e-6;

/// Where derivatives are checked: from near 0 in both directions, ever further apart, to ±60, beyond which
/// exponentials are not used. Odd numbers, so that no kink is near.
fn arguments() -> impl Iterator<Item = f64> {
    let near = (0..24).map(|k| 0.2371 * f64::from(k) - 2.7318);
    let far = (0..32).map(|k| 2.9173 * 1.1_f64.powi(k));
    near.chain(far.flat_map(|x| [x, -x]))
}

/// A function of one number, for many.
fn each<T: Copy + 'static>(f: impl Fn(T) -> T + Send + Sync + 'static) -> Arc<dyn InPlace<T>> {
    Arc::new(move |numbers: &mut [T]| {
        for number in numbers {
            *number = f(*number);
        }
    })
}

impl Custom {
    pub(super) fn real(
        name: impl Into<String>,
        value: impl Fn(f64) -> f64 + Send + Sync + 'static,
        derivative: impl Fn(f64) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            pair: Pair::Real([each(value), each(derivative)]),
        }
    }

    pub(super) fn holomorphic(
        name: impl Into<String>,
        value: impl Analytic,
        derivative: impl Analytic,
    ) -> Self {
        Self {
            name: name.into(),
            pair: Pair::Holomorphic([each(value), each(derivative)]),
        }
    }

    pub(super) fn real_in_place(
        name: impl Into<String>,
        value: impl InPlace<f64>,
        derivative: impl InPlace<f64>,
    ) -> Self {
        Self {
            name: name.into(),
            pair: Pair::Real([Arc::new(value), Arc::new(derivative)]),
        }
    }

    pub(super) fn holomorphic_in_place(
        name: impl Into<String>,
        value: impl InPlace<c64>,
        derivative: impl InPlace<c64>,
    ) -> Self {
        Self {
            name: name.into(),
            pair: Pair::Holomorphic([Arc::new(value), Arc::new(derivative)]),
        }
    }

    /// The name that was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The function, or its derivative, at numbers; a function of real numbers has nothing to do with imaginary parts.
    fn at(&self, which: usize, z: &mut [c64]) {
        match &self.pair {
            Pair::Real(pair) => {
                let mut re: Vec<f64> = z.iter().map(|z| z.re).collect();
                pair[which](&mut re);
                z.iter_mut().zip(re).for_each(|(z, re)| *z = re.into());
            }
            Pair::Holomorphic(pair) => pair[which](z),
        }
    }

    fn at_all(&self, which: usize, z: impl Iterator<Item = c64>) -> Vec<c64> {
        let mut z: Vec<c64> = z.collect();
        self.at(which, &mut z);
        z
    }

    /// Compares the derivative with central differences, along the imaginary axis too where the function is
    /// one of complex numbers.
    ///
    /// # Errors
    /// They disagree, or something is not finite.
    pub(super) fn check(&self, complex: bool) -> Result<()> {
        let complex = complex && matches!(self.pair, Pair::Holomorphic(_));
        let points = arguments().enumerate().map(|(k, re)| {
            let im = if complex {
                (2.0 * (1.7 * k as f64).sin()) * (re.abs() / 3.0).max(1.0)
            } else {
                0.0
            };
            c64::new(re, im)
        });
        let points: Vec<c64> = points.collect();
        let [values, derivatives] = [0, 1].map(|which| self.at_all(which, points.iter().copied()));
        let directions = [c64::ONE, c64::I];
        for direction in &directions[..1 + usize::from(complex)] {
            let h = direction * STEP;
            let above = self.at_all(0, points.iter().map(|z| z + h));
            let below = self.at_all(0, points.iter().map(|z| z - h));
            for (k, &z) in points.iter().enumerate() {
                let (value, derivative) = (values[k], derivatives[k]);
                let difference = (above[k] - below[k]) / (2.0 * h);
                let allowed = TOLERANCE * (1.0 + value.norm() + derivative.norm());
                let real = complex || value.im.abs().max(derivative.im.abs()) <= allowed;
                // A comparison with NaN is false.
                if (difference - derivative).norm() <= allowed && real {
                    continue;
                }
                return Err(Error::invalid(
                    "activation",
                    format!(
                        "the derivative of `{}` at {} to be {}, its central difference{}",
                        self.name,
                        shown(z),
                        shown(difference),
                        if complex { " along either axis" } else { "" }
                    ),
                    shown(derivative),
                    "give a function that is smooth there, and its derivative",
                ));
            }
        }
        Ok(())
    }

    /// Of a complex number, does the function act on the parts apart?
    fn is_split<S: Scalar>(&self) -> bool {
        S::PLANES == 2 && matches!(self.pair, Pair::Real(_))
    }

    /// y = f(z), less `base` where there is one.
    pub(super) fn apply<S: Scalar>(
        &self,
        z: &[<S::Real as Real>::Row],
        base: Option<&[<S::Real as Real>::Row]>,
        y: &mut [<S::Real as Real>::Row],
    ) {
        let c = reim_scale::<S>().widen();
        let mut numbers: Vec<c64> = read::<S>(z).collect();
        match self.is_split::<S>() {
            true => {
                numbers.iter_mut().for_each(|z| *z *= c);
                self.of_parts(0, &mut numbers);
                numbers.iter_mut().for_each(|z| *z /= c);
            }
            false => self.at(0, &mut numbers),
        }
        write::<S>(&numbers, y);
        for (y, base) in y.iter_mut().zip(base.into_iter().flatten()) {
            for (y, base) in y.iter_mut().zip(base.iter()) {
                *y -= *base;
            }
        }
    }

    /// dy ← conj(f'(x)) dy.
    pub(super) fn pull_back<S: Scalar>(
        &self,
        x: &[<S::Real as Real>::Row],
        dy: &mut [<S::Real as Real>::Row],
    ) {
        let c = reim_scale::<S>().widen();
        let mut slopes: Vec<c64> = read::<S>(x).collect();
        let mut changes: Vec<c64> = read::<S>(dy).collect();
        match self.is_split::<S>() {
            true => {
                slopes.iter_mut().for_each(|x| *x *= c);
                self.of_parts(1, &mut slopes);
                for (dy, slope) in changes.iter_mut().zip(&slopes) {
                    *dy = c64::new(slope.re * dy.re, slope.im * dy.im);
                }
            }
            false => {
                self.at(1, &mut slopes);
                for (dy, slope) in changes.iter_mut().zip(&slopes) {
                    *dy *= slope.conj();
                }
            }
        }
        write::<S>(&changes, dy);
    }

    /// A function of real numbers, or its derivative, at each part.
    fn of_parts(&self, which: usize, z: &mut [c64]) {
        let real = self.at_all(which, z.iter().map(|z| z.re.into()));
        let imaginary = self.at_all(which, z.iter().map(|z| z.im.into()));
        for (z, (re, im)) in z.iter_mut().zip(real.iter().zip(&imaginary)) {
            *z = c64::new(re.re, im.re);
        }
    }
}

/// The numbers of rows: of each feature all lanes.
fn read<S: Scalar>(rows: &[<S::Real as Real>::Row]) -> impl Iterator<Item = c64> {
    rows.chunks_exact(S::PLANES).flat_map(|rows| {
        (0..<S::Real as Real>::Row::LANES)
            .map(move |lane| S::new(rows[0][lane], rows[S::PLANES - 1][lane]).to_c64())
    })
}

/// The inverse of [`read`].
fn write<S: Scalar>(numbers: &[c64], rows: &mut [<S::Real as Real>::Row]) {
    let lanes = <S::Real as Real>::Row::LANES;
    let features = rows.chunks_exact_mut(S::PLANES);
    for (rows, numbers) in features.zip(numbers.chunks_exact(lanes)) {
        for (lane, &number) in numbers.iter().enumerate() {
            let z = S::from_c64(number);
            rows[S::PLANES - 1][lane] = z.im();
            rows[0][lane] = z.re();
        }
    }
}

/// A real number without an imaginary part of 0.
fn shown(z: c64) -> String {
    match z.im {
        0.0 => z.re.to_string(),
        _ => z.to_string(),
    }
}
