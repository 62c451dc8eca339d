//! Products of a local operator with a vector over all states of a space: no row is made and next to nothing stored.
//!
//! States that begin alike lie side by side, and how they may end depends on where the space's automaton stands after
//! the beginning: numbers of states are a beginning's and an end's, which are looked up. Terms on the sites of
//! beginnings add whole runs of one vector to runs of the other; those on the sites of ends are one small matrix for each
//! place of the automaton; what is left acts on both.
//! Source: H. Q. Lin, Phys. Rev. B 42, 6561 (1990), for spins with a given magnetisation.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::term::Entries;
use super::{LocalOperator, Operator};
use crate::hilbert::{Hilbert, OUTSIDE};
use crate::scalar::{Scalar, c64};

/// Ends of states, at most: vectors over them stay in the cache.
const MOST_ENDS: usize = 4096;
/// States of a beginning, on average and at least: shorter runs are slower than rows of a stored matrix.
const LEAST_RUN: u64 = 32;
/// Rows done at a time by one thread, about. Results do not depend on it.
const ROWS: usize = 8192;
/// No such beginning or end.
const NONE: u32 = u32::MAX;

/// A local operator, sorted by halves of the sites.
pub(crate) struct Halves<S> {
    split: Split,
    /// The beginnings in the order of their states' numbers.
    runs: Vec<Run>,
    /// Their places in it, by digits.
    run_of: Vec<u32>,
    /// By place of the automaton.
    ends: Vec<Ends<S>>,
    constant: S,
    /// On the sites of beginnings.
    first: Vec<Term<S>>,
    across: Vec<Across<S>>,
    /// Runs done at a time by one thread.
    shares: Vec<Range<usize>>,
}

/// Where the sites are cut.
#[derive(Clone, Copy)]
struct Split {
    local_size: usize,
    /// Sites of the beginnings.
    n_first: usize,
    n_sites: usize,
}

/// The states of one beginning.
struct Run {
    digits: u32,
    place: u32,
    /// The number of the first state.
    start: usize,
}

/// The ends that may follow on a place.
struct Ends<S> {
    /// The digits of each, in the order of numbers.
    digits: Vec<u32>,
    /// The place in it, by digits.
    number: Vec<u32>,
    /// All terms on the sites of ends, by compressed rows.
    row_starts: Vec<u32>,
    elements: Vec<(u32, S)>,
}

/// A matrix on few sites.
struct Term<S> {
    /// Its sites among beginnings and, counted from the first of these, among ends.
    sites: [Vec<usize>; 2],
    /// For each local state, the diagonal element, and where the other ones of its row are; one more ends the last.
    diagonal: Vec<S>,
    starts: Vec<u32>,
    elements: Vec<Element<S>>,
}

/// How far the digits of the column's beginning and end are from the row's.
struct Element<S> {
    distance: [isize; 2],
    mel: S,
}

/// Terms on sites of both halves, those among ends being the same.
struct Across<S> {
    terms: Vec<Term<S>>,
    /// By place of the automaton and by local state of the sites among ends: which ends have it.
    ends: Vec<Vec<Vec<u32>>>,
}

impl Split {
    fn of(hilbert: &Hilbert) -> Self {
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

    /// The number of beginnings without constraints, if it is not too large.
    fn n_beginnings(&self) -> Option<u32> {
        (self.local_size as u32).checked_pow(self.n_first as u32)
    }

    fn n_ends(&self) -> usize {
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
    fn unpack(&self, mut digits: usize, sites: &mut [u8]) {
        for index in sites.iter_mut().rev() {
            *index = (digits % self.local_size) as u8;
            digits /= self.local_size;
        }
    }

    /// Gives the digits that may stand at some sites after a place, in lexicographic order, and the place they lead to.
    fn read(
        &self,
        hilbert: &Hilbert,
        sites: Range<usize>,
        place: u32,
        digits: u32,
        f: &mut dyn FnMut(u32, u32),
    ) {
        if sites.is_empty() {
            return f(digits, place);
        }
        for index in self.indices() {
            let next = self.next(hilbert, sites.start, place, index);
            if next != OUTSIDE {
                let digits = digits * self.local_size as u32 + u32::from(index);
                self.read(hilbert, sites.start + 1..sites.end, next, digits, f);
            }
        }
    }

    /// The number of the local state of some sites of a beginning or an end.
    fn state(&self, sites: &[usize], indices: &[u8]) -> usize {
        sites.iter().fold(0, |state, &site| {
            state * self.local_size + usize::from(indices[site])
        })
    }

    /// What a step at a site adds to the digits of a beginning, and of an end.
    fn strides(&self, site: u32) -> [usize; 2] {
        let site = site as usize;
        let power = |end: usize| self.local_size.pow((end - 1 - site) as u32);
        match site < self.n_first {
            true => [power(self.n_first), 0],
            false => [0, power(self.n_sites)],
        }
    }
}

impl<S: Scalar<Real = f64>> Halves<S> {
    /// Whether products on a space are to go so: tables then take less than two vectors, and runs are long.
    pub fn fit(hilbert: &Hilbert) -> bool {
        let split = Split::of(hilbert);
        let n_states = hilbert.n_states().unwrap_or(0);
        let few = n_states.max(MOST_ENDS as u64);
        if split.n_first == 0 {
            return true;
        }
        if split.n_beginnings().is_none_or(|n| u64::from(n) > few) {
            return false;
        }
        let of_places = split.of_places(hilbert);
        let n_runs: u64 = of_places.iter().sum();
        n_runs * LEAST_RUN <= n_states && (of_places.len() * split.n_ends()) as u64 <= 4 * few
    }

    /// Of an operator that keeps to its space, whose states can be looked up.
    pub fn new(operator: &LocalOperator) -> Self {
        let hilbert = operator.hilbert();
        let split = Split::of(hilbert);
        let mut found = Vec::new();
        split.read(hilbert, 0..split.n_first, 0, 0, &mut |digits, place| {
            found.push((digits, place));
        });
        let descending = hilbert.turned(0) != 0;
        if descending {
            found.reverse();
        }
        let n_places = found.iter().map(|&(_, place)| place as usize + 1).max();
        let mut ends: Vec<Ends<S>> = (0..n_places.unwrap_or(0) as u32)
            .map(|place| Ends::new(hilbert, &split, place, descending))
            .collect();

        let mut runs = Vec::with_capacity(found.len());
        let mut run_of = vec![NONE; split.n_beginnings().unwrap_or(0) as usize];
        let mut start = 0;
        for (digits, place) in found {
            run_of[digits as usize] = runs.len() as u32;
            runs.push(Run {
                digits,
                place,
                start,
            });
            start += ends[place as usize].digits.len();
        }

        let (mut first, mut last) = (Vec::new(), Vec::new());
        let mut across: BTreeMap<Vec<usize>, Vec<Term<S>>> = BTreeMap::new();
        for (sites, entries) in operator.entries() {
            let term = Term::new(&split, sites, entries);
            match term.sites.each_ref().map(|sites| sites.is_empty()) {
                [false, true] => first.push(term),
                [true, _] => last.push(term),
                [false, false] => {
                    let on_ends = term.sites[1].clone();
                    across.entry(on_ends).or_default().push(term);
                }
            }
        }
        ends.par_iter_mut().for_each(|ends| ends.add(&split, &last));
        let across = across.into_values();
        let across = across
            .map(|terms| Across::new(&split, terms, &ends))
            .collect();
        let mut shares: Vec<Range<usize>> = Vec::new();
        let mut rows = ROWS;
        for (run, Run { place, .. }) in runs.iter().enumerate() {
            if rows >= ROWS {
                shares.push(run..run);
                rows = 0;
            }
            rows += ends[*place as usize].digits.len();
            if let Some(share) = shares.last_mut() {
                share.end = run + 1;
            }
        }
        Self {
            split,
            runs,
            run_of,
            ends,
            constant: S::from_c64(operator.constant()),
            first,
            across,
            shares,
        }
    }

    /// y = O x.
    pub fn multiply(&self, x: &[S], y: &mut [S]) {
        let mut left = y;
        let mut shares = Vec::with_capacity(self.shares.len());
        for runs in &self.shares {
            let rows: usize = self.runs[runs.clone()]
                .iter()
                .map(|run| self.len(run))
                .sum();
            let (own, others) = std::mem::take(&mut left).split_at_mut(rows);
            shares.push((runs.clone(), own));
            left = others;
        }
        shares.into_par_iter().for_each(|(runs, mut y)| {
            let mut beginning = vec![0; self.split.n_first];
            for run in &self.runs[runs] {
                let (own, others) = std::mem::take(&mut y).split_at_mut(self.len(run));
                self.split.unpack(run.digits as usize, &mut beginning);
                self.add_first(run, &beginning, x, own);
                self.ends[run.place as usize].multiply(&x[run.start..], own);
                for across in &self.across {
                    self.add_across(across, run, &beginning, x, own);
                }
                y = others;
            }
        });
    }

    fn len(&self, run: &Run) -> usize {
        self.ends[run.place as usize].digits.len()
    }

    /// The run of the beginning that is so far from one.
    fn run_at(&self, run: &Run, distance: isize) -> Option<&Run> {
        let other = self.run_of[(run.digits as usize).wrapping_add_signed(distance)];
        (other != NONE).then(|| &self.runs[other as usize])
    }

    /// y = (constant + terms on the beginning) x, in a run.
    fn add_first(&self, run: &Run, beginning: &[u8], x: &[S], y: &mut [S]) {
        let states = self
            .first
            .iter()
            .map(|term| (term, self.split.state(&term.sites[0], beginning)));
        let diagonal: S = states
            .clone()
            .map(|(term, state)| term.diagonal[state])
            .sum();
        let diagonal = self.constant + diagonal;
        for (y, &x) in y.iter_mut().zip(&x[run.start..]) {
            *y = diagonal * x;
        }
        for Element { distance, mel } in states.flat_map(|(term, state)| term.row(state)) {
            let Some(from) = self.run_at(run, distance[0]) else {
                continue;
            };
            if from.place == run.place {
                for (y, &x) in y.iter_mut().zip(&x[from.start..]) {
                    *y += *mel * x;
                }
                continue;
            }
            let number = &self.ends[from.place as usize].number;
            let digits = &self.ends[run.place as usize].digits;
            for (y, &digits) in y.iter_mut().zip(digits) {
                let number = number[digits as usize];
                if number != NONE {
                    *y += *mel * x[from.start + number as usize];
                }
            }
        }
    }

    /// y += terms on beginning and end x, in a run.
    fn add_across(&self, across: &Across<S>, run: &Run, beginning: &[u8], x: &[S], y: &mut [S]) {
        let place = run.place as usize;
        let (digits, own) = (&self.ends[place].digits, &x[run.start..]);
        let n_states = across.ends[place].len();
        let first = |term: &Term<S>| self.split.state(&term.sites[0], beginning) * n_states;
        for (state, ends) in across.ends[place].iter().enumerate() {
            if ends.is_empty() {
                continue;
            }
            let diagonals = across
                .terms
                .iter()
                .map(|term| term.diagonal[first(term) + state]);
            let diagonal: S = diagonals.sum();
            if diagonal != S::zero() {
                for &k in ends {
                    y[k as usize] += diagonal * own[k as usize];
                }
            }
            let rows = across
                .terms
                .iter()
                .flat_map(|term| term.row(first(term) + state));
            for Element { distance, mel } in rows {
                let Some(from) = self.run_at(run, distance[0]) else {
                    continue;
                };
                let number = &self.ends[from.place as usize].number;
                for &k in ends {
                    let digits = digits[k as usize] as usize;
                    let number = number[digits.wrapping_add_signed(distance[1])];
                    if number != NONE {
                        y[k as usize] += *mel * x[from.start + number as usize];
                    }
                }
            }
        }
    }
}

impl<S: Scalar<Real = f64>> Across<S> {
    fn new(split: &Split, terms: Vec<Term<S>>, ends: &[Ends<S>]) -> Self {
        let sites = &terms[0].sites[1];
        let n_states = split.local_size.pow(sites.len() as u32);
        let mut end = vec![0; split.n_sites - split.n_first];
        let sorted = ends.iter().map(|ends| {
            let mut sorted = vec![Vec::new(); n_states];
            for (&digits, k) in ends.digits.iter().zip(0..) {
                split.unpack(digits as usize, &mut end);
                sorted[split.state(sites, &end)].push(k);
            }
            sorted
        });
        Self {
            ends: sorted.collect(),
            terms,
        }
    }
}

impl<S: Scalar<Real = f64>> Ends<S> {
    /// Those that may follow on a place, without terms.
    fn new(hilbert: &Hilbert, split: &Split, place: u32, descending: bool) -> Self {
        let mut found = Vec::new();
        split.read(
            hilbert,
            split.n_first..split.n_sites,
            place,
            0,
            &mut |digits, _| {
                found.push(digits);
            },
        );
        if descending {
            found.reverse();
        }
        let mut number = vec![NONE; split.n_ends()];
        for (&digits, k) in found.iter().zip(0..) {
            number[digits as usize] = k;
        }
        Self {
            digits: found,
            number,
            row_starts: Vec::new(),
            elements: Vec::new(),
        }
    }

    /// Makes the matrix of some terms.
    fn add(&mut self, split: &Split, terms: &[Term<S>]) {
        let mut end = vec![0; split.n_sites - split.n_first];
        self.row_starts.push(0);
        for (&digits, k) in self.digits.iter().zip(0..) {
            split.unpack(digits as usize, &mut end);
            let mut diagonal = S::zero();
            let first = self.elements.len();
            self.elements.push((k, diagonal));
            for term in terms {
                let state = split.state(&term.sites[1], &end);
                diagonal += term.diagonal[state];
                for Element { distance, mel } in term.row(state) {
                    let column = self.number[(digits as usize).wrapping_add_signed(distance[1])];
                    if column != NONE {
                        self.elements.push((column, *mel));
                    }
                }
            }
            self.elements[first].1 = diagonal;
            self.row_starts.push(self.elements.len() as u32);
        }
    }

    /// y += A x.
    fn multiply(&self, x: &[S], y: &mut [S]) {
        let x = &x[..y.len()];
        for (y, ends) in y.iter_mut().zip(self.row_starts.windows(2)) {
            let row = &self.elements[ends[0] as usize..ends[1] as usize];
            *y += row
                .iter()
                .map(|&(column, mel)| mel * x[column as usize])
                .sum();
        }
    }
}

impl<S: Scalar<Real = f64>> Term<S> {
    fn new(split: &Split, sites: &[u32], entries: &Entries) -> Self {
        let d = split.local_size;
        let strides: Vec<[usize; 2]> = sites.iter().map(|&site| split.strides(site)).collect();
        let n_states = d.pow(sites.len() as u32);
        // Sites ascend.
        let mut first: Vec<usize> = sites.iter().map(|&site| site as usize).collect();
        let last = first.split_off(first.partition_point(|&site| site < split.n_first));
        let last = last.iter().map(|site| site - split.n_first).collect();
        let mut term = Self {
            sites: [first, last],
            diagonal: vec![S::zero(); n_states],
            starts: vec![0],
            elements: Vec::new(),
        };
        let digits = |mut state: usize, half: usize| -> isize {
            let mut digits = 0;
            for strides in strides.iter().rev() {
                digits += state % d * strides[half];
                state /= d;
            }
            digits as isize
        };
        // Rows ascend in the map.
        let mut entries = entries.iter().peekable();
        for row in 0..n_states {
            while let Some((&(_, column), &mel)) =
                entries.next_if(|((own, _), _)| *own as usize == row)
            {
                let mel: c64 = mel;
                match column as usize == row {
                    true => term.diagonal[row] += S::from_c64(mel),
                    false => term.elements.push(Element {
                        distance: [0, 1]
                            .map(|half| digits(column as usize, half) - digits(row, half)),
                        mel: S::from_c64(mel),
                    }),
                }
            }
            term.starts.push(term.elements.len() as u32);
        }
        term
    }

    fn row(&self, state: usize) -> &[Element<S>] {
        &self.elements[self.starts[state] as usize..self.starts[state + 1] as usize]
    }
}
