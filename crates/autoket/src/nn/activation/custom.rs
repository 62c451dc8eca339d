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

/// A function of real numbers.
trait OfReals: Fn(f64) -> f64 + Send + Sync + 'static {}
impl<F: Fn(f64) -> f64 + Send + Sync + 'static> OfReals for F {}

/// A function and its derivative that the user gives, evaluated in double precision, lane by lane.
#[derive(Clone)]
pub struct Custom {
    name: String,
    pair: Pair,
}

#[derive(Clone)]
enum Pair {
    Real([Arc<dyn OfReals>; 2]),
    Holomorphic([Arc<dyn Analytic>; 2]),
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

impl Custom {
    pub(super) fn real(
        name: impl Into<String>,
        value: impl Fn(f64) -> f64 + Send + Sync + 'static,
        derivative: impl Fn(f64) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            pair: Pair::Real([Arc::new(value), Arc::new(derivative)]),
        }
    }

    pub(super) fn holomorphic(
        name: impl Into<String>,
        value: impl Analytic,
        derivative: impl Analytic,
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

    /// The function, or its derivative, at a number; a function of real numbers has nothing to do with the imaginary part.
    fn at(&self, which: usize, z: c64) -> c64 {
        match &self.pair {
            Pair::Real(pair) => pair[which](z.re).into(),
            Pair::Holomorphic(pair) => pair[which](z),
        }
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
        let directions = [c64::ONE, c64::I];
        for z in points {
            let [value, derivative] = [self.at(0, z), self.at(1, z)];
            for direction in &directions[..1 + usize::from(complex)] {
                let h = direction * STEP;
                let difference = (self.at(0, z + h) - self.at(0, z - h)) / (2.0 * h);
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
        map::<S>(z, y, |z, _| match self.is_split::<S>() {
            true => self.of_parts(0, z * c) / c,
            false => self.at(0, z),
        });
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
        map::<S>(x, dy, |x, dy| match self.is_split::<S>() {
            true => {
                let slope = self.of_parts(1, x * c);
                c64::new(slope.re * dy.re, slope.im * dy.im)
            }
            false => self.at(1, x).conj() * dy,
        });
    }

    /// A function of real numbers, or its derivative, at each part.
    fn of_parts(&self, which: usize, z: c64) -> c64 {
        c64::new(
            self.at(which, z.re.into()).re,
            self.at(which, z.im.into()).re,
        )
    }
}

/// y ← f(x, y), number by number.
fn map<S: Scalar>(
    x: &[<S::Real as Real>::Row],
    y: &mut [<S::Real as Real>::Row],
    f: impl Fn(c64, c64) -> c64,
) {
    let numbers = x.chunks_exact(S::PLANES).zip(y.chunks_exact_mut(S::PLANES));
    for (x, y) in numbers {
        for lane in 0..<S::Real as Real>::Row::LANES {
            let number = |rows: &[<S::Real as Real>::Row]| {
                S::new(rows[0][lane], rows[S::PLANES - 1][lane]).to_c64()
            };
            let z = S::from_c64(f(number(x), number(y)));
            y[S::PLANES - 1][lane] = z.im();
            y[0][lane] = z.re();
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
