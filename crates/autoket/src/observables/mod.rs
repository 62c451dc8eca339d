//! Observables measured on samples, in portions, with memory that does not grow.
//!
//! ```
//! use std::sync::Arc;
//! use autoket::{graph::Graph, hilbert::Hilbert, models::ArnnConv2d, vqs::McState};
//! use autoket::observables::{Measurement, ObservableName};
//! let (graph, hilbert) = (Graph::square(3, false)?, Hilbert::spin(0.5, 9)?);
//! let correlations = ObservableName::Correlations.observable(&hilbert, &graph, false)?;
//! let model = ArnnConv2d::new(hilbert, 2, 4, [2, 3]).build::<f64>()?;
//! let mut state = McState::new(Arc::new(model), 256, 0)?;
//! let mut measurement = Measurement::new(vec![correlations]);
//! for _ in 0..4 {
//!     state.measure(&mut measurement)?;
//! }
//! let measured = measurement.results();
//! assert_eq!(measured[0].n_samples, 1024);
//! assert_eq!(measured[0].entries[1].label, "r=1");
//! # Ok::<(), autoket::Error>(())
//! ```

mod picture;
mod sums;

use std::f64::consts::TAU;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::hilbert::Hilbert;
use crate::models::Ansatz;
use crate::operator::{Operator, total_spin};
use crate::scalar::Scalar;
use ObservableName::*;
use sums::Sums;

/// Observables that have a name in the run file.
///
/// The value s of a site is 2m of a spin or qubit, and the number of particles of a boson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservableName {
    /// ⟨s_i s_j⟩ - ⟨s_i⟩⟨s_j⟩, the mean over all pairs at a distance: Euclidean on a lattice, around periodic
    /// directions; else the number of bonds between.
    Correlations,
    /// S(q) = ⟨|Σ_j s_j e^(-iq·r_j)|²⟩/N at the wave vectors of the lattice.
    StructureFactor,
    /// m = Σ_j s_j/N: ⟨m⟩, ⟨|m|⟩, ⟨m²⟩, ⟨m⁴⟩ and Binder's 1 - ⟨m⁴⟩/(3⟨m²⟩²).
    Magnetization,
    /// The same of m = Σ_j ±s_j/N, + on one sublattice of the nearest neighbours and - on the other.
    StaggeredMagnetization,
    /// (Σ_j S_j)² of spins 1/2, S(S + 1) in a multiplet.
    TotalSpin,
}

impl ObservableName {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Correlations,
        StructureFactor,
        Magnetization,
        StaggeredMagnetization,
        TotalSpin,
    ];

    /// As in the run file.
    pub fn as_str(self) -> &'static str {
        match self {
            Correlations => "correlations",
            StructureFactor => "structure_factor",
            Magnetization => "magnetization",
            StaggeredMagnetization => "staggered_magnetization",
            TotalSpin => "total_spin",
        }
    }

    /// The observable on a lattice. `sign_rule` says whether the basis is that of Marshall's sign rule, which matters
    /// to what is not diagonal.
    ///
    /// # Errors
    /// The space has another number of sites than the graph; the structure factor of no lattice; a staggered
    /// magnetisation, or a sign rule, where nearest neighbours are not bipartite; the total spin of other
    /// sites than spins 1/2.
    pub fn observable(
        self,
        hilbert: &Hilbert,
        graph: &Graph,
        sign_rule: bool,
    ) -> Result<Observable> {
        if hilbert.n_sites() != graph.n_nodes() {
            return Err(self.refuse(
                format!("a space of the lattice's {} sites", graph.n_nodes()),
                hilbert.name(),
                "measure it with an operator of your own",
            ));
        }
        let values = hilbert.site_values();
        let kind = match self {
            Correlations => Kind::correlations(graph),
            StructureFactor => self.structure_factor(graph)?,
            Magnetization => Kind::Moments(vec![1.0; graph.n_nodes()]),
            StaggeredMagnetization => Kind::Moments(self.sublattices(graph)?),
            TotalSpin => {
                let sublattices = sign_rule.then(|| self.sublattices(graph)).transpose()?;
                let total = total_spin(hilbert, sublattices.as_deref());
                Kind::Operator(Arc::new(total.map_err(|error| error.of_field("measure"))?))
            }
        };
        Ok(Observable {
            name: self.as_str().to_owned(),
            values,
            kind,
        })
    }

    fn refuse(self, expected: impl Into<String>, got: impl std::fmt::Display, cure: &str) -> Error {
        Error::invalid(
            "measure",
            format!("{} of {}", self.as_str(), expected.into()),
            got,
            cure,
        )
    }

    /// + and - on the sublattices of nearest neighbours.
    fn sublattices(self, graph: &Graph) -> Result<Vec<f64>> {
        graph.sublattices().ok_or_else(|| {
            self.refuse(
                "a lattice whose nearest neighbours are bipartite",
                "one that is not",
                "leave it out",
            )
        })
    }

    fn structure_factor(self, graph: &Graph) -> Result<Kind> {
        let Some(lattice) = graph.lattice() else {
            return Err(self.refuse("a lattice", "a list of edges", "leave it out"));
        };
        let (positions, mut numbers) = (lattice.positions(), vec![Vec::new()]);
        for &l in lattice.extent() {
            let longer = |m: &Vec<usize>, x| m.iter().copied().chain([x]).collect();
            numbers = (numbers.iter())
                .flat_map(|m| (0..l).map(move |x| longer(m, x)))
                .collect();
        }
        let waves: Vec<Vec<f64>> = numbers.iter().map(|m| lattice.wave_vector(m)).collect();
        let phases = waves.iter().flat_map(|q| {
            positions.iter().map(move |r| {
                let (sin, cos) = q.iter().zip(r).map(|(q, r)| q * r).sum::<f64>().sin_cos();
                [cos, sin]
            })
        });
        Ok(Kind::StructureFactor {
            phases: phases.collect(),
            extent: lattice.extent().to_vec(),
            waves,
        })
    }
}

/// Something that can be measured.
#[derive(Clone)]
pub struct Observable {
    name: String,
    /// s of each local index.
    values: Vec<f64>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Correlations {
        distances: Vec<f64>,
        /// The place of the distance from i to j ≤ i, `(pair,)`.
        shells: Vec<usize>,
        /// Pairs at each distance, i and i counting as one.
        counts: Vec<f64>,
    },
    StructureFactor {
        waves: Vec<Vec<f64>>,
        /// cos and sin of q·r, `(wave, site)`.
        phases: Vec<[f64; 2]>,
        extent: Vec<usize>,
    },
    /// By the sign of each site.
    Moments(Vec<f64>),
    Operator(Arc<dyn Operator>),
}

impl Kind {
    fn correlations(graph: &Graph) -> Self {
        let n = graph.n_nodes();
        let rows: Vec<Vec<f64>> = match graph.lattice() {
            Some(lattice) => (0..n)
                .map(|i| (0..=i).map(|j| lattice.distance(i, j)).collect())
                .collect(),
            None => bonds_between(graph),
        };
        let mut distances: Vec<f64> = rows.iter().flatten().copied().collect();
        distances.sort_by(f64::total_cmp);
        let longest = distances.iter().copied().filter(|r| r.is_finite());
        let tolerance = 1e-6 * longest.fold(0.0, f64::max);
        distances.dedup_by(|a, b| a == b || (*a - *b).abs() <= tolerance);
        let place = |r: &f64| {
            let next = distances.partition_point(|d| *d < r - tolerance);
            next.min(distances.len() - 1)
        };
        let shells: Vec<usize> = rows.iter().flatten().map(place).collect();
        let mut counts = vec![0.0; distances.len()];
        shells.iter().for_each(|&shell| counts[shell] += 1.0);
        Self::Correlations {
            distances,
            shells,
            counts,
        }
    }
}

/// The number of bonds on the shortest way between two sites, infinite where there is none.
fn bonds_between(graph: &Graph) -> Vec<Vec<f64>> {
    let neighbors = graph.adjacency_list();
    (0..graph.n_nodes())
        .map(|start| {
            let mut distance = vec![f64::INFINITY; graph.n_nodes()];
            let mut open = std::collections::VecDeque::from([start]);
            distance[start] = 0.0;
            while let Some(i) = open.pop_front() {
                for &j in &neighbors[i] {
                    if distance[j].is_infinite() {
                        distance[j] = distance[i] + 1.0;
                        open.push_back(j);
                    }
                }
            }
            distance.truncate(start + 1);
            distance
        })
        .collect()
}

impl Observable {
    /// The expectation value of any operator, by its local values.
    pub fn operator(name: impl Into<String>, operator: Arc<dyn Operator>) -> Self {
        Self {
            name: name.into(),
            values: Vec::new(),
            kind: Kind::Operator(operator),
        }
    }

    /// The number of means that it is made of.
    fn n_means(&self) -> usize {
        match &self.kind {
            Kind::Correlations {
                distances, shells, ..
            } => {
                // shells hold n (n + 1)/2 pairs.
                let n = ((8.0 * shells.len() as f64 + 1.0).sqrt() as usize - 1) / 2;
                n + distances.len()
            }
            Kind::StructureFactor { waves, .. } => waves.len(),
            Kind::Moments(_) => 4,
            Kind::Operator(_) => 2,
        }
    }

    /// What is averaged, for one state.
    fn of_state(&self, sigma: &[u8], out: &mut [f64]) {
        let value = |&index: &u8| self.values[index as usize];
        match &self.kind {
            Kind::Correlations { shells, counts, .. } => {
                let (sites, pairs) = out.split_at_mut(sigma.len());
                sites
                    .iter_mut()
                    .zip(sigma)
                    .for_each(|(s, index)| *s = value(index));
                pairs.fill(0.0);
                let mut shells = shells.iter();
                for (i, &s) in sites.iter().enumerate() {
                    for (&t, &shell) in sites[..=i].iter().zip(&mut shells) {
                        pairs[shell] += s * t;
                    }
                }
                pairs
                    .iter_mut()
                    .zip(counts)
                    .for_each(|(sum, count)| *sum /= count);
            }
            Kind::StructureFactor { phases, .. } => {
                let n = sigma.len() as f64;
                for (out, phases) in out.iter_mut().zip(phases.chunks_exact(sigma.len())) {
                    let parts = phases.iter().zip(sigma);
                    let [re, im] = parts.fold([0.0; 2], |[re, im], ([cos, sin], index)| {
                        [re + cos * value(index), im + sin * value(index)]
                    });
                    *out = (re * re + im * im) / n;
                }
            }
            Kind::Moments(signs) => {
                let sum: f64 = signs
                    .iter()
                    .zip(sigma)
                    .map(|(sign, index)| sign * value(index))
                    .sum();
                let m = sum / sigma.len() as f64;
                out.copy_from_slice(&[m, m.abs(), m.powi(2), m.powi(4)]);
            }
            Kind::Operator(_) => {}
        }
    }

    /// The results from the means, and for those that are one of the means its place.
    fn results(&self, means: &[f64]) -> Vec<(f64, Option<usize>)> {
        let plain = || means.iter().copied().zip((0..).map(Some));
        match &self.kind {
            Kind::Correlations { shells, counts, .. } => {
                let (sites, pairs) = means.split_at(means.len() - counts.len());
                let mut apart = vec![0.0; counts.len()];
                let mut shells = shells.iter();
                for (i, s) in sites.iter().enumerate() {
                    for (t, &shell) in sites[..=i].iter().zip(&mut shells) {
                        apart[shell] += s * t;
                    }
                }
                let results = pairs.iter().zip(&apart).zip(counts);
                results
                    .map(|((pair, apart), count)| (pair - apart / count, None))
                    .collect()
            }
            Kind::Moments(_) => {
                let binder = 1.0 - means[3] / (3.0 * means[2].powi(2));
                plain().chain([(binder, None)]).collect()
            }
            Kind::StructureFactor { .. } | Kind::Operator(_) => plain().collect(),
        }
    }

    /// What the results are called, and where they are.
    fn labels(&self) -> Vec<(String, Vec<f64>)> {
        let named = |names: &[&str]| {
            names
                .iter()
                .map(|&name| (name.to_owned(), vec![]))
                .collect()
        };
        match &self.kind {
            Kind::Correlations { distances, .. } => (distances.iter())
                .map(|&r| (format!("r={}", (r * 1e4).round() / 1e4), vec![r]))
                .collect(),
            Kind::StructureFactor { waves, .. } => (waves.iter())
                .map(|q| {
                    let turns = q
                        .iter()
                        .map(|q| format!("{}", (q / TAU * 2e4).round() / 1e4));
                    let turns: Vec<String> = turns.collect();
                    (format!("q/π=({})", turns.join(", ")), q.clone())
                })
                .collect(),
            Kind::Moments(_) => named(&["m", "|m|", "m^2", "m^4", "binder"]),
            Kind::Operator(_) => named(&["mean", "imaginary part"]),
        }
    }
}

/// Samples whose numbers are found at once.
const TOGETHER: usize = 1024;

/// Observables and what has been seen of them.
pub struct Measurement {
    parts: Vec<(Observable, Sums)>,
    n_samples: usize,
}

/// What came of an observable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Its name.
    pub observable: String,
    /// Samples used.
    pub n_samples: usize,
    /// Cells in each direction, of a structure factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extent: Option<Vec<usize>>,
    /// Its numbers.
    pub entries: Vec<Entry>,
}

/// One number with its error.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// What it is called.
    pub label: String,
    /// The distance, or the wave vector.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<f64>,
    /// The number.
    pub mean: f64,
    /// Its standard error: √(variance/n) of a mean, by the jackknife of a function of means; NaN of less than 2 samples.
    pub error_of_mean: f64,
}

impl Measurement {
    /// Nothing seen yet.
    pub fn new(observables: Vec<Observable>) -> Self {
        let parts = observables.into_iter().map(|observable| {
            let sums = Sums::new(observable.n_means());
            (observable, sums)
        });
        Self {
            parts: parts.collect(),
            n_samples: 0,
        }
    }

    /// Samples seen.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Takes in basis states drawn from |ψ|², `(sample, site)`.
    ///
    /// # Errors
    /// An operator on another space than the model's.
    pub fn fold<S: Scalar>(
        &mut self,
        model: &dyn Ansatz<S>,
        theta: &[S],
        sigma: &[u8],
    ) -> Result<()> {
        self.fold_weighted(model, theta, sigma, |_| 1.0)
    }

    /// The same with weights, such as the probabilities of all states; errors then mean nothing.
    ///
    /// # Errors
    /// As [`fold`](Self::fold).
    pub fn fold_weighted<S: Scalar>(
        &mut self,
        model: &dyn Ansatz<S>,
        theta: &[S],
        sigma: &[u8],
        weight: impl Fn(usize) -> f64,
    ) -> Result<()> {
        let n_sites = model.hilbert().n_sites();
        model.check_batch(theta, sigma)?;
        for (observable, sums) in &mut self.parts {
            if let Kind::Operator(operator) = &observable.kind {
                let values = model.local_values(theta, sigma, &**operator)?;
                for (n, value) in values.iter().enumerate() {
                    sums.add(&[value.re, value.im], self.n_samples + n, weight(n));
                }
                continue;
            }
            let n_means = observable.n_means();
            let mut numbers = vec![0.0; TOGETHER * n_means];
            for (some, states) in sigma.chunks(TOGETHER * n_sites).enumerate() {
                let (rows, states) = (numbers.par_chunks_mut(n_means), states.par_chunks(n_sites));
                rows.zip(states)
                    .for_each(|(means, state)| observable.of_state(state, means));
                // In order.
                let first = some * TOGETHER;
                for (n, means) in (first..sigma.len() / n_sites).zip(numbers.chunks(n_means)) {
                    sums.add(means, self.n_samples + n, weight(n));
                }
            }
        }
        self.n_samples += sigma.len() / n_sites;
        Ok(())
    }

    /// What has been found so far; nothing before the first sample.
    pub fn results(&self) -> Vec<Measured> {
        let measured = |(observable, sums): &(Observable, Sums)| {
            let extent = match &observable.kind {
                Kind::StructureFactor { extent, .. } => Some(extent.clone()),
                _ => None,
            };
            let estimates = sums.estimate(|means| observable.results(means));
            let entries = observable.labels().into_iter().zip(estimates);
            let entry = |((label, at), (mean, error_of_mean))| Entry {
                label,
                at,
                mean,
                error_of_mean,
            };
            Measured {
                observable: observable.name.clone(),
                n_samples: self.n_samples,
                extent,
                entries: entries.map(entry).collect(),
            }
        };
        match self.n_samples {
            0 => Vec::new(),
            _ => self.parts.iter().map(measured).collect(),
        }
    }
}
