//! Orders in which the sites of a lattice may be visited: `order[k]` is the site visited k-th, sites counted row by row.
//!
//! ```
//! use autoket::graph::order;
//! assert_eq!(order::snake([2, 3]), [0, 1, 2, 5, 4, 3]);
//! assert_eq!(order::diagonal([2, 3]), [0, 1, 3, 2, 4, 5]);
//! assert_eq!(order::spiral([3, 3]), [0, 1, 2, 5, 8, 7, 6, 3, 4]);
//! ```
//!
//! Raster, snake, diagonal and spiral of 4x4 sites, numbered as they are drawn; a site (orange) can read those before
//! (blue).
//!
#![doc = include_str!("../../pictures/raster.svg")]
#![doc = include_str!("../../pictures/snake.svg")]
#![doc = include_str!("../../pictures/diagonal.svg")]
#![doc = include_str!("../../pictures/spiral.svg")]

use crate::error::{Error, Result};

/// Row by row, each from left to right.
pub fn raster([rows, columns]: [usize; 2]) -> Vec<usize> {
    (0..rows * columns).collect()
}

/// Row by row, every other from right to left.
pub fn snake([rows, columns]: [usize; 2]) -> Vec<usize> {
    let site = |k: usize| {
        let (row, column) = (k / columns, k % columns);
        match row % 2 {
            0 => k,
            _ => row * columns + columns - 1 - column,
        }
    };
    (0..rows * columns).map(site).collect()
}

/// Diagonal by diagonal, each from its upper right end.
pub fn diagonal([rows, columns]: [usize; 2]) -> Vec<usize> {
    let mut sites: Vec<usize> = (0..rows * columns).collect();
    sites.sort_by_key(|site| (site / columns + site % columns, site / columns));
    sites
}

/// Along the border, clockwise from the first site, and so inwards.
pub fn spiral([rows, columns]: [usize; 2]) -> Vec<usize> {
    let mut sites = Vec::with_capacity(rows * columns);
    let (mut top, mut left, mut bottom, mut right) = (0, 0, rows, columns);
    while top < bottom && left < right {
        let at = |row: usize, column: usize| row * columns + column;
        sites.extend((left..right).map(|column| at(top, column)));
        sites.extend((top + 1..bottom).map(|row| at(row, right - 1)));
        if bottom - top > 1 {
            sites.extend((left..right - 1).rev().map(|column| at(bottom - 1, column)));
        }
        if right - left > 1 {
            sites.extend((top + 1..bottom - 1).rev().map(|row| at(row, left)));
        }
        (top, left, bottom, right) = (top + 1, left + 1, bottom - 1, right - 1);
    }
    sites
}

/// Refuses an order that does not visit each of so many sites once.
pub(crate) fn check(field: &str, order: &[usize], n_sites: usize) -> Result<()> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if sorted.into_iter().eq(0..n_sites) {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        format!("each of the sites 0 to {} once", n_sites.saturating_sub(1)),
        format!("{order:?}"),
        "give a permutation of the sites",
    ))
}
