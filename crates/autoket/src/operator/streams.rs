//! Products of a local operator with a vector over all states of a space without constraints, by runs of states
//! that lie side by side: no row is made and nothing is stored.

use rayon::prelude::*;

use super::term::Entries;
use super::{LocalOperator, Operator};
use crate::scalar::Scalar;

/// Rows done at a time by one thread, at most: they stay in the cache while all terms pass. Results do not depend on
/// it.
const MOST_ROWS: usize = 4096;
/// Runs shorter than this are done row by row.
const SHORT: usize = 16;

/// A local operator, as what its terms add to each row.
pub(crate) struct Streams<S> {
    /// A power of the local size: a chunk has the same last digits as any other.
    n_rows: usize,
    local_size: usize,
    constant: S,
    terms: Vec<Term<S>>,
}

/// A matrix on few sites.
struct Term<S> {
    /// What a step of each site's local index adds to the number of a state, descending.
    strides: Vec<usize>,
    /// For each local state, where its row begins in `elements`; one more ends the last.
    starts: Vec<u32>,
    /// How far the column is from the row, and the element.
    elements: Vec<(isize, S)>,
    /// Where runs are short, what the last digits of a row add to the number of its local state.
    short: Option<Vec<u32>>,
}

impl<S: Scalar<Real = f64>> Streams<S> {
    /// Of an operator whose space has no constraints and a number of states that fits a `usize`.
    pub fn new(operator: &LocalOperator) -> Self {
        let (d, n_sites) = (
            operator.hilbert().local_size(),
            operator.hilbert().n_sites(),
        );
        let mut n_rows = d;
        while n_rows * d <= MOST_ROWS && n_rows < d.pow(n_sites as u32) {
            n_rows *= d;
        }
        let stride = |&site: &u32| d.pow((n_sites - 1) as u32 - site);
        let terms = operator.entries().map(|(sites, entries)| {
            Term::new(d, n_rows, sites.iter().map(stride).collect(), entries)
        });
        Self {
            n_rows,
            local_size: d,
            constant: S::from_c64(operator.constant()),
            terms: terms.collect(),
        }
    }

    /// y = O x.
    pub fn multiply(&self, x: &[S], y: &mut [S]) {
        let chunks = y.par_chunks_mut(self.n_rows).enumerate();
        chunks.for_each(|(chunk, y)| {
            let first = chunk * self.n_rows;
            let own = &x[first..first + y.len()];
            for (y, &x) in y.iter_mut().zip(own) {
                *y = self.constant * x;
            }
            for term in &self.terms {
                match &term.short {
                    Some(last_digits) => term.add_rows(self.local_size, last_digits, first, x, y),
                    None => term.add_runs(self.local_size, first, x, y),
                }
            }
        });
    }
}

impl<S: Scalar<Real = f64>> Term<S> {
    fn new(d: usize, n_rows: usize, strides: Vec<usize>, entries: &Entries) -> Self {
        let place = |mut state: usize| -> isize {
            let mut place = 0;
            for &stride in strides.iter().rev() {
                place += state % d * stride;
                state /= d;
            }
            place as isize
        };
        let n_states = d.pow(strides.len() as u32);
        let mut starts = vec![0; n_states + 1];
        for &(row, _) in entries.keys() {
            starts[row as usize + 1] += 1;
        }
        for state in 0..n_states {
            starts[state + 1] += starts[state];
        }
        // Rows ascend in the map.
        let element = |(&(row, column), &mel)| {
            let distance = place(column as usize) - place(row as usize);
            (distance, S::from_c64(mel))
        };
        let elements = entries.iter().map(element).collect();
        let mut term = Self {
            strides,
            starts,
            elements,
            short: None,
        };
        if *term.strides.last().expect("a term has sites") < SHORT {
            let digits = (0..n_rows).map(|row| term.state(d, row, |stride| stride < n_rows) as u32);
            term.short = Some(digits.collect());
        }
        term
    }

    /// The number of a row's local state, by the sites of these strides.
    fn state(&self, d: usize, row: usize, counts: impl Fn(usize) -> bool) -> usize {
        self.strides.iter().fold(0, |state, &stride| {
            let digit = if counts(stride) { row / stride % d } else { 0 };
            state * d + digit
        })
    }

    fn row(&self, state: usize) -> &[(isize, S)] {
        &self.elements[self.starts[state] as usize..self.starts[state + 1] as usize]
    }

    /// Adds the term to the rows from `first` on, in runs of one local state.
    fn add_runs(&self, d: usize, first: usize, x: &[S], y: &mut [S]) {
        let run = *self.strides.last().expect("a term has sites");
        let mut start = first;
        for y in y.chunks_mut(run) {
            for &(distance, mel) in self.row(self.state(d, start, |_| true)) {
                let from = start.wrapping_add_signed(distance);
                for (y, &x) in y.iter_mut().zip(&x[from..]) {
                    *y += mel * x;
                }
            }
            start += y.len();
        }
    }

    /// Adds the term to the rows from `first` on, one by one.
    fn add_rows(&self, d: usize, last_digits: &[u32], first: usize, x: &[S], y: &mut [S]) {
        let n_rows = last_digits.len();
        let others = self.state(d, first, |stride| stride >= n_rows);
        for (i, (y, &state)) in y.iter_mut().zip(last_digits).enumerate() {
            for &(distance, mel) in self.row(others + state as usize) {
                *y += mel * x[(first + i).wrapping_add_signed(distance)];
            }
        }
    }
}
