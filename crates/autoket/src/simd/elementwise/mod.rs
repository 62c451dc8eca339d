//! Activation functions and their derivatives, over rows.

mod analytic;
mod linear_units;
mod loops;

use fearless_simd::{Level, Simd};

use self::analytic::{Gelu, Identity, LogCosh, Sigmoid, Silu, Sin, Softplus, Tanh};
use self::linear_units::{Celu, Elu, GeluExact, LeakyRelu, Relu};
use super::math::V;
use super::math::complex::Z;
use crate::scalar::Real;

/// A function between two layers, by JAX's and NetKet's names.
///
/// Those with a kink, and `gelu_exact`, are functions of a real number;
/// the others are analytic, and have values at complex numbers too, up to 10¹² in modulus.
/// Errors are a few ulp: see [`math`](super::math) and [`math::complex`](super::math::complex).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// Scaled exponential linear unit, λ x for x > 0 and λ α (eˣ - 1) otherwise; λ = 1.0507…, α = 1.6732…
    /// (Klambauer et al., arXiv:1706.02515).
    Selu,
    /// max(x, 0).
    Relu,
    /// x for x > 0 and α (eˣ - 1) otherwise; JAX's α is 1.
    Elu(f64),
    /// x for x > 0 and α (e^(x/α) - 1) otherwise; JAX's α is 1.
    Celu(f64),
    /// x for x ≥ 0 and `negative_slope` x otherwise; JAX's is 0.01.
    LeakyRelu(f64),
    /// x Φ(x), by its tanh form ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))): JAX's `gelu`.
    Gelu,
    /// x Φ(x) with the error function: JAX's `gelu(approximate=False)`.
    GeluExact,
    /// x/(1 + e⁻ˣ), also called swish.
    Silu,
    /// log(1 + eˣ); imaginary part in [-π, π].
    Softplus,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
    /// tanh x.
    Tanh,
    /// log cosh x; of a complex number ±x + log(1 + e^(∓2x)) - log 2, the sign that of Re x, as NetKet has it.
    LogCosh,
    /// sin x.
    Sin,
    /// x.
    Identity,
}

const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

/// A function of a real number, on vectors.
trait OnReals: Copy {
    /// f(x).
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R>;
    /// f'(x).
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R>;
}

/// An analytic function, on vectors.
trait OnComplex: Copy {
    /// f(z).
    fn value<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R>;
    /// f'(z).
    fn slope<S: Simd, R: Real>(self, simd: S, z: Z<S, R>) -> Z<S, R>;
}

/// Runs an expression on the analytic function of that name, each compiled for itself.
macro_rules! analytic {
    ($function:expr, $f:ident => $run:expr, $otherwise:expr) => {
        match $function {
            Function::Gelu => {
                let $f = Gelu;
                $run
            }
            Function::Silu => {
                let $f = Silu;
                $run
            }
            Function::Softplus => {
                let $f = Softplus;
                $run
            }
            Function::Sigmoid => {
                let $f = Sigmoid;
                $run
            }
            Function::Tanh => {
                let $f = Tanh;
                $run
            }
            Function::LogCosh => {
                let $f = LogCosh;
                $run
            }
            Function::Sin => {
                let $f = Sin;
                $run
            }
            Function::Identity => {
                let $f = Identity;
                $run
            }
            _ => $otherwise,
        }
    };
}

/// As [`analytic`], on any function.
macro_rules! each {
    ($function:expr, $f:ident => $run:expr) => {
        match $function {
            Function::Selu => { let $f = Elu { lambda: SELU_LAMBDA, alpha: SELU_ALPHA }; $run }
            Function::Elu(alpha) => { let $f = Elu { lambda: 1.0, alpha }; $run }
            Function::Relu => { let $f = Relu; $run }
            Function::Celu(alpha) => { let $f = Celu { alpha }; $run }
            Function::LeakyRelu(negative_slope) => { let $f = LeakyRelu { negative_slope }; $run }
            Function::GeluExact => { let $f = GeluExact; $run }
            smooth => analytic!(smooth, $f => $run, unreachable!("all functions are named")),
        }
    };
}

impl Function {
    /// Has the function values at complex numbers?
    pub fn is_analytic(self) -> bool {
        analytic!(self, _f => true, false)
    }

    /// y ← f(c z)/c, less `base` where there is one, on rows of real numbers.
    ///
    /// NetKet's `reim` of a complex number has c = √2.
    pub fn apply<R: Real>(
        self,
        level: Level,
        scale: R,
        z: &[R::Row],
        base: Option<&[R::Row]>,
        y: &mut [R::Row],
    ) {
        R::apply(self, level, scale, z, base, y);
    }

    /// dy ← f'(c x) dy, on rows of real numbers.
    pub fn pull_back<R: Real>(self, level: Level, scale: R, x: &[R::Row], dy: &mut [R::Row]) {
        R::pull_back(self, level, scale, x, dy);
    }

    /// y ← f(z), less `base` where there is one, on pairs of rows: real and imaginary part.
    ///
    /// What is not [analytic](Self::is_analytic) leaves `y` as it is.
    pub fn apply_complex<R: Real>(
        self,
        level: Level,
        z: &[R::Row],
        base: Option<&[R::Row]>,
        y: &mut [R::Row],
    ) {
        R::apply_complex(self, level, z, base, y);
    }

    /// dy ← conj(f'(x)) dy, on pairs of rows.
    ///
    /// What is not [analytic](Self::is_analytic) leaves `dy` as it is.
    pub fn pull_back_complex<R: Real>(self, level: Level, x: &[R::Row], dy: &mut [R::Row]) {
        R::pull_back_complex(self, level, x, dy);
    }
}

/// The methods of [`Function`], compiled once, in this library, for the two real types:
/// there is too much code in them for every program to compile its own.
pub trait OnRows: Sized {
    /// [`Function::apply`].
    fn apply(
        f: Function,
        level: Level,
        scale: Self,
        z: &[Self::Row],
        base: Option<&[Self::Row]>,
        y: &mut [Self::Row],
    ) where
        Self: Real;
    /// [`Function::pull_back`].
    fn pull_back(f: Function, level: Level, scale: Self, x: &[Self::Row], dy: &mut [Self::Row])
    where
        Self: Real;
    /// [`Function::apply_complex`].
    fn apply_complex(
        f: Function,
        level: Level,
        z: &[Self::Row],
        base: Option<&[Self::Row]>,
        y: &mut [Self::Row],
    ) where
        Self: Real;
    /// [`Function::pull_back_complex`].
    fn pull_back_complex(f: Function, level: Level, x: &[Self::Row], dy: &mut [Self::Row])
    where
        Self: Real;
}

macro_rules! on_rows {
    ($($r:ty),*) => { $(
        impl OnRows for $r {
            fn apply(
                f: Function,
                level: Level,
                scale: Self,
                z: &[<$r as Real>::Row],
                base: Option<&[<$r as Real>::Row]>,
                y: &mut [<$r as Real>::Row],
            ) {
                each!(f, f => loops::apply::<$r>(level, f, scale, z, base, y));
            }
            fn pull_back(
                f: Function,
                level: Level,
                scale: Self,
                x: &[<$r as Real>::Row],
                dy: &mut [<$r as Real>::Row],
            ) {
                each!(f, f => loops::pull_back::<$r>(level, f, scale, x, dy));
            }
            fn apply_complex(
                f: Function,
                level: Level,
                z: &[<$r as Real>::Row],
                base: Option<&[<$r as Real>::Row]>,
                y: &mut [<$r as Real>::Row],
            ) {
                analytic!(f, f => loops::apply_complex::<$r>(level, f, z, base, y), ());
            }
            fn pull_back_complex(
                f: Function,
                level: Level,
                x: &[<$r as Real>::Row],
                dy: &mut [<$r as Real>::Row],
            ) {
                analytic!(f, f => loops::pull_back_complex::<$r>(level, f, x, dy), ());
            }
        }
    )* };
}

on_rows!(f32, f64);
