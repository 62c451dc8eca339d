//! One string: which sites it turns, what it asks of them, and its sign.

use std::ops::Range;

/// A product of one-site operators on two-state sites, without its weight.
///
/// ⟨σ|S|σ′⟩ is ±1 where σ′ is σ with the sites of `flip` turned and σ has the values `value` on the
/// sites of `fixed`, a part of `flip`; else 0. The sign is -1 to the number of ones that σ has on
/// the sites of `sign`, of which none is fixed.
///
/// A mask is a bit per site, in words of 64; the four lie one after the other, so that strings of
/// one `flip` are neighbours in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Masks(Box<[u64]>);

/// A product of two strings.
#[derive(Debug)]
pub struct Product {
    /// The string, apart from the factors [σ = value] below.
    pub string: Masks,
    pub negative: bool,
    /// Sites turned twice whose value is known: (site, value).
    pub known: Vec<(usize, bool)>,
}

impl Masks {
    /// The identity on `n_sites` sites.
    pub fn identity(n_sites: usize) -> Self {
        Self(vec![0; 4 * n_sites.div_ceil(64).max(1)].into())
    }

    /// Z: the sign of one site.
    pub fn z(n_sites: usize, site: usize) -> Self {
        let mut string = Self::identity(n_sites);
        string.toggle_sign(site);
        string
    }

    /// X: one site turned, whatever its value.
    pub fn x(n_sites: usize, site: usize) -> Self {
        let mut string = Self::identity(n_sites);
        string.0[site / 64] |= bit(site);
        string
    }

    /// Jordan and Wigner's a† or a: a site turned that holds a fermion or none, with the sign of those before it.
    pub fn ladder(n_sites: usize, site: usize, creates: bool) -> Self {
        let mut string = Self::x(n_sites, site);
        let words = string.n_words();
        string.0[words + site / 64] |= bit(site);
        if creates {
            string.0[2 * words + site / 64] |= bit(site);
        }
        for before in 0..site {
            string.toggle_sign(before);
        }
        string
    }

    pub fn toggle_sign(&mut self, site: usize) {
        let words = self.n_words();
        self.0[3 * words + site / 64] ^= bit(site);
    }

    fn n_words(&self) -> usize {
        self.0.len() / 4
    }

    fn part(&self, range: Range<usize>) -> &[u64] {
        let words = self.n_words();
        &self.0[range.start * words..range.end * words]
    }

    /// The sites turned.
    pub fn flip(&self) -> &[u64] {
        self.part(0..1)
    }

    /// The sites whose value is asked for.
    pub fn fixed(&self) -> &[u64] {
        self.part(1..2)
    }

    /// The values asked for.
    pub fn value(&self) -> &[u64] {
        self.part(2..3)
    }

    /// The sites whose ones count for the sign.
    pub fn sign(&self) -> &[u64] {
        self.part(3..4)
    }

    /// What is asked of σ: sites and values.
    pub fn asks(&self) -> &[u64] {
        self.part(1..3)
    }

    /// The product `self * other`, or `None` where it is zero.
    pub fn times(&self, other: &Self) -> Option<Product> {
        let words = self.n_words();
        let mut product = Self(vec![0; self.0.len()].into());
        let (mut ones, mut known) = (0, Vec::new());
        for w in 0..words {
            let [f1, x1, v1, s1] = [0, 1, 2, 3].map(|part| self.0[part * words + w]);
            let [f2, x2, v2, s2] = [0, 1, 2, 3].map(|part| other.0[part * words + w]);
            let both = f1 & f2;
            // Turned in between, so what the second asks for is the opposite of σ.
            if both & x1 & x2 & !(v1 ^ v2) != 0 {
                return None;
            }
            let fixed = (x1 | x2) & !both;
            let value = (v1 | v2) & fixed;
            let twice = both & (x1 | x2);
            let value_twice = twice & ((v1 & x1) | (!v2 & !x1));
            let sign = s1 ^ s2;
            ones ^= (s2 & f1) ^ (sign & (value | value_twice));
            for (part, mask) in [f1 ^ f2, fixed, value, sign & !fixed & !twice]
                .into_iter()
                .enumerate()
            {
                product.0[part * words + w] = mask;
            }
            known.extend(bits(twice).map(|b| (64 * w + b, value_twice >> b & 1 == 1)));
        }
        Some(Product {
            string: product,
            negative: ones.count_ones() % 2 == 1,
            known,
        })
    }

    /// The adjoint, and whether it is negative.
    pub fn adjoint(&self) -> (Self, bool) {
        let words = self.n_words();
        let mut adjoint = self.clone();
        for w in 0..words {
            adjoint.0[2 * words + w] ^= self.0[words + w];
        }
        let pairs = self.sign().iter().zip(self.flip());
        let ones = pairs.fold(0, |ones, (sign, flip)| ones ^ (sign & flip));
        (adjoint, ones.count_ones() % 2 == 1)
    }
}

fn bit(site: usize) -> u64 {
    1 << (site % 64)
}

/// The ones of a word, ascending.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(lowest)
    })
}

/// The sites of a mask, ascending.
pub fn sites(mask: &[u64]) -> impl Iterator<Item = usize> {
    let words = mask.iter().enumerate();
    words.flat_map(|(w, &word)| bits(word).map(move |b| 64 * w + b))
}

/// Whether a mask has a site.
pub fn has(mask: &[u64], site: usize) -> bool {
    mask[site / 64] & bit(site) != 0
}
