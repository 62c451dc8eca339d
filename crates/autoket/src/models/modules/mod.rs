//! The networks as [modules](crate::module): numbers from the engine, names and shapes from their layers.

mod layer;
mod stack;
mod table;

pub(super) use table::tabulate;

use self::layer::{Cache, UPDATE_SITE};
use self::stack::{ScopedLayers, Stack, scoped};
use super::{Ansatz, Arnn, ArnnConv1d, ArnnConv2d, ArnnDense, Autoregressive, Features};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::module::{Array, CALL, Element, Module, Scope, no_method, with_dtype};
use crate::nn::Activation;
use crate::scalar::{Dtype, Scalar};

/// A network with a cache of its layers' inputs, by which the reference draws site by site.
///
/// The numbers are those of the network itself. The method `conditional` makes and updates the collection `cache`,
/// for which it must be called with index 0, 1, 2, … in turn. NetKet: `FastARNNDense` and its kin.
///
/// ```
/// use autoket::hilbert::Hilbert;
/// use autoket::models::{ArnnConv2d, Fast};
/// use autoket::module::{Array, InitOptions, Module};
/// use autoket::random::Key;
/// let fast = Fast(ArnnConv2d::new(Hilbert::spin(0.5, 9)?, 2, 3, [2, 3]));
/// let inputs = [Array::configurations(9, &[1; 36])?, Array::index(0)];
/// let (_, variables) = fast.init_with_output(Key::new(0), &inputs, InitOptions::method("conditional"))?;
/// assert_eq!(variables.array("cache", "_layers_1/inputs")?.to_string(), "float64[4,2,3,3]");
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fast<N>(pub N);

/// NetKet: `FastARNNDense`.
pub type FastArnnDense = Fast<ArnnDense>;
/// NetKet: `FastARNNConv1D`.
pub type FastArnnConv1d = Fast<ArnnConv1d>;
/// NetKet: `FastARNNConv2D`.
pub type FastArnnConv2d = Fast<ArnnConv2d>;

/// What the networks have in common.
pub(crate) trait Network: Clone + 'static {
    /// The names of the class, without and with a cache.
    const CLASSES: [&'static str; 2];
    fn fields(&self) -> Vec<(&'static str, String)>;
    fn hilbert(&self) -> &Hilbert;
    fn activation(&self) -> &Activation;
    fn order(&self) -> Option<&[usize]>;
    fn param_dtype(&self) -> Dtype;
    fn engine<S: Scalar>(&self) -> Result<Arnn<S>>;
    /// The form of the first layer's cache, or of another one's.
    fn cache(&self, is_first: bool) -> Cache;
}

/// What a method needs of the network.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    LogPsi,
    LogConditionals,
    Conditionals,
}

/// A network's methods by name; with a cache if `is_fast`.
fn method<N: Network>(
    network: &N,
    is_fast: bool,
    name: &str,
    scope: &Scope,
    inputs: &[Array],
) -> Result<Array> {
    let class = N::CLASSES[usize::from(is_fast)];
    let x = inputs
        .first()
        .ok_or_else(|| wrong_inputs(network, inputs))?;
    let batch = |x: &Array| match x.ndim() {
        1 => x.reshape(&[1, x.size()]),
        _ => Ok(x.clone()),
    };
    let whole = |x: &Array, wanted| whole(network, is_fast, scope, x, wanted);
    match (name, inputs.len()) {
        (CALL, 1) => whole(&batch(x)?, Wanted::LogPsi),
        ("conditionals_log_psi", 1) => whole(x, Wanted::LogConditionals),
        ("conditionals", 1) => whole(&batch(x)?, Wanted::Conditionals),
        ("conditional", 2) if is_fast => cached(network, scope, &batch(x)?, site(&inputs[1])?),
        ("conditional", 2) => whole(x, Wanted::Conditionals)?.at(1, site(&inputs[1])?),
        ("reorder" | "inverse_reorder", 1) => match network.order() {
            None => Ok(x.clone()),
            Some(order) if name == "reorder" => permuted(x, order),
            Some(order) => {
                let mut inverse = vec![0; order.len()];
                for (k, &site) in order.iter().enumerate() {
                    inverse[site] = k;
                }
                permuted(x, &inverse)
            }
        },
        ("reshape_inputs", 1) => {
            let layers = layers(network)?;
            let n_samples = check_configurations(network, x)?;
            match layers[0].1[0].lattice() {
                [_] => Ok(x.clone()),
                lattice => x.reshape(&[&[n_samples], lattice].concat()),
            }
        }
        (name, _) if METHODS.contains(&name) => Err(wrong_inputs(network, inputs)),
        _ => Err(no_method(class, name, METHODS.to_vec()).into()),
    }
}

/// The lines of the first axis in another order.
fn permuted(x: &Array, order: &[usize]) -> Result<Array> {
    if x.ndim() == 0 || x.shape()[0] != order.len() {
        return Err(Error::invalid(
            "inputs",
            format!(
                "{} lines along the first axis, as there are sites",
                order.len()
            ),
            format!("{:?}", x.shape()),
            "put the sites along the first axis",
        ));
    }
    if x.is_abstract() {
        return Ok(x.clone());
    }
    let line = x.size() / order.len();
    let places = || order.iter().flat_map(|&k| k * line..(k + 1) * line);
    if x.element().is_integer() {
        let values = x.to_integers()?;
        let values = places().map(|i| values[i]).collect();
        return Array::integers(x.shape(), x.element(), values);
    }
    with_dtype!(inexact(x.element())?, S => {
        let values = x.values::<S>()?;
        Array::new::<S>(x.shape(), places().map(|i| values[i]).collect())
    })
}

const METHODS: &[&str] = &[
    CALL,
    "conditionals_log_psi",
    "conditionals",
    "conditional",
    "reorder",
    "inverse_reorder",
    "reshape_inputs",
];

fn layers<N: Network>(network: &N) -> Result<Vec<ScopedLayers>> {
    with_dtype!(network.param_dtype(), S => Ok(scoped(&network.engine::<S>()?)))
}

/// A quantity of whole configurations.
fn whole<N: Network>(
    network: &N,
    is_fast: bool,
    scope: &Scope,
    x: &Array,
    wanted: Wanted,
) -> Result<Array> {
    let n_samples = check_configurations(network, x)?;
    let cache = |is_first| is_fast.then(|| network.cache(is_first));
    let stack = Stack::new(scope, layers(network)?, network.param_dtype(), cache, CALL)?;
    let element = stack.element(x);
    let conditionals = [
        n_samples,
        network.hilbert().n_sites(),
        network.hilbert().local_size(),
    ];
    if x.is_abstract() {
        let outputs = stack.shapes(n_samples, x);
        stack.call(x, outputs, network.activation())?;
        return Ok(match wanted {
            Wanted::LogPsi => Array::shape_only(&[n_samples], element),
            Wanted::LogConditionals => Array::shape_only(&conditionals, element),
            Wanted::Conditionals => Array::shape_only(&conditionals, element).real(),
        });
    }
    with_dtype!(inexact(element)?, S => {
        let engine = network.engine::<S>()?;
        let theta = stack.theta(&engine)?.values;
        let sigma = network.hilbert().indices_of(&x.values::<f64>()?)?;
        if scope.is_watched() {
            let outputs = stack.outputs(x, engine.layer_outputs(&theta, &sigma))?;
            stack.call(x, outputs, network.activation())?;
        }
        match wanted {
            Wanted::LogPsi => Array::new(&[n_samples], engine.log_psi(&theta, &sigma)),
            Wanted::LogConditionals => {
                Array::new(&conditionals, engine.conditionals_log_psi(&theta, &sigma))
            }
            Wanted::Conditionals => {
                let p = Array::new(&conditionals, engine.conditionals(&theta, &sigma))?;
                Ok(p.cast(Array::shape_only(&[], element).real().element()))
            }
        }
    })
}

/// The conditional probabilities of one site, by the way through the cache.
fn cached<N: Network>(network: &N, scope: &Scope, x: &Array, index: usize) -> Result<Array> {
    let n_samples = check_configurations(network, x)?;
    let (n_sites, local_size) = (network.hilbert().n_sites(), network.hilbert().local_size());
    if index >= n_sites {
        return Err(Error::invalid(
            "index",
            format!("a site, less than {n_sites}"),
            index,
            "sites are numbered from 0",
        ));
    }
    let cache = |is_first| Some(network.cache(is_first));
    let param_dtype = network.param_dtype();
    let stack = Stack::new(scope, layers(network)?, param_dtype, cache, UPDATE_SITE)?;
    let element = stack.element(x);
    let real = Array::shape_only(&[], element).real().element();
    if x.is_abstract() {
        let outputs = stack.shapes(n_samples, x);
        stack.update_site(x, index, outputs, network.activation())?;
        return Ok(Array::shape_only(&[n_samples, local_size], real));
    }
    with_dtype!(inexact(element)?, S => {
        let engine = network.engine::<S>()?;
        let theta = stack.theta(&engine)?.values;
        let sigma = network.hilbert().indices_of(&x.values::<f64>()?)?;
        let outputs = stack.outputs(x, engine.layer_outputs(&theta, &sigma))?;
        stack.update_site(x, index, outputs, network.activation())?;
        let p = engine.conditional(&theta, &sigma, index);
        Ok(Array::new(&[n_samples, local_size], p)?.cast(real))
    })
}

/// The index of a site, as an input.
fn site(index: &Array) -> Result<usize> {
    match index.to_integers()?.as_slice() {
        [index] => usize::try_from(*index)
            .map_err(|_| Error::invalid("index", "a site", index, "sites are numbered from 0")),
        _ => Err(Error::invalid(
            "index",
            "a single integer",
            index,
            "pass `Array::index`",
        )),
    }
}

fn inexact(element: Element) -> Result<Dtype> {
    match element {
        Element::Inexact(dtype) => Ok(dtype),
        integer => Err(Error::invalid(
            "dtype",
            "a float",
            integer,
            "pass variables of the network",
        )),
    }
}

fn check_configurations<N: Network>(network: &N, x: &Array) -> Result<usize> {
    match x.shape() {
        [n_samples, n_sites] if *n_sites == network.hilbert().n_sites() => Ok(*n_samples),
        _ => Err(wrong_inputs(network, std::slice::from_ref(x))),
    }
}

fn wrong_inputs<N: Network>(network: &N, inputs: &[Array]) -> Error {
    let got: Vec<String> = inputs.iter().map(Array::to_string).collect();
    Error::invalid(
        "inputs",
        format!("configurations (batch, {})", network.hilbert().n_sites()),
        got.join(", "),
        "pass one array of local states, and for `conditional` the index of a site",
    )
}

impl<N: Network> Module for N {
    fn class(&self) -> &'static str {
        N::CLASSES[0]
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        Network::fields(self)
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        method(self, false, CALL, scope, inputs)
    }

    fn methods(&self) -> Vec<&'static str> {
        METHODS.to_vec()
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        method(self, false, name, scope, inputs)
    }
}

impl<N: Network> Module for Fast<N> {
    fn class(&self) -> &'static str {
        N::CLASSES[1]
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        Network::fields(&self.0)
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        method(&self.0, true, CALL, scope, inputs)
    }

    fn methods(&self) -> Vec<&'static str> {
        METHODS.to_vec()
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        method(&self.0, true, name, scope, inputs)
    }
}

/// The fields that all networks have, of which `own` are those of one.
macro_rules! fields {
    ($network:expr, [$($own:ident),*]) => {{
        let network = $network;
        let features = match &network.features {
            Features::Uniform(features) => features.to_string(),
            Features::List(features) => format!("{features:?}"),
        };
        vec![
            ("hilbert", network.hilbert.to_string()),
            ("layers", network.layers.to_string()),
            ("features", features),
            $((stringify!($own), format!("{:?}", network.$own)),)*
            ("activation", format!("{:?}", network.activation)),
            ("use_bias", network.use_bias.to_string()),
            ("param_dtype", network.param_dtype.to_string()),
            ("precision", format!("{:?}", network.precision)),
            ("kernel_init", format!("{:?}", network.kernel_init)),
            ("bias_init", format!("{:?}", network.bias_init)),
            ("machine_pow", network.machine_pow.to_string()),
        ]
    }};
}

macro_rules! network {
    ($network:ident, $classes:expr, $own:tt, |$this:ident, $is_first:ident| $cache:expr) => {
        impl Network for $network {
            const CLASSES: [&'static str; 2] = $classes;
            fn fields(&self) -> Vec<(&'static str, String)> {
                fields!(self, $own)
            }
            fn hilbert(&self) -> &Hilbert {
                &self.hilbert
            }
            fn activation(&self) -> &Activation {
                &self.activation
            }

            fn order(&self) -> Option<&[usize]> {
                self.order.as_deref()
            }
            fn param_dtype(&self) -> Dtype {
                self.param_dtype
            }
            fn engine<S: Scalar>(&self) -> Result<Arnn<S>> {
                self.build()
            }
            fn cache(&self, $is_first: bool) -> Cache {
                let $this = self;
                $cache
            }
        }
    };
}

network!(
    ArnnDense,
    ["ARNNDense", "FastARNNDense"],
    [],
    |this, _is_first| Cache::Sites(this.hilbert.n_sites())
);
network!(
    ArnnConv1d,
    ["ARNNConv1D", "FastARNNConv1D"],
    [kernel_size, kernel_dilation],
    |this, is_first| {
        // The first kernel has an entry less, and its last one a dilation's distance to the site.
        let last = if is_first {
            0
        } else {
            this.kernel_dilation - 1
        };
        let entries = this.kernel_size - usize::from(is_first);
        Cache::Window(entries * this.kernel_dilation - last)
    }
);
network!(
    ArnnConv2d,
    ["ARNNConv2D", "FastARNNConv2D"],
    [extent, kernel_size, kernel_dilation],
    |this, _is_first| {
        let n_sites = this.hilbert.n_sites();
        let columns = this.extent.map_or(n_sites.isqrt(), |extent| extent[1]);
        Cache::Rows([
            (this.kernel_size[0] - 1) * this.kernel_dilation[0] + 1,
            columns,
        ])
    }
);
