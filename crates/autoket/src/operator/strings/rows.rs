//! Rows of a sum of strings.

use std::collections::BTreeMap;
use std::ops::Range;

use super::masks::{Masks, sites};
use crate::operator::Connected;
use crate::operator::term::CANCELLATION;
use crate::scalar::c64;

/// All strings that turn the same sites make one element; those that ask for the same values are
/// looked at together.
#[derive(Clone, Debug)]
pub struct Rows {
    /// A bit is 1 less the local index.
    turned: bool,
    n_words: usize,
    groups: Vec<Group>,
    cases: Vec<Case>,
    strings: Vec<Signed>,
    sites: Vec<u32>,
    asks: Vec<Ask>,
    signs: Vec<(u32, u64)>,
}

/// The strings that turn some sites.
#[derive(Clone, Debug)]
struct Group {
    sites: Range<usize>,
    cases: Range<usize>,
}

/// The strings of a group that ask for the same.
#[derive(Clone, Debug)]
struct Case {
    asks: Range<usize>,
    strings: Range<usize>,
    /// What may be left of a sum that is zero.
    rounding: f64,
}

/// Values that one word of σ must have.
#[derive(Clone, Copy, Debug)]
struct Ask {
    word: u32,
    mask: u64,
    value: u64,
}

/// A weight, and the words of a sign without those that are empty.
#[derive(Clone, Debug)]
struct Signed {
    weight: c64,
    signs: Range<usize>,
}

/// A string and its weight.
type Weighted<'a> = (&'a Masks, &'a c64);

impl Rows {
    pub fn new(n_sites: usize, turned: bool, strings: &BTreeMap<Masks, c64>) -> Self {
        let mut rows = Self {
            turned,
            n_words: n_sites.div_ceil(64),
            groups: Vec::new(),
            cases: Vec::new(),
            strings: Vec::new(),
            sites: Vec::new(),
            asks: Vec::new(),
            signs: Vec::new(),
        };
        let strings: Vec<Weighted> = strings.iter().collect();
        let mut groups: Vec<(Vec<u32>, &[Weighted])> = strings
            .chunk_by(|(a, _), (b, _)| a.flip() == b.flip())
            .map(|group| {
                let flipped = sites(group[0].0.flip());
                (flipped.map(|site| site as u32).collect(), group)
            })
            .collect();
        // The diagonal first, then by the sites that change, as in every operator.
        groups.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (flipped, group) in groups {
            let first = rows.cases.len();
            for case in group.chunk_by(|(a, _), (b, _)| a.asks() == b.asks()) {
                rows.add_case(case);
            }
            let start = rows.sites.len();
            rows.sites.extend(flipped);
            rows.groups.push(Group {
                sites: start..rows.sites.len(),
                cases: first..rows.cases.len(),
            });
        }
        rows
    }

    fn add_case(&mut self, case: &[Weighted]) {
        let (asks, strings) = (self.asks.len(), self.strings.len());
        let asked = case[0].0;
        for (word, (&mask, &value)) in asked.fixed().iter().zip(asked.value()).enumerate() {
            if mask != 0 {
                let word = word as u32;
                self.asks.push(Ask { word, mask, value });
            }
        }
        for (string, weight) in case {
            let first = self.signs.len();
            let words = (0_u32..).zip(string.sign().iter().copied());
            self.signs.extend(words.filter(|&(_, mask)| mask != 0));
            self.strings.push(Signed {
                weight: **weight,
                signs: first..self.signs.len(),
            });
        }
        let sum: f64 = case.iter().map(|(_, weight)| weight.norm()).sum();
        self.cases.push(Case {
            asks: asks..self.asks.len(),
            strings: strings..self.strings.len(),
            // What has overflown is not rounding.
            rounding: if sum.is_finite() {
                CANCELLATION * sum
            } else {
                0.0
            },
        });
    }

    pub fn max_conn_size(&self) -> usize {
        self.groups.len()
    }

    pub fn connected(&self, sigma: &[u8], out: &mut Connected) {
        out.clear();
        let mut bits = std::mem::take(&mut out.bits);
        self.pack(sigma, &mut bits);
        for group in &self.groups {
            let (mut mel, mut rounding) = (c64::ZERO, 0.0);
            for case in &self.cases[group.cases.clone()] {
                let asks = &self.asks[case.asks.clone()];
                if asks
                    .iter()
                    .all(|ask| bits[ask.word as usize] & ask.mask == ask.value)
                {
                    mel += self.sum(case, &bits);
                    rounding += case.rounding;
                }
            }
            let is_rounding = mel.re.abs() + mel.im.abs() <= rounding;
            if !is_rounding {
                let sites = self.sites[group.sites.clone()].iter();
                out.push_changes(mel, sites.map(|&site| (site, 1 - sigma[site as usize])));
            }
        }
        out.bits = bits;
    }

    /// σ as bits.
    fn pack(&self, sigma: &[u8], bits: &mut Vec<u64>) {
        bits.clear();
        bits.resize(self.n_words, 0);
        for (sigma, word) in sigma.chunks(64).zip(bits) {
            let ones = (0..).zip(sigma).fold(0, |ones, (b, &index)| {
                ones | u64::from((index == 1) != self.turned) << b
            });
            *word = ones;
        }
    }

    #[inline]
    fn sum(&self, case: &Case, bits: &[u64]) -> c64 {
        let mut sum = c64::ZERO;
        for string in &self.strings[case.strings.clone()] {
            let signs = self.signs[string.signs.clone()].iter();
            let ones = signs.fold(0, |ones, &(word, mask)| ones ^ (bits[word as usize] & mask));
            sum += match ones.count_ones() % 2 {
                0 => string.weight,
                _ => -string.weight,
            };
        }
        sum
    }
}
