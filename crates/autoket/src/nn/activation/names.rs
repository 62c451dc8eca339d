//! Activations by name, as a run file has them.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Activation;
use crate::simd::Function;

macro_rules! functions {
    ($($name:literal: $function:expr,)*) => {
        /// By name, with JAX's default where there is a parameter.
        const FUNCTIONS: &[(&str, Function)] = &[$(($name, $function)),*];

        impl Activation {
            /// All names of built-in ones, for messages.
            pub const NAMES: &'static [&'static str] =
                &[$($name,)* $(concat!("reim_", $name)),*];
        }
    };
}

functions! {
    "selu": Function::Selu,
    "relu": Function::Relu,
    "elu": Function::Elu(1.0),
    "celu": Function::Celu(1.0),
    "leaky_relu": Function::LeakyRelu(0.01),
    "gelu": Function::Gelu,
    "gelu_exact": Function::GeluExact,
    "silu": Function::Silu,
    "swish": Function::Silu,
    "softplus": Function::Softplus,
    "sigmoid": Function::Sigmoid,
    "tanh": Function::Tanh,
    "log_cosh": Function::LogCosh,
    "sin": Function::Sin,
    "identity": Function::Identity,
}

impl Activation {
    /// Names that may come with a number: `alpha` or `negative_slope`.
    pub(crate) const WITH_PARAMETER: &'static [&'static str] = &[
        "elu",
        "celu",
        "leaky_relu",
        "reim_elu",
        "reim_celu",
        "reim_leaky_relu",
    ];

    /// The built-in one of a name, with its parameter or JAX's default.
    pub(crate) fn named(name: &str, parameter: Option<f64>) -> Option<Self> {
        let plain = name.strip_prefix("reim_");
        let (_, function) = FUNCTIONS
            .iter()
            .find(|(known, _)| *known == plain.unwrap_or(name))?;
        let function = match (*function, parameter) {
            (function, None) => function,
            (Function::Elu(_), Some(alpha)) => Function::Elu(alpha),
            (Function::Celu(_), Some(alpha)) => Function::Celu(alpha),
            (Function::LeakyRelu(_), Some(slope)) => Function::LeakyRelu(slope),
            _ => return None,
        };
        Some(match plain.is_some() && function.is_analytic() {
            true => Self::Reim(function),
            false => Self::Function(function),
        })
    }
}

/// A name, or `{ elu = 0.5 }`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    WithParameter(BTreeMap<String, f64>),
}

impl std::fmt::Display for Activation {
    /// The name, without a parameter.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Function(function) => f.write_str(function.name_and_default().0),
            Self::Reim(function) => write!(f, "reim_{}", function.name_and_default().0),
            Self::Custom(custom) => f.write_str(custom.name()),
        }
    }
}

impl Function {
    /// The name, and the function that it means without a parameter.
    fn name_and_default(&self) -> &'static (&'static str, Function) {
        let same = |known: &Function| std::mem::discriminant(known) == std::mem::discriminant(self);
        FUNCTIONS
            .iter()
            .find(|(_, known)| same(known))
            .expect("all functions have a name")
    }
}

impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let function = match *self {
            Self::Function(function) | Self::Reim(function) => function,
            Self::Custom(_) => {
                return Err(S::Error::custom(format!(
                    "the activation `{self}` is no built-in one and has no name in a file"
                )));
            }
        };
        let default = function.name_and_default().1;
        let name = self.to_string();
        match function {
            Function::Elu(x) | Function::Celu(x) | Function::LeakyRelu(x)
                if function != default =>
            {
                Written::WithParameter(BTreeMap::from([(name, x)]))
            }
            _ => Written::Name(name),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, parameter) = match Written::deserialize(deserializer)? {
            Written::Name(name) => (name, None),
            Written::WithParameter(table) if table.len() == 1 => {
                let (name, parameter) = table.into_iter().next().expect("there is one");
                (name, Some(parameter))
            }
            Written::WithParameter(_) => {
                return Err(D::Error::custom(
                    "expected one activation, such as { elu = 0.5 }",
                ));
            }
        };
        Self::named(&name, parameter).ok_or_else(|| {
            D::Error::custom(format!(
                "no activation `{name}`{}; the names are {}",
                if parameter.is_some() {
                    " with a parameter"
                } else {
                    ""
                },
                Self::NAMES.join(", ")
            ))
        })
    }
}
