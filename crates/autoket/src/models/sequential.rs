//! Networks of causal layers, one after the other, and the trait by which a user adds a kind of layer.

use std::fmt;
use std::sync::Arc;

use super::modules::Cache;
use super::{Arnn, Design, Head, Network, Node, Term};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::nn::{Activation, MaskedLayer};
use crate::scalar::{Dtype, Scalar};
use crate::simd::Precision;

/// Where a layer is put in a network.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its path in the tree of parameters.
    pub module: &'a str,
    /// What it reads.
    pub input: Node,
    /// Is a position's own input left out? So it is in the first layer.
    pub exclusive: bool,
    /// What follows it: nothing after the last.
    pub activation: &'a Activation,
}

/// A layer whose output at a position depends on its input at earlier positions and, unless it is exclusive,
/// at the position itself.
///
/// That this holds is checked when a network is built of it.
///
/// ```
/// use std::sync::Arc;
/// use autoket::hilbert::Hilbert;
/// use autoket::models::{Ansatz, ArnnSequential, CausalLayer, Network, Node, Place, laws};
/// use autoket::nn::{Initializer, MaskedDense1d};
///
/// /// Sees only every other site.
/// #[derive(Debug)]
/// struct EveryOther { features: usize }
///
/// impl CausalLayer for EveryOther {
///     fn add(&self, network: &mut Network, place: Place) -> autoket::Result<Node> {
///         let layer = autoket::nn::MaskedLayer::shared(
///             "EveryOther",
///             network.n_positions(),
///             &[network.features(place.input)],
///             self.features,
///             |position| {
///                 let first = if place.exclusive { 1 } else { 0 };
///                 vec![(first..=position).step_by(2).map(|back| position - back).collect()]
///             },
///         )?;
///         Ok(network.linear(place.module, layer, &[place.input], place.activation.clone()))
///     }
/// }
///
/// let hilbert = Hilbert::spin(0.5, 5)?;
/// let layers: Vec<Arc<dyn CausalLayer>> =
///     vec![Arc::new(EveryOther { features: 3 }), Arc::new(EveryOther { features: 2 })];
/// let model = ArnnSequential::new(hilbert, layers).build::<f64>()?;
/// laws::check(&model)?;
/// # Ok::<(), autoket::Error>(())
/// ```
pub trait CausalLayer: fmt::Debug + Send + Sync {
    /// Adds its nodes to a network; returns the one that holds its output.
    ///
    /// # Errors
    /// What the layer cannot be made for.
    fn add(&self, network: &mut Network, place: Place) -> Result<Node>;

    /// Adds its nodes where its output is phases, in radians: provided, for outputs without bounds.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    fn add_phase(&self, network: &mut Network, place: Place) -> Result<Node> {
        self.add(network, place)
    }

    /// The reference's cache of it, on a space, if it has one.
    #[doc(hidden)]
    fn cache(&self, _hilbert: &Hilbert) -> Option<Cache> {
        None
    }
}

/// A layer that is linear: made from features in and out, and whether it is exclusive.
pub(super) struct Masked<F> {
    pub features: usize,
    pub layer: F,
}

impl<F> fmt::Debug for Masked<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masked")
            .field("features", &self.features)
            .finish_non_exhaustive()
    }
}

impl<F: Fn([usize; 2], bool) -> Result<MaskedLayer> + Send + Sync> CausalLayer for Masked<F> {
    fn add(&self, network: &mut Network, place: Place) -> Result<Node> {
        let features = [network.features(place.input), self.features];
        let layer = (self.layer)(features, place.exclusive)?;
        let activation = place.activation.clone();
        Ok(network.linear(place.module, layer, &[place.input], activation))
    }
}

/// Autoregressive wave function of any causal layers, one after the other, with an activation between them.
///
/// log ψ(σ) = Σᵢ \[yᵢ(σᵢ) - log(Σₛ exp(p Re yᵢ(s)))/p\], y the last layer's output, of a feature for each local
/// state, and p `machine_pow`. With `phase` parameters are real and log ψ(σ) gets i Σᵢ φᵢ(σᵢ), φ the output of
/// one more layer like the last, which is not evaluated for a draw.
/// NetKet: `ARNNSequential`.
///
/// Three layers of 4 features and a phase as a [picture](Arnn::flow_svg); what the network reads, its parameters and
/// its cost are those of its layers, which [`Arnn::describe`] adds up; a phase is one more layer like the last.
///
#[doc = include_str!("../../pictures/phase_flow.svg")]
///
#[derive(Clone, Debug)]
pub struct ArnnSequential {
    /// The space of σ.
    pub hilbert: Hilbert,
    /// The layers, of which the first is made exclusive; the last has a feature for each local state.
    pub layers: Vec<Arc<dyn CausalLayer>>,
    /// The function between layers.
    pub activation: Activation,
    /// The name by which tables show the network.
    pub class: &'static str,
    /// The exponent p of the normalisation Σ|ψ|^p = 1; estimators of physics need 2.
    pub machine_pow: u32,
    /// The type of the parameters, where it is not chosen by [`build`](Self::build)'s type: in [modules](crate::module).
    pub param_dtype: Dtype,
    /// How products of single-precision numbers are accumulated.
    pub precision: Precision,
    /// `order[k]` is the site drawn k-th; `None`: sites in turn.
    pub order: Option<Vec<usize>>,
    /// Is there a phase beside the amplitude?
    pub phase: bool,
}

impl ArnnSequential {
    /// NetKet's defaults for what is not given.
    pub fn new(hilbert: Hilbert, layers: Vec<Arc<dyn CausalLayer>>) -> Self {
        Self {
            hilbert,
            layers,
            activation: Activation::default(),
            class: "ARNNSequential",
            machine_pow: 2,
            param_dtype: Dtype::Float64,
            precision: Precision::default(),
            order: None,
            phase: false,
        }
    }

    /// The network of all layers.
    ///
    /// # Errors
    /// No layers; a layer that cannot be made; an order that is no permutation.
    pub fn design(&self) -> Result<Design> {
        let Some((last, layers)) = self.layers.split_last() else {
            return Err(Error::invalid(
                "layers",
                "at least 1",
                0,
                "give a list of layers",
            ));
        };
        let mut network = Network::new(self.hilbert.clone());
        if let Some(order) = &self.order {
            network = network.with_order(order)?;
        }
        let mut input = Network::INPUT;
        for (l, layer) in layers.iter().enumerate() {
            let place = Place {
                module: &format!("_layers_{l}"),
                input,
                exclusive: l == 0,
                activation: &self.activation,
            };
            input = layer.add(&mut network, place)?;
        }
        let place = |module| Place {
            module,
            input,
            exclusive: layers.is_empty(),
            activation: &Activation::IDENTITY,
        };
        let module = format!("_layers_{}", layers.len());
        let head = Head {
            amplitude: last.add(&mut network, place(&module))?,
            phase: match self.phase {
                true => Some(last.add_phase(&mut network, place("_phase"))?),
                false => None,
            },
        };
        Ok(Design {
            network,
            head,
            class: self.class,
            machine_pow: self.machine_pow,
            precision: self.precision,
            param_dtype: self.param_dtype,
        })
    }

    /// The model with log ψ of type `S`: parameters are of the same type or, with a phase, real.
    ///
    /// # Errors
    /// As [`design`](Self::design); a last layer without a feature for each local state; a layer that is not
    /// causal; a phase of a real wave function; `machine_pow` 0.
    pub fn build<S: Scalar>(&self) -> Result<Arnn<S>> {
        self.design()?.build()
    }
}

impl Network {
    /// The activation of a node, if there is one to be applied.
    pub fn activate(&mut self, node: Node, activation: &Activation) -> Node {
        if *activation == Activation::IDENTITY {
            return node;
        }
        self.mix(
            self.features(node),
            vec![Term::of(node)],
            activation.clone(),
        )
    }
}
