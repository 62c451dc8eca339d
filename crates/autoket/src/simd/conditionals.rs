//! Conditionals of one site: normalised, drawn from, picked by the site's state, differentiated.

use fearless_simd::{Level, Select, Simd, SimdBase, dispatch};

use super::lanes::Row;
use super::math::number;
use super::math::{self, V, splat};
use super::sums::add_to;
use crate::scalar::Real;

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
                let log_norm =
                    log_norm::<S, R>(simd, planes, machine_pow, z.len(), |k| &z[k], lane);
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
fn log_norm<'a, S: Simd, R: Real>(
    simd: S,
    planes: usize,
    machine_pow: u32,
    n_rows: usize,
    z: impl Fn(usize) -> &'a R::Row,
    lane: usize,
) -> V<S, R> {
    let at = |k: usize| V::<S, R>::from_slice(simd, &z(k)[lane..lane + V::<S, R>::LEN]);
    let p = number::<S, R>(simd, machine_pow.into());
    let mut max = at(0);
    for k in (planes..n_rows).step_by(planes) {
        let v = at(k);
        max = v.simd_gt(max).select(v, max);
    }
    let mut sum = number::<S, R>(simd, 0.0);
    for k in (0..n_rows).step_by(planes) {
        sum += math::exp::<S, R>(simd, (at(k) - max) * p);
    }
    max + math::log::<S, R>(simd, sum) / p
}

/// Adds to `sums`, for each of `planes`, the log-conditional of each lane's local state less `before`.
///
/// `z` gives the rows of log-amplitudes before they are normalised; arguments as in [`log_normalise`] and [`pick`].
pub fn add_log_conditional<'a, R: Real>(
    level: Level,
    planes: usize,
    machine_pow: u32,
    local_states: &[R],
    values: &R::Row,
    z: impl Fn(usize) -> &'a R::Row + Copy,
    before: &[R::Row],
    sums: &mut [[f64; 32]; 2],
) {
    dispatch!(level, simd => add_log_conditional_on::<_, R>(
        simd, planes, machine_pow, local_states, values, z, before, sums))
}

#[inline(always)]
fn add_log_conditional_on<'a, S: Simd, R: Real>(
    simd: S,
    planes: usize,
    machine_pow: u32,
    local_states: &[R],
    values: &R::Row,
    z: impl Fn(usize) -> &'a R::Row + Copy,
    before: &[R::Row],
    sums: &mut [[f64; 32]; 2],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            for lane in (0..R::Row::LANES).step_by(len) {
                let n_rows = local_states.len() * planes;
                let log_norm = log_norm::<S, R>(simd, planes, machine_pow, n_rows, z, lane);
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
fn picked<'a, S: Simd, R: Real>(
    simd: S,
    planes: usize,
    plane: usize,
    local_states: &[R],
    values: &R::Row,
    y: impl Fn(usize) -> &'a R::Row,
    lane: usize,
) -> V<S, R> {
    let at = |row: &R::Row| V::<S, R>::from_slice(simd, &row[lane..lane + V::<S, R>::LEN]);
    let value = at(values);
    let mut picked = number::<S, R>(simd, f64::NAN);
    for (s, &state) in local_states.iter().enumerate() {
        picked = value
            .simd_eq(splat::<S, R>(simd, state))
            .select(at(y(s * planes + plane)), picked);
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
                    picked::<S, R>(simd, planes, plane, local_states, values, |k| &y[k], lane)
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
