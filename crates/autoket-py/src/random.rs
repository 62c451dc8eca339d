//! JAX's random numbers as arrays of one axis.

use autoket::random::Key;
use numpy::{Element, IntoPyArray};
use pyo3::prelude::*;

use crate::vqs::Words;

fn numbers<'py, T: Element + Send>(
    py: Python<'py>,
    n: u64,
    number: impl Fn(u64) -> T + Send,
) -> Bound<'py, PyAny> {
    let numbers: Vec<T> = py.detach(|| (0..n).map(number).collect());
    numbers.into_pyarray(py).into_any()
}

/// The first `n` numbers of `jax.random.uniform`, `float32` or `float64`.
#[pyfunction]
pub fn uniform(
    py: Python<'_>,
    key: Words,
    n: u64,
    single: bool,
    minval: f64,
    maxval: f64,
) -> Bound<'_, PyAny> {
    let key = Key::from_words(key.into());
    match single {
        true => numbers(py, n, |i| key.uniform_in(i, minval as f32, maxval as f32)),
        false => numbers(py, n, |i| key.uniform_in(i, minval, maxval)),
    }
}

/// The first `n` numbers of `jax.random.normal`, `float32` or `float64`.
#[pyfunction]
pub fn normal(py: Python<'_>, key: Words, n: u64, single: bool) -> Bound<'_, PyAny> {
    let key = Key::from_words(key.into());
    match single {
        true => numbers(py, n, |i| key.normal::<f32>(i)),
        false => numbers(py, n, |i| key.normal::<f64>(i)),
    }
}

/// JAX's `fold_in`.
#[pyfunction]
pub fn fold_in(key: Words, data: u32) -> Words {
    Key::from_words(key.into()).fold_in(data).words().into()
}
