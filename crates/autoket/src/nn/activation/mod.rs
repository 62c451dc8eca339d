//! Activation functions and their derivatives.

use num_complex::Complex;

use crate::scalar::{Real, Scalar, c64};
use crate::simd::{Elementwise, Row, level};

/// The function between two layers, by NetKet's and JAX's names.
///
/// For complex scalars `selu` and `relu` act on real and imaginary part apart,
/// f(√2 Re x)/√2 + i f(√2 Im x)/√2 (NetKet's `reim_selu`, `reim_relu`); the others are the analytic functions.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Scaled exponential linear unit, λ x for x > 0 and λ α (eˣ - 1) otherwise; λ = 1.0507…, α = 1.6732….
    #[default]
    #[serde(alias = "reim_selu")]
    Selu,
    /// max(x, 0).
    #[serde(alias = "reim_relu")]
    Relu,
    /// tanh x.
    Tanh,
    /// ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), JAX's default form.
    Gelu,
    /// x/(1 + e⁻ˣ), also called swish.
    #[serde(alias = "swish")]
    Silu,
    /// log cosh x.
    LogCosh,
    /// x.
    Identity,
}

impl Activation {
    /// All names, for messages.
    pub const NAMES: &'static [&'static str] = &[
        "selu",
        "relu",
        "tanh",
        "gelu",
        "silu",
        "log_cosh",
        "identity",
        "reim_selu",
        "reim_relu",
        "swish",
    ];

    fn elementwise(self) -> Elementwise {
        match self {
            Self::Selu => Elementwise::Selu,
            Self::Relu => Elementwise::Relu,
            Self::Tanh => Elementwise::Tanh,
            Self::Gelu => Elementwise::Gelu,
            Self::Silu => Elementwise::Silu,
            Self::LogCosh => Elementwise::LogCosh,
            Self::Identity => Elementwise::Identity,
        }
    }

    /// Does the function act on real and imaginary part apart?
    fn is_split(self) -> bool {
        matches!(self, Self::Selu | Self::Relu | Self::Identity)
    }

    /// c of f(c x)/c, the function of a real number or of each part of a complex one.
    fn scale<S: Scalar>(self) -> S::Real {
        let is_reim = S::PLANES == 2 && matches!(self, Self::Selu | Self::Relu);
        S::Real::from_f64(if is_reim {
            std::f64::consts::SQRT_2
        } else {
            1.0
        })
    }

    /// y = f(z), less `base` where there is one, on rows of real features; complex ones are pairs.
    pub fn apply<S: Scalar>(
        self,
        z: &[<S::Real as Real>::Row],
        base: Option<&[<S::Real as Real>::Row]>,
        y: &mut [<S::Real as Real>::Row],
    ) {
        if S::PLANES == 2 && !self.is_split() {
            self.apply_analytic::<S>(z, base, y);
            return;
        }
        self.elementwise()
            .apply(level(), self.scale::<S>(), z, base, y);
    }

    fn apply_analytic<S: Scalar>(
        self,
        z: &[<S::Real as Real>::Row],
        base: Option<&[<S::Real as Real>::Row]>,
        y: &mut [<S::Real as Real>::Row],
    ) {
        let pairs = z.as_chunks::<2>().0.iter().zip(y.as_chunks_mut::<2>().0);
        for (k, ([z_re, z_im], [re, im])) in pairs.enumerate() {
            for lane in 0..<S::Real as Real>::Row::LANES {
                let [value, _] =
                    self.analytic(Complex::new(z_re[lane].widen(), z_im[lane].widen()));
                re[lane] = S::Real::from_f64(value.re);
                im[lane] = S::Real::from_f64(value.im);
                if let Some(base) = base {
                    re[lane] -= base[2 * k][lane];
                    im[lane] -= base[2 * k + 1][lane];
                }
            }
        }
    }

    /// dy ← conj(f'(x)) dy, on rows of real features; complex ones are pairs.
    pub fn pull_back<S: Scalar>(
        self,
        x: &[<S::Real as Real>::Row],
        dy: &mut [<S::Real as Real>::Row],
    ) {
        if S::PLANES == 1 || self.is_split() {
            self.elementwise()
                .pull_back(level(), self.scale::<S>(), x, dy);
        } else {
            for (x, dy) in x.as_chunks::<2>().0.iter().zip(dy.as_chunks_mut::<2>().0) {
                for lane in 0..<S::Real as Real>::Row::LANES {
                    let [_, slope] =
                        self.analytic(Complex::new(x[0][lane].widen(), x[1][lane].widen()));
                    let d = slope.conj() * Complex::new(dy[0][lane].widen(), dy[1][lane].widen());
                    dy[0][lane] = S::Real::from_f64(d.re);
                    dy[1][lane] = S::Real::from_f64(d.im);
                }
            }
        }
    }

    /// Value and derivative at a complex number.
    fn analytic(self, x: c64) -> [c64; 2] {
        let one = c64::new(1.0, 0.0);
        match self {
            Self::Tanh => {
                let t = tanh(x);
                [t, one - t * t]
            }
            Self::Gelu => {
                let scale = (2.0 / std::f64::consts::PI).sqrt();
                let t = tanh((x + x * x * x * 0.044715) * scale);
                let bend = (one - t * t) * x * (one + x * x * (3.0 * 0.044715)) * scale;
                [x * (one + t) * 0.5, (one + t + bend) * 0.5]
            }
            Self::Silu => {
                let s = one / (one + (-x).exp());
                [x * s, s * (one + x * (one - s))]
            }
            Self::LogCosh => {
                let sign = if x.re.is_sign_negative() { -1.0 } else { 1.0 };
                let y = x * sign;
                let small = (y * -2.0).exp();
                [y + (one + small).ln() - std::f64::consts::LN_2, tanh(x)]
            }
            Self::Selu | Self::Relu | Self::Identity => [x, one],
        }
    }
}

/// tanh of a complex number, without overflow for large real parts.
fn tanh(x: c64) -> c64 {
    let sign = if x.re.is_sign_negative() { -1.0 } else { 1.0 };
    let y = x * sign;
    let t = (y * -2.0).exp();
    (c64::new(1.0, 0.0) - t) / (c64::new(1.0, 0.0) + t) * sign
}
