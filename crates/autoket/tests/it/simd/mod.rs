//! Everything that runs on lanes, on every SIMD level of this machine.

mod conditionals;
mod elementwise;
mod functions;
mod lanewise;
mod math;
mod products;
mod sums;
mod tiles;

use autoket::random::Key;
use autoket::scalar::Real;
use autoket::simd::{Row, levels};

/// Rows of numbers in (-1, 1).
fn rows<R: Real>(n: usize, seed: i64) -> Vec<R::Row> {
    let key = Key::new(seed);
    (0..n)
        .map(|i| {
            let mut row = R::Row::splat(R::zero());
            for (lane, x) in row.iter_mut().enumerate() {
                *x = R::from_f64(2.0 * key.uniform((64 * i + lane) as u64) - 1.0);
            }
            row
        })
        .collect()
}

fn numbers<R: Real>(n: usize, seed: i64) -> Vec<R> {
    let key = Key::new(seed);
    (0..n as u64)
        .map(|i| R::from_f64(2.0 * key.uniform(i) - 1.0))
        .collect()
}

/// The level that is asked for is the one in use, if the machine has it.
#[test]
fn the_level_is_the_one_asked_for() {
    let asked = std::env::var("AUTOKET_SIMD").unwrap_or_default();
    if let Some((_, level)) = levels().into_iter().find(|(name, _)| *name == asked) {
        assert_eq!(
            format!("{:?}", autoket::simd::level()),
            format!("{level:?}")
        );
    }
}
