//! The networks as [modules](crate::module): numbers from the engine, names and shapes from their layers.

use std::sync::Arc;

use super::{Ansatz, Arnn, ArnnConv1d, ArnnConv2d, ArnnDense, Autoregressive, Features};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::module::{
    Array, Bound, CALL, Element, Module, Scope, TabulateOptions, no_method, with_dtype,
};
use crate::nn::{Activation, MaskedLayer};
use crate::params::Params;
use crate::random::Key;
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
    fn param_dtype(&self) -> Dtype;
    fn engine<S: Scalar>(&self) -> Result<Arnn<S>>;
    /// The form of the first layer's cache, or of another one's.
    fn cache(&self, is_first: bool) -> Cache;
}

/// The form in which a layer's past inputs are kept.
#[derive(Clone, Copy)]
pub(crate) enum Cache {
    /// All sites.
    Sites(usize),
    /// The last sites, newest last.
    Window(usize),
    /// The last rows of the lattice, newest last.
    Rows([usize; 2]),
}

/// A layer as a submodule: parameters and cache; its output is given to it.
#[derive(Clone)]
struct Layer {
    class: &'static str,
    /// Those that share its scope: a cell may have several.
    masked: Arc<[MaskedLayer]>,
    param_dtype: Dtype,
    is_first: bool,
    cache: Option<Cache>,
    output: Option<Array>,
}

/// The name of the method by which a cached layer takes a site.
const UPDATE_SITE: &str = "update_site";

impl Module for Layer {
    fn class(&self) -> &'static str {
        self.class
    }

    fn call(&self, scope: &Scope, _: &[Array]) -> Result<Array> {
        self.parameters(scope, CALL)?;
        self.given_output()
    }

    fn methods(&self) -> Vec<&'static str> {
        match self.cache {
            Some(_) => vec![CALL, UPDATE_SITE],
            None => vec![CALL],
        }
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        match (name, self.cache) {
            (CALL, _) => self.call(scope, inputs),
            (UPDATE_SITE, Some(cache)) => {
                self.parameters(scope, UPDATE_SITE)?;
                self.update_cache(cache, scope, inputs)?;
                self.given_output()
            }
            _ => Err(no_method(self.class, name, self.methods()).into()),
        }
    }
}

impl Layer {
    /// Makes or checks the parameters, in the order in which the reference draws their keys.
    fn parameters(&self, scope: &Scope, method: &str) -> Result<()> {
        let arrays = |masked: &'_ MaskedLayer| masked.keys().collect::<Vec<_>>();
        let arrays = self.masked.iter().map(|masked| (masked, arrays(masked)));
        for (masked, mut arrays) in arrays {
            arrays.sort_by_key(|&(_, key)| key);
            // The reference's cached convolutions make kernel and bias in the other order when they update a site.
            if method == UPDATE_SITE && !matches!(self.cache, Some(Cache::Sites(_))) {
                arrays.reverse();
            }
            for (name, _) in arrays {
                let leaves = masked.leaves().into_iter();
                for leaf in leaves.filter(|leaf| leaf.name == name) {
                    let init = |key: Key, shape: &[usize], dtype: Dtype| with_dtype!(dtype, S => Array::new::<S>(shape, masked.init(name, key)?));
                    scope.param(name, init, &leaf.shape, self.param_dtype)?;
                }
            }
        }
        Ok(())
    }

    /// Puts the input of a site into the cache, unless this is `init`.
    fn update_cache(&self, cache: Cache, scope: &Scope, inputs: &[Array]) -> Result<()> {
        let (x, index) = (&inputs[0], site(&inputs[1])?);
        let element = x.element().promote(self.param_dtype.into());
        let [batch, features] = [x.shape()[0], x.shape()[1]];
        let inner = match cache {
            Cache::Sites(n) | Cache::Window(n) => vec![n],
            Cache::Rows(rows) => rows.to_vec(),
        };
        let shape = [&[batch], inner.as_slice(), &[features]].concat();
        let old = scope.variable("cache", "inputs", || Ok(Array::zeros(&shape, element)))?;
        if scope.is_initializing() {
            return Ok(());
        }
        let new = match index.checked_sub(usize::from(self.is_first)) {
            None => old,
            Some(from) => with_dtype!(inexact(old.element())?, S => {
                let (mut values, x) = (old.values::<S>()?, x.values::<S>()?);
                let per_sample = values.len() / batch.max(1);
                let samples = values.chunks_exact_mut(per_sample.max(1));
                for (past, x) in samples.zip(x.chunks_exact(features)) {
                    cache.put(past, x, from, index);
                }
                Array::new::<S>(old.shape(), values)?
            }),
        };
        scope.put_variable("cache", "inputs", new)
    }

    fn given_output(&self) -> Result<Array> {
        self.output.clone().ok_or_else(|| {
            Error::invalid(
                "module",
                "a network",
                format!("a {} without one", self.class),
                "the numbers of a masked layer come from its network: call that",
            )
        })
    }
}

impl Cache {
    /// Writes the input at the site `from` into the past of a sample, when the output at the site `to` is wanted.
    fn put<S: Scalar>(self, past: &mut [S], x: &[S], from: usize, to: usize) {
        let features = x.len();
        match self {
            Self::Sites(_) => past[from * features..][..features].copy_from_slice(x),
            Self::Window(_) => {
                past.copy_within(features.., 0);
                let last = past.len() - features;
                past[last..].copy_from_slice(x);
            }
            Self::Rows([height, width]) => {
                let row = width * features;
                let next_row = |past: &mut [S]| {
                    past.copy_within(row.., 0);
                    past[(height - 1) * row..].fill(S::default());
                };
                let column = from % width;
                let starts_row = to.is_multiple_of(width);
                if starts_row && column == 0 {
                    next_row(past);
                }
                past[(height - 1) * row + column * features..][..features].copy_from_slice(x);
                if starts_row && column != 0 {
                    next_row(past);
                }
            }
        }
    }
}

/// The layers of a network at their places, parameters made.
struct Stack {
    layers: Vec<Bound<Layer>>,
    param_dtype: Dtype,
}

impl Stack {
    fn new(
        scope: &Scope,
        layers: &[ScopedLayers],
        param_dtype: Dtype,
        cache: impl Fn(bool) -> Option<Cache>,
        method: &str,
    ) -> Result<Self> {
        let enter = |(l, (path, masked)): (usize, &ScopedLayers)| {
            let cache = cache(l == 0);
            let layer = Layer {
                class: match (masked[0].class(), cache) {
                    ("MaskedDense1D", Some(_)) => "FastMaskedDense1D",
                    ("MaskedConv1D", Some(_)) => "FastMaskedConv1D",
                    ("MaskedConv2D", Some(_)) => "FastMaskedConv2D",
                    (class, _) => class,
                },
                masked: masked.clone(),
                param_dtype,
                is_first: l == 0,
                cache,
                output: None,
            };
            let bound = scope.named(path, layer)?;
            bound
                .module()
                .parameters(&bound.scope().rewound(), method)?;
            Ok(bound)
        };
        Ok(Self {
            layers: layers
                .iter()
                .enumerate()
                .map(enter)
                .collect::<Result<_>>()?,
            param_dtype,
        })
    }

    /// θ in the type of the computation.
    fn theta<S: Scalar>(&self, engine: &Arnn<S>) -> Result<Params<S>> {
        let mut params = Params {
            layout: engine.layout().clone(),
            values: vec![S::default(); engine.layout().n_parameters()],
        };
        for (layer, (path, _)) in self.layers.iter().zip(scoped(engine)) {
            let masked = layer.module().masked.iter();
            for leaf in masked.flat_map(MaskedLayer::leaves) {
                let variable = layer.scope().get_variable("params", leaf.name);
                let range = engine.layout().range(&path, leaf.name);
                if let (Some(variable), Some(range)) = (variable, range) {
                    params.values[range].copy_from_slice(&variable.array()?.values::<S>()?);
                }
            }
        }
        Ok(params)
    }

    /// The outputs of the layers for `n_samples`, as shapes.
    fn shapes(&self, n_samples: usize, x: &Array) -> Vec<Array> {
        let element = x.element().promote(self.param_dtype.into());
        let shape = |layer: &Bound<Layer>| {
            let masked = &layer.module().masked;
            let last = &masked[masked.len() - 1];
            let shape = [&[n_samples], last.lattice(), &[last.features()[1]]].concat();
            Array::shape_only(&shape, element)
        };
        self.layers.iter().map(shape).collect()
    }

    /// Calls each layer, for those who look at calls: `outputs` go through it.
    fn call(self, x: &Array, outputs: Vec<Array>, activation: &Activation) -> Result<()> {
        let lattice = self.layers[0].module().masked[0].lattice();
        let mut x = x.reshape(&[&[x.shape()[0]], lattice, &[1]].concat())?;
        for (layer, output) in self.layers.into_iter().zip(outputs) {
            let next = output.activate(activation);
            with_output(&layer, output).call(&[x])?;
            x = next;
        }
        Ok(())
    }

    /// Gives each layer the site `index`: `outputs` are those of all sites.
    fn update_site(
        self,
        x: &Array,
        index: usize,
        outputs: Vec<Array>,
        activation: &Activation,
    ) -> Result<()> {
        let n_sites = x.shape()[1];
        let at = |outputs: &Array, site: usize| {
            let shape = outputs.shape();
            let shape = [shape[0], n_sites, shape[shape.len() - 1]];
            outputs.reshape(&shape)?.at(1, site)
        };
        let mut input = at(
            &x.reshape(&[x.shape(), &[1]].concat())?,
            (index + n_sites - 1) % n_sites,
        )?;
        for (layer, output) in self.layers.into_iter().zip(outputs) {
            let output = at(&output, index)?;
            let next = output.activate(activation);
            with_output(&layer, output).method(UPDATE_SITE, &[input, Array::index(index)])?;
            input = next;
        }
        Ok(())
    }
}

/// The layer at its place, now that its output is known.
fn with_output(layer: &Bound<Layer>, output: Array) -> Bound<Layer> {
    let module = Layer {
        output: Some(output),
        ..layer.module().clone()
    };
    Bound::new(module, layer.scope().rewound())
}

/// What a method needs of the network.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    LogPsi,
    LogConditionals,
    Conditionals,
}

/// A network's methods by name; with a cache if `IS_FAST`.
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
        ("reorder" | "inverse_reorder", 1) => Ok(x.clone()),
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

const METHODS: &[&str] = &[
    CALL,
    "conditionals_log_psi",
    "conditionals",
    "conditional",
    "reorder",
    "inverse_reorder",
    "reshape_inputs",
];

/// The layers of one scope, and its path.
type ScopedLayers = (String, Arc<[MaskedLayer]>);

/// The layers of a network by their scopes.
fn scoped<S: Scalar>(model: &Arnn<S>) -> Vec<ScopedLayers> {
    let layers: Vec<_> = model.layers().collect();
    let scopes = layers.chunk_by(|(a, _), (b, _)| a == b);
    let scope = |layers: &[(&str, &MaskedLayer)]| {
        let masked = layers.iter().map(|(_, layer)| (*layer).clone());
        (layers[0].0.to_owned(), masked.collect())
    };
    scopes.map(scope).collect()
}

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
    let stack = Stack::new(scope, &layers(network)?, network.param_dtype(), cache, CALL)?;
    let element = x.element().promote(network.param_dtype().into());
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
            let outputs = outputs(&stack, x, engine.layer_outputs(&theta, &sigma))?;
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
    let stack = Stack::new(scope, &layers(network)?, param_dtype, cache, UPDATE_SITE)?;
    let element = x.element().promote(param_dtype.into());
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
        let outputs = outputs(&stack, x, engine.layer_outputs(&theta, &sigma))?;
        stack.update_site(x, index, outputs, network.activation())?;
        let p = engine.conditional(&theta, &sigma, index);
        Ok(Array::new(&[n_samples, local_size], p)?.cast(real))
    })
}

/// The engine's outputs as arrays of the layers' shapes.
fn outputs<S: Scalar>(stack: &Stack, x: &Array, values: Vec<Vec<S>>) -> Result<Vec<Array>> {
    let shapes = stack.shapes(x.shape()[0], x);
    let arrays = shapes.iter().zip(values);
    arrays
        .map(|(shape, values)| Array::new(shape.shape(), values))
        .collect()
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

/// A built network, for its shapes.
#[derive(Clone)]
struct Built {
    class: &'static str,
    layers: Vec<ScopedLayers>,
    param_dtype: Dtype,
}

impl Module for Built {
    fn class(&self) -> &'static str {
        self.class
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let x = &inputs[0];
        let stack = Stack::new(scope, &self.layers, self.param_dtype, |_| None, CALL)?;
        let outputs = stack.shapes(x.shape()[0], x);
        stack.call(x, outputs, &Activation::IDENTITY)?;
        Ok(Array::shape_only(&x.shape()[..1], self.param_dtype))
    }
}

/// The table of a built network, for a batch of configurations.
pub(super) fn tabulate<S: Scalar>(model: &Arnn<S>, n_samples: usize) -> String {
    let built = Built {
        class: model.class(),
        layers: scoped(model),
        param_dtype: S::DTYPE,
    };
    let x = Array::shape_only(&[n_samples, model.hilbert().n_sites()], Element::Int8);
    built
        .tabulate(Key::new(0), &[x], TabulateOptions::default())
        .expect("the shapes of a built network fit")
}
