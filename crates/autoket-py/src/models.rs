//! Models: fields in, a design out, and its methods by way of the module interface.

use autoket::models::{
    ArnnConv1d, ArnnConv2d, ArnnDense, Design, FastArnnConv1d, FastArnnConv2d, FastArnnDense,
    Features,
};
use autoket::module::{ApplyOptions, Array, Filter, InitOptions, Module, Rngs, TabulateOptions};
use autoket::nn::{Activation, Initializer};
use autoket::random::Key;
use autoket::simd::Precision;
use autoket::{Dtype, Error};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{from_numpy, to_numpy};
use crate::errors::OrRaise;
use crate::hilbert::Hilbert;
use crate::module::{from_mapping, to_dict};

/// An autoregressive model.
#[pyclass(frozen, module = "autoket._native")]
pub struct Model {
    /// The network.
    pub design: Design,
    kind: Kind,
}

/// The reference's networks of masked layers.
enum Kind {
    Dense(ArnnDense),
    Conv1d(ArnnConv1d),
    Conv2d(ArnnConv2d),
    FastDense(FastArnnDense),
    FastConv1d(FastArnnConv1d),
    FastConv2d(FastArnnConv2d),
}

impl Kind {
    fn module(&self) -> Box<dyn Module> {
        match self {
            Self::Dense(model) => Box::new(model.clone()),
            Self::Conv1d(model) => Box::new(model.clone()),
            Self::Conv2d(model) => Box::new(model.clone()),
            Self::FastDense(model) => Box::new(model.clone()),
            Self::FastConv1d(model) => Box::new(model.clone()),
            Self::FastConv2d(model) => Box::new(model.clone()),
        }
    }
}

/// What a field is as the run file writes it: a name, or an object of a name and a number.
fn named<T: serde::de::DeserializeOwned>(field: &str, text: &str) -> PyResult<T> {
    serde_json::from_str(text)
        .map_err(|wrong| PyValueError::new_err(format!("`{field}`: got {text}: {wrong}")))
}

fn two(field: &str, numbers: &[usize]) -> PyResult<[usize; 2]> {
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

fn one(field: &str, numbers: &[usize]) -> PyResult<usize> {
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

#[pymethods]
impl Model {
    /// A network of masked layers; activations and initializers are JSON.
    #[new]
    fn new(
        class: &str,
        hilbert: &Hilbert,
        layers: usize,
        features: Vec<usize>,
        uniform_features: bool,
        kernel_size: Vec<usize>,
        kernel_dilation: Vec<usize>,
        extent: Option<Vec<usize>>,
        activation: &str,
        use_bias: bool,
        param_dtype: &str,
        precision: &str,
        kernel_init: &str,
        bias_init: &str,
        machine_pow: u32,
        order: Option<Vec<usize>>,
        phase: bool,
    ) -> PyResult<Self> {
        let features = match features[..] {
            [features] if uniform_features => Features::Uniform(features),
            _ => Features::List(features),
        };
        let activation: Activation = named("activation", activation)?;
        let param_dtype: Dtype = named("param_dtype", param_dtype)?;
        let precision: Precision = named("precision", precision)?;
        let kernel_init: Initializer = named("kernel_init", kernel_init)?;
        let bias_init: Initializer = named("bias_init", bias_init)?;
        macro_rules! fields {
            ($network:expr) => {{
                let mut network = $network;
                network.features = features;
                network.activation = activation;
                network.use_bias = use_bias;
                network.param_dtype = param_dtype;
                network.precision = precision;
                network.kernel_init = kernel_init;
                network.bias_init = bias_init;
                network.machine_pow = machine_pow;
                network.order = order;
                network.phase = phase;
                network
            }};
        }
        let hilbert = hilbert.0.clone();
        let (design, kind) = match class.trim_start_matches("Fast") {
            "ARNNDense" => {
                let network = fields!(ArnnDense::new(hilbert, layers, 1));
                let design = network.sequential().and_then(|it| it.design());
                (design, Kind::Dense(network))
            }
            "ARNNConv1D" => {
                let kernel = one("kernel_size", &kernel_size)?;
                let mut network = fields!(ArnnConv1d::new(hilbert, layers, 1, kernel));
                network.kernel_dilation = one("kernel_dilation", &kernel_dilation)?;
                let design = network.sequential().and_then(|it| it.design());
                (design, Kind::Conv1d(network))
            }
            _ => {
                let kernel = two("kernel_size", &kernel_size)?;
                let mut network = fields!(ArnnConv2d::new(hilbert, layers, 1, kernel));
                network.kernel_dilation = two("kernel_dilation", &kernel_dilation)?;
                network.extent = extent.map(|it| two("extent", &it)).transpose()?;
                let design = network.sequential().and_then(|it| it.design());
                (design, Kind::Conv2d(network))
            }
        };
        let kind = match (class.starts_with("Fast"), kind) {
            (true, Kind::Dense(network)) => Kind::FastDense(autoket::models::Fast(network)),
            (true, Kind::Conv1d(network)) => Kind::FastConv1d(autoket::models::Fast(network)),
            (true, Kind::Conv2d(network)) => Kind::FastConv2d(autoket::models::Fast(network)),
            (_, kind) => kind,
        };
        Ok(Self {
            design: design.or_raise()?,
            kind,
        })
    }

    /// The output and the variables of a method on fresh parameters.
    fn init_with_output<'py>(
        &self,
        py: Python<'py>,
        key: (u32, u32),
        inputs: Vec<Bound<'py, PyAny>>,
        method: &str,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>)> {
        let module = self.kind.module();
        let rngs = Rngs::from(Key::from_words([key.0, key.1]));
        let options = InitOptions::method(method);
        let (output, variables) = module
            .init_with_output(rngs, &arrays(&inputs)?, options)
            .or_raise()?;
        Ok((to_numpy(py, &output)?, to_dict(py, &variables)?))
    }

    /// The output of a method, and the collections that may be changed, as it leaves them.
    fn apply<'py>(
        &self,
        py: Python<'py>,
        variables: Bound<'py, PyAny>,
        inputs: Vec<Bound<'py, PyAny>>,
        method: &str,
        mutable: Vec<String>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>)> {
        let module = self.kind.module();
        let options = ApplyOptions {
            mutable: Filter::Only(mutable),
            ..ApplyOptions::method(method)
        };
        let (output, changed) = module
            .apply(&from_mapping(&variables)?, &arrays(&inputs)?, options)
            .or_raise()?;
        Ok((to_numpy(py, &output)?, to_dict(py, &changed)?))
    }

    /// The table of the model for these inputs.
    fn tabulate(
        &self,
        key: (u32, u32),
        inputs: Vec<Bound<'_, PyAny>>,
        method: &str,
        depth: Option<usize>,
    ) -> PyResult<String> {
        let module = self.kind.module();
        let options = TabulateOptions {
            method: method.to_owned(),
            depth,
            ..TabulateOptions::default()
        };
        let key = Key::from_words([key.0, key.1]);
        module.tabulate(key, &arrays(&inputs)?, options).or_raise()
    }
}

impl Model {
    /// The type of log ψ.
    pub fn dtype(&self) -> Dtype {
        let dtype = self.design.param_dtype;
        match self.design.head.phase {
            Some(_) => dtype.complex(),
            None => dtype,
        }
    }
}

fn arrays(inputs: &[Bound<'_, PyAny>]) -> PyResult<Vec<Array>> {
    inputs.iter().map(from_numpy).collect()
}

/// JAX's `split`: so many keys from one.
#[pyfunction]
pub fn split(key: (u32, u32), n: u64) -> Vec<(u32, u32)> {
    let key = Key::from_words([key.0, key.1]);
    (0..n).map(|i| key.block(i).into()).collect()
}
