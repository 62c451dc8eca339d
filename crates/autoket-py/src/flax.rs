//! Flax's interface of modules: calls, scopes, tables.

use autoket::module::{
    self, ApplyOptions, Array, CaptureFilter, Filter, InitOptions, Module as _, Rngs,
    TabulateOptions, Variables,
};
use autoket::random::Key;
use autoket::{Dtype, Result as Outcome};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{from_numpy, to_numpy};
use crate::errors::OrRaise;
use crate::fields::{named, own};
use crate::models::{Module, Wave};
use crate::module::{from_mapping, from_object, to_dict, to_object};
use crate::own::{from_input, to_input};
use crate::threads::at_work;

/// Streams of keys by name.
type Streams = Vec<(String, (u32, u32))>;

/// All but these names, or these alone.
type Names = (bool, Vec<String>);

fn rngs(streams: Streams) -> Rngs {
    streams
        .into_iter()
        .map(|(name, (high, low))| (name, Key::from_words([high, low])))
        .collect()
}

fn filter((all_but, names): Names) -> Filter {
    match (all_but, names.is_empty()) {
        (true, true) => Filter::All,
        (true, false) => Filter::AllBut(names),
        (false, true) => Filter::None,
        (false, false) => Filter::Only(names),
    }
}

/// Outputs of all modules; Python chooses among them.
fn capture(capture: bool) -> Option<CaptureFilter> {
    capture.then_some(|_: &dyn module::Module, _: &str| true)
}

fn arrays(inputs: &[Bound<'_, PyAny>]) -> PyResult<Vec<Array>> {
    inputs.iter().map(from_input).collect()
}

/// An output and variables.
type WithVariables<'py> = (Bound<'py, PyAny>, Bound<'py, PyDict>);

fn given_back<'py>(
    py: Python<'py>,
    outcome: Outcome<(Array, Variables)>,
) -> PyResult<WithVariables<'py>> {
    let (output, variables) = outcome.or_raise()?;
    Ok((to_input(py, &output)?, to_dict(py, &variables)?))
}

#[pymethods]
impl Module {
    /// Builds the wave function, and forgets it: what cannot be built is refused.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        match &self.wave {
            Some(wave) => py.detach(|| wave.build().map(drop)).or_raise(),
            None => Ok(()),
        }
    }

    /// Which sites are read for one, as a picture; none of a model of Python's.
    fn to_svg(&self, extent: [usize; 2], site: usize) -> PyResult<Option<String>> {
        match &self.wave {
            Some(Wave::Design(design)) => design.to_svg(extent, site).map(Some).or_raise(),
            _ => Ok(None),
        }
    }

    /// Layers and what they pass on, as a picture; none of a model of Python's.
    fn flow_svg(&self) -> PyResult<Option<String>> {
        match &self.wave {
            Some(Wave::Design(design)) => design.flow_svg().map(Some).or_raise(),
            _ => Ok(None),
        }
    }

    /// The output and the variables of a method on fresh parameters.
    fn init_with_output<'py>(
        &self,
        py: Python<'py>,
        streams: Streams,
        inputs: Vec<Bound<'py, PyAny>>,
        method: &str,
        mutable: Names,
        captured: bool,
    ) -> PyResult<WithVariables<'py>> {
        let options = InitOptions {
            method: method.to_owned(),
            mutable: filter(mutable),
            capture_intermediates: capture(captured),
        };
        let (rngs, inputs) = (rngs(streams), arrays(&inputs)?);
        let made = at_work(py, || self.module.init_with_output(rngs, &inputs, options))?;
        given_back(py, made)
    }

    /// The output of a method, and the collections that may be changed, as it leaves them.
    fn apply<'py>(
        &self,
        py: Python<'py>,
        variables: Bound<'py, PyAny>,
        streams: Streams,
        inputs: Vec<Bound<'py, PyAny>>,
        method: &str,
        mutable: Names,
        captured: bool,
    ) -> PyResult<WithVariables<'py>> {
        let options = ApplyOptions {
            method: method.to_owned(),
            mutable: filter(mutable),
            rngs: rngs(streams),
            capture_intermediates: capture(captured),
        };
        let (variables, inputs) = (from_mapping(&variables)?, arrays(&inputs)?);
        let applied = at_work(py, || self.module.apply(&variables, &inputs, options))?;
        given_back(py, applied)
    }

    /// A place at the top of variables.
    fn bind(
        &self,
        variables: Bound<'_, PyAny>,
        streams: Streams,
        mutable: Names,
    ) -> PyResult<Scope> {
        let bound = self
            .module
            .bind(&from_mapping(&variables)?, rngs(streams), filter(mutable))
            .or_raise()?;
        Ok(Scope(bound.scope().clone()))
    }

    /// Paths, classes and texts of all modules that are called.
    fn module_paths(
        &self,
        py: Python<'_>,
        streams: Streams,
        inputs: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<Vec<(String, String, String)>> {
        let (rngs, inputs) = (rngs(streams), arrays(&inputs)?);
        let paths = at_work(py, || self.module.module_paths(rngs, &inputs))?;
        let shown = paths.or_raise()?.into_iter();
        Ok(shown
            .map(|(path, module)| (path, module.class().to_owned(), module.to_string()))
            .collect())
    }

    /// The table of the model for these inputs.
    fn tabulate(
        &self,
        py: Python<'_>,
        streams: Streams,
        inputs: Vec<Bound<'_, PyAny>>,
        method: &str,
        mutable: Names,
        depth: Option<usize>,
        show_repeated: bool,
        exclude_methods: Vec<String>,
    ) -> PyResult<String> {
        let options = TabulateOptions {
            method: method.to_owned(),
            mutable: filter(mutable),
            depth,
            show_repeated,
            exclude_methods,
        };
        let (rngs, inputs) = (rngs(streams), arrays(&inputs)?);
        at_work(py, || self.module.tabulate(rngs, &inputs, options))?.or_raise()
    }
}

/// A module's place in a tree of variables.
#[pyclass(frozen, module = "autoket._native")]
pub struct Scope(pub module::Scope);

#[pymethods]
impl Scope {
    fn path(&self) -> Vec<String> {
        self.0.path().to_vec()
    }

    /// The output of a module's method at this place.
    fn run<'py>(
        &self,
        py: Python<'py>,
        module: &Module,
        method: &str,
        inputs: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inputs = arrays(&inputs)?;
        let output = at_work(py, || self.0.run(&*module.module, method, &inputs))?;
        to_input(py, &output.or_raise()?)
    }

    /// The place of a submodule, with an automatic name if none is given.
    fn child(&self, module: &Module, name: Option<&str>) -> PyResult<Self> {
        let module = module.module.clone();
        let bound = match name {
            None => self.0.child(module),
            Some(name) => self.0.named(name, module),
        };
        Ok(Self(bound.or_raise()?.scope().clone()))
    }

    fn param<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        init: Bound<'py, PyAny>,
        shape: Vec<usize>,
        dtype: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let dtype: Dtype = named("dtype", &format!("\"{dtype}\""))?;
        let made = |key: Key, shape: &[usize], dtype: Dtype| -> Outcome<Array> {
            let [high, low] = key.words();
            let values = init.call1(((high, low), shape.to_vec(), dtype.to_string()));
            values.and_then(|values| from_numpy(&values)).map_err(own)
        };
        let array = self.0.param(name, made, &shape, dtype).or_raise()?;
        to_input(py, &array)
    }

    fn variable<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        name: &str,
        init: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = || init.call0().and_then(|it| from_numpy(&it)).map_err(own);
        let array = self.0.variable(collection, name, made).or_raise()?;
        to_numpy(py, &array)
    }

    fn get_variable<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        name: &str,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.0.get_variable(collection, name);
        found.map(|found| to_object(py, &found)).transpose()
    }

    fn put_variable(&self, collection: &str, name: &str, value: Bound<'_, PyAny>) -> PyResult<()> {
        let value = from_object(&value, name)?;
        self.0.put_variable(collection, name, value).or_raise()
    }

    fn has_variable(&self, collection: &str, name: &str) -> bool {
        self.0.has_variable(collection, name)
    }

    fn variables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        to_dict(py, &self.0.variables())
    }

    fn sow(&self, collection: &str, name: &str, value: Bound<'_, PyAny>) -> PyResult<bool> {
        let value = from_numpy(&value)?;
        self.0.sow(collection, name, value).or_raise()
    }

    fn perturb<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        value: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let perturbed = self.0.perturb(name, &from_numpy(&value)?).or_raise()?;
        to_numpy(py, &perturbed)
    }

    fn is_mutable_collection(&self, collection: &str) -> bool {
        self.0.is_mutable_collection(collection)
    }

    fn is_initializing(&self) -> bool {
        self.0.is_initializing()
    }

    fn has_rng(&self, stream: &str) -> bool {
        self.0.has_rng(stream)
    }

    fn make_rng(&self, stream: &str) -> PyResult<(u32, u32)> {
        let [high, low] = self.0.make_rng(stream).or_raise()?.words();
        Ok((high, low))
    }
}
