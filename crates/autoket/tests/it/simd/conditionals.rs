//! Conditionals and their derivatives against their formulas.

use autoket::random::Key;
use autoket::scalar::Real;
use autoket::simd::{
    Row, add_log_conditional, draw, levels, log_normalise, pick, pull_back_conditionals,
};

use super::rows;

fn conditionals<R: Real>() {
    let eps = R::epsilon().widen();
    for (name, level) in levels() {
        for (planes, states, power) in [(1, 2, 2), (2, 2, 2), (1, 3, 1), (2, 5, 3), (1, 1, 2)] {
            let mut raw = rows::<R>(planes * states, 20 + states as i64);
            for row in &mut raw {
                for x in row.iter_mut() {
                    *x *= R::from_f64(6.0);
                }
            }
            let mut y = rows::<R>(planes * states, 1);
            log_normalise::<R>(level, planes, power, &raw, &mut y);
            let p = f64::from(power);
            for lane in 0..R::Row::LANES {
                let at = |rows: &[R::Row], s: usize| rows[s * planes][lane].widen();
                let sum: f64 = (0..states).map(|s| (p * at(&raw, s)).exp()).sum();
                for s in 0..states {
                    let expected = at(&raw, s) - sum.ln() / p;
                    let error = (at(&y, s) - expected).abs();
                    assert!(error <= 40.0 * eps, "{name} {error:e}");
                    if planes == 2 {
                        // Imaginary parts stay.
                        assert_eq!(y[2 * s + 1][lane], raw[2 * s + 1][lane]);
                    }
                }
            }

            let uniform: Vec<f64> = (0..R::Row::LANES as u64)
                .map(|i| Key::new(99).uniform(i))
                .collect();
            let mut cumulative = vec![R::Row::splat(R::nan()); states];
            let mut index = vec![u8::MAX; R::Row::LANES];
            draw::<R>(
                level,
                planes,
                power,
                &y,
                &uniform,
                &mut cumulative,
                &mut index,
            );
            let mut decided = 0;
            for lane in 0..R::Row::LANES {
                let mut edge = 0.0;
                let mut expected = 0;
                let mut near = false;
                for s in 0..states {
                    edge += (p * y[s * planes][lane].widen()).exp();
                    expected += u8::from(uniform[lane] > edge);
                    // Only rounding decides so near an edge.
                    near |= (uniform[lane] - edge).abs() < 100.0 * eps;
                }
                if !near {
                    decided += 1;
                    assert_eq!(index[lane], expected, "{name} lane {lane}");
                }
                assert!(usize::from(index[lane]) < states);
            }

            let local_states: Vec<R> = (0..states).map(|s| R::from_f64(2.0 * s as f64)).collect();
            let mut values = R::Row::splat(R::nan());
            for (value, &index) in values.iter_mut().zip(&index) {
                *value = local_states[usize::from(index)];
            }
            let mut own = vec![R::Row::splat(R::nan()); planes];
            pick::<R>(level, planes, &local_states, &values, &y, &mut own);
            for (plane, lane) in (0..planes).flat_map(|p| (0..R::Row::LANES).map(move |l| (p, l))) {
                let expected = y[usize::from(index[lane]) * planes + plane][lane];
                assert_eq!(own[plane][lane], expected);
            }
            assert!(decided >= R::Row::LANES - 1);
        }
    }
}

#[test]
fn conditionals_are_normalised_and_drawn() {
    conditionals::<f32>();
    conditionals::<f64>();
}

/// What goes back from conditionals to outputs, and what a change of outputs does to log ψ.
fn derivatives_of_conditionals<R: Real>() {
    let eps = R::epsilon().widen();
    for (name, level) in levels() {
        for (planes, states, power) in [(1, 2, 2), (2, 2, 2), (1, 3, 1), (2, 5, 3)] {
            let z = rows::<R>(planes * states, 30 + states as i64);
            let mut y = z.clone();
            log_normalise::<R>(level, planes, power, &z, &mut y);
            let local_states: Vec<R> = (0..states).map(|s| R::from_f64(s as f64)).collect();
            let index = |lane: usize| (7 * lane + 3) % states;
            let mut values = R::Row::splat(R::nan());
            for (lane, value) in values.iter_mut().enumerate() {
                *value = local_states[index(lane)];
            }
            let cotangent: [R::Row; 2] = rows::<R>(2, 40).try_into().unwrap();
            let mut dz = vec![R::Row::splat(R::nan()); planes * states];
            pull_back_conditionals::<R>(
                level,
                planes,
                power,
                &local_states,
                &values,
                &y,
                &cotangent,
                &mut dz,
            );
            let before = rows::<R>(planes, 41);
            let mut sums = [[0.25; 32]; 2];
            add_log_conditional::<R>(
                level,
                planes,
                power,
                &local_states,
                &values,
                |k| &z[k],
                &before,
                &mut sums,
            );
            for lane in 0..R::Row::LANES {
                for s in 0..states {
                    let own = f64::from(u8::from(s == index(lane)));
                    let p = (f64::from(power) * y[s * planes][lane].widen()).exp();
                    let parts = [own - p, own];
                    for plane in 0..planes {
                        let expected = cotangent[plane][lane].widen() * parts[plane];
                        let error = (dz[s * planes + plane][lane].widen() - expected).abs();
                        assert!(error <= 40.0 * eps, "{name} {error:e}");
                    }
                }
                for plane in 0..planes {
                    let own = y[index(lane) * planes + plane][lane].widen();
                    let expected = 0.25 + own - before[plane][lane].widen();
                    let error = (sums[plane][lane] - expected).abs();
                    assert!(error <= 40.0 * eps, "{name} {error:e}");
                }
            }
        }
    }
}

#[test]
fn derivatives_of_conditionals_are_their_formulas() {
    derivatives_of_conditionals::<f32>();
    derivatives_of_conditionals::<f64>();
}

/// Numbers too large to exponentiate are normalised all the same.
#[test]
fn large_log_amplitudes_are_normalised() {
    for (_, level) in levels() {
        let z = [700.0, 701.0].map(<f64 as Real>::Row::splat);
        let mut y = z;
        log_normalise::<f64>(level, 1, 2, &z, &mut y);
        let expected = -0.5 * (1.0f64 + 2.0f64.exp()).ln();
        assert!((y[0][3] - expected).abs() < 1e-12);
    }
}
