//! States as bits, and the orbits of a group of permutations of sites and spin flips.
//!
//! Images of bits come from tables, a lookup for each byte, and of many states under one element before the next, so
//! that its tables stay in the cache.
//! Source: A. Wietek and A. Läuchli, Phys. Rev. E 98, 033309 (2018), who look up sublattices.

use rayon::prelude::*;

use crate::graph::Sector;
use crate::hilbert::{Automaton, Hilbert, OUTSIDE};
use crate::scalar::c64;

/// A state: local indices one after the other from the highest bit down, so that bits compare as numbers do.
pub(super) type Bits<const W: usize> = [u64; W];

/// The most words of a state's bits.
pub(super) const MAX_WORDS: usize = 4;
/// Beginnings of states that are searched side by side, at least.
const BEGINNINGS: usize = 1 << 12;

/// The group of a sector, on states of a space.
#[derive(Clone, Debug)]
pub(super) struct Group<const W: usize> {
    n_sites: usize,
    /// Bits of a local index: 1, 2, 4 or 8, so that none lies in two bytes.
    width: usize,
    /// The highest local index.
    top: u8,
    /// That of every site: what is left of it after a state is the flipped one.
    tops: Bits<W>,
    /// For each permutation and site, where its new state comes from: close together, as all are gone through for
    /// each beginning of a state.
    from: Vec<u8>,
    /// For each permutation and byte of a state, what the byte's sites become.
    tables: Vec<Vec<[Bits<W>; 256]>>,
    /// χ of the permutations, and after them of those with a spin flip, if flips are in the group.
    characters: Vec<c64>,
}

/// The first state of an orbit: ⟨r|P|r⟩, not 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct First<const W: usize> {
    pub bits: Bits<W>,
    pub norm: f64,
}

/// Bits of a local index of so many values.
const fn width(local_size: usize) -> usize {
    match local_size {
        0..=2 => 1,
        3..=4 => 2,
        5..=16 => 4,
        _ => 8,
    }
}

/// How many words of bits the states of a space take.
pub(super) fn n_words(hilbert: &Hilbert) -> usize {
    (hilbert.n_sites() * width(hilbert.local_size())).div_ceil(64)
}

/// Memory for the tables of so many permutations, and for so many first states.
pub(super) fn bytes(hilbert: &Hilbert, n_permutations: usize, n_firsts: usize) -> usize {
    let n_tables = n_permutations * (hilbert.n_sites() * width(hilbert.local_size())).div_ceil(8);
    let [table, first] = match n_words(hilbert) {
        1 => [size_of::<[Bits<1>; 256]>(), size_of::<First<1>>()],
        _ => [
            size_of::<[Bits<MAX_WORDS>; 256]>(),
            size_of::<First<MAX_WORDS>>(),
        ],
    };
    n_tables * table + n_firsts * first
}

impl<const W: usize> Group<W> {
    /// The group of a sector of as many sites as the space has, which take no more than W words.
    pub fn new(hilbert: &Hilbert, sector: &Sector) -> Self {
        let mut group = Self {
            n_sites: hilbert.n_sites(),
            width: width(hilbert.local_size()),
            top: (hilbert.local_size() - 1) as u8,
            tops: [0; W],
            from: Vec::new(),
            tables: Vec::new(),
            characters: sector.characters().to_vec(),
        };
        group.tops = group.pack(&vec![group.top; group.n_sites]);
        if let Some(parity) = sector.spin_flip() {
            let flipped = sector.characters().iter().map(|x| x * parity.sign());
            group.characters.extend(flipped);
        }
        for g in sector.permutations() {
            let mut from = vec![0; g.len()];
            for (site, &to) in g.iter().enumerate() {
                from[to] = site as u8;
            }
            group.from.extend(from);
            let tables = group.tables_of(g);
            group.tables.push(tables);
        }
        group
    }

    fn tables_of(&self, g: &[usize]) -> Vec<[Bits<W>; 256]> {
        let per_byte = 8 / self.width;
        let images = g.chunks(per_byte).map(|sites| {
            let mut images = [[0; W]; 256];
            for (byte, image) in images.iter_mut().enumerate() {
                for (place, &site) in sites.iter().enumerate() {
                    let below = 8 - self.width * (place + 1);
                    let index = (byte >> below) & ((1 << self.width) - 1);
                    self.set(image, site, index as u8);
                }
            }
            images
        });
        images.collect()
    }

    /// The number of elements, spin flips among them.
    pub fn order(&self) -> usize {
        self.characters.len()
    }

    /// The word of a site and the bits below it.
    #[inline]
    fn place(&self, site: usize) -> (usize, usize) {
        let bit = self.width * site;
        (bit / 64, 64 - self.width - bit % 64)
    }

    /// Puts a local index at a site.
    #[inline]
    pub fn set(&self, bits: &mut Bits<W>, site: usize, index: u8) {
        let (word, below) = self.place(site);
        let all = ((1 << self.width) - 1) << below;
        bits[word] = bits[word] & !all | u64::from(index) << below;
    }

    /// Local indices as bits.
    pub fn pack(&self, sigma: &[u8]) -> Bits<W> {
        let mut bits = [0; W];
        for (site, &index) in sigma.iter().enumerate() {
            self.set(&mut bits, site, index);
        }
        bits
    }

    /// Bits as local indices.
    pub fn unpack(&self, bits: &Bits<W>, sigma: &mut [u8]) {
        for (site, index) in sigma.iter_mut().enumerate() {
            let (word, below) = self.place(site);
            *index = (bits[word] >> below & ((1 << self.width) - 1)) as u8;
        }
    }

    /// Where the new state of each site comes from.
    #[inline]
    fn sources(&self, g: usize) -> &[u8] {
        let permutation = g % self.tables.len();
        &self.from[permutation * self.n_sites..][..self.n_sites]
    }

    /// A local index, flipped if the element flips.
    #[inline]
    fn turned(&self, g: usize, index: u8) -> u8 {
        match g < self.tables.len() {
            true => index,
            false => self.top - index,
        }
    }

    /// The first state of each orbit that is in the sector, ascending.
    pub fn firsts(&self, hilbert: &Hilbert) -> Vec<First<W>> {
        let mut beginnings = vec![(Vec::new(), 0, c64::default())];
        for _ in 0..self.n_sites {
            if beginnings.len() >= BEGINNINGS {
                break;
            }
            let mut longer = Vec::new();
            for (mut known, place, _) in beginnings {
                self.extend(hilbert, &mut known, place, &mut |known, place, weight| {
                    longer.push((known.clone(), place, weight));
                });
            }
            beginnings = longer;
        }
        let found: Vec<Vec<First<W>>> = beginnings
            .into_par_iter()
            .map(|(mut known, place, weight)| {
                let mut found = Vec::new();
                self.search(hilbert, &mut known, place, weight, &mut found);
                found
            })
            .collect();
        found.concat()
    }

    /// Those that begin in a way.
    fn search(
        &self,
        hilbert: &Hilbert,
        known: &mut Vec<u8>,
        place: u32,
        weight: c64,
        found: &mut Vec<First<W>>,
    ) {
        if known.len() < self.n_sites {
            return self.extend(hilbert, known, place, &mut |known, place, weight| {
                self.search(hilbert, known, place, weight, found);
            });
        }
        // Without rounding it is a multiple of 1/|G|.
        let unit = 1.0 / self.order() as f64;
        let norm = weight.re * unit;
        if norm > 0.5 * unit {
            let bits = self.pack(known);
            found.push(First { bits, norm });
        }
    }

    /// A site more, in each way that may be the beginning of an orbit's first state.
    fn extend(
        &self,
        hilbert: &Hilbert,
        known: &mut Vec<u8>,
        place: u32,
        f: &mut dyn FnMut(&mut Vec<u8>, u32, c64),
    ) {
        for index in 0..=self.top {
            let read = |automaton: &Automaton| automaton.next(known.len(), place, index);
            let place = hilbert.automaton().map_or(0, read);
            if place == OUTSIDE {
                continue;
            }
            known.push(index);
            if let Some(weight) = self.weight(known) {
                f(known, place, weight);
            }
            known.pop();
        }
    }

    /// Σ χ* of the elements whose image of a state is as it is, as far as both are known; `None` if one comes before it.
    fn weight(&self, known: &[u8]) -> Option<c64> {
        let mut weight = c64::default();
        'elements: for (g, character) in self.characters.iter().enumerate() {
            for (&own, &from) in known.iter().zip(self.sources(g)) {
                let Some(&index) = known.get(usize::from(from)) else {
                    break;
                };
                match self.turned(g, index).cmp(&own) {
                    std::cmp::Ordering::Less => return None,
                    std::cmp::Ordering::Equal => {}
                    std::cmp::Ordering::Greater => continue 'elements,
                }
            }
            weight += character.conj();
        }
        Some(weight)
    }

    /// Replaces states by the first ones of their orbits, and gives χ of the elements that make the states of them.
    pub fn to_first(&self, states: &mut [Bits<W>], characters: &mut Vec<c64>) {
        let mut firsts = states.to_vec();
        // r = gσ by which g: σ = g⁻¹ r.
        let mut by = vec![0; states.len()];
        let flips = self.order() > self.tables.len();
        for (g, tables) in self.tables.iter().enumerate() {
            let flipped_by = g + self.tables.len();
            for ((state, first), by) in states.iter().zip(&mut firsts).zip(&mut by) {
                let image = image(tables, state);
                keep_first(first, by, image, g);
                if flips {
                    let image = std::array::from_fn(|word| self.tops[word] - image[word]);
                    keep_first(first, by, image, flipped_by);
                }
            }
        }
        states.copy_from_slice(&firsts);
        characters.clear();
        characters.extend(by.iter().map(|&g| self.characters[g].conj()));
    }
}

/// What a permutation makes of a state.
#[inline]
fn image<const W: usize>(tables: &[[Bits<W>; 256]], state: &Bits<W>) -> Bits<W> {
    let mut image = [0; W];
    for (word, tables) in state.iter().zip(tables.chunks(8)) {
        let mut below = 64;
        for table in tables {
            below -= 8;
            let part = &table[usize::from((word >> below) as u8)];
            for (word, part) in image.iter_mut().zip(part) {
                *word |= part;
            }
        }
    }
    image
}

/// Takes an image for the first state if it comes before; without a branch, as images come in any order.
#[inline]
fn keep_first<const W: usize>(first: &mut Bits<W>, by: &mut usize, image: Bits<W>, g: usize) {
    // Word by word: arrays are compared by a loop that is slower.
    let differ = (0..W).find(|&word| image[word] != first[word]);
    let is_before = differ.is_some_and(|word| image[word] < first[word]);
    *first = if is_before { image } else { *first };
    *by = if is_before { g } else { *by };
}
