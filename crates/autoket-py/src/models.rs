//! Models: fields in, a module out.

use std::sync::Arc;

use autoket::any::AnyModel;
use autoket::models::{
    ArnnConv1d, ArnnConv2d, ArnnDense, ArnnGatedConv2d, ArnnSequential, Averaged, CausalLayer,
    Conditionals, Design, Fast, Features, GruNet1d, LstmNet, Mask, MaskedModule, Recurrence,
    TensorGru2d,
};
use autoket::module;
use autoket::operator::Symmetries;
use autoket::random::Key;
use autoket::simd::Precision;
use autoket::{Dtype, Error};
use pyo3::prelude::*;

use crate::errors::OrRaise;
use crate::fields::{activation, initializer, named, one, two};
use crate::graph::{Graph, SymmetryGroup};
use crate::hilbert::Hilbert;

/// A module; with a wave function, if it is one.
#[pyclass(frozen, module = "autoket._native")]
pub struct Module {
    /// By Flax's interface.
    pub module: Box<dyn module::Module>,
    /// As states take it.
    pub wave: Option<Wave>,
    layer: Option<MaskedModule>,
}

impl Module {
    /// A module without a wave function of the library.
    pub fn new(module: Box<dyn module::Module>, wave: Option<Wave>) -> Self {
        Self {
            module,
            wave,
            layer: None,
        }
    }

    fn designed(module: Box<dyn module::Module>, design: Result<Design, Error>) -> PyResult<Self> {
        let design = design.or_raise()?;
        Ok(Self::new(module, Some(Wave::Design(Box::new(design)))))
    }
}

/// A wave function.
#[derive(Clone)]
pub enum Wave {
    /// A network of the library.
    Design(Box<Design>),
    /// One that is written in Python.
    Own(Arc<dyn Conditionals>),
    /// One of these, averaged over symmetries.
    Symmetrized(Box<Wave>, Symmetries),
}

impl Wave {
    /// With log ψ of its type.
    ///
    /// # Errors
    /// As [`AnyModel::build`] and [`AnyModel::own`].
    pub fn build(&self) -> Result<AnyModel, Error> {
        match self {
            Self::Design(design) => AnyModel::build(design, design.dtype()),
            Self::Own(of) => AnyModel::own(Arc::clone(of)),
            Self::Symmetrized(of, symmetries) => of.build()?.symmetrized(symmetries.clone()),
        }
    }
}

/// A wave function averaged over a group of permutations, and the spin flip if asked for.
#[pyfunction]
pub fn symmetrized(
    py: Python<'_>,
    model: &Module,
    group: &SymmetryGroup,
    spin_flip: bool,
) -> PyResult<Module> {
    let wave = crate::vqs::wave(model)?.clone();
    let symmetries = Symmetries::new(&group.0, spin_flip);
    let wave = Wave::Symmetrized(Box::new(wave), symmetries.clone());
    let machine_pow = py.detach(|| wave.build()).or_raise()?.machine_pow();
    let module = Averaged {
        module: model.module.clone(),
        symmetries,
        machine_pow,
    };
    Ok(Module::new(Box::new(module), Some(wave)))
}

/// The fields that all networks have: param_dtype, precision, kernel_init, bias_init, machine_pow, phase.
type Common<'py> = (
    String,
    String,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    u32,
    bool,
);

/// Sets them.
macro_rules! common {
    ($network:ident, $common:expr) => {
        let (param_dtype, precision, kernel_init, bias_init, machine_pow, phase) = $common;
        $network.param_dtype = named("param_dtype", &param_dtype)?;
        $network.precision = named::<Precision>("precision", &precision)?;
        $network.kernel_init = initializer("kernel_init", &kernel_init)?;
        $network.bias_init = initializer("bias_init", &bias_init)?;
        $network.machine_pow = machine_pow;
        $network.phase = phase;
    };
}

fn features(features: Vec<usize>, uniform: bool) -> Features {
    match features[..] {
        [features] if uniform => Features::Uniform(features),
        _ => Features::List(features),
    }
}

/// A network, in the form with a cache or without, and its design; a macro, for the forms are of different types.
macro_rules! module_of {
    ($network:expr, $fast:expr) => {{
        let network = $network;
        let design = network.sequential().and_then(|it| it.design());
        let module: Box<dyn module::Module> = match $fast {
            true => Box::new(Fast(network)),
            false => Box::new(network),
        };
        Module::designed(module, design)?
    }};
}

/// A network of masked layers; activations and initializers are JSON, or functions.
#[pyfunction]
pub fn masked_network(
    class_: &str,
    hilbert: &Hilbert,
    layers: usize,
    features_: Vec<usize>,
    uniform_features: bool,
    kernel_size: Vec<usize>,
    kernel_dilation: Vec<usize>,
    extent: Option<Vec<usize>>,
    activation_: Bound<'_, PyAny>,
    use_bias: bool,
    order: Option<Vec<usize>>,
    common: Common<'_>,
) -> PyResult<Module> {
    let features = features(features_, uniform_features);
    let activation = activation(&activation_)?;
    macro_rules! fields {
        ($network:expr) => {{
            let mut network = $network;
            network.features = features;
            network.activation = activation;
            network.use_bias = use_bias;
            network.order = order;
            common!(network, common);
            network
        }};
    }
    let hilbert = hilbert.0.clone();
    let fast = class_.starts_with("Fast");
    Ok(match class_.trim_start_matches("Fast") {
        "ARNNDense" => module_of!(fields!(ArnnDense::new(hilbert, layers, 1)), fast),
        "ARNNConv1D" => {
            let kernel = one("kernel_size", &kernel_size)?;
            let mut network = fields!(ArnnConv1d::new(hilbert, layers, 1, kernel));
            network.kernel_dilation = one("kernel_dilation", &kernel_dilation)?;
            module_of!(network, fast)
        }
        _ => {
            let kernel = two("kernel_size", &kernel_size)?;
            let mut network = fields!(ArnnConv2d::new(hilbert, layers, 1, kernel));
            network.kernel_dilation = two("kernel_dilation", &kernel_dilation)?;
            network.extent = extent.map(|it| two("extent", &it)).transpose()?;
            module_of!(network, fast)
        }
    })
}

/// A network of cells; `recurrence` is the order of sites and whose memory each reads, -1 for none.
#[pyfunction]
pub fn recurrent_network(
    class_: &str,
    hilbert: &Hilbert,
    layers: usize,
    features_: Vec<usize>,
    uniform_features: bool,
    recurrence: Option<(Vec<usize>, Vec<Vec<i64>>)>,
    common: Common<'_>,
) -> PyResult<Module> {
    let recurrence = recurrence.map(|(order, previous)| {
        let site = |&site: &i64| usize::try_from(site).ok();
        let previous = previous.iter().map(|list| list.iter().map(site).collect());
        Recurrence::new(order, previous.collect()).or_raise()
    });
    let recurrence = recurrence.transpose()?;
    macro_rules! fields {
        ($network:expr) => {{
            let mut network = $network;
            network.features = features(features_, uniform_features);
            network.recurrence = recurrence;
            common!(network, common);
            network
        }};
    }
    let hilbert = hilbert.0.clone();
    let fast = class_.starts_with("Fast");
    Ok(match class_.trim_start_matches("Fast") {
        "LSTMNet" => module_of!(fields!(LstmNet::new(hilbert, layers, 1)), fast),
        _ => module_of!(fields!(GruNet1d::new(hilbert, layers, 1)), fast),
    })
}

/// The library's gated convolutions.
#[pyfunction]
pub fn gated_network(
    hilbert: &Hilbert,
    layers: usize,
    features: usize,
    kernel_size: [usize; 2],
    extent: Option<[usize; 2]>,
    order: Option<Vec<usize>>,
    common: Common<'_>,
) -> PyResult<Module> {
    let mut network = ArnnGatedConv2d::new(hilbert.0.clone(), layers, features, kernel_size);
    network.extent = extent;
    network.order = order;
    common!(network, common);
    let design = network.design();
    Module::designed(Box::new(network), design)
}

/// The library's tensorised cells on a lattice.
#[pyfunction]
pub fn tensor_gru_network(
    hilbert: &Hilbert,
    extent: [usize; 2],
    features: usize,
    order: Option<Vec<usize>>,
    common: Common<'_>,
) -> PyResult<Module> {
    let mut network = TensorGru2d::new(hilbert.0.clone(), extent, features);
    network.order = order;
    common!(network, common);
    let design = network.design();
    Module::designed(Box::new(network), design)
}

/// A masked layer.
#[pyfunction]
pub fn masked_layer(
    kind: &str,
    cached: bool,
    lattice: Option<Vec<usize>>,
    features: usize,
    kernel_size: Vec<usize>,
    kernel_dilation: Vec<usize>,
    exclusive: bool,
    use_bias: bool,
    param_dtype: &str,
    precision: &str,
    kernel_init: Bound<'_, PyAny>,
    bias_init: Bound<'_, PyAny>,
) -> PyResult<Module> {
    let mask = match kind {
        "Dense1D" => Mask::Dense1d,
        "Conv1D" => Mask::Conv1d {
            kernel_size: one("kernel_size", &kernel_size)?,
            kernel_dilation: one("kernel_dilation", &kernel_dilation)?,
        },
        _ => Mask::Conv2d {
            kernel_size: two("kernel_size", &kernel_size)?,
            kernel_dilation: two("kernel_dilation", &kernel_dilation)?,
        },
    };
    let layer = MaskedModule {
        use_bias,
        param_dtype: named("param_dtype", &format!("\"{param_dtype}\""))?,
        precision: named("precision", &format!("\"{precision}\""))?,
        kernel_init: initializer("kernel_init", &kernel_init)?,
        bias_init: initializer("bias_init", &bias_init)?,
        lattice,
        cached,
        ..MaskedModule::new(mask, features, exclusive)
    };
    Ok(Module {
        module: Box::new(layer.clone()),
        wave: None,
        layer: Some(layer),
    })
}

/// A network of masked layers that are given as NetKet's attributes `_layers`.
#[pyfunction]
pub fn sequential_network(
    hilbert: &Hilbert,
    layers: Vec<PyRef<'_, Module>>,
    fast: bool,
    activation_: Bound<'_, PyAny>,
    param_dtype: &str,
    machine_pow: u32,
    order: Option<Vec<usize>>,
    phase: bool,
) -> PyResult<Module> {
    let layers = layers.iter().map(|layer| {
        let layer = layer.layer.clone();
        let layer: Option<Arc<dyn CausalLayer>> = layer.map(|it| Arc::new(it) as _);
        layer.ok_or_else(|| {
            let cure = "take MaskedDense1D, MaskedConv1D or MaskedConv2D";
            let error = Error::invalid("_layers", "masked layers of nk.nn", "another", cure);
            crate::errors::exception(error)
        })
    });
    let layers = layers.collect::<PyResult<Vec<_>>>()?;
    let param_dtype: Dtype = named("param_dtype", &format!("\"{param_dtype}\""))?;
    let network = ArnnSequential {
        activation: activation(&activation_)?,
        machine_pow,
        param_dtype,
        order,
        phase,
        ..ArnnSequential::new(hilbert.0.clone(), layers)
    };
    let design = network.design();
    let module: Box<dyn module::Module> = match fast {
        true => Box::new(Fast(network)),
        false => Box::new(network),
    };
    Module::designed(module, design)
}

/// The order of sites that a graph gives, and whose memory each reads, -1 for none.
#[pyfunction]
pub fn recurrence(
    graph: &Graph,
    order: Option<Vec<usize>>,
) -> PyResult<(Vec<usize>, Vec<Vec<i64>>)> {
    let recurrence = match order {
        None => Recurrence::over(&graph.0),
        Some(order) => Recurrence::with_neighbours_of(&graph.0, order),
    };
    let recurrence = recurrence.or_raise()?;
    let site = |site: &Option<usize>| site.map_or(-1, |site| site as i64);
    let previous = recurrence.previous().iter();
    let previous = previous.map(|list| list.iter().map(site).collect());
    Ok((recurrence.order().to_vec(), previous.collect()))
}

/// JAX's `split`: so many keys from one.
#[pyfunction]
pub fn split(key: (u32, u32), n: u64) -> Vec<(u32, u32)> {
    let key = Key::from_words([key.0, key.1]);
    (0..n).map(|i| key.block(i).into()).collect()
}
