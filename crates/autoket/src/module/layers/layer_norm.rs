//! Numbers of mean 0 and variance 1.

use super::{display, only_input};
use crate::error::Result;
use crate::module::places::canonical_axes;
use crate::module::{Array, Module, Scope};
use crate::nn::Initializer;
use crate::scalar::Dtype;

/// y = (x - mean)/√(variance + epsilon) · scale + bias, mean and variance over the reduction axes.
///
/// The variance is mean |x|² - |mean|², at least 0. Parameters: `scale` and `bias` of the feature axes' shape,
/// drawn in this order. Flax: `nn.LayerNorm`.
///
/// ```
/// use autoket::{module::{Array, LayerNorm, Module}, random::Key};
/// let x = Array::new(&[2], vec![1.0, 3.0])?;
/// let (y, _) = LayerNorm::default().init_with_output(Key::new(0), &[x], Default::default())?;
/// assert!((y.values::<f64>()?[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// Added to the variance.
    pub epsilon: f64,
    /// The type of the output; `None`: that of input and parameters together.
    pub dtype: Option<Dtype>,
    /// The type of the parameters.
    pub param_dtype: Dtype,
    /// Is there a bias?
    pub use_bias: bool,
    /// Is there a scale?
    pub use_scale: bool,
    /// How the bias begins.
    pub bias_init: Initializer,
    /// How the scale begins.
    pub scale_init: Initializer,
    /// The axes of mean and variance; negative ones count from the last.
    pub reduction_axes: Vec<isize>,
    /// The axes along which scale and bias differ.
    pub feature_axes: Vec<isize>,
}

/// Flax's defaults.
impl Default for LayerNorm {
    fn default() -> Self {
        Self {
            epsilon: 1e-6,
            dtype: None,
            param_dtype: Dtype::Float32,
            use_bias: true,
            use_scale: true,
            bias_init: Initializer::Zeros,
            scale_init: Initializer::Ones,
            reduction_axes: vec![-1],
            feature_axes: vec![-1],
        }
    }
}

impl Module for LayerNorm {
    fn class(&self) -> &'static str {
        "LayerNorm"
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("epsilon", self.epsilon.to_string()),
            ("dtype", display(self.dtype)),
            ("param_dtype", self.param_dtype.to_string()),
            ("use_bias", self.use_bias.to_string()),
            ("use_scale", self.use_scale.to_string()),
            ("bias_init", format!("{:?}", self.bias_init)),
            ("scale_init", format!("{:?}", self.scale_init)),
            ("reduction_axes", format!("{:?}", self.reduction_axes)),
            ("feature_axes", format!("{:?}", self.feature_axes)),
        ]
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let x = only_input(self.class(), inputs)?;
        let reduced = canonical_axes(&self.reduction_axes, x.shape())?;
        let features = canonical_axes(&self.feature_axes, x.shape())?;
        let ones_but = |kept: &dyn Fn(usize) -> bool| -> Vec<usize> {
            let length = |(axis, &n): (usize, &usize)| if kept(axis) { n } else { 1 };
            x.shape().iter().enumerate().map(length).collect()
        };
        let moments = ones_but(&|axis| !reduced.contains(&axis));
        let spread = ones_but(&|axis| features.contains(&axis));
        let shape: Vec<usize> = features.iter().map(|&axis| x.shape()[axis]).collect();

        // Statistics are single precision at least.
        let statistics = self.dtype.map_or(x.element(), Into::into);
        let wide = x.cast(statistics.promote(Dtype::Float32.into()));
        let mean = wide.mean(&self.reduction_axes)?.reshape(&moments)?;
        let squares = wide.abs_squared().mean(&self.reduction_axes)?;
        let variance = squares
            .reshape(&moments)?
            .sub(&mean.abs_squared())?
            .at_least_zero();
        let epsilon = Array::full(&[], self.epsilon).cast(variance.element());
        let mut factor = variance.add(&epsilon)?.rsqrt();
        let mut element = x.element();
        if self.use_scale {
            let scale = scope.param("scale", self.scale_init.clone(), &shape, self.param_dtype)?;
            factor = factor.mul(&scale.reshape(&spread)?)?;
            element = element.promote(scale.element());
        }
        let mut y = x.sub(&mean)?.mul(&factor)?;
        if self.use_bias {
            let bias = scope.param("bias", self.bias_init.clone(), &shape, self.param_dtype)?;
            y = y.add(&bias.reshape(&spread)?)?;
            element = element.promote(bias.element());
        }
        Ok(match self.dtype {
            Some(dtype) => y.cast(dtype),
            None if element.is_integer() => y.cast(Dtype::Float32),
            None => y.cast(element),
        })
    }
}
