//! Rows of lanes: the same quantity of many samples side by side.

use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use fearless_simd::Level;

use crate::ranks::Wire;
use crate::scalar::Real;

/// `N` samples' worth of one quantity; 128 bytes, aligned to them.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(128))]
pub struct Lanes<R, const N: usize>(pub [R; N]);

/// What a row of lanes can do; [`Lanes`] is the only one.
pub trait Row<R>:
    Deref<Target = [R]> + DerefMut + Copy + Debug + Send + Sync + Wire + 'static
{
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

/// The SIMD level in use, found once: the best of this machine, or the one that the environment variable
/// `AUTOKET_SIMD` names, if the machine has it.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let asked = std::env::var("AUTOKET_SIMD").ok();
        let mut levels = levels().into_iter();
        levels
            .find(|(name, _)| asked.as_deref() == Some(name))
            .map_or_else(Level::new, |(_, level)| level)
    })
}

/// The levels of this machine by name, weakest first; `plain` is no SIMD at all.
pub fn levels() -> Vec<(&'static str, Level)> {
    let best = Level::new();
    #[cfg(target_arch = "x86_64")]
    // A build for a machine that surely has one level knows no lesser one.
    let known = [
        #[cfg(not(target_feature = "sse4.2"))]
        ("sse2", best.as_sse2().map(Level::Sse2)),
        #[cfg(not(target_feature = "avx2"))]
        ("sse4.2", best.as_sse4_2().map(Level::Sse4_2)),
        #[cfg(not(target_feature = "avx512f"))]
        ("avx2", best.as_avx2().map(Level::Avx2)),
        ("avx512", best.as_avx512().map(Level::Avx512)),
    ];
    #[cfg(target_arch = "aarch64")]
    let known = [("neon", best.as_neon().map(Level::Neon))];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let known: [(&'static str, Option<Level>); 1] = [("best", Some(best))];
    let present = known
        .into_iter()
        .filter_map(|(name, level)| Some((name, level?)));
    std::iter::once(("plain", Level::fallback()))
        .chain(present)
        .collect()
}
