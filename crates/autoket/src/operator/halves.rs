//! Products of a local operator with a vector over all states of a space: no row is made and next to nothing stored.
//!
//! States that begin alike lie side by side, and how they may end depends on where the space's automaton stands after
//! the beginning: numbers of states are a beginning's and an end's, which are looked up. Terms on the sites of
//! beginnings add whole runs of one vector to runs of the other; those on the sites of ends are one small matrix for each
//! place of the automaton; what is left acts on both.
//! Source: H. Q. Lin, Phys. Rev. B 42, 6561 (1990), for spins with a given magnetisation.

use std::ops::Range;

use rayon::prelude::*;

use super::term::Entries;
use super::{LocalOperator, Operator};
use crate::hilbert::{Hilbert, OUTSIDE};
use crate::scalar::{Scalar, c64};

/// Ends of states, at most: vectors over them stay in the cache.
const MOST_ENDS: usize = 4096;
/// Beginnings of states, at most, allowed or not: so many for each state, or for each of so many ends.
const BEGINNINGS: u64 = 4;
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
    /// What a step of each site's local index adds to the digits of a beginning or an end.
    strides: [Vec<usize>; 2],
    /// For each local state, the diagonal element, and where the other ones of its row are; one more ends the last.
    diagonal: Vec<S>,
    starts: Vec<u32>,
    elements: Vec<Element<S>>,
}

/// A term on sites of both halves.
struct Across<S> {
    term: Term<S>,
    /// By place of the automaton and by local state of the sites among ends: which ends have it.
    ends: Vec<Vec<Vec<u32>>>,
}

/// How far the digits of the column's beginning and end are from the row's.
struct Element<S> {
    distance: [isize; 2],
    mel: S,
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
        for index in 0..self.local_size as u8 {
            let next = match hilbert.automaton() {
                Some(automaton) => automaton.next(sites.start, place, index),
                None => place,
            };
            if next != OUTSIDE {
                let digits = digits * self.local_size as u32 + u32::from(index);
                self.read(hilbert, sites.start + 1..sites.end, next, digits, f);
            }
        }
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
    /// Whether the states of a space can be looked up so.
    pub fn fit(hilbert: &Hilbert) -> bool {
        let most = |n: u64| n.max(MOST_ENDS as u64).saturating_mul(BEGINNINGS);
        let n_beginnings = Split::of(hilbert).n_beginnings().map(u64::from);
        n_beginnings.is_some_and(|n| n <= hilbert.n_states().map_or(0, most))
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

        let (mut first, mut last, mut across) = (Vec::new(), Vec::new(), Vec::new());
        for (sites, entries) in operator.entries() {
            let term = Term::new(&split, sites, entries);
            let acts_on = |half: usize| term.strides[half].iter().any(|&stride| stride > 0);
            match (acts_on(0), acts_on(1)) {
                (true, false) => first.push(term),
                (false, _) => last.push(term),
                (true, true) => across.push(Across::new(&split, term, &ends)),
            }
        }
        ends.par_iter_mut().for_each(|ends| ends.add(&split, &last));
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
            for run in &self.runs[runs] {
                let (own, others) = std::mem::take(&mut y).split_at_mut(self.len(run));
                self.add_first(run, x, own);
                self.ends[run.place as usize].multiply(&x[run.start..], own);
                for across in &self.across {
                    self.add_across(across, run, x, own);
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
    fn add_first(&self, run: &Run, x: &[S], y: &mut [S]) {
        let states = self.first.iter().map(|term| {
            let state = term.state(&self.split, 0, run.digits as usize);
            (term, state)
        });
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

    /// y += a term on beginning and end x, in a run.
    fn add_across(&self, Across { term, ends }: &Across<S>, run: &Run, x: &[S], y: &mut [S]) {
        let of_beginning = term.state(&self.split, 0, run.digits as usize);
        let place = run.place as usize;
        let (digits, own) = (&self.ends[place].digits, &x[run.start..]);
        for (state, ends) in ends[place].iter().enumerate() {
            let state = of_beginning + state;
            for &k in ends {
                y[k as usize] += term.diagonal[state] * own[k as usize];
            }
            for Element { distance, mel } in term.row(state) {
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
    fn new(split: &Split, term: Term<S>, ends: &[Ends<S>]) -> Self {
        let on_ends = term.strides[1].iter().filter(|&&stride| stride > 0);
        let n_states = split.local_size.pow(on_ends.count() as u32);
        let sorted = ends.iter().map(|ends| {
            let mut sorted = vec![Vec::new(); n_states];
            for (&digits, k) in ends.digits.iter().zip(0..) {
                // The sites of beginnings come first: their states are multiples of `n_states`.
                sorted[term.state(split, 1, digits as usize)].push(k);
            }
            sorted
        });
        Self {
            ends: sorted.collect(),
            term,
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
        self.row_starts.push(0);
        for (&digits, k) in self.digits.iter().zip(0..) {
            let mut diagonal = S::zero();
            let first = self.elements.len();
            self.elements.push((k, diagonal));
            for term in terms {
                let state = term.state(split, 1, digits as usize);
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
        let mut term = Self {
            strides: [0, 1].map(|half| strides.iter().map(|strides| strides[half]).collect()),
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

    /// What the digits of a half add to the number of the local state.
    fn state(&self, split: &Split, half: usize, digits: usize) -> usize {
        let d = split.local_size;
        self.strides[half].iter().fold(0, |state, &stride| {
            let digit = if stride > 0 { digits / stride % d } else { 0 };
            state * d + digit
        })
    }

    fn row(&self, state: usize) -> &[Element<S>] {
        &self.elements[self.starts[state] as usize..self.starts[state + 1] as usize]
    }
}
