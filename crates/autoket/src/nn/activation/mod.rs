//! The function between two layers.

mod custom;
mod names;

use crate::error::{Error, Result};
use crate::scalar::{Real, Scalar, c64};
use crate::simd::{Function, level};

pub use custom::{Analytic, Custom, InPlace};

/// The function between two layers and its derivative.
///
/// Of a complex scalar, functions that are not [analytic](Function::is_analytic) act on real and imaginary part
/// apart, f(√2 Re x)/√2 + i f(√2 Im x)/√2, as all do by [`Reim`](Self::Reim).
/// NetKet: a function of `jax.nn`, or `nk.nn.activation.reim` of one.
///
/// ```
/// use autoket::{hilbert::Hilbert, models::ArnnConv2d, nn::{Activation, Function}};
/// let hilbert = Hilbert::spin(0.5, 9)?;
/// let mish = Activation::real(
///     "mish",
///     |x| x * x.exp().ln_1p().tanh(),
///     |x| {
///         let t = x.exp().ln_1p().tanh();
///         t + x * (1.0 - t * t) / (1.0 + (-x).exp())
///     },
/// );
/// for activation in [Function::Gelu.into(), Activation::Reim(Function::Tanh), mish] {
///     ArnnConv2d { activation, ..ArnnConv2d::new(hilbert.clone(), 2, 4, [2, 3]) }.build::<f64>()?;
/// }
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Activation {
    /// A function, at complex numbers its analytic continuation where it has one.
    Function(Function),
    /// A function of real and imaginary part apart.
    Reim(Function),
    /// The user's own.
    Custom(Custom),
}

/// NetKet's `reim_selu`.
impl Default for Activation {
    fn default() -> Self {
        Function::Selu.into()
    }
}

impl From<Function> for Activation {
    fn from(function: Function) -> Self {
        Self::Function(function)
    }
}

impl Activation {
    /// None.
    pub const IDENTITY: Self = Self::Function(Function::Identity);

    /// The user's own function of a real number and its derivative; of a complex number, of its parts apart.
    pub fn real(
        name: impl Into<String>,
        value: impl Fn(f64) -> f64 + Send + Sync + 'static,
        derivative: impl Fn(f64) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(Custom::real(name, value, derivative))
    }

    /// The user's own analytic function and its derivative; of a real number, their real parts.
    pub fn holomorphic(
        name: impl Into<String>,
        value: impl Analytic,
        derivative: impl Analytic,
    ) -> Self {
        Self::Custom(Custom::holomorphic(name, value, derivative))
    }

    /// [`real`](Self::real) of functions that take many numbers at once.
    pub fn real_in_place(
        name: impl Into<String>,
        value: impl InPlace<f64>,
        derivative: impl InPlace<f64>,
    ) -> Self {
        Self::Custom(Custom::real_in_place(name, value, derivative))
    }

    /// [`holomorphic`](Self::holomorphic) of functions that take many numbers at once.
    pub fn holomorphic_in_place(
        name: impl Into<String>,
        value: impl InPlace<c64>,
        derivative: impl InPlace<c64>,
    ) -> Self {
        Self::Custom(Custom::holomorphic_in_place(name, value, derivative))
    }

    /// The same, if a network of `S` can use it.
    ///
    /// # Errors
    /// A parameter that is not finite, or an `alpha` of 0 in `celu`;
    /// the user's own function, if its derivative is not that of its values, or is not finite, at some point.
    pub(crate) fn checked<S: Scalar>(&self) -> Result<Self> {
        match self {
            Self::Custom(custom) => custom.check(S::PLANES == 2)?,
            Self::Function(f) | Self::Reim(f) => match f {
                Function::Elu(x) | Function::Celu(x) | Function::LeakyRelu(x)
                    if !x.is_finite() || *f == Function::Celu(0.0) =>
                {
                    return Err(Error::invalid(
                        "activation",
                        "a finite parameter, that of `celu` not 0",
                        format!("{f:?}"),
                        "take JAX's default: 1 for `elu` and `celu`, 0.01 for `leaky_relu`",
                    ));
                }
                _ => {}
            },
        }
        Ok(self.clone())
    }

    /// Does `f` act on real and imaginary part apart?
    fn is_split(&self, f: Function) -> bool {
        matches!(self, Self::Reim(_)) || !f.is_analytic()
    }

    /// y = f(z), less `base` where there is one, on rows of real features; complex ones are pairs.
    pub fn apply<S: Scalar>(
        &self,
        z: &[<S::Real as Real>::Row],
        base: Option<&[<S::Real as Real>::Row]>,
        y: &mut [<S::Real as Real>::Row],
    ) {
        match *self {
            Self::Custom(ref custom) => custom.apply::<S>(z, base, y),
            Self::Function(f) | Self::Reim(f) => match S::PLANES == 2 && !self.is_split(f) {
                true => f.apply_complex::<S::Real>(level(), z, base, y),
                false => f.apply(level(), reim_scale::<S>(), z, base, y),
            },
        }
    }

    /// dy ← conj(f'(x)) dy, on rows of real features; complex ones are pairs.
    pub fn pull_back<S: Scalar>(
        &self,
        x: &[<S::Real as Real>::Row],
        dy: &mut [<S::Real as Real>::Row],
    ) {
        match *self {
            Self::Custom(ref custom) => custom.pull_back::<S>(x, dy),
            Self::Function(f) | Self::Reim(f) => match S::PLANES == 2 && !self.is_split(f) {
                true => f.pull_back_complex::<S::Real>(level(), x, dy),
                false => f.pull_back(level(), reim_scale::<S>(), x, dy),
            },
        }
    }
}

/// c of f(c x)/c, the function of each part of a number: √2 for complex numbers, as NetKet's `reim` has it.
fn reim_scale<S: Scalar>() -> S::Real {
    S::Real::from_f64((S::PLANES as f64).sqrt())
}
