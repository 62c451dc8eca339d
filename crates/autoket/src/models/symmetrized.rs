//! Wave functions with the symmetries of a lattice, from networks that need not have them.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Ansatz, Autoregressive, Distinct, RowOf, SUMMED, Samples};
use super::{check_length, check_theta, same_space, sum_local_values};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::operator::{Connected, Moved, Operator, Symmetries, Symmetry};
use crate::params::{Layout, Params};
use crate::random::Key;
use crate::scalar::{Real, Scalar, c64};
use crate::simd::Row;

/// Images that the network evaluates together on each thread.
const IMAGES: usize = 4096;
/// Blocks of lanes of images whose derivatives are held together, for each thread.
const BLOCKS: usize = 4;
/// Bytes of derivatives of images that are held together.
const HELD: usize = 64 << 20;
/// Parameters whose derivatives a thread adds up.
const COLUMNS: usize = 256;

/// The average of an autoregressive wave function ψ over the symmetries g of a lattice, in the sector in which they all
/// leave the state as it is:
///
/// |Ψ(σ)|ᵖ = Σ_g |ψ(gσ)|ᵖ/|G|, arg Ψ(σ) = arg Σ_g exp(i arg ψ(gσ)).
///
/// It has ψ's parameters, is normalised as ψ is, and is sampled directly: a draw from ψ is moved by a random g. An
/// element of a Hamiltonian's row costs |G| times what it costs with ψ alone, by the same engine; states that are images
/// of each other are evaluated once, which makes all the group's elements cheap where there are few orbits. Its amplitudes
/// are not products of conditionals that a site has from those drawn before it: those are refused. Where the phases of a
/// state's images cancel, as those of an odd state would, its phase is not determined.
///
/// Source: M. Hibat-Allah *et al.*, Phys. Rev. Research 2, 023358 (2020), appendix on symmetries; M. Reh, M. Schmitt and
/// M. Gärttner, Phys. Rev. B 107, 195115 (2023).
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use autoket::{graph::Graph, hilbert::Hilbert, random::Key};
/// use autoket::models::{Ansatz, ArnnConv2d, Autoregressive, Symmetrized};
/// use autoket::operator::Symmetries;
/// let square = Graph::square(4, true)?;
/// let hilbert = Hilbert::spin(0.5, 16)?.with_total_sz(0.0)?;
/// let network = ArnnConv2d::new(hilbert, 2, 4, [3, 3]).build::<f64>()?;
/// let symmetries = Symmetries::new(&square.space_group()?, true);
/// assert_eq!(symmetries.order(), 256);
/// let model = Symmetrized::<f64>::new(Arc::new(network), symmetries)?;
/// let theta = model.init(Key::new(1)).values;
/// let drawn = model.sample(&theta, 2, Key::new(2))?;
/// let mut shifted = drawn.sigma.clone();
/// shifted[..16].rotate_right(4);
/// assert_eq!(model.log_psi(&theta, &shifted)?, drawn.log_psi);
/// # Ok::<(), autoket::Error>(())
/// ```
pub struct Symmetrized<S: Scalar> {
    network: Arc<dyn Autoregressive<S>>,
    symmetries: Symmetries,
}

/// How log ψ of an image enters log Ψ, by its real and its imaginary part.
type Share = [f64; 2];

impl<S: Scalar> Symmetrized<S> {
    /// The average of a network.
    ///
    /// # Errors
    /// As [`Symmetries::check`].
    pub fn new(network: Arc<dyn Autoregressive<S>>, symmetries: Symmetries) -> Result<Self> {
        symmetries.check(network.hilbert())?;
        Ok(Self {
            network,
            symmetries,
        })
    }

    fn n_sites(&self) -> usize {
        self.network.hilbert().n_sites()
    }

    fn elements(&self) -> &[Symmetry] {
        self.symmetries.elements()
    }

    fn image<'a>(&self, g: &'a Symmetry, sigma: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
        g.image(sigma, self.hilbert().local_size())
    }

    /// The orbits of a batch: the least image of each.
    fn orbits(&self, sigma: &[u8]) -> Distinct {
        let n = self.n_sites();
        let mut firsts = vec![0; sigma.len()];
        let batch = firsts
            .par_chunks_exact_mut(n)
            .zip(sigma.par_chunks_exact(n));
        batch.for_each(|(first, sigma)| {
            let least = |a, b| {
                let is_less = self.image(b, sigma).lt(self.image(a, sigma));
                if is_less { b } else { a }
            };
            if let Some(g) = self.elements().iter().reduce(least) {
                let image = first.iter_mut().zip(self.image(g, sigma));
                image.for_each(|(first, index)| *first = index);
            }
        });
        Distinct::of(&firsts, n)
    }

    /// All images of some states, `(state, element, site)`.
    fn images(&self, sigma: &[u8]) -> Vec<u8> {
        let mut images = Vec::with_capacity(sigma.len() * self.symmetries.order());
        for sigma in sigma.chunks_exact(self.n_sites()) {
            for g in self.elements() {
                images.extend(self.image(g, sigma));
            }
        }
        images
    }

    /// Lets `take` see log ψ of all images of each state in turn.
    fn for_images(
        &self,
        theta: &[S],
        sigma: &[u8],
        mut take: impl FnMut(usize, &[c64]),
    ) -> Result<()> {
        let (n, order) = (self.n_sites(), self.symmetries.order());
        let portion = (IMAGES * rayon::current_num_threads()).div_ceil(order);
        for (k, sigma) in sigma.chunks(portion * n).enumerate() {
            let log_psi = self.network.log_psi(theta, &self.images(sigma))?;
            let log_psi: Vec<c64> = log_psi.into_iter().map(S::to_c64).collect();
            for (state, log_psi) in log_psi.chunks_exact(order).enumerate() {
                take(k * portion + state, log_psi);
            }
        }
        Ok(())
    }

    /// log Ψ from log ψ of all images.
    fn average(&self, log_psi: &[c64]) -> c64 {
        average(f64::from(self.network.machine_pow()), log_psi)
    }

    /// d Re log Ψ = Σ w d Re log ψ, d Im log Ψ = Σ v d Im log ψ: (w, v) of each image.
    fn shares(&self, log_psi: &[c64]) -> Vec<Share> {
        let p = f64::from(self.network.machine_pow());
        let most = greatest(log_psi);
        let sizes = log_psi.iter().map(|y| (p * (y.re - most)).exp());
        let phases = log_psi.iter().map(|y| c64::cis(y.im));
        let sum: f64 = sizes.clone().sum();
        let phase: c64 = phases.clone().sum();
        let even = 1.0 / log_psi.len() as f64;
        let shares = sizes.zip(phases);
        shares
            .map(|(size, z)| match phase == c64::ZERO {
                // Phases that cancel have no mean.
                true => [size / sum, even],
                false => [size / sum, (z / phase).re],
            })
            .collect()
    }
}

/// log Ψ from log ψ of all images, normalised by the power p.
pub(super) fn average(p: f64, log_psi: &[c64]) -> c64 {
    let most = greatest(log_psi);
    if most == f64::NEG_INFINITY {
        return c64::new(most, 0.0);
    }
    let sizes = log_psi.iter().map(|y| (p * (y.re - most)).exp());
    let mean = sizes.sum::<f64>() / log_psi.len() as f64;
    let phases: c64 = log_psi.iter().map(|y| c64::cis(y.im)).sum();
    c64::new(most + mean.ln() / p, phases.arg())
}

fn greatest(log_psi: &[c64]) -> f64 {
    // NaN, if there is one.
    let greater = |a: f64, b: f64| if b > a || b.is_nan() { b } else { a };
    let sizes = log_psi.iter().map(|y| y.re);
    sizes.fold(f64::NEG_INFINITY, greater)
}

/// Adds rows times a factor for each lane.
fn add_rows<S: Scalar>(sums: &mut [RowOf<S>], rows: &[RowOf<S>], factors: &RowOf<S>) {
    for (sum, row) in sums.iter_mut().zip(rows) {
        for ((sum, &x), &factor) in sum.iter_mut().zip(row.iter()).zip(factors.iter()) {
            *sum += x * factor;
        }
    }
}

impl<S: Scalar> Ansatz<S> for Symmetrized<S> {
    fn hilbert(&self) -> &Hilbert {
        self.network.hilbert()
    }

    fn layout(&self) -> &Arc<Layout> {
        self.network.layout()
    }

    fn init(&self, key: Key) -> Params<S> {
        self.network.init(key)
    }

    fn log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> Result<()> {
        check_length("out", self.check_batch(theta, sigma)?, out.len())?;
        let orbits = self.orbits(sigma);
        let mut of_orbits = Vec::new();
        self.for_images(theta, &orbits.states, |_, log_psi| {
            of_orbits.push(S::from_c64(self.average(log_psi)));
        })?;
        orbits.spread(&of_orbits, out);
        Ok(())
    }

    fn vjp(&self, theta: &[S], sigma: &[u8], cotangent: &[S], sum: &mut [f64]) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        check_length("cotangent", n_samples, cotangent.len())?;
        check_length("sum", self.n_reals(), sum.len())?;
        let n = self.n_sites();
        let batches = sigma.chunks(SUMMED * n).zip(cotangent.chunks(SUMMED));
        for (sigma, cotangent) in batches {
            let orbits = self.orbits(sigma);
            let mut of_orbits = vec![c64::ZERO; orbits.states.len() / n];
            for (c, &orbit) in cotangent.iter().zip(&orbits.of_sample) {
                of_orbits[orbit] += c.to_c64();
            }
            let mut of_images = Vec::with_capacity(of_orbits.len() * self.symmetries.order());
            self.for_images(theta, &orbits.states, |orbit, log_psi| {
                let c = of_orbits[orbit];
                let shares = self.shares(log_psi).into_iter();
                let pulled = shares.map(|[w, v]| c64::new(w * c.re, v * c.im));
                of_images.extend(pulled.map(S::from_c64));
            })?;
            let mut part = vec![0.0; sum.len()];
            let images = self.images(&orbits.states);
            // Whole sums each, so that the result does not depend on how many.
            let portion = IMAGES.next_multiple_of(SUMMED) * rayon::current_num_threads();
            let portions = images.chunks(portion * n).zip(of_images.chunks(portion));
            for (images, cotangent) in portions {
                self.network.vjp(theta, images, cotangent, &mut part)?;
            }
            for (sum, part) in sum.iter_mut().zip(part) {
                *sum += part;
            }
        }
        Ok(())
    }

    fn jacobian(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) -> Result<()> {
        let n_samples = self.check_batch(theta, sigma)?;
        let (n, lanes, n_reals) = (self.n_sites(), <RowOf<S>>::LANES, self.n_reals());
        let per_block = n_reals * S::PLANES;
        check_length("out", n_samples.div_ceil(lanes) * per_block, out.len())?;
        let zero = <RowOf<S>>::splat(S::Real::from_f64(0.0));
        out.fill(zero);
        let orbits = self.orbits(sigma);
        let mut samples_of = vec![Vec::new(); orbits.states.len() / n];
        for (sample, &orbit) in orbits.of_sample.iter().enumerate() {
            samples_of[orbit].push(sample);
        }
        if n_reals == 0 {
            return Ok(());
        }
        let fitting = (HELD / (per_block * size_of::<RowOf<S>>())).max(1);
        let held = fitting.min(BLOCKS * rayon::current_num_threads());
        let mut rows = vec![zero; held.min(self.symmetries.order()) * per_block];
        let mut sums = vec![zero; per_block];
        let blocks = orbits.states.chunks(lanes * n);
        for (firsts, samples_of) in blocks.zip(samples_of.chunks(lanes)) {
            // A lane for each orbit; those left over are the last one's, in vain.
            let in_lanes = |lane: usize| &firsts[lane.min(samples_of.len() - 1) * n..][..n];
            // Factors of each element's rows, by part.
            let mut factors = vec![[zero; 2]; self.symmetries.order()];
            self.for_images(theta, firsts, |lane, log_psi| {
                for (factors, share) in factors.iter_mut().zip(self.shares(log_psi)) {
                    for (factors, share) in factors.iter_mut().zip(share) {
                        factors[lane] = S::Real::from_f64(share);
                    }
                }
            })?;
            sums.fill(zero);
            for (elements, factors) in self.elements().chunks(held).zip(factors.chunks(held)) {
                let mut images = Vec::with_capacity(elements.len() * lanes * n);
                for g in elements {
                    images.extend((0..lanes).flat_map(|lane| self.image(g, in_lanes(lane))));
                }
                let rows = &mut rows[..elements.len() * per_block];
                self.network.jacobian(theta, &images, rows)?;
                for (part, sums) in sums.chunks_exact_mut(n_reals).enumerate() {
                    sums.par_chunks_mut(COLUMNS)
                        .enumerate()
                        .for_each(|(k, sums)| {
                            let of_part = rows.chunks_exact(n_reals).skip(part).step_by(S::PLANES);
                            for (rows, factors) in of_part.zip(factors) {
                                add_rows::<S>(sums, &rows[k * COLUMNS..], &factors[part]);
                            }
                        });
                }
            }
            for (lane, samples) in samples_of.iter().enumerate() {
                for &sample in samples {
                    let out = &mut out[sample / lanes * per_block..][..per_block];
                    for (out, sum) in out.iter_mut().zip(&sums) {
                        out[sample % lanes] = sum[lane];
                    }
                }
            }
        }
        Ok(())
    }

    fn log_ratios(
        &self,
        theta: &[S],
        sigma: &[u8],
        operator: &dyn Operator,
    ) -> Result<Vec<Vec<c64>>> {
        same_space(self.hilbert(), operator)?;
        let n_samples = self.check_batch(theta, sigma)?;
        let p = f64::from(self.network.machine_pow());
        let (n, order) = (self.n_sites(), self.symmetries.order());
        // All are empty once work is interrupted.
        let goes_on = || {
            let mut row = Connected::default();
            sigma.chunks_exact(n).any(|sigma| {
                operator.connected(sigma, &mut row);
                !row.is_empty()
            })
        };
        if !goes_on() {
            return Ok(vec![Vec::new(); n_samples]);
        }
        let mut here = Vec::new();
        self.for_images(theta, sigma, |_, log_psi| here.extend_from_slice(log_psi))?;
        // Σ_g |ψ|ᵖ and Σ_g ψ/|ψ| of each connected state, relative to the sample's.
        let mut sums: Vec<Vec<(f64, c64)>> = Vec::new();
        let averages: Vec<c64> = here.chunks_exact(order).map(|y| self.average(y)).collect();
        for (k, by) in self.elements().iter().enumerate().take_while(|_| goes_on()) {
            let images = sigma.chunks_exact(n);
            let images: Vec<u8> = images.flat_map(|sigma| self.image(by, sigma)).collect();
            let moved = Moved { operator, by };
            let ratios = self.network.log_ratios(theta, &images, &moved)?;
            if k == 0 {
                let zeros = ratios.iter().map(|row| vec![(0.0, c64::ZERO); row.len()]);
                sums = zeros.collect();
            }
            let of_samples = here.chunks_exact(order).zip(&averages);
            let of_samples = of_samples.zip(sums.iter_mut().zip(ratios));
            for ((here, average), (sums, ratios)) in of_samples {
                let own = here[k] - average;
                for ((size, phase), ratio) in sums.iter_mut().zip(ratios) {
                    let relative = own + ratio;
                    *size += (p * relative.re).exp();
                    *phase += c64::cis(relative.im);
                }
            }
        }
        let log = |(size, phase): (f64, c64)| c64::new((size / order as f64).ln() / p, phase.arg());
        let rows = sums.into_iter();
        Ok(rows.map(|row| row.into_iter().map(log).collect()).collect())
    }

    fn local_values_into(
        &self,
        theta: &[S],
        sigma: &[u8],
        operator: &dyn Operator,
        out: &mut [c64],
    ) -> Result<()> {
        check_length("out", self.check_batch(theta, sigma)?, out.len())?;
        same_space(self.hilbert(), operator)?;
        if !self.symmetries.are_of(operator) {
            return sum_local_values(self, theta, sigma, operator, out);
        }
        // They are the same in all of an orbit.
        let orbits = self.orbits(sigma);
        let mut of_orbits = vec![c64::ZERO; orbits.states.len() / self.n_sites()];
        sum_local_values(self, theta, &orbits.states, operator, &mut of_orbits)?;
        orbits.spread(&of_orbits, out);
        Ok(())
    }

    fn tabulate(&self, n_samples: usize) -> String {
        self.network.tabulate(n_samples)
    }
}

impl<S: Scalar> Autoregressive<S> for Symmetrized<S> {
    fn conditionals_log_psi_into(&self, _: &[S], _: &[u8], _: &mut [S]) -> Result<()> {
        Err(Error::invalid(
            "model",
            "a product of conditionals",
            "an average over symmetries, which has none",
            "ask the network that is averaged",
        ))
    }

    fn machine_pow(&self) -> u32 {
        self.network.machine_pow()
    }

    /// The order in which the network draws them.
    fn order(&self) -> Vec<usize> {
        self.network.order()
    }

    fn sample_places_into(
        &self,
        theta: &[S],
        places: Range<usize>,
        key: Key,
        samples: &mut Samples<S>,
    ) -> Result<()> {
        check_theta(self.layout(), theta)?;
        let [draw, choose] = key.split();
        let of_network = places.clone();
        self.network
            .sample_places_into(theta, of_network, draw, samples)?;
        for (sigma, place) in samples.sigma.chunks_exact_mut(self.n_sites()).zip(places) {
            let number = choose.uniform(place as u64) * self.symmetries.order() as f64;
            let image: Vec<u8> = self
                .image(&self.elements()[number as usize], sigma)
                .collect();
            sigma.copy_from_slice(&image);
        }
        let Samples { sigma, log_psi } = samples;
        self.log_psi_into(theta, sigma, log_psi)
    }
}
