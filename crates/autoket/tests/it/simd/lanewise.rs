//! From rows to lanes and back.

use autoket::scalar::Real;
use autoket::simd::{Row, gather_lanes, levels, scatter_lanes};

use super::rows;

/// Whole squares of a vector's length, and what is left over.
fn there_and_back<R: Real>() {
    for (name, level) in levels() {
        for n in (0..40).chain([64, 100]) {
            let from = rows::<R>(n, 70);
            let (stride, first) = (n + 5, 3);
            let mut by_lane = vec![R::nan(); R::Row::LANES * stride];
            scatter_lanes::<R>(level, &from, &mut by_lane[first..], stride);
            for (lane, numbers) in by_lane.chunks_exact(stride).enumerate() {
                for (k, row) in from.iter().enumerate() {
                    assert_eq!(numbers[first + k], row[lane], "{name}, {n} rows");
                }
                let untouched = numbers[..first].iter().chain(&numbers[first + n..]);
                assert!(untouched.copied().all(R::is_nan), "{name}, {n} rows");
            }
            // Lanes in another order.
            let of = |lane: usize| (5 * lane + 3) % R::Row::LANES;
            let sources: Vec<&[R]> = (0..R::Row::LANES)
                .map(|lane| &by_lane[of(lane) * stride..][..stride])
                .collect();
            let mut to = rows::<R>(n, 71);
            gather_lanes::<R>(level, &sources, first, &mut to);
            for (to, from) in to.iter().zip(&from) {
                for lane in 0..R::Row::LANES {
                    assert_eq!(to[lane], from[of(lane)], "{name}, {n} rows");
                }
            }
        }
    }
}

#[test]
fn lanes_are_scattered_and_gathered() {
    there_and_back::<f32>();
    there_and_back::<f64>();
}
