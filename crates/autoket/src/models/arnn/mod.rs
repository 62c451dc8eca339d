//! The stack of causal layers: one per-site kernel, looped over all sites, with a draw after each;
//! and its differences, followed where a change of some sites can reach.

mod backward;
mod cones;
mod forward;
mod local_values;
mod outputs;
mod patterns;
mod sample;

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use self::backward::Columns;
use self::cones::Cones;
use self::forward::{Block, Workspace};
use super::{Ansatz, Autoregressive, RowOf, Samples};
use crate::hilbert::Hilbert;
use crate::nn::{Activation, MaskedLayer, Packed, Wiring};
use crate::operator::Operator;
use crate::optimizer::layerwise::Layer;
use crate::params::{Layout, Params};
use crate::random::{Key, PathItem};
use crate::scalar::{Real, Scalar, c64};
use crate::simd::{Precision, Row, Tiles, level};

/// An autoregressive neural network: causal layers with an activation between them,
/// each site's output normalised over local states.
#[derive(Debug)]
pub struct Arnn<S: Scalar> {
    class: &'static str,
    hilbert: Hilbert,
    layers: Vec<MaskedLayer>,
    activation: Activation,
    machine_pow: u32,
    tiles: Tiles,
    layout: Arc<Layout>,
    wiring: Vec<Wiring>,
    columns: Vec<Columns>,
    /// Local states as the network reads them.
    local_states: Vec<S::Real>,
    cones: Cones,
    /// The weights of the parameters met last.
    packed: Mutex<Option<(Vec<S>, AllPacked<S>)>>,
    /// Memory of finished work, for the next.
    workspaces: Mutex<Vec<Workspace<S::Real>>>,
}

type AllPacked<S> = Arc<Vec<Packed<<S as Scalar>::Real>>>;

/// Samples of one block.
const fn lanes<S: Scalar>() -> usize {
    <S::Real as Real>::Row::LANES
}

/// The path of a layer in the tree of parameters.
pub(super) fn module(layer: usize) -> String {
    format!("_layers_{layer}")
}

impl<S: Scalar> Arnn<S> {
    /// A stack of layers, of which the first is exclusive and the last has a feature for each local state.
    pub(super) fn new(
        class: &'static str,
        hilbert: Hilbert,
        layers: Vec<MaskedLayer>,
        activation: Activation,
        machine_pow: u32,
        precision: Precision,
    ) -> Self {
        let leaves = layers
            .iter()
            .enumerate()
            .map(|(l, layer)| (module(l), layer.leaves()));
        let layout = Layout::new(leaves.collect());
        Self {
            class,
            local_states: hilbert
                .local_states()
                .iter()
                .map(|&x| S::Real::from_f64(x))
                .collect(),
            hilbert,
            wiring: layers.iter().map(Wiring::new::<S>).collect(),
            columns: layers
                .iter()
                .enumerate()
                .map(|(l, layer)| columns(&layout, &module(l), layer))
                .collect(),
            layout: Arc::new(layout),
            layers,
            activation,
            machine_pow,
            tiles: Tiles {
                level: level(),
                precision,
            },
            cones: Cones::default(),
            packed: Mutex::default(),
            workspaces: Mutex::default(),
        }
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[MaskedLayer] {
        &self.layers
    }

    /// The name of the class, as NetKet has it.
    pub(super) fn class(&self) -> &'static str {
        self.class
    }

    /// Weights as the kernels read them; made once for the same parameters.
    fn pack(&self, theta: &[S]) -> AllPacked<S> {
        let mut memo = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, packed)) = &*memo
            && of == theta
        {
            return packed.clone();
        }
        let array = |l: usize, name: &str| {
            self.layout
                .range(&module(l), name)
                .map(|range| theta[range].to_vec())
        };
        let packed: Vec<_> = self
            .layers
            .iter()
            .enumerate()
            .map(|(l, layer)| layer.pack(&|name| array(l, name)))
            .collect();
        let packed = Arc::new(packed);
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
        let n_sites = self.hilbert.n_sites();
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
fn columns(layout: &Layout, module: &str, layer: &MaskedLayer) -> Columns {
    let active = |entry: usize| layout.active(entry).expect("blocks are not masked");
    let first = |name: &str| layout.range(module, name).map(|range| range.start);
    let kernel = first("kernel").expect("a layer has a kernel");
    let several = layer.features()[0] > 1;
    Columns {
        bias: first("bias").map(active),
        blocks: layer
            .blocks()
            .map(|(block, stride)| {
                let column = active(kernel + block);
                match several {
                    true => (column, active(kernel + block + stride) - column),
                    false => (column, 0),
                }
            })
            .collect(),
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
        for (l, layer) in self.layers.iter().enumerate() {
            let module = module(l);
            let draw = |n: u32| key.fold_path(&[PathItem::Name(&module), PathItem::Count(n)]);
            for leaf in layer.leaves() {
                let range = self
                    .layout
                    .range(&module, leaf.name)
                    .expect("made from these leaves");
                let array = layer.init(leaf.name, &draw);
                values[range].copy_from_slice(&array.expect("initializers have been checked"));
            }
        }
        Params {
            layout: self.layout.clone(),
            values,
        }
    }

    fn log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) {
        self.for_each_block(theta, sigma, out, 1, |block, out| {
            self.log_psi_of_block(block, out);
        });
    }

    fn vjp(&self, theta: &[S], sigma: &[u8], cotangent: &[S], sum: &mut [f64]) {
        self.vjp_of_batch(&self.pack(theta), sigma, cotangent, sum);
    }

    fn jacobian(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) {
        self.jacobian_of_batch(&self.pack(theta), sigma, out);
    }

    fn local_values_into(
        &self,
        theta: &[S],
        sigma: &[u8],
        operator: &dyn Operator,
        out: &mut [c64],
    ) {
        self.local_values_of_batch(&self.pack(theta), sigma, operator, out);
    }

    fn layerwise(&self) -> Option<Vec<Layer>> {
        let layers = self.layers.iter().zip(&self.wiring);
        layers
            .map(|(layer, wiring)| {
                let [inputs, outputs] = wiring.features;
                layer.sight().map(|inclusive| Layer {
                    n_sites: self.hilbert.n_sites(),
                    inputs,
                    outputs,
                    complex_input: inputs > layer.features()[0],
                    inclusive,
                    bias: layer.has_bias(),
                })
            })
            .collect()
    }

    fn layerwise_factors(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) {
        self.factors_of_batch(&self.pack(theta), sigma, out);
    }

    fn tabulate(&self, n_samples: usize) -> String {
        super::modules::tabulate(self, n_samples)
    }
}

impl<S: Scalar> Autoregressive<S> for Arnn<S> {
    fn conditionals_log_psi(&self, theta: &[S], sigma: &[u8]) -> Vec<S> {
        let n_sites = self.hilbert.n_sites();
        let per_sample = n_sites * self.hilbert.local_size();
        let mut out = vec![S::zero(); sigma.len() / n_sites * per_sample];
        self.for_each_block(theta, sigma, &mut out, per_sample, |block, out| {
            for (lane, out) in out.chunks_exact_mut(per_sample).enumerate() {
                let rows = block.log_conditionals.chunks_exact(S::PLANES);
                for (out, rows) in out.iter_mut().zip(rows) {
                    *out = S::new(rows[0][lane], rows[S::PLANES - 1][lane]);
                }
            }
        });
        out
    }

    fn machine_pow(&self) -> u32 {
        self.machine_pow
    }

    fn sample_into(&self, theta: &[S], n_samples: usize, key: Key, samples: &mut Samples<S>) {
        samples.sigma.resize(n_samples * self.hilbert.n_sites(), 0);
        samples.log_psi.resize(n_samples, S::zero());
        self.sample_blocks(&self.pack(theta), key, samples);
    }
}
