//! The laws that every autoregressive wave function obeys, checked in one call: for a layer of one's own.

use num_traits::Float;

use super::{Autoregressive, RowOf};
use crate::error::{Error, Result};
use crate::operator::{Connected, Operator};
use crate::random::Key;
use crate::scalar::{Real, Scalar, c64};
use crate::simd::Row;

/// Samples that are looked at.
const SAMPLES: usize = 37;

/// Spaces of no more states are looked at as a whole, too.
const LISTED: u64 = 1 << 12;

/// Checks that a model is causal and normalised, that log ψ is the sum of its log-conditionals, that log ψ of its draws
/// is log ψ of the drawn states, that its gradient is that of log ψ by finite differences and the sum of those of single
/// samples, and that local values found by following changes are those of evaluating each connected state.
///
/// Parameters are random, near the initial ones; the system should be small.
///
/// # Errors
/// The first law that does not hold, with the numbers that break it.
pub fn check<S: Scalar>(model: &dyn Autoregressive<S>) -> Result<()> {
    let laws = laws_of(model)?;
    laws.normalised()?;
    laws.multiplied()?;
    laws.causal()?;
    laws.all_but_conditionals()
}

/// The same of what has no conditionals, such as a [`Symmetrized`](super::Symmetrized) model: that it is normalised on
/// all states, as far as these can be listed, and the laws of its draws, gradient and local values.
///
/// # Errors
/// As [`check`].
pub fn check_all_but_conditionals<S: Scalar>(model: &dyn Autoregressive<S>) -> Result<()> {
    laws_of(model)?.all_but_conditionals()
}

fn laws_of<'a, S: Scalar>(model: &'a dyn Autoregressive<S>) -> Result<Laws<'a, S>> {
    let key = Key::new(2024);
    let mut theta = model.init(key).values;
    let reals: Vec<f64> = (0..model.n_reals() as u64)
        .map(|i| 0.2 * (key.fold_in(1).uniform(i) - 0.5))
        .collect();
    for (theta, step) in theta.iter_mut().zip(model.layout().scatter::<S>(&reals)) {
        *theta += step;
    }
    Ok(Laws {
        model,
        theta,
        sigma: model.sample(&model.init(key).values, SAMPLES, key)?.sigma,
        // Rounding of sums of some hundred terms.
        tolerance: 1000.0 * <S::Real as Float>::epsilon().widen(),
    })
}

struct Laws<'a, S: Scalar> {
    model: &'a dyn Autoregressive<S>,
    theta: Vec<S>,
    /// `(sample, site)`.
    sigma: Vec<u8>,
    tolerance: f64,
}

fn broken(law: &str, got: String, cure: &str) -> Error {
    Error::invalid("model", law, got, cure)
}

impl<S: Scalar> Laws<'_, S> {
    fn all_but_conditionals(&self) -> Result<()> {
        self.whole()?;
        self.sampled()?;
        self.differentiated()?;
        self.followed()
    }

    fn n_sites(&self) -> usize {
        self.model.hilbert().n_sites()
    }

    fn close(&self, a: c64, b: c64) -> bool {
        (a - b).norm() <= self.tolerance * a.norm().max(b.norm()).max(1.0)
    }

    /// σ with one site of each sample in the next local state.
    fn changed(&self, site: usize) -> Vec<u8> {
        let last = (self.model.hilbert().local_size() - 1) as u8;
        let mut sigma = self.sigma.clone();
        for sigma in sigma.chunks_exact_mut(self.n_sites()) {
            sigma[site] = if sigma[site] == last {
                0
            } else {
                sigma[site] + 1
            };
        }
        sigma
    }

    fn causal(&self) -> Result<()> {
        let d = self.model.hilbert().local_size();
        let before = self.model.conditionals_log_psi(&self.theta, &self.sigma)?;
        let order = self.model.order();
        for (k, &site) in order.iter().enumerate() {
            let after = self
                .model
                .conditionals_log_psi(&self.theta, &self.changed(site))?;
            for &earlier in &order[..=k] {
                let of = |all: &[S]| {
                    let samples = all.chunks_exact(self.n_sites() * d);
                    let ys = samples.flat_map(|y| y[earlier * d..(earlier + 1) * d].to_vec());
                    ys.collect::<Vec<S>>()
                };
                if of(&before) != of(&after) {
                    return Err(broken(
                        "conditionals that depend on the sites drawn before alone",
                        format!("those of site {earlier} depend on site {site}"),
                        "make its layers causal, and the first exclusive",
                    ));
                }
            }
        }
        Ok(())
    }

    fn normalised(&self) -> Result<()> {
        let d = self.model.hilbert().local_size();
        let p = self.model.conditionals(&self.theta, &self.sigma)?;
        match p
            .chunks_exact(d)
            .map(|p| p.iter().sum::<f64>())
            .find(|sum| {
                let distance = (sum - 1.0).abs();
                distance.is_nan() || distance > self.tolerance
            }) {
            None => Ok(()),
            Some(sum) => Err(broken(
                "conditionals whose probabilities sum to 1",
                format!("{sum}"),
                "look for NaN or infinity",
            )),
        }
    }

    /// All states, where they can be listed.
    fn all_states(&self) -> Result<Option<Vec<u8>>> {
        let hilbert = self.model.hilbert();
        let few = hilbert.n_states().is_some_and(|n| n <= LISTED);
        few.then(|| hilbert.all_states()).transpose()
    }

    fn multiplied(&self) -> Result<()> {
        let (n, d) = (self.n_sites(), self.model.hilbert().local_size());
        let sigma = self.all_states()?.unwrap_or_else(|| self.sigma.clone());
        let log_psi = self.model.log_psi(&self.theta, &sigma)?;
        let conditionals = self.model.conditionals_log_psi(&self.theta, &sigma)?;
        let samples = sigma.chunks_exact(n).zip(conditionals.chunks_exact(n * d));
        for ((sigma, ys), &log_psi) in samples.zip(&log_psi) {
            let of_sites = sigma.iter().zip(ys.chunks_exact(d));
            let sum: c64 = of_sites.map(|(&s, y)| y[usize::from(s)].to_c64()).sum();
            if !self.close(sum, log_psi.to_c64()) {
                return Err(broken(
                    "log ψ that is the sum of the log-conditionals of σ",
                    format!("{log_psi} and {sum}"),
                    "evaluate a site alike in both",
                ));
            }
        }
        Ok(())
    }

    fn whole(&self) -> Result<()> {
        let Some(sigma) = self.all_states()? else {
            return Ok(());
        };
        let log_psi = self.model.log_psi(&self.theta, &sigma)?;
        let p = f64::from(self.model.machine_pow());
        let norm: f64 = log_psi.iter().map(|y| (p * y.to_c64().re).exp()).sum();
        if !self.close(norm.into(), c64::new(1.0, 0.0)) {
            return Err(broken(
                "Σ|ψ|^machine_pow = 1 over all states",
                format!("{norm}"),
                "normalise its conditionals",
            ));
        }
        Ok(())
    }

    fn sampled(&self) -> Result<()> {
        let samples = self.model.sample(&self.theta, SAMPLES, Key::new(3))?;
        let log_psi = self.model.log_psi(&self.theta, &samples.sigma)?;
        match samples.log_psi.iter().zip(&log_psi).find(|(a, b)| a != b) {
            None => Ok(()),
            Some((drawn, again)) => Err(broken(
                "log ψ of a draw equal to log ψ of the drawn state",
                format!("{drawn} and {again}"),
                "evaluate a site alike in both",
            )),
        }
    }

    /// Σ_n Re(conj(c_n) log ψ(σ_n)) at θ + t·direction.
    fn along(&self, direction: &[S], t: f64, cotangent: &[S]) -> Result<f64> {
        let step = S::from_c64(c64::new(t, 0.0));
        let moved = self.theta.iter().zip(direction);
        let moved: Vec<S> = moved.map(|(&theta, &d)| theta + step * d).collect();
        let log_psi = self.model.log_psi(&moved, &self.sigma)?;
        let terms = cotangent.iter().zip(log_psi);
        Ok(terms
            .map(|(c, y)| (c.to_c64().conj() * y.to_c64()).re)
            .sum())
    }

    fn differentiated(&self) -> Result<()> {
        let n_reals = self.model.n_reals();
        let lanes = <RowOf<S> as Row<S::Real>>::LANES;
        let key = Key::new(5);
        let random = |n: usize, stream: u32| -> Vec<f64> {
            let key = key.fold_in(stream);
            (0..n as u64).map(|i| key.uniform(i) - 0.5).collect()
        };
        let (re, im) = (random(SAMPLES, 0), random(SAMPLES, 1));
        let parts = re.iter().zip(&im);
        let cotangent: Vec<S> = parts
            .map(|(&re, &im)| S::from_c64(c64::new(re, im)))
            .collect();
        let mut gradient = vec![0.0; n_reals];
        self.model
            .vjp(&self.theta, &self.sigma, &cotangent, &mut gradient)?;

        let zero = <RowOf<S> as Row<S::Real>>::splat(S::Real::from_f64(0.0));
        let mut rows = vec![zero; SAMPLES.div_ceil(lanes) * S::PLANES * n_reals];
        self.model.jacobian(&self.theta, &self.sigma, &mut rows)?;
        for (k, &sum) in gradient.iter().enumerate() {
            let of = |sample: usize, plane: usize| {
                let panel = sample / lanes * S::PLANES + plane;
                rows[panel * n_reals + k][sample % lanes].widen()
            };
            let samples = 0..SAMPLES;
            let by_rows: f64 = samples
                .map(|n| {
                    let imaginary = if S::PLANES == 2 {
                        im[n] * of(n, 1)
                    } else {
                        0.0
                    };
                    re[n] * of(n, 0) + imaginary
                })
                .sum();
            if !self.close(by_rows.into(), sum.into()) {
                return Err(broken(
                    "a gradient that is the sum of those of single samples",
                    format!("{sum} and {by_rows} at parameter {k}"),
                    "look at the derivatives of its layers",
                ));
            }
        }
        // Rounding and kinks of activations that are crossed: the one grows, the other falls with the step.
        let step = <S::Real as Float>::epsilon().widen().sqrt();
        for stream in 2..6 {
            let direction = random(n_reals, stream);
            let theta: Vec<S> = self.model.layout().scatter(&direction);
            let analytic: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            let difference =
                self.along(&theta, step, &cotangent)? - self.along(&theta, -step, &cotangent)?;
            let numeric = difference / (2.0 * step);
            let sizes = gradient.iter().zip(&direction).map(|(g, d)| (g * d).abs());
            let distance = (analytic - numeric).abs();
            if distance.is_nan() || distance > 100.0 * step * (1.0 + sizes.sum::<f64>()) {
                return Err(broken(
                    "a gradient equal to finite differences of log ψ",
                    format!("{analytic} and {numeric} along a direction"),
                    "look at the derivative of its activation",
                ));
            }
        }
        Ok(())
    }

    fn followed(&self) -> Result<()> {
        let operator = Hops(self.model.hilbert().clone());
        let fast = self
            .model
            .local_values(&self.theta, &self.sigma, &operator)?;
        let ratios = self.model.log_ratios(&self.theta, &self.sigma, &operator)?;
        let n_sites = self.n_sites();
        let samples = self.sigma.chunks_exact(n_sites).zip(ratios);
        for ((sigma, ratios), fast) in samples.zip(fast) {
            let mut row = Connected::default();
            operator.connected(sigma, &mut row);
            let here = self.model.log_psi(&self.theta, sigma)?[0].to_c64();
            let mut sum = c64::default();
            if ratios.len() != row.len() {
                return Err(broken(
                    "a ratio for each element of a row",
                    format!("{} for {}", ratios.len(), row.len()),
                    "give them in the order of the row",
                ));
            }
            for ((mel, changes), ratio) in row.iter().zip(ratios) {
                let mut prime = sigma.to_vec();
                for &(site, new) in changes {
                    prime[site as usize] = new;
                }
                let there = self.model.log_psi(&self.theta, &prime)?[0].to_c64();
                let direct = (there - here).exp();
                sum += mel * direct;
                let distance = (direct - ratio.exp()).norm();
                let bound = self.tolerance * direct.norm().max(1.0) * n_sites as f64;
                if distance.is_nan() || distance > bound {
                    return Err(broken(
                        "ratios equal to those of evaluating each connected state",
                        format!("{} and {direct}", ratio.exp()),
                        "look at what a change of a site can reach",
                    ));
                }
            }
            let scale = self.tolerance * sum.norm().max(row.len() as f64) * n_sites as f64;
            let distance = (sum - fast).norm();
            if distance.is_nan() || distance > scale {
                return Err(broken(
                    "local values equal to those of evaluating each connected state",
                    format!("{fast} and {sum}"),
                    "look at what a change of a site can reach",
                ));
            }
        }
        Ok(())
    }
}

/// Changes of single sites, and exchanges of near and far ones, as far as they stay in the space.
#[derive(Debug)]
struct Hops(crate::hilbert::Hilbert);

impl Operator for Hops {
    fn hilbert(&self) -> &crate::hilbert::Hilbert {
        &self.0
    }

    fn is_hermitian(&self) -> bool {
        false
    }

    fn max_conn_size(&self) -> usize {
        3 * self.0.n_sites() + 1
    }

    fn connected(&self, sigma: &[u8], row: &mut Connected) {
        row.clear();
        let (n, last) = (sigma.len(), (self.0.local_size() - 1) as u8);
        let mut push = |mel: c64, changes: &[(u32, u8)]| {
            let mut changed = sigma.to_vec();
            for &(site, new) in changes {
                changed[site as usize] = new;
            }
            if self.0.contains(&changed) {
                row.push(mel, changes);
            }
        };
        push(c64::new(0.5, 0.0), &[]);
        for site in 0..n {
            let next = if sigma[site] == last {
                0
            } else {
                sigma[site] + 1
            };
            push(c64::new(1.0, 0.25), &[(site as u32, next)]);
            // An exchange, for different states only.
            for other in [site + 1, site + n / 2] {
                if other > site && other < n && sigma[site] != sigma[other] {
                    let swap = [(site as u32, sigma[other]), (other as u32, sigma[site])];
                    push(c64::new(-0.5, 0.0), &swap);
                }
            }
        }
    }
}
