//! Exponentials and random numbers.

use autoket::c64;
use autoket::random::Key;
use autoket::simd::{exp_complex, levels, uniforms};

#[test]
fn complex_exponentials_are_their_parts() {
    for (_, level) in levels() {
        // The second row has a phase beyond what the vector sine bears.
        for large in [1.0, 1e9] {
            let (mut re, mut im) = (vec![0.0; 32], vec![0.0; 32]);
            for i in 0..32 {
                re[i] = (i as f64).sin();
                im[i] = (7.0 * i as f64).cos() * 3.0 * if i == 9 { large } else { 1.0 };
            }
            let z: Vec<c64> = re.iter().zip(&im).map(|(&a, &b)| c64::new(a, b)).collect();
            exp_complex(level, &mut re, &mut im);
            for (i, z) in z.iter().enumerate() {
                assert!((c64::new(re[i], im[i]) - z.exp()).norm() < 1e-14, "{z}");
            }
        }
    }
}

#[test]
fn uniforms_are_those_of_the_key() {
    let key = Key::new(-5);
    for (_, level) in levels() {
        // Across the carry into the counter's high word.
        for first in [0, 5, (1 << 32) - 7] {
            let mut out = [0.0; 48];
            uniforms(level, key, first, &mut out);
            for (i, &x) in out.iter().enumerate() {
                assert_eq!(x.to_bits(), key.uniform(first + i as u64).to_bits());
            }
        }
    }
}
