//! The table `[model]`.

use serde::Serialize;

use super::document::{Node, Value};
use super::reader::{Mismatch, Read, Result, Table};
use crate::Dtype;
use crate::hilbert::Hilbert;
use crate::models::{ArnnConv2d, Features};
use crate::nn::{Activation, Initializer};
use crate::simd::Precision;

/// The table `[model]`, kinds by NetKet's names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum ModelConfig {
    /// Masked two-dimensional convolutions.
    #[serde(rename = "ARNNConv2D")]
    ArnnConv2d(ArnnConv2dConfig),
}

/// The fields of `kind = "ARNNConv2D"`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArnnConv2dConfig {
    /// Rows and columns in which the sites are laid out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extent: Option<[usize; 2]>,
    /// Number of convolutions.
    pub layers: usize,
    /// Channels of every layer but the last, or of each layer.
    pub features: Features,
    /// Height and width of the kernels.
    pub kernel_size: [usize; 2],
    /// Distance between neighbouring entries of the kernels, in rows and in columns.
    pub kernel_dilation: [usize; 2],
    /// Nonlinearity between layers.
    pub activation: Activation,
    /// Whether layers add a bias.
    pub use_bias: bool,
    /// The power of |ψ| that is normalised.
    pub machine_pow: u32,
    /// The type of the parameters and of log ψ.
    pub dtype: Dtype,
    /// How products of single precision are added up.
    pub precision: Precision,
    /// How kernels begin.
    pub kernel_init: Initializer,
    /// How biases begin.
    pub bias_init: Initializer,
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

const FIELDS: &[&str] = &[
    "kind",
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
];

const DTYPES: &[&str] = &["float32", "float64", "complex64", "complex128"];

impl ModelConfig {
    pub(super) fn read(
        table: &Table<'_>,
        local_size: usize,
        rows_and_columns: Option<[usize; 2]>,
    ) -> Result<Self> {
        let kind = table.name("kind", &["ARNNConv2D"])?;
        table.only(FIELDS)?;
        if kind.is_none() {
            return Err(table.missing("kind", "\"ARNNConv2D\""));
        }
        ArnnConv2dConfig::read(table, local_size, rows_and_columns).map(Self::ArnnConv2d)
    }
}

impl ArnnConv2dConfig {
    fn read(
        table: &Table<'_>,
        local_size: usize,
        rows_and_columns: Option<[usize; 2]>,
    ) -> Result<Self> {
        let dtype = table.named("dtype", DTYPES, Dtype::default())?;
        let layers: usize = table.required("layers", "3")?;
        table.check(layers > 0, "layers", "at least 1 layer", "")?;
        let features: Features = table.required("features", "8")?;
        check_features(table, &features, layers, local_size)?;
        let kernel_size: [usize; 2] = table.required("kernel_size", "[2, 3]")?;
        check_kernel(table, kernel_size)?;
        let kernel_dilation = table.optional("kernel_dilation")?.unwrap_or([1, 1]);
        table.check(
            !kernel_dilation.contains(&0),
            "kernel_dilation",
            "numbers of at least 1",
            "1 means no dilation",
        )?;
        let machine_pow: usize = table.optional("machine_pow")?.unwrap_or(2);
        table.check(
            (1..=64).contains(&machine_pow),
            "machine_pow",
            "at least 1",
            "2 normalises |ψ|², which is what a run needs",
        )?;
        let extent = table.optional("extent")?;
        Ok(Self {
            extent: extent.or(rows_and_columns),
            layers,
            features,
            kernel_size,
            kernel_dilation,
            activation: read_activation(table)?,
            use_bias: table.optional("use_bias")?.unwrap_or(true),
            machine_pow: machine_pow as u32,
            dtype,
            precision: table.named(
                "precision",
                &["default", "high", "highest"],
                Precision::default(),
            )?,
            kernel_init: read_initializer(table, "kernel_init", Initializer::LecunNormal)?,
            bias_init: read_initializer(table, "bias_init", Initializer::Zeros)?,
        })
    }
}

impl ArnnConv2dConfig {
    /// The model on a space.
    pub fn model(&self, hilbert: Hilbert) -> ArnnConv2d {
        ArnnConv2d {
            hilbert,
            extent: self.extent,
            layers: self.layers,
            features: self.features.clone(),
            kernel_size: self.kernel_size,
            kernel_dilation: self.kernel_dilation,
            activation: self.activation.clone(),
            use_bias: self.use_bias,
            param_dtype: self.dtype,
            precision: self.precision,
            kernel_init: self.kernel_init,
            bias_init: self.bias_init,
            machine_pow: self.machine_pow,
            order: None,
            phase: false,
        }
    }
}

fn check_features(
    table: &Table<'_>,
    features: &Features,
    layers: usize,
    local_size: usize,
) -> Result<()> {
    let list = match features {
        Features::Uniform(n) => std::slice::from_ref(n),
        Features::List(list) => list,
    };
    if let Features::List(list) = features {
        table.check(
            list.len() == layers,
            "features",
            format!("{layers} numbers, one per layer"),
            format!("`layers` is {layers}"),
        )?;
        table.check(
            list.last() == Some(&local_size),
            "features",
            format!("a list that ends in {local_size}"),
            format!("the last layer has one channel for each of the {local_size} local states"),
        )?;
    }
    table.check(!list.contains(&0), "features", "at least 1 channel", "")
}

fn check_kernel(table: &Table<'_>, kernel_size: [usize; 2]) -> Result<()> {
    table.check(
        !kernel_size.contains(&0),
        "kernel_size",
        "a height and a width of at least 1",
        "for example `kernel_size = [2, 3]`",
    )?;
    table.check(
        kernel_size != [1, 1],
        "kernel_size",
        "more than one entry",
        "the first layer must not see its own site, so a 1x1 kernel sees nothing at all",
    )
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
fn read_activation(table: &Table<'_>) -> Result<Activation> {
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
