//! Constrained spaces: conditionals of states that cannot be completed are 0, the others sum to 1.
//!
//! Hibat-Allah, Ganahl, Hayward, Melko and Carrasquilla, arXiv:2002.02973, appendix D.2, for any constraint
//! that an automaton can follow.

use super::follow::{Change, MAX_LANES};
use super::forward::Block;
use super::patterns::Element;
use super::{Arnn, lanes, zero_row};
use crate::hilbert::{Automaton, OUTSIDE};
use crate::models::RowOf;
use crate::operator::Connected;
use crate::scalar::{Real, Scalar};

/// What the lanes of a block may be.
#[derive(Debug)]
pub(super) struct Allowed<R: Real> {
    /// Where the automaton stands before each position, `[position][lane]`.
    places: Vec<u32>,
    /// What is added to log-amplitudes, 0 or -∞: `[position][local state]`.
    masks: Vec<R::Row>,
    /// By position: is anything forbidden in any lane?
    some_forbidden: Vec<bool>,
}

impl<R: Real> Allowed<R> {
    pub(super) fn new<S: Scalar<Real = R>>(model: &Arnn<S>) -> Self {
        if model.automaton.is_none() {
            return Self {
                places: Vec::new(),
                masks: Vec::new(),
                some_forbidden: Vec::new(),
            };
        }
        let n = model.n_positions();
        Self {
            places: vec![0; (n + 1) * lanes::<S>()],
            masks: vec![zero_row::<R>(); n * model.hilbert.local_size()],
            some_forbidden: vec![false; n],
        }
    }
}

/// The mask of one position in all lanes; whether it forbids anything.
fn mask<S: Scalar>(
    automaton: &Automaton,
    position: usize,
    place: impl Fn(usize) -> u32,
    mask: &mut [RowOf<S>],
) -> bool {
    let forbidden = S::Real::from_f64(f64::NEG_INFINITY);
    mask.fill(zero_row::<S::Real>());
    let mut any = false;
    for lane in 0..lanes::<S>() {
        let place = place(lane);
        if automaton.is_free(position, place) {
            continue;
        }
        any = true;
        for (index, row) in mask.iter_mut().enumerate() {
            if !automaton.allows(position, place, index as u8) {
                row[lane] = forbidden;
            }
        }
    }
    any
}

impl<S: Scalar> Arnn<S> {
    /// Finds what the lanes may be at a position.
    pub(super) fn allow(&self, block: &mut Block<S::Real>, position: usize) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let d = self.hilbert.local_size();
        let allowed = &mut block.allowed;
        let places = &allowed.places[position * lanes::<S>()..];
        let rows = &mut allowed.masks[position * d..][..d];
        allowed.some_forbidden[position] =
            mask::<S>(automaton, position, |lane| places[lane], rows);
    }

    /// Forbids what must not be at a position, in its log-amplitudes.
    pub(super) fn forbid(&self, allowed: &Allowed<S::Real>, position: usize, z: &mut [RowOf<S>]) {
        if !allowed
            .some_forbidden
            .get(position)
            .is_some_and(|&some| some)
        {
            return;
        }
        let d = self.hilbert.local_size();
        let masks = &allowed.masks[position * d..][..d];
        for (z, mask) in z.iter_mut().step_by(S::PLANES).zip(masks) {
            for (z, mask) in z.iter_mut().zip(mask.iter()) {
                *z += *mask;
            }
        }
    }

    /// Lets the automaton read a position of all lanes.
    pub(super) fn read(&self, block: &mut Block<S::Real>, position: usize) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let indices = &block.index[position * lanes::<S>()..][..lanes::<S>()];
        let places = &mut block.allowed.places[position * lanes::<S>()..];
        let (now, next) = places.split_at_mut(lanes::<S>());
        for ((next, &now), &index) in next.iter_mut().zip(&*now).zip(indices) {
            *next = automaton.next(position, now, index);
        }
    }

    /// The next allowed state, where a draw fell on a state of probability 0: a uniform number may be 0.
    pub(super) fn keep_allowed(&self, block: &mut Block<S::Real>, position: usize) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let last = (self.hilbert.local_size() - 1) as u8;
        let first = position * lanes::<S>();
        let places = &block.allowed.places[first..];
        for (index, &place) in block.index[first..][..lanes::<S>()].iter_mut().zip(places) {
            let mut allowed =
                (*index..=last).filter(|&index| automaton.allows(position, place, index));
            *index = allowed.next().unwrap_or(*index);
        }
    }

    /// Where the automaton stands before each position of each sample, and at the end: `(sample, position)`.
    pub(super) fn read_samples(&self, sigma: &[u8], places: &mut Vec<u32>) {
        places.clear();
        let Some(automaton) = &self.automaton else {
            return;
        };
        for sigma in sigma.chunks_exact(self.n_positions()) {
            let mut place = 0;
            places.push(place);
            for (position, &site) in self.order.iter().enumerate() {
                place = automaton.next(position, place, sigma[site as usize]);
                places.push(place);
            }
        }
    }
}

/// What connected states may be, beside the states they are connected to.
#[derive(Debug)]
pub(super) struct Detour<R: Real> {
    /// The first position that changes.
    first: usize,
    /// Where the automaton stands before each position from there on.
    places: Vec<[u32; MAX_LANES]>,
    /// By position from there on: may other states be allowed than before?
    differs: Vec<bool>,
    /// By lane: where the automaton stands as it did before the change, from here on.
    ends: [usize; MAX_LANES],
    /// The positions whose log-conditionals change, as a cone has them.
    pub(super) outputs: Vec<(u32, [u32; 2])>,
    masks: Vec<R::Row>,
    /// The log-amplitudes of one position, forbidden ones -∞.
    pub(super) masked: Vec<R::Row>,
    /// Lanes that leave the space: an operator must not, and a wrong one shall not give a number.
    pub(super) outside: [bool; MAX_LANES],
}

impl<R: Real> Default for Detour<R> {
    fn default() -> Self {
        Self {
            first: 0,
            places: Vec::new(),
            differs: Vec::new(),
            ends: [0; MAX_LANES],
            outputs: Vec::new(),
            masks: Vec::new(),
            masked: Vec::new(),
            outside: [false; MAX_LANES],
        }
    }
}

impl<S: Scalar> Change<'_, S> {
    /// Reads the connected states from their first change to where no more differs.
    pub(super) fn read_changed(
        &self,
        of_lane: &[Option<Element>; MAX_LANES],
        rows: &[Connected],
        detour: &mut Detour<S::Real>,
    ) {
        let model = self.origin.model;
        let Some(automaton) = &model.automaton else {
            return;
        };
        let n = model.n_positions();
        let positions = self.cone.positions.iter().map(|&p| p as usize);
        let (first, last) = positions.fold((n, 0), |(a, b), p| (a.min(p), b.max(p)));
        detour.first = first;
        detour.places.clear();
        detour.differs.clear();
        detour.outside = [false; MAX_LANES];
        for (lane, element) in of_lane.iter().enumerate() {
            let Some(e) = element else { continue };
            let sample = e.sample as usize;
            let sigma = &self.sigma[sample * n..][..n];
            let before = &self.places[sample * (n + 1)..][..n + 1];
            let changes = rows[sample].changes(e.element as usize);
            let mut place = before[first];
            let mut position = first;
            while position < n && (position <= last || place != before[position]) {
                let k = position - first;
                if k == detour.places.len() {
                    detour.places.push([OUTSIDE; MAX_LANES]);
                    detour.differs.push(false);
                }
                detour.places[k][lane] = place;
                let free = |place| automaton.is_free(position, place);
                detour.differs[k] |=
                    place != before[position] && !(free(place) && free(before[position]));
                let site = model.order[position];
                let new = changes.iter().find(|(changed, _)| *changed == site);
                let index = new.map_or(sigma[site as usize], |&(_, new)| new);
                place = automaton.next(position, place, index);
                position += 1;
            }
            detour.ends[lane] = position;
            detour.outside[lane] = place == OUTSIDE;
        }
        // Positions that the network's outputs do not change at may differ in what is allowed.
        detour.outputs.clear();
        let mut changed = self.cone.outputs.iter().peekable();
        for (k, &differs) in detour.differs.iter().enumerate() {
            let position = (first + k) as u32;
            while let Some(output) = changed.next_if(|(p, _)| *p < position) {
                detour.outputs.push(*output);
            }
            if differs && changed.peek().is_none_or(|(p, _)| *p != position) {
                let unchanged = [super::cones::UNCHANGED; 2];
                detour.outputs.push((position, unchanged));
            }
        }
        detour.outputs.extend(changed);
    }

    /// Puts the log-amplitudes of a position into `detour.masked`, forbidden ones -∞; whether any is.
    pub(super) fn forbid_changed<'r>(
        &self,
        of_lane: &[Option<Element>; MAX_LANES],
        position: usize,
        row: impl Fn(usize) -> &'r RowOf<S>,
        detour: &mut Detour<S::Real>,
    ) -> bool {
        let model = self.origin.model;
        let Some(automaton) = &model.automaton else {
            return false;
        };
        let stride = model.n_positions() + 1;
        let place = |lane: usize| match of_lane[lane] {
            None => OUTSIDE,
            Some(_) if (detour.first..detour.ends[lane]).contains(&position) => {
                detour.places[position - detour.first][lane]
            }
            Some(e) => self.places[e.sample as usize * stride + position],
        };
        let d = model.hilbert.local_size();
        detour.masks.resize(d, zero_row::<S::Real>());
        if !mask::<S>(automaton, position, place, &mut detour.masks) {
            return false;
        }
        detour.masked.clear();
        detour.masked.extend((0..d * S::PLANES).map(|k| *row(k)));
        let real_parts = detour.masked.iter_mut().step_by(S::PLANES);
        for (z, mask) in real_parts.zip(&detour.masks) {
            for (z, mask) in z.iter_mut().zip(mask.iter()) {
                *z += *mask;
            }
        }
        true
    }
}
