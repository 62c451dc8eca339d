//! Products of rows against those of numbers.

use autoket::c64;
use autoket::scalar::Real;
use autoket::simd::{Row, add_product, levels};

use super::rows;

fn products<R: Real>() {
    let (a, b, start) = (rows::<R>(6, 80), rows::<R>(6, 81), rows::<R>(6, 82));
    let factor = rows::<R>(1, 83)[0];
    let number = |rows: &[R::Row], planes: usize, k: usize, lane: usize| {
        let im = if planes == 2 {
            rows[k + 1][lane]
        } else {
            R::zero()
        };
        c64::new(rows[k][lane].widen(), im.widen())
    };
    for (name, level) in levels() {
        for (planes, with_b, conjugate) in [
            (1, false, false),
            (1, true, false),
            (1, true, true),
            (2, false, true),
            (2, true, false),
            (2, true, true),
        ] {
            let mut out = start.clone();
            let other = with_b.then_some(&b[..]);
            add_product::<R>(level, planes, &factor, &a, other, conjugate, &mut out);
            for k in (0..6).step_by(planes) {
                for lane in 0..R::Row::LANES {
                    let b = match (with_b, conjugate) {
                        (false, _) => c64::ONE,
                        (true, false) => number(&b, planes, k, lane),
                        (true, true) => number(&b, planes, k, lane).conj(),
                    };
                    let product = number(&a, planes, k, lane) * b * factor[lane].widen();
                    let expected = number(&start, planes, k, lane) + product;
                    let error = (number(&out, planes, k, lane) - expected).norm();
                    // Four terms of at most 1, each rounded.
                    assert!(
                        error <= 8.0 * R::epsilon().widen(),
                        "{name} {planes}: {error:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn products_are_products() {
    products::<f32>();
    products::<f64>();
}
