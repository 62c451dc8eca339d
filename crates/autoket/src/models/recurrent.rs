//! Recurrent networks: long short-term memory and gated recurrent units, along a chain or over a graph.

use std::sync::Arc;

use super::arnn::{Before, Cells, Network, Node, Operand, Term};
use super::sequential::{ArnnSequential, CausalLayer, Place};
use super::{Arnn, Features};
use crate::error::{Error, Result};
use crate::graph::{Graph, order};
use crate::hilbert::Hilbert;
use crate::nn::{Activation, Function, Initializer, MaskedLayer};
use crate::scalar::{Dtype, Scalar};
use crate::simd::Precision;

/// Whose memory a site reads, and the order in which sites are drawn.
///
/// NetKet: `reorder_idx` and `prev_neighbors`.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrence {
    /// `order[k]` is the site drawn k-th.
    order: Vec<usize>,
    /// For each site the sites whose hidden memories it reads; `None`, or one that NetKet lets be drawn later, reads as 0.
    previous: Vec<Vec<Option<usize>>>,
}

impl Recurrence {
    /// Along a chain: every site reads the one before.
    pub fn chain(n_sites: usize) -> Self {
        Self {
            order: (0..n_sites).collect(),
            previous: (0..n_sites).map(|i| vec![i.checked_sub(1)]).collect(),
        }
    }

    /// Along a chain of the sites in a given order: every site reads the one drawn before.
    ///
    /// # Errors
    /// An order that is no permutation of the sites.
    pub fn along(order: Vec<usize>) -> Result<Self> {
        let mut previous = vec![vec![None]; order.len()];
        for pair in order.windows(2) {
            if let Some(list) = previous.get_mut(pair[1]) {
                *list = vec![Some(pair[0])];
            }
        }
        Self::new(order, previous)
    }

    /// In a given order, with given previous neighbours of each site: equally many, or `None`.
    ///
    /// A neighbour must be drawn before. NetKet compares entries of `order` instead, and what it takes by that is
    /// taken too: such a neighbour is not there yet, and reads as 0.
    ///
    /// # Errors
    /// An order that is no permutation of the sites; lists of other or different lengths; a neighbour that is
    /// no other site, is listed twice, or is drawn later.
    pub fn new(order: Vec<usize>, previous: Vec<Vec<Option<usize>>>) -> Result<Self> {
        let n_sites = order.len();
        order::check("reorder_idx", &order, n_sites)?;
        let width = previous.first().map_or(0, Vec::len);
        let bad = previous.iter().enumerate().find(|(site, list)| {
            let mut sites: Vec<usize> = list.iter().flatten().copied().collect();
            let n = sites.len();
            sites.sort_unstable();
            sites.dedup();
            let other = |&neighbour: &usize| neighbour < n_sites && neighbour != *site;
            list.len() != width || sites.len() != n || !sites.iter().all(other)
        });
        if let Some((site, list)) = bad {
            let shown = list
                .iter()
                .map(|site| site.map_or("-1".into(), |site| site.to_string()));
            let shown: Vec<String> = shown.collect();
            return Err(Error::invalid(
                "prev_neighbors",
                format!("{width} different other sites, or none, for each site"),
                format!("[{}] for site {site}", shown.join(", ")),
                "fill short lists with -1 (`None`)",
            ));
        }
        if previous.len() != n_sites || width == 0 {
            return Err(Error::invalid(
                "prev_neighbors",
                format!("a list for each of {n_sites} sites"),
                format!("{} lists of {width}", previous.len()),
                "give every site its previous neighbours, or -1 (`None`)",
            ));
        }
        let mut position = vec![0; n_sites];
        for (k, &site) in order.iter().enumerate() {
            position[site] = k;
        }
        let is_later = |site: usize, neighbour: usize| {
            position[neighbour] >= position[site] && order[neighbour] >= order[site]
        };
        let reads = previous.iter().enumerate().flat_map(|(site, list)| {
            let neighbours = list.iter().flatten();
            neighbours.map(move |&neighbour| (site, neighbour))
        });
        let mut later = reads.filter(|&(site, neighbour)| is_later(site, neighbour));
        if let Some((site, neighbour)) = later.next() {
            return Err(Error::invalid(
                "prev_neighbors",
                format!("sites that are drawn before site {site}"),
                neighbour,
                "a memory that is not there yet cannot be read: fill the list with -1 (`None`)",
            ));
        }
        Ok(Self { order, previous })
    }

    /// Over a graph, as NetKet chooses: a walk to the nearest neighbour not met yet, and of each site's earlier
    /// neighbours as many as the median site has, the last ones first to be kept.
    ///
    /// # Errors
    /// A graph that is not connected, or of which half the sites have no earlier neighbours.
    pub fn over(graph: &Graph) -> Result<Self> {
        let n_sites = graph.n_nodes();
        if n_sites == 1 {
            return Ok(Self::chain(1));
        }
        let neighbours = graph.adjacency_list();
        if !is_connected(&neighbours) {
            return Err(Error::invalid(
                "graph",
                "a connected graph",
                "one in several pieces",
                "join the sites by edges, or give `prev_neighbors`",
            ));
        }
        let mut met = vec![false; n_sites];
        let mut walk: Vec<usize> = Vec::with_capacity(n_sites);
        for _ in 0..n_sites {
            let near = walk.last().and_then(|&last| {
                let open = neighbours[last].iter().filter(|&&x| !met[x]);
                open.min_by_key(|&&x| (x.abs_diff(last), x)).copied()
            });
            let next = near.or_else(|| (0..n_sites).find(|&x| !met[x]));
            let Some(next) = next else { break };
            met[next] = true;
            walk.push(next);
        }
        // NetKet takes the walk as the inverse of the order.
        let mut order = vec![0; n_sites];
        for (k, &site) in walk.iter().enumerate() {
            order[site] = k;
        }
        Self::with_neighbours_of(graph, order)
    }

    /// In a given order, with the neighbours that NetKet chooses from a graph.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`over`](Self::over).
    pub fn with_neighbours_of(graph: &Graph, order: Vec<usize>) -> Result<Self> {
        let n_sites = graph.n_nodes();
        if order.len() != n_sites {
            return Err(Error::invalid(
                "reorder_idx",
                format!("{n_sites} sites, as the graph has"),
                order.len(),
                "give the order of all sites",
            ));
        }
        order::check("reorder_idx", &order, n_sites)?;
        let mut lists = graph.adjacency_list();
        for (i, list) in lists.iter_mut().enumerate() {
            list.retain(|&j| order[j] < order[i]);
        }
        let mut counts: Vec<usize> = lists.iter().map(Vec::len).collect();
        counts.sort_unstable();
        let middle = |k: usize| counts.get(k).copied().unwrap_or(0);
        // The median, rounded half up.
        let width = match n_sites % 2 {
            1 => middle(n_sites / 2),
            _ => (middle(n_sites / 2) + middle((n_sites / 2).saturating_sub(1))).div_ceil(2),
        };
        if width == 0 {
            return Err(Error::invalid(
                "graph",
                "a connected graph, where most sites have an earlier neighbour",
                format!("{n_sites} sites, of which most have none"),
                "join the sites by edges, or give `prev_neighbors`",
            ));
        }
        for list in &mut lists {
            list.drain(..list.len().saturating_sub(width));
        }
        let filled = lists.into_iter().map(|list| {
            let mut list: Vec<Option<usize>> = list.into_iter().map(Some).collect();
            list.resize(width, None);
            list
        });
        Self::new(order, filled.collect())
    }

    /// The sites in the order in which they are drawn.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Whose memory each site reads.
    pub fn previous(&self) -> &[Vec<Option<usize>>] {
        &self.previous
    }

    /// For each position the positions whose memory it reads.
    fn reads(&self) -> Vec<Vec<Option<usize>>> {
        let mut position = vec![0; self.order.len()];
        for (k, &site) in self.order.iter().enumerate() {
            position[site] = k;
        }
        let reads = self.order.iter().enumerate().map(|(k, &site)| {
            let previous = self.previous[site].iter();
            previous
                .map(|site| site.map(|site| position[site]).filter(|&p| p < k))
                .collect()
        });
        reads.collect()
    }
}

/// Can every site be reached from the first?
fn is_connected(neighbours: &[Vec<usize>]) -> bool {
    let mut met = vec![false; neighbours.len()];
    let mut open = vec![0];
    while let Some(site) = open.pop() {
        if let Some(met) = met.get_mut(site).filter(|met| !**met) {
            *met = true;
            open.extend(&neighbours[site]);
        }
    }
    met.into_iter().all(|met| met)
}

/// What a position reads of the one before.
fn one_before(n_positions: usize) -> Before {
    (0..n_positions as u32).map(|k| k.checked_sub(1)).collect()
}

/// Which cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lstm,
    Gru,
}

/// A layer of recurrent cells.
#[derive(Debug)]
struct RecurrentLayer {
    kind: Kind,
    features: usize,
    recurrence: Recurrence,
    /// Are its neighbours given by lists?
    has_lists: bool,
    kernel_init: Initializer,
    bias_init: Initializer,
}

/// The arrays of a dense layer within a cell.
struct Arrays {
    kernel: &'static str,
    bias: &'static str,
    /// The first of its two keys.
    key: u32,
}

impl RecurrentLayer {
    /// A dense layer of the input at the position, or before it, and of memories.
    fn dense(
        &self,
        place: Place,
        features_in: [usize; 2],
        features_out: usize,
        arrays: Arrays,
        memories: impl Fn(usize) -> Vec<Option<usize>>,
    ) -> Result<MaskedLayer> {
        let input = |k: usize| match place.exclusive {
            true => k.checked_sub(1),
            false => Some(k),
        };
        let class = match self.kind {
            Kind::Lstm => "LSTMCell",
            Kind::Gru => "GRU1DCell",
        };
        let n = self.recurrence.order.len();
        let reads = |k: usize| vec![vec![input(k)], memories(k)];
        let mut layer = MaskedLayer::of_optional(class, n, &features_in, features_out, reads)?
            .with_initializers(&self.kernel_init, &self.bias_init);
        layer.kernel.name = arrays.kernel;
        layer.kernel.key = arrays.key;
        if let Some(bias) = &mut layer.bias {
            bias.name = arrays.bias;
            bias.key = arrays.key + 1;
        }
        Ok(layer)
    }

    fn cells(&self, place: Place, memory: Option<Node>, hidden: Node) -> Cells {
        let width = self.recurrence.previous.first().map_or(0, Vec::len);
        Cells {
            module: place.module.to_owned(),
            input: place.input,
            exclusive: place.exclusive,
            memory,
            hidden,
            neighbours: self.has_lists.then_some(width),
        }
    }

    fn add_lstm(&self, network: &mut Network, place: Place) -> Result<Node> {
        let f = self.features;
        let (cell, hidden) = (network.ahead(1), network.ahead(3));
        let reads = self.recurrence.reads();
        let arrays = Arrays {
            kernel: "kernel",
            bias: "bias",
            key: 1,
        };
        let features_in = [network.features(place.input), f];
        let gates = self.dense(place, features_in, 4 * f, arrays, |k| reads[k].clone())?;
        let sigmoid = Function::Sigmoid.into();
        let module = format!("{}/cell", place.module);
        let gates = network.linear(module, gates, &[place.input, hidden], sigmoid);
        let gate = |k: usize| Operand {
            node: gates,
            first: k * f,
            before: None,
        };
        let [input, forget, new, output] = [gate(0), gate(1), gate(2), gate(3)];
        let before = Operand {
            node: cell,
            first: 0,
            before: Some(one_before(network.n_positions())),
        };
        // The new memory is 2 sigmoid - 1.
        let terms = vec![
            Term::product(forget, before),
            Term::product(input.clone(), new).times(2.0),
            Term::of(input).times(-1.0),
        ];
        let cell = network.mix(f, terms, Activation::IDENTITY);
        let squashed = network.mix(f, vec![Term::of(cell)], Function::Tanh.into());
        let hidden = vec![Term::product(output, squashed)];
        let hidden = network.mix(f, hidden, Activation::IDENTITY);
        network.add_cells(self.cells(place, Some(cell), hidden));
        Ok(hidden)
    }

    fn add_gru(&self, network: &mut Network, place: Place) -> Result<Node> {
        let f = self.features;
        let hidden = network.ahead(3);
        let reads = self.recurrence.reads();
        if reads.iter().any(|reads| reads.len() != 1) {
            return Err(Error::invalid(
                "prev_neighbors",
                "one previous neighbour of each site",
                format!("{}", reads[0].len()),
                "take `LSTMNet` for several",
            ));
        }
        let features_in = [network.features(place.input), f];
        let arrays = Arrays {
            kernel: "rz_kernel",
            bias: "rz_bias",
            key: 1,
        };
        let module = format!("{}/cell", place.module);
        let gates = self.dense(place, features_in, 2 * f, arrays, |k| reads[k].clone())?;
        let sigmoid = Function::Sigmoid.into();
        let gates = network.linear(&module, gates, &[place.input, hidden], sigmoid);
        let gate = |k: usize| Operand {
            node: gates,
            first: k * f,
            before: None,
        };
        let (reset, update) = (gate(0), gate(1));
        let before = Operand {
            node: hidden,
            first: 0,
            before: Some(
                reads
                    .iter()
                    .map(|reads| reads[0].map(|p| p as u32))
                    .collect(),
            ),
        };
        let kept = vec![Term::product(reset, before.clone())];
        let kept = network.mix(f, kept, Activation::IDENTITY);
        let arrays = Arrays {
            kernel: "n_kernel",
            bias: "n_bias",
            key: 3,
        };
        // Without a previous neighbour nothing is kept.
        let kept_at = |k: usize| vec![reads[k][0].map(|_| k)];
        let new = self.dense(place, features_in, f, arrays, kept_at)?;
        let tanh = Function::Tanh.into();
        let new = network.linear(&module, new, &[place.input, kept], tanh);
        let terms = vec![
            Term::of(new),
            Term::product(new, update.clone()).times(-1.0),
            Term::product(before, update),
        ];
        let hidden = network.mix(f, terms, Activation::IDENTITY);
        network.add_cells(self.cells(place, None, hidden));
        Ok(hidden)
    }
}

impl CausalLayer for RecurrentLayer {
    fn add(&self, network: &mut Network, place: Place) -> Result<Node> {
        let output = match self.kind {
            Kind::Lstm => self.add_lstm(network, place)?,
            Kind::Gru => self.add_gru(network, place)?,
        };
        Ok(network.activate(output, place.activation))
    }

    /// Outputs lie between -1 and 1: phases are π times as much.
    fn add_phase(&self, network: &mut Network, place: Place) -> Result<Node> {
        let output = self.add(network, place)?;
        let phase = vec![Term::of(output).times(std::f64::consts::PI)];
        Ok(network.mix(self.features, phase, Activation::IDENTITY))
    }
}

macro_rules! recurrent_network {
    ($(#[$doc:meta])* $name:ident, $kind:ident, $class:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// The space of σ.
            pub hilbert: Hilbert,
            /// Number of layers.
            pub layers: usize,
            /// Features of each layer.
            pub features: Features,
            /// Whose memory a site reads, and the order in which sites are drawn; `None`: along a chain.
            pub recurrence: Option<Recurrence>,
            /// How kernels begin.
            pub kernel_init: Initializer,
            /// How biases begin.
            pub bias_init: Initializer,
            /// The exponent p of the normalisation Σ|ψ|^p = 1; estimators of physics need 2.
            pub machine_pow: u32,
            /// The type of the parameters, where it is not chosen by [`build`](Self::build)'s type: in [modules](crate::module).
            pub param_dtype: Dtype,
            /// How products of single-precision numbers are accumulated.
            pub precision: Precision,
            /// Is there a phase beside the amplitude, π times the output of a layer like the last? See [`ArnnSequential`].
            pub phase: bool,
        }

        impl $name {
            /// NetKet's defaults for what is not given.
            pub fn new(hilbert: Hilbert, layers: usize, features: usize) -> Self {
                Self {
                    hilbert,
                    layers,
                    features: Features::Uniform(features),
                    recurrence: None,
                    kernel_init: Initializer::Orthogonal(1.0),
                    bias_init: Initializer::Zeros,
                    machine_pow: 2,
                    param_dtype: Dtype::Float64,
                    precision: Precision::default(),
                    phase: false,
                }
            }

            /// The network as a list of layers.
            ///
            /// # Errors
            /// No layers; a list of features of the wrong length or end; a recurrence of another number of sites.
            pub fn sequential(&self) -> Result<ArnnSequential> {
                let n_sites = self.hilbert.n_sites();
                let recurrence = match &self.recurrence {
                    None => Recurrence::chain(n_sites),
                    Some(recurrence) if recurrence.order.len() == n_sites => recurrence.clone(),
                    Some(recurrence) => {
                        return Err(Error::invalid(
                            "recurrence",
                            format!("{n_sites} sites, as the Hilbert space has"),
                            recurrence.order.len(),
                            "make it for the lattice of the Hilbert space",
                        ));
                    }
                };
                let features = self.features.of_layers(self.layers, self.hilbert.local_size())?;
                let layer = |features| -> Arc<dyn CausalLayer> {
                    Arc::new(RecurrentLayer {
                        kind: Kind::$kind,
                        features,
                        recurrence: recurrence.clone(),
                        has_lists: self.recurrence.is_some(),
                        kernel_init: self.kernel_init.clone(),
                        bias_init: self.bias_init.clone(),
                    })
                };
                Ok(ArnnSequential {
                    class: $class,
                    activation: Activation::IDENTITY,
                    machine_pow: self.machine_pow,
                    param_dtype: self.param_dtype,
                    precision: self.precision,
                    order: Some(recurrence.order.clone()),
                    phase: self.phase,
                    ..ArnnSequential::new(
                        self.hilbert.clone(),
                        features.into_iter().map(layer).collect(),
                    )
                })
            }

            /// The model with log ψ of type `S`.
            ///
            /// # Errors
            /// As [`sequential`](Self::sequential) and [`ArnnSequential::build`].
            pub fn build<S: Scalar>(&self) -> Result<Arnn<S>> {
                self.sequential()?.build()
            }
        }
    };
}

recurrent_network! {
    /// Autoregressive wave function of long short-term memory cells.
    ///
    /// With x the input (in the first layer that of the position before), h the hidden memories of the previous
    /// neighbours and c the cell memory of the position before:
    /// (i, f, g, o) = sigmoid(W \[x, h\] + b), c' = f c + i (2 g - 1), output and hidden memory o tanh c'.
    /// NetKet: `LSTMNet` and `FastLSTMNet`, which give the same numbers.
    ///
    /// A site (orange) reads all that are drawn before (blue), and so a flip changes the conditionals of all later
    /// sites. Memories along a chain, and over an open 4x4 square, where sites are drawn along a snake and h is that
    /// of two neighbours; arrows point from whose memory it is:
    ///
    #[doc = include_str!("../../pictures/lstm_chain.svg")]
    #[doc = include_str!("../../pictures/lstm_graph.svg")]
    ///
    /// A cell as a [picture](Arnn::flow_svg), memories dashed:
    ///
    #[doc = include_str!("../../pictures/lstm_flow.svg")]
    ///
    /// A layer from f to f' features with m previous neighbours has (f + m f') 4 f' + 4 f' parameters, none masked.
    /// In a sample of n sites it costs (n f + e f') 4 f' [multiply-adds](Arnn::multiply_adds), the first layer n - 1 in
    /// place of n: e is the number of memories of neighbours that are read in all, along a chain n - 1.
    ///
    /// ```
    /// use autoket::{graph::Graph, hilbert::Hilbert, models::{Ansatz, LstmNet, Recurrence}};
    /// let graph = Graph::square(4, false)?;
    /// let recurrence = Some(Recurrence::over(&graph)?);
    /// let model = LstmNet { recurrence, ..LstmNet::new(Hilbert::spin(0.5, 16)?, 2, 4) }.build::<f64>()?;
    /// // Kernels (1 + 2·4, 4·4) and (4 + 2·2, 4·2): two neighbours of each site.
    /// assert_eq!(model.layout().n_parameters(), 9 * 16 + 16 + 8 * 8 + 8);
    /// // An open 4x4 square has 24 pairs of neighbours.
    /// assert_eq!(model.multiply_adds(), (15 + 24 * 4) * 16 + (16 * 4 + 24 * 2) * 8);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    LstmNet, Lstm, "LSTMNet"
}

recurrent_network! {
    /// Autoregressive wave function of gated recurrent units, with one previous neighbour of each site.
    ///
    /// With x the input (in the first layer that of the position before) and h the hidden memory of the previous
    /// neighbour: (r, z) = sigmoid(W \[x, h\] + b), n = tanh(W' \[x, r h\] + b'), output and hidden memory
    /// (1 - z) n + z h.
    /// NetKet: `GRUNet1D` and `FastGRUNet1D`, which give the same numbers.
    ///
    /// A site (orange) reads all that are drawn before (blue), by memories along a chain in whatever order, here a
    /// snake: a flip changes the conditionals of all later sites. Beside it a cell as a [picture](Arnn::flow_svg),
    /// memories dashed.
    ///
    #[doc = include_str!("../../pictures/gru.svg")]
    #[doc = include_str!("../../pictures/gru_flow.svg")]
    ///
    /// A layer from f to f' features has (f + f') 3 f' + 3 f' parameters, none masked. In a sample of n sites it costs
    /// (n f + e f') 3 f' [multiply-adds](Arnn::multiply_adds), the first layer n - 1 in place of n: e is the number of
    /// sites with a previous neighbour, along a chain n - 1.
    ///
    /// ```
    /// use autoket::{graph::order, hilbert::Hilbert, models::{Ansatz, Autoregressive, GruNet1d, Recurrence}};
    /// let recurrence = Some(Recurrence::along(order::snake([2, 3]))?);
    /// let model = GruNet1d { recurrence, ..GruNet1d::new(Hilbert::spin(0.5, 6)?, 2, 4) }.build::<f64>()?;
    /// assert_eq!(model.order(), [0, 1, 2, 5, 4, 3]);
    /// assert_eq!(model.seen(4), [true, true, true, false, false, true]);
    /// assert_eq!(model.layout().n_parameters(), (1 + 4) * 12 + 12 + (4 + 2) * 6 + 6);
    /// assert_eq!(model.multiply_adds(), (5 + 5 * 4) * 12 + (6 * 4 + 5 * 2) * 6);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    GruNet1d, Gru, "GRUNet1D"
}
