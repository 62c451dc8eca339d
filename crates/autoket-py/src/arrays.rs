//! Arrays of Python: basis states, and numbers of the four scalars.

use autoket::hilbert::Hilbert;
use autoket::module::{Array, Element as Kind};
use autoket::{Dtype, Error};
use num_complex::Complex;
use numpy::{
    Element, IntoPyArray, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::errors::OrRaise;

/// Basis states as local indices, with the shape of the batch before the axis of sites.
pub struct States {
    /// `(state, site)`
    pub sigma: Vec<u8>,
    /// The shape but for its last axis.
    pub batch: Vec<usize>,
}

impl States {
    /// From an array of local states' values `(..., site)`, of any real dtype; what NumPy takes for one will do.
    ///
    /// # Errors
    /// `ValueError`: another number of sites, or a value that is no local state.
    pub fn read(hilbert: &Hilbert, states: &Bound<'_, PyAny>) -> PyResult<Self> {
        let values = floats(states)?;
        let (&n_sites, batch) = match values.shape().split_last() {
            Some(split) if *split.0 == hilbert.n_sites() => split,
            _ => {
                return Err(Error::invalid(
                    "σ",
                    format!("an array of shape (..., {})", hilbert.n_sites()),
                    format!("shape {:?}", values.shape()),
                    format!("give states of {}", hilbert.name()),
                ))
                .or_raise();
            }
        };
        debug_assert!(n_sites > 0);
        let batch = batch.to_vec();
        let sigma = hilbert.indices_of(values.as_slice()?).or_raise()?;
        Ok(Self { sigma, batch })
    }

    /// An array of local states' values `(..., site)`: `int8`, as NetKet's samples, or `int16` where they do not fit.
    pub fn write<'py>(self, py: Python<'py>, hilbert: &Hilbert) -> PyResult<Bound<'py, PyAny>> {
        let values = hilbert.values_of(&self.sigma);
        let shape = [self.batch, vec![hilbert.n_sites()]].concat();
        if hilbert
            .local_states()
            .iter()
            .any(|value| value.abs() > 127.0)
        {
            let values: Vec<i16> = values.into_iter().map(|value| value as i16).collect();
            return Ok(shaped(py, values, &shape)?.into_any());
        }
        let values: Vec<i8> = values.into_iter().map(|value| value as i8).collect();
        Ok(shaped(py, values, &shape)?.into_any())
    }
}

/// An array as `float64`, C order.
pub fn floats<'py>(array: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArrayDyn<'py, f64>> {
    as_dtype::<f64>(array, "float64")
}

/// An array of a dtype, C order: itself, if it is one.
pub fn as_dtype<'py, T: Element>(
    array: &Bound<'py, PyAny>,
    dtype: &str,
) -> PyResult<PyReadonlyArrayDyn<'py, T>> {
    let numpy = array.py().import("numpy")?;
    let array = numpy.call_method1("ascontiguousarray", (array, dtype))?;
    Ok(array.cast::<PyArrayDyn<T>>()?.readonly())
}

/// An array of this shape, without a copy.
pub fn shaped<'py, T: Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: &[usize],
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    values.into_pyarray(py).reshape(shape)
}

/// An array of the library as one of NumPy: same shape, same dtype.
///
/// # Errors
/// `LazyInitError`: the array has a shape and a dtype only.
pub fn to_numpy<'py>(py: Python<'py>, array: &Array) -> PyResult<Bound<'py, PyAny>> {
    let shape = array.shape();
    Ok(match array.element() {
        Kind::Inexact(Dtype::Float32) => {
            shaped(py, array.values::<f32>().or_raise()?, shape)?.into_any()
        }
        Kind::Inexact(Dtype::Float64) => {
            shaped(py, array.values::<f64>().or_raise()?, shape)?.into_any()
        }
        Kind::Inexact(Dtype::Complex64) => {
            shaped(py, array.values::<Complex<f32>>().or_raise()?, shape)?.into_any()
        }
        Kind::Inexact(Dtype::Complex128) => {
            shaped(py, array.values::<Complex<f64>>().or_raise()?, shape)?.into_any()
        }
        integer => {
            let values = shaped(py, array.to_integers().or_raise()?, shape)?;
            values.call_method1("astype", (integer.name(),))?
        }
    })
}

/// An array of the library from what NumPy takes for one: numbers of a dtype that the library lacks are
/// given the nearest one that holds them.
///
/// # Errors
/// `TypeError`: no array of numbers.
pub fn from_numpy(array: &Bound<'_, PyAny>) -> PyResult<Array> {
    let numpy = array.py().import("numpy")?;
    let given = numpy.call_method1("asarray", (array,))?;
    let dtype = given.getattr("dtype")?;
    let name: String = dtype.getattr("name")?.extract()?;
    let shape: Vec<usize> = given.getattr("shape")?.extract()?;
    macro_rules! inexact {
        ($scalar:ty, $dtype:literal) => {
            Array::new(
                &shape,
                as_dtype::<$scalar>(&given, $dtype)?.as_slice()?.to_vec(),
            )
        };
    }
    macro_rules! integer {
        ($element:ident) => {
            Array::integers(
                &shape,
                Kind::$element,
                as_dtype::<i64>(&given, "int64")?.as_slice()?.to_vec(),
            )
        };
    }
    match name.as_str() {
        "float32" | "float16" | "bfloat16" => inexact!(f32, "float32"),
        "float64" | "longdouble" | "float128" => inexact!(f64, "float64"),
        "complex64" => inexact!(Complex<f32>, "complex64"),
        "complex128" => inexact!(Complex<f64>, "complex128"),
        "int8" => integer!(Int8),
        "int32" | "int16" | "uint8" | "uint16" => integer!(Int32),
        "bool" | "int64" | "uint32" | "uint64" => integer!(Int64),
        _ => {
            return Err(PyTypeError::new_err(format!(
                "expected an array of real or complex numbers, got dtype {name}"
            )));
        }
    }
    .or_raise()
}
