//! What an autoregressive network is made of: nodes, each with features at every position of the order in
//! which sites are drawn.
//!
//! A node's features at one position come from features of other nodes at positions it may see. The reference's
//! networks are chains of masked layers; recurrent cells, gates and residual sums take products and sums too.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::order;
use crate::hilbert::Hilbert;
use crate::nn::{Activation, MaskedLayer};

/// A node of a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub(super) usize);

/// For each position the one before it in some sense, if there is one: `None` reads as 0.
pub type Before = Arc<[Option<u32>]>;

/// Features of a node that a product takes.
#[derive(Clone, Debug)]
pub struct Operand {
    /// The node.
    pub node: Node,
    /// The first of its features; as many are taken as the result has.
    pub first: usize,
    /// Taken from another position, or from the same.
    pub before: Option<Before>,
}

impl From<Node> for Operand {
    fn from(node: Node) -> Self {
        Self {
            node,
            first: 0,
            before: None,
        }
    }
}

/// A condition on σ.
#[derive(Clone, Debug)]
pub struct When {
    /// The local index.
    pub state: usize,
    /// The position before each that is in this state.
    pub before: Before,
}

/// A number times one or two operands, feature by feature.
#[derive(Clone, Debug)]
pub struct Term {
    /// The number.
    pub factor: f64,
    /// The first operand.
    pub a: Operand,
    /// The second, if it is a product.
    pub b: Option<Operand>,
    /// Elsewhere the term is 0.
    pub when: Option<When>,
}

impl Term {
    /// An operand as it is.
    pub fn of(a: impl Into<Operand>) -> Self {
        Self {
            factor: 1.0,
            a: a.into(),
            b: None,
            when: None,
        }
    }

    /// The product of two.
    pub fn product(a: impl Into<Operand>, b: impl Into<Operand>) -> Self {
        Self {
            factor: 1.0,
            a: a.into(),
            b: Some(b.into()),
            when: None,
        }
    }

    /// The same where σ is in a state, and 0 elsewhere.
    pub fn when(self, state: usize, before: Before) -> Self {
        let when = Some(When { state, before });
        Self { when, ..self }
    }

    /// The same, a number of times.
    pub fn times(self, factor: f64) -> Self {
        Self { factor, ..self }
    }
}

/// How a node's features are found.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// The local state of the position's own site.
    Input,
    /// activation(w·x + b).
    Linear {
        layer: Arc<MaskedLayer>,
        sources: Vec<usize>,
        /// Where its parameters stand in the tree.
        module: String,
    },
    /// activation(Σ terms).
    Mix { terms: Vec<Term> },
}

#[derive(Clone, Debug)]
pub(super) struct NodeSpec {
    pub kind: Kind,
    pub features: usize,
    pub activation: Activation,
}

/// A layer of cells, one for each position: what tables and caches show of it.
#[derive(Clone, Debug)]
pub(in crate::models) struct Cells {
    /// Its path; that of the cell is `cell` below it.
    pub module: String,
    pub input: Node,
    /// Does a cell read the input of the position before instead of its own?
    pub exclusive: bool,
    /// What a cell passes on to the next position alone, if it does.
    pub memory: Option<Node>,
    /// The hidden memories, which are the output.
    pub hidden: Node,
    /// How many hidden memories a cell reads by lists of neighbours; `None`: that of the position before.
    pub neighbours: Option<usize>,
}

/// A linear layer of a network: its node, its path and what it reads.
pub(in crate::models) struct LinearNode<'a> {
    pub node: Node,
    pub module: &'a str,
    pub layer: &'a Arc<MaskedLayer>,
    pub sources: Vec<Node>,
}

/// A network in the making.
///
/// ```
/// use autoket::hilbert::Hilbert;
/// use autoket::models::{Ansatz, Head, Network, Term};
/// use autoket::nn::{Activation, Initializer, MaskedConv1d};
///
/// // Two convolutions and a residual sum.
/// let layer = |features, exclusive| MaskedConv1d {
///     n_sites: 6, features, kernel_size: 3, kernel_dilation: 1, exclusive, use_bias: true,
///     kernel_init: Initializer::LecunNormal, bias_init: Initializer::Zeros,
/// }.build();
/// let mut network = Network::new(Hilbert::spin(0.5, 6)?);
/// let x = network.linear("first", layer([1, 4], true)?, &[Network::INPUT], Activation::default());
/// let y = network.linear("second", layer([4, 4], false)?, &[x], Activation::default());
/// let sum = network.mix(4, vec![Term::of(x), Term::of(y)], Activation::IDENTITY);
/// let z = network.linear("last", layer([4, 2], false)?, &[sum], Activation::IDENTITY);
/// let model = network.build::<f64>("Residual", Head::new(z), 2, Default::default())?;
/// assert_eq!(model.layout().n_parameters(), (2 * 4 + 4) + (3 * 16 + 4) + (3 * 8 + 2));
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) hilbert: Hilbert,
    /// The site drawn at each position.
    pub(super) order: Vec<u32>,
    pub(super) nodes: Vec<NodeSpec>,
    cells: Vec<Cells>,
}

/// The nodes that hold the wave function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// A feature for each local state: the log-amplitudes, before they are normalised.
    pub amplitude: Node,
    /// A feature for each local state: their phases, of a network with real parameters.
    pub phase: Option<Node>,
}

impl Head {
    /// Log-amplitudes alone, complex where parameters are complex.
    pub fn new(amplitude: Node) -> Self {
        Self {
            amplitude,
            phase: None,
        }
    }
}

impl Network {
    /// A network of nothing but σ, its sites in the order of the Hilbert space.
    pub fn new(hilbert: Hilbert) -> Self {
        let input = NodeSpec {
            kind: Kind::Input,
            features: 1,
            activation: Activation::IDENTITY,
        };
        Self {
            order: (0..hilbert.n_sites() as u32).collect(),
            hilbert,
            nodes: vec![input],
            cells: Vec::new(),
        }
    }

    /// Draws sites in another order: `order[k]` is the site drawn k-th. Layers know positions, not sites.
    ///
    /// # Errors
    /// An order that is no permutation of the sites.
    pub fn with_order(mut self, order: &[usize]) -> Result<Self> {
        order::check("order", order, self.hilbert.n_sites())?;
        self.order = order.iter().map(|&site| site as u32).collect();
        Ok(self)
    }

    /// σ: one feature, the value of the local state.
    pub const INPUT: Node = Node(0);

    /// A linear layer of some nodes and an activation; `module` is its path in the tree of parameters.
    pub fn linear(
        &mut self,
        module: impl Into<String>,
        layer: MaskedLayer,
        sources: &[Node],
        activation: Activation,
    ) -> Node {
        self.push(NodeSpec {
            features: layer.features_out,
            kind: Kind::Linear {
                layer: Arc::new(layer),
                sources: sources.iter().map(|node| node.0).collect(),
                module: module.into(),
            },
            activation,
        })
    }

    /// The activation of a sum of terms, feature by feature.
    pub fn mix(&mut self, features: usize, terms: Vec<Term>, activation: Activation) -> Node {
        self.push(NodeSpec {
            kind: Kind::Mix { terms },
            features,
            activation,
        })
    }

    /// Features of a node, 0 of one that is not made yet.
    pub fn features(&self, node: Node) -> usize {
        self.nodes.get(node.0).map_or(0, |node| node.features)
    }

    /// Positions, as many as there are sites.
    pub fn n_positions(&self) -> usize {
        self.order.len()
    }

    /// The node that will be made after so many more: what a recurrent cell reads of itself.
    pub fn ahead(&self, skipping: usize) -> Node {
        Node(self.nodes.len().saturating_add(skipping))
    }

    /// The Hilbert space.
    pub(in crate::models) fn hilbert(&self) -> &Hilbert {
        &self.hilbert
    }

    /// The site drawn at each position.
    pub(in crate::models) fn order(&self) -> Vec<usize> {
        self.order.iter().map(|&site| site as usize).collect()
    }

    /// The position of each site.
    pub(in crate::models) fn positions(&self) -> Vec<usize> {
        let mut positions = vec![0; self.order.len()];
        for (position, &site) in self.order.iter().enumerate() {
            positions[site as usize] = position;
        }
        positions
    }

    /// Says that some nodes are a layer of cells.
    pub(in crate::models) fn add_cells(&mut self, cells: Cells) {
        self.cells.push(cells);
    }

    /// The layers of cells.
    pub(in crate::models) fn cells(&self) -> &[Cells] {
        &self.cells
    }

    /// The linear layers, first to last.
    pub(in crate::models) fn linear_nodes(&self) -> impl Iterator<Item = LinearNode<'_>> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(number, node)| match &node.kind {
            Kind::Linear {
                layer,
                sources,
                module,
            } => Some(LinearNode {
                node: Node(number),
                module,
                layer,
                sources: sources.iter().map(|&source| Node(source)).collect(),
            }),
            _ => None,
        })
    }

    fn push(&mut self, node: NodeSpec) -> Node {
        self.nodes.push(node);
        Node(self.nodes.len() - 1)
    }

    /// Do nodes fit each other and the Hilbert space?
    pub(super) fn check(&self, head: Head) -> Result<()> {
        let n_sites = self.order.len();
        let features = |node: usize| self.nodes.get(node).map_or(0, |node| node.features);
        for (number, node) in self.nodes.iter().enumerate() {
            match &node.kind {
                Kind::Input => {}
                Kind::Linear {
                    layer,
                    sources,
                    module,
                } => {
                    let inputs = layer.inputs.iter().map(|input| input.features);
                    let expected: Vec<usize> = inputs.collect();
                    let got: Vec<usize> = sources.iter().map(|&s| features(s)).collect();
                    if expected != got {
                        return Err(Error::invalid(
                            module,
                            format!("sources with {expected:?} features"),
                            format!("{got:?}"),
                            "make the layer for the features it reads",
                        ));
                    }
                    if layer.n_sites() != n_sites {
                        return Err(Error::invalid(
                            module,
                            format!("{n_sites} sites, as the Hilbert space has"),
                            layer.n_sites(),
                            "make the layer for the lattice of the Hilbert space",
                        ));
                    }
                    if sources.contains(&number) {
                        return Err(Error::invalid(
                            module,
                            "a linear layer of other nodes",
                            "one that reads its own output",
                            "read a `mix` of it instead",
                        ));
                    }
                }
                Kind::Mix { terms } => self.check_terms(terms, node.features)?,
            }
        }
        if head.phase == Some(head.amplitude) {
            return Err(Error::invalid(
                "head",
                "a node for phases beside that for log-amplitudes",
                "the same for both",
                "add a layer for the phases",
            ));
        }
        let local_size = self.hilbert.local_size();
        for node in std::iter::once(head.amplitude).chain(head.phase) {
            if features(node.0) != local_size || node.0 == 0 {
                return Err(Error::invalid(
                    "head",
                    format!("nodes with {local_size} features, one for each local state"),
                    features(node.0),
                    "end the network with a layer of as many features",
                ));
            }
        }
        Ok(())
    }

    fn check_terms(&self, terms: &[Term], features: usize) -> Result<()> {
        let n = self.order.len();
        let wrong = |expected: String, got: String| {
            let cure = "take features and positions that there are";
            Err(Error::invalid("terms", expected, got, cure))
        };
        let fits = |before: &Before| {
            before.len() == n && before.iter().flatten().all(|&p| (p as usize) < n)
        };
        let operands = || terms.iter().flat_map(|t| std::iter::once(&t.a).chain(&t.b));
        if features == 0 {
            return wrong("at least 1 feature".into(), "0".into());
        }
        if operands().any(|operand| operand.node == Self::INPUT) {
            return Err(Error::invalid(
                "terms",
                "operands that come from a linear layer",
                "σ itself",
                "put a layer between",
            ));
        }
        for operand in operands() {
            let there = self.features(operand.node);
            let needed = operand.first.checked_add(features);
            if needed.is_none_or(|needed| needed > there) {
                return wrong(
                    format!(
                        "an operand of {features} features from {} on",
                        operand.first
                    ),
                    format!("a node of {there}"),
                );
            }
        }
        let befores = operands().filter_map(|operand| operand.before.as_ref());
        let whens = terms.iter().filter_map(|term| term.when.as_ref());
        if !befores
            .chain(whens.clone().map(|when| &when.before))
            .all(fits)
        {
            return wrong(
                format!("for each of {n} positions one of them, or none"),
                "another number of positions, or one that is not there".into(),
            );
        }
        let local_size = self.hilbert.local_size();
        match whens
            .map(|when| when.state)
            .find(|&state| state >= local_size)
        {
            Some(state) => wrong(
                format!("one of {local_size} local states"),
                state.to_string(),
            ),
            None => Ok(()),
        }
    }
}
