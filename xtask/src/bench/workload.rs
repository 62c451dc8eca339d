//! The workloads, and what each phase of them needs at least.

use serde::Serialize;

use super::work::{Net, Work};

/// Phases in the order they are run: parameters stay the same up to `step`.
pub const PHASES: &[&str] = &[
    "sampling",
    "log_psi",
    "local_energies",
    "log_derivatives",
    "solve",
    "step",
];

/// A model on a lattice; written as JSON, it is the argument both programs are started with.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Workload {
    /// The letter.
    pub name: &'static str,
    /// Rows and columns of the lattice: a chain has one row.
    pub extent: [usize; 2],
    /// Periodic boundaries?
    pub pbc: bool,
    /// The sum of the z components, if it is fixed: NetKet has no such sampler and is left out.
    pub total_sz: Option<f64>,
    /// `ising` (h = 3.04438, J = 1) or `heisenberg` (J = 1, sign rule).
    pub hamiltonian: &'static str,
    /// `ARNNConv2D`, `ARNNConv1D`, `ARNNDense`, `LSTMNet` or `GRUNet1D`.
    pub model: &'static str,
    /// Layers of the network.
    pub layers: usize,
    /// Features of all layers but the last, which has 2.
    pub features: usize,
    /// Height and width of the kernels; dense and recurrent nets ignore them.
    pub kernel_size: [usize; 2],
    /// Samples of a step.
    pub n_samples: usize,
    /// Type of parameters, by JAX's name.
    pub dtype: &'static str,
    /// The form of stochastic reconfiguration that is fastest in NetKet: `jdense`, `ntk`, `qgt` or `otf`.
    pub netket_sr: &'static str,
    /// What is measured, of [`PHASES`].
    pub phases: &'static [&'static str],
}

const A: Workload = Workload {
    name: "a",
    extent: [6, 6],
    pbc: false,
    total_sz: None,
    hamiltonian: "ising",
    model: "ARNNConv2D",
    layers: 3,
    features: 16,
    kernel_size: [2, 3],
    n_samples: 1024,
    dtype: "float64",
    netket_sr: "jdense",
    phases: PHASES,
};
const B: Workload = Workload {
    name: "b",
    extent: [10, 10],
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
pub const WORKLOADS: [Workload; 14] = [
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
        extent: [16, 16],
        n_samples: 256,
        dtype: "float32",
        ..B
    },
    Workload {
        name: "e",
        extent: [1, 64],
        model: "ARNNDense",
        layers: 2,
        features: 10,
        kernel_size: [1, 1],
        netket_sr: "otf",
        // Neither program makes its log-derivatives: a row has 123,648 of them.
        phases: &["sampling", "log_psi", "local_energies", "step"],
        ..A
    },
    // NetKet's other phases take too long to be worth a comparison.
    Workload {
        name: "f",
        extent: [1, 1000],
        model: "ARNNConv1D",
        kernel_size: [1, 3],
        n_samples: 64,
        dtype: "float32",
        phases: &["sampling", "log_psi"],
        ..B
    },
    Workload {
        name: "g",
        extent: [4, 4],
        pbc: true,
        hamiltonian: "heisenberg",
        features: 8,
        dtype: "complex128",
        netket_sr: "qgt",
        ..A
    },
    H,
    Workload {
        name: "hz",
        total_sz: Some(0.0),
        ..H
    },
    LSTM,
    Workload {
        name: "gru",
        model: "GRUNet1D",
        ..LSTM
    },
];

const H: Workload = Workload {
    name: "h",
    hamiltonian: "heisenberg",
    phases: &["sampling", "log_psi", "local_energies"],
    ..B
};
const LSTM: Workload = Workload {
    name: "lstm",
    extent: [1, 64],
    model: "LSTMNet",
    layers: 2,
    kernel_size: [1, 1],
    ..A
};

impl Workload {
    /// The workload of a letter.
    pub fn named(name: &str) -> Option<Self> {
        WORKLOADS.into_iter().find(|w| w.name == name)
    }

    /// Sites of the lattice.
    pub fn n_sites(&self) -> usize {
        self.extent[0] * self.extent[1]
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
    /// Counted are unmasked taps inside the lattice. Local energies: a forward pass and, for each connected
    /// state, the taps whose input it can change. Log-derivatives: a forward and, for each plane of log ψ, a
    /// backward pass. Solve: product and Cholesky of one of the two matrices. A step shares one forward pass.
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
        ("a", "local_energies", 0.3951, Some(7.0779)),
        ("a", "log_derivatives", 0.2656, None),
        ("a", "solve", 1.9706, None),
        ("b", "local_energies", 1.3322, Some(22.7410)),
        ("c32", "local_energies", 151.9894, Some(377.3235)),
        ("c64", "log_derivatives", 19.7347, None),
        ("c64", "solve", 43.6452, None),
        ("e", "log_psi", 0.1265, Some(0.6554)),
        ("e", "local_energies", 1.9569, Some(21.2992)),
        ("e", "log_derivatives", 0.3382, None),
        ("e", "solve", 2.1699, None),
        ("f", "log_psi", 0.1146, Some(2.0480)),
        ("f", "local_energies", 0.3638, Some(8.1787)),
        ("g", "log_psi", 0.0394, Some(0.5243)),
        ("g", "local_energies", 0.2271, Some(3.6291)),
        ("g", "solve", 1.9019, None),
    ];
}
