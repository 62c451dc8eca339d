//! Connected states by the sites that change: those with the same sites are evaluated together.

use std::collections::HashMap;
use std::sync::Arc;

use super::cones::{Cone, MEMORY};
use super::{Arnn, lanes};
use crate::operator::Connected;
use crate::scalar::Scalar;

/// Gathering lanes costs about a tenth of evaluating them.
const GATHERING: f64 = 1.1;

/// All patterns met so far.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    all: Vec<Pattern>,
    numbers: HashMap<Box<[u32]>, usize>,
    /// Patterns met by the samples at hand.
    met: Vec<usize>,
    /// Memory of the cones that are kept.
    bytes: usize,
}

/// A set of sites that change.
#[derive(Debug)]
pub(super) struct Pattern {
    sites: Box<[u32]>,
    /// Kept while there is memory.
    cone: Option<Arc<Cone>>,
    /// Those of the samples at hand, by sample.
    pub elements: Vec<Element>,
    /// Is it better to gather the elements of all blocks in as few rows as they fill?
    pub sparse: bool,
}

/// One element of one row of the operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub sample: u32,
    pub element: u32,
    /// How many elements of the same sample have the same pattern and come before.
    nth: u32,
}

impl Patterns {
    /// The patterns met for which `keep` holds.
    pub fn met(&self, keep: impl Fn(&Pattern) -> bool) -> impl Iterator<Item = &Pattern> {
        let patterns = self.met.iter().map(|&met| &self.all[met]);
        patterns.filter(move |pattern| keep(pattern))
    }

    /// Sorts the rows of some samples into patterns.
    pub fn sort<S: Scalar>(&mut self, model: &Arnn<S>, rows: &[Connected]) {
        for &met in &self.met {
            self.all[met].elements.clear();
        }
        self.met.clear();
        for (sample, row) in rows.iter().enumerate() {
            // Rows list their patterns in the same order, most often.
            let mut next = 0;
            for (element, (_, changes)) in row.iter().enumerate() {
                if changes.is_empty() {
                    continue;
                }
                let number = self.number(model, changes, next);
                next = number + 1;
                let elements = &mut self.all[number].elements;
                let nth = match elements.last() {
                    None => {
                        self.met.push(number);
                        0
                    }
                    Some(last) if last.sample == sample as u32 => last.nth + 1,
                    Some(_) => 0,
                };
                elements.push(Element {
                    sample: sample as u32,
                    element: element as u32,
                    nth,
                });
            }
        }
        for &met in &self.met {
            self.all[met].weigh::<S>();
        }
        // Neighbouring patterns touch the same activations.
        let all = &self.all;
        self.met
            .sort_unstable_by(|&a, &b| all[a].sites.cmp(&all[b].sites));
    }

    /// The pattern of some changes; `next` is a guess.
    fn number<S: Scalar>(&mut self, model: &Arnn<S>, changes: &[(u32, u8)], next: usize) -> usize {
        let is = |pattern: &Pattern| {
            let sites = &pattern.sites;
            sites.len() == changes.len() && sites.iter().zip(changes).all(|(a, (b, _))| a == b)
        };
        let near = self.all.iter().skip(next).take(8).position(is);
        if let Some(ahead) = near {
            return next + ahead;
        }
        let sites: Box<[u32]> = changes.iter().map(|&(site, _)| site).collect();
        if let Some(&number) = self.numbers.get(&sites) {
            return number;
        }
        let cone = (self.bytes < MEMORY).then(|| model.cone(&sites));
        self.bytes += cone.as_ref().map_or(0, |cone| cone.bytes());
        self.numbers.insert(sites.clone(), self.all.len());
        self.all.push(Pattern {
            sites,
            cone,
            elements: Vec::new(),
            sparse: false,
        });
        self.all.len() - 1
    }
}

impl Pattern {
    /// What follows from the change.
    pub fn cone<S: Scalar>(&self, model: &Arnn<S>) -> Arc<Cone> {
        match &self.cone {
            Some(cone) => cone.clone(),
            None => model.cone(&self.sites),
        }
    }

    /// The elements of one block, where each sample has one at most and so its own lane.
    pub fn of_block<S: Scalar>(&self, block: usize) -> &[Element] {
        let first = (block * lanes::<S>()) as u32;
        let start = self.elements.partition_point(|e| e.sample < first);
        let end = self
            .elements
            .partition_point(|e| e.sample < first + lanes::<S>() as u32);
        &self.elements[start..end]
    }

    /// Finds whether to gather.
    fn weigh<S: Scalar>(&mut self) {
        let several = self.elements.iter().any(|e| e.nth > 0);
        let block = |e: &Element| e.sample as usize / lanes::<S>();
        let blocks = self.elements.chunk_by(|a, b| block(a) == block(b)).count();
        let gathered = self.elements.len().div_ceil(lanes::<S>());
        self.sparse = several || gathered as f64 * GATHERING < blocks as f64;
    }
}
