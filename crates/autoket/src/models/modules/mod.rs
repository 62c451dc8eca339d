//! The networks as [modules](crate::module): numbers from the engine, names and shapes from their layers.

mod averaged;
mod cache;
mod fields;
mod layer;
mod masked;
mod placed;
mod unit;

pub use self::averaged::Averaged;
pub use self::cache::Cache;
pub(super) use self::fields::{Cached, Designed};
use self::layer::UPDATE_SITE;
pub use self::masked::{Mask, MaskedModule};
use self::placed::{CacheOf, Placed, Wanted};
use self::unit::Site;
use super::symmetrized::average;
use super::{
    Ansatz, Arnn, ArnnConv1d, ArnnConv2d, ArnnDense, ArnnSequential, GruNet1d, LstmNet, Network,
};
use crate::error::{Error, Result};
use crate::module::{Array, CALL, Element, Module, Scope, TabulateOptions, no_method};
use crate::random::Key;
use crate::scalar::{Dtype, Scalar};

/// A network with a cache of its layers' past, by which the reference draws site by site.
///
/// The numbers are those of the network itself. The method `conditional` makes and updates the collection `cache`,
/// for which it must be called with the sites in the order in which they are drawn. NetKet: `FastARNNDense` and its kin.
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
///
/// Other networks have no such form. Their `conditional` works without a cache, and what draws fastest, for all of
/// them, is [`sample`](super::Autoregressive::sample).
///
/// ```compile_fail,E0277
/// # use autoket::{hilbert::Hilbert, models::{ArnnGatedConv2d, Fast}};
/// let none = Fast(ArnnGatedConv2d::new(Hilbert::spin(0.5, 9).unwrap(), 2, 3, [2, 3]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fast<N: Cached>(pub N);

/// NetKet: `FastARNNDense`.
pub type FastArnnDense = Fast<ArnnDense>;
/// NetKet: `FastARNNConv1D`.
pub type FastArnnConv1d = Fast<ArnnConv1d>;
/// NetKet: `FastARNNConv2D`.
pub type FastArnnConv2d = Fast<ArnnConv2d>;
/// [`ArnnSequential`] of [cached](MaskedModule::cached) layers, each of which but the first reads its own site. NetKet: `FastARNNSequential`.
pub type FastArnnSequential = Fast<ArnnSequential>;
/// NetKet: `FastLSTMNet`.
pub type FastLstmNet = Fast<LstmNet>;
/// NetKet: `FastGRUNet1D`.
pub type FastGruNet1d = Fast<GruNet1d>;

const METHODS: &[&str] = &[
    CALL,
    "conditionals_log_psi",
    "conditionals",
    "conditional",
    "reorder",
    "inverse_reorder",
    "reshape_inputs",
];

/// The output of a network's method by its name.
fn method(
    network: &impl Designed,
    class: &str,
    cache: Option<CacheOf<'_>>,
    name: &str,
    scope: &Scope,
    inputs: &[Array],
) -> Result<Array> {
    let design = network.design()?;
    let n_sites = design.network.n_positions();
    let wrong_inputs = || wrong_inputs(n_sites, inputs);
    let x = inputs.first().ok_or_else(wrong_inputs)?;
    let batch = match x.shape() {
        [n] if *n == n_sites => Some(x.reshape(&[1, *n])?),
        [_, n] if *n == n_sites => Some(x.clone()),
        _ => None,
    };
    let configurations = || batch.clone().ok_or_else(wrong_inputs);
    let place = |method, x: &Array| Placed::new(scope, design.clone(), cache, method, x);
    let whole = |x: &Array, known, wanted| place(CALL, x)?.whole(x, known, wanted);
    match (name, inputs.len()) {
        (CALL, 1) => whole(&configurations()?, n_sites, Wanted::LogPsi),
        ("conditionals_log_psi" | "reshape_inputs", 1) if x.ndim() != 2 => Err(wrong_inputs()),
        ("conditionals_log_psi", 1) => whole(&configurations()?, n_sites, Wanted::LogConditionals),
        ("conditionals", 1) => whole(&configurations()?, n_sites, Wanted::Conditionals),
        ("conditional", 2) => {
            let (x, at) = (configurations()?, site(&inputs[1], &design.network)?);
            match cache {
                Some(cache) => place(UPDATE_SITE, &x)?.cached(&x, at, cache),
                None => whole(&x, at.position, Wanted::Conditionals)?.at(1, at.site),
            }
        }
        ("reorder" | "inverse_reorder", 1) => {
            let order = design.network.order();
            match name {
                _ if order.is_sorted() => Ok(x.clone()),
                "reorder" => x.take(0, &order),
                _ => x.take(0, &design.network.positions()),
            }
        }
        ("reshape_inputs", 1) => {
            let x = configurations()?;
            let first = design.network.linear_nodes().next();
            let lattice = first.map_or(Vec::new(), |first| first.layer.lattice().to_vec());
            match lattice.len() {
                2.. => x.reshape(&[&x.shape()[..1], &lattice].concat()),
                _ => Ok(x),
            }
        }
        (name, _) if METHODS.contains(&name) => Err(wrong_inputs()),
        _ => Err(no_method(class, name, METHODS.to_vec()).into()),
    }
}

/// The site that an input means.
fn site(index: &Array, network: &Network) -> Result<Site> {
    let n_sites = network.n_positions();
    let wrong = |expected: String, got: String, cure| Error::invalid("index", expected, got, cure);
    let index = match index.to_integers()?.as_slice() {
        [index] => *index,
        _ => {
            let cure = "pass `Array::index`";
            return Err(wrong("a single integer".into(), index.to_string(), cure));
        }
    };
    let site = usize::try_from(index).ok().filter(|&site| site < n_sites);
    let site = site.ok_or_else(|| {
        let expected = format!("a site, less than {n_sites}");
        wrong(expected, index.to_string(), "sites are numbered from 0")
    })?;
    Ok(Site {
        site,
        position: network.positions()[site],
    })
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

fn wrong_inputs(n_sites: usize, inputs: &[Array]) -> Error {
    let got: Vec<String> = inputs.iter().map(Array::to_string).collect();
    Error::invalid(
        "inputs",
        format!("configurations (batch, {n_sites})"),
        got.join(", "),
        "pass one array of local states, and for `conditional` the index of a site",
    )
}

impl<N: Designed> Module for N {
    fn class(&self) -> &'static str {
        Designed::class(self)
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        Designed::fields(self)
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        Module::method(self, CALL, scope, inputs)
    }

    fn methods(&self) -> Vec<&'static str> {
        METHODS.to_vec()
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        method(self, Designed::class(self), None, name, scope, inputs)
    }
}

impl<N: Cached> Module for Fast<N> {
    fn class(&self) -> &'static str {
        N::CLASS
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        Designed::fields(&self.0)
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        self.method(CALL, scope, inputs)
    }

    fn methods(&self) -> Vec<&'static str> {
        METHODS.to_vec()
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let cache = |layer, is_first| self.0.cache(layer, is_first);
        method(&self.0, N::CLASS, Some(&cache), name, scope, inputs)
    }
}

/// The table of a built network, for a batch of configurations.
pub(super) fn tabulate<S: Scalar>(model: &Arnn<S>, n_samples: usize) -> String {
    let x = Array::shape_only(&[n_samples, model.hilbert().n_sites()], Element::Int8);
    model
        .design()
        .tabulate(Key::new(0), &[x], TabulateOptions::default())
        .expect("the shapes of a built network fit")
}
