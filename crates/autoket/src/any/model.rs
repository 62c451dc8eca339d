//! A model of any scalar.

use std::sync::Arc;

use num_complex::Complex;

use crate::error::Result;
use crate::hilbert::Hilbert;
use crate::models::{Autoregressive, Conditionals, Design, Own, Symmetrized, own};
use crate::operator::Symmetries;
use crate::ranks::{Ranked, Ranks};
use crate::scalar::Dtype;

/// A wave function whose log ψ is of any of the four scalars.
#[derive(Clone)]
pub enum AnyModel {
    /// Single precision.
    Float32(Arc<dyn Autoregressive<f32>>),
    /// Double precision.
    Float64(Arc<dyn Autoregressive<f64>>),
    /// Complex, single precision.
    Complex64(Arc<dyn Autoregressive<Complex<f32>>>),
    /// Complex, double precision.
    Complex128(Arc<dyn Autoregressive<Complex<f64>>>),
}

/// Runs the same code on a model of any scalar.
macro_rules! with_model {
    ($any:expr, $model:ident => $body:expr) => {
        match $any {
            $crate::any::AnyModel::Float32($model) => $body,
            $crate::any::AnyModel::Float64($model) => $body,
            $crate::any::AnyModel::Complex64($model) => $body,
            $crate::any::AnyModel::Complex128($model) => $body,
        }
    };
}
pub(super) use with_model;

impl AnyModel {
    /// The model with log ψ of this type.
    ///
    /// # Errors
    /// As [`Design::build`].
    pub fn build(design: &Design, dtype: Dtype) -> Result<Self> {
        Ok(match dtype {
            Dtype::Float32 => Self::Float32(Arc::new(design.build()?)),
            Dtype::Float64 => Self::Float64(Arc::new(design.build()?)),
            Dtype::Complex64 => Self::Complex64(Arc::new(design.build()?)),
            Dtype::Complex128 => Self::Complex128(Arc::new(design.build()?)),
        })
    }

    /// The model as some ranks share it.
    pub fn shared(self, ranks: &Ranks) -> Self {
        match self {
            Self::Float32(model) => Self::Float32(Ranked::share(model, ranks)),
            Self::Float64(model) => Self::Float64(Ranked::share(model, ranks)),
            Self::Complex64(model) => Self::Complex64(Ranked::share(model, ranks)),
            Self::Complex128(model) => Self::Complex128(Ranked::share(model, ranks)),
        }
    }

    /// The average of the wave function over some symmetries.
    ///
    /// # Errors
    /// As [`Symmetrized::new`].
    pub fn symmetrized(self, symmetries: Symmetries) -> Result<Self> {
        Ok(match self {
            Self::Float32(model) => Self::Float32(Arc::new(Symmetrized::new(model, symmetries)?)),
            Self::Float64(model) => Self::Float64(Arc::new(Symmetrized::new(model, symmetries)?)),
            Self::Complex64(model) => {
                Self::Complex64(Arc::new(Symmetrized::new(model, symmetries)?))
            }
            Self::Complex128(model) => {
                Self::Complex128(Arc::new(Symmetrized::new(model, symmetries)?))
            }
        })
    }

    /// The user's own model, whose parameters and log-amplitudes say of which type log ψ is.
    ///
    /// # Errors
    /// As [`Own::new`].
    pub fn own(of: Arc<dyn Conditionals>) -> Result<Self> {
        Ok(match own::dtype(&*of)? {
            Dtype::Float32 => Self::Float32(Arc::new(Own::new(of)?)),
            Dtype::Float64 => Self::Float64(Arc::new(Own::new(of)?)),
            Dtype::Complex64 => Self::Complex64(Arc::new(Own::new(of)?)),
            Dtype::Complex128 => Self::Complex128(Arc::new(Own::new(of)?)),
        })
    }

    /// The exponent p of the normalisation Σ|ψ|^p = 1.
    pub fn machine_pow(&self) -> u32 {
        with_model!(self, model => model.machine_pow())
    }

    /// The space of σ.
    pub fn hilbert(&self) -> &Hilbert {
        with_model!(self, model => model.hilbert())
    }
}
