//! Initial values of parameters, as `jax.nn.initializers` draws them.

use num_traits::{Float, FloatConst};

use crate::random::Key;
use crate::scalar::{Real, Scalar};

/// How an array of parameters begins.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
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
    /// Truncated normal of variance 1/fan_in, LeCun's choice: fan_in counts all inputs of a kernel, masked ones too.
    LecunNormal,
}

impl Initializer {
    /// Values for an array of this shape; the last two axes of a kernel are features in and out.
    pub fn draw<S: Scalar>(self, key: Key, shape: &[usize]) -> Vec<S> {
        let n: u64 = shape.iter().product::<usize>() as u64;
        let from_real = |f: &dyn Fn(u64) -> S::Real| {
            (0..n)
                .map(|i| S::new(f(i), S::Real::from_f64(0.0)))
                .collect()
        };
        match self {
            Self::Zeros => from_real(&|_| S::Real::from_f64(0.0)),
            Self::Ones => from_real(&|_| S::Real::from_f64(1.0)),
            Self::Constant(x) => from_real(&|_| S::Real::from_f64(x)),
            Self::Normal(std) => {
                let std = S::Real::from_f64(std);
                let [re, im] = key.split();
                (0..n)
                    .map(|i| match S::PLANES {
                        1 => S::new(key.normal::<S::Real>(i) * std, std),
                        _ => {
                            // Not 1/√2 to the last bit: the reciprocal of √2 as it is rounded.
                            let root = S::Real::from_f64(1.0) / S::Real::SQRT_2();
                            S::new(
                                re.normal::<S::Real>(i) * root * std,
                                im.normal::<S::Real>(i) * root * std,
                            )
                        }
                    })
                    .collect()
            }
            Self::LecunNormal => {
                let fan_in: usize = shape[..shape.len() - 1].iter().product();
                let std = (S::Real::from_f64(1.0) / S::Real::from_f64(fan_in as f64)).sqrt();
                truncated_normal::<S>(key, n, std)
            }
        }
    }
}

/// Truncated to two standard deviations before scaling, as JAX's `variance_scaling`;
/// a complex number's modulus is truncated, its phase uniform.
fn truncated_normal<S: Scalar>(key: Key, n: u64, std: S::Real) -> Vec<S> {
    let real = S::Real::from_f64;
    if S::PLANES == 1 {
        let std = std / real(0.879_625_661_034_239_8);
        let two = real(2.0);
        return (0..n)
            .map(|i| S::new(key.truncated_normal(i, -two, two) * std, std))
            .collect();
    }
    let std = std / real(0.953_111_643_804_912_1);
    let [radius, phase] = key.split();
    let (zero, one) = (real(0.0), real(1.0));
    // 1 - exp(-2²): the modulus ends at two standard deviations.
    let inside = one - (-real(4.0)).exp();
    (0..n)
        .map(|i| {
            let r = (-(one - inside * radius.uniform_in(i, zero, one)).ln()).sqrt();
            let angle = real(2.0 * std::f64::consts::PI) * phase.uniform_in(i, zero, one);
            S::new(r * angle.cos() * std, r * angle.sin() * std)
        })
        .collect()
}
