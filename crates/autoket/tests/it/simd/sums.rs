//! Sums over lanes and rows against plain loops.

use autoket::scalar::Real;
use autoket::simd::{
    Row, add_columns, add_difference, add_dots, add_elementwise, add_lanes, add_scaled, center,
    levels, transpose,
};

use super::rows;

/// Sums in double precision over lanes, over rows, and lane by lane.
fn sums<R: Real>() {
    let n = R::Row::LANES;
    let (a, b) = (rows::<R>(5, 50), rows::<R>(5, 51));
    let u: Vec<f64> = (0..5).map(|k| (k as f64).cos()).collect();
    let v: [f64; 32] = std::array::from_fn(|lane| (lane as f64).sin());
    let at = |rows: &[R::Row], k: usize, lane: usize| rows[k][lane].widen();
    let near = |what: &str, got: f64, expected: f64| {
        // Numbers of 1 at most, 32 of them at most, in double precision.
        assert!((got - expected).abs() < 1e-14, "{what}: {got} {expected}");
    };
    for (name, level) in levels() {
        let mut dots = [[0.5; 32]; 5];
        add_dots::<R>(level, &a, &v, &mut dots);
        let mut products = [[0.5; 32]; 5];
        let wide: Vec<[f64; 32]> = (0..5)
            .map(|k| std::array::from_fn(|lane| (lane as f64 + k as f64).cos()))
            .collect();
        add_elementwise::<R>(level, &a, &wide, &mut products);
        let mut lanes = [0.5; 5];
        add_lanes::<R>(level, &a, &mut lanes);
        let mut scaled = [0.5; 32];
        add_scaled::<R>(level, &a, &u, &mut scaled);
        let (mut plain, mut less) = ([0.5; 32], [0.5; 32]);
        add_difference::<R>(level, &a[1], None, &mut plain);
        add_difference::<R>(level, &a[1], Some(&b[1]), &mut less);
        let mut columns = vec![0.5; 5 * 40];
        add_columns::<R>(level, &a, &mut columns, 40);
        let mut centred = a.clone();
        center::<R>(level, &u, &v[..n], &mut centred);
        let mut turned = vec![R::Row::splat(R::nan()); n];
        transpose::<R>(&a, &mut turned);
        for k in 0..5 {
            let sum: f64 = (0..n).map(|lane| at(&a, k, lane)).sum();
            near(name, lanes[k], 0.5 + sum);
            for lane in 0..n {
                near(name, dots[k][lane], 0.5 + at(&a, k, lane) * v[lane]);
                near(name, columns[40 * k + lane], 0.5 + at(&a, k, lane));
                assert_eq!(columns[40 * k + n], 0.5);
                let product = at(&a, k, lane) * wide[k][lane];
                near(name, products[k][lane], 0.5 + product);
                let expected = R::from_f64(v[lane] * (at(&a, k, lane) - u[k]));
                near(name, at(&centred, k, lane), expected.widen());
                assert_eq!(turned[lane][k], a[k][lane]);
                assert_eq!(turned[lane][n - 1], R::zero());
            }
        }
        for lane in 0..n {
            let sum: f64 = (0..5).map(|k| at(&a, k, lane) * u[k]).sum();
            near(name, scaled[lane], 0.5 + sum);
            near(name, plain[lane], 0.5 + at(&a, 1, lane));
            near(name, less[lane], 0.5 + at(&a, 1, lane) - at(&b, 1, lane));
        }
        for lane in n..32 {
            assert_eq!(
                [dots[0][lane], scaled[lane], plain[lane], less[lane]],
                [0.5; 4]
            );
        }
    }
}

#[test]
fn sums_are_plain_loops() {
    sums::<f32>();
    sums::<f64>();
}
