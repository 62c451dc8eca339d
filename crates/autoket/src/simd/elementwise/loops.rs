//! Functions over rows, each compiled for itself on every SIMD level.

use fearless_simd::{Level, Simd, SimdBase, dispatch};

use super::{OnComplex, OnReals};
use crate::scalar::Real;
use crate::simd::Row;
use crate::simd::math::complex::{Parts, Z};
use crate::simd::math::{V, splat};

pub(super) fn apply<R: Real>(
    level: Level,
    f: impl OnReals,
    scale: R,
    z: &[R::Row],
    base: Option<&[R::Row]>,
    y: &mut [R::Row],
) {
    dispatch!(level, simd => apply_on::<_, R>(simd, f, scale, z, base, y));
}

#[inline(always)]
fn apply_on<S: Simd, R: Real>(
    simd: S,
    f: impl OnReals,
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
                    let mut value: V<S, R> = match scale == R::one() {
                        true => f.value::<S, R>(simd, z),
                        false => f.value::<S, R>(simd, z * c) * reciprocal,
                    };
                    if let Some(base) = base {
                        value -= V::<S, R>::from_slice(simd, &base[k][lane..lane + len]);
                    }
                    value.store_slice(&mut y[lane..lane + len]);
                }
            }
        },
    )
}

pub(super) fn pull_back<R: Real>(
    level: Level,
    f: impl OnReals,
    scale: R,
    x: &[R::Row],
    dy: &mut [R::Row],
) {
    dispatch!(level, simd => pull_back_on::<_, R>(simd, f, scale, x, dy));
}

#[inline(always)]
fn pull_back_on<S: Simd, R: Real>(
    simd: S,
    f: impl OnReals,
    scale: R,
    x: &[R::Row],
    dy: &mut [R::Row],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            let c = splat::<S, R>(simd, scale);
            for (x, dy) in x.iter().zip(dy) {
                for (x, dy) in x.chunks_exact(len).zip(dy.chunks_exact_mut(len)) {
                    let x = V::<S, R>::from_slice(simd, x) * c;
                    let slope: V<S, R> = f.slope::<S, R>(simd, x);
                    let d: V<S, R> = V::<S, R>::from_slice(simd, dy) * slope;
                    d.store_slice(dy);
                }
            }
        },
    )
}

#[inline(always)]
fn load<S: Simd, R: Real>(simd: S, rows: &[R::Row; 2], lane: usize) -> Z<S, R> {
    let lanes = lane..lane + V::<S, R>::LEN;
    Parts::<V<S, R>> {
        re: V::<S, R>::from_slice(simd, &rows[0][lanes.clone()]),
        im: V::<S, R>::from_slice(simd, &rows[1][lanes]),
    }
}

#[inline(always)]
fn store<S: Simd, R: Real>(z: Z<S, R>, rows: &mut [R::Row; 2], lane: usize) {
    let lanes = lane..lane + V::<S, R>::LEN;
    z.re.store_slice(&mut rows[0][lanes.clone()]);
    z.im.store_slice(&mut rows[1][lanes]);
}

pub(super) fn apply_complex<R: Real>(
    level: Level,
    f: impl OnComplex,
    z: &[R::Row],
    base: Option<&[R::Row]>,
    y: &mut [R::Row],
) {
    dispatch!(level, simd => apply_complex_on::<_, R>(simd, f, z, base, y));
}

#[inline(always)]
fn apply_complex_on<S: Simd, R: Real>(
    simd: S,
    f: impl OnComplex,
    z: &[R::Row],
    base: Option<&[R::Row]>,
    y: &mut [R::Row],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let pairs = z.as_chunks::<2>().0.iter().zip(y.as_chunks_mut::<2>().0);
            for (k, (z, y)) in pairs.enumerate() {
                for lane in (0..R::Row::LANES).step_by(V::<S, R>::LEN) {
                    let z = load::<S, R>(simd, z, lane);
                    let mut value: Z<S, R> = f.value::<S, R>(simd, z);
                    if let Some(base) = base {
                        let base = load::<S, R>(simd, &[base[2 * k], base[2 * k + 1]], lane);
                        value.re -= base.re;
                        value.im -= base.im;
                    }
                    store::<S, R>(value, y, lane);
                }
            }
        },
    )
}

pub(super) fn pull_back_complex<R: Real>(
    level: Level,
    f: impl OnComplex,
    x: &[R::Row],
    dy: &mut [R::Row],
) {
    dispatch!(level, simd => pull_back_complex_on::<_, R>(simd, f, x, dy));
}

#[inline(always)]
fn pull_back_complex_on<S: Simd, R: Real>(
    simd: S,
    f: impl OnComplex,
    x: &[R::Row],
    dy: &mut [R::Row],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            for (x, dy) in x.as_chunks::<2>().0.iter().zip(dy.as_chunks_mut::<2>().0) {
                for lane in (0..R::Row::LANES).step_by(V::<S, R>::LEN) {
                    let x = load::<S, R>(simd, x, lane);
                    let slope: Z<S, R> = f.slope::<S, R>(simd, x);
                    let conjugate = Parts::<V<S, R>> {
                        re: slope.re,
                        im: -slope.im,
                    };
                    let d: Z<S, R> = conjugate * load::<S, R>(simd, dy, lane);
                    store::<S, R>(d, dy, lane);
                }
            }
        },
    )
}
