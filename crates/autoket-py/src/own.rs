//! Modules and models that are written in Python.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use autoket::Result;
use autoket::hilbert;
use autoket::models::{Conditionals, Normalisation};
use autoket::module::{self, Array, Element, Variables, no_method};
use autoket::random::Key;
use pyo3::prelude::*;

use crate::arrays::{from_numpy, to_numpy};
use crate::errors::OrRaise;
use crate::fields::own;
use crate::flax::Scope;
use crate::hilbert::Hilbert;
use crate::models::{Module, Wave};
use crate::module::{from_mapping, to_dict};

/// Names that the library keeps for ever: each class of Python's is remembered once.
static NAMES: Mutex<Option<HashMap<String, &'static str>>> = Mutex::new(None);

fn kept(name: &str) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    if let Some(name) = names.get(name) {
        return name;
    }
    let own: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name.to_owned(), own);
    own
}

/// An array, or a shape and a dtype as Python has them.
pub fn to_input<'py>(py: Python<'py>, array: &Array) -> PyResult<Bound<'py, PyAny>> {
    if !array.is_abstract() {
        return to_numpy(py, array);
    }
    let kind = py
        .import("autoket.nn._shapes")?
        .getattr("ShapeDtypeStruct")?;
    kind.call1((array.shape().to_vec(), array.element().name()))
}

/// The inverse; JAX's `ShapeDtypeStruct` has no values, either.
pub fn from_input(object: &Bound<'_, PyAny>) -> PyResult<Array> {
    let kind = object.get_type().name()?;
    if kind != "ShapeDtypeStruct" {
        return from_numpy(object);
    }
    let shape: Vec<usize> = object.getattr("shape")?.extract()?;
    let zero = object
        .py()
        .import("numpy")?
        .call_method1("zeros", (0, object.getattr("dtype")?))?;
    let element: Element = from_numpy(&zero)?.element();
    Ok(Array::shape_only(&shape, element))
}

/// A module of Python's: its methods are called there, with the scope of the call.
#[derive(Clone)]
struct OwnModule {
    object: Arc<Py<PyAny>>,
    class: &'static str,
    methods: Vec<&'static str>,
}

impl module::Module for OwnModule {
    fn class(&self) -> &'static str {
        self.class
    }

    fn call(&self, scope: &module::Scope, inputs: &[Array]) -> Result<Array> {
        module::Module::method(self, module::CALL, scope, inputs)
    }

    fn methods(&self) -> Vec<&'static str> {
        self.methods.clone()
    }

    fn method(&self, name: &str, scope: &module::Scope, inputs: &[Array]) -> Result<Array> {
        if !self.methods.contains(&name) {
            return Err(no_method(self.class, name, self.methods()).into());
        }
        let called = Python::attach(|py| {
            let inputs = inputs.iter().map(|input| to_input(py, input));
            let inputs = inputs.collect::<PyResult<Vec<_>>>()?;
            let object = self.object.bind(py);
            let output = object.call_method1("_call_in", (Scope(scope.clone()), name, inputs))?;
            from_input(&output)
        });
        called.map_err(own)
    }
}

/// The conditionals of a model of Python's.
struct OwnConditionals {
    object: Arc<Py<PyAny>>,
    hilbert: hilbert::Hilbert,
    order: Vec<usize>,
    machine_pow: u32,
}

impl Conditionals for OwnConditionals {
    fn hilbert(&self) -> &hilbert::Hilbert {
        &self.hilbert
    }

    fn order(&self) -> Vec<usize> {
        self.order.clone()
    }

    fn machine_pow(&self) -> u32 {
        self.machine_pow
    }

    fn init(&self, key: Key) -> Result<Variables> {
        let made = Python::attach(|py| {
            let [high, low] = key.words();
            let variables = self
                .object
                .bind(py)
                .call_method1("_own_init", ((high, low),));
            from_mapping(&variables?)
        });
        made.map_err(own)
    }

    fn log_amplitudes(&self, variables: &Variables, states: &Array) -> Result<Array> {
        let output = Python::attach(|py| {
            let given = (to_dict(py, variables)?, to_numpy(py, states)?);
            from_numpy(
                &self
                    .object
                    .bind(py)
                    .call_method1("_own_log_amplitudes", given)?,
            )
        });
        output.map_err(own)
    }

    fn pull_back(
        &self,
        variables: &Variables,
        states: &Array,
        cotangent: &Array,
    ) -> Result<Option<Variables>> {
        let pulled = Python::attach(|py| {
            let given = (
                to_dict(py, variables)?,
                to_numpy(py, states)?,
                to_numpy(py, cotangent)?,
            );
            let pulled = self.object.bind(py).call_method1("_own_pull_back", given)?;
            match pulled.is_none() {
                true => Ok(None),
                false => from_mapping(&pulled).map(Some),
            }
        });
        pulled.map_err(own)
    }

    fn tabulate(&self, n_samples: usize) -> Result<String> {
        let table = Python::attach(|py| {
            let table = self
                .object
                .bind(py)
                .call_method1("_own_tabulate", (n_samples,));
            table?.extract::<String>()
        });
        table.map_err(own)
    }
}

/// A module that is written in Python.
#[pyfunction]
pub fn own_module(object: Py<PyAny>, class_: &str, methods: Vec<String>) -> Module {
    let module = OwnModule {
        object: Arc::new(object),
        class: kept(class_),
        methods: methods.iter().map(|name| kept(name)).collect(),
    };
    Module::new(Box::new(module), None)
}

/// A model that is written in Python; sites are drawn in this order.
#[pyfunction]
pub fn own_model(
    object: Py<PyAny>,
    class_: &str,
    methods: Vec<String>,
    hilbert: &Hilbert,
    order: Vec<usize>,
    machine_pow: u32,
) -> Module {
    let object = Arc::new(object);
    let of = OwnConditionals {
        object: Arc::clone(&object),
        hilbert: hilbert.0.clone(),
        order,
        machine_pow,
    };
    let module = OwnModule {
        object,
        class: kept(class_),
        methods: methods.iter().map(|name| kept(name)).collect(),
    };
    Module::new(Box::new(module), Some(Wave::Own(Arc::new(of))))
}

/// Log-amplitudes `(sample, site, local state)` of states, masked by the constraints of their space and normalised.
#[pyfunction]
pub fn normalised<'py>(
    hilbert: &Hilbert,
    order: Vec<usize>,
    machine_pow: u32,
    states: Bound<'py, PyAny>,
    log_amplitudes: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let rules = Normalisation::new(&hilbert.0, &order, machine_pow).or_raise()?;
    let log_psi = rules.log_conditionals(&from_numpy(&states)?, &from_numpy(&log_amplitudes)?);
    to_numpy(states.py(), &log_psi.or_raise()?)
}
