//! A model whose batches are shared among ranks.

use std::ops::Range;
use std::sync::Arc;

use super::{Question, Ranks};
use crate::error::Result;
use crate::hilbert::Hilbert;
use crate::models::{Ansatz, Autoregressive, RowOf, SUMMED, Samples, check_length, same_space};
use crate::operator::Operator;
use crate::optimizer::layerwise::Layer;
use crate::params::{Layout, Params};
use crate::random::Key;
use crate::scalar::{Real, Scalar, c64};
use crate::simd::Row;

/// A model of which each rank evaluates its share of a batch; all get the whole. All ranks call it alike.
///
/// Numbers are those of the model itself, to the last bit.
pub struct Ranked<S: Scalar> {
    model: Arc<dyn Autoregressive<S>>,
    ranks: Ranks,
    /// What the model is, for questions to the other ranks.
    is: Question,
}

/// Samples that stay together: whole rows of lanes of either precision.
const TOGETHER: usize = 32;

impl<S: Scalar> Ranked<S> {
    /// A model for some ranks; the same one where there is one alone.
    pub fn share(model: Arc<dyn Autoregressive<S>>, ranks: &Ranks) -> Arc<dyn Autoregressive<S>> {
        match ranks.size() {
            1 => model,
            _ => Arc::new(Self {
                is: Question::new("a model").model(&*model),
                model,
                ranks: ranks.clone(),
            }),
        }
    }

    /// What is asked of the other ranks with a batch.
    fn question(&self, name: &'static str, theta: &[S], sigma: &[u8]) -> Question {
        self.is.named(name).numbers(theta).bytes(sigma)
    }

    /// Lets the model write its share of so many numbers for each sample, and gathers all.
    fn shared<T: super::Wire>(
        &self,
        sigma: &[u8],
        per_sample: usize,
        out: &mut [T],
        question: Question,
        evaluate: impl FnOnce(&[u8], &mut [T]) -> Result<()>,
    ) -> Result<()> {
        let n_sites = self.model.hilbert().n_sites();
        let n_samples = sigma.len() / n_sites;
        let own = self.ranks.own_share(n_samples, TOGETHER);
        evaluate(
            &sigma[scaled(&own, n_sites)],
            &mut out[scaled(&own, per_sample)],
        )?;
        let parts = self.ranks.parts(n_samples, TOGETHER, per_sample);
        self.ranks.complete(out, &parts, question);
        Ok(())
    }

    /// The same for rows of lanes, so many for each block of samples.
    fn shared_rows(
        &self,
        sigma: &[u8],
        per_block: usize,
        out: &mut [RowOf<S>],
        question: Question,
        evaluate: impl FnOnce(&[u8], &mut [RowOf<S>]) -> Result<()>,
    ) -> Result<()> {
        let n_sites = self.model.hilbert().n_sites();
        let lanes = <S::Real as Real>::Row::LANES;
        let n_samples = sigma.len() / n_sites;
        let (n_blocks, unit) = (n_samples.div_ceil(lanes), TOGETHER / lanes);
        let own = self.ranks.own_share(n_blocks, unit);
        check_length("out", n_blocks * per_block, out.len())?;
        let samples = (own.start * lanes).min(n_samples)..(own.end * lanes).min(n_samples);
        evaluate(
            &sigma[scaled(&samples, n_sites)],
            &mut out[scaled(&own, per_block)],
        )?;
        let parts = self.ranks.parts(n_blocks, unit, per_block);
        self.ranks.complete(out, &parts, question);
        Ok(())
    }
}

fn scaled(range: &Range<usize>, width: usize) -> Range<usize> {
    range.start * width..range.end * width
}

/// Rows of lanes of a block, of so many for each part of log ψ.
fn per_block<S: Scalar>(rows: usize) -> usize {
    rows * S::PLANES
}

impl<S: Scalar> Ansatz<S> for Ranked<S> {
    fn hilbert(&self) -> &Hilbert {
        self.model.hilbert()
    }

    fn layout(&self) -> &Arc<Layout> {
        self.model.layout()
    }

    fn init(&self, key: Key) -> Params<S> {
        self.model.init(key)
    }

    fn log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        check_length("out", n_samples, out.len())?;
        let question = self.question("log ψ", theta, sigma);
        self.shared(sigma, 1, out, question, |sigma, out| {
            self.model.log_psi_into(theta, sigma, out)
        })
    }

    fn vjp(&self, theta: &[S], sigma: &[u8], cotangent: &[S], sum: &mut [f64]) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        check_length("cotangent", n_samples, cotangent.len())?;
        check_length("sum", self.n_reals(), sum.len())?;
        let (n_sites, n_reals) = (self.model.hilbert().n_sites(), sum.len());
        let n_sums = n_samples.div_ceil(SUMMED);
        let mut sums = vec![0.0; n_sums * n_reals];
        for part in self.ranks.own_share(n_sums, 1) {
            let samples = part * SUMMED..((part + 1) * SUMMED).min(n_samples);
            self.model.vjp(
                theta,
                &sigma[scaled(&samples, n_sites)],
                &cotangent[samples],
                &mut sums[part * n_reals..][..n_reals],
            )?;
        }
        let parts = self.ranks.parts(n_sums, 1, n_reals);
        let question = self.question("a gradient", theta, sigma).numbers(cotangent);
        self.ranks.complete(&mut sums, &parts, question);
        for part in sums.chunks_exact(n_reals.max(1)) {
            for (sum, part) in sum.iter_mut().zip(part) {
                *sum += part;
            }
        }
        Ok(())
    }

    fn jacobian(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) -> Result<()> {
        self.check_batch(theta, sigma)?;
        let per_block = per_block::<S>(self.n_reals());
        let question = self.question("log-derivatives", theta, sigma);
        self.shared_rows(sigma, per_block, out, question, |sigma, out| {
            self.model.jacobian(theta, sigma, out)
        })
    }

    fn local_values_into(
        &self,
        theta: &[S],
        sigma: &[u8],
        operator: &dyn Operator,
        out: &mut [c64],
    ) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        check_length("out", n_samples, out.len())?;
        same_space(self.hilbert(), operator)?;
        let mut question = self.question("local values", theta, sigma);
        if !sigma.is_empty() {
            question = question.operator(operator, sigma);
        }
        self.shared(sigma, 1, out, question, |sigma, out| {
            self.model.local_values_into(theta, sigma, operator, out)
        })
    }

    fn layerwise(&self) -> Option<Vec<Layer>> {
        self.model.layerwise()
    }

    fn layerwise_factors(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) -> Result<()> {
        self.check_batch(theta, sigma)?;
        let layers = self.layerwise().unwrap_or_default();
        let rows = layers.iter().map(Layer::rows).sum();
        let question = self.question("factors of log-derivatives", theta, sigma);
        self.shared_rows(sigma, per_block::<S>(rows), out, question, |sigma, out| {
            self.model.layerwise_factors(theta, sigma, out)
        })
    }

    fn tabulate(&self, n_samples: usize) -> String {
        self.model.tabulate(n_samples)
    }

    fn ranks(&self) -> &Ranks {
        &self.ranks
    }
}

impl<S: Scalar> Autoregressive<S> for Ranked<S> {
    fn conditionals_log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        let per_sample = self.hilbert().n_sites() * self.hilbert().local_size();
        check_length("out", n_samples * per_sample, out.len())?;
        let question = self.question("conditionals", theta, sigma);
        self.shared(sigma, per_sample, out, question, |sigma, out| {
            self.model.conditionals_log_psi_into(theta, sigma, out)
        })
    }

    fn machine_pow(&self) -> u32 {
        self.model.machine_pow()
    }

    fn sample_places_into(
        &self,
        theta: &[S],
        places: Range<usize>,
        key: Key,
        samples: &mut Samples<S>,
    ) -> Result<()> {
        let (n_sites, n_samples) = (self.hilbert().n_sites(), places.len());
        let own = self.ranks.own_share(n_samples, TOGETHER);
        let own_places = places.start + own.start..places.start + own.end;
        let mut drawn = Samples::default();
        self.model
            .sample_places_into(theta, own_places, key, &mut drawn)?;
        samples.sigma.resize(n_samples * n_sites, 0);
        samples.log_psi.resize(n_samples, S::zero());
        samples.sigma[scaled(&own, n_sites)].copy_from_slice(&drawn.sigma);
        samples.log_psi[own].copy_from_slice(&drawn.log_psi);
        let parts = |width| self.ranks.parts(n_samples, TOGETHER, width);
        let [high, low] = key.words().map(u64::from);
        let question = self.question("samples", theta, &[]).word(high).word(low);
        let question = question.word(places.start as u64);
        self.ranks
            .complete(&mut samples.sigma, &parts(n_sites), question);
        self.ranks
            .complete(&mut samples.log_psi, &parts(1), question);
        Ok(())
    }

    fn order(&self) -> Vec<usize> {
        self.model.order()
    }
}
