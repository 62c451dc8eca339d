//! From rows of lanes to the numbers of each lane side by side, and back: transposition in registers.

use fearless_simd::{Level, Simd, SimdBase, dispatch};

use super::lanes::Row;
use super::math::V;
use crate::scalar::Real;

/// The longest vector of the smallest numbers.
const MAX_LEN: usize = 16;

/// to\[lane · stride + k\] = rows\[k\]\[lane\].
pub fn scatter_lanes<R: Real>(level: Level, rows: &[R::Row], to: &mut [R], stride: usize) {
    dispatch!(level, simd => scatter_on::<_, R>(simd, rows, to, stride))
}

#[inline(always)]
fn scatter_on<S: Simd, R: Real>(simd: S, rows: &[R::Row], to: &mut [R], stride: usize) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            for (square, rows) in rows.chunks(len).enumerate() {
                for lane in (0..R::Row::LANES).step_by(len) {
                    let first = square * len;
                    if rows.len() == len {
                        let columns = transposed::<S, R>(simd, |k| &rows[k][lane..lane + len]);
                        for (l, column) in columns[..len].iter().enumerate() {
                            column.store_slice(&mut to[(lane + l) * stride + first..][..len]);
                        }
                    } else {
                        for l in lane..lane + len {
                            for (k, row) in rows.iter().enumerate() {
                                to[l * stride + first + k] = row[l];
                            }
                        }
                    }
                }
            }
        },
    )
}

/// rows\[k\]\[lane\] = from\[lane\]\[first + k\].
pub fn gather_lanes<R: Real>(level: Level, from: &[&[R]], first: usize, rows: &mut [R::Row]) {
    dispatch!(level, simd => gather_on::<_, R>(simd, from, first, rows))
}

#[inline(always)]
fn gather_on<S: Simd, R: Real>(simd: S, from: &[&[R]], first: usize, rows: &mut [R::Row]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            for (square, rows) in rows.chunks_mut(len).enumerate() {
                let first = first + square * len;
                let lanes = (0..R::Row::LANES).step_by(len);
                for (lane, from) in lanes.zip(from.chunks_exact(len)) {
                    if rows.len() == len {
                        let columns = transposed::<S, R>(simd, |l| &from[l][first..first + len]);
                        for (row, column) in rows.iter_mut().zip(&columns) {
                            column.store_slice(&mut row[lane..lane + len]);
                        }
                    } else {
                        for (l, from) in from.iter().enumerate() {
                            for (row, &x) in rows.iter_mut().zip(&from[first..]) {
                                row[lane + l] = x;
                            }
                        }
                    }
                }
            }
        },
    )
}

/// The transpose of a square of `LEN` lines: line k and line k + LEN/2 are zipped, LEN · log LEN times.
#[inline(always)]
fn transposed<'a, S: Simd, R: Real>(
    simd: S,
    line: impl Fn(usize) -> &'a [R],
) -> [V<S, R>; MAX_LEN] {
    let len = V::<S, R>::LEN;
    let zero = V::<S, R>::splat(simd, R::zero());
    let mut lines = [zero; MAX_LEN];
    for k in 0..len {
        lines[k] = V::<S, R>::from_slice(simd, line(k));
    }
    let mut rounds = len;
    while rounds > 1 {
        let mut zipped = [zero; MAX_LEN];
        for k in 0..len / 2 {
            zipped[2 * k] = lines[k].zip_low(lines[k + len / 2]);
            zipped[2 * k + 1] = lines[k].zip_high(lines[k + len / 2]);
        }
        lines = zipped;
        rounds /= 2;
    }
    lines
}
