//! Sums over rows and lanes, in double precision whatever that of the rows.

use fearless_simd::{Level, Simd, SimdBase, dispatch};

use super::lanes::Row;
use super::math::V;
use crate::scalar::Real;

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
pub(super) fn add_to<S: Simd>(simd: S, x: S::f64s, sums: &mut [f64]) {
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
pub fn add_elementwise<R: Real>(
    level: Level,
    a: &[R::Row],
    b: &[[f64; 32]],
    sums: &mut [[f64; 32]],
) {
    dispatch!(level, simd => add_elementwise_on::<_, R>(simd, a, b, sums))
}

#[inline(always)]
fn add_elementwise_on<S: Simd, R: Real>(
    simd: S,
    a: &[R::Row],
    b: &[[f64; 32]],
    sums: &mut [[f64; 32]],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            for ((a, b), sums) in a.iter().zip(b).zip(sums) {
                for_wide!(S, R, simd, |lane, a = a| {
                    let b = S::f64s::from_slice(simd, &b[lane..lane + S::f64s::LEN]);
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
