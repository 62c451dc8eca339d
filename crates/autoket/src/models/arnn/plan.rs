//! A network as the engine runs it: rows instead of features, and the order in which all is done.

use std::sync::Arc;

use super::network::{Before, Head, Kind, Network, NodeSpec, Operand, When};
use crate::error::{Error, Result};
use crate::nn::{Activation, Lists, MaskedLayer};
use crate::simd::Tap;

/// A node in rows of lanes: `[position][row]`, before and after the activation.
#[derive(Debug)]
pub(super) struct NodePlan {
    /// Real numbers of a feature.
    pub planes: usize,
    /// Rows of a position's features.
    pub width: usize,
    /// Rows from one position to the next: twice the width, where there is an activation.
    pub stride: usize,
    /// The first row of the features after the activation.
    pub after: usize,
    pub activation: Activation,
    pub work: Work,
    /// The linear nodes that read it, and which of their sources it is.
    pub readers: Vec<(usize, usize)>,
    /// Does a cotangent come to it from elsewhere too: from a mix, or from log ψ?
    pub seeded: bool,
    /// Is it read by log ψ alone, and linear? Then it is not followed as the others are.
    pub last: bool,
}

#[derive(Debug)]
pub(super) enum Work {
    Input,
    Linear(Box<Linear>),
    Mix(Vec<MixTerm>),
}

#[derive(Debug)]
pub(super) struct Linear {
    pub layer: Arc<MaskedLayer>,
    pub module: String,
    pub sources: Vec<Wiring>,
    /// Numbers from one site's bias to the next: 0 where they share it.
    pub bias_stride: usize,
}

/// What a linear node reads of a source, as the kernels see it: rows instead of sites.
#[derive(Debug)]
pub(super) struct Wiring {
    pub node: usize,
    /// Real features in.
    pub width: usize,
    /// For each output site, the rows of its input.
    pub taps: Lists<Tap>,
    /// For each input site, the rows of the outputs' cotangents that read it.
    pub back: Lists<Tap>,
    /// For each block of weights, the (row of input, row of the output's cotangent) it joins.
    pub joins: Lists<[u32; 2]>,
}

#[derive(Debug)]
pub(super) struct MixTerm {
    pub factor: f64,
    pub a: MixOperand,
    pub b: Option<MixOperand>,
    pub when: Option<When>,
}

impl When {
    /// Whose state counts.
    #[inline]
    pub(super) fn position(&self, position: usize) -> Option<usize> {
        self.before[position].map(|p| p as usize)
    }
}

#[derive(Debug)]
pub(super) struct MixOperand {
    pub node: usize,
    /// The first row taken.
    pub first: usize,
    before: Option<Before>,
}

impl MixOperand {
    /// Where it is taken from.
    #[inline]
    pub fn position(&self, position: usize) -> Option<usize> {
        match &self.before {
            None => Some(position),
            Some(before) => before[position].map(|p| p as usize),
        }
    }
}

/// One node at one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub node: u32,
    pub position: u32,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub nodes: Vec<NodePlan>,
    pub head: Head,
    /// What is to be done to know log ψ, in order. What one part does has its inputs from parts before.
    pub steps: Vec<Step>,
    /// The end of each part: part t needs the states of the first t positions, the last is for phases alone.
    ends: Vec<usize>,
    /// For each node and position the steps that read it.
    pub readers: Lists<u32>,
}

impl Plan {
    /// `planes` real numbers make a parameter.
    pub fn new(network: &Network, head: Head, planes: usize) -> Result<Self> {
        network.check(head)?;
        let mut nodes: Vec<NodePlan> = network
            .nodes
            .iter()
            .map(|spec| node(spec, planes))
            .collect();
        let heads = || std::iter::once(head.amplitude.0).chain(head.phase.map(|node| node.0));
        for (number, spec) in network.nodes.iter().enumerate() {
            match &spec.kind {
                Kind::Input => {}
                Kind::Linear { sources, .. } => {
                    for (k, &source) in sources.iter().enumerate() {
                        nodes[source].readers.push((number, k));
                    }
                }
                Kind::Mix { terms } => {
                    for term in terms {
                        for operand in std::iter::once(&term.a).chain(&term.b) {
                            nodes[operand.node.0].seeded = true;
                        }
                    }
                }
            }
        }
        for (number, spec) in network.nodes.iter().enumerate() {
            let is_head = heads().any(|head| head == number);
            let read = !nodes[number].readers.is_empty() || nodes[number].seeded;
            nodes[number].last = is_head
                && !read
                && matches!(spec.kind, Kind::Linear { .. })
                && spec.activation == Activation::IDENTITY;
            nodes[number].seeded |= is_head;
        }
        for (number, spec) in network.nodes.iter().enumerate() {
            let work = work(spec, &nodes, number);
            nodes[number].work = work;
        }
        let mut plan = Self {
            nodes,
            head,
            steps: Vec::new(),
            ends: Vec::new(),
            readers: Lists::with_capacity(0, 0),
        };
        plan.schedule(network)?;
        Ok(plan)
    }

    pub fn n_positions(&self) -> usize {
        self.ends.len() - 2
    }

    /// What can be done once the states of the first `t` positions are known, and not before.
    pub fn part(&self, t: usize) -> &[Step] {
        let first = if t == 0 { 0 } else { self.ends[t - 1] };
        &self.steps[first..self.ends[t]]
    }

    /// What only phases need.
    pub fn phases(&self) -> &[Step] {
        self.part(self.n_positions() + 1)
    }

    /// The linear nodes.
    pub fn linear(&self) -> impl Iterator<Item = (usize, &Linear)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(n, node)| match &node.work {
            Work::Linear(linear) => Some((n, &**linear)),
            _ => None,
        })
    }

    /// Calls `f` with each node and position that a step reads.
    pub fn for_each_read(&self, Step { node, position }: Step, mut f: impl FnMut(usize, usize)) {
        let position = position as usize;
        match &self.nodes[node as usize].work {
            Work::Input => {}
            Work::Linear(linear) => {
                let inputs = linear.layer.inputs.iter().zip(&linear.sources);
                for (input, source) in inputs {
                    for read in input.reads.get(position) {
                        f(source.node, read.from as usize);
                    }
                }
            }
            Work::Mix(terms) => {
                for term in terms {
                    for operand in std::iter::once(&term.a).chain(&term.b) {
                        if let Some(position) = operand.position(position) {
                            f(operand.node, position);
                        }
                    }
                    if let Some(position) = term.when.as_ref().and_then(|w| w.position(position)) {
                        f(0, position);
                    }
                }
            }
        }
    }

    /// Finds the order in which all that log ψ needs can be done.
    ///
    /// # Errors
    /// A node that needs itself; log-amplitudes that need states not yet drawn.
    fn schedule(&mut self, network: &Network) -> Result<()> {
        let n_positions = network.order.len();
        let mut search = Search {
            plan: self,
            n_positions,
            found: vec![Found::Not; self.nodes.len() * n_positions],
            steps: Vec::new(),
        };
        for position in 0..n_positions {
            let needs = search.visit(self.head.amplitude.0, position)?;
            if needs > position {
                return Err(Error::invalid(
                    "head",
                    format!("log-amplitudes at position {position} of what comes before"),
                    format!(
                        "a network where they read the state of position {}",
                        needs - 1
                    ),
                    "make its first layer exclusive and the others causal",
                ));
            }
        }
        let n_amplitudes = search.steps.len();
        if let Some(phase) = self.head.phase {
            for position in 0..n_positions {
                let needs = search.visit(phase.0, position)?;
                if needs > position {
                    return Err(Error::invalid(
                        "head",
                        format!("phases at position {position} of what comes before"),
                        format!(
                            "a network where they read the state of position {}",
                            needs - 1
                        ),
                        "make its first layer exclusive and the others causal",
                    ));
                }
            }
        }
        let mut steps = search.steps;
        steps[..n_amplitudes].sort_by_key(|&(needs, _)| needs);
        let mut ends: Vec<usize> = (0..=n_positions)
            .map(|t| steps[..n_amplitudes].partition_point(|&(needs, _)| needs <= t))
            .collect();
        ends.push(steps.len());
        (self.steps, self.ends) = (steps.into_iter().map(|(_, step)| step).collect(), ends);
        let mut readers = vec![Vec::new(); self.nodes.len() * n_positions];
        for (number, &step) in self.steps.iter().enumerate() {
            self.for_each_read(step, |node, position| {
                let readers = &mut readers[node * n_positions + position];
                if readers.last() != Some(&(number as u32)) {
                    readers.push(number as u32);
                }
            });
        }
        self.readers = readers.into_iter().collect();
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Found {
    Not,
    InSearch,
    /// With the number of positions whose states it needs.
    Done(usize),
}

/// A search in depth for what a node at a position needs.
struct Search<'a> {
    plan: &'a Plan,
    n_positions: usize,
    found: Vec<Found>,
    steps: Vec<(usize, Step)>,
}

impl Search<'_> {
    /// Schedules a node at a position after all it needs; returns the number of positions whose states it needs.
    fn visit(&mut self, node: usize, position: usize) -> Result<usize> {
        // Those under way, each with what it reads and is still to be visited, and what is needed so far.
        let mut open = Vec::new();
        let mut next = Some((node, position));
        let mut needs = 0;
        loop {
            if let Some((node, position)) = next.take() {
                match self.found[self.place(node, position)] {
                    _ if node == 0 => needs = position + 1,
                    Found::Done(known) => needs = known,
                    Found::InSearch => {
                        return Err(Error::invalid(
                            "network",
                            "nodes that can be found one after the other",
                            format!("node {node}, which at position {position} needs itself"),
                            "read recurrent nodes at earlier positions only",
                        ));
                    }
                    Found::Not => {
                        let place = self.place(node, position);
                        self.found[place] = Found::InSearch;
                        let step = Step {
                            node: node as u32,
                            position: position as u32,
                        };
                        let mut reads = Vec::new();
                        self.plan
                            .for_each_read(step, |node, position| reads.push((node, position)));
                        reads.reverse();
                        open.push((step, reads, 0));
                        needs = 0;
                    }
                }
            }
            let Some((step, reads, known)) = open.last_mut() else {
                return Ok(needs);
            };
            *known = needs.max(*known);
            next = reads.pop();
            if next.is_none() {
                let (step, known) = (*step, *known);
                let place = self.place(step.node as usize, step.position as usize);
                self.found[place] = Found::Done(known);
                self.steps.push((known, step));
                open.pop();
                needs = known;
            }
        }
    }

    fn place(&self, node: usize, position: usize) -> usize {
        node * self.n_positions + position
    }
}

/// The rows of a node; how they are found comes later.
fn node(spec: &NodeSpec, planes: usize) -> NodePlan {
    // Local states are real.
    let planes = match spec.kind {
        Kind::Input => 1,
        _ => planes,
    };
    let width = spec.features * planes;
    let activated = spec.activation != Activation::IDENTITY;
    NodePlan {
        planes,
        width,
        stride: if activated { 2 * width } else { width },
        after: if activated { width } else { 0 },
        activation: spec.activation.clone(),
        work: Work::Input,
        readers: Vec::new(),
        seeded: false,
        last: false,
    }
}

fn work(spec: &NodeSpec, nodes: &[NodePlan], number: usize) -> Work {
    match &spec.kind {
        Kind::Input => Work::Input,
        Kind::Linear {
            layer,
            sources,
            module,
        } => Work::Linear(Box::new(Linear {
            sources: sources
                .iter()
                .enumerate()
                .map(|(k, &source)| wiring(layer, k, source, nodes, nodes[number].width))
                .collect(),
            bias_stride: match layer.has_bias_by_site() {
                true => nodes[number].width,
                false => 0,
            },
            layer: layer.clone(),
            module: module.clone(),
        })),
        Kind::Mix { terms } => {
            let operand = |operand: &Operand| {
                let source = &nodes[operand.node.0];
                MixOperand {
                    node: operand.node.0,
                    first: source.after + operand.first * source.planes,
                    before: operand.before.clone(),
                }
            };
            Work::Mix(
                terms
                    .iter()
                    .map(|term| MixTerm {
                        factor: term.factor,
                        a: operand(&term.a),
                        b: term.b.as_ref().map(operand),
                        when: term.when.clone(),
                    })
                    .collect(),
            )
        }
    }
}

fn wiring(
    layer: &MaskedLayer,
    k: usize,
    source: usize,
    nodes: &[NodePlan],
    width_out: usize,
) -> Wiring {
    let input = &layer.inputs[k];
    let node = &nodes[source];
    let row_in = |site: usize| (site * node.stride + node.after) as u32;
    let row_out = |site: usize| (site * width_out) as u32;
    let mut back = vec![Vec::new(); input.reads.len()];
    let mut joins = vec![Vec::new(); input.blocks.len()];
    for (to, reads) in input.reads.iter().enumerate() {
        for read in reads {
            let (block, row) = (read.block, row_out(to));
            back[read.from as usize].push(Tap { block, row });
            joins[block as usize].push([row_in(read.from as usize), row]);
        }
    }
    let tap = |read: &crate::nn::Read| Tap {
        block: read.block,
        row: row_in(read.from as usize),
    };
    Wiring {
        node: source,
        width: node.width,
        taps: input
            .reads
            .iter()
            .map(|reads| reads.iter().map(tap).collect())
            .collect(),
        back: back.into_iter().collect(),
        joins: joins.into_iter().collect(),
    }
}
