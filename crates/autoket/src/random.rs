//! Counter-based random numbers: Threefry-2x32 with JAX's key algebra (its partitionable form).
//!
//! The number for (key, element) depends on nothing else, so results do not depend on how work is split.
//! Source: Salmon et al., *Parallel random numbers: as easy as 1, 2, 3* (SC11); JAX's `jax.random`.

use std::array;

use crate::scalar::Real;

/// A Threefry key: JAX's `jax.random.key`.
///
/// ```
/// use autoket::random::Key;
/// let [a, b] = Key::new(0).split();
/// assert_eq!(a.words(), [1797259609, 2579123966]);
/// assert_eq!(b.words(), [928981903, 3453687069]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Key(u32, u32);

/// One item of a [path](Key::fold_path): a scope's name or a counter.
#[derive(Clone, Copy, Debug)]
pub enum PathItem<'a> {
    /// The name of a module.
    Name(&'a str),
    /// The count of keys already drawn in a scope, from 1.
    Count(u32),
}

impl Key {
    /// The key of a seed, as `jax.random.key(seed)` with 64-bit integers: negative seeds are two's complement.
    pub fn new(seed: i64) -> Self {
        let bits = seed as u64;
        Self((bits >> 32) as u32, bits as u32)
    }

    /// From its two words.
    pub fn from_words(words: [u32; 2]) -> Self {
        Self(words[0], words[1])
    }

    /// Its two words, JAX's `key_data`.
    pub fn words(self) -> [u32; 2] {
        [self.0, self.1]
    }

    /// Both words of element `i`.
    pub fn block(self, i: u64) -> [u32; 2] {
        let [a, b] = threefry2x32([self.0, self.1], [(i >> 32) as u32], [i as u32]);
        [a[0], b[0]]
    }

    /// The first `N` independent keys: `jax.random.split(key, N)`.
    pub fn split<const N: usize>(self) -> [Self; N] {
        array::from_fn(|i| Self::from_words(self.block(i as u64)))
    }

    /// A key for `data`: `jax.random.fold_in(key, data)`.
    pub fn fold_in(self, data: u32) -> Self {
        Self::from_words(self.block(data.into()))
    }

    /// Flax's key for a parameter: the path of its module and the count of keys drawn there.
    pub fn fold_path(self, path: &[PathItem]) -> Self {
        let mut bytes = Vec::new();
        for item in path {
            match item {
                PathItem::Name(name) => bytes.extend(name.as_bytes()),
                PathItem::Count(n) => {
                    bytes.extend(n.to_be_bytes().into_iter().skip_while(|&byte| byte == 0))
                }
            }
        }
        match bytes.len() {
            0 => self,
            _ => self.fold_in(sha1_word(&bytes)),
        }
    }

    /// 32 random bits of element `i`.
    pub fn bits32(self, i: u64) -> u32 {
        let [a, b] = self.block(i);
        a ^ b
    }

    /// 64 random bits of element `i`.
    pub fn bits64(self, i: u64) -> u64 {
        let [a, b] = self.block(i);
        (u64::from(a) << 32) | u64::from(b)
    }

    /// Element `i` of `uniform(key, dtype=float64)`: a multiple of 2⁻⁵² in [0, 1).
    pub fn uniform(self, i: u64) -> f64 {
        uniform_of_bits(self.bits64(i))
    }

    /// Elements `first..first + N` of `uniform(key, dtype=float64)`, vectorised over the elements.
    #[inline(always)]
    pub fn uniforms<const N: usize>(self, first: u64) -> [f64; N] {
        let count: [u64; N] = array::from_fn(|i| first + i as u64);
        let [a, b] = threefry2x32(
            [self.0, self.1],
            count.map(|i| (i >> 32) as u32),
            count.map(|i| i as u32),
        );
        array::from_fn(|i| uniform_of_bits((u64::from(a[i]) << 32) | u64::from(b[i])))
    }

    /// Element `i` of `uniform(key, dtype=R, minval, maxval)`; multiplied and added in one rounding, as XLA does it.
    pub fn uniform_in<R: Real>(self, i: u64, min: R, max: R) -> R {
        let unit = match R::DTYPE {
            crate::scalar::Dtype::Float32 => {
                R::from_f64((f32::from_bits((self.bits32(i) >> 9) | 0x3f80_0000) - 1.0).into())
            }
            _ => R::from_f64(self.uniform(i)),
        };
        min.max(unit.mul_add(max - min, min))
    }

    /// Element `i` of `normal(key, dtype=R)`.
    pub fn normal<R: Real>(self, i: u64) -> R {
        // The open interval: the number next to -1, as JAX takes it.
        let u = self.uniform_in(
            i,
            -R::one() + R::epsilon() / (R::one() + R::one()),
            R::one(),
        );
        R::SQRT_2() * erf_inv(u)
    }

    /// Element `i` of `truncated_normal(key, lower, upper, dtype=R)`.
    pub fn truncated_normal<R: Real>(self, i: u64, lower: R, upper: R) -> R {
        let erf = |x: R| R::from_f64(libm::erf((x / R::SQRT_2()).widen()));
        let x = R::SQRT_2() * erf_inv(self.uniform_in(i, erf(lower), erf(upper)));
        x.max(next_up(lower)).min(-next_up(-upper))
    }
}

/// The next number above.
fn next_up<R: Real>(x: R) -> R {
    match R::DTYPE {
        crate::scalar::Dtype::Float32 => R::from_f64((x.widen() as f32).next_up().into()),
        _ => R::from_f64(x.widen().next_up()),
    }
}

fn uniform_of_bits(bits: u64) -> f64 {
    f64::from_bits((bits >> 12) | 0x3ff0_0000_0000_0000) - 1.0
}

/// Threefry-2x32 with 20 rounds on `N` counters at once.
#[inline(always)]
pub(crate) fn threefry2x32<const N: usize>(
    key: [u32; 2],
    mut x0: [u32; N],
    mut x1: [u32; N],
) -> [[u32; N]; 2] {
    let schedule = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd1_1bda];
    for i in 0..N {
        x0[i] = x0[i].wrapping_add(schedule[0]);
        x1[i] = x1[i].wrapping_add(schedule[1]);
    }
    for group in 0..5 {
        let rotations = [[13, 15, 26, 6], [17, 29, 16, 24]][group % 2];
        for rotation in rotations {
            for i in 0..N {
                x0[i] = x0[i].wrapping_add(x1[i]);
                x1[i] = x1[i].rotate_left(rotation) ^ x0[i];
            }
        }
        for i in 0..N {
            x0[i] = x0[i].wrapping_add(schedule[(group + 1) % 3]);
            x1[i] = x1[i]
                .wrapping_add(schedule[(group + 2) % 3])
                .wrapping_add(group as u32 + 1);
        }
    }
    [x0, x1]
}

/// The first word of the SHA-1 digest, by which Flax folds a path into a key.
fn sha1_word(bytes: &[u8]) -> u32 {
    let digest = sha1_smol::Sha1::from(bytes).digest().bytes();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Inverse error function: M. Giles, *Approximating the erfinv function* (2010), in the precision of `R`.
pub fn erf_inv<R: Real>(x: R) -> R {
    let horner = |coefficients: &[f64], w: R| {
        coefficients
            .iter()
            .fold(R::zero(), |p, &c| p.mul_add(w, R::from_f64(c)))
    };
    if x.abs() == R::one() {
        return x * R::infinity();
    }
    let w = -(-x * x).ln_1p();
    let constant = R::from_f64;
    let p = if R::DTYPE == crate::scalar::Dtype::Float32 {
        if w < constant(5.0) {
            horner(&CENTRAL_F32, w - constant(2.5))
        } else {
            horner(&TAIL_F32, w.sqrt() - constant(3.0))
        }
    } else if w < constant(6.25) {
        horner(&CENTRAL_F64, w - constant(3.125))
    } else if w < constant(16.0) {
        horner(&MIDDLE_F64, w.sqrt() - constant(3.25))
    } else {
        horner(&TAIL_F64, w.sqrt() - constant(5.0))
    };
    p * x
}

const CENTRAL_F32: [f64; 9] = [
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
];
const TAIL_F32: [f64; 9] = [
    -0.000200214257,
    0.000100950558,
    0.00134934322,
    -0.00367342844,
    0.00573950773,
    -0.0076224613,
    0.00943887047,
    1.00167406,
    2.83297682,
];
const CENTRAL_F64: [f64; 23] = [
    -3.6444120640178196996e-21,
    -1.685059138182016589e-19,
    1.2858480715256400167e-18,
    1.115787767802518096e-17,
    -1.333171662854620906e-16,
    2.0972767875968561637e-17,
    6.6376381343583238325e-15,
    -4.0545662729752068639e-14,
    -8.1519341976054721522e-14,
    2.6335093153082322977e-12,
    -1.2975133253453532498e-11,
    -5.4154120542946279317e-11,
    1.051212273321532285e-09,
    -4.1126339803469836976e-09,
    -2.9070369957882005086e-08,
    4.2347877827932403518e-07,
    -1.3654692000834678645e-06,
    -1.3882523362786468719e-05,
    0.0001867342080340571352,
    -0.00074070253416626697512,
    -0.0060336708714301490533,
    0.24015818242558961693,
    1.6536545626831027356,
];
const MIDDLE_F64: [f64; 19] = [
    2.2137376921775787049e-09,
    9.0756561938885390979e-08,
    -2.7517406297064545428e-07,
    1.8239629214389227755e-08,
    1.5027403968909827627e-06,
    -4.013867526981545969e-06,
    2.9234449089955446044e-06,
    1.2475304481671778723e-05,
    -4.7318229009055733981e-05,
    6.8284851459573175448e-05,
    2.4031110387097893999e-05,
    -0.0003550375203628474796,
    0.00095328937973738049703,
    -0.0016882755560235047313,
    0.0024914420961078508066,
    -0.0037512085075692412107,
    0.005370914553590063617,
    1.0052589676941592334,
    3.0838856104922207635,
];
const TAIL_F64: [f64; 17] = [
    -2.7109920616438573243e-11,
    -2.5556418169965252055e-10,
    1.5076572693500548083e-09,
    -3.7894654401267369937e-09,
    7.6157012080783393804e-09,
    -1.4960026627149240478e-08,
    2.9147953450901080826e-08,
    -6.7711997758452339498e-08,
    2.2900482228026654717e-07,
    -9.9298272942317002539e-07,
    4.5260625972231537039e-06,
    -1.9681778105531670567e-05,
    7.5995277030017761139e-05,
    -0.00021503011930044477347,
    -0.00013871931833623122026,
    1.0103004648645343977,
    4.8499064014085844221,
];
