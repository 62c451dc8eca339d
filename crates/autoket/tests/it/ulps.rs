//! Distances between floating-point numbers in units in the last place.

use autoket::Real;

pub trait Ulps: Real {
    /// From the bits in the low part of a word.
    fn from_low_bits(bits: u64) -> Self;
    /// The bits in the low part of a word.
    fn low_bits(self) -> u64;
    /// A place on the line of all numbers, 0 for both zeros.
    fn place(self) -> i64;
    /// Numbers between; `u64::MAX` where one is NaN and the other is not.
    fn ulps(self, other: Self) -> u64 {
        match (self.widen().is_nan(), other.widen().is_nan()) {
            (true, true) => 0,
            (false, false) => self.place().abs_diff(other.place()),
            _ => u64::MAX,
        }
    }
}

impl Ulps for f32 {
    fn from_low_bits(bits: u64) -> Self {
        f32::from_bits(bits as u32)
    }
    fn low_bits(self) -> u64 {
        self.to_bits().into()
    }
    fn place(self) -> i64 {
        let magnitude = i64::from(self.abs().to_bits());
        if self < 0.0 { -magnitude } else { magnitude }
    }
}

impl Ulps for f64 {
    fn from_low_bits(bits: u64) -> Self {
        f64::from_bits(bits)
    }
    fn low_bits(self) -> u64 {
        self.to_bits()
    }
    fn place(self) -> i64 {
        let magnitude = self.abs().to_bits() as i64;
        if self < 0.0 { -magnitude } else { magnitude }
    }
}
