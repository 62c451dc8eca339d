//! Products against plain loops.

use autoket::scalar::Real;
use autoket::simd::{Across, Flat, Precision, Row, Start, Tap, Tiles, levels};

use super::{numbers, rows};

/// Error of a sum of `terms` products below 1 each: rounding of sums up to `terms`, at each term.
fn sum_error<R: Real>(precision: Precision, terms: usize) -> f64 {
    let terms = terms as f64 + 1.0;
    match (precision, size_of::<R>()) {
        // Summed in double precision and rounded once.
        (Precision::Highest, 4) => R::epsilon().widen() * terms,
        _ => R::epsilon().widen() * terms * terms,
    }
}

fn products<R: Real>() {
    let taps: Vec<Tap> = [(0, 0), (2, 20), (1, 7)]
        .map(|(block, row)| Tap { block, row })
        .to_vec();
    let pairs = [[0, 20], [20, 0], [3, 5]];
    let (x, dy) = (rows::<R>(40, 1), rows::<R>(40, 2));
    for (name, level) in levels() {
        for precision in [Precision::Default, Precision::High, Precision::Highest] {
            let tiles = Tiles { level, precision };
            for (i, o) in (1..=20).flat_map(|i| (1..=20).map(move |o| (i, o))) {
                let weights = numbers::<R>(3 * i * o, 3);
                let bias = numbers::<R>(o, 4);
                let flat = Flat {
                    weights: &weights[..],
                    features_out: o,
                };
                let mut y = vec![R::Row::splat(R::nan()); o];
                let starts = [
                    Start::Zero,
                    Start::Bias(&bias),
                    Start::Rows(&dy[3..]),
                    Start::Own,
                ];
                let start = starts[(i + o) % 4];
                let own = &dy[7..7 + o];
                if matches!(start, Start::Own) {
                    y.copy_from_slice(own);
                }
                tiles.site::<R>(flat, start, i, &taps, &x, &mut y);
                for k in 0..o {
                    for lane in 0..R::Row::LANES {
                        let mut sum = match start {
                            Start::Zero => 0.0,
                            Start::Bias(bias) => bias[k].widen(),
                            Start::Rows(rows) => rows[k][lane].widen(),
                            Start::Own => own[k][lane].widen(),
                        };
                        for tap in &taps {
                            for f in 0..i {
                                let w = weights[(tap.block as usize * i + f) * o + k];
                                sum += w.widen() * x[tap.row as usize + f][lane].widen();
                            }
                        }
                        let error = (y[k][lane].widen() - sum).abs();
                        assert!(
                            error <= sum_error::<R>(precision, 3 * i),
                            "{name} {precision:?} site {i} {o}: {error:e}"
                        );
                    }
                }

                let stride = o + i % 3;
                let mut out = vec![R::Row::splat(R::nan()); i * stride];
                let samples = [(&x[..], &dy[..]), (&dy[..], &x[..])];
                tiles.outer::<R>(&pairs, &samples, [i, o], &mut out, stride);
                for (f, k) in (0..i).flat_map(|f| (0..o).map(move |k| (f, k))) {
                    for lane in 0..R::Row::LANES {
                        let sum: f64 = pairs
                            .iter()
                            .map(|&[a, b]| {
                                let product = |x: &[R::Row], dy: &[R::Row]| {
                                    x[a as usize + f][lane].widen()
                                        * dy[b as usize + k][lane].widen()
                                };
                                product(&x, &dy) + product(&dy, &x)
                            })
                            .sum();
                        let error = (out[f * stride + k][lane].widen() - sum).abs();
                        assert!(
                            error <= sum_error::<R>(precision, 6),
                            "{name} {precision:?} outer {i} {o}: {error:e}"
                        );
                    }
                }
            }
        }
    }
}

/// Lanes as weights: the products of two panels.
fn panels<R: Real>() {
    let (a, b) = (rows::<R>(50, 5), rows::<R>(50, 6));
    let whole = [Tap { block: 0, row: 0 }];
    for (name, level) in levels() {
        let tiles = Tiles {
            level,
            precision: Precision::Default,
        };
        let mut y = vec![R::Row::splat(R::nan()); R::Row::LANES];
        tiles.site::<R>(Across::<R>(&b), Start::Zero, 50, &whole, &a, &mut y);
        for (k, lane) in (0..R::Row::LANES).flat_map(|k| (0..R::Row::LANES).map(move |l| (k, l))) {
            let sum: f64 = (0..50).map(|i| a[i][lane].widen() * b[i][k].widen()).sum();
            let error = (y[k][lane].widen() - sum).abs();
            assert!(
                error <= sum_error::<R>(Precision::Default, 50),
                "{name} {error:e}"
            );
        }
    }
}

#[test]
fn products_of_panels_are_plain_loops() {
    panels::<f32>();
    panels::<f64>();
}

#[test]
fn tiles_are_plain_loops_f32() {
    products::<f32>();
}

#[test]
fn tiles_are_plain_loops_f64() {
    products::<f64>();
}

/// No input: the bias, and zeros.
#[test]
fn tiles_of_nothing() {
    for (_, level) in levels() {
        let tiles = Tiles {
            level,
            precision: Precision::Default,
        };
        let mut y = vec![<f64 as Real>::Row::splat(f64::NAN); 3];
        let flat = Flat {
            weights: &[][..],
            features_out: 3,
        };
        tiles.site::<f64>(flat, Start::Bias(&[1.0, 2.0, 3.0]), 4, &[], &[], &mut y);
        assert!(y[2].iter().all(|&y| y == 3.0));
        tiles.outer::<f64>(&[], &[(&[], &[])], [3, 1], &mut y, 1);
        assert!(y[1].iter().all(|&y| y == 0.0));
    }
}
