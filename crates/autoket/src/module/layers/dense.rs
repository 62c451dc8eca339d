//! A linear map of the last axis.

use super::{computation, display, only_input};
use crate::error::Result;
use crate::module::{Array, Module, Scope};
use crate::nn::Initializer;
use crate::scalar::Dtype;

/// y\[…, o\] = bias\[o\] + Σ_i x\[…, i\] kernel\[i, o\].
///
/// Parameters: `kernel` (in, out), `bias` (out,), drawn in this order. Flax: `nn.Dense`.
///
/// ```
/// use autoket::{module::{Array, Dense, Module}, random::Key, scalar::Dtype};
/// let dense = Dense { use_bias: false, param_dtype: Dtype::Complex128, ..Dense::new(4) };
/// let variables = dense.init(Key::new(0), &[Array::full(&[2, 3], 1.0_f64)])?;
/// assert_eq!(variables.array("params", "kernel")?.to_string(), "complex128[3,4]");
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Features out.
    pub features: usize,
    /// Is there a bias?
    pub use_bias: bool,
    /// The type of the computation; `None`: that of input and parameters together.
    pub dtype: Option<Dtype>,
    /// The type of the parameters.
    pub param_dtype: Dtype,
    /// How the kernel begins.
    pub kernel_init: Initializer,
    /// How the bias begins.
    pub bias_init: Initializer,
}

impl Dense {
    /// Flax's defaults for what is not given.
    pub fn new(features: usize) -> Self {
        Self {
            features,
            use_bias: true,
            dtype: None,
            param_dtype: Dtype::Float32,
            kernel_init: Initializer::LecunNormal,
            bias_init: Initializer::Zeros,
        }
    }
}

impl Module for Dense {
    fn class(&self) -> &'static str {
        "Dense"
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("features", self.features.to_string()),
            ("use_bias", self.use_bias.to_string()),
            ("dtype", display(self.dtype)),
            ("param_dtype", self.param_dtype.to_string()),
            ("kernel_init", format!("{:?}", self.kernel_init)),
            ("bias_init", format!("{:?}", self.bias_init)),
        ]
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let x = only_input(self.class(), inputs)?;
        let inputs = x.shape().last().copied().unwrap_or(0);
        let shape = [inputs, self.features];
        let kernel = scope.param("kernel", self.kernel_init.clone(), &shape, self.param_dtype)?;
        if !self.use_bias {
            let element = computation(self.dtype, &[x, &kernel]);
            return x.cast(element).dot(&kernel.cast(element));
        }
        let shape = [self.features];
        let bias = scope.param("bias", self.bias_init.clone(), &shape, self.param_dtype)?;
        let element = computation(self.dtype, &[x, &kernel, &bias]);
        let y = x.cast(element).dot(&kernel.cast(element))?;
        y.add(&bias.cast(element))
    }
}
