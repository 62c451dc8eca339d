//! The workloads, and the arithmetic each phase needs at least.

use std::collections::BTreeSet;

use serde::Serialize;

/// A model on a lattice; written as JSON, it is the argument both programs are started with.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Workload {
    /// The letter.
    pub name: &'static str,
    /// Rows and columns of the square lattice.
    pub side: usize,
    /// Periodic boundaries?
    pub pbc: bool,
    /// `ising` (h = 3.04438, J = 1) or `heisenberg` (J = 1, sign rule).
    pub hamiltonian: &'static str,
    /// Layers of the network.
    pub layers: usize,
    /// Features of all layers but the last, which has 2.
    pub features: usize,
    /// Height and width of the kernels.
    pub kernel_size: [usize; 2],
    /// Samples of a step.
    pub n_samples: usize,
    /// Type of parameters, by JAX's name.
    pub dtype: &'static str,
    /// The form of stochastic reconfiguration that is fastest in NetKet: `jdense`, `ntk` or `qgt`.
    pub netket_sr: &'static str,
}

const A: Workload = Workload {
    name: "a",
    side: 6,
    pbc: false,
    hamiltonian: "ising",
    layers: 3,
    features: 16,
    kernel_size: [2, 3],
    n_samples: 1024,
    dtype: "float64",
    netket_sr: "jdense",
};
const B: Workload = Workload {
    name: "b",
    side: 10,
    netket_sr: "ntk",
    ..A
};
const C64: Workload = Workload {
    name: "c64",
    layers: 5,
    features: 32,
    kernel_size: [3, 5],
    ..B
};

/// All workloads.
pub const WORKLOADS: [Workload; 8] = [
    A,
    Workload {
        name: "a32",
        dtype: "float32",
        netket_sr: "ntk",
        ..A
    },
    B,
    Workload {
        name: "b32",
        dtype: "float32",
        ..B
    },
    Workload {
        name: "c32",
        dtype: "float32",
        ..C64
    },
    C64,
    Workload {
        name: "d",
        side: 16,
        n_samples: 256,
        dtype: "float32",
        ..B
    },
    Workload {
        name: "g",
        side: 4,
        pbc: true,
        hamiltonian: "heisenberg",
        features: 8,
        dtype: "complex128",
        netket_sr: "qgt",
        ..A
    },
];

/// Operations that cannot be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Real additions and multiplications.
    pub flops: f64,
    /// Real exponentials, of activations.
    pub exps: f64,
}

impl std::ops::Add for Work {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            flops: self.flops + other.flops,
            exps: self.exps + other.exps,
        }
    }
}

impl std::ops::Mul<Work> for f64 {
    type Output = Work;
    fn mul(self, work: Work) -> Work {
        Work {
            flops: self * work.flops,
            exps: self * work.exps,
        }
    }
}

impl Workload {
    /// The workload of a letter.
    pub fn named(name: &str) -> Option<Self> {
        WORKLOADS.into_iter().find(|w| w.name == name)
    }

    /// Real numbers of a parameter.
    fn planes(&self) -> f64 {
        if self.dtype.starts_with("complex") {
            2.0
        } else {
            1.0
        }
    }

    /// What a phase needs at least, for all samples.
    ///
    /// Counted are unmasked taps inside the lattice. Local energies: the outputs a connected state can
    /// change, each with all its taps. Log-derivatives: a forward and, for each plane of log ψ, a backward
    /// pass. Solve: product and Cholesky of the smaller of the two matrices. A step shares one forward pass.
    pub fn work(&self, phase: &str) -> Work {
        let net = Net::new(self);
        let forward = net.forward();
        let backward = Work {
            flops: 2.0 * forward.flops - net.macs(0, net.n_taps(0)),
            exps: 0.0,
        };
        let energies = forward + net.connected(self);
        let derivatives = self.planes() * backward;
        let samples = self.n_samples as f64;
        match phase {
            "sampling" | "log_psi" => samples * forward,
            "local_energies" => samples * energies,
            "log_derivatives" => samples * (forward + derivatives),
            "solve" => net.solve(samples),
            _ => samples * (energies + derivatives) + net.solve(samples),
        }
    }
}

/// Who reads whom in a stack of masked convolutions.
struct Net {
    planes: f64,
    n_sites: usize,
    /// Features in and out of each layer.
    features: Vec<[usize; 2]>,
    /// Taps of a whole kernel that the mask leaves, for each layer.
    unmasked: Vec<usize>,
    /// Sites read by each site, for each layer.
    reads: Vec<Vec<Vec<usize>>>,
}

impl Net {
    fn new(w: &Workload) -> Self {
        let ([height, width], side) = (w.kernel_size, w.side as isize);
        let features: Vec<_> = (0..w.layers)
            .map(|l| {
                let last = l + 1 == w.layers;
                [
                    if l == 0 { 1 } else { w.features },
                    if last { 2 } else { w.features },
                ]
            })
            .collect();
        // The first layer does not see its own site.
        let left = |l: usize, row: usize, column: usize| {
            row + 1 < height || column < width / 2 + usize::from(l > 0)
        };
        let taps = |l| {
            (0..height)
                .flat_map(move |row| (0..width).map(move |column| (row, column)))
                .filter(move |&(row, column)| left(l, row, column))
        };
        let read_by = |l, site: isize| -> Vec<usize> {
            taps(l)
                .map(|(row, column)| {
                    let y = site / side + row as isize + 1 - height as isize;
                    (y, site % side + column as isize - width as isize / 2)
                })
                .filter(|&(y, x)| y >= 0 && (0..side).contains(&x))
                .map(|(y, x)| (y * side + x) as usize)
                .collect()
        };
        Self {
            planes: w.planes(),
            n_sites: w.side * w.side,
            features,
            unmasked: (0..w.layers).map(|l| taps(l).count()).collect(),
            reads: (0..w.layers)
                .map(|l| (0..side * side).map(|site| read_by(l, site)).collect())
                .collect(),
        }
    }

    /// Flops of so many taps of a layer: the input of the first is real.
    fn macs(&self, layer: usize, taps: usize) -> f64 {
        let [inputs, outputs] = self.features[layer];
        let input_planes = if layer == 0 { 1.0 } else { self.planes };
        2.0 * self.planes * input_planes * (taps * inputs * outputs) as f64
    }

    fn n_taps(&self, layer: usize) -> usize {
        self.reads[layer].iter().map(Vec::len).sum()
    }

    /// Exponentials of so many sites of a layer's output.
    fn exps(&self, layer: usize, sites: usize) -> f64 {
        match layer + 1 == self.features.len() {
            true => 0.0,
            false => self.planes * (sites * self.features[layer][1]) as f64,
        }
    }

    /// log ψ of one sample.
    fn forward(&self) -> Work {
        (0..self.features.len())
            .map(|l| Work {
                flops: self.macs(l, self.n_taps(l)),
                exps: self.exps(l, self.n_sites),
            })
            .fold(Work::default(), |sum, work| sum + work)
    }

    /// log ψ of all states connected to one sample, log ψ of the sample being known.
    fn connected(&self, w: &Workload) -> Work {
        let changes: Vec<Vec<usize>> = match w.hamiltonian {
            "ising" => (0..self.n_sites).map(|site| vec![site]).collect(),
            _ => (0..self.n_sites)
                .flat_map(|i| {
                    let (y, x) = (i / w.side, i % w.side);
                    let right = y * w.side + (x + 1) % w.side;
                    let below = (y + 1) % w.side * w.side + x;
                    [vec![i, right], vec![i, below]]
                })
                .collect(),
        };
        let all = changes
            .iter()
            .map(|changed| self.followed(changed))
            .fold(Work::default(), |sum, work| sum + work);
        // Exchange acts on antiparallel pairs: half of the bonds of a random sample.
        if w.hamiltonian == "ising" {
            all
        } else {
            0.5 * all
        }
    }

    /// What follows from a change of some sites.
    fn followed(&self, changed: &[usize]) -> Work {
        let mut dirty: BTreeSet<usize> = changed.iter().copied().collect();
        let mut work = Work::default();
        for (l, reads) in self.reads.iter().enumerate() {
            let changed_taps =
                |site: &usize| reads[*site].iter().filter(|i| dirty.contains(i)).count();
            let reached: Vec<usize> = (0..self.n_sites)
                .filter(|site| changed_taps(site) > 0)
                .collect();
            let taps = match l {
                0 => reached.iter().map(changed_taps).sum(),
                _ => reached.iter().map(|&site| reads[site].len()).sum(),
            };
            work.flops += self.macs(l, taps);
            work.exps += self.exps(l, reached.len());
            dirty = reached.into_iter().collect();
        }
        work
    }

    /// The smaller of the two matrices of stochastic reconfiguration, made and factored.
    fn solve(&self, samples: f64) -> Work {
        let parameters: usize = self
            .features
            .iter()
            .zip(&self.unmasked)
            .map(|([inputs, outputs], taps)| taps * inputs * outputs + outputs)
            .sum();
        let (columns, rows) = (self.planes * parameters as f64, self.planes * samples);
        let flops = |n: f64, m: f64| n * n * m + n.powi(3) / 3.0;
        Work {
            flops: flops(rows, columns).min(flops(columns, rows)),
            exps: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gigaflops and millions of exponentials, counted once by an independent program.
    #[test]
    fn counts() {
        for (name, phase, gigaflops, megaexps) in COUNTED {
            let work = Workload::named(name).unwrap().work(phase);
            let close = |x: f64, y: f64| (x - y).abs() < 6e-5;
            assert!(
                close(work.flops * 1e-9, *gigaflops),
                "{name} {phase} {work:?}"
            );
            if let Some(megaexps) = megaexps {
                assert!(
                    close(work.exps * 1e-6, *megaexps),
                    "{name} {phase} {work:?}"
                );
            }
        }
    }

    const COUNTED: &[(&str, &str, f64, Option<f64>)] = &[
        ("a", "log_psi", 0.0897, Some(1.1796)),
        ("a", "local_energies", 0.8073, Some(7.0779)),
        ("a", "log_derivatives", 0.2656, None),
        ("a", "solve", 1.9706, None),
        ("c64", "local_energies", 260.2204, Some(377.3235)),
        ("c64", "log_derivatives", 19.7347, None),
        ("c64", "solve", 43.6452, None),
        ("g", "log_psi", 0.0394, Some(0.5243)),
        ("g", "local_energies", 0.3822, Some(3.6291)),
        ("g", "solve", 1.9019, None),
    ];
}
