//! The table `[model]`.

use serde::Serialize;

use super::document::{Node, Value};
use super::lattice::LatticeConfig;
use super::network::{KINDS, NetworkConfig};
use super::reader::{Mismatch, Read, Result, Table};
use super::symmetries::{SymmetryName, symmetries};
use crate::Dtype;
use crate::graph::Graph;
use crate::hilbert::Hilbert;
use crate::models::{Design, Features};
use crate::nn::{Activation, Initializer};
use crate::operator::{Operator, Symmetries};
use crate::simd::Precision;

/// The table `[model]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelConfig {
    /// `kind` and the fields of its own.
    #[serde(flatten)]
    pub network: NetworkConfig,
    /// The power of |ψ| that is normalised.
    pub machine_pow: u32,
    /// The type of log ψ, and of the parameters, which are real if there is a phase.
    pub dtype: Dtype,
    /// Whether there is a phase beside the amplitude, both of real parameters.
    pub phase: bool,
    /// How products of single precision are added up.
    pub precision: Precision,
    /// How kernels begin.
    pub kernel_init: Initializer,
    /// How biases begin.
    pub bias_init: Initializer,
    /// What the wave function is averaged over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symmetries: Vec<SymmetryName>,
}

impl Read for Features {
    const EXPECTED: &'static str = "a number, or a list with one number per layer";
    fn read(node: &Node) -> std::result::Result<Self, Mismatch> {
        let wrong = |_| Mismatch::new::<Self>(node);
        match &node.value {
            Value::Array(_) => Vec::read(node).map(Self::List).map_err(wrong),
            _ => usize::read(node).map(Self::Uniform).map_err(wrong),
        }
    }
}

/// The fields of all kinds.
const COMMON: &[&str] = &[
    "machine_pow",
    "dtype",
    "phase",
    "precision",
    "kernel_init",
    "bias_init",
    "symmetries",
];

const DTYPES: &[&str] = &["float32", "float64", "complex64", "complex128"];

impl ModelConfig {
    pub(super) fn read(
        table: &Table<'_>,
        local_size: usize,
        rows_and_columns: Option<[usize; 2]>,
    ) -> Result<Self> {
        let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        let name = table.name("kind", &names)?;
        let Some(kind) = KINDS.iter().find(|kind| Some(kind.name) == name) else {
            table.only(&[&["kind"], super::fields_of("model")].concat())?;
            return Err(table.missing("kind", "\"ARNNConv2D\""));
        };
        let owner = format!("kind = \"{}\"", kind.name);
        table.only_of(&owner, &[&["kind"], kind.fields, COMMON].concat())?;
        let dtype = table.named("dtype", DTYPES, Dtype::default())?;
        let phase = table.optional("phase")?.unwrap_or(false);
        table.check(
            !phase || dtype.is_complex(),
            "phase",
            format!("no phase, as `dtype` is {}", dtype.name()),
            "with a phase log ψ is complex: take `dtype = \"complex128\"`; parameters stay real",
        )?;
        let machine_pow: usize = table.optional("machine_pow")?.unwrap_or(2);
        table.check(
            (1..=64).contains(&machine_pow),
            "machine_pow",
            "1 to 64",
            "2 normalises |ψ|², which is what a run needs",
        )?;
        Ok(Self {
            network: NetworkConfig::read(table, kind, local_size, rows_and_columns)?,
            machine_pow: machine_pow as u32,
            dtype,
            phase,
            precision: table.named(
                "precision",
                &["default", "high", "highest"],
                Precision::default(),
            )?,
            kernel_init: read_initializer(table, "kernel_init", kind.kernel_init.clone())?,
            bias_init: read_initializer(table, "bias_init", Initializer::Zeros)?,
            symmetries: SymmetryName::read_all(table, "symmetries")?,
        })
    }

    /// log ψ in one line.
    pub fn formula(&self) -> String {
        let p = self.machine_pow;
        let phase = if self.phase { " + i φᵢ(σᵢ)" } else { "" };
        format!(
            "log ψ(σ) = Σᵢ [yᵢ(σᵢ) - log(Σₛ exp({p} Re yᵢ(s)))/{p}{phase}], {}",
            self.network.formula()
        )
    }

    /// The model on a space, of which the lattice is the run's.
    ///
    /// # Errors
    /// Fields that do not fit each other, the space or the lattice.
    pub fn design(&self, hilbert: Hilbert, lattice: &LatticeConfig) -> crate::Result<Design> {
        self.network.design(self, hilbert, lattice)
    }

    /// The elements of the lattice's symmetries that the wave function is averaged over; `None` without any.
    ///
    /// # Errors
    /// As [`Graph::space_group`] and [`Symmetries::check_of`].
    pub fn symmetries_of(
        &self,
        hamiltonian: &dyn Operator,
        graph: &Graph,
    ) -> crate::Result<Option<Symmetries>> {
        let found = symmetries(&self.symmetries, graph)?;
        if let Some(found) = &found {
            found.check_of(hamiltonian)?;
        }
        Ok(found)
    }
}

/// A name, or `{ normal = 0.01 }` with a standard deviation, `{ uniform = 0.01 }` with an upper bound,
/// `{ orthogonal = 1.0 }` with a factor, or `{ constant = 1.0 }`.
fn read_initializer(table: &Table<'_>, field: &str, default: Initializer) -> Result<Initializer> {
    let Some(inner) = table.subtable(field) else {
        return table.named(field, Initializer::NAMES, default);
    };
    inner.only(&["normal", "uniform", "orthogonal", "constant"])?;
    let number = |name| inner.optional::<f64>(name);
    match [
        number("normal")?,
        number("uniform")?,
        number("orthogonal")?,
        number("constant")?,
    ] {
        [Some(stddev), None, None, None] => {
            inner.check(stddev > 0.0, "normal", "a standard deviation above 0", "")?;
            Ok(Initializer::Normal(stddev))
        }
        [None, Some(scale), None, None] => Ok(Initializer::Uniform(scale)),
        [None, None, Some(scale), None] => Ok(Initializer::Orthogonal(scale)),
        [None, None, None, Some(value)] => Ok(Initializer::Constant(value)),
        _ => Err(inner.missing("normal", "0.01")),
    }
}

/// A name, or `{ elu = 0.5 }` with the function's parameter.
pub(super) fn read_activation(table: &Table<'_>) -> Result<Activation> {
    let Some(inner) = table.subtable("activation") else {
        return table.named("activation", Activation::NAMES, Activation::default());
    };
    inner.only(Activation::WITH_PARAMETER)?;
    let mut found = Vec::new();
    for name in Activation::WITH_PARAMETER {
        if let Some(parameter) = inner.optional::<f64>(name)? {
            let sensible = parameter.is_finite() && (parameter != 0.0 || !name.contains("celu"));
            inner.check(sensible, name, "a finite number, of `celu` not 0", "")?;
            found.extend(Activation::named(name, Some(parameter)));
        }
    }
    match found.pop() {
        Some(activation) if found.is_empty() => Ok(activation),
        _ => Err(inner.missing("elu", "1.0")),
    }
}
