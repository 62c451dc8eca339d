//! Where the entries of arrays are: axes, strides, broadcasting.

use super::array::shape_text;
use crate::error::{Error, Result};

/// From one entry of each axis to the next, C order.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Axes from 0, of which negative ones count from the last.
pub(super) fn canonical_axes(axes: &[isize], shape: &[usize]) -> Result<Vec<usize>> {
    let ndim = shape.len() as isize;
    let canonical = |&axis: &isize| match axis {
        axis if (-ndim..ndim).contains(&axis) => Ok(axis.rem_euclid(ndim) as usize),
        axis => Err(Error::invalid(
            "axis",
            format!("one of the {ndim} axes of shape {}", shape_text(shape)),
            axis,
            "count axes from 0, or from -1 backwards",
        )),
    };
    axes.iter().map(canonical).collect()
}

/// The shape in which two shapes meet: axes are aligned at the last, and an axis of 1 is repeated.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let ndim = a.len().max(b.len());
    let length = |shape: &[usize], axis: usize| {
        let from_last = ndim - axis;
        match shape.len() {
            n if n >= from_last => shape[n - from_last],
            _ => 1,
        }
    };
    (0..ndim)
        .map(|axis| match [length(a, axis), length(b, axis)] {
            [1, n] | [n, 1] => Ok(n),
            [m, n] if m == n => Ok(n),
            _ => Err(Error::invalid(
                "shape",
                format!("one that broadcasts with {}", shape_text(a)),
                shape_text(b),
                "make lengths equal or 1, counted from the last axis",
            )),
        })
        .collect()
}

/// The places of two broadcast arrays, for each entry of the result in C order.
pub(super) struct Places {
    shape: Vec<usize>,
    strides: [Vec<usize>; 2],
    next: Vec<usize>,
    left: usize,
}

impl Places {
    pub(super) fn new(shape: &[usize], arrays: [&[usize]; 2]) -> Self {
        let of = |array: &[usize]| {
            let strides = strides(array);
            let missing = shape.len() - array.len();
            let stride = |axis: usize| match axis.checked_sub(missing) {
                Some(axis) if array[axis] != 1 => strides[axis],
                _ => 0,
            };
            (0..shape.len()).map(stride).collect()
        };
        Self {
            shape: shape.to_vec(),
            strides: arrays.map(of),
            next: vec![0; shape.len()],
            left: shape.iter().product(),
        }
    }
}

impl Iterator for Places {
    type Item = [usize; 2];

    fn next(&mut self) -> Option<[usize; 2]> {
        self.left = self.left.checked_sub(1)?;
        let place = |strides: &Vec<usize>| self.next.iter().zip(strides).map(|(i, s)| i * s).sum();
        let places = [place(&self.strides[0]), place(&self.strides[1])];
        advance(&mut self.next, &self.shape);
        Some(places)
    }
}

/// The next place in C order.
fn advance(place: &mut [usize], shape: &[usize]) {
    for (i, &n) in place.iter_mut().zip(shape).rev() {
        *i += 1;
        if *i < n {
            return;
        }
        *i = 0;
    }
}

/// All places of a shape, C order.
pub(super) fn for_each_place(shape: &[usize], mut f: impl FnMut(&[usize])) {
    let mut place = vec![0; shape.len()];
    for _ in 0..shape.iter().product() {
        f(&place);
        advance(&mut place, shape);
    }
}
