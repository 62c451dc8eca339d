//! Convolution over any number of axes.

use super::{computation, display, only_input};
use crate::error::{Error, Result};
use crate::module::array::with_dtype;
use crate::module::places::{for_each_place, strides};
use crate::module::{Array, Element, Module, Scope};
use crate::nn::Initializer;
use crate::scalar::{Dtype, Scalar};

/// What lies beyond the edge of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Zeros, as many on both sides as make the output as long as the input (divided by the stride).
    Same,
    /// Nothing: the kernel stays inside.
    Valid,
    /// The other end of the input: periodic boundary conditions.
    Circular,
    /// The input mirrored at its last entries.
    Reflect,
    /// Zeros before the first entry only; for one axis.
    Causal,
    /// So many zeros before and after, for each axis.
    Explicit(Vec<[usize; 2]>),
}

/// y\[n, p, o\] = bias\[o\] + Σ_{k, i} x\[n, stride p + dilation k - before, i\] kernel\[k, i, o\].
///
/// Inputs (batch…, space…, in): as many axes in space as the kernel has, and any number of batch axes, none too.
/// Parameters: `kernel` (space…, in/groups, out), `bias` (out,), drawn in this order. Flax: `nn.Conv`.
///
/// ```
/// use autoket::{module::{Array, Conv, Module, Padding}, random::Key};
/// let x = Array::full(&[2, 4, 4, 1], 1.0_f32);
/// let conv = Conv { padding: Padding::Circular, ..Conv::new(8, &[3, 3]) };
/// let (y, _) = conv.init_with_output(Key::new(0), &[x], Default::default())?;
/// assert_eq!(y.shape(), [2, 4, 4, 8]);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Features out.
    pub features: usize,
    /// Lengths of the kernel in space.
    pub kernel_size: Vec<usize>,
    /// Steps of the kernel from one output to the next, for each axis in space.
    pub strides: Vec<usize>,
    /// What lies beyond the edge.
    pub padding: Padding,
    /// Distances of input entries, the gaps filled by zeros.
    pub input_dilation: Vec<usize>,
    /// Distances of kernel entries.
    pub kernel_dilation: Vec<usize>,
    /// Features are split into so many groups, which do not see each other.
    pub feature_group_count: usize,
    /// Is there a bias?
    pub use_bias: bool,
    /// The kernel is multiplied by this array of its shape.
    pub mask: Option<Array>,
    /// The type of the computation; `None`: that of input and parameters together.
    pub dtype: Option<Dtype>,
    /// The type of the parameters.
    pub param_dtype: Dtype,
    /// How the kernel begins.
    pub kernel_init: Initializer,
    /// How the bias begins.
    pub bias_init: Initializer,
}

impl Conv {
    /// Flax's defaults for what is not given.
    pub fn new(features: usize, kernel_size: &[usize]) -> Self {
        let ones = vec![1; kernel_size.len()];
        Self {
            features,
            kernel_size: kernel_size.to_vec(),
            strides: ones.clone(),
            padding: Padding::Same,
            input_dilation: ones.clone(),
            kernel_dilation: ones,
            feature_group_count: 1,
            use_bias: true,
            mask: None,
            dtype: None,
            param_dtype: Dtype::Float32,
            kernel_init: Initializer::LecunNormal,
            bias_init: Initializer::Zeros,
        }
    }

    fn check(&self, x: &Array) -> Result<()> {
        let axes = self.kernel_size.len();
        let fields = [
            ("kernel_size", &self.kernel_size),
            ("strides", &self.strides),
            ("input_dilation", &self.input_dilation),
            ("kernel_dilation", &self.kernel_dilation),
        ];
        for (field, sizes) in fields {
            if sizes.len() != axes || sizes.contains(&0) {
                return Err(Error::invalid(
                    field,
                    format!("{axes} positive integers"),
                    format!("{sizes:?}"),
                    "give one for each axis in space",
                ));
            }
        }
        let is_dilated = self.input_dilation.iter().any(|&gaps| gaps > 1);
        if is_dilated && !matches!(self.padding, Padding::Explicit(_)) {
            return Err(Error::invalid(
                "padding",
                "numbers of entries, for an input that is dilated",
                format!("{:?}", self.padding),
                "give them for each side of each axis; Flax has no names for them either",
            ));
        }
        if x.ndim() < axes + 1 {
            return Err(Error::invalid(
                "inputs",
                format!("{axes} axes in space and one of features"),
                x,
                "reshape them",
            ));
        }
        let groups = self.feature_group_count;
        let inputs = x.shape()[x.ndim() - 1];
        if groups == 0 || !inputs.is_multiple_of(groups) || !self.features.is_multiple_of(groups) {
            return Err(Error::invalid(
                "feature_group_count",
                format!("a divisor of {inputs} and {}", self.features),
                groups,
                "take 1 for a plain convolution",
            ));
        }
        Ok(())
    }

    /// The axes in space, of an input with these lengths.
    fn axes(&self, lengths: &[usize]) -> Result<Vec<Axis>> {
        let axis = |i: usize| {
            let (kernel, stride) = (self.kernel_size[i], self.strides[i]);
            let (dilation, gaps) = (self.kernel_dilation[i], self.input_dilation[i]);
            let reach = (kernel - 1) * dilation + 1;
            let half = [(reach - 1) / 2, reach / 2];
            let length = lengths[i];
            let dilated = match length {
                0 => 0,
                n => (n - 1) * gaps + 1,
            };
            let same = || {
                let outputs = dilated.div_ceil(stride);
                let total = ((outputs.max(1) - 1) * stride + reach).saturating_sub(dilated);
                [total / 2, total - total / 2]
            };
            let [before, after] = match &self.padding {
                Padding::Same => same(),
                Padding::Valid => [0, 0],
                Padding::Circular | Padding::Reflect => half,
                Padding::Causal => [dilation * (kernel - 1), 0],
                Padding::Explicit(sides) => *sides.get(i).unwrap_or(&[0, 0]),
            };
            let padded = dilated + before + after;
            Axis {
                length,
                kernel,
                stride,
                dilation,
                gaps,
                before,
                outputs: (padded + stride).saturating_sub(reach) / stride,
                border: match &self.padding {
                    Padding::Circular => Border::Circular,
                    Padding::Reflect => Border::Reflect,
                    _ => Border::Zeros,
                },
            }
        };
        let n = self.kernel_size.len();
        match &self.padding {
            Padding::Causal if n != 1 => Err(Error::invalid(
                "padding",
                "one that several axes can have",
                "Causal",
                "give `Explicit` numbers",
            )),
            Padding::Explicit(sides) if sides.len() != n => Err(Error::invalid(
                "padding",
                format!("{n} pairs of numbers"),
                format!("{sides:?}"),
                "give one for each axis in space",
            )),
            _ => Ok((0..n).map(axis).collect()),
        }
    }
}

/// How an axis goes on beyond its ends.
#[derive(Clone, Copy, PartialEq)]
enum Border {
    Zeros,
    Circular,
    Reflect,
}

/// Geometry of one axis in space.
struct Axis {
    length: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    gaps: usize,
    before: usize,
    outputs: usize,
    border: Border,
}

impl Axis {
    /// The entry of the input that an entry of the kernel meets at an output; `None`: a zero.
    fn input(&self, output: usize, kernel: usize) -> Option<usize> {
        let place = (output * self.stride + kernel * self.dilation) as isize - self.before as isize;
        let gaps = self.gaps as isize;
        if place.rem_euclid(gaps) != 0 {
            return None;
        }
        let (place, n) = (place.div_euclid(gaps), self.length as isize);
        let place = match self.border {
            Border::Zeros => place,
            Border::Circular => place.checked_rem_euclid(n)?,
            Border::Reflect if n == 1 => 0,
            Border::Reflect => {
                let place = place.checked_rem_euclid(2 * (n - 1))?;
                place.min(2 * (n - 1) - place)
            }
        };
        usize::try_from(place).ok().filter(|&i| i < self.length)
    }
}

impl Module for Conv {
    fn class(&self) -> &'static str {
        "Conv"
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let mask = self.mask.as_ref();
        vec![
            ("features", self.features.to_string()),
            ("kernel_size", format!("{:?}", self.kernel_size)),
            ("strides", format!("{:?}", self.strides)),
            ("padding", format!("{:?}", self.padding)),
            ("input_dilation", format!("{:?}", self.input_dilation)),
            ("kernel_dilation", format!("{:?}", self.kernel_dilation)),
            ("feature_group_count", self.feature_group_count.to_string()),
            ("use_bias", self.use_bias.to_string()),
            ("mask", mask.map_or("None".to_owned(), Array::to_string)),
            ("dtype", display(self.dtype)),
            ("param_dtype", self.param_dtype.to_string()),
            ("kernel_init", format!("{:?}", self.kernel_init)),
            ("bias_init", format!("{:?}", self.bias_init)),
        ]
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let x = only_input(self.class(), inputs)?;
        self.check(x)?;
        let n_axes = self.kernel_size.len();
        let n_batch = x.ndim() - n_axes - 1;
        let (batch, rest) = x.shape().split_at(n_batch);
        let features_in = rest[n_axes];
        let axes = self.axes(&rest[..n_axes])?;
        let per_group = features_in / self.feature_group_count;
        let shape = [self.kernel_size.as_slice(), &[per_group, self.features]].concat();
        let mut kernel =
            scope.param("kernel", self.kernel_init.clone(), &shape, self.param_dtype)?;
        if let Some(mask) = &self.mask {
            if mask.shape() != kernel.shape() {
                return Err(Error::invalid(
                    "mask",
                    format!("the shape of the kernel, {kernel}"),
                    mask,
                    "give one number for each weight",
                ));
            }
            kernel = kernel.mul(mask)?;
        }
        let bias = match self.use_bias {
            true => {
                let shape = [self.features];
                Some(scope.param("bias", self.bias_init.clone(), &shape, self.param_dtype)?)
            }
            false => None,
        };
        let parameters = std::iter::once(&kernel).chain(&bias);
        let arrays: Vec<&Array> = std::iter::once(x).chain(parameters).collect();
        let element = computation(self.dtype, &arrays);
        let outputs: Vec<usize> = axes.iter().map(|axis| axis.outputs).collect();
        let out = [batch, &outputs, &[self.features]].concat();
        let y = match (element, x.is_abstract() || kernel.is_abstract()) {
            (Element::Inexact(dtype), false) => with_dtype!(dtype, S => {
                let y = convolve::<S>(&axes, &x.values()?, &kernel.values()?, [
                    features_in,
                    self.features,
                    self.feature_group_count,
                ]);
                Array::new::<S>(&out, y)?
            }),
            _ => Array::shape_only(&out, element),
        };
        match bias {
            Some(bias) => y.add(&bias.cast(element)),
            None => Ok(y),
        }
    }
}

/// `(batch, space, in)` to `(batch, space, out)`.
fn convolve<S: Scalar>(axes: &[Axis], x: &[S], kernel: &[S], features: [usize; 3]) -> Vec<S> {
    let [features_in, features_out, groups] = features;
    let (inputs, outputs) = (features_in / groups, features_out / groups);
    let lengths: Vec<usize> = axes.iter().map(|axis| axis.length).collect();
    let kernel_size: Vec<usize> = axes.iter().map(|axis| axis.kernel).collect();
    let output_size: Vec<usize> = axes.iter().map(|axis| axis.outputs).collect();
    let strides = strides(&lengths);
    let sample = lengths.iter().product::<usize>() * features_in;
    let mut y = Vec::new();
    for x in x.chunks_exact(sample.max(1)) {
        for_each_place(&output_size, |output| {
            let first = y.len();
            y.resize(first + features_out, S::default());
            let mut block = 0;
            for_each_place(&kernel_size, |entry| {
                let weights = &kernel[block * inputs * features_out..][..inputs * features_out];
                block += 1;
                let place = axes.iter().zip(output).zip(entry).zip(&strides);
                let place: Option<usize> = place
                    .map(|(((axis, &output), &entry), stride)| {
                        Some(axis.input(output, entry)? * stride)
                    })
                    .sum();
                let Some(place) = place else { return };
                let x = &x[place * features_in..][..features_in];
                for (i, weights) in weights.chunks_exact(features_out).enumerate() {
                    for (o, &w) in weights.iter().enumerate() {
                        y[first + o] += x[o / outputs * inputs + i] * w;
                    }
                }
            });
        });
    }
    y
}
