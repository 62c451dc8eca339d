//! Numbers as bytes on their way to another rank.

use num_complex::Complex;
use rayon::prelude::*;

use crate::simd::Lanes;

/// A number, or several side by side, as little-endian bytes.
pub trait Wire: Copy + Send + Sync {
    /// How many bytes.
    const BYTES: usize;
    /// Writes them.
    fn put(&self, out: &mut [u8]);
    /// Reads them.
    fn take(bytes: &[u8]) -> Self;
}

/// Numbers that one thread turns into bytes, or back.
const RUN: usize = 1 << 14;

/// Writes all, by all threads.
pub(super) fn write<T: Wire>(values: &[T], bytes: &mut [u8]) {
    let write = |(bytes, values): (&mut [u8], &[T])| {
        let places = bytes.chunks_exact_mut(T::BYTES);
        places.zip(values).for_each(|(out, value)| value.put(out));
    };
    if values.len() <= RUN {
        return write((bytes, values));
    }
    let runs = bytes.par_chunks_mut(RUN * T::BYTES);
    runs.zip(values.par_chunks(RUN)).for_each(write);
}

/// Reads all, by all threads.
pub(super) fn read<T: Wire>(bytes: &[u8], values: &mut [T]) {
    let read = |(bytes, values): (&[u8], &mut [T])| {
        let places = bytes.chunks_exact(T::BYTES).zip(values);
        places.for_each(|(bytes, value)| *value = T::take(bytes));
    };
    if values.len() <= RUN {
        return read((bytes, values));
    }
    let runs = bytes.par_chunks(RUN * T::BYTES);
    runs.zip(values.par_chunks_mut(RUN)).for_each(read);
}

macro_rules! wire {
    ($($t:ty),*) => {$(
        impl Wire for $t {
            const BYTES: usize = size_of::<$t>();
            #[inline]
            fn put(&self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_le_bytes());
            }
            #[inline]
            fn take(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("as many as the number has"))
            }
        }
    )*};
}

wire!(u8, f32, f64);

impl<R: Wire> Wire for Complex<R> {
    const BYTES: usize = 2 * R::BYTES;
    fn put(&self, out: &mut [u8]) {
        let (re, im) = out.split_at_mut(R::BYTES);
        self.re.put(re);
        self.im.put(im);
    }
    fn take(bytes: &[u8]) -> Self {
        let (re, im) = bytes.split_at(R::BYTES);
        Self::new(R::take(re), R::take(im))
    }
}

impl<R: Wire, const N: usize> Wire for Lanes<R, N> {
    const BYTES: usize = N * R::BYTES;
    #[inline]
    fn put(&self, out: &mut [u8]) {
        let places = out.chunks_exact_mut(R::BYTES);
        places.zip(&self.0).for_each(|(out, x)| x.put(out));
    }
    #[inline]
    fn take(bytes: &[u8]) -> Self {
        Self(std::array::from_fn(|i| {
            R::take(&bytes[i * R::BYTES..][..R::BYTES])
        }))
    }
}
