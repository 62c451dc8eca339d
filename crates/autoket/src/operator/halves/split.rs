//! Sites cut in two: beginnings of states and their ends, by digits.

use std::ops::Range;

use crate::hilbert::{Hilbert, OUTSIDE};

/// Ends of states, at most: vectors over them stay in the cache.
const MOST_ENDS: usize = 4096;
/// States of a beginning, on average and at least: shorter runs are slower than rows of a stored matrix.
const LEAST_RUN: u64 = 32;
/// Where the sites are cut.
#[derive(Clone, Copy)]
pub(super) struct Split {
    pub local_size: usize,
    /// Sites of the beginnings.
    pub n_first: usize,
    pub n_sites: usize,
}

impl Split {
    pub fn of(hilbert: &Hilbert) -> Self {
        let (local_size, n_sites) = (hilbert.local_size(), hilbert.n_sites());
        let (mut n_last, mut n_ends) = (1, local_size);
        while n_ends * local_size <= MOST_ENDS && n_last < n_sites {
            n_last += 1;
            n_ends *= local_size;
        }
        Self {
            local_size,
            n_first: n_sites - n_last,
            n_sites,
        }
    }

    /// Whether products on a space are to go by halves: tables then take less than two vectors, and runs are long.
    pub fn fits(&self, hilbert: &Hilbert) -> bool {
        if self.n_first == 0 {
            return true;
        }
        let n_states = hilbert.n_states().unwrap_or(0);
        let few = n_states.max(MOST_ENDS as u64);
        if self.n_beginnings().is_none_or(|n| u64::from(n) > few) {
            return false;
        }
        let of_places = self.of_places(hilbert);
        let n_runs: u64 = of_places.iter().sum();
        n_runs * LEAST_RUN <= n_states && (of_places.len() * self.n_ends()) as u64 <= 4 * few
    }

    /// The number of beginnings without constraints, if it is not too large.
    pub fn n_beginnings(&self) -> Option<u32> {
        (self.local_size as u32).checked_pow(self.n_first as u32)
    }

    pub fn n_ends(&self) -> usize {
        self.local_size.pow((self.n_sites - self.n_first) as u32)
    }

    /// The number of beginnings that lead to each place.
    fn of_places(&self, hilbert: &Hilbert) -> Vec<u64> {
        let mut counts = vec![1];
        for site in 0..self.n_first {
            let mut next = Vec::new();
            for (&count, place) in counts.iter().zip(0..) {
                for index in self.indices() {
                    let place = self.next(hilbert, site, place, index);
                    if place != OUTSIDE {
                        next.resize(next.len().max(place as usize + 1), 0_u64);
                        next[place as usize] = next[place as usize].saturating_add(count);
                    }
                }
            }
            counts = next;
        }
        counts
    }

    fn indices(&self) -> impl Iterator<Item = u8> + use<> {
        0..=(self.local_size - 1) as u8
    }

    fn next(&self, hilbert: &Hilbert, site: usize, place: u32, index: u8) -> u32 {
        match hilbert.automaton() {
            Some(automaton) => automaton.next(site, place, index),
            None => place,
        }
    }

    /// The local indices of a beginning or an end, from its digits.
    pub fn unpack(&self, mut digits: usize, sites: &mut [u8]) {
        for index in sites.iter_mut().rev() {
            *index = (digits % self.local_size) as u8;
            digits /= self.local_size;
        }
    }

    /// The digits that may stand at some sites after a place, in the order of their states' numbers, and the places they
    /// lead to.
    pub fn read(&self, hilbert: &Hilbert, sites: Range<usize>, place: u32) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        self.go_on(hilbert, sites, place, 0, &mut found);
        if hilbert.turned(0) != 0 {
            found.reverse();
        }
        found
    }

    /// Adds what may follow on these digits, in lexicographic order.
    fn go_on(
        &self,
        hilbert: &Hilbert,
        sites: Range<usize>,
        place: u32,
        digits: u32,
        found: &mut Vec<(u32, u32)>,
    ) {
        if sites.is_empty() {
            found.push((digits, place));
            return;
        }
        for index in self.indices() {
            let next = self.next(hilbert, sites.start, place, index);
            if next != OUTSIDE {
                let digits = digits * self.local_size as u32 + u32::from(index);
                self.go_on(hilbert, sites.start + 1..sites.end, next, digits, found);
            }
        }
    }

    /// The number of the local state of some sites of a beginning or an end.
    pub fn state(&self, sites: &[usize], indices: &[u8]) -> usize {
        sites.iter().fold(0, |state, &site| {
            state * self.local_size + usize::from(indices[site])
        })
    }

    /// What a step at a site adds to the digits of a beginning, and of an end.
    pub fn strides(&self, site: u32) -> [usize; 2] {
        let site = site as usize;
        let power = |end: usize| self.local_size.pow((end - 1 - site) as u32);
        match site < self.n_first {
            true => [power(self.n_first), 0],
            false => [0, power(self.n_sites)],
        }
    }
}
