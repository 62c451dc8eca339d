//! The layers of a design: their parameters, their calls and their caches at their places in the tree of modules.

use std::sync::Arc;

use super::cache::{self, COLLECTION, Cache};
use super::layer::{Layer, UPDATE_SITE};
use crate::error::Result;
use crate::models::arnn::Cells;
use crate::models::{Network, Node};
use crate::module::{Array, CALL, Element, ModuleError, Scope, with_dtype};
use crate::nn::MaskedLayer;
use crate::random::Key;
use crate::scalar::Dtype;

/// A layer of a design.
pub(super) struct Unit {
    /// Where its arrays stand.
    pub(super) module: String,
    /// Those that share its arrays' place: a cell may have several.
    pub(super) masked: Vec<Arc<MaskedLayer>>,
    /// The first of its nodes.
    pub(super) first: Node,
    kind: Kind,
}

enum Kind {
    /// One linear layer of these nodes.
    Linear(Vec<Node>),
    Cells(Cells),
}

/// A site, and where it is in the order of drawing.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub(super) site: usize,
    pub(super) position: usize,
}

/// What nodes give, `(sample, position, feature)`.
pub(super) struct Outputs<'a> {
    pub(super) network: &'a Network,
    /// σ, `(sample, position)`.
    pub(super) x: Array,
    /// The type of all nodes but σ.
    pub(super) element: Element,
    /// The features of a node, before its activation or after it; `None`: shapes alone are known.
    pub(super) numbers: Option<&'a dyn Fn(Node, bool) -> Result<Array>>,
}

impl Outputs<'_> {
    fn shape(&self, node: Node) -> Array {
        let shape = [self.x.shape(), &[self.network.features(node)]].concat();
        let element = match node {
            Network::INPUT => self.x.element(),
            _ => self.element,
        };
        Array::shape_only(&shape, element)
    }

    fn of(&self, node: Node, activated: bool) -> Result<Array> {
        let shape = self.shape(node);
        match self.numbers {
            _ if node == Network::INPUT => self.x.reshape(shape.shape()),
            None => Ok(shape),
            Some(numbers) => numbers(node, activated)?
                .cast(self.element)
                .reshape(shape.shape()),
        }
    }
}

/// The class of a layer of cells.
const CELLS: &str = "RNNLayer";

impl Unit {
    /// The layers of a design, first to last.
    pub(super) fn all(network: &Network) -> Vec<Self> {
        let mut units: Vec<Self> = Vec::new();
        for linear in network.linear_nodes() {
            if let Some(unit) = units.last_mut()
                && unit.module == linear.module
            {
                unit.masked.push(linear.layer.clone());
                continue;
            }
            let layer = linear.module.strip_suffix("/cell");
            let cells = network
                .cells()
                .iter()
                .find(|c| Some(c.module.as_str()) == layer);
            units.push(Self {
                module: linear.module.to_owned(),
                masked: vec![linear.layer.clone()],
                first: linear.node,
                kind: match cells {
                    Some(cells) => Kind::Cells(cells.clone()),
                    None => Kind::Linear(linear.sources),
                },
            });
        }
        units
    }

    /// Does it read σ?
    pub(super) fn is_first(&self) -> bool {
        match &self.kind {
            Kind::Linear(sources) => sources.contains(&Network::INPUT),
            Kind::Cells(cells) => cells.input == Network::INPUT,
        }
    }

    /// Does its type depend on that of σ? Cells turn σ into the type of their parameters.
    pub(super) fn reads_sigma(&self) -> bool {
        matches!(&self.kind, Kind::Linear(sources) if sources.contains(&Network::INPUT))
    }

    /// Makes or checks the parameters, in the order in which the reference draws their keys; returns them by name.
    pub(super) fn parameters(
        &self,
        scope: &Scope,
        param_dtype: Dtype,
        method: &str,
        cache: Option<Cache>,
    ) -> Result<Vec<(&'static str, Array)>> {
        let scope = scope.below(&self.module, self.masked[0].class());
        // Within the loop over sites Flax sees the collection of the cell alone.
        let is_looped = matches!(self.kind, Kind::Cells(_)) && method == CALL;
        if is_looped
            && !scope.is_mutable_collection("params")
            && scope.variables().get("params").is_none()
        {
            return Err(ModuleError::ScopeCollectionNotFound {
                collection: "params".to_owned(),
                name: self.masked[0].kernel.name.to_owned(),
                scope: format!("/{}", scope.path().join("/")),
            }
            .into());
        }
        // The reference's cached convolutions make kernel and bias in the other order when they update a site.
        let reversed =
            method == UPDATE_SITE && matches!(cache, Some(Cache::Window(_) | Cache::Rows(_)));
        let mut parameters = Vec::new();
        for masked in &self.masked {
            parameters.extend(arrays(masked, &scope, param_dtype, reversed)?);
        }
        Ok(parameters)
    }

    /// Says that the layer is called with all sites, to those who look at calls.
    pub(super) fn call(
        &self,
        scope: &Scope,
        cache: Option<Cache>,
        outputs: &Outputs<'_>,
    ) -> Result<()> {
        match &self.kind {
            Kind::Linear(sources) => {
                let masked = &self.masked[0];
                let on_lattice = |x: Array| {
                    let shape = [&x.shape()[..1], masked.lattice(), &x.shape()[2..]].concat();
                    x.reshape(&shape)
                };
                let inputs = sources.iter().map(|&node| on_lattice(outputs.shape(node)));
                let inputs = inputs.collect::<Result<Vec<_>>>()?;
                let output = on_lattice(outputs.of(self.first, false)?)?;
                let layer = Layer::new(masked.class(), cache);
                let scope = scope.below(&self.module, masked.class());
                scope.record(&layer, CALL, &inputs, |_| Ok([output]))?;
            }
            Kind::Cells(cells) => {
                let input = outputs.shape(cells.input);
                let hidden = outputs.of(cells.hidden, true)?;
                let hidden = hidden.take(1, &outputs.network.positions())?;
                let layer = Layer::new(CELLS, cache);
                let scope = scope.below(&cells.module, CELLS);
                scope.record(&layer, CALL, &[input], |scope| {
                    let one_site = |node| outputs.shape(node).at(1, 0);
                    let memory = one_site(cells.hidden)?;
                    let input = one_site(cells.input)?.cast(outputs.element);
                    let inputs = [input, memory.clone(), read_by_cell(cells, &memory)];
                    // Flax does not see what could be captured within its loop over sites.
                    let (cell, scope) = self.cell(scope);
                    scope.keep(&cell, CALL, &inputs, |_| Ok([memory.clone(), memory]))?;
                    Ok([hidden])
                })?;
            }
        }
        Ok(())
    }

    fn cell(&self, scope: &Scope) -> (Layer, Scope) {
        let class = self.masked[0].class();
        (Layer::new(class, None), scope.below("cell", class))
    }

    /// Gives the layer one site, and its cache what comes before.
    pub(super) fn update_site(
        &self,
        scope: &Scope,
        cache: Cache,
        at: Site,
        outputs: &Outputs<'_>,
    ) -> Result<()> {
        let n_sites = outputs.network.n_positions();
        let k = at.position;
        let input = |node: Node, exclusive: bool| {
            // Before the first position the reference takes any site.
            let position = if exclusive { k + n_sites - 1 } else { k };
            outputs.of(node, true)?.at(1, position % n_sites)
        };
        match &self.kind {
            Kind::Linear(sources) => {
                let exclusive = sources.contains(&Network::INPUT);
                let input = input(sources[0], exclusive)?;
                let output = outputs.of(self.first, false)?.at(1, k)?;
                let class = self.masked[0].class();
                let layer = Layer::new(class, Some(cache));
                let inputs = [input.clone(), Array::index(at.site)];
                let scope = scope.below(&self.module, class);
                scope.record(&layer, UPDATE_SITE, &inputs, |scope| {
                    let from = k.checked_sub(usize::from(exclusive));
                    cache.update(scope, &input, output.element(), from, k)?;
                    Ok([output])
                })?;
            }
            Kind::Cells(cells) => {
                let input = input(cells.input, cells.exclusive)?;
                let layer = Layer::new(CELLS, Some(cache));
                let inputs = [input.clone(), Array::index(at.site)];
                let scope = scope.below(&cells.module, CELLS);
                scope.record(&layer, UPDATE_SITE, &inputs, |scope| {
                    Ok([self.update_cell(cells, scope, input, at, outputs)?])
                })?;
            }
        }
        Ok(())
    }

    /// Calls one cell; memories go to the cache, unless this is `init`.
    fn update_cell(
        &self,
        cells: &Cells,
        scope: &Scope,
        input: Array,
        at: Site,
        outputs: &Outputs<'_>,
    ) -> Result<Array> {
        let at_position = |node| outputs.of(node, true)?.at(1, at.position);
        let hidden = at_position(cells.hidden)?;
        let [batch, features] = [hidden.shape()[0], hidden.shape()[1]];
        let shape = [batch, outputs.network.n_positions(), features];
        let memory = cache::variable(scope, "cell_mem", &[batch, features], outputs.element)?;
        let all_hidden = cache::variable(scope, "outputs", &shape, outputs.element)?;
        let new_memory = match cells.memory {
            Some(node) => at_position(node)?,
            None => memory.clone(),
        };
        let read = read_by_cell(cells, &memory);
        let inputs = [input.cast(outputs.element), memory, read];
        let (cell, cell_scope) = self.cell(scope);
        let [new_memory, hidden] =
            cell_scope.record(&cell, CALL, &inputs, |_| Ok([new_memory, hidden]))?;
        if !scope.is_initializing() {
            let all_hidden = with_dtype!(super::inexact(outputs.element)?, S => {
                let (mut all, hidden) = (all_hidden.values::<S>()?, hidden.values::<S>()?);
                let samples = all.chunks_exact_mut(shape[1] * features);
                for (all, hidden) in samples.zip(hidden.chunks_exact(features)) {
                    all[at.site * features..][..features].copy_from_slice(hidden);
                }
                Array::new::<S>(&shape, all)?
            });
            scope.put_variable(COLLECTION, "cell_mem", new_memory)?;
            scope.put_variable(COLLECTION, "outputs", all_hidden)?;
        }
        Ok(hidden)
    }
}

/// Makes or checks the arrays of a layer, in the order of their keys or in the other one.
pub(super) fn arrays(
    masked: &MaskedLayer,
    scope: &Scope,
    param_dtype: Dtype,
    reversed: bool,
) -> Result<Vec<(&'static str, Array)>> {
    let mut keys: Vec<_> = masked.keys().collect();
    keys.sort_by_key(|&(_, key)| key);
    if reversed {
        keys.reverse();
    }
    let leaves = masked.leaves();
    let mut made = Vec::new();
    for (name, _) in keys {
        let init = |key: Key, shape: &[usize], dtype: Dtype| with_dtype!(dtype, S => Array::new(shape, masked.init::<S>(name, key)?));
        if let Some(leaf) = leaves.iter().find(|leaf| leaf.name == name) {
            made.push((name, scope.param(name, init, &leaf.shape, param_dtype)?));
        }
    }
    Ok(made)
}

/// The shape of the hidden memories that a cell reads, each like `memory`.
fn read_by_cell(cells: &Cells, memory: &Array) -> Array {
    let [batch, features] = [memory.shape()[0], memory.shape()[1]];
    let shape = match cells.neighbours {
        Some(neighbours) => [batch, neighbours, features],
        None => [batch, features, 1],
    };
    Array::shape_only(&shape, memory.element())
}
