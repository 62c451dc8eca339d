//! Models whose conditionals are computed elsewhere: by the user's own functions, in whatever language.

use std::ops::Range;
use std::sync::Arc;

mod derivatives;
mod parameters;
mod rules;

use self::parameters::described;
pub use self::rules::Normalisation;
use super::{Ansatz, Autoregressive, RowOf, Samples};
use super::{check_length, check_theta};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::module::{Array, Variables};
use crate::params::{Layout, Params};
use crate::random::Key;
use crate::scalar::{Dtype, Real, Scalar, c64};
use crate::simd::Row;

/// What the user's own model computes.
pub trait Conditionals: Send + Sync {
    /// The space of σ.
    fn hilbert(&self) -> &Hilbert;
    /// The sites in the order in which they are drawn.
    fn order(&self) -> Vec<usize>;
    /// The exponent p of the normalisation Σ|ψ|^p = 1.
    fn machine_pow(&self) -> u32;
    /// New parameters, the collection `params`: always the same arrays.
    ///
    /// # Errors
    /// The user's.
    fn init(&self, key: Key) -> Result<Variables>;
    /// Logarithms of conditional amplitudes, `(sample, site, local state)`, of states' values `(sample, site)`.
    /// They need not be normalised. A site's must not depend on itself or on those that are drawn later.
    ///
    /// # Errors
    /// The user's.
    fn log_amplitudes(&self, variables: &Variables, states: &Array) -> Result<Array>;
    /// Pulls cotangents of those back to the parameters, for each sample apart: arrays `(sample, ...)` g of the shapes of
    /// the parameters p, with Re(Σ conj(g) dp) = Re(Σ conj(cotangent) d log amplitude) in each sample.
    /// `None`: by central differences.
    ///
    /// # Errors
    /// The user's.
    fn pull_back(
        &self,
        variables: &Variables,
        states: &Array,
        cotangent: &Array,
    ) -> Result<Option<Variables>>;
    /// The model as a table, for a batch of so many states.
    ///
    /// # Errors
    /// The user's.
    fn tabulate(&self, n_samples: usize) -> Result<String>;
}

/// A wave function of the user's own [`Conditionals`], normalised, and zero outside a constrained space.
///
/// It is evaluated in whole batches, when it is drawn from once for each site, and for local energies once for each
/// connected state: right, and as slow as what it is made of.
///
/// Here of plain layers, with derivatives by differences:
///
/// ```
/// use std::sync::Arc;
/// use autoket::hilbert::Hilbert;
/// use autoket::models::{Ansatz, Conditionals, Own, laws};
/// use autoket::module::{ApplyOptions, Array, Dense, Module, Scope, TabulateOptions, Variables};
/// use autoket::{Result, nn::Function, random::Key, scalar::Dtype};
///
/// /// Log-amplitudes of each site, by two layers, from the sum of σ before it.
/// #[derive(Clone)]
/// struct SumBefore;
///
/// impl Module for SumBefore {
///     fn class(&self) -> &'static str {
///         "SumBefore"
///     }
///     fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
///         let (batch, n) = (inputs[0].shape()[0], inputs[0].shape()[1]);
///         let is_before = (0..n * n).map(|k| if k / n < k % n { 1.0 } else { 0.0 });
///         let sums = inputs[0].dot(&Array::new::<f64>(&[n, n], is_before.collect())?)?;
///         let dense = |features| Dense { param_dtype: Dtype::Float64, ..Dense::new(features) };
///         let h = scope.child(dense(4))?.call(&[sums.reshape(&[batch, n, 1])?])?;
///         scope.child(dense(2))?.call(&[h.activate(&Function::Tanh.into())])
///     }
/// }
///
/// struct Model {
///     hilbert: Hilbert,
/// }
///
/// impl Conditionals for Model {
///     fn hilbert(&self) -> &Hilbert {
///         &self.hilbert
///     }
///     fn order(&self) -> Vec<usize> {
///         (0..self.hilbert.n_sites()).collect()
///     }
///     fn machine_pow(&self) -> u32 {
///         2
///     }
///     fn init(&self, key: Key) -> Result<Variables> {
///         SumBefore.init(key, &[Array::full(&[1, self.hilbert.n_sites()], 1.0)])
///     }
///     fn log_amplitudes(&self, variables: &Variables, states: &Array) -> Result<Array> {
///         let (y, _) = SumBefore.apply(variables, &[states.clone()], ApplyOptions::default())?;
///         Ok(y)
///     }
///     fn pull_back(&self, _: &Variables, _: &Array, _: &Array) -> Result<Option<Variables>> {
///         Ok(None)
///     }
///     fn tabulate(&self, n_samples: usize) -> Result<String> {
///         let x = Array::shape_only(&[n_samples, self.hilbert.n_sites()], Dtype::Float64);
///         SumBefore.tabulate(Key::new(0), &[x], TabulateOptions::default())
///     }
/// }
///
/// let model = Own::<f64>::new(Arc::new(Model { hilbert: Hilbert::spin(0.5, 6)? }))?;
/// assert_eq!(model.layout().n_parameters(), (1 + 1) * 4 + (4 + 1) * 2);
/// laws::check(&model)?;
/// # Ok::<(), autoket::Error>(())
/// ```
pub struct Own<S> {
    of: Arc<dyn Conditionals>,
    layout: Arc<Layout>,
    rules: Normalisation,
    scalar: std::marker::PhantomData<S>,
}

fn dtype_of(log_amplitudes: &Array, shape: &[usize]) -> Result<Dtype> {
    match log_amplitudes.element() {
        crate::module::Element::Inexact(dtype) if log_amplitudes.shape() == shape => Ok(dtype),
        _ => Err(Error::invalid(
            "conditionals_log_psi",
            format!("numbers of shape {shape:?}: (sample, site, local state)"),
            log_amplitudes,
            "return a logarithm of an amplitude for each local state of each site",
        )),
    }
}

/// The type of log ψ of a user's model, and of its parameters.
///
/// # Errors
/// Parameters that are not all of one type; those of [`Conditionals`].
pub(crate) fn dtype(of: &dyn Conditionals) -> Result<Dtype> {
    let (parameters, _) = described(&of.init(Key::new(0))?)?;
    let hilbert = of.hilbert();
    let states = Array::new(
        &[1, hilbert.n_sites()],
        vec![hilbert.local_states()[0]; hilbert.n_sites()],
    )?;
    let output = of.log_amplitudes(&of.init(Key::new(0))?, &states)?;
    let shape = [1, hilbert.n_sites(), hilbert.local_size()];
    let output = dtype_of(&output, &shape)?;
    Ok(match output.is_complex() || parameters.is_complex() {
        // What is computed in double precision of single-precision parameters has their precision.
        true => parameters.complex(),
        false => parameters,
    })
}

fn epsilon<S: Scalar>() -> f64 {
    <S::Real as num_traits::Float>::epsilon().widen()
}

/// States that are evaluated at once.
const BATCH: usize = 8192;

impl<S: Scalar> Own<S> {
    /// The model with log ψ of type `S`.
    ///
    /// # Errors
    /// Parameters that are not all of one type, or complex ones for a real `S`; a site's conditionals that depend on
    /// it or on later ones; as [`Normalisation::new`]; those of [`Conditionals`].
    pub fn new(of: Arc<dyn Conditionals>) -> Result<Self> {
        let rules = Normalisation::new(of.hilbert(), &of.order(), of.machine_pow())?;
        let variables = of.init(Key::new(0))?;
        let (dtype, leaves) = described(&variables)?;
        if dtype.is_complex() && S::PLANES == 1 {
            return Err(Error::invalid(
                "dtype",
                "a complex log ψ of complex parameters",
                S::DTYPE,
                "return complex log-amplitudes",
            ));
        }
        let layout = Layout::new(leaves);
        let layout = match dtype.is_complex() || S::PLANES == 1 {
            true => layout,
            false => layout.of_real_parameters(),
        };
        let model = Self {
            of,
            layout: Arc::new(layout),
            rules,
            scalar: std::marker::PhantomData,
        };
        let theta = variables.to_params::<S>(&model.layout)?;
        model.check_order(&theta.values)?;
        Ok(model)
    }

    /// Looks whether what is drawn later changes what is drawn before: at parameters away from the initial ones, which may be 0.
    fn check_order(&self, theta: &[S]) -> Result<()> {
        let (n, d) = (self.rules.order.len(), self.rules.hilbert.local_size());
        let key = Key::new(1);
        let moved = theta.iter().enumerate().map(|(i, &x)| {
            let step = key.uniform(i as u64) - 0.5;
            S::from_c64(x.to_c64() + step)
        });
        let theta: Vec<S> = moved.collect();
        let base: Vec<u8> = (0..n)
            .map(|i| (key.bits32((1 << 32) + i as u64) as usize % d) as u8)
            .collect();
        let mut sigma = base.clone();
        for first in 0..n {
            let mut other = base.clone();
            for &site in &self.rules.order[first..] {
                other[site] = ((usize::from(other[site]) + 1) % d) as u8;
            }
            sigma.extend(other);
        }
        let raw = self.raw(&theta, &sigma)?;
        for (first, &site) in self.rules.order.iter().enumerate() {
            let of = |sample: usize| &raw[(sample * n + site) * d..][..d];
            for (a, b) in of(0).iter().zip(of(first + 1)) {
                let (a, b) = (a.to_c64(), b.to_c64());
                let close = 1e3 * epsilon::<S>() * (1.0 + a.norm());
                if (a - b).norm() > close {
                    return Err(Error::invalid(
                        "conditionals_log_psi",
                        format!("those of site {site} to depend on sites that are drawn before it"),
                        "others when it or later sites change",
                        "mask what the model reads, or say in which order sites are drawn by `reorder`",
                    ));
                }
            }
        }
        Ok(())
    }

    fn variables(&self, theta: &[S]) -> Variables {
        Variables::from_params(&Params {
            layout: Arc::clone(&self.layout),
            values: theta.to_vec(),
        })
    }

    fn states(&self, sigma: &[u8]) -> Result<Array> {
        let n = self.rules.order.len();
        let values = self.rules.hilbert.values_of(sigma);
        Array::new(&[sigma.len() / n, n], values)
    }

    /// Log-amplitudes as the user gives them.
    fn raw(&self, theta: &[S], sigma: &[u8]) -> Result<Vec<S>> {
        let n = self.rules.order.len();
        let variables = self.variables(theta);
        let mut all = Vec::with_capacity(sigma.len() * self.rules.hilbert.local_size());
        for sigma in sigma.chunks(BATCH * n) {
            let output = self.of.log_amplitudes(&variables, &self.states(sigma)?)?;
            let dtype = dtype_of(&output, &self.rules.shape(sigma.len() / n))?;
            if dtype.is_complex() && S::PLANES == 1 {
                return Err(Error::invalid(
                    "conditionals_log_psi",
                    "real numbers, as before",
                    output,
                    "return numbers of one type",
                ));
            }
            all.extend(output.values::<S>()?);
        }
        Ok(all)
    }

    fn log_conditionals(&self, theta: &[S], sigma: &[u8]) -> Result<Vec<S>> {
        let mut y = self.raw(theta, sigma)?;
        self.rules.apply(sigma, &mut y);
        Ok(y)
    }
}

impl<S: Scalar> Ansatz<S> for Own<S> {
    fn hilbert(&self) -> &Hilbert {
        &self.rules.hilbert
    }

    fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Where the user's own fails, parameters are NaN.
    fn init(&self, key: Key) -> Params<S> {
        let made = self.of.init(key);
        let made = made.and_then(|variables| variables.to_params(&self.layout));
        made.unwrap_or_else(|_| Params {
            layout: Arc::clone(&self.layout),
            values: vec![S::from_c64(c64::new(f64::NAN, 0.0)); self.layout.n_parameters()],
        })
    }

    fn log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> Result<()> {
        check_length("out", self.check_batch(theta, sigma)?, out.len())?;
        let (n, d) = (self.rules.order.len(), self.rules.hilbert.local_size());
        let y = self.log_conditionals(theta, sigma)?;
        let samples = y.chunks_exact(n * d).zip(sigma.chunks_exact(n));
        for ((y, sigma), out) in samples.zip(out) {
            let sites = y.chunks_exact(d).zip(sigma);
            let picked = sites.map(|(y, &s)| y[usize::from(s)].to_c64());
            *out = S::from_c64(picked.sum());
        }
        Ok(())
    }

    fn vjp(&self, theta: &[S], sigma: &[u8], cotangent: &[S], sum: &mut [f64]) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        let n_reals = self.n_reals();
        check_length("cotangent", n_samples, cotangent.len())?;
        check_length("sum", n_reals, sum.len())?;
        for part in 0..S::PLANES {
            let rows = self.rows(theta, sigma, part)?;
            for (row, c) in rows.chunks_exact(n_reals.max(1)).zip(cotangent) {
                let c = c.to_c64();
                let c = if part == 0 { c.re } else { c.im };
                for (sum, x) in sum.iter_mut().zip(row) {
                    *sum += c * x;
                }
            }
        }
        Ok(())
    }

    fn jacobian(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        let (n_reals, lanes) = (self.n_reals(), <RowOf<S>>::LANES);
        let panels = n_samples.div_ceil(lanes) * S::PLANES;
        check_length("out", panels * n_reals, out.len())?;
        out.fill(<RowOf<S>>::splat(S::Real::from_f64(0.0)));
        for part in 0..S::PLANES {
            let rows = self.rows(theta, sigma, part)?;
            for (sample, row) in rows.chunks_exact(n_reals.max(1)).enumerate() {
                let panel = sample / lanes * S::PLANES + part;
                for (out, &x) in out[panel * n_reals..][..n_reals].iter_mut().zip(row) {
                    out[sample % lanes] = S::Real::from_f64(x);
                }
            }
        }
        Ok(())
    }

    fn tabulate(&self, n_samples: usize) -> String {
        let table = self.of.tabulate(n_samples);
        table.unwrap_or_else(|error| error.to_string())
    }
}

impl<S: Scalar> Autoregressive<S> for Own<S> {
    fn conditionals_log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        let per_sample = self.rules.order.len() * self.rules.hilbert.local_size();
        check_length("out", n_samples * per_sample, out.len())?;
        out.copy_from_slice(&self.log_conditionals(theta, sigma)?);
        Ok(())
    }

    fn machine_pow(&self) -> u32 {
        self.rules.machine_pow
    }

    fn order(&self) -> Vec<usize> {
        self.rules.order.clone()
    }

    fn sample_places_into(
        &self,
        theta: &[S],
        range: Range<usize>,
        key: Key,
        samples: &mut Samples<S>,
    ) -> Result<()> {
        check_theta(&self.layout, theta)?;
        let (first, n_samples) = (range.start, range.len());
        let (n, d) = (self.rules.order.len(), self.rules.hilbert.local_size());
        let p = f64::from(self.rules.machine_pow);
        samples.sigma.clear();
        samples.sigma.resize(n_samples * n, 0);
        samples.log_psi.resize(n_samples, S::zero());
        let mut places = vec![0; n_samples];
        let mut carry = key;
        for (position, &site) in self.rules.order.iter().enumerate() {
            let [next, key] = carry.split();
            carry = next;
            let mut raw = self.raw(theta, &samples.sigma)?;
            for (sample, place) in places.iter_mut().enumerate() {
                let y = &mut raw[(sample * n + site) * d..][..d];
                self.rules.normalise(position, *place, y);
                let mut sum = S::Real::from_f64(0.0);
                let cumulative = y.iter().map(|y| {
                    sum += S::Real::from_f64((p * y.to_c64().re).exp());
                    sum.widen()
                });
                let cumulative: Vec<f64> = cumulative.collect();
                let limit = cumulative[d - 1] * key.uniform((first + sample) as u64);
                let mut index = cumulative.iter().filter(|&&c| limit > c).count() as u8;
                if let Some(automaton) = &self.rules.automaton {
                    let mut allowed = (index..=(d - 1) as u8)
                        .filter(|&index| automaton.allows(position, *place, index));
                    index = allowed.next().unwrap_or(index);
                    *place = automaton.next(position, *place, index);
                }
                samples.sigma[sample * n + site] = index;
            }
        }
        let log_psi = self.log_psi(theta, &samples.sigma)?;
        samples.log_psi.copy_from_slice(&log_psi);
        Ok(())
    }
}
