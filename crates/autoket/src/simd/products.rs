//! Products of rows, feature by feature.

use fearless_simd::{Level, Simd, dispatch};

use crate::scalar::Real;

/// out += factor · a b, or factor · a where there is no b, with a factor for each lane; with two `planes` rows are real and imaginary parts
/// of complex features. `conjugate` takes the conjugate of b.
pub fn add_product<R: Real>(
    level: Level,
    planes: usize,
    factor: &R::Row,
    a: &[R::Row],
    b: Option<&[R::Row]>,
    conjugate: bool,
    out: &mut [R::Row],
) {
    dispatch!(level, simd => simd.vectorize(#[inline(always)] || match (b, planes) {
        (None, _) => {
            for (out, a) in out.iter_mut().zip(a) {
                for ((out, &a), &factor) in out.iter_mut().zip(a.iter()).zip(factor.iter()) {
                    *out += factor * a;
                }
            }
        }
        (Some(b), 1) => {
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                for (((out, &a), &b), &factor) in out.iter_mut().zip(a.iter()).zip(b.iter()).zip(factor.iter()) {
                    *out += factor * a * b;
                }
            }
        }
        (Some(b), _) => {
            let sign = if conjugate { -R::one() } else { R::one() };
            let pairs = a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0);
            for (out, ([a_re, a_im], [b_re, b_im])) in out.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
                for lane in 0..a_re.len() {
                    let (b_re, b_im) = (b_re[lane], sign * b_im[lane]);
                    let (a_re, a_im) = (factor[lane] * a_re[lane], factor[lane] * a_im[lane]);
                    out[0][lane] += a_re * b_re - a_im * b_im;
                    out[1][lane] += a_re * b_im + a_im * b_re;
                }
            }
        }
    }))
}
