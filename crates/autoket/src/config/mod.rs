//! The run file: from TOML to the parts of a run.
//!
//! A run file says which lattice, which Hamiltonian, which model and how to train it.
//! [`RunFile::parse`] checks all of it before anything is computed, and every complaint carries
//! the line it is about. [`RunConfig`] is the outcome, with every default filled in;
//! [`RunConfig::to_toml`] writes it as a run file again.
//!
//! # Example
//!
//! ```
//! use autoket::config::RunFile;
//!
//! let text = r#"
//! lattice = { kind = "square", extent = [4], pbc = false }
//! hamiltonian = { kind = "Ising", h = 3.0 }
//! model = { kind = "ARNNConv2D", layers = 2, features = 8, kernel_size = [2, 3] }
//! sampler = { n_samples = 512 }
//! optimizer = { kind = "Sgd", learning_rate = 0.05 }
//! sr = { diag_shift = 0.01 }
//! run = { steps = 100 }
//! "#;
//! let file = RunFile::parse("run.toml", text, &["hamiltonian.h=2.5".to_owned()])?;
//! assert_eq!(file.config.lattice.n_sites(), 16);
//!
//! let mistake = text.replace("layers", "layer");
//! let error = RunFile::parse("run.toml", &mistake, &[]).unwrap_err();
//! assert_eq!(error.line(), 4);
//! assert_eq!(error.label, "did you mean `layers`?");
//! # Ok::<(), Box<autoket::config::ConfigError>>(())
//! ```

mod document;
mod error;
mod hamiltonian;
mod hilbert;
mod lattice;
mod matrices;
mod model;
mod network;
mod observables;
mod order;
mod reader;
mod symmetries;
mod texts;
mod training;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::any::RunParts;
use crate::operator::{Operator, check_closed};
use crate::optimizer::Schedule;
use crate::ranks::Ranks;

pub use error::{ConfigError, SourceText};
pub use hamiltonian::{HamiltonianConfig, PerColor};
pub use hilbert::{HilbertConfig, Parity, SiteConfig};
pub use lattice::{CellsConfig, EdgesConfig, LatticeConfig, LatticeKind};
pub use matrices::{Element, MatrixConfig, TermConfig};
pub use model::ModelConfig;
pub use network::{LayersConfig, NetworkConfig, RecurrentConfig};
pub use observables::ObservablesConfig;
pub use order::{OrderConfig, OrderName, RecurrenceConfig, RecurrenceName};
pub use reader::Result;
pub use symmetries::SymmetryName;
pub use training::{OnNotFinite, OptimizerConfig, RunSettings, SamplerConfig, SrConfig};

use document::{Node, Place};
use reader::Table;

/// A run, as its file describes it, with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunConfig {
    /// `[lattice]`
    pub lattice: LatticeConfig,
    /// `[hilbert]`
    pub hilbert: HilbertConfig,
    /// `[hamiltonian]`
    pub hamiltonian: HamiltonianConfig,
    /// `[model]`
    pub model: ModelConfig,
    /// `[sampler]`
    pub sampler: SamplerConfig,
    /// `[optimizer]`
    pub optimizer: OptimizerConfig,
    /// `[sr]`; without it the plain gradient is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sr: Option<SrConfig>,
    /// `[observables]`; without it the energy alone is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observables: Option<ObservablesConfig>,
    /// `[run]`
    pub run: RunSettings,
}

impl RunConfig {
    /// What [`AnyVmc`](crate::any::AnyVmc) needs, with a Hamiltonian made from the same file.
    ///
    /// # Errors
    /// As [`ModelConfig::design`] and [`ModelConfig::symmetries_of`].
    pub fn parts(&self, hamiltonian: Arc<dyn Operator>) -> crate::Result<RunParts> {
        let hilbert = hamiltonian.hilbert().clone();
        Ok(RunParts {
            model: self.model.design(hilbert, &self.lattice)?,
            symmetries: self
                .model
                .symmetries_of(&*hamiltonian, &self.lattice.graph()?)?,
            dtype: self.model.dtype,
            hamiltonian,
            n_samples: self.sampler.n_samples,
            seed: self.run.seed,
            rule: self.optimizer.rule(),
            learning_rate: self.optimizer.learning_rate(),
            sr: self.sr.as_ref().map(SrConfig::sr),
            temperature: self.run.temperature.unwrap_or(Schedule::Constant(0.0)),
            ranks: Ranks::default(),
        })
    }

    /// As a run file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("strings, numbers, lists and tables have a TOML form")
    }

    /// The first field, `table.field`, in which the run of another is not this one's, so that neither goes on from the
    /// other: how long a run goes on and what it writes may differ.
    pub fn differs_from(&self, other: &Self) -> Option<String> {
        let [ours, theirs] = [self, other].map(|config| {
            toml::Table::try_from(config)
                .expect("strings, numbers, lists and tables have a TOML form")
        });
        let tables: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        tables.into_iter().find_map(|table| {
            let fields = |config: &toml::Table| match config.get(table) {
                Some(toml::Value::Table(fields)) => fields.clone(),
                _ => toml::Table::new(),
            };
            let (ours, theirs) = (fields(&ours), fields(&theirs));
            let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            let free = |name: &str| table == "run" && training::FREE_TO_CHANGE.contains(&name);
            let mut names = names.into_iter().filter(|name| !free(name));
            let differs = names.find(|&name| ours.get(name) != theirs.get(name));
            differs.map(|name| format!("{table}.{name}"))
        })
    }
}

/// A run with the text it was read from, so that later complaints still find their line.
#[derive(Clone, Debug)]
pub struct RunFile {
    /// What the text says.
    pub config: RunConfig,
    root: Node,
}

const TABLES: &[(&str, &[&str])] = &[
    (
        "lattice",
        &[
            "extent",
            "pbc",
            "color_edges",
            "max_neighbor_order",
            "basis_vectors",
            "site_offsets",
            "n_sites",
            "edges",
            "colors",
        ],
    ),
    (
        "hilbert",
        &[
            "s",
            "n_max",
            "inverted_ordering",
            "total_sz",
            "n_particles",
            "n_fermions",
            "n_fermions_per_spin",
            "parity",
        ],
    ),
    (
        "hamiltonian",
        &[
            "h",
            "J",
            "sign_rule",
            "U",
            "V",
            "t",
            "mu",
            "file",
            "terms",
            "constant",
            "site_ops",
            "bond_ops",
            "bond_ops_colors",
        ],
    ),
    (
        "model",
        &[
            "extent",
            "layers",
            "features",
            "kernel_size",
            "kernel_dilation",
            "activation",
            "use_bias",
            "machine_pow",
            "dtype",
            "precision",
            "kernel_init",
            "bias_init",
            "phase",
            "order",
            "recurrence",
            "reorder_idx",
            "prev_neighbors",
            "symmetries",
        ],
    ),
    ("sampler", &["n_samples"]),
    (
        "optimizer",
        &["learning_rate", "beta", "nesterov", "b1", "b2", "eps"],
    ),
    ("sr", &["diag_shift", "momentum", "form"]),
    ("observables", &["measure", "operators", "every"]),
    (
        "run",
        &[
            "steps",
            "seed",
            "temperature",
            "out",
            "final_samples",
            "checkpoint_every",
            "checkpoint_minutes",
            "checkpoint_keep",
            "on_not_finite",
        ],
    ),
];

/// The tables of a run file, each with the names of its fields beside `kind`.
pub fn tables() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    TABLES.iter().copied()
}

/// The fields of a table, of whatever kind.
fn fields_of(table: &str) -> &'static [&'static str] {
    let found = TABLES.iter().find(|(name, _)| *name == table);
    found.map_or(&[], |(_, fields)| fields)
}

/// The table a field belongs to.
fn home_of(field: &str) -> Option<&'static str> {
    TABLES
        .iter()
        .find(|(_, fields)| fields.contains(&field))
        .map(|(table, _)| *table)
}

impl RunFile {
    /// Reads a run file and the overrides `table.key=value` laid over it.
    ///
    /// `name` is what messages call the file.
    ///
    /// # Errors
    /// The text is not TOML, a table or field is missing, unknown or of the wrong type, or a
    /// value makes no sense; the first such mistake.
    pub fn parse(name: &str, text: &str, overrides: &[String]) -> Result<Self> {
        let root = document::read(name, text, overrides)?;
        let names: Vec<&str> = TABLES.iter().map(|(table, _)| *table).collect();
        reader::only_tables(&root, &names)?;
        let table = |name| match Table::of_root(&root, name)? {
            Some(table) => Ok(table),
            None => Err(missing_table(&root, name)),
        };

        let lattice = LatticeConfig::read(&table("lattice")?)?;
        let hilbert = HilbertConfig::read(Table::of_root(&root, "hilbert")?.as_ref())?;
        let local_size = hilbert.local_size();
        let graph = lattice
            .graph()
            .map_err(|error| locate(&root, "lattice", &error))?;
        let space = hilbert.hilbert(graph.n_nodes());
        let space = space.map_err(|error| locate(&root, "hilbert", &error))?;
        let hamiltonian = HamiltonianConfig::read(&table("hamiltonian")?, &graph, &space)?;
        let per_node = hilbert.sites_per_node();
        let extent = lattice.rows_and_columns();
        let extent = extent.map(|[rows, columns]| [per_node * rows, columns]);
        let model = ModelConfig::read(&table("model")?, local_size, extent)?;
        let operator = hamiltonian.operator(&space, &graph);
        let operator = operator.map_err(|error| locate(&root, "hamiltonian", &error))?;
        // It is of the whole table, not of one field.
        let closed = check_closed(&*operator).map_err(|error| error.of_field(""));
        closed.map_err(|error| locate(&root, "hamiltonian", &error))?;
        let design = model.design(space, &lattice);
        design.map_err(|error| locate(&root, "model", &error))?;
        let symmetries = model.symmetries_of(&*operator, &graph);
        symmetries.map_err(|error| locate(&root, "model", &error))?;
        let sampler = SamplerConfig::read(&table("sampler")?)?;
        let optimizer = OptimizerConfig::read(&table("optimizer")?)?;
        let sr = match Table::of_root(&root, "sr")? {
            Some(table) => Some(SrConfig::read(&table)?),
            None => None,
        };
        let observables = match Table::of_root(&root, "observables")? {
            Some(table) => {
                let space = operator.hilbert();
                let observables = ObservablesConfig::read(&table, space)?;
                let built = observables.observables(space, &graph, hamiltonian.sign_rule());
                built.map_err(|error| locate(&root, "observables", &error))?;
                Some(observables)
            }
            None => None,
        };
        let run = RunSettings::read(&table("run")?, sampler.n_samples)?;
        let config = RunConfig {
            lattice,
            hilbert,
            hamiltonian,
            model,
            sampler,
            optimizer,
            sr,
            observables,
            run,
        };
        Ok(Self { config, root })
    }

    /// Finds the line for an error raised while a part of the run was built.
    ///
    /// `table` is the table whose part was being built; the field is looked for there first.
    pub fn locate(&self, table: &str, error: &crate::Error) -> Box<ConfigError> {
        locate(&self.root, table, error)
    }
}

fn locate(root: &Node, table: &str, error: &crate::Error) -> Box<ConfigError> {
    let (field, title, label, help) = match error {
        crate::Error::Invalid {
            field,
            expected,
            got,
            cure,
        } => (
            // `terms[0]` and `model.extent` are found by their names.
            field
                .rsplit('.')
                .next()
                .and_then(|name| name.split('[').next())
                .unwrap_or(field),
            format!("expected {expected}, got {got}"),
            format!("expected {expected}"),
            cure.clone(),
        ),
        other => ("", other.to_string(), String::new(), String::new()),
    };
    let in_table = |table: &str| root.entry(table)?.node.entry(field);
    let found = in_table(table)
        .or_else(|| match fields_of(table).contains(&field) {
            // A field of this table that was left out: its default is to blame.
            true => None,
            false => in_table(home_of(field)?),
        })
        .map(|entry| entry.node.at.clone())
        .or_else(|| Some(Table::of_root(root, table).ok()??.header().clone()));
    let path = match field {
        "" => table.to_owned(),
        field => format!("{table}.{field}"),
    };
    let title = format!("`{path}`: {title}");
    let at = found.unwrap_or_else(|| root.at.clone());
    at.error(&path, title, label, help)
}

fn missing_table(root: &Node, name: &str) -> Box<ConfigError> {
    let example = match name {
        "lattice" => "kind = \"square\", extent = [4, 4]",
        "hamiltonian" => "kind = \"Ising\", h = 3.0",
        "model" => "kind = \"ARNNConv2D\", layers = 3, features = 8, kernel_size = [2, 3]",
        "sampler" => "n_samples = 1024",
        "optimizer" => "kind = \"Sgd\", learning_rate = 0.05",
        _ => "steps = 300",
    };
    let end = root.at.source.text.trim_end().len();
    let at = Place {
        span: end..end,
        ..root.at.clone()
    };
    at.error(
        name,
        format!("the table [{name}] is missing"),
        format!("no [{name}] up to here"),
        format!("add a line `[{name}]` and below it {example}, each on its own line"),
    )
}
