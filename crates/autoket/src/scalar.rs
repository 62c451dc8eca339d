//! The four scalars, and the real numbers they are made of.

use std::fmt::{Debug, Display};
use std::iter::Sum;

use fearless_simd::{Simd, SimdFloat, SimdFloatElement, SimdWiden};
use num_complex::Complex;
use num_traits::{Float, FloatConst, NumAssign};

/// Complex number in double precision: the type of energies and matrix elements.
#[allow(non_camel_case_types)]
pub type c64 = Complex<f64>;

/// The run-time name of a [`Scalar`], by JAX's names.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// `f32`
    Float32,
    /// `f64`
    #[default]
    Float64,
    /// `Complex<f32>`
    Complex64,
    /// `Complex<f64>`
    Complex128,
}

impl Dtype {
    /// JAX's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
        }
    }

    /// The type of real and imaginary parts.
    pub fn real(self) -> Self {
        match self {
            Self::Float32 | Self::Complex64 => Self::Float32,
            Self::Float64 | Self::Complex128 => Self::Float64,
        }
    }

    /// The type of complex numbers of the same precision.
    pub const fn complex(self) -> Self {
        match self {
            Self::Float32 | Self::Complex64 => Self::Complex64,
            Self::Float64 | Self::Complex128 => Self::Complex128,
        }
    }

    /// Is it a type of complex numbers?
    pub fn is_complex(self) -> bool {
        matches!(self, Self::Complex64 | Self::Complex128)
    }

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::Float32 => 4,
            Self::Float64 | Self::Complex64 => 8,
            Self::Complex128 => 16,
        }
    }
}

impl Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for num_complex::Complex<f32> {}
    impl Sealed for num_complex::Complex<f64> {}
}

/// The type of parameters and of log ψ: `f32`, `f64`, `Complex<f32>` or `Complex<f64>`.
///
/// Kernels know only [`Real`]: a complex number is [`Scalar::PLANES`] real features side by side.
pub trait Scalar:
    sealed::Sealed
    + NumAssign
    + std::ops::Neg<Output = Self>
    + Sum
    + Copy
    + Default
    + Debug
    + Display
    + Send
    + Sync
    + crate::ranks::Wire
    + 'static
{
    /// The real numbers this is made of.
    type Real: Real;
    /// The run-time name.
    const DTYPE: Dtype;
    /// Real numbers per scalar: 1 or 2.
    const PLANES: usize;
    /// From real and imaginary part; the latter is dropped by a real scalar.
    fn new(re: Self::Real, im: Self::Real) -> Self;
    /// Real part.
    fn re(self) -> Self::Real;
    /// Imaginary part.
    fn im(self) -> Self::Real;
    /// From double precision; a real scalar keeps the real part.
    fn from_c64(z: c64) -> Self {
        Self::new(Self::Real::from_f64(z.re), Self::Real::from_f64(z.im))
    }
    /// To double precision.
    fn to_c64(self) -> c64 {
        c64::new(self.re().widen(), self.im().widen())
    }
    /// True where no part is NaN or infinite.
    fn is_finite(self) -> bool {
        Float::is_finite(self.re()) && Float::is_finite(self.im())
    }
}

/// `f32` or `f64`, with its SIMD vectors.
pub trait Real:
    Scalar<Real = Self>
    + crate::simd::math::Constants
    + crate::simd::OnRows
    + Float
    + FloatConst
    + SimdFloatElement
    + PartialOrd
{
    /// The native vector of this number on a SIMD level.
    type Vector<S: Simd>: SimdFloat<S, Element = Self>;
    /// One [row of lanes](crate::simd::Row): 128 bytes of samples.
    type Row: crate::simd::Row<Self>;
    /// From double precision.
    fn from_f64(x: f64) -> Self;
    /// To double precision.
    fn widen(self) -> f64;
    /// Vectors of double precision that a vector fills.
    const WIDENED: usize;
    /// To double precision: the first [`Self::WIDENED`] vectors count.
    fn widen_vector<S: Simd>(simd: S, x: Self::Vector<S>) -> [S::f64s; 2];
}

macro_rules! real {
    ($t:ty, $dtype:ident, $vector:ident, $lanes:literal, $widened:literal, $widen:expr) => {
        impl Scalar for $t {
            type Real = $t;
            const DTYPE: Dtype = Dtype::$dtype;
            const PLANES: usize = 1;
            fn new(re: $t, _: $t) -> Self {
                re
            }
            fn re(self) -> $t {
                self
            }
            fn im(self) -> $t {
                0.0
            }
        }
        impl Real for $t {
            type Vector<S: Simd> = S::$vector;
            type Row = crate::simd::Lanes<$t, $lanes>;
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            fn widen(self) -> f64 {
                self.into()
            }
            const WIDENED: usize = $widened;
            #[inline(always)]
            fn widen_vector<S: Simd>(simd: S, x: S::$vector) -> [S::f64s; 2] {
                $widen(simd, x)
            }
        }
        impl Scalar for Complex<$t> {
            type Real = $t;
            const DTYPE: Dtype = Dtype::$dtype.complex();
            const PLANES: usize = 2;
            fn new(re: $t, im: $t) -> Self {
                Complex::new(re, im)
            }
            fn re(self) -> $t {
                self.re
            }
            fn im(self) -> $t {
                self.im
            }
        }
    };
}

real!(f32, Float32, f32s, 32, 2, |_, x: S::f32s| {
    let (low, high) = x.widen();
    [low, high]
});
real!(f64, Float64, f64s, 16, 1, |_, x: S::f64s| [x, x]);
