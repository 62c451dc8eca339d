//! The kinds of `[model]`: the fields that each has, and the network that they describe.

use serde::Serialize;

use super::lattice::LatticeConfig;
use super::model::{ModelConfig, read_activation};
use super::order::{OrderConfig, RecurrenceConfig};
use super::reader::{Read, Result, Table};
use crate::hilbert::Hilbert;
use crate::models::{
    ArnnConv1d, ArnnConv2d, ArnnDense, ArnnGatedConv2d, Design, Features, GruNet1d, LstmNet,
    TensorGru2d,
};
use crate::nn::{Activation, Initializer};

/// The network, by NetKet's name and fields where NetKet has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum NetworkConfig {
    /// Masked dense layers.
    #[serde(rename = "ARNNDense")]
    ArnnDense(LayersConfig),
    /// Masked convolutions along a chain.
    #[serde(rename = "ARNNConv1D")]
    ArnnConv1d {
        /// What all networks of masked layers have.
        #[serde(flatten)]
        layers: LayersConfig,
        /// Length of the kernels.
        kernel_size: usize,
        /// Distance between neighbouring entries of the kernels.
        kernel_dilation: usize,
    },
    /// Masked convolutions over a lattice.
    #[serde(rename = "ARNNConv2D")]
    ArnnConv2d {
        /// Rows and columns in which the sites are laid out.
        #[serde(skip_serializing_if = "Option::is_none")]
        extent: Option<[usize; 2]>,
        /// What all networks of masked layers have.
        #[serde(flatten)]
        layers: LayersConfig,
        /// Height and width of the kernels.
        kernel_size: [usize; 2],
        /// Distance between neighbouring entries of the kernels, in rows and in columns.
        kernel_dilation: [usize; 2],
    },
    /// Long short-term memory.
    #[serde(rename = "LSTMNet")]
    LstmNet(RecurrentConfig),
    /// Gated recurrent units.
    #[serde(rename = "GRUNet1D")]
    GruNet1d(RecurrentConfig),
    /// Gated convolutions over a lattice.
    #[serde(rename = "ARNNGatedConv2D")]
    ArnnGatedConv2d {
        /// Rows and columns in which the sites are laid out.
        #[serde(skip_serializing_if = "Option::is_none")]
        extent: Option<[usize; 2]>,
        /// Number of layers.
        layers: usize,
        /// Channels of each stack.
        features: usize,
        /// Height and width of the kernels.
        kernel_size: [usize; 2],
        /// The order in which sites are drawn.
        #[serde(skip_serializing_if = "Option::is_none")]
        order: Option<OrderConfig>,
    },
    /// Tensorised gated recurrent units over a lattice.
    #[serde(rename = "TensorGRU2D")]
    TensorGru2d {
        /// Rows and columns in which the sites are laid out.
        extent: [usize; 2],
        /// Features of the memory.
        features: usize,
        /// The order in which sites are drawn; a snake, if none is given.
        #[serde(skip_serializing_if = "Option::is_none")]
        order: Option<OrderConfig>,
    },
}

/// The fields that all networks of masked layers have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayersConfig {
    /// Number of layers.
    pub layers: usize,
    /// Channels of every layer but the last, or of each layer.
    pub features: Features,
    /// Nonlinearity between layers.
    pub activation: Activation,
    /// Whether layers add a bias.
    pub use_bias: bool,
    /// The order in which sites are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderConfig>,
}

/// The fields of recurrent networks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecurrentConfig {
    /// Number of layers.
    pub layers: usize,
    /// Features of every layer but the last, or of each layer.
    pub features: Features,
    /// Whose memory a site reads, and the order in which sites are drawn.
    #[serde(flatten)]
    pub recurrence: RecurrenceConfig,
}

/// A name that `kind` may have, the name that is written for it, and the fields of its own.
pub(super) struct Kind {
    pub name: &'static str,
    network: &'static str,
    pub fields: &'static [&'static str],
    pub kernel_init: Initializer,
}

const DENSE: &[&str] = &["layers", "features", "activation", "use_bias", "order"];
const CONV1D: &[&str] = &[
    "layers",
    "features",
    "kernel_size",
    "kernel_dilation",
    "activation",
    "use_bias",
    "order",
];
const CONV2D: &[&str] = &[
    "extent",
    "layers",
    "features",
    "kernel_size",
    "kernel_dilation",
    "activation",
    "use_bias",
    "order",
];
const RECURRENT: &[&str] = &[
    "layers",
    "features",
    "recurrence",
    "order",
    "reorder_idx",
    "prev_neighbors",
];
const GATED: &[&str] = &["extent", "layers", "features", "kernel_size", "order"];

const fn kind(
    name: &'static str,
    network: &'static str,
    fields: &'static [&'static str],
    kernel_init: Initializer,
) -> Kind {
    Kind {
        name,
        network,
        fields,
        kernel_init,
    }
}

const LECUN: Initializer = Initializer::LecunNormal;
const ORTHOGONAL: Initializer = Initializer::Orthogonal(1.0);

/// All kinds. The reference's fast networks are the same networks.
pub(super) const KINDS: &[Kind] = &[
    kind("ARNNDense", "ARNNDense", DENSE, LECUN),
    kind("ARNNConv1D", "ARNNConv1D", CONV1D, LECUN),
    kind("ARNNConv2D", "ARNNConv2D", CONV2D, LECUN),
    kind("LSTMNet", "LSTMNet", RECURRENT, ORTHOGONAL),
    kind("GRUNet1D", "GRUNet1D", RECURRENT, ORTHOGONAL),
    kind("ARNNGatedConv2D", "ARNNGatedConv2D", GATED, LECUN),
    kind(
        "TensorGRU2D",
        "TensorGRU2D",
        &["extent", "features", "order"],
        Initializer::GlorotUniform,
    ),
    kind("FastARNNDense", "ARNNDense", DENSE, LECUN),
    kind("FastARNNConv1D", "ARNNConv1D", CONV1D, LECUN),
    kind("FastARNNConv2D", "ARNNConv2D", CONV2D, LECUN),
    kind("FastLSTMNet", "LSTMNet", RECURRENT, ORTHOGONAL),
    kind("FastGRUNet1D", "GRUNet1D", RECURRENT, ORTHOGONAL),
];

impl NetworkConfig {
    pub(super) fn read(
        table: &Table<'_>,
        kind: &Kind,
        local_size: usize,
        rows_and_columns: Option<[usize; 2]>,
    ) -> Result<Self> {
        let extent =
            || -> Result<Option<[usize; 2]>> { Ok(table.optional("extent")?.or(rows_and_columns)) };
        Ok(match kind.network {
            "ARNNDense" => Self::ArnnDense(LayersConfig::read(table, local_size)?),
            "ARNNConv1D" => Self::ArnnConv1d {
                layers: LayersConfig::read(table, local_size)?,
                kernel_size: table.required("kernel_size", "3")?,
                kernel_dilation: read_dilation(table, 1, |&dilation| dilation > 0)?,
            },
            "ARNNConv2D" => {
                let layers = LayersConfig::read(table, local_size)?;
                let kernel_size = table.required("kernel_size", "[2, 3]")?;
                check_kernel(table, kernel_size)?;
                Self::ArnnConv2d {
                    extent: extent()?,
                    layers,
                    kernel_size,
                    kernel_dilation: read_dilation(table, [1, 1], |pair| !pair.contains(&0))?,
                }
            }
            "LSTMNet" => Self::LstmNet(RecurrentConfig::read(table, local_size)?),
            "GRUNet1D" => Self::GruNet1d(RecurrentConfig::read(table, local_size)?),
            "ARNNGatedConv2D" => Self::ArnnGatedConv2d {
                extent: extent()?,
                layers: read_layers(table)?,
                features: table.required("features", "8")?,
                kernel_size: table.required("kernel_size", "[2, 3]")?,
                order: OrderConfig::read(table)?,
            },
            _ => Self::TensorGru2d {
                extent: extent()?.ok_or_else(|| table.missing("extent", "[4, 4]"))?,
                features: table.required("features", "8")?,
                order: OrderConfig::read(table)?,
            },
        })
    }

    /// Rows and columns in which the sites are laid out, where the network has them.
    pub fn extent(&self) -> Option<[usize; 2]> {
        match self {
            Self::ArnnConv2d { extent, .. } | Self::ArnnGatedConv2d { extent, .. } => *extent,
            Self::TensorGru2d { extent, .. } => Some(*extent),
            _ => None,
        }
    }

    /// What stands in the formula of log ψ, in one line.
    pub fn formula(&self) -> &'static str {
        match self {
            Self::ArnnDense(_) => {
                "x₀ = σ, xₗ = f(Wₗ xₗ₋₁ + bₗ), y the last without f; W masked to earlier sites"
            }
            Self::ArnnConv1d { .. } | Self::ArnnConv2d { .. } => {
                "x₀ = σ, xₗ = f(Wₗ ⋆ xₗ₋₁ + bₗ), y the last without f; W masked to earlier sites"
            }
            Self::LstmNet(_) => {
                "(i, f, g, o) = sigmoid(W [x, h] + b), c' = f c + i (2 g - 1), y = h' = o tanh c'"
            }
            Self::GruNet1d(_) => {
                "(r, z) = sigmoid(W [x, h] + b), n = tanh(W' [x, r h] + b'), y = h' = (1 - z) n + z h"
            }
            Self::ArnnGatedConv2d { .. } => {
                "vₗ = gate(Vₗ ⋆ vₗ₋₁), hₗ = hₗ₋₁ + Rₗ gate(Hₗ ⋆ (hₗ₋₁, vₗ)), y = O h, gate(a, b) = tanh a ⊙ sigmoid b"
            }
            Self::TensorGru2d { .. } => {
                "n = tanh([s, s'] T [h, h'] + b), u = sigmoid([s, s'] T' [h, h'] + b'), y = U (u n + (1 - u) W [h, h']) + c"
            }
        }
    }

    /// The network on a space, its fields completed by those that all kinds have.
    pub(super) fn design(
        &self,
        model: &ModelConfig,
        hilbert: Hilbert,
        lattice: &LatticeConfig,
    ) -> crate::Result<Design> {
        let per_node = hilbert.n_sites() / lattice.n_sites();
        let rows_and_columns = lattice.rows_and_columns();
        let rows_and_columns = rows_and_columns.map(|[rows, columns]| [per_node * rows, columns]);
        let sites = |order: &Option<OrderConfig>, extent: Option<[usize; 2]>| {
            let order = order.as_ref();
            order.map(|order| order.sites(extent)).transpose()
        };
        /// A model with the fields that all kinds have, and more.
        macro_rules! with_common_fields {
            ($base:expr, $model:ident { $($field:ident: $value:expr),* $(,)? }) => {
                $model {
                    kernel_init: model.kernel_init.clone(),
                    bias_init: model.bias_init.clone(),
                    machine_pow: model.machine_pow,
                    param_dtype: if model.phase { model.dtype.real() } else { model.dtype },
                    precision: model.precision,
                    phase: model.phase,
                    $($field: $value,)*
                    ..$base
                }
            };
        }
        /// The same, of masked layers.
        macro_rules! masked {
            ($base:expr, $layers:expr, $extent:expr, $model:ident { $($field:ident: $value:expr),* $(,)? }) => {
                with_common_fields!($base, $model {
                    features: $layers.features.clone(),
                    activation: $layers.activation.clone(),
                    use_bias: $layers.use_bias,
                    order: sites(&$layers.order, $extent)?,
                    $($field: $value,)*
                })
                .sequential()?
                .design()
            };
        }
        macro_rules! recurrent {
            ($model:ident, $recurrent:expr) => {{
                let recurrence = &$recurrent.recurrence;
                let features = $recurrent.features.clone();
                let design = || {
                    let graph = lattice.graph()?;
                    let recurrence = recurrence.recurrence(&graph, rows_and_columns)?;
                    with_common_fields!(
                        $model::new(hilbert, $recurrent.layers, 0),
                        $model {
                            features: features,
                            recurrence: Some(recurrence),
                        }
                    )
                    .sequential()?
                    .design()
                };
                design().map_err(|error| recurrence.at_its_field(error))
            }};
        }
        match self {
            Self::ArnnDense(layers) => {
                let base = ArnnDense::new(hilbert, layers.layers, 0);
                masked!(base, layers, rows_and_columns, ArnnDense {})
            }
            Self::ArnnConv1d {
                layers,
                kernel_size,
                kernel_dilation,
            } => {
                let base = ArnnConv1d::new(hilbert, layers.layers, 0, *kernel_size);
                masked!(
                    base,
                    layers,
                    rows_and_columns,
                    ArnnConv1d {
                        kernel_dilation: *kernel_dilation,
                    }
                )
            }
            Self::ArnnConv2d {
                extent,
                layers,
                kernel_size,
                kernel_dilation,
            } => {
                let base = ArnnConv2d::new(hilbert, layers.layers, 0, *kernel_size);
                masked!(
                    base,
                    layers,
                    *extent,
                    ArnnConv2d {
                        extent: *extent,
                        kernel_dilation: *kernel_dilation,
                    }
                )
            }
            Self::LstmNet(recurrent) => recurrent!(LstmNet, recurrent),
            Self::GruNet1d(recurrent) => recurrent!(GruNet1d, recurrent),
            Self::ArnnGatedConv2d {
                extent,
                layers,
                features,
                kernel_size,
                order,
            } => {
                let base = ArnnGatedConv2d::new(hilbert, *layers, *features, *kernel_size);
                let order = sites(order, *extent)?;
                with_common_fields!(
                    base,
                    ArnnGatedConv2d {
                        extent: *extent,
                        order: order,
                    }
                )
                .design()
            }
            Self::TensorGru2d {
                extent,
                features,
                order,
            } => {
                let base = TensorGru2d::new(hilbert, *extent, *features);
                let order = sites(order, Some(*extent))?;
                with_common_fields!(base, TensorGru2d { order: order }).design()
            }
        }
    }
}

impl LayersConfig {
    fn read(table: &Table<'_>, local_size: usize) -> Result<Self> {
        let layers = read_layers(table)?;
        Ok(Self {
            layers,
            features: read_features(table, layers, local_size)?,
            activation: read_activation(table)?,
            use_bias: table.optional("use_bias")?.unwrap_or(true),
            order: OrderConfig::read(table)?,
        })
    }
}

impl RecurrentConfig {
    fn read(table: &Table<'_>, local_size: usize) -> Result<Self> {
        let layers = read_layers(table)?;
        Ok(Self {
            layers,
            features: read_features(table, layers, local_size)?,
            recurrence: RecurrenceConfig::read(table)?,
        })
    }
}

fn read_layers(table: &Table<'_>) -> Result<usize> {
    let layers = table.required("layers", "3")?;
    table.check(layers > 0, "layers", "at least 1 layer", "")?;
    Ok(layers)
}

fn read_dilation<T: Read>(table: &Table<'_>, one: T, sensible: fn(&T) -> bool) -> Result<T> {
    let dilation = table.optional("kernel_dilation")?.unwrap_or(one);
    table.check(
        sensible(&dilation),
        "kernel_dilation",
        "at least 1",
        "1 means no dilation",
    )?;
    Ok(dilation)
}

fn read_features(table: &Table<'_>, layers: usize, local_size: usize) -> Result<Features> {
    let features = table.required("features", "8")?;
    let list = match &features {
        Features::Uniform(n) => std::slice::from_ref(n),
        Features::List(list) => list,
    };
    if let Features::List(list) = &features {
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
    table.check(!list.contains(&0), "features", "at least 1 channel", "")?;
    Ok(features)
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
