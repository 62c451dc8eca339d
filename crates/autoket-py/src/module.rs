//! Variables of modules as nested dictionaries.

use autoket::module::{Array, Tree, Variable, Variables};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString, PyTuple};

use crate::arrays::{from_numpy, to_numpy};

/// `{collection: {name: ...}}` with NumPy arrays as leaves, tuples of arrays where they have been sown.
///
/// # Errors
/// `LazyInitError`: an array without values.
pub fn to_dict<'py>(py: Python<'py>, variables: &Variables) -> PyResult<Bound<'py, PyDict>> {
    let collections = PyDict::new(py);
    for (name, tree) in variables.iter() {
        collections.set_item(name, tree_to_dict(py, tree)?)?;
    }
    Ok(collections)
}

fn tree_to_dict<'py>(py: Python<'py>, tree: &Tree) -> PyResult<Bound<'py, PyDict>> {
    let names = PyDict::new(py);
    for (name, variable) in tree {
        names.set_item(name, to_object(py, variable)?)?;
    }
    Ok(names)
}

/// What a name stands for: an array, a tuple of arrays or a dictionary.
///
/// # Errors
/// As [`to_dict`].
pub fn to_object<'py>(py: Python<'py>, variable: &Variable) -> PyResult<Bound<'py, PyAny>> {
    Ok(match variable {
        Variable::Array(array) => to_numpy(py, array)?,
        Variable::Tuple(arrays) => {
            let arrays = arrays.iter().map(|array| to_numpy(py, array));
            PyTuple::new(py, arrays.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
        Variable::Tree(tree) => tree_to_dict(py, tree)?.into_any(),
    })
}

/// Variables from nested mappings of what NumPy takes for arrays, a `FrozenDict` of JAX arrays for example.
///
/// # Errors
/// `TypeError`: no mapping of names to mappings; a leaf that is no array of numbers.
pub fn from_mapping(collections: &Bound<'_, PyAny>) -> PyResult<Variables> {
    let mut variables = Variables::default();
    for (collection, tree) in entries(collections, "variables")? {
        let at = format!("variables[{collection:?}]");
        for (name, variable) in entries(&tree, &at)? {
            let at = format!("{at}[{name:?}]");
            variables.insert(&collection, NO_PATH, &name, from_object(&variable, &at)?);
        }
    }
    Ok(variables)
}

const NO_PATH: &[&str] = &[];

/// The inverse of [`to_object`]; `at` says in messages where the object stands.
///
/// # Errors
/// As [`from_mapping`].
pub fn from_object(object: &Bound<'_, PyAny>, at: &str) -> PyResult<Variable> {
    if object.cast::<PyMapping>().is_ok() {
        let tree = entries(object, at)?.into_iter().map(|(name, variable)| {
            let variable = from_object(&variable, &format!("{at}[{name:?}]"))?;
            Ok((name, variable))
        });
        return Ok(Variable::Tree(tree.collect::<PyResult<Tree>>()?));
    }
    let array = |array: &Bound<'_, PyAny>| {
        from_numpy(array)
            .map_err(|wrong| PyTypeError::new_err(format!("{at}: {}", wrong.value(array.py()))))
    };
    if let Ok(tuple) = object.cast::<PyTuple>() {
        let arrays = tuple.iter().map(|item| array(&item));
        return Ok(Variable::Tuple(arrays.collect::<PyResult<Vec<Array>>>()?));
    }
    Ok(Variable::Array(array(object)?))
}

fn entries<'py>(
    mapping: &Bound<'py, PyAny>,
    at: &str,
) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let wrong = |what: &str, got: &Bound<'py, PyAny>| {
        let got = got.get_type().name().map(|name| name.to_string());
        PyTypeError::new_err(format!(
            "{at}: expected {what}, got {}",
            got.unwrap_or_default()
        ))
    };
    let Ok(given) = mapping.cast::<PyMapping>() else {
        return Err(wrong("a dictionary of names", mapping));
    };
    let items = given.items()?;
    items
        .iter()
        .map(|item| {
            let (name, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = item.extract()?;
            match name.cast::<PyString>() {
                Ok(text) => Ok((text.to_string(), value)),
                Err(_) => Err(wrong("names that are text", &name)),
            }
        })
        .collect()
}
