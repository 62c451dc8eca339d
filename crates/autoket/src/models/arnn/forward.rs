//! The forward pass of a block of lanes, site by site.

use super::{Arnn, lanes};
use crate::nn::Packed;
use crate::scalar::{Real, Scalar};
use crate::simd::{Row, log_normalise};

/// Memory for one block of samples: activations under σ and, behind them, those that a change makes different.
#[derive(Debug)]
pub(super) struct Workspace<R: Real> {
    /// Input of each layer, last the output of the stack: rows of base `[site][feature]`, then of overlay.
    pub(super) activations: Vec<Vec<R::Row>>,
    /// Where each layer reads each input site: the first row of base or of overlay.
    pub(super) rows: Vec<Vec<u32>>,
    /// Rows of one site of each of `activations`.
    pub(super) width: Vec<usize>,
    /// Local indices of the block, `[site][lane]`.
    pub(super) index: Vec<u8>,
    pub(super) cones: super::cones::ConeSpace,
    pub(super) backward: super::backward::BackwardSpace<R>,
    /// A row for each local state.
    pub(super) cumulative: Vec<R::Row>,
}

impl<R: Real> Workspace<R> {
    pub(super) fn new<S: Scalar<Real = R>>(model: &Arnn<S>) -> Self {
        let (n_sites, d) = (model.hilbert.n_sites(), model.hilbert.local_size());
        let mut width: Vec<usize> = model
            .layers
            .iter()
            .map(|layer| layer.real_features_in())
            .collect();
        width.push(d * S::PLANES);
        let zero = R::Row::splat(R::zero());
        Self {
            activations: width.iter().map(|w| vec![zero; 2 * n_sites * w]).collect(),
            rows: width
                .iter()
                .map(|w| (0..n_sites).map(|site| (site * w) as u32).collect())
                .collect(),
            width,
            index: vec![0; n_sites * R::Row::LANES],
            cones: Default::default(),
            backward: Default::default(),
            cumulative: vec![zero; d],
        }
    }

    /// Log-conditionals under σ, `[site][local state][plane]`.
    pub(super) fn outputs(&self) -> &[R::Row] {
        let outputs = &self.activations[self.width.len() - 1];
        &outputs[..outputs.len() / 2]
    }
}

impl<S: Scalar> Arnn<S> {
    /// Puts up to a block of samples into lanes; lanes left over repeat the first.
    pub(super) fn load(&self, workspace: &mut Workspace<S::Real>, sigma: &[u8]) {
        let n_sites = self.hilbert.n_sites();
        for lane in 0..lanes::<S>() {
            let first = if lane * n_sites < sigma.len() {
                lane * n_sites
            } else {
                0
            };
            for (site, &index) in sigma[first..first + n_sites].iter().enumerate() {
                workspace.index[site * lanes::<S>() + lane] = index;
            }
        }
        for site in 0..n_sites {
            self.put_values(workspace, site, site);
        }
    }

    /// Writes a site's local states, as the first layer reads them, into row `row`.
    pub(super) fn put_values(&self, workspace: &mut Workspace<S::Real>, site: usize, row: usize) {
        let index = &workspace.index[site * lanes::<S>()..][..lanes::<S>()];
        for (x, &index) in workspace.activations[0][row].iter_mut().zip(index) {
            *x = self.local_states[index as usize];
        }
    }

    /// Activations and log-conditionals of all sites.
    pub(super) fn forward(&self, packed: &[Packed<S::Real>], workspace: &mut Workspace<S::Real>) {
        for layer in 0..self.layers.len() {
            for site in 0..self.hilbert.n_sites() {
                self.site(packed, workspace, layer, site, site);
            }
        }
    }

    /// One layer at one site, into site `to` of its output: the per-site kernel that everything loops over.
    ///
    /// Input is read where the workspace's `rows` point; the last layer's output is normalised.
    #[inline]
    pub(super) fn site(
        &self,
        packed: &[Packed<S::Real>],
        workspace: &mut Workspace<S::Real>,
        layer: usize,
        site: usize,
        to: usize,
    ) {
        let width = workspace.width[layer + 1];
        let (x, y) = workspace.activations.split_at_mut(layer + 1);
        let y = &mut y[0][to * width..][..width];
        let (x, rows) = (&x[layer], &workspace.rows[layer]);
        self.layers[layer].forward_site(self.tiles, &packed[layer], site, x, rows, y);
        if layer + 1 < self.layers.len() {
            self.activation.apply::<S>(y);
        } else {
            log_normalise::<S::Real>(self.tiles.level, S::PLANES, self.machine_pow, y);
        }
    }

    /// log ψ of each sample of the block: the sum of its log-conditionals, in double precision.
    pub(super) fn log_psi_of_block(&self, workspace: &Workspace<S::Real>, log_psi: &mut [S]) {
        let width = workspace.width[self.layers.len()];
        for (lane, log_psi) in log_psi.iter_mut().enumerate() {
            let mut sum = [0.0; 2];
            for (site, y) in workspace.outputs().chunks_exact(width).enumerate() {
                let index = workspace.index[site * lanes::<S>() + lane] as usize;
                for plane in 0..S::PLANES {
                    sum[plane] += y[index * S::PLANES + plane][lane].widen();
                }
            }
            *log_psi = S::new(S::Real::from_f64(sum[0]), S::Real::from_f64(sum[1]));
        }
    }
}
