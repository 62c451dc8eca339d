//! Which elements of a group make the image of a state begin first: mostly one or two, which are then tried in full.
//!
//! The first sites of an image come from a set of sites. Elements that take them from the same set make a class: what is
//! on those sites tells by a table how the first of the class's images begins, and by which elements.

use std::collections::HashMap;

use super::orbits::Bits;

/// The most bits of a beginning.
const MAX_BITS: usize = 12;
/// The most patterns in the tables of all classes, so that they stay in the cache.
const MAX_PATTERNS: usize = 1 << 18;

/// How many classes are gone through in the time of an image.
const IMAGE: f64 = 6.0;

/// The beginnings of a state's images under each element of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginnings {
    n_classes: usize,
    /// Bits of a beginning, no more than 15.
    n_bits: usize,
    /// For each word of patterns side by side, and each byte of a state, what the byte adds to the patterns.
    parts: Vec<Vec<[u64; 256]>>,
    /// For each class and pattern, the first beginning of an image.
    firsts: Vec<i16>,
    /// And the elements that give it: where they end in the list.
    ends: Vec<u32>,
    elements: Vec<u32>,
}

/// What a search writes down.
#[derive(Default)]
pub(super) struct Scratch {
    /// The patterns of the classes, as many to a word as fit.
    words: Vec<u64>,
    /// How the first image of each class begins.
    begins: Vec<i16>,
}

/// An element of a class: its number, and where on the class's sites an image's first sites come from.
type Member = (usize, Vec<usize>);

impl Beginnings {
    /// Of permutations, given by where each site's new state comes from. A site takes `width` bits.
    /// `flip`: the highest local index, if each permutation is also there with a flip of all spins, numbered after all
    /// of those without. Tables take the time of some `work` images.
    pub fn new(from: &[&[u8]], flip: Option<u8>, width: usize, work: usize) -> Self {
        let n_sites = from[0].len();
        let order = from.len() * if flip.is_some() { 2 } else { 1 };
        let choices = (1..=n_sites.min((MAX_BITS / width).max(1))).filter_map(|n_first| {
            let classes = classes_of(from, n_first);
            let n_bits = n_first * width;
            let is_small = classes.len() << n_bits <= MAX_PATTERNS && order << n_bits <= work;
            // About as many images as there are begin like the first of them.
            let cost = classes.len() as f64 + IMAGE * order as f64 * 0.5_f64.powi(n_bits as i32);
            (is_small || n_first == 1).then_some((cost, n_first, classes))
        });
        let best = choices.min_by(|(a, ..), (b, ..)| a.total_cmp(b));
        let (_, n_first, classes) = best.expect("a state has a first site");
        let n_bits = n_first * width;
        let words = classes.chunks(64 / n_bits);
        let mut beginnings = Self {
            n_classes: classes.len(),
            n_bits,
            parts: words.map(|sites| parts(sites, n_sites, width)).collect(),
            firsts: Vec::with_capacity(classes.len() << n_bits),
            ends: Vec::with_capacity(classes.len() << n_bits),
            elements: Vec::new(),
        };
        let tops = flip.map(|top| (0..n_first).fold(0, |tops, _| tops << width | i16::from(top)));
        for (_, members) in &classes {
            let begins = members.iter().flat_map(|(g, places)| {
                let begins = beginnings_of_patterns(places, width);
                let flipped = tops.map(|tops| {
                    // Patterns that no state has wrap around.
                    let flipped = begins.iter().map(|&begin| tops.wrapping_sub(begin));
                    (g + from.len(), flipped.collect::<Vec<i16>>())
                });
                std::iter::once((*g, begins)).chain(flipped)
            });
            beginnings.push_class(&begins.collect::<Vec<_>>());
        }
        beginnings
    }

    /// The tables of the next class, from what its elements make of each pattern.
    fn push_class(&mut self, begins: &[(usize, Vec<i16>)]) {
        for pattern in 0..1 << self.n_bits {
            let of_pattern = || begins.iter().map(|(g, begins)| (*g, begins[pattern]));
            let first = of_pattern().map(|(_, begin)| begin).min();
            let first = first.expect("a class has elements");
            let givers = of_pattern().filter(|&(_, begin)| begin == first);
            self.elements.extend(givers.map(|(g, _)| g as u32));
            self.firsts.push(first);
            self.ends.push(self.elements.len() as u32);
        }
    }

    /// Gives `f` the elements whose images of a state begin first.
    #[inline]
    pub fn for_first<const W: usize>(
        &self,
        state: &Bits<W>,
        scratch: &mut Scratch,
        mut f: impl FnMut(usize),
    ) {
        self.find_patterns(state, &mut scratch.words);
        let first = self.find_begins(scratch);
        let per_word = 64 / self.n_bits;
        for (class, &begin) in scratch.begins.iter().enumerate() {
            if begin == first {
                let word = scratch.words[class / per_word];
                let number = self.number(class, word >> (class % per_word * self.n_bits));
                let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
                for &g in &self.elements[start as usize..self.ends[number] as usize] {
                    f(g as usize);
                }
            }
        }
    }

    /// What a state has on the sites of each class.
    fn find_patterns<const W: usize>(&self, state: &Bits<W>, words: &mut Vec<u64>) {
        words.clear();
        words.extend(self.parts.iter().map(|parts| {
            let mut word = 0;
            for (&bits, parts) in state.iter().zip(parts.chunks(8)) {
                let bytes = bits.to_be_bytes();
                for (&byte, part) in bytes.iter().zip(parts) {
                    word |= part[usize::from(byte)];
                }
            }
            word
        }));
    }

    /// How the first image of each class begins, and of all. A loop of its own, so that all is in registers.
    #[inline(never)]
    fn find_begins(&self, scratch: &mut Scratch) -> i16 {
        scratch.begins.resize(self.n_classes, 0);
        let of_words = scratch.begins.chunks_mut(64 / self.n_bits);
        let mut class = 0;
        for (begins, &word) in of_words.zip(&scratch.words) {
            let mut patterns = word;
            for begin in begins {
                *begin = self.firsts[self.number(class, patterns)];
                patterns >>= self.n_bits;
                class += 1;
            }
        }
        scratch.begins.iter().copied().fold(i16::MAX, i16::min)
    }

    /// The place of a class's pattern in the tables.
    #[inline]
    fn number(&self, class: usize, pattern: u64) -> usize {
        class << self.n_bits | pattern as usize & ((1 << self.n_bits) - 1)
    }
}

/// Permutations by the set of sites that an image's first `n_first` come from, ascending.
fn classes_of(from: &[&[u8]], n_first: usize) -> Vec<(Vec<u8>, Vec<Member>)> {
    let mut classes: Vec<(Vec<u8>, Vec<Member>)> = Vec::new();
    let mut numbers = HashMap::new();
    for (g, from) in from.iter().enumerate() {
        let mut sites = from[..n_first].to_vec();
        sites.sort_unstable();
        let class = *numbers.entry(sites.clone()).or_insert(classes.len());
        let place = |site| sites.partition_point(|&other| other < site);
        let places = from[..n_first].iter().map(|&site| place(site)).collect();
        if class == classes.len() {
            classes.push((sites, Vec::new()));
        }
        classes[class].1.push((g, places));
    }
    classes
}

/// What each byte of a state adds to the patterns of some classes, side by side from the lowest bit up.
fn parts(classes: &[(Vec<u8>, Vec<Member>)], n_sites: usize, width: usize) -> Vec<[u64; 256]> {
    let per_byte = 8 / width;
    let mut parts = vec![[0; 256]; n_sites.div_ceil(per_byte)];
    let mut shift = 0;
    for (sites, _) in classes {
        for &site in sites.iter().rev() {
            let site = usize::from(site);
            let below = 8 - width * (site % per_byte + 1);
            for (byte, part) in parts[site / per_byte].iter_mut().enumerate() {
                *part |= ((byte >> below & ((1 << width) - 1)) as u64) << shift;
            }
            shift += width;
        }
    }
    parts
}

/// How an image begins for each pattern on the sites that it comes from.
fn beginnings_of_patterns(places: &[usize], width: usize) -> Vec<i16> {
    let n_bits = places.len() * width;
    let site = (1 << width) - 1;
    let begin = |pattern: usize| {
        places.iter().fold(0, |begin, place| {
            begin << width | (pattern >> (n_bits - width * (place + 1)) & site) as i16
        })
    };
    (0..1 << n_bits).map(begin).collect()
}
