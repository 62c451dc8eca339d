//! States as bits, and the orbits of a group of permutations of sites and spin flips.
//!
//! Images of bits come from tables, a lookup for each byte, and are made by those elements only whose images
//! [begin](super::beginnings) first.
//! Source: A. Wietek and A. Läuchli, Phys. Rev. E 98, 033309 (2018), who look up sublattices.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::beginnings::{Beginnings, Scratch};
use crate::error::Result;
use crate::graph::Sector;
use crate::hilbert::{Automaton, Hilbert, OUTSIDE};
use crate::interrupt::Interrupt;
use crate::scalar::c64;

/// A state: local indices one after the other from the highest bit down, so that bits compare as numbers do.
pub(super) type Bits<const W: usize> = [u64; W];

/// The most words of a state's bits.
pub(super) const MAX_WORDS: usize = 4;
/// Beginnings of states that are searched side by side, at least.
const BEGINNINGS: usize = 1 << 12;
/// Bits at the end of a state that are filled in all ways: whether images come first is then looked up, which takes less
/// than telling it of each part of a state.
const LAST_BITS: usize = 6;
/// Tables of beginnings may take as much work as this many images of each state of the sector.
const IMAGES: usize = 8;

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
    beginnings: Beginnings,
    /// χ of the permutations, and after them of those with a spin flip, if flips are in the group.
    characters: Vec<c64>,
}

/// The first states of orbits, ascending, and how many elements leave each as it is: |G|⟨r|P|r⟩, which is not 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Firsts<const W: usize> {
    pub states: Vec<Bits<W>>,
    pub stabilizers: Vec<u32>,
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
    let [table, state] = match n_words(hilbert) {
        1 => [size_of::<[Bits<1>; 256]>(), size_of::<Bits<1>>()],
        _ => [
            size_of::<[Bits<MAX_WORDS>; 256]>(),
            size_of::<Bits<MAX_WORDS>>(),
        ],
    };
    // One more byte for the directory.
    n_tables * table + n_firsts * (state + size_of::<u32>() + 1)
}

impl<const W: usize> Group<W> {
    /// The group of a sector of as many sites as the space has, which take no more than W words, and of about
    /// `n_states` states.
    pub fn new(hilbert: &Hilbert, sector: &Sector, n_states: usize) -> Self {
        let mut group = Self {
            n_sites: hilbert.n_sites(),
            width: width(hilbert.local_size()),
            top: (hilbert.local_size() - 1) as u8,
            tops: [0; W],
            from: Vec::new(),
            tables: Vec::new(),
            beginnings: Beginnings::default(),
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
        let from: Vec<&[u8]> = group.from.chunks_exact(group.n_sites).collect();
        let flip = sector.spin_flip().map(|_| group.top);
        group.beginnings = Beginnings::new(&from, flip, group.width, IMAGES * n_states);
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
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn firsts(&self, hilbert: &Hilbert, interrupt: &Interrupt) -> Result<Firsts<W>> {
        let n_searched = self.n_sites.saturating_sub(LAST_BITS / self.width);
        let mut beginnings = vec![(Vec::new(), 0)];
        for _ in 0..n_searched {
            if beginnings.len() >= BEGINNINGS {
                break;
            }
            let mut longer = Vec::new();
            for (mut known, place) in beginnings {
                self.extend(hilbert, &mut known, place, &mut |known, place| {
                    if self.may_begin_first(known) {
                        longer.push((known.clone(), place));
                    }
                });
            }
            beginnings = longer;
        }
        let parts: Result<Vec<Firsts<W>>> = beginnings
            .into_par_iter()
            .map(|(mut known, place)| {
                interrupt.check()?;
                let mut found = Firsts::default();
                let scratch = &mut Scratch::default();
                self.search(hilbert, &mut known, place, n_searched, scratch, &mut found);
                Ok(found)
            })
            .collect();
        let parts = parts?;
        let n = parts.iter().map(|part| part.states.len()).sum();
        let mut firsts = Firsts {
            states: Vec::with_capacity(n),
            stabilizers: Vec::with_capacity(n),
        };
        for part in parts {
            firsts.states.extend(part.states);
            firsts.stabilizers.extend(part.stabilizers);
        }
        Ok(firsts)
    }

    /// Those that begin in a way; from `n_searched` sites on all ways to go on are tried.
    fn search(
        &self,
        hilbert: &Hilbert,
        known: &mut Vec<u8>,
        place: u32,
        n_searched: usize,
        scratch: &mut Scratch,
        found: &mut Firsts<W>,
    ) {
        if known.len() < self.n_sites {
            return self.extend(hilbert, known, place, &mut |known, place| {
                if known.len() > n_searched || self.may_begin_first(known) {
                    self.search(hilbert, known, place, n_searched, scratch, found);
                }
            });
        }
        let state = self.pack(known);
        if let Some(stabilizer) = self.stabilizer(&state, scratch) {
            found.states.push(state);
            found.stabilizers.push(stabilizer);
        }
    }

    /// A site more, in each way that the space has.
    fn extend(
        &self,
        hilbert: &Hilbert,
        known: &mut Vec<u8>,
        place: u32,
        f: &mut dyn FnMut(&mut Vec<u8>, u32),
    ) {
        for index in 0..=self.top {
            let read = |automaton: &Automaton| automaton.next(known.len(), place, index);
            let place = hilbert.automaton().map_or(0, read);
            if place == OUTSIDE {
                continue;
            }
            known.push(index);
            f(known, place);
            known.pop();
        }
    }

    /// Whether no image of a state comes before it, as far as both are known. After a site of the lowest index that is not
    /// looked at: with few particles most sites are such, and what is let through here is found later.
    fn may_begin_first(&self, known: &[u8]) -> bool {
        if known.last() == Some(&0) {
            return true;
        }
        (0..self.order()).all(|g| {
            for (&own, &from) in known.iter().zip(self.sources(g)) {
                let Some(&index) = known.get(usize::from(from)) else {
                    return true;
                };
                match self.turned(g, index).cmp(&own) {
                    Ordering::Less => return false,
                    Ordering::Equal => {}
                    Ordering::Greater => return true,
                }
            }
            true
        })
    }

    /// How many elements leave a state as it is; `None` if it is not the first of its orbit, or not in the sector.
    fn stabilizer(&self, state: &Bits<W>, scratch: &mut Scratch) -> Option<u32> {
        let mut is_first = true;
        let mut weight = c64::default();
        self.beginnings
            .for_first(state, scratch, |g| match self.image(g, state).cmp(state) {
                Ordering::Less => is_first = false,
                Ordering::Equal => weight += self.characters[g].conj(),
                Ordering::Greater => {}
            });
        // Without rounding it is as many as there are, or 0.
        let weight = weight.re.round() as u32;
        (is_first && weight > 0).then_some(weight)
    }

    /// Replaces states by the first ones of their orbits, and gives χ of the elements that make the states of them.
    pub fn to_first(&self, states: &mut [Bits<W>], characters: &mut Vec<c64>) {
        let scratch = &mut Scratch::default();
        characters.clear();
        for state in states {
            // r = gσ by which g: σ = g⁻¹ r.
            let (mut first, mut by) = ([u64::MAX; W], 0);
            self.beginnings.for_first(state, scratch, |g| {
                let image = self.image(g, state);
                if comes_before(&image, &first) {
                    (first, by) = (image, g);
                }
            });
            *state = first;
            characters.push(self.characters[by].conj());
        }
    }

    /// What an element makes of a state.
    #[inline]
    fn image(&self, g: usize, state: &Bits<W>) -> Bits<W> {
        match g.checked_sub(self.tables.len()) {
            None => image(&self.tables[g], state),
            Some(g) => {
                let image = image(&self.tables[g], state);
                std::array::from_fn(|word| self.tops[word] - image[word])
            }
        }
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

/// Whether one state comes before another: word by word, as the comparison of arrays is slower.
#[inline]
pub(super) fn comes_before<const W: usize>(a: &Bits<W>, b: &Bits<W>) -> bool {
    let differ = (0..W).find(|&word| a[word] != b[word]);
    differ.is_some_and(|word| a[word] < b[word])
}
