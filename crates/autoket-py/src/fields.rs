//! Fields of models: what Python gives, as the library takes it.

use autoket::nn::{Activation, Initializer};
use autoket::random::Key;
use autoket::{Dtype, Error, c64};
use num_complex::Complex;
use numpy::{Element, IntoPyArray};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::{as_dtype, from_numpy};
use crate::errors::OrRaise;

/// What a field is as the run file writes it: a name, or an object of a name and a number.
pub fn named<T: serde::de::DeserializeOwned>(field: &str, text: &str) -> PyResult<T> {
    serde_json::from_str(text)
        .map_err(|wrong| PyValueError::new_err(format!("`{field}`: got {text}: {wrong}")))
}

/// Two numbers.
pub fn two(field: &str, numbers: &[usize]) -> PyResult<[usize; 2]> {
    numbers.try_into().or_else(|_| {
        Err(Error::invalid(
            field,
            "two numbers, of rows and of columns",
            format!("{numbers:?}"),
            "give a pair",
        ))
        .or_raise()
    })
}

/// One number.
pub fn one(field: &str, numbers: &[usize]) -> PyResult<usize> {
    match numbers {
        [number] => Ok(*number),
        _ => Err(Error::invalid(
            field,
            "one number",
            format!("{numbers:?}"),
            "a chain has one direction",
        ))
        .or_raise(),
    }
}

/// Functions of Python: their name, the function, its derivative, and whether they are of complex numbers.
type Pair = (String, Py<PyAny>, Py<PyAny>, bool);

/// An activation: text as the run file has it, or functions.
pub fn activation(given: &Bound<'_, PyAny>) -> PyResult<Activation> {
    if let Ok(text) = given.extract::<String>() {
        return named("activation", &text);
    }
    let (name, value, derivative, holomorphic): Pair = given.extract()?;
    Ok(match holomorphic {
        true => Activation::holomorphic_in_place(
            name,
            in_place::<Complex<f64>>(value, "complex128", Complex::new(f64::NAN, f64::NAN)),
            in_place::<Complex<f64>>(derivative, "complex128", Complex::new(f64::NAN, f64::NAN)),
        ),
        false => Activation::real_in_place(
            name,
            in_place::<f64>(value, "float64", f64::NAN),
            in_place::<f64>(derivative, "float64", f64::NAN),
        ),
    })
}

/// A function of Python on an array. Where it fails, values are not numbers, and Python is told why.
fn in_place<T: Element + Copy>(
    function: Py<PyAny>,
    dtype: &'static str,
    nan: T,
) -> impl Fn(&mut [T]) + Send + Sync {
    move |numbers: &mut [T]| {
        Python::attach(|py| {
            let values = function
                .bind(py)
                .call1((numbers.to_vec().into_pyarray(py),))
                .and_then(|values| as_dtype::<T>(&values, dtype));
            match values.and_then(|values| Ok(values.as_slice()?.to_vec())) {
                Ok(values) if values.len() == numbers.len() => numbers.copy_from_slice(&values),
                Ok(_) => numbers.fill(nan),
                Err(error) => {
                    error.write_unraisable(py, Some(function.bind(py)));
                    numbers.fill(nan);
                }
            }
        });
    }
}

/// An initializer: text as the run file has it, or a name and a function of key, shape and dtype.
pub fn initializer(field: &str, given: &Bound<'_, PyAny>) -> PyResult<Initializer> {
    if let Ok(text) = given.extract::<String>() {
        return named(field, &text);
    }
    let (name, function): (String, Py<PyAny>) = given.extract()?;
    Ok(Initializer::own(name, move |key, shape, dtype| {
        let drawn = Python::attach(|py| drawn(function.bind(py), key, shape, dtype));
        drawn.map_err(own)
    }))
}

fn drawn(
    function: &Bound<'_, PyAny>,
    key: Key,
    shape: &[usize],
    dtype: Dtype,
) -> PyResult<Vec<c64>> {
    let shape = PyTuple::new(function.py(), shape)?;
    let [high, low] = key.words();
    let values = function.call1(((high, low), &shape, dtype.to_string()))?;
    from_numpy(&values)?.values::<c64>().or_raise()
}

/// An exception of Python that goes through the library.
pub fn own(error: PyErr) -> Error {
    Error::Own(Box::new(error))
}

/// Values of an initializer, for those who call it themselves.
#[pyfunction]
pub fn draw<'py>(
    initializer_: Bound<'py, PyAny>,
    key: (u32, u32),
    shape: Vec<usize>,
    dtype: &str,
) -> PyResult<Bound<'py, PyAny>> {
    use autoket::module::Init;
    let initializer = initializer("initializer", &initializer_)?;
    let dtype = named("dtype", &format!("\"{dtype}\""))?;
    let key = Key::from_words([key.0, key.1]);
    let array = initializer.init(key, &shape, dtype).or_raise()?;
    crate::arrays::to_numpy(initializer_.py(), &array)
}
