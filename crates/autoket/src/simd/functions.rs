//! Exponentials and random numbers over rows.

use fearless_simd::{Level, Simd, SimdBase, dispatch};

use super::math::{self, V};
use crate::random::Key;
use crate::scalar::Real;

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
    dispatch!(level, simd => exp_complex_on(simd, re, im));
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
