//! A matrix on few sites, by what it changes of a beginning and of an end.

use super::split::Split;
use crate::operator::term::Entries;
use crate::scalar::Scalar;

/// A matrix on few sites.
pub(super) struct Term<S> {
    /// Its sites among beginnings and, counted from the first of these, among ends.
    pub sites: [Vec<usize>; 2],
    /// For each local state, the diagonal element, and where the other ones of its row are; one more ends the last.
    pub diagonal: Vec<S>,
    starts: Vec<u32>,
    elements: Vec<Element<S>>,
}

/// How far the digits of the column's beginning and end are from the row's.
pub(super) struct Element<S> {
    pub distance: [isize; 2],
    pub mel: S,
}

impl<S: Scalar<Real = f64>> Term<S> {
    pub fn new(split: &Split, sites: &[u32], entries: &Entries) -> Self {
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

    pub fn row(&self, state: usize) -> &[Element<S>] {
        &self.elements[self.starts[state] as usize..self.starts[state + 1] as usize]
    }
}
