//! Kernels over rows that are not products: activations, normalisation of conditionals, draws.

use fearless_simd::{Level, Select, Simd, SimdBase, SimdFloat, dispatch};

use super::lanes::Row;
use super::math::{self, V, splat};
use crate::random::Key;
use crate::scalar::Real;

/// A real function of one number with its derivative, on rows.
///
/// With `scale` c the function is f(c x)/c and its derivative f'(c x): `reim` of a complex number has c = √2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elementwise {
    /// λ x for x > 0, λ α (eˣ - 1) otherwise (Klambauer et al., arXiv:1706.02515).
    Selu,
    /// max(x, 0).
    Relu,
    /// tanh x.
    Tanh,
    /// x Φ(x), by its tanh form: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).
    Gelu,
    /// x/(1 + e⁻ˣ).
    Silu,
    /// log cosh x.
    LogCosh,
    /// x.
    Identity,
}

const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const GELU_CUBIC: f64 = 0.044715;
/// √(2/π)
const GELU_SCALE: f64 = 0.797_884_560_802_865_4;

impl Elementwise {
    /// y ← f(c z)/c, less `base` where there is one.
    pub fn apply<R: Real>(
        self,
        level: Level,
        scale: R,
        z: &[R::Row],
        base: Option<&[R::Row]>,
        y: &mut [R::Row],
    ) {
        dispatch!(level, simd => self.apply_on(simd, scale, z, base, y))
    }

    /// dy ← f'(c x) dy.
    pub fn pull_back<R: Real>(self, level: Level, scale: R, x: &[R::Row], dy: &mut [R::Row]) {
        dispatch!(level, simd => self.pull_back_on(simd, scale, x, dy))
    }

    #[inline(always)]
    fn apply_on<S: Simd, R: Real>(
        self,
        simd: S,
        scale: R,
        z: &[R::Row],
        base: Option<&[R::Row]>,
        y: &mut [R::Row],
    ) {
        simd.vectorize(
            #[inline(always)]
            || {
                let len = V::<S, R>::LEN;
                let c = splat::<S, R>(simd, scale);
                let reciprocal = splat::<S, R>(simd, R::one() / scale);
                for (k, (z, y)) in z.iter().zip(y).enumerate() {
                    for lane in (0..R::Row::LANES).step_by(len) {
                        let z = V::<S, R>::from_slice(simd, &z[lane..lane + len]);
                        let mut f = if scale == R::one() {
                            self.value::<S, R>(simd, z)
                        } else {
                            self.value::<S, R>(simd, z * c) * reciprocal
                        };
                        if let Some(base) = base {
                            f -= V::<S, R>::from_slice(simd, &base[k][lane..lane + len]);
                        }
                        f.store_slice(&mut y[lane..lane + len]);
                    }
                }
            },
        )
    }

    #[inline(always)]
    fn pull_back_on<S: Simd, R: Real>(self, simd: S, scale: R, x: &[R::Row], dy: &mut [R::Row]) {
        simd.vectorize(
            #[inline(always)]
            || {
                let len = V::<S, R>::LEN;
                let c = splat::<S, R>(simd, scale);
                for (x, dy) in x.iter().zip(dy) {
                    for (x, dy) in x.chunks_exact(len).zip(dy.chunks_exact_mut(len)) {
                        let x = V::<S, R>::from_slice(simd, x) * c;
                        let d = V::<S, R>::from_slice(simd, dy) * self.slope::<S, R>(simd, x);
                        d.store_slice(dy);
                    }
                }
            },
        )
    }

    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        match self {
            Self::Selu => {
                let below = math::expm1_below::<S, R>(simd, x)
                    * number::<S, R>(simd, SELU_LAMBDA * SELU_ALPHA);
                x.simd_gt(number::<S, R>(simd, 0.0))
                    .select(x * number::<S, R>(simd, SELU_LAMBDA), below)
            }
            Self::Relu => x
                .simd_lt(number::<S, R>(simd, 0.0))
                .select(number::<S, R>(simd, 0.0), x),
            Self::Tanh => math::tanh::<S, R>(simd, x),
            Self::Gelu => {
                let inner = (x * x)
                    .mul_add(number::<S, R>(simd, GELU_CUBIC), number::<S, R>(simd, 1.0))
                    * x;
                let t = math::tanh::<S, R>(simd, inner * number::<S, R>(simd, GELU_SCALE));
                x * number::<S, R>(simd, 0.5) * (t + number::<S, R>(simd, 1.0))
            }
            Self::Silu => x * math::sigmoid::<S, R>(simd, x),
            Self::LogCosh => math::log_cosh::<S, R>(simd, x),
            Self::Identity => x,
        }
    }

    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        match self {
            // At 0 the left branch, as JAX differentiates it.
            Self::Selu => {
                let below =
                    math::exp::<S, R>(simd, x) * number::<S, R>(simd, SELU_LAMBDA * SELU_ALPHA);
                x.simd_gt(number::<S, R>(simd, 0.0))
                    .select(number::<S, R>(simd, SELU_LAMBDA), below)
            }
            Self::Relu => x
                .simd_gt(number::<S, R>(simd, 0.0))
                .select(number::<S, R>(simd, 1.0), number::<S, R>(simd, 0.0)),
            Self::Tanh => {
                let t = math::tanh::<S, R>(simd, x);
                number::<S, R>(simd, 1.0) - t * t
            }
            Self::Gelu => {
                let square = x * x;
                let inner =
                    square.mul_add(number::<S, R>(simd, GELU_CUBIC), number::<S, R>(simd, 1.0)) * x;
                let t = math::tanh::<S, R>(simd, inner * number::<S, R>(simd, GELU_SCALE));
                let inner_slope = square.mul_add(
                    number::<S, R>(simd, 3.0 * GELU_CUBIC),
                    number::<S, R>(simd, 1.0),
                ) * number::<S, R>(simd, GELU_SCALE);
                let bend = x * (number::<S, R>(simd, 1.0) - t * t) * inner_slope;
                (t + number::<S, R>(simd, 1.0) + bend) * number::<S, R>(simd, 0.5)
            }
            Self::Silu => {
                let s = math::sigmoid::<S, R>(simd, x);
                s * (number::<S, R>(simd, 1.0) + x * (number::<S, R>(simd, 1.0) - s))
            }
            Self::LogCosh => math::tanh::<S, R>(simd, x),
            Self::Identity => number::<S, R>(simd, 1.0),
        }
    }
}

#[inline(always)]
fn number<S: Simd, R: Real>(simd: S, x: f64) -> V<S, R> {
    splat::<S, R>(simd, R::from_f64(x))
}

/// Log-amplitudes of one site, normalised: y_s = z_s - log(Σ_t exp(p Re z_t))/p, p the machine power.
///
/// There are `planes` rows for each local state; the second, the imaginary part, is copied.
pub fn log_normalise<R: Real>(
    level: Level,
    planes: usize,
    machine_pow: u32,
    z: &[R::Row],
    y: &mut [R::Row],
) {
    dispatch!(level, simd => log_normalise_on::<_, R>(simd, planes, machine_pow, z, y))
}

#[inline(always)]
fn log_normalise_on<S: Simd, R: Real>(
    simd: S,
    planes: usize,
    machine_pow: u32,
    z: &[R::Row],
    y: &mut [R::Row],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            for lane in (0..R::Row::LANES).step_by(len) {
                let at = |row: &R::Row| V::<S, R>::from_slice(simd, &row[lane..lane + len]);
                let log_norm = log_norm::<S, R>(simd, planes, machine_pow, z, lane);
                for (k, (z, y)) in z.iter().zip(y.iter_mut()).enumerate() {
                    let v = match k % planes {
                        0 => at(z) - log_norm,
                        _ => at(z),
                    };
                    v.store_slice(&mut y[lane..lane + len]);
                }
            }
        },
    )
}

/// log(Σ_t exp(p Re z_t))/p of some lanes.
#[inline(always)]
fn log_norm<S: Simd, R: Real>(
    simd: S,
    planes: usize,
    machine_pow: u32,
    z: &[R::Row],
    lane: usize,
) -> V<S, R> {
    let at = |row: &R::Row| V::<S, R>::from_slice(simd, &row[lane..lane + V::<S, R>::LEN]);
    let p = number::<S, R>(simd, machine_pow.into());
    let mut max = at(&z[0]);
    for row in z.iter().step_by(planes).skip(1) {
        let v = at(row);
        max = v.simd_gt(max).select(v, max);
    }
    let mut sum = number::<S, R>(simd, 0.0);
    for row in z.iter().step_by(planes) {
        sum += math::exp::<S, R>(simd, (at(row) - max) * p);
    }
    max + math::log::<S, R>(simd, sum) / p
}

/// Adds to `sums`, for each of `planes`, the log-conditional of each lane's local state less `before`.
///
/// `z` are log-amplitudes before they are normalised; arguments as in [`log_normalise`] and [`pick`].
pub fn add_log_conditional<R: Real>(
    level: Level,
    planes: usize,
    machine_pow: u32,
    local_states: &[R],
    values: &R::Row,
    z: &[R::Row],
    before: &[R::Row],
    sums: &mut [[f64; 32]; 2],
) {
    dispatch!(level, simd => add_log_conditional_on::<_, R>(
        simd, planes, machine_pow, local_states, values, z, before, sums))
}

#[inline(always)]
fn add_log_conditional_on<S: Simd, R: Real>(
    simd: S,
    planes: usize,
    machine_pow: u32,
    local_states: &[R],
    values: &R::Row,
    z: &[R::Row],
    before: &[R::Row],
    sums: &mut [[f64; 32]; 2],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            for lane in (0..R::Row::LANES).step_by(len) {
                let log_norm = log_norm::<S, R>(simd, planes, machine_pow, z, lane);
                for plane in 0..planes {
                    let mut own =
                        picked::<S, R>(simd, planes, plane, local_states, values, z, lane);
                    if plane == 0 {
                        own -= log_norm;
                    }
                    let before = V::<S, R>::from_slice(simd, &before[plane][lane..lane + len]);
                    let own = R::widen_vector(simd, own);
                    let before = R::widen_vector(simd, before);
                    for part in 0..R::WIDENED {
                        let first = lane + part * S::f64s::LEN;
                        add_to::<S>(simd, own[part] - before[part], &mut sums[plane][first..]);
                    }
                }
            }
        },
    )
}

/// Some lanes of the row of the local state that each is in; NaN for a value that is none.
#[inline(always)]
fn picked<S: Simd, R: Real>(
    simd: S,
    planes: usize,
    plane: usize,
    local_states: &[R],
    values: &R::Row,
    y: &[R::Row],
    lane: usize,
) -> V<S, R> {
    let at = |row: &R::Row| V::<S, R>::from_slice(simd, &row[lane..lane + V::<S, R>::LEN]);
    let value = at(values);
    let mut picked = number::<S, R>(simd, f64::NAN);
    for (&state, y) in local_states.iter().zip(y.chunks_exact(planes)) {
        picked = value
            .simd_eq(splat::<S, R>(simd, state))
            .select(at(&y[plane]), picked);
    }
    picked
}

/// The rows of the local state that each lane is in, one for each of `planes`; NaN for a value that is none.
///
/// `y` holds `planes` rows for each local state, `values` the local state of each lane.
pub fn pick<R: Real>(
    level: Level,
    planes: usize,
    local_states: &[R],
    values: &R::Row,
    y: &[R::Row],
    out: &mut [R::Row],
) {
    dispatch!(level, simd => pick_on::<_, R>(simd, planes, local_states, values, y, out))
}

#[inline(always)]
fn pick_on<S: Simd, R: Real>(
    simd: S,
    planes: usize,
    local_states: &[R],
    values: &R::Row,
    y: &[R::Row],
    out: &mut [R::Row],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            for lane in (0..R::Row::LANES).step_by(len) {
                for plane in 0..planes {
                    picked::<S, R>(simd, planes, plane, local_states, values, y, lane)
                        .store_slice(&mut out[plane][lane..lane + len]);
                }
            }
        },
    )
}

/// The cotangents of one site's outputs before they are normalised, from those of log ψ:
/// d Re log ψ/d Re z(s) = δ(s, σ) - p(s), d Im log ψ/d Im z(s) = δ(s, σ).
///
/// `y` holds the log-conditionals, `planes` rows for each local state, and `values` the local state of each lane.
pub fn pull_back_conditionals<R: Real>(
    level: Level,
    planes: usize,
    machine_pow: u32,
    local_states: &[R],
    values: &R::Row,
    y: &[R::Row],
    cotangent: &[R::Row; 2],
    dz: &mut [R::Row],
) {
    dispatch!(level, simd => pull_back_conditionals_on::<_, R>(
        simd, planes, machine_pow, local_states, values, y, cotangent, dz))
}

#[inline(always)]
fn pull_back_conditionals_on<S: Simd, R: Real>(
    simd: S,
    planes: usize,
    machine_pow: u32,
    local_states: &[R],
    values: &R::Row,
    y: &[R::Row],
    cotangent: &[R::Row; 2],
    dz: &mut [R::Row],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            let p = number::<S, R>(simd, machine_pow.into());
            let (zero, one) = (number::<S, R>(simd, 0.0), number::<S, R>(simd, 1.0));
            for lane in (0..R::Row::LANES).step_by(len) {
                let at = |row: &R::Row| V::<S, R>::from_slice(simd, &row[lane..lane + len]);
                let value = at(values);
                let states = local_states.iter().zip(y.chunks_exact(planes));
                for ((&state, y), dz) in states.zip(dz.chunks_exact_mut(planes)) {
                    let own = value.simd_eq(splat::<S, R>(simd, state)).select(one, zero);
                    let probability = math::exp::<S, R>(simd, p * at(&y[0]));
                    (at(&cotangent[0]) * (own - probability))
                        .store_slice(&mut dz[0][lane..lane + len]);
                    if planes == 2 {
                        (at(&cotangent[1]) * own).store_slice(&mut dz[1][lane..lane + len]);
                    }
                }
            }
        },
    )
}

/// rows\[k\]\[lane\] ← roots\[lane\] (rows\[k\]\[lane\] - mean\[k\]).
pub fn center<R: Real>(level: Level, mean: &[f64], roots: &[f64], rows: &mut [R::Row]) {
    dispatch!(level, simd => simd.vectorize(#[inline(always)] || {
        for (row, mean) in rows.iter_mut().zip(mean) {
            for (x, root) in row.iter_mut().zip(roots) {
                *x = R::from_f64(root * (x.widen() - mean));
            }
        }
    }))
}

/// to\[lane\]\[k\] = from\[k\]\[lane\]; 0 where `from` ends before the lanes of a row.
pub fn transpose<R: Real>(from: &[R::Row], to: &mut [R::Row]) {
    for (lane, to) in to.iter_mut().enumerate() {
        *to = R::Row::splat(R::zero());
        for (to, from) in to.iter_mut().zip(from) {
            *to = from[lane];
        }
    }
}

/// Calls `$body` with the lanes of rows as vectors of double precision, and with the first of these lanes.
macro_rules! for_wide {
    ($S:ty, $R:ty, $simd:ident, |$lane:ident, $($x:ident = $row:ident),+| $body:expr) => {
        for first in (0..<$R as Real>::Row::LANES).step_by(V::<$S, $R>::LEN) {
            $(let $x = <$R>::widen_vector(
                $simd,
                V::<$S, $R>::from_slice($simd, &$row[first..first + V::<$S, $R>::LEN]),
            );)+
            for part in 0..<$R>::WIDENED {
                let $lane = first + part * <$S as Simd>::f64s::LEN;
                $(let $x = $x[part];)+
                $body
            }
        }
    };
}

/// sums\[lane\] += a\[lane\] - b\[lane\], in double precision; 0 for a missing b.
pub fn add_difference<R: Real>(level: Level, a: &R::Row, b: Option<&R::Row>, sums: &mut [f64]) {
    dispatch!(level, simd => add_difference_on::<_, R>(simd, a, b, sums))
}

#[inline(always)]
fn add_difference_on<S: Simd, R: Real>(simd: S, a: &R::Row, b: Option<&R::Row>, sums: &mut [f64]) {
    simd.vectorize(
        #[inline(always)]
        || match b {
            Some(b) => for_wide!(S, R, simd, |lane, a = a, b = b| {
                add_to::<S>(simd, a - b, &mut sums[lane..]);
            }),
            None => for_wide!(S, R, simd, |lane, a = a| {
                add_to::<S>(simd, a, &mut sums[lane..]);
            }),
        },
    )
}

/// columns\[k · stride + lane\] += rows\[k\]\[lane\], in double precision.
pub fn add_columns<R: Real>(level: Level, rows: &[R::Row], columns: &mut [f64], stride: usize) {
    dispatch!(level, simd => add_columns_on::<_, R>(simd, rows, columns, stride))
}

#[inline(always)]
fn add_columns_on<S: Simd, R: Real>(simd: S, rows: &[R::Row], columns: &mut [f64], stride: usize) {
    simd.vectorize(
        #[inline(always)]
        || {
            for (k, row) in rows.iter().enumerate() {
                let column = &mut columns[k * stride..][..R::Row::LANES];
                for_wide!(S, R, simd, |lane, x = row| {
                    add_to::<S>(simd, x, &mut column[lane..]);
                });
            }
        },
    )
}

/// The beginning of `sums` += x.
#[inline(always)]
fn add_to<S: Simd>(simd: S, x: S::f64s, sums: &mut [f64]) {
    let sums = &mut sums[..S::f64s::LEN];
    (S::f64s::from_slice(simd, sums) + x).store_slice(sums);
}

/// sums\[k\]\[lane\] += rows\[k\]\[lane\] v\[lane\], in double precision.
pub fn add_dots<R: Real>(level: Level, rows: &[R::Row], v: &[f64; 32], sums: &mut [[f64; 32]]) {
    dispatch!(level, simd => add_dots_on::<_, R>(simd, rows, v, sums))
}

#[inline(always)]
fn add_dots_on<S: Simd, R: Real>(simd: S, rows: &[R::Row], v: &[f64; 32], sums: &mut [[f64; 32]]) {
    simd.vectorize(
        #[inline(always)]
        || {
            for (row, sums) in rows.iter().zip(sums) {
                for_wide!(S, R, simd, |lane, x = row| {
                    let v = S::f64s::from_slice(simd, &v[lane..lane + S::f64s::LEN]);
                    add_to::<S>(simd, x * v, &mut sums[lane..]);
                });
            }
        },
    )
}

/// out\[lane\] += Σ_k rows\[k\]\[lane\] u\[k\], in double precision.
pub fn add_scaled<R: Real>(level: Level, rows: &[R::Row], u: &[f64], out: &mut [f64]) {
    dispatch!(level, simd => add_scaled_on::<_, R>(simd, rows, u, out))
}

#[inline(always)]
fn add_scaled_on<S: Simd, R: Real>(simd: S, rows: &[R::Row], u: &[f64], out: &mut [f64]) {
    simd.vectorize(
        #[inline(always)]
        || {
            for (row, &u) in rows.iter().zip(u) {
                let u = S::f64s::splat(simd, u);
                for_wide!(S, R, simd, |lane, x = row| {
                    add_to::<S>(simd, x * u, &mut out[lane..]);
                });
            }
        },
    )
}

/// sums\[k\]\[lane\] += a\[k\]\[lane\] b\[k\]\[lane\], in double precision.
pub fn add_elementwise<R: Real>(level: Level, a: &[R::Row], b: &[R::Row], sums: &mut [[f64; 32]]) {
    dispatch!(level, simd => add_elementwise_on::<_, R>(simd, a, b, sums))
}

#[inline(always)]
fn add_elementwise_on<S: Simd, R: Real>(
    simd: S,
    a: &[R::Row],
    b: &[R::Row],
    sums: &mut [[f64; 32]],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            for ((a, b), sums) in a.iter().zip(b).zip(sums) {
                for_wide!(S, R, simd, |lane, a = a, b = b| {
                    add_to::<S>(simd, a * b, &mut sums[lane..]);
                });
            }
        },
    )
}

/// sums\[k\] += Σ_lanes rows\[k\], in double precision, in an order that does not depend on the level.
pub fn add_lanes<R: Real>(level: Level, rows: &[R::Row], sums: &mut [f64]) {
    dispatch!(level, simd => add_lanes_on::<_, R>(simd, rows, sums))
}

#[inline(always)]
fn add_lanes_on<S: Simd, R: Real>(simd: S, rows: &[R::Row], sums: &mut [f64]) {
    simd.vectorize(
        #[inline(always)]
        || {
            for (row, sum) in rows.iter().zip(sums) {
                let mut parts = [0.0; 8];
                for_wide!(S, R, simd, |lane, x = row| {
                    add_to::<S>(simd, x, &mut parts[lane % 8..]);
                });
                let [a, b, c, d, e, f, g, h] = parts;
                *sum += ((a + e) + (c + g)) + ((b + f) + (d + h));
            }
        },
    )
}

/// Draws a local index in each lane from log-conditionals, as NetKet's `batch_choice`:
/// the number of partial sums of p that are below `uniform` times the whole.
///
/// `cumulative` is scratch, a row for each local state.
pub fn draw<R: Real>(
    level: Level,
    planes: usize,
    machine_pow: u32,
    log_conditionals: &[R::Row],
    uniform: &[f64],
    cumulative: &mut [R::Row],
    index: &mut [u8],
) {
    dispatch!(level, simd => draw_on::<_, R>(
        simd, planes, machine_pow, log_conditionals, uniform, cumulative, index))
}

#[inline(always)]
fn draw_on<S: Simd, R: Real>(
    simd: S,
    planes: usize,
    machine_pow: u32,
    log_conditionals: &[R::Row],
    uniform: &[f64],
    cumulative: &mut [R::Row],
    index: &mut [u8],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            let p = number::<S, R>(simd, machine_pow.into());
            for lane in (0..R::Row::LANES).step_by(len) {
                let mut sum = number::<S, R>(simd, 0.0);
                for (k, (c, y)) in cumulative
                    .iter_mut()
                    .zip(log_conditionals.iter().step_by(planes))
                    .enumerate()
                {
                    let y = V::<S, R>::from_slice(simd, &y[lane..lane + len]);
                    let probability = math::exp::<S, R>(simd, p * y);
                    sum = if k == 0 {
                        probability
                    } else {
                        sum + probability
                    };
                    sum.store_slice(&mut c[lane..lane + len]);
                }
            }
            let whole = cumulative[cumulative.len() - 1];
            index.fill(0);
            for c in cumulative.iter() {
                for ((index, c), (whole, uniform)) in index
                    .iter_mut()
                    .zip(c.iter())
                    .zip(whole.iter().zip(uniform))
                {
                    *index += u8::from(whole.widen() * uniform > c.widen());
                }
            }
        },
    )
}

/// y ← e^y.
pub fn exp_in_place<R: Real>(level: Level, y: &mut [R::Row]) {
    dispatch!(level, simd => exp_on::<_, R>(simd, y))
}

#[inline(always)]
fn exp_on<S: Simd, R: Real>(simd: S, y: &mut [R::Row]) {
    simd.vectorize(
        #[inline(always)]
        || {
            for y in y {
                for y in y.chunks_exact_mut(V::<S, R>::LEN) {
                    math::exp::<S, R>(simd, V::<S, R>::from_slice(simd, y)).store_slice(y);
                }
            }
        },
    )
}

/// (re, im) ← e^(re + i im), in double precision; lengths are multiples of 16.
pub fn exp_complex(level: Level, re: &mut [f64], im: &mut [f64]) {
    if im.iter().all(|&im| im == 0.0) {
        return dispatch!(level, simd => exp_f64_on(simd, re));
    }
    let small = |im: &f64| im.abs() <= <f64 as math::Constants>::SINCOS_MAX;
    if !im.iter().all(small) {
        for (re, im) in re.iter_mut().zip(im) {
            let (modulus, (sin, cos)) = (re.exp(), im.sin_cos());
            (*re, *im) = (modulus * cos, modulus * sin);
        }
    } else {
        dispatch!(level, simd => exp_complex_on(simd, re, im));
    }
}

#[inline(always)]
fn exp_f64_on<S: Simd>(simd: S, x: &mut [f64]) {
    simd.vectorize(
        #[inline(always)]
        || {
            for x in x.chunks_exact_mut(V::<S, f64>::LEN) {
                math::exp::<S, f64>(simd, V::<S, f64>::from_slice(simd, x)).store_slice(x);
            }
        },
    )
}

#[inline(always)]
fn exp_complex_on<S: Simd>(simd: S, re: &mut [f64], im: &mut [f64]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, f64>::LEN;
            for (re, im) in re.chunks_exact_mut(len).zip(im.chunks_exact_mut(len)) {
                let modulus = math::exp::<S, f64>(simd, V::<S, f64>::from_slice(simd, re));
                let (sin, cos) = math::sincos::<S, f64>(simd, V::<S, f64>::from_slice(simd, im));
                (modulus * cos).store_slice(re);
                (modulus * sin).store_slice(im);
            }
        },
    )
}

/// Elements `first…` of `jax.random.uniform(key, dtype=float64)`; the length is a multiple of 16.
pub fn uniforms(level: Level, key: Key, first: u64, out: &mut [f64]) {
    dispatch!(level, simd => uniforms_on(simd, key, first, out))
}

#[inline(always)]
fn uniforms_on<S: Simd>(simd: S, key: Key, first: u64, out: &mut [f64]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let (blocks, _) = out.as_chunks_mut::<16>();
            for (i, block) in blocks.iter_mut().enumerate() {
                *block = key.uniforms(first + 16 * i as u64);
            }
        },
    )
}
