//! The workloads, and what each phase of them needs at least.

use serde::Serialize;

use super::work::{Net, Work};

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

impl Workload {
    /// The workload of a letter.
    pub fn named(name: &str) -> Option<Self> {
        WORKLOADS.into_iter().find(|w| w.name == name)
    }

    /// Real numbers of a parameter.
    pub fn planes(&self) -> f64 {
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
