//! Functions of a real number that have no analytic continuation of use: linear on one side.
//!
//! At 0 the derivative is the one that JAX takes.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat};

use super::OnReals;
use crate::scalar::Real;
use crate::simd::math::{self, V, number};

/// λ x for x > 0, λ α (eˣ - 1) otherwise.
#[derive(Clone, Copy)]
pub(super) struct Elu {
    pub(super) lambda: f64,
    pub(super) alpha: f64,
}

impl OnReals for Elu {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let left = number::<S, R>(simd, self.lambda * self.alpha);
        let left = math::expm1_below::<S, R>(simd, x) * left;
        x.simd_gt(number::<S, R>(simd, 0.0))
            .select(x * number::<S, R>(simd, self.lambda), left)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let left = number::<S, R>(simd, self.lambda * self.alpha);
        let left = math::exp::<S, R>(simd, x) * left;
        x.simd_gt(number::<S, R>(simd, 0.0))
            .select(number::<S, R>(simd, self.lambda), left)
    }
}

/// x for x > 0, α (e^(x/α) - 1) otherwise.
#[derive(Clone, Copy)]
pub(super) struct Celu {
    pub(super) alpha: f64,
}

impl OnReals for Celu {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let alpha = number::<S, R>(simd, self.alpha);
        let left = math::expm1::<S, R>(simd, x / alpha) * alpha;
        x.simd_gt(number::<S, R>(simd, 0.0)).select(x, left)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let left = math::exp::<S, R>(simd, x / number::<S, R>(simd, self.alpha));
        x.simd_gt(number::<S, R>(simd, 0.0))
            .select(number::<S, R>(simd, 1.0), left)
    }
}

/// max(x, 0).
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl OnReals for Relu {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let zero = number::<S, R>(simd, 0.0);
        x.simd_lt(zero).select(zero, x)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let zero = number::<S, R>(simd, 0.0);
        x.simd_gt(zero).select(number::<S, R>(simd, 1.0), zero)
    }
}

/// x for x ≥ 0, a part of x otherwise.
#[derive(Clone, Copy)]
pub(super) struct LeakyRelu {
    pub(super) negative_slope: f64,
}

impl OnReals for LeakyRelu {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        x * self.slope::<S, R>(simd, x)
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        x.simd_lt(number::<S, R>(simd, 0.0)).select(
            number::<S, R>(simd, self.negative_slope),
            number::<S, R>(simd, 1.0),
        )
    }
}

/// x Φ(x).
#[derive(Clone, Copy)]
pub(super) struct GeluExact;

impl OnReals for GeluExact {
    #[inline(always)]
    fn value<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        x * math::normal::<S, R>(simd, x).0
    }
    #[inline(always)]
    fn slope<S: Simd, R: Real>(self, simd: S, x: V<S, R>) -> V<S, R> {
        let (below, density) = math::normal::<S, R>(simd, x);
        x.mul_add(density, below)
    }
}
