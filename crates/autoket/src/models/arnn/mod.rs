//! The stack of causal layers: one per-site kernel, looped over all sites, with a draw after each,
//! or over the sites that a flip can reach.

mod backward;
mod cones;
mod forward;
mod sample;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use self::cones::Cone;
use self::forward::Workspace;
use super::{Ansatz, ArnnConv2d, Autoregressive, Samples};
use crate::hilbert::Hilbert;
use crate::nn::{Activation, CausalLayer, Grad, Packed};
use crate::operator::Operator;
use crate::params::{Layout, Params};
use crate::random::{Key, PathItem};
use crate::scalar::{Real, Scalar, c64};
use crate::simd::{Row, Tiles, level};

/// An autoregressive neural network: causal layers with an activation between them,
/// each site's output normalised over local states.
#[derive(Debug)]
pub struct Arnn<S: Scalar> {
    class: &'static str,
    hilbert: Hilbert,
    extent: [usize; 2],
    layers: Vec<Box<dyn CausalLayer<S>>>,
    activation: Activation,
    machine_pow: u32,
    tiles: Tiles,
    layout: Arc<Layout>,
    /// Local states as the network reads them.
    local_states: Vec<S::Real>,
    /// What a change of some sites can reach, found once for each set of sites.
    cones: Mutex<HashMap<Box<[u32]>, Arc<Cone>>>,
    /// Memory of finished blocks, for the next ones.
    workspaces: Mutex<Vec<Workspace<S::Real>>>,
}

/// Samples of one block.
const fn lanes<S: Scalar>() -> usize {
    <S::Real as Real>::Row::LANES
}

/// The path of a layer in the tree of parameters.
pub(super) fn module(layer: usize) -> String {
    format!("_layers_{layer}")
}

impl<S: Scalar> Arnn<S> {
    pub(super) fn new(
        class: &'static str,
        hilbert: Hilbert,
        extent: [usize; 2],
        layers: Vec<Box<dyn CausalLayer<S>>>,
        config: &ArnnConv2d,
    ) -> Self {
        let leaves = layers
            .iter()
            .enumerate()
            .map(|(l, layer)| (module(l), layer.leaves()));
        Self {
            class,
            layout: Arc::new(Layout::new(leaves.collect())),
            local_states: hilbert
                .local_states()
                .iter()
                .map(|&x| S::Real::from_f64(x))
                .collect(),
            hilbert,
            extent,
            layers,
            activation: config.activation,
            machine_pow: config.machine_pow,
            tiles: Tiles {
                level: level(),
                precision: config.precision,
            },
            cones: Mutex::default(),
            workspaces: Mutex::default(),
        }
    }

    /// The layers, first to last.
    pub(super) fn layers(&self) -> &[Box<dyn CausalLayer<S>>] {
        &self.layers
    }

    /// The name of the class, as NetKet has it.
    pub(super) fn class(&self) -> &'static str {
        self.class
    }

    /// Rows and columns.
    pub fn extent(&self) -> [usize; 2] {
        self.extent
    }

    /// Weights as the kernels read them.
    fn pack(&self, theta: &[S]) -> Vec<Packed<S::Real>> {
        let array = |l: usize, name: &str| {
            self.layout
                .range(&module(l), name)
                .map(|range| theta[range].to_vec())
        };
        self.layers
            .iter()
            .enumerate()
            .map(|(l, layer)| layer.pack(&|name| array(l, name)))
            .collect()
    }

    /// Runs `f` with a workspace of its own.
    fn with_workspace<T>(&self, f: impl FnOnce(&mut Workspace<S::Real>) -> T) -> T {
        let lock = || {
            self.workspaces
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
        };
        let kept = lock().pop();
        let mut workspace = kept.unwrap_or_else(|| Workspace::new(self));
        let result = f(&mut workspace);
        lock().push(workspace);
        result
    }

    /// Runs `f` on each block of samples with its slice of `out`, which has `per_sample` entries a sample.
    fn for_each_block<T: Send>(
        &self,
        sigma: &[u8],
        out: &mut [T],
        per_sample: usize,
        f: impl Fn(&mut Workspace<S::Real>, &[u8], &mut [T]) + Sync,
    ) {
        let n_sites = self.hilbert.n_sites();
        sigma
            .par_chunks(lanes::<S>() * n_sites)
            .zip(out.par_chunks_mut(lanes::<S>() * per_sample))
            .for_each(|(sigma, out)| self.with_workspace(|workspace| f(workspace, sigma, out)));
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
                values[range].copy_from_slice(&layer.init(leaf.name, &draw));
            }
        }
        Params {
            layout: self.layout.clone(),
            values,
        }
    }

    fn log_psi(&self, theta: &[S], sigma: &[u8]) -> Vec<S> {
        let packed = self.pack(theta);
        let mut log_psi = vec![S::zero(); sigma.len() / self.hilbert.n_sites()];
        self.for_each_block(sigma, &mut log_psi, 1, |workspace, sigma, log_psi| {
            self.load(workspace, sigma);
            self.forward(&packed, workspace);
            self.log_psi_of_block(workspace, log_psi);
        });
        log_psi
    }

    fn backward(&self, theta: &[S], sigma: &[u8], cotangent: &[S], grad: Grad) {
        self.backward_blocks(&self.pack(theta), sigma, cotangent, grad);
    }

    fn local_values(&self, theta: &[S], sigma: &[u8], operator: &dyn Operator) -> Vec<c64> {
        let packed = self.pack(theta);
        let mut values = vec![c64::default(); sigma.len() / self.hilbert.n_sites()];
        self.for_each_block(sigma, &mut values, 1, |workspace, sigma, values| {
            self.load(workspace, sigma);
            self.forward(&packed, workspace);
            self.local_values_of_block(&packed, workspace, sigma, operator, values);
        });
        values
    }

    fn tabulate(&self, n_samples: usize) -> String {
        super::tabulate::tabulate(self, n_samples)
    }
}

impl<S: Scalar> Autoregressive<S> for Arnn<S> {
    fn conditionals_log_psi(&self, theta: &[S], sigma: &[u8]) -> Vec<S> {
        let packed = self.pack(theta);
        let n_sites = self.hilbert.n_sites();
        let per_sample = n_sites * self.hilbert.local_size();
        let mut out = vec![S::zero(); sigma.len() / n_sites * per_sample];
        self.for_each_block(sigma, &mut out, per_sample, |workspace, sigma, out| {
            self.load(workspace, sigma);
            self.forward(&packed, workspace);
            for (lane, out) in out.chunks_exact_mut(per_sample).enumerate() {
                for (out, rows) in out
                    .iter_mut()
                    .zip(workspace.outputs().chunks_exact(S::PLANES))
                {
                    *out = S::new(rows[0][lane], rows[S::PLANES - 1][lane]);
                }
            }
        });
        out
    }

    fn machine_pow(&self) -> u32 {
        self.machine_pow
    }

    fn sample(&self, theta: &[S], n_samples: usize, key: Key) -> Samples<S> {
        self.sample_blocks(&self.pack(theta), n_samples, key)
    }
}
