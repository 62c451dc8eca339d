//! Products of a local operator with a vector over all states of a space: no row is made and next to nothing stored.
//!
//! States that begin alike lie side by side, and how they may end depends on where the space's automaton stands after
//! the beginning: numbers of states are a beginning's and an end's, which are looked up. Terms on the sites of
//! beginnings add whole runs of one vector to runs of the other; those on the sites of ends are one small matrix for each
//! place of the automaton; what is left acts on both.
//! Source: H. Q. Lin, Phys. Rev. B 42, 6561 (1990), for spins with a given magnetisation.

mod split;
mod term;

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use self::split::Split;
use self::term::{Element, Term};
use super::sparse::{Csr, CsrBuilder};
use super::{LocalOperator, Operator};
use crate::hilbert::Hilbert;
use crate::scalar::Scalar;

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
    /// All terms on the sites of ends.
    matrix: Csr<S>,
}

/// Terms on sites of both halves, those among ends being the same.
struct Across<S> {
    terms: Vec<Term<S>>,
    /// By place of the automaton and by local state of the sites among ends: which ends have it.
    ends: Vec<Vec<Vec<u32>>>,
}

impl<S: Scalar<Real = f64>> Halves<S> {
    /// Whether products on a space are to go so.
    pub fn fit(hilbert: &Hilbert) -> bool {
        Split::of(hilbert).fits(hilbert)
    }

    /// Of an operator that keeps to its space, which is fit for it.
    pub fn new(operator: &LocalOperator) -> Self {
        let hilbert = operator.hilbert();
        let split = Split::of(hilbert);
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
        let beginnings = split.read(hilbert, 0..split.n_first, 0);
        let places = 0..beginnings
            .iter()
            .map(|(_, place)| place + 1)
            .max()
            .unwrap_or(0);
        let ends = places.into_par_iter();
        let ends: Vec<_> = ends
            .map(|place| Ends::new(hilbert, &split, place, &last))
            .collect();
        let mut run_of = vec![NONE; split.n_beginnings().unwrap_or(0) as usize];
        let mut start = 0;
        let runs = beginnings
            .into_iter()
            .zip(0..)
            .map(|((digits, place), run)| {
                run_of[digits as usize] = run;
                let run = Run {
                    digits,
                    place,
                    start,
                };
                start += ends[place as usize].digits.len();
                run
            });
        let runs: Vec<_> = runs.collect();
        let across = across.into_values();
        Self {
            shares: shares(&runs, &ends),
            across: across
                .map(|terms| Across::new(&split, terms, &ends))
                .collect(),
            split,
            runs,
            run_of,
            ends,
            constant: S::from_c64(operator.constant()),
            first,
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
                let ends = &self.ends[run.place as usize];
                ends.matrix.multiply(&x[run.start..], own);
                self.add_first(run, &beginning, x, own);
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

    /// y += (constant + terms on the beginning) x, in a run.
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
            *y += diagonal * x;
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
    /// Those that may follow on a place, with the terms on their sites.
    fn new(hilbert: &Hilbert, split: &Split, place: u32, terms: &[Term<S>]) -> Self {
        let found = split.read(hilbert, split.n_first..split.n_sites, place);
        let digits: Vec<u32> = found.into_iter().map(|(digits, _)| digits).collect();
        let mut number = vec![NONE; split.n_ends()];
        for (&digits, k) in digits.iter().zip(0..) {
            number[digits as usize] = k;
        }
        let mut matrix = CsrBuilder::default();
        let mut end = vec![0; split.n_sites - split.n_first];
        for (&digits, k) in digits.iter().zip(0..) {
            split.unpack(digits as usize, &mut end);
            let states = terms
                .iter()
                .map(|term| (term, split.state(&term.sites[1], &end)));
            let diagonal = states
                .clone()
                .map(|(term, state)| term.diagonal[state])
                .sum();
            let others = states.flat_map(|(term, state)| term.row(state));
            let others = others.map(|Element { distance, mel }| {
                let digits = (digits as usize).wrapping_add_signed(distance[1]);
                (number[digits], *mel)
            });
            let row = std::iter::once((k, diagonal)).chain(others);
            matrix.push_row(row.filter(|&(column, _)| column != NONE));
        }
        Self {
            digits,
            number,
            matrix: matrix.finish(),
        }
    }
}

/// Runs that one thread does at a time.
fn shares<S>(runs: &[Run], ends: &[Ends<S>]) -> Vec<Range<usize>> {
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
    shares
}
