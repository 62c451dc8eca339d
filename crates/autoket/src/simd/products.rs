//! Products of rows, feature by feature.

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch};

use super::lanes::Row;
use super::math::V;
use crate::scalar::Real;

/// out += factor · a b, or factor · a where there is no b, with a factor for each lane; with two `planes` rows are
/// real and imaginary parts of complex features. `conjugate` takes the conjugate of b.
pub fn add_product<R: Real>(
    level: Level,
    planes: usize,
    factor: &R::Row,
    a: &[R::Row],
    b: Option<&[R::Row]>,
    conjugate: bool,
    out: &mut [R::Row],
) {
    match (b, planes) {
        (None, _) => dispatch!(level, simd => add_multiple::<_, R>(simd, factor, a, out)),
        (Some(b), 1) => dispatch!(level, simd => add_real::<_, R>(simd, factor, a, b, out)),
        (Some(b), _) => {
            dispatch!(level, simd => add_complex::<_, R>(simd, factor, a, b, conjugate, out))
        }
    }
}

#[inline(always)]
fn add_multiple<S: Simd, R: Real>(simd: S, factor: &R::Row, a: &[R::Row], out: &mut [R::Row]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            for (a, out) in a.iter().zip(out) {
                for lane in (0..R::Row::LANES).step_by(len) {
                    let at = |row: &R::Row| V::<S, R>::from_slice(simd, &row[lane..lane + len]);
                    let sum = at(factor).mul_add(at(a), at(out));
                    sum.store_slice(&mut out[lane..lane + len]);
                }
            }
        },
    )
}

#[inline(always)]
fn add_real<S: Simd, R: Real>(
    simd: S,
    factor: &R::Row,
    a: &[R::Row],
    b: &[R::Row],
    out: &mut [R::Row],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            for ((a, b), out) in a.iter().zip(b).zip(out) {
                for lane in (0..R::Row::LANES).step_by(len) {
                    let at = |row: &R::Row| V::<S, R>::from_slice(simd, &row[lane..lane + len]);
                    let sum = (at(factor) * at(a)).mul_add(at(b), at(out));
                    sum.store_slice(&mut out[lane..lane + len]);
                }
            }
        },
    )
}

#[inline(always)]
fn add_complex<S: Simd, R: Real>(
    simd: S,
    factor: &R::Row,
    a: &[R::Row],
    b: &[R::Row],
    conjugate: bool,
    out: &mut [R::Row],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            let len = V::<S, R>::LEN;
            let pairs = a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0);
            for (out, (a, b)) in out.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
                for lane in (0..R::Row::LANES).step_by(len) {
                    let at = |row: &R::Row| V::<S, R>::from_slice(simd, &row[lane..lane + len]);
                    let (a_re, a_im) = (at(factor) * at(&a[0]), at(factor) * at(&a[1]));
                    let (b_re, b_im) = (at(&b[0]), at(&b[1]));
                    let b_im = if conjugate { -b_im } else { b_im };
                    let re = a_re.mul_add(b_re, at(&out[0])) - a_im * b_im;
                    let im = a_re.mul_add(b_im, at(&out[1])) + a_im * b_re;
                    re.store_slice(&mut out[0][lane..lane + len]);
                    im.store_slice(&mut out[1][lane..lane + len]);
                }
            }
        },
    )
}
