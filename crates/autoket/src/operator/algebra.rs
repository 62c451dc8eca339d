//! `+ - *` between operators of one kind and with numbers, and the commutator.
//!
//! The signs panic on different spaces and on products that are too large:
//! `plus` and `times` return an error instead.

use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use super::LocalOperator;
use super::strings::{Kind, Strings};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::scalar::c64;

/// Panics with the error's own text, which names the cure.
#[track_caller]
fn expect<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn check_same_space(a: &Hilbert, b: &Hilbert) -> Result<()> {
    if a == b {
        return Ok(());
    }
    Err(Error::invalid(
        "hilbert",
        format!("an operator on {a}"),
        format!("one on {b}"),
        "build both on the same Hilbert space",
    ))
}

macro_rules! between {
    ([$($generic:ident: $bound:path)?] $operator:ty, $trait:ident, $method:ident, |$a:ident, $b:ident| $value:expr) => {
        impl<$($generic: $bound)?> $trait<&$operator> for &$operator {
            type Output = $operator;
            #[track_caller]
            fn $method(self, other: &$operator) -> $operator {
                let ($a, $b) = (self, other);
                $value
            }
        }
        impl<$($generic: $bound)?> $trait<$operator> for $operator {
            type Output = $operator;
            #[track_caller]
            fn $method(self, other: $operator) -> $operator {
                $trait::$method(&self, &other)
            }
        }
        impl<$($generic: $bound)?> $trait<&$operator> for $operator {
            type Output = $operator;
            #[track_caller]
            fn $method(self, other: &$operator) -> $operator {
                $trait::$method(&self, other)
            }
        }
        impl<$($generic: $bound)?> $trait<$operator> for &$operator {
            type Output = $operator;
            #[track_caller]
            fn $method(self, other: $operator) -> $operator {
                $trait::$method(self, &other)
            }
        }
    };
}

macro_rules! with_number {
    ([$($generic:ident: $bound:path)?] $number:ty, $operator:ty, $owned:ty) => {
        impl<$($generic: $bound)?> Mul<$operator> for $number {
            type Output = $owned;
            fn mul(self, operator: $operator) -> Self::Output {
                operator.scaled(self.into())
            }
        }
        impl<$($generic: $bound)?> Mul<$number> for $operator {
            type Output = $owned;
            fn mul(self, factor: $number) -> Self::Output {
                self.scaled(factor.into())
            }
        }
    };
}

macro_rules! algebra {
    ([$($generic:ident: $bound:path)?] $operator:ty) => {
        impl<$($generic: $bound)?> $operator {
            /// The commutator `self * other - other * self`.
            ///
            /// # Errors
            /// As [`times`](Self::times).
            pub fn commutator(&self, other: &Self) -> Result<Self> {
                let mut commutator = self.times(other)?;
                commutator.add_scaled(&other.times(self)?, -c64::ONE)?;
                Ok(commutator)
            }
        }
        impl<$($generic: $bound)?> AddAssign<&$operator> for $operator {
            #[track_caller]
            fn add_assign(&mut self, other: &$operator) {
                expect(self.add_scaled(other, c64::ONE));
            }
        }
        impl<$($generic: $bound)?> SubAssign<&$operator> for $operator {
            #[track_caller]
            fn sub_assign(&mut self, other: &$operator) {
                expect(self.add_scaled(other, -c64::ONE));
            }
        }
        impl<$($generic: $bound)?> AddAssign for $operator {
            #[track_caller]
            fn add_assign(&mut self, other: $operator) {
                *self += &other;
            }
        }
        impl<$($generic: $bound)?> SubAssign for $operator {
            #[track_caller]
            fn sub_assign(&mut self, other: $operator) {
                *self -= &other;
            }
        }
        between!([$($generic: $bound)?] $operator, Add, add, |a, b| expect(a.plus(b)));
        between!([$($generic: $bound)?] $operator, Mul, mul, |a, b| expect(a.times(b)));
        between!([$($generic: $bound)?] $operator, Sub, sub, |a, b| {
            let mut difference = a.clone();
            difference -= b;
            difference
        });
        impl<$($generic: $bound)?> Neg for $operator {
            type Output = $operator;
            fn neg(self) -> $operator {
                self.scaled(-c64::ONE)
            }
        }
        impl<$($generic: $bound)?> Neg for &$operator {
            type Output = $operator;
            fn neg(self) -> $operator {
                self.scaled(-c64::ONE)
            }
        }
        with_number!([$($generic: $bound)?] f64, $operator, $operator);
        with_number!([$($generic: $bound)?] f64, &$operator, $operator);
        with_number!([$($generic: $bound)?] c64, $operator, $operator);
        with_number!([$($generic: $bound)?] c64, &$operator, $operator);
    };
}

algebra!([] LocalOperator);
algebra!([K: Kind] Strings<K>);
