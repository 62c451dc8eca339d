//! Rows of lanes: the same quantity of many samples side by side.

use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use fearless_simd::Level;

use crate::scalar::Real;

/// `N` samples' worth of one quantity; 128 bytes, aligned to them.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(128))]
pub struct Lanes<R, const N: usize>(pub [R; N]);

/// What a row of lanes can do; [`Lanes`] is the only one.
pub trait Row<R>: Deref<Target = [R]> + DerefMut + Copy + Debug + Send + Sync + 'static {
    /// Samples in a row.
    const LANES: usize;
    /// All lanes alike.
    fn splat(x: R) -> Self;
}

impl<R, const N: usize> Deref for Lanes<R, N> {
    type Target = [R];
    #[inline(always)]
    fn deref(&self) -> &[R] {
        &self.0
    }
}

impl<R, const N: usize> DerefMut for Lanes<R, N> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [R] {
        &mut self.0
    }
}

impl<R: Real, const N: usize> Row<R> for Lanes<R, N> {
    const LANES: usize = N;
    fn splat(x: R) -> Self {
        Self([x; N])
    }
}

/// The SIMD level of this machine, found once.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(Level::new)
}
