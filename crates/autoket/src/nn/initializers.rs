//! Initial values of parameters, as `jax.nn.initializers` draws them.

use std::fmt;
use std::sync::Arc;

use num_traits::{Float, FloatConst};

use crate::error::{Error, Result};
use crate::random::Key;
use crate::scalar::{Dtype, Real, Scalar, c64};

/// How an array of parameters begins.
///
/// Axes of a kernel are its sizes in space, then features in and out.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(
    rename_all = "snake_case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum Initializer {
    /// 0; the key is ignored.
    Zeros,
    /// 1; the key is ignored.
    Ones,
    /// The same number everywhere; the key is ignored.
    Constant(f64),
    /// Normal with the given standard deviation.
    Normal(f64),
    /// Uniform from 0 up to the given number; real only.
    Uniform(f64),
    /// Normal with the given standard deviation, cut off at bounds in units of it; real only.
    TruncatedNormal {
        /// The standard deviation before the cut.
        stddev: f64,
        /// The lower bound.
        lower: f64,
        /// The upper bound.
        upper: f64,
    },
    /// Truncated normal of variance 1/fan_in, LeCun's choice: fan_in counts all inputs of a kernel, masked ones too.
    LecunNormal,
    /// Uniform of variance 1/fan_in.
    LecunUniform,
    /// Truncated normal of variance 2/fan_in, He's choice.
    HeNormal,
    /// Uniform of variance 2/fan_in.
    HeUniform,
    /// Truncated normal of variance 2/(fan_in + fan_out), Glorot's choice.
    GlorotNormal,
    /// Uniform of variance 2/(fan_in + fan_out).
    GlorotUniform,
    /// The family to which the last six belong.
    VarianceScaling(VarianceScaling),
    /// A random orthogonal or unitary matrix, times a number: orthonormal columns, or rows where there are fewer.
    /// The columns are the last axis, the rows all others.
    Orthogonal(f64),
    /// Such a matrix of features in and out in the middle of a kernel, and zeros around it; for one to three axes in
    /// space and no more features in than out.
    DeltaOrthogonal(f64),
    /// The user's own; it has no name in a file.
    #[serde(skip)]
    Own(OwnInitializer),
}

/// Values from a key, a shape and a type, in double precision, C order.
type Draw = dyn Fn(Key, &[usize], Dtype) -> Result<Vec<c64>> + Send + Sync;

/// A function by which the user lets arrays begin.
#[derive(Clone)]
pub struct OwnInitializer {
    name: String,
    draw: Arc<Draw>,
}

impl fmt::Debug for OwnInitializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The same function, not only the same name.
impl PartialEq for OwnInitializer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.draw, &other.draw)
    }
}

impl OwnInitializer {
    fn values(&self, key: Key, shape: &[usize], dtype: Dtype) -> Result<Vec<c64>> {
        let values = (self.draw)(key, shape, dtype)?;
        let n: usize = shape.iter().product();
        match values.len() == n {
            true => Ok(values),
            false => Err(Error::invalid(
                "initializer",
                format!("{n} numbers for the shape {shape:?}"),
                format!("{} of `{}`", values.len(), self.name),
                "return an array of the shape that is asked for",
            )),
        }
    }
}

/// Random numbers of mean 0 and variance scale/n, n of the [`Fan`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VarianceScaling {
    /// The numerator of the variance.
    pub scale: f64,
    /// Its denominator.
    pub mode: Fan,
    /// The form of the distribution.
    pub distribution: Distribution,
    /// The axis of features in; negative ones count from the last.
    pub in_axis: isize,
    /// The axis of features out.
    pub out_axis: isize,
}

impl VarianceScaling {
    /// For kernels whose last axes are features in and out.
    pub fn new(scale: f64, mode: Fan, distribution: Distribution) -> Self {
        Self {
            scale,
            mode,
            distribution,
            in_axis: -2,
            out_axis: -1,
        }
    }

    /// The standard deviation for a shape.
    fn stddev(self, shape: &[usize]) -> Result<f64> {
        let length = |axis: isize| {
            let from_first = axis + if axis < 0 { shape.len() as isize } else { 0 };
            let length = usize::try_from(from_first).ok().and_then(|i| shape.get(i));
            length.map(|&n| n as f64).ok_or_else(|| {
                Error::invalid(
                    "initializer",
                    format!("a shape with an axis {axis}"),
                    format!("{shape:?}"),
                    "this one is for kernels; take `zeros` or `normal` for a bias",
                )
            })
        };
        let (inputs, outputs) = (length(self.in_axis)?, length(self.out_axis)?);
        let size: f64 = shape.iter().map(|&n| n as f64).product();
        let receptive_field = size / inputs / outputs;
        let (fan_in, fan_out) = (inputs * receptive_field, outputs * receptive_field);
        let n = match self.mode {
            Fan::In => fan_in,
            Fan::Out => fan_out,
            Fan::Average => (fan_in + fan_out) / 2.0,
            Fan::GeometricAverage => (fan_in * fan_out).sqrt(),
        };
        Ok((self.scale / n).sqrt())
    }
}

/// By what number of connections a variance is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Fan {
    /// The inputs of an output.
    #[serde(rename = "fan_in")]
    In,
    /// The outputs of an input.
    #[serde(rename = "fan_out")]
    Out,
    /// Their mean.
    #[serde(rename = "fan_avg")]
    Average,
    /// Their geometric mean.
    #[serde(rename = "fan_geo_avg")]
    GeometricAverage,
}

/// The form of a distribution of given variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Normal, cut off at two standard deviations of what it was before; a complex number's modulus is cut off.
    TruncatedNormal,
    /// Normal.
    Normal,
    /// Uniform in an interval around 0; complex numbers in a disk.
    Uniform,
}

impl Initializer {
    /// The user's own function of key, shape and type; real numbers have no imaginary part.
    ///
    /// It must give the same values for the same key. A network that is built draws from it once, to see whether
    /// it works; where it fails later, parameters are NaN.
    pub fn own(
        name: impl Into<String>,
        draw: impl Fn(Key, &[usize], Dtype) -> Result<Vec<c64>> + Send + Sync + 'static,
    ) -> Self {
        Self::Own(OwnInitializer {
            name: name.into(),
            draw: Arc::new(draw),
        })
    }

    /// The names of those that have no parameter.
    pub const NAMES: &'static [&'static str] = &[
        "lecun_normal",
        "lecun_uniform",
        "he_normal",
        "he_uniform",
        "glorot_normal",
        "glorot_uniform",
        "zeros",
        "ones",
    ];

    /// Is there a value of this shape and type?
    ///
    /// # Errors
    /// What [`draw`](Self::draw) would refuse.
    pub fn check<S: Scalar>(&self, shape: &[usize]) -> Result<()> {
        if let Some(scaling) = self.variance_scaling() {
            return scaling.stddev(shape).map(|_| ());
        }
        match self {
            Self::Own(own) => own.values(Key::new(0), shape, S::DTYPE).map(drop),
            Self::Uniform(_) | Self::TruncatedNormal { .. } if S::PLANES == 2 => {
                Err(Error::invalid(
                    "initializer",
                    "a distribution of complex numbers",
                    "one of real numbers",
                    "take `normal`, or `variance_scaling` with `uniform`",
                ))
            }
            Self::TruncatedNormal { lower, upper, .. } if lower >= upper => Err(Error::invalid(
                "initializer",
                "a lower bound below the upper one",
                format!("{lower} and {upper}"),
                "give them in order",
            )),
            Self::Orthogonal(_) if shape.len() < 2 => Err(Error::invalid(
                "initializer",
                "a shape of two axes or more",
                format!("{shape:?}"),
                "`orthogonal` is for kernels; take `zeros` for a bias",
            )),
            Self::DeltaOrthogonal(_) if !is_delta_shape(shape) => Err(Error::invalid(
                "initializer",
                "one to three axes in space and no more features in than out",
                format!("{shape:?}"),
                "take `orthogonal`",
            )),
            _ => Ok(()),
        }
    }

    /// Values for an array of this shape, C order.
    ///
    /// # Errors
    /// A variance that depends on axes which the shape lacks; a distribution of real numbers for complex ones;
    /// an orthogonal matrix of fewer than two axes; bounds out of order.
    pub fn draw<S: Scalar>(&self, key: Key, shape: &[usize]) -> Result<Vec<S>> {
        if let Self::Own(own) = self {
            let values = own.values(key, shape, S::DTYPE)?;
            return Ok(values.into_iter().map(S::from_c64).collect());
        }
        self.check::<S>(shape)?;
        let n = shape.iter().product::<usize>() as u64;
        let real = S::Real::from_f64;
        let constant = |x: f64| vec![S::new(real(x), real(0.0)); n as usize];
        if let Some(scaling) = self.variance_scaling() {
            let stddev = real(scaling.stddev(shape)?);
            return Ok(match (scaling.distribution, S::PLANES) {
                (Distribution::TruncatedNormal, _) => truncated_normal(key, n, stddev),
                (Distribution::Normal, _) => normal(key, n, stddev),
                (Distribution::Uniform, 1) => {
                    let half = real(3.0).sqrt() * stddev;
                    let draw = |i| key.uniform_in(i, real(-1.0), real(1.0)) * half;
                    (0..n).map(|i| S::new(draw(i), half)).collect()
                }
                (Distribution::Uniform, _) => uniform_disk(key, n, stddev),
            });
        }
        Ok(match *self {
            Self::Ones => constant(1.0),
            Self::Constant(x) => constant(x),
            Self::Normal(stddev) => normal(key, n, real(stddev)),
            Self::Uniform(scale) => {
                let scale = real(scale);
                let draw = |i| key.uniform_in(i, real(0.0), real(1.0)) * scale;
                (0..n).map(|i| S::new(draw(i), scale)).collect()
            }
            Self::TruncatedNormal {
                stddev,
                lower,
                upper,
            } => {
                let stddev = real(stddev);
                let draw = |i| key.truncated_normal(i, real(lower), real(upper)) * stddev;
                (0..n).map(|i| S::new(draw(i), stddev)).collect()
            }
            Self::Orthogonal(scale) => orthogonal(key, shape, scale),
            Self::DeltaOrthogonal(scale) => {
                let (space, features) = shape.split_at(shape.len() - 2);
                let middle = space.iter().fold(0, |at, &n| at * n + (n.max(1) - 1) / 2);
                let block = orthogonal::<S>(key, features, scale);
                let mut kernel = constant(0.0);
                let places = kernel.iter_mut().skip(middle * block.len());
                places.zip(block).for_each(|(to, from)| *to = from);
                kernel
            }
            _ => constant(0.0),
        })
    }

    fn variance_scaling(&self) -> Option<VarianceScaling> {
        use Distribution::{TruncatedNormal, Uniform};
        let of = |scale, mode, distribution| Some(VarianceScaling::new(scale, mode, distribution));
        match self {
            Self::LecunNormal => of(1.0, Fan::In, TruncatedNormal),
            Self::LecunUniform => of(1.0, Fan::In, Uniform),
            Self::HeNormal => of(2.0, Fan::In, TruncatedNormal),
            Self::HeUniform => of(2.0, Fan::In, Uniform),
            Self::GlorotNormal => of(1.0, Fan::Average, TruncatedNormal),
            Self::GlorotUniform => of(1.0, Fan::Average, Uniform),
            Self::VarianceScaling(scaling) => Some(*scaling),
            _ => None,
        }
    }
}

fn normal<S: Scalar>(key: Key, n: u64, stddev: S::Real) -> Vec<S> {
    if S::PLANES == 1 {
        let draw = |i| key.normal::<S::Real>(i) * stddev;
        return (0..n).map(|i| S::new(draw(i), stddev)).collect();
    }
    let [re, im] = key.split();
    // Not 1/√2 to the last bit: the reciprocal of √2 as it is rounded.
    let root = S::Real::from_f64(1.0) / S::Real::SQRT_2();
    let draw = |key: Key, i| key.normal::<S::Real>(i) * root * stddev;
    (0..n).map(|i| S::new(draw(re, i), draw(im, i))).collect()
}

/// Truncated to two standard deviations before scaling, as JAX's `variance_scaling`;
/// a complex number's modulus is truncated, its phase uniform.
fn truncated_normal<S: Scalar>(key: Key, n: u64, stddev: S::Real) -> Vec<S> {
    let real = S::Real::from_f64;
    if S::PLANES == 1 {
        let stddev = stddev / real(0.879_625_661_034_239_8);
        let two = real(2.0);
        return (0..n)
            .map(|i| S::new(key.truncated_normal(i, -two, two) * stddev, stddev))
            .collect();
    }
    let stddev = stddev / real(0.953_111_643_804_912_1);
    let one = real(1.0);
    // 1 - exp(-2²): the modulus ends at two standard deviations.
    let inside = one - (-real(4.0)).exp();
    polar::<S>(key, n, |u| (-(one - inside * u).ln()).sqrt() * stddev)
}

/// Uniform in a disk, of the given standard deviation.
fn uniform_disk<S: Scalar>(key: Key, n: u64, stddev: S::Real) -> Vec<S> {
    let two = S::Real::from_f64(2.0);
    polar::<S>(key, n, |u| (two * u).sqrt() * stddev)
}

/// Complex numbers of a modulus that is a function of a uniform number, and of uniform phase.
fn polar<S: Scalar>(key: Key, n: u64, modulus: impl Fn(S::Real) -> S::Real) -> Vec<S> {
    let real = S::Real::from_f64;
    let [radius, phase] = key.split();
    let (zero, one) = (real(0.0), real(1.0));
    (0..n)
        .map(|i| {
            let r = modulus(radius.uniform_in(i, zero, one));
            let angle = real(2.0 * std::f64::consts::PI) * phase.uniform_in(i, zero, one);
            S::new(r * angle.cos(), r * angle.sin())
        })
        .collect()
}

fn is_delta_shape(shape: &[usize]) -> bool {
    match shape {
        [space @ .., inputs, outputs] => (1..=3).contains(&space.len()) && inputs <= outputs,
        _ => false,
    }
}

/// Q of the decomposition Z = QR of a normal Z with more rows than columns, the diagonal of R positive;
/// transposed where the shape has more columns than rows.
fn orthogonal<S: Scalar>(key: Key, shape: &[usize], scale: f64) -> Vec<S> {
    let n_columns = shape[shape.len() - 1];
    let n_rows: usize = shape[..shape.len() - 1].iter().product();
    let (long, short) = (n_rows.max(n_columns), n_rows.min(n_columns));
    let z: Vec<S> = normal(key, (long * short) as u64, S::Real::from_f64(1.0));
    let mut q: Vec<Vec<c64>> = (0..short)
        .map(|j| (0..long).map(|i| z[i * short + j].to_c64()).collect())
        .collect();
    for j in 0..short {
        let (before, column) = q.split_at_mut(j);
        let column = &mut column[0];
        // The second pass makes up for what the first loses to rounding.
        for _ in 0..2 {
            for other in before.iter() {
                let overlap: c64 = other.iter().zip(&*column).map(|(a, b)| a.conj() * b).sum();
                for (x, a) in column.iter_mut().zip(other) {
                    *x -= overlap * a;
                }
            }
        }
        let norm = column.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
        column.iter_mut().for_each(|x| *x /= norm);
    }
    (0..n_rows * n_columns)
        .map(|i| (i / n_columns, i % n_columns))
        .map(|(row, column)| match n_rows < n_columns {
            true => q[row][column],
            false => q[column][row],
        })
        .map(|x| S::from_c64(x * scale))
        .collect()
}
