//! Autoregressive networks: nodes at positions, looped over all positions, with a draw at each;
//! and their differences, followed where a change of some sites can reach.

mod backward;
mod cones;
mod constrained;
mod draw;
mod follow;
mod forward;
mod head;
mod local_values;
mod network;
mod origin;
mod outputs;
mod patterns;
mod plan;
mod reach;
mod sample;

pub(super) use network::Cells;
pub use network::{Before, Head, Network, Node, Operand, Term, When};

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use self::backward::Columns;
use self::cones::Cones;
use self::forward::{Block, LaneLayout, Workspace};
use self::head::Part;
use self::local_values::Wanted;
use self::plan::{Linear, NodePlan, Plan};
use super::{Ansatz, Autoregressive, Design, RowOf, Samples};
use super::{check_length, check_theta, no_factors, same_space};
use crate::error::{Error, Result};
use crate::hilbert::{Automaton, Hilbert};
use crate::nn::{MaskedLayer, Packed};
use crate::operator::{Connected, Operator};
use crate::optimizer::layerwise::Layer;
use crate::params::{Layout, Params};
use crate::random::{Key, PathItem};
use crate::scalar::{Real, Scalar, c64};
use crate::simd::{Precision, Row, Tiles, level};

/// An autoregressive neural network: each position's log-amplitudes from the states of earlier ones,
/// normalised over local states.
pub struct Arnn<S: Scalar> {
    class: &'static str,
    /// What it was built of.
    network: Network,
    hilbert: Hilbert,
    /// The site at each position, and the position of each site.
    order: Vec<u32>,
    positions: Vec<u32>,
    plan: Plan,
    parts: Vec<Part>,
    /// What may follow a beginning, by position, in a constrained space.
    automaton: Option<Automaton>,
    lane_layout: LaneLayout,
    machine_pow: u32,
    tiles: Tiles,
    layout: Arc<Layout>,
    /// By node.
    columns: Vec<Columns>,
    /// Local states as the network reads them.
    local_states: Vec<S::Real>,
    cones: Cones,
    /// The weights of the parameters met last.
    packed: Mutex<Option<PackedFor<S>>>,
    /// Memory of finished work, for the next.
    workspaces: Mutex<Vec<Workspace<S::Real>>>,
}

impl<S: Scalar> fmt::Debug for Arnn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.class)
            .field("hilbert", &self.hilbert)
            .field("dtype", &S::DTYPE)
            .field("n_parameters", &self.layout.n_parameters())
            .finish_non_exhaustive()
    }
}

/// Parameters, and the weights made of them.
type PackedFor<S> = (Vec<S>, Arc<Weights<<S as Scalar>::Real>>);

/// All weights as the kernels read them.
#[derive(Debug)]
struct Weights<R> {
    /// Of linear nodes, by node.
    layers: Vec<Option<Packed<R>>>,
    /// Of each source of each part of the head, where it is linear.
    parts: Vec<Vec<Vec<R>>>,
}

impl<R> Weights<R> {
    fn layer(&self, node: usize) -> &Packed<R> {
        self.layers[node]
            .as_ref()
            .expect("a linear node has weights")
    }
}

/// Samples of one block.
const fn lanes<S: Scalar>() -> usize {
    <S::Real as Real>::Row::LANES
}

fn zero_row<R: Real>() -> R::Row {
    R::Row::splat(R::zero())
}

impl NodePlan {
    /// y = activation(z), less `base` where there is one.
    fn apply<S: Scalar>(&self, z: &[RowOf<S>], base: Option<&[RowOf<S>]>, y: &mut [RowOf<S>]) {
        match self.planes {
            1 => self.activation.apply::<S::Real>(z, base, y),
            _ => self.activation.apply::<S>(z, base, y),
        }
    }

    /// dz from dy, in place.
    fn pull_back<S: Scalar>(&self, z: &[RowOf<S>], dy: &mut [RowOf<S>]) {
        match self.planes {
            1 => self.activation.pull_back::<S::Real>(z, dy),
            _ => self.activation.pull_back::<S>(z, dy),
        }
    }
}

impl Network {
    /// The model with log ψ of type `S`, and parameters of the same type, or real ones if there are phases.
    ///
    /// `class` is the name by which tables show it.
    ///
    /// # Errors
    /// Nodes that do not fit each other or the Hilbert space; a node that needs itself; log-amplitudes that
    /// need states that are not drawn yet; phases of a real wave function; `machine_pow` 0;
    /// two layers with one path; a constraint that cannot be followed in this order of sites.
    pub fn build<S: Scalar>(
        &self,
        class: &'static str,
        head: Head,
        machine_pow: u32,
        precision: Precision,
    ) -> Result<Arnn<S>> {
        if machine_pow == 0 {
            return Err(Error::invalid(
                "machine_pow",
                "a positive integer",
                0,
                "take 2 for |ψ|² = 1",
            ));
        }
        if head.phase.is_some() && S::PLANES == 1 {
            return Err(Error::invalid(
                "dtype",
                "complex64 or complex128: a network with phases has a complex wave function",
                S::DTYPE,
                "choose a complex type, or leave the phases out",
            ));
        }
        let planes = match head.phase {
            Some(_) => 1,
            None => S::PLANES,
        };
        let mut network = self.clone();
        for node in &mut network.nodes {
            node.activation = match planes {
                1 => node.activation.checked::<S::Real>()?,
                _ => node.activation.checked::<S>()?,
            };
        }
        let plan = Plan::new(&network, head, planes)?;
        for (_, linear) in plan.linear() {
            match planes {
                1 => linear.layer.check_initializers::<S::Real>()?,
                _ => linear.layer.check_initializers::<S>()?,
            }
        }
        let leaves: Vec<_> = plan
            .linear()
            .map(|(_, linear)| (linear.module.clone(), linear.layer.leaves()))
            .collect();
        let mut paths: Vec<_> = leaves
            .iter()
            .flat_map(|(module, leaves)| leaves.iter().map(move |leaf| (module, &leaf.name)))
            .collect();
        paths.sort_unstable();
        if let Some(twice) = paths.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::invalid(
                "module",
                "layers with paths of their own",
                format!("two with {}/{}", twice[0].0, twice[0].1),
                "give each layer another path",
            ));
        }
        // A tree has either an array or more branches in a place.
        let arrays: HashSet<String> = paths
            .iter()
            .map(|(m, name)| format!("{m}/{name}"))
            .collect();
        let branches = |module: &str| -> Vec<String> {
            let ends = module.match_indices('/').map(|(i, _)| i);
            let ends = ends.chain([module.len()]);
            ends.map(|end| module[..end].to_owned()).collect()
        };
        let mut modules = leaves.iter().flat_map(|(module, _)| branches(module));
        if let Some(path) = modules.find(|path| arrays.contains(path)) {
            return Err(Error::invalid(
                "module",
                "layers with paths of their own",
                format!("{path}, which is an array of another"),
                "give each layer another path",
            ));
        }
        let layout = Layout::new(leaves);
        let layout = match head.phase {
            Some(_) => layout.of_real_parameters(),
            None => layout,
        };
        let order: Vec<usize> = self.order.iter().map(|&site| site as usize).collect();
        let mut positions = vec![0; self.order.len()];
        for (position, &site) in self.order.iter().enumerate() {
            positions[site as usize] = position as u32;
        }
        let mut all_columns: Vec<Columns> = Vec::new();
        all_columns.resize_with(plan.nodes.len(), Columns::default);
        for (node, linear) in plan.linear() {
            all_columns[node] = columns(&layout, linear);
        }
        let local_states = self.hilbert.local_states().iter();
        let mut model = Arnn {
            class,
            hilbert: self.hilbert.clone(),
            order: self.order.clone(),
            network,
            positions,
            parts: Part::all(&plan, head, S::PLANES),
            automaton: self.hilbert.read_along(&order)?,
            lane_layout: LaneLayout::default(),
            machine_pow,
            tiles: Tiles {
                level: level(),
                precision,
            },
            layout: Arc::new(layout),
            columns: all_columns,
            local_states: local_states.map(|&x| S::Real::from_f64(x)).collect(),
            plan,
            cones: Cones::default(),
            packed: Mutex::default(),
            workspaces: Mutex::default(),
        };
        model.lane_layout = LaneLayout::new(&model);
        Ok(model)
    }
}

impl<S: Scalar> Arnn<S> {
    /// The linear layers, first to last, with their paths in the tree of parameters.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &MaskedLayer)> {
        let linear = self.plan.linear();
        linear.map(|(_, linear)| (linear.module.as_str(), &*linear.layer))
    }

    /// What it was built of.
    pub(super) fn design(&self) -> Design {
        Design {
            network: self.network.clone(),
            head: self.plan.head,
            class: self.class,
            machine_pow: self.machine_pow,
            precision: self.tiles.precision,
            param_dtype: self.layout.dtype::<S>(),
        }
    }

    /// Sites, in the order in which they are drawn.
    fn n_positions(&self) -> usize {
        self.order.len()
    }

    /// Weights as the kernels read them; made once for the same parameters.
    fn pack(&self, theta: &[S]) -> Arc<Weights<S::Real>> {
        let mut memo = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, packed)) = &*memo
            && of == theta
        {
            return packed.clone();
        }
        let mut layers: Vec<Option<Packed<S::Real>>> = vec![None; self.plan.nodes.len()];
        for (node, linear) in self.plan.linear() {
            let array = |name: &str| {
                let range = self.layout.range(&linear.module, name);
                theta[range.expect("the layout has this layer's arrays")].to_vec()
            };
            let sources = linear
                .sources
                .iter()
                .map(|s| self.plan.nodes[s.node].planes);
            let sources: Vec<usize> = sources.collect();
            let planes = self.plan.nodes[node].planes;
            layers[node] = Some(linear.layer.pack(planes, &sources, &array));
        }
        let parts = self.parts.iter().map(|part| match &layers[part.node] {
            Some(packed) => {
                let weights: Vec<_> = packed.inputs.iter().map(|p| &p.weights[..]).collect();
                part.pack(&self.plan.nodes[part.node], &weights)
            }
            None => Vec::new(),
        });
        let parts = parts.collect();
        let packed = Arc::new(Weights { layers, parts });
        *memo = Some((theta.to_vec(), packed.clone()));
        packed
    }

    /// Runs `f` with a workspace of its own.
    fn with_workspace<T>(&self, f: impl FnOnce(&mut Workspace<S::Real>) -> T) -> T {
        let lock = || {
            self.workspaces
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let kept = lock().pop();
        let mut workspace = kept.unwrap_or_else(|| Workspace::new(self));
        let result = f(&mut workspace);
        lock().push(workspace);
        result
    }

    /// Runs `f` on each block of samples, its forward pass done, with its slice of `out`,
    /// which has `per_sample` entries a sample.
    fn for_each_block<T: Send>(
        &self,
        theta: &[S],
        sigma: &[u8],
        out: &mut [T],
        per_sample: usize,
        f: impl Fn(&Block<S::Real>, &mut [T]) + Sync,
    ) {
        let packed = self.pack(theta);
        let n_sites = self.n_positions();
        sigma
            .par_chunks(lanes::<S>() * n_sites)
            .zip(out.par_chunks_mut(lanes::<S>() * per_sample))
            .for_each(|(sigma, out)| {
                self.with_workspace(|workspace| {
                    let block = &mut workspace.blocks[0];
                    self.load(block, sigma);
                    self.forward(&packed, block);
                    f(block, out);
                });
            });
    }
}

/// Where a layer's derivatives stand among the entries of θ that are not masked.
fn columns(layout: &Layout, linear: &Linear) -> Columns {
    let layer = &linear.layer;
    let active = |entry: usize| layout.active(entry).expect("blocks are not masked");
    let first = |name: &str| {
        let range = layout.range(&linear.module, name);
        range.expect("the layout has this layer's arrays").start
    };
    let kernel = first(layer.kernel.name);
    let blocks = |input: &crate::nn::Input| {
        let several = input.features > 1;
        let blocks = input.blocks.iter().map(|block| {
            let column = active(kernel + block.first);
            match several {
                true => (column, active(kernel + block.first + block.stride) - column),
                false => (column, 0),
            }
        });
        blocks.collect()
    };
    Columns {
        bias: layer.bias.as_ref().map(|bias| active(first(bias.name))),
        blocks: layer.inputs.iter().map(blocks).collect(),
    }
}

impl<S: Scalar> Ansatz<S> for Arnn<S> {
    fn hilbert(&self) -> &Hilbert {
        &self.hilbert
    }

    fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    fn init(&self, key: Key) -> Params<S> {
        let mut values = vec![S::zero(); self.layout.n_parameters()];
        for (module, layer) in self.layers() {
            for (name, n) in layer.keys() {
                let names = module.split('/').map(PathItem::Name);
                let path: Vec<_> = names.chain([PathItem::Count(n)]).collect();
                let key = key.fold_path(&path);
                let array = match self.plan.head.phase {
                    None => layer.init(name, key),
                    Some(_) => layer.init::<S::Real>(name, key).map(|array| {
                        let complex = |x: S::Real| S::new(x, S::Real::from_f64(0.0));
                        array.into_iter().map(complex).collect()
                    }),
                };
                let range = self.layout.range(module, name);
                let values = &mut values[range.expect("made from these arrays")];
                match array {
                    Ok(array) => values.copy_from_slice(&array),
                    // All but the user's own have been checked for good.
                    Err(_) => values.fill(S::from_c64(c64::new(f64::NAN, 0.0))),
                }
            }
        }
        Params {
            layout: self.layout.clone(),
            values,
        }
    }

    fn log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> Result<()> {
        check_length("out", self.check_batch(theta, sigma)?, out.len())?;
        self.for_each_block(theta, sigma, out, 1, |block, out| {
            self.log_psi_of_block(block, out);
        });
        Ok(())
    }

    fn vjp(&self, theta: &[S], sigma: &[u8], cotangent: &[S], sum: &mut [f64]) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        check_length("cotangent", n_samples, cotangent.len())?;
        check_length("sum", self.n_reals(), sum.len())?;
        self.vjp_of_batch(&self.pack(theta), sigma, cotangent, sum);
        Ok(())
    }

    fn jacobian(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) -> Result<()> {
        let panels = self.check_batch(theta, sigma)?.div_ceil(lanes::<S>()) * S::PLANES;
        check_length("out", panels * self.n_reals(), out.len())?;
        self.jacobian_of_batch(&self.pack(theta), sigma, out);
        Ok(())
    }

    fn local_values_into(
        &self,
        theta: &[S],
        sigma: &[u8],
        operator: &dyn Operator,
        out: &mut [c64],
    ) -> Result<()> {
        same_space(&self.hilbert, operator)?;
        check_length("out", self.check_batch(theta, sigma)?, out.len())?;
        let sum = |row: &Connected, ratios: &[c64]| {
            let terms = row.iter().zip(ratios);
            terms.map(|((mel, _), ratio)| mel * ratio).sum()
        };
        let weights = self.pack(theta);
        self.follow_batch(&weights, sigma, operator, Wanted::Ratios, out, sum);
        Ok(())
    }

    fn log_ratios(
        &self,
        theta: &[S],
        sigma: &[u8],
        operator: &dyn Operator,
    ) -> Result<Vec<Vec<c64>>> {
        same_space(&self.hilbert, operator)?;
        let mut out = vec![Vec::new(); self.check_batch(theta, sigma)?];
        let weights = self.pack(theta);
        let copied = |_: &Connected, logs: &[c64]| logs.to_vec();
        self.follow_batch(&weights, sigma, operator, Wanted::Logs, &mut out, copied);
        Ok(out)
    }

    fn layerwise(&self) -> Option<Vec<Layer>> {
        if self.plan.head.phase.is_some() {
            return None;
        }
        let layer = |(node, linear): (usize, &Linear)| {
            let source = &self.plan.nodes[linear.sources[0].node];
            linear.layer.sight().map(|inclusive| Layer {
                n_sites: self.n_positions(),
                inputs: source.width,
                outputs: self.plan.nodes[node].width,
                complex_input: source.planes == 2,
                inclusive,
                bias: linear.layer.bias.is_some(),
            })
        };
        self.plan.linear().map(layer).collect()
    }

    fn layerwise_factors(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) -> Result<()> {
        let rows: usize = match self.layerwise() {
            Some(layers) => layers.iter().map(Layer::rows).sum(),
            None => return Err(no_factors()),
        };
        let panels = self.check_batch(theta, sigma)?.div_ceil(lanes::<S>()) * S::PLANES;
        check_length("out", panels * rows, out.len())?;
        self.factors_of_batch(&self.pack(theta), sigma, out);
        Ok(())
    }

    fn tabulate(&self, n_samples: usize) -> String {
        super::modules::tabulate(self, n_samples)
    }
}

impl<S: Scalar> Autoregressive<S> for Arnn<S> {
    fn conditionals_log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> Result<()> {
        let local_size = self.hilbert.local_size();
        let per_sample = self.n_positions() * local_size;
        let n_samples = self.check_batch(theta, sigma)?;
        check_length("out", n_samples * per_sample, out.len())?;
        self.for_each_block(theta, sigma, out, per_sample, |block, out| {
            for (lane, out) in out.chunks_exact_mut(per_sample).enumerate() {
                let positions = block.log_conditionals.chunks_exact(local_size * S::PLANES);
                for (rows, &site) in positions.zip(&self.order) {
                    let out = &mut out[site as usize * local_size..][..local_size];
                    for (out, rows) in out.iter_mut().zip(rows.chunks_exact(S::PLANES)) {
                        *out = S::new(rows[0][lane], rows[S::PLANES - 1][lane]);
                    }
                }
            }
        });
        Ok(())
    }

    fn order(&self) -> Vec<usize> {
        self.order.iter().map(|&site| site as usize).collect()
    }

    fn machine_pow(&self) -> u32 {
        self.machine_pow
    }

    fn sample_places_into(
        &self,
        theta: &[S],
        places: Range<usize>,
        key: Key,
        samples: &mut Samples<S>,
    ) -> Result<()> {
        check_theta(&self.layout, theta)?;
        samples.sigma.resize(places.len() * self.n_positions(), 0);
        samples.log_psi.resize(places.len(), S::zero());
        self.sample_blocks(&self.pack(theta), places.start, key, samples);
        Ok(())
    }
}
