//! The forward pass of a block of lanes, site by site.

use super::{Arnn, lanes};
use crate::nn::Packed;
use crate::scalar::{Real, Scalar};
use crate::simd::{Flat, Row, Start, add_difference, log_normalise, pick};

/// Memory of one thread.
#[derive(Debug)]
pub(super) struct Workspace<R: Real> {
    /// The block at hand; for local values also its neighbours, grown on demand.
    pub(super) blocks: Vec<Block<R>>,
    pub(super) cones: super::local_values::ConeSpace<R>,
    pub(super) backward: super::backward::BackwardSpace<R>,
    /// A row for each local state.
    pub(super) cumulative: Vec<R::Row>,
}

/// Everything a forward pass finds out about a block of samples.
#[derive(Debug)]
pub(super) struct Block<R: Real> {
    /// Local indices, `[site][lane]`.
    pub(super) index: Vec<u8>,
    /// The input of each layer, rows `[site][feature]`; the first is σ's local states.
    pub(super) inputs: Vec<Vec<R::Row>>,
    /// The output of each layer before the activation.
    pub(super) outputs: Vec<Vec<R::Row>>,
    /// The last outputs, normalised: `[site][local state][plane]`.
    pub(super) log_conditionals: Vec<R::Row>,
    /// Those of σ's own states, `[site][plane]`: they sum to log ψ(σ).
    pub(super) own: Vec<R::Row>,
    /// The last outputs but the first of each site, real parts less that of the first: see `local_values`.
    pub(super) relative: Vec<R::Row>,
}

impl<R: Real> Block<R> {
    pub(super) fn new<S: Scalar<Real = R>>(model: &Arnn<S>) -> Self {
        let n_sites = model.hilbert.n_sites();
        let rows = |width: usize| vec![R::Row::splat(R::zero()); n_sites * width];
        let features = || model.wiring.iter().map(|wiring| wiring.features);
        Self {
            index: vec![0; n_sites * R::Row::LANES],
            inputs: features().map(|[inputs, _]| rows(inputs)).collect(),
            outputs: features().map(|[_, outputs]| rows(outputs)).collect(),
            log_conditionals: rows(model.hilbert.local_size() * S::PLANES),
            own: rows(S::PLANES),
            relative: rows(model.hilbert.local_size() * S::PLANES - 1),
        }
    }
}

impl<R: Real> Workspace<R> {
    pub(super) fn new<S: Scalar<Real = R>>(model: &Arnn<S>) -> Self {
        let zero = R::Row::splat(R::zero());
        Self {
            blocks: vec![Block::new(model)],
            cones: Default::default(),
            backward: Default::default(),
            cumulative: vec![zero; model.hilbert.local_size()],
        }
    }
}

impl<S: Scalar> Arnn<S> {
    /// Puts up to a block of samples into lanes; lanes left over repeat the first.
    pub(super) fn load(&self, block: &mut Block<S::Real>, sigma: &[u8]) {
        let n_sites = self.hilbert.n_sites();
        for lane in 0..lanes::<S>() {
            let first = if lane * n_sites < sigma.len() {
                lane * n_sites
            } else {
                0
            };
            for (site, &index) in sigma[first..first + n_sites].iter().enumerate() {
                block.index[site * lanes::<S>() + lane] = index;
            }
        }
        for site in 0..n_sites {
            self.put_values(block, site);
        }
    }

    /// Writes a site's local states, as the first layer reads them.
    pub(super) fn put_values(&self, block: &mut Block<S::Real>, site: usize) {
        let index = &block.index[site * lanes::<S>()..][..lanes::<S>()];
        for (x, &index) in block.inputs[0][site].iter_mut().zip(index) {
            *x = self.local_states[index as usize];
        }
    }

    /// Activations, log-conditionals and log ψ of all sites.
    pub(super) fn forward(&self, packed: &[Packed<S::Real>], block: &mut Block<S::Real>) {
        for layer in 0..self.layers.len() {
            for site in 0..self.hilbert.n_sites() {
                self.site(packed, block, layer, site);
            }
        }
        for site in 0..self.hilbert.n_sites() {
            self.pick_own(block, site);
        }
    }

    /// One layer at one site: the kernel that forward pass and sampling loop over.
    ///
    /// What it writes is the next layer's input, or the log-conditionals.
    #[inline]
    pub(super) fn site(
        &self,
        packed: &[Packed<S::Real>],
        block: &mut Block<S::Real>,
        layer: usize,
        site: usize,
    ) {
        let (wiring, packed) = (&self.wiring[layer], &packed[layer]);
        let [features_in, features_out] = wiring.features;
        let own = site * features_out..(site + 1) * features_out;
        let z = &mut block.outputs[layer][own.clone()];
        self.tiles.site::<S::Real>(
            Flat {
                weights: &packed.weights,
                features_out,
            },
            Start::Bias(&packed.bias[site * wiring.bias_stride..][..features_out]),
            features_in,
            wiring.taps.get(site),
            &block.inputs[layer],
            z,
        );
        match block.inputs.get_mut(layer + 1) {
            Some(y) => self.activation.apply::<S>(z, None, &mut y[own]),
            None => log_normalise::<S::Real>(
                self.tiles.level,
                S::PLANES,
                self.machine_pow,
                z,
                &mut block.log_conditionals[own],
            ),
        }
    }

    /// Finds the log-conditionals of the states that a site is in.
    #[inline]
    pub(super) fn pick_own(&self, block: &mut Block<S::Real>, site: usize) {
        let width = self.hilbert.local_size() * S::PLANES;
        pick::<S::Real>(
            self.tiles.level,
            S::PLANES,
            &self.local_states,
            &block.inputs[0][site],
            &block.log_conditionals[site * width..][..width],
            &mut block.own[site * S::PLANES..][..S::PLANES],
        );
    }

    /// log ψ of each sample of the block: the sum of its log-conditionals, in double precision.
    pub(super) fn log_psi_of_block(&self, block: &Block<S::Real>, log_psi: &mut [S]) {
        let mut sums = [[0.0; 32]; 2];
        for own in block.own.chunks_exact(S::PLANES) {
            for (own, sums) in own.iter().zip(&mut sums) {
                add_difference::<S::Real>(self.tiles.level, own, None, sums);
            }
        }
        for (lane, log_psi) in log_psi.iter_mut().enumerate() {
            *log_psi = S::new(
                S::Real::from_f64(sums[0][lane]),
                S::Real::from_f64(sums[1][lane]),
            );
        }
    }
}
