//! From a checked run file to something that can step: the seam between program and library.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use autoket::any::{AnyVmc, RunParts};
use autoket::checkpoint::Checkpoint;
use autoket::config::{ObservablesConfig, RunFile};
use autoket::driver::Record;
use autoket::graph::{Graph, Sector};
use autoket::observables::{Measured, Measurement, Observable};
use autoket::operator::{self, Operator};
use autoket::optimizer::SrForm;
use autoket::ranks::Ranks;
use autoket::stats::Stats;
use autoket::{Interrupt, exact};
use bytesize::ByteSize;

use crate::report::Refused;

/// A run that is under way.
pub struct Session {
    vmc: AnyVmc,
    hamiltonian: Arc<dyn Operator>,
    mean_energy: f64,
    complex: bool,
}

impl Session {
    /// Builds all parts of a run that some ranks share.
    pub fn build(file: &RunFile, ranks: &Ranks) -> Result<Self> {
        let hamiltonian = hamiltonian(file)?;
        let parts = file.config.parts(Arc::clone(&hamiltonian));
        let ranks = ranks.clone();
        let vmc = parts
            .and_then(|parts| AnyVmc::new(RunParts { ranks, ..parts }))
            .map_err(|error| file.locate("model", &error))?;
        let complex = file.config.model.dtype.is_complex();
        Ok(Self {
            vmc,
            complex: complex || !hamiltonian.is_real(),
            mean_energy: operator::mean_diagonal(&*hamiltonian),
            hamiltonian,
        })
    }

    /// Bounds the memory of log-derivatives, in bytes.
    pub fn set_memory(&mut self, bytes: usize) {
        self.vmc.set_memory(bytes);
    }

    /// Lets another thread stop a step.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.vmc.set_interrupt(interrupt);
    }

    /// How a step's system will be solved, in words; `None` without stochastic reconfiguration.
    pub fn plan(&self) -> Option<String> {
        let plan = self.vmc.plan()?;
        let lines = plan.lines;
        let way = match plan.form {
            SrForm::Metric => format!("by parameters, Cholesky of {lines} x {lines}"),
            SrForm::Gram => format!("by samples, Cholesky of {lines} x {lines}"),
            SrForm::Layerwise => {
                format!("by samples, layer by layer, Cholesky of {lines} x {lines}")
            }
            SrForm::Cg => format!("by conjugate gradients, {lines} unknowns"),
        };
        let kept = if plan.kept {
            ""
        } else {
            ", log-derivatives computed anew"
        };
        Some(format!("{way}, {}{kept}", ByteSize::b(plan.bytes as u64)))
    }

    /// Does one step; the energy, and what observables are on the step's samples, are those before the update.
    pub fn advance(
        &mut self,
        observables: &[Observable],
    ) -> autoket::Result<(Record, Vec<Measured>)> {
        if observables.is_empty() {
            return Ok((self.vmc.advance(None)?, Vec::new()));
        }
        let mut measurement = Measurement::new(observables.to_vec());
        let record = self.vmc.advance(Some(&mut measurement))?;
        Ok((record, measurement.results()))
    }

    /// All that the run needs to go on.
    pub fn checkpoint(&self) -> autoket::Result<Checkpoint> {
        self.vmc.checkpoint()
    }

    /// Goes on from a checkpoint.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> autoket::Result<()> {
        self.vmc.restore(checkpoint)
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.vmc.steps()
    }

    /// Half the learning rate, for the steps to come.
    pub fn halve_learning_rate(&mut self) {
        self.vmc.halve_learning_rate();
    }

    /// Measures the energy on fresh samples.
    pub fn measure(&mut self, n_samples: usize) -> autoket::Result<Stats> {
        self.vmc.energy(n_samples)
    }

    /// Takes fresh samples into a measurement.
    pub fn measure_observables(
        &mut self,
        measurement: &mut Measurement,
        n_samples: usize,
    ) -> autoket::Result<()> {
        self.vmc.measure(measurement, n_samples)
    }

    /// The energy as an observable.
    pub fn energy(&self) -> Observable {
        Observable::operator("energy", Arc::clone(&self.hamiltonian))
    }

    /// Replaces the parameters by those of a file.
    pub fn load_parameters(&mut self, path: &Path) -> autoket::Result<()> {
        self.vmc.load_parameters(path)
    }

    /// N Var / (E - E∞)².
    pub fn v_score(&self, energy: &Stats) -> f64 {
        let n_sites = self.hamiltonian.hilbert().n_sites();
        energy.v_score(n_sites, self.mean_energy)
    }

    /// Whether local energies are complex numbers.
    pub fn is_complex(&self) -> bool {
        self.complex
    }

    /// Writes the parameters.
    pub fn save_parameters(&self, path: &Path) -> autoket::Result<()> {
        self.vmc.save_parameters(path)
    }

    /// Number of parameters, complex ones counted once.
    pub fn n_parameters(&self) -> usize {
        self.vmc.n_parameters()
    }

    /// The exact ground-state energy, where it is a matter of seconds.
    ///
    /// A run does not fail because the comparison does.
    pub fn quick_ground_state_energy(&self) -> Option<f64> {
        if !exact::is_quick(self.hamiltonian.hilbert()) {
            return None;
        }
        exact::ground_state_energy(&*self.hamiltonian).ok()
    }
}

/// What a Hamiltonian is known to be.
fn describe(hamiltonian: &dyn Operator) -> String {
    let charges = operator::conserved(hamiltonian);
    let charges: Vec<&str> = charges.iter().map(|charge| charge.name()).collect();
    let numbers = if hamiltonian.is_real() {
        "real"
    } else {
        "complex"
    };
    let conserves = match &charges[..] {
        [] => "no charge that was looked for".to_owned(),
        charges => format!("the {}", charges.join(", the ")),
    };
    format!(
        "H is Hermitian and {numbers}, with at most {} elements in a row; it conserves {conserves}\n",
        hamiltonian.max_conn_size()
    )
}

/// The model of a run file, its formula, its table, what it costs and reads; and what the Hamiltonian conserves.
pub fn inspect(file: &RunFile) -> Result<String> {
    let hamiltonian = hamiltonian(file)?;
    let described = describe(&*hamiltonian);
    let n_sites = hamiltonian.hilbert().n_sites();
    // Without rows and columns all sites are one row.
    let (network, lattice) = (&file.config.model.network, &file.config.lattice);
    // Fermions with spin have the lattice's rows once for each projection.
    let per_node = n_sites / lattice.n_sites();
    let rows_and_columns = lattice.rows_and_columns();
    let rows_and_columns = rows_and_columns.map(|[rows, columns]| [per_node * rows, columns]);
    let extent = network.extent().or(rows_and_columns);
    let extent = extent.unwrap_or([1, n_sites]);
    let parts = file.config.parts(hamiltonian);
    let shown = parts
        .and_then(|parts| parts.inspect(extent))
        .map_err(|error| file.locate("model", &error))?;
    let formula = file.config.model.formula();
    Ok(format!("{formula}\n{shown}\n{described}"))
}

/// The Hamiltonian of a run file.
pub fn hamiltonian(file: &RunFile) -> Result<Arc<dyn Operator>> {
    let config = &file.config;
    let graph = graph(file)?;
    let hilbert = config
        .hilbert
        .hilbert(graph.n_nodes())
        .map_err(|error| file.locate("hilbert", &error))?;
    let operator = config
        .hamiltonian
        .operator(&hilbert, &graph)
        .map_err(|error| file.locate("hamiltonian", &error))?;
    Ok(operator.into())
}

/// One of the representations of a momentum.
pub fn irrep(sectors: Vec<Sector>, irrep: usize) -> Result<Sector> {
    let n = sectors.len();
    sectors.into_iter().nth(irrep).ok_or_else(|| {
        Refused::new(
            format!(
                "this momentum has {n} one-dimensional representations, and no --irrep {irrep}"
            ),
            "they are counted from 0; without `--irrep` all states of the momentum count",
        )
        .into()
    })
}

/// The lattice of a run file.
pub fn graph(file: &RunFile) -> Result<Graph> {
    let graph = file.config.lattice.graph();
    Ok(graph.map_err(|error| file.locate("lattice", &error))?)
}

/// The observables of a run file, on its lattice.
pub fn observables(file: &RunFile, named: &ObservablesConfig) -> Result<Vec<Observable>> {
    let graph = graph(file)?;
    let hilbert = file.config.hilbert.hilbert(graph.n_nodes());
    let hilbert = hilbert.map_err(|error| file.locate("hilbert", &error))?;
    Ok(named.observables(&hilbert, &graph, file.config.hamiltonian.sign_rule())?)
}
