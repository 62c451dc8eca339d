//! `+ - *` between local operators and with numbers.
//!
//! They panic on different spaces and on products that are too large:
//! `LocalOperator::plus` and `times` return an error instead.

use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use super::LocalOperator;
use crate::scalar::c64;

/// Panics with the error's own text, which names the cure.
#[track_caller]
fn expect<T>(result: crate::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

impl AddAssign<&LocalOperator> for LocalOperator {
    #[track_caller]
    fn add_assign(&mut self, other: &LocalOperator) {
        expect(self.add_scaled(other, c64::ONE));
    }
}

impl SubAssign<&LocalOperator> for LocalOperator {
    #[track_caller]
    fn sub_assign(&mut self, other: &LocalOperator) {
        expect(self.add_scaled(other, -c64::ONE));
    }
}

impl AddAssign for LocalOperator {
    #[track_caller]
    fn add_assign(&mut self, other: LocalOperator) {
        *self += &other;
    }
}

impl SubAssign for LocalOperator {
    #[track_caller]
    fn sub_assign(&mut self, other: LocalOperator) {
        *self -= &other;
    }
}

macro_rules! between_operators {
    ($trait:ident, $method:ident, |$a:ident, $b:ident| $value:expr) => {
        impl $trait<&LocalOperator> for &LocalOperator {
            type Output = LocalOperator;
            #[track_caller]
            fn $method(self, other: &LocalOperator) -> LocalOperator {
                let ($a, $b) = (self, other);
                $value
            }
        }
        impl $trait<LocalOperator> for LocalOperator {
            type Output = LocalOperator;
            #[track_caller]
            fn $method(self, other: LocalOperator) -> LocalOperator {
                $trait::$method(&self, &other)
            }
        }
        impl $trait<&LocalOperator> for LocalOperator {
            type Output = LocalOperator;
            #[track_caller]
            fn $method(self, other: &LocalOperator) -> LocalOperator {
                $trait::$method(&self, other)
            }
        }
        impl $trait<LocalOperator> for &LocalOperator {
            type Output = LocalOperator;
            #[track_caller]
            fn $method(self, other: LocalOperator) -> LocalOperator {
                $trait::$method(self, &other)
            }
        }
    };
}

between_operators!(Add, add, |a, b| expect(a.plus(b)));
between_operators!(Mul, mul, |a, b| expect(a.times(b)));
between_operators!(Sub, sub, |a, b| {
    let mut difference = a.clone();
    difference -= b;
    difference
});

macro_rules! with_number {
    ($number:ty, $($operator:ty),*) => {$(
        impl Mul<$operator> for $number {
            type Output = LocalOperator;
            fn mul(self, operator: $operator) -> LocalOperator {
                operator.scaled(self.into())
            }
        }
        impl Mul<$number> for $operator {
            type Output = LocalOperator;
            fn mul(self, factor: $number) -> LocalOperator {
                self.scaled(factor.into())
            }
        }
    )*};
}

with_number!(f64, LocalOperator, &LocalOperator);
with_number!(c64, LocalOperator, &LocalOperator);

impl Neg for LocalOperator {
    type Output = LocalOperator;
    fn neg(self) -> LocalOperator {
        self.scaled(-c64::ONE)
    }
}

impl Neg for &LocalOperator {
    type Output = LocalOperator;
    fn neg(self) -> LocalOperator {
        self.scaled(-c64::ONE)
    }
}
