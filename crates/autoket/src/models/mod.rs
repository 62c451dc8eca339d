//! Wave functions: what a variational state needs of a model, and the autoregressive networks.

mod arnn;
mod configs;
mod design;
mod distinct;
mod gated;
pub mod laws;
mod modules;
pub(crate) mod own;
mod recurrent;
mod sequential;
mod symmetrized;
mod tensor_gru;

use std::ops::Range;
use std::sync::Arc;

pub use arnn::{Arnn, Before, Head, Network, Node, Operand, Term, When};
pub use configs::{ArnnConv1d, ArnnConv2d, ArnnDense, Features};
pub use design::Design;
pub(crate) use distinct::Distinct;
pub use gated::ArnnGatedConv2d;
pub use modules::{
    Averaged, Fast, FastArnnConv1d, FastArnnConv2d, FastArnnDense, FastArnnSequential,
};
pub use modules::{FastGruNet1d, FastLstmNet, Mask, MaskedModule};
pub use own::{Conditionals, Normalisation, Own};
pub use recurrent::{GruNet1d, LstmNet, Recurrence};
pub use sequential::{ArnnSequential, CausalLayer, Place};
pub use symmetrized::Symmetrized;
pub use tensor_gru::TensorGru2d;

use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::operator::{Connected, Operator};
use crate::optimizer::layerwise::Layer;
use crate::params::{Layout, Params};
use crate::random::Key;
use crate::ranks::{ALONE, Ranks};
use crate::scalar::{Real, Scalar, c64};

/// A row of lanes of the real numbers that `S` is made of.
pub type RowOf<S> = <<S as Scalar>::Real as Real>::Row;

/// Derivatives of so many samples are summed apart, and these sums in order: so a sum does not depend on who makes which.
pub const SUMMED: usize = 256;

/// A wave function ψ_θ(σ), by whole batches of basis states.
///
/// A batch `sigma` is local indices, `(sample, site)` in one slice; `theta` is θ in the order of the layout.
/// Whatever reads them refuses anything else by [`check_batch`](Self::check_batch), and memory to write into of
/// another length than what is written.
pub trait Ansatz<S: Scalar>: Send + Sync {
    /// The space of σ.
    fn hilbert(&self) -> &Hilbert;
    /// The table of contents of θ.
    fn layout(&self) -> &Arc<Layout>;
    /// Initial parameters. The same key as NetKet gives the same values to a few ulp.
    fn init(&self, key: Key) -> Params<S>;
    /// log ψ(σ) into `out`, `(sample,)`.
    ///
    /// # Errors
    /// As [`check_batch`](Self::check_batch); an `out` of another length.
    fn log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> Result<()>;
    /// The number of samples of a batch.
    ///
    /// # Errors
    /// A `theta` of another length than the layout's; as [`Hilbert::check_batch`].
    fn check_batch(&self, theta: &[S], sigma: &[u8]) -> Result<usize> {
        check_theta(self.layout(), theta)?;
        self.hilbert().check_batch(sigma)
    }
    /// log ψ(σ), `(sample,)`.
    ///
    /// # Errors
    /// As [`check_batch`](Self::check_batch).
    fn log_psi(&self, theta: &[S], sigma: &[u8]) -> Result<Vec<S>> {
        let mut out = vec![S::zero(); self.check_batch(theta, sigma)?];
        self.log_psi_into(theta, sigma, &mut out)?;
        Ok(out)
    }
    /// Pulls cotangents of log ψ back to θ: dL = Σ_n Re(conj(c_n) d log ψ(σ_n)) is added to `sum`,
    /// by the real and the imaginary part of each entry of θ that is not masked: [`n_reals`](Self::n_reals) numbers.
    ///
    /// # Errors
    /// As [`check_batch`](Self::check_batch); a number of cotangents other than that of samples; a `sum` of
    /// another length.
    fn vjp(&self, theta: &[S], sigma: &[u8], cotangent: &[S], sum: &mut [f64]) -> Result<()>;
    /// The derivatives of log ψ(σ) by the same numbers, for each sample apart, in blocks of samples that
    /// fill a row of lanes: rows `(block, part of log ψ, number)`, lanes left over 0.
    /// The parts are real and, if `S` is complex, imaginary part.
    ///
    /// # Errors
    /// As [`check_batch`](Self::check_batch); an `out` of another length.
    fn jacobian(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) -> Result<()>;
    /// log(ψ(σ')/ψ(σ)) of each element of the operator's row at each σ, `(sample,)` and then in the order of the row.
    ///
    /// Provided: evaluates each connected state afresh. A model that can do with less overrides it.
    ///
    /// # Errors
    /// As [`check_batch`](Self::check_batch); an operator on another space.
    fn log_ratios(
        &self,
        theta: &[S],
        sigma: &[u8],
        operator: &dyn Operator,
    ) -> Result<Vec<Vec<c64>>> {
        same_space(self.hilbert(), operator)?;
        let n_sites = self.hilbert().n_sites();
        let log_psi = self.log_psi(theta, sigma)?;
        let mut ratios: Vec<Vec<c64>> = vec![Vec::new(); log_psi.len()];
        let mut row = Connected::default();
        let (mut primes, mut samples) = (Vec::new(), Vec::new());
        for (sample, sigma) in sigma.chunks_exact(n_sites).enumerate() {
            operator.connected(sigma, &mut row);
            for (_, changes) in row.iter() {
                let first = primes.len();
                primes.extend_from_slice(sigma);
                for &(site, new) in changes {
                    primes[first + site as usize] = new;
                }
                samples.push(sample);
            }
            if samples.len() >= EVALUATED || sample + 1 == log_psi.len() {
                let log_primes = self.log_psi(theta, &primes)?;
                for (&sample, prime) in samples.iter().zip(log_primes) {
                    ratios[sample].push(prime.to_c64() - log_psi[sample].to_c64());
                }
                primes.clear();
                samples.clear();
            }
        }
        Ok(ratios)
    }
    /// Σ_σ' ⟨σ|O|σ'⟩ ψ(σ')/ψ(σ) for each σ into `out`, `(sample,)`: the local energies of a Hamiltonian.
    ///
    /// Provided: by [`log_ratios`](Self::log_ratios).
    ///
    /// # Errors
    /// As [`check_batch`](Self::check_batch); an operator on another space; an `out` of another length.
    fn local_values_into(
        &self,
        theta: &[S],
        sigma: &[u8],
        operator: &dyn Operator,
        out: &mut [c64],
    ) -> Result<()> {
        sum_local_values(self, theta, sigma, operator, out)
    }
    /// Σ_σ' ⟨σ|O|σ'⟩ ψ(σ')/ψ(σ) for each σ, `(sample,)`.
    ///
    /// # Errors
    /// As [`check_batch`](Self::check_batch); an operator on another space.
    fn local_values(&self, theta: &[S], sigma: &[u8], operator: &dyn Operator) -> Result<Vec<c64>> {
        let mut out = vec![c64::default(); self.check_batch(theta, sigma)?];
        self.local_values_into(theta, sigma, operator, &mut out)?;
        Ok(out)
    }
    /// The layers, if every pair of sites has weights of its own in all of them: then the Gram matrix of
    /// log-derivatives can be found [layer by layer](crate::optimizer::layerwise).
    fn layerwise(&self) -> Option<Vec<Layer>> {
        None
    }
    /// The inputs of each of those layers and the cotangents of its outputs: rows of lanes
    /// `(block, part of log ψ, layer, inputs then outputs by site and feature)`, left-over lanes' cotangents 0.
    ///
    /// # Errors
    /// As [`check_batch`](Self::check_batch); a model without such layers; an `out` of another length.
    fn layerwise_factors(&self, _theta: &[S], _sigma: &[u8], _out: &mut [RowOf<S>]) -> Result<()> {
        Err(no_factors())
    }
    /// Real parameters: parts of entries of θ that are not masked.
    fn n_reals(&self) -> usize {
        self.layout().n_reals::<S>()
    }
    /// Who shares the work on batches.
    fn ranks(&self) -> &Ranks {
        &ALONE
    }
    /// The model as Flax prints it, for a batch of `n_samples` states: path, module, inputs, outputs,
    /// parameters with bytes, totals. Masked entries count.
    fn tabulate(&self, n_samples: usize) -> String;
}

/// Connected states that are evaluated together, where each is.
const EVALUATED: usize = 8192;
/// Samples whose ratios are held together, and ratios, at most.
const RATIOS: [usize; 2] = [4096, 1 << 20];

/// Local values from the ratios of all elements.
fn sum_local_values<S: Scalar, A: Ansatz<S> + ?Sized>(
    model: &A,
    theta: &[S],
    sigma: &[u8],
    operator: &dyn Operator,
    out: &mut [c64],
) -> Result<()> {
    check_length("out", model.check_batch(theta, sigma)?, out.len())?;
    let n_sites = model.hilbert().n_sites();
    let mut row = Connected::default();
    let [n_samples, n_ratios] = RATIOS;
    let portion = (n_ratios / operator.max_conn_size().max(1)).clamp(1, n_samples);
    for (sigma, out) in sigma.chunks(portion * n_sites).zip(out.chunks_mut(portion)) {
        let ratios = model.log_ratios(theta, sigma, operator)?;
        let samples = sigma.chunks_exact(n_sites).zip(ratios);
        for ((sigma, ratios), out) in samples.zip(out) {
            operator.connected(sigma, &mut row);
            let terms = row.iter().zip(ratios);
            *out = terms.map(|((mel, _), ratio)| mel * ratio.exp()).sum();
        }
    }
    Ok(())
}

/// A wave function that is a product of normalised conditionals, so that it can be sampled directly.
pub trait Autoregressive<S: Scalar>: Ansatz<S> {
    /// log of the conditional amplitudes into `out`, `(sample, site, local state)`:
    /// log ψ(σ_i = s | σ_1 … σ_{i-1}), with Σ_s |ψ|^machine_pow = 1.
    ///
    /// # Errors
    /// As [`check_batch`](Ansatz::check_batch); an `out` of another length.
    fn conditionals_log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> Result<()>;
    /// log of the conditional amplitudes, `(sample, site, local state)`.
    ///
    /// # Errors
    /// As [`check_batch`](Ansatz::check_batch).
    fn conditionals_log_psi(&self, theta: &[S], sigma: &[u8]) -> Result<Vec<S>> {
        let per_sample = self.hilbert().n_sites() * self.hilbert().local_size();
        let mut out = vec![S::zero(); self.check_batch(theta, sigma)? * per_sample];
        self.conditionals_log_psi_into(theta, sigma, &mut out)?;
        Ok(out)
    }
    /// The exponent p of the normalisation Σ|ψ|^p = 1.
    fn machine_pow(&self) -> u32;
    /// Draws `n_samples` basis states from |ψ|^machine_pow, with their log ψ, site by site.
    ///
    /// `key` is split once for each site, and the number for a sample depends on the sample's place alone.
    ///
    /// # Errors
    /// A `theta` of another length than the layout's.
    fn sample_into(
        &self,
        theta: &[S],
        n_samples: usize,
        key: Key,
        samples: &mut Samples<S>,
    ) -> Result<()> {
        self.sample_places_into(theta, 0..n_samples, key, samples)
    }
    /// Of the samples that [`sample_into`](Self::sample_into) would draw, those in some places.
    ///
    /// # Errors
    /// As there.
    fn sample_places_into(
        &self,
        theta: &[S],
        places: Range<usize>,
        key: Key,
        samples: &mut Samples<S>,
    ) -> Result<()>;
    /// [`sample_into`](Self::sample_into) fresh memory.
    ///
    /// # Errors
    /// As there.
    fn sample(&self, theta: &[S], n_samples: usize, key: Key) -> Result<Samples<S>> {
        let mut samples = Samples::default();
        self.sample_into(theta, n_samples, key, &mut samples)?;
        Ok(samples)
    }
    /// The probability of each local state at each site given the earlier ones, `(sample, site, local state)`.
    ///
    /// For the 4th site of the 3rd sample, `p[2, 3, :] = [0.3, 0.7]` means 0.3 for local index 0, spin down.
    ///
    /// # Errors
    /// As [`check_batch`](Ansatz::check_batch).
    fn conditionals(&self, theta: &[S], sigma: &[u8]) -> Result<Vec<f64>> {
        let p = f64::from(self.machine_pow());
        let log_psi = self.conditionals_log_psi(theta, sigma)?;
        Ok(log_psi.iter().map(|y| (p * y.to_c64().re).exp()).collect())
    }
    /// [`conditionals`](Self::conditionals) of one site, `(sample, local state)`.
    ///
    /// # Errors
    /// As there; no such site.
    fn conditional(&self, theta: &[S], sigma: &[u8], site: usize) -> Result<Vec<f64>> {
        let (n_sites, d) = (self.hilbert().n_sites(), self.hilbert().local_size());
        if site >= n_sites {
            return Err(Error::invalid(
                "site",
                format!("less than {n_sites}"),
                site,
                "sites are numbered from 0",
            ));
        }
        let p = self.conditionals(theta, sigma)?;
        let samples = p.chunks_exact(n_sites * d);
        Ok(samples
            .flat_map(|p| p[site * d..(site + 1) * d].to_vec())
            .collect())
    }
    /// The sites in the order in which they are drawn.
    fn order(&self) -> Vec<usize> {
        (0..self.hilbert().n_sites()).collect()
    }
    /// A batch from the order of sites in the Hilbert space to the order in which they are drawn.
    ///
    /// # Errors
    /// As [`Hilbert::check_batch`].
    fn reorder(&self, sigma: &[u8]) -> Result<Vec<u8>> {
        self.hilbert().check_batch(sigma)?;
        let order = self.order();
        let samples = sigma.chunks_exact(order.len());
        Ok(samples
            .flat_map(|sigma| order.iter().map(|&site| sigma[site]))
            .collect())
    }
    /// The inverse of [`reorder`](Self::reorder).
    ///
    /// # Errors
    /// As there.
    fn inverse_reorder(&self, sigma: &[u8]) -> Result<Vec<u8>> {
        self.hilbert().check_batch(sigma)?;
        let order = self.order();
        let mut out = vec![0; sigma.len()];
        let samples = sigma.chunks_exact(order.len());
        for (sigma, out) in samples.zip(out.chunks_exact_mut(order.len())) {
            for (&site, &state) in order.iter().zip(sigma) {
                out[site] = state;
            }
        }
        Ok(out)
    }
}

fn check_theta<S>(layout: &Layout, theta: &[S]) -> Result<()> {
    if theta.len() == layout.n_parameters() {
        return Ok(());
    }
    Err(Error::invalid(
        "theta",
        format!("{} numbers, as the layout has", layout.n_parameters()),
        theta.len(),
        "give the `values` of the model's `Params`",
    ))
}

/// Memory or numbers of another length than is written or read.
pub(crate) fn check_length(field: &str, expected: usize, got: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        format!("a length of {expected}"),
        got,
        "count it by the samples of the batch and the model's sizes",
    ))
}

fn no_factors() -> Error {
    Error::invalid(
        "model",
        "layers in which every pair of sites has weights of its own",
        "a model without them",
        "look whether `layerwise` has them; `jacobian` takes any model",
    )
}

/// An operator on another space would give wrong numbers, not an error, later.
pub(crate) fn same_space(hilbert: &Hilbert, operator: &dyn Operator) -> Result<()> {
    if hilbert == operator.hilbert() {
        return Ok(());
    }
    Err(Error::invalid(
        "operator",
        format!("an operator on {}, the model's space", hilbert.name()),
        format!("one on {}", operator.hilbert().name()),
        "make both from the same Hilbert space",
    ))
}

/// Basis states drawn from a wave function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples<S> {
    /// Local indices, `(sample, site)`.
    pub sigma: Vec<u8>,
    /// log ψ of each, `(sample,)`.
    pub log_psi: Vec<S>,
}
