//! Arrays of numbers, and of shapes alone.

use std::fmt;
use std::sync::Arc;

use num_complex::Complex;

use super::ModuleError;
use crate::error::{Error, Result};
use crate::scalar::{Dtype, Scalar, c64};

/// The type of an array's elements, by JAX's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// `i8`: local states of configurations.
    Int8,
    /// `i32`
    Int32,
    /// `i64`
    Int64,
    /// One of the four scalars.
    Inexact(Dtype),
}

impl Element {
    /// JAX's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Inexact(dtype) => dtype.name(),
        }
    }

    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Self::Int8 => 1,
            Self::Int32 => 4,
            Self::Int64 => 8,
            Self::Inexact(dtype) => dtype.bytes(),
        }
    }

    /// Is it an integer?
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::Inexact(_))
    }

    /// The type in which the two meet, as JAX promotes them: `int64` and `float32` in `float32`,
    /// `float64` and `complex64` in `complex128`.
    pub fn promote(self, other: Self) -> Self {
        match (self, other) {
            (Self::Inexact(a), Self::Inexact(b)) => Self::Inexact(promote(a, b)),
            (Self::Inexact(a), _) | (_, Self::Inexact(a)) => Self::Inexact(a),
            (a, b) if a.bytes() >= b.bytes() => a,
            (_, b) => b,
        }
    }
}

fn promote(a: Dtype, b: Dtype) -> Dtype {
    let real = match (a.real(), b.real()) {
        (Dtype::Float32, Dtype::Float32) => Dtype::Float32,
        _ => Dtype::Float64,
    };
    match a.is_complex() || b.is_complex() {
        true => real.complex(),
        false => real,
    }
}

impl From<Dtype> for Element {
    fn from(dtype: Dtype) -> Self {
        Self::Inexact(dtype)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The elements of an array, C order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// Integers of any width.
    Integers(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Complex64(Vec<Complex<f32>>),
    Complex128(Vec<Complex<f64>>),
}

/// Runs the same code on inexact values of any type: `S` is the scalar, `$x` its slice.
macro_rules! with_scalars {
    ($values:expr, $x:ident, $S:ident => $body:expr, integers $i:ident => $int:expr) => {
        match $values {
            $crate::module::array::Values::Integers($i) => $int,
            $crate::module::array::Values::Float32($x) => {
                type $S = f32;
                $body
            }
            $crate::module::array::Values::Float64($x) => {
                type $S = f64;
                $body
            }
            $crate::module::array::Values::Complex64($x) => {
                type $S = num_complex::Complex<f32>;
                $body
            }
            $crate::module::array::Values::Complex128($x) => {
                type $S = num_complex::Complex<f64>;
                $body
            }
        }
    };
}
pub(super) use with_scalars;

/// Runs the same code for a dtype chosen at run time: `S` is the scalar.
macro_rules! with_dtype {
    ($dtype:expr, $S:ident => $body:expr) => {
        match $dtype {
            $crate::scalar::Dtype::Float32 => {
                type $S = f32;
                $body
            }
            $crate::scalar::Dtype::Float64 => {
                type $S = f64;
                $body
            }
            $crate::scalar::Dtype::Complex64 => {
                type $S = num_complex::Complex<f32>;
                $body
            }
            $crate::scalar::Dtype::Complex128 => {
                type $S = num_complex::Complex<f64>;
                $body
            }
        }
    };
}
pub(crate) use with_dtype;

/// An array of numbers, or *abstract*: a shape and a dtype, of which every operation finds the shape and
/// dtype of its result without computing.
///
/// Cloning shares the elements. JAX: `Array` and `ShapeDtypeStruct`.
///
/// ```
/// use autoket::module::Array;
/// let x = Array::new(&[2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let y = x.dot(&Array::full(&[3, 4], 1.0_f32))?;
/// assert_eq!(y.to_string(), "float32[2,4]");
/// assert_eq!(y.values::<f32>()?[..4], [6.0; 4]);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    element: Element,
    /// `None` if abstract.
    values: Option<Arc<Values>>,
}

impl Array {
    /// From its elements, C order.
    ///
    /// # Errors
    /// The shape has another number of elements.
    pub fn new<S: Scalar>(shape: &[usize], values: Vec<S>) -> Result<Self> {
        check_count("values", shape, values.len())?;
        Ok(Self::from_scalars(shape.to_vec(), values))
    }

    /// Integers from their values, C order; those that `element` cannot hold are wrapped.
    ///
    /// # Errors
    /// The shape has another number of elements; `element` is not an integer.
    pub fn integers(shape: &[usize], element: Element, values: Vec<i64>) -> Result<Self> {
        check_count("values", shape, values.len())?;
        if !element.is_integer() {
            return Err(Error::invalid(
                "element",
                "int8, int32 or int64",
                element,
                "make an inexact array by `Array::new`",
            ));
        }
        Ok(Self::from_integers(shape.to_vec(), element, values))
    }

    /// Configurations `(sample, site)` of local states, as `int8`.
    ///
    /// # Errors
    /// The number of values is not a multiple of `n_sites`.
    pub fn configurations(n_sites: usize, values: &[i8]) -> Result<Self> {
        let n_samples = values.len() / n_sites.max(1);
        let values = values.iter().map(|&x| x.into()).collect();
        Self::integers(&[n_samples, n_sites], Element::Int8, values)
    }

    /// A single integer: the index of a site, for example.
    pub fn index(index: usize) -> Self {
        Self::from_integers(Vec::new(), Element::Int64, vec![index as i64])
    }

    /// The same number everywhere.
    pub fn full<S: Scalar>(shape: &[usize], value: S) -> Self {
        let n = shape.iter().product();
        Self::from_scalars(shape.to_vec(), vec![value; n])
    }

    /// Zeros of any type.
    pub fn zeros(shape: &[usize], element: impl Into<Element>) -> Self {
        let n = shape.iter().product();
        match element.into() {
            Element::Inexact(dtype) => {
                with_dtype!(dtype, S => Self::full(shape, S::default()))
            }
            integer => Self::from_integers(shape.to_vec(), integer, vec![0; n]),
        }
    }

    /// A shape and a dtype without values.
    pub fn shape_only(shape: &[usize], element: impl Into<Element>) -> Self {
        Self {
            shape: shape.to_vec(),
            element: element.into(),
            values: None,
        }
    }

    /// Its shape and dtype without its values.
    pub fn to_shape_only(&self) -> Self {
        Self::shape_only(&self.shape, self.element)
    }

    pub(super) fn from_scalars<S: Scalar>(shape: Vec<usize>, values: Vec<S>) -> Self {
        Self {
            shape,
            element: S::DTYPE.into(),
            values: Some(Arc::new(Values::from_scalars(values))),
        }
    }

    pub(super) fn from_integers(shape: Vec<usize>, element: Element, mut values: Vec<i64>) -> Self {
        for x in &mut values {
            *x = match element {
                Element::Int8 => i64::from(*x as i8),
                Element::Int32 => i64::from(*x as i32),
                _ => *x,
            };
        }
        Self {
            shape,
            element,
            values: Some(Arc::new(Values::Integers(values))),
        }
    }

    /// The same elements in another shape of as many.
    pub(super) fn with_shape(&self, shape: Vec<usize>) -> Self {
        Self {
            shape,
            ..self.clone()
        }
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of its elements.
    pub fn element(&self) -> Element {
        self.element
    }

    /// The number of its axes.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// The number of its elements.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes of its elements.
    pub fn bytes(&self) -> usize {
        self.size() * self.element.bytes()
    }

    /// Are only shape and dtype known?
    pub fn is_abstract(&self) -> bool {
        self.values.is_none()
    }

    /// The elements, if there are any.
    pub(super) fn known(&self) -> Option<&Values> {
        self.values.as_deref()
    }

    /// The elements as scalars, C order. A real `S` drops imaginary parts.
    ///
    /// # Errors
    /// [`ModuleError::LazyInit`] if the array is abstract.
    pub fn values<S: Scalar>(&self) -> Result<Vec<S>> {
        let values = self.known().ok_or_else(|| ModuleError::LazyInit {
            what: self.to_string(),
        })?;
        Ok(values.to_scalars())
    }

    /// The elements as integers, C order.
    ///
    /// # Errors
    /// [`ModuleError::LazyInit`] if the array is abstract; the elements are not integers.
    pub fn to_integers(&self) -> Result<Vec<i64>> {
        match self.known() {
            Some(Values::Integers(values)) => Ok(values.clone()),
            Some(_) => Err(Error::invalid(
                "dtype",
                "integers",
                self,
                "pass an array of int8, int32 or int64",
            )),
            None => Err(ModuleError::LazyInit {
                what: self.to_string(),
            }
            .into()),
        }
    }
}

impl Values {
    pub(super) fn from_scalars<S: Scalar>(values: Vec<S>) -> Self {
        fn to<S: Scalar, T: Scalar>(values: Vec<S>) -> Vec<T> {
            values
                .into_iter()
                .map(|x| T::from_c64(x.to_c64()))
                .collect()
        }
        match S::DTYPE {
            Dtype::Float32 => Self::Float32(to(values)),
            Dtype::Float64 => Self::Float64(to(values)),
            Dtype::Complex64 => Self::Complex64(to(values)),
            Dtype::Complex128 => Self::Complex128(to(values)),
        }
    }

    pub(super) fn to_scalars<T: Scalar>(&self) -> Vec<T> {
        with_scalars!(self, x, S => x.iter().map(|&x| T::from_c64(S::to_c64(x))).collect(),
            integers i => i.iter().map(|&i| T::from_c64(c64::from(i as f64))).collect())
    }
}

/// `float64[4,16]`
impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        write!(f, "{}[{}]", self.element, shape.join(","))
    }
}

/// `(4, 16)`
pub(super) fn shape_text(shape: &[usize]) -> String {
    match shape {
        [n] => format!("({n},)"),
        _ => {
            let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
            format!("({})", shape.join(", "))
        }
    }
}

fn check_count(field: &str, shape: &[usize], count: usize) -> Result<()> {
    let expected: usize = shape.iter().product();
    if expected == count {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        format!("{expected} elements for shape {}", shape_text(shape)),
        count,
        "give a shape and values that fit",
    ))
}
