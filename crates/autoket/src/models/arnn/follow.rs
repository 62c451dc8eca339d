//! A change of some sites, followed through the network to the ratios of wave functions it makes.

use super::cones::{Cone, UNCHANGED};
use super::constrained::Detour;
use super::local_values::Wanted;
use super::origin::{Origin, at_least};
use super::patterns::Element;
use super::plan::{Linear, MixOperand, MixTerm, NodePlan, Step, Work};
use super::{Arnn, Weights, lanes, zero_row};
use crate::models::RowOf;
use crate::operator::Connected;
use crate::scalar::{Real, Scalar, c64};
use crate::simd::{Flat, Start, Tap, add_log_conditional, add_product, exp_complex};

/// Lanes of the widest row.
pub(super) const MAX_LANES: usize = 32;

/// Memory for following one change.
#[derive(Debug)]
pub(super) struct Scratch<R: Real> {
    /// New local states of the sites that change.
    values: Vec<R::Row>,
    /// Changes of each node, one after the other.
    changes: Vec<Vec<R::Row>>,
    /// Rows of each part of the head, one group after the other.
    outputs: Vec<Vec<R::Row>>,
    /// One node's rows at one position, before the activation.
    z: Vec<R::Row>,
    /// Rows with lanes from several blocks, and operands of products.
    gathered: [Vec<R::Row>; 3],
    /// In a constrained space, what connected states may be.
    detour: Detour<R>,
}

impl<R: Real> Default for Scratch<R> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            changes: Vec::new(),
            outputs: Vec::new(),
            z: Vec::new(),
            gathered: Default::default(),
            detour: Detour::default(),
        }
    }
}

/// The same sites changed in each lane, from the activations of another state.
pub(super) struct Change<'a, S: Scalar> {
    pub origin: Origin<'a, S>,
    pub weights: &'a Weights<S::Real>,
    pub cone: &'a Cone,
    /// The samples at hand, `(sample, site)`.
    pub sigma: &'a [u8],
    /// In a constrained space, where the automaton stands in them.
    pub places: &'a [u32],
    pub wanted: Wanted,
}

impl<S: Scalar> Change<'_, S> {
    /// Evaluates one connected state in each lane that has one.
    pub(super) fn follow(
        &self,
        of_lane: &[Option<Element>; MAX_LANES],
        rows: &[Connected],
        ratios: &mut [Vec<c64>],
        scratch: &mut Scratch<S::Real>,
    ) {
        let Self { origin, cone, .. } = *self;
        let model = origin.model;
        let lanes_in_use = || of_lane[..lanes::<S>()].iter().enumerate();
        let changes = &mut scratch.changes;
        changes.resize_with(model.plan.nodes.len(), Vec::new);
        for (changes, &rows) in changes.iter_mut().zip(&cone.rows) {
            at_least::<S::Real>(changes, rows as usize);
        }
        scratch.values.clear();
        for (which, &position) in cone.positions.iter().enumerate() {
            let own = origin.own(position as usize, &mut scratch.gathered[0]);
            let old = own[S::PLANES];
            let mut new = old;
            for (lane, element) in lanes_in_use() {
                if let Some(e) = element {
                    let (_, index) = rows[e.sample as usize].changes(e.element as usize)[which];
                    new[lane] = model.local_states[index as usize];
                }
            }
            let mut change = new;
            for (change, old) in change.iter_mut().zip(old.iter()) {
                *change -= *old;
            }
            scratch.values.push(new);
            changes[0][which] = change;
        }
        let mut taps = cone.taps.iter();
        for &(step, row) in &cone.steps {
            let node = &model.plan.nodes[step.node as usize];
            match &node.work {
                Work::Input => {}
                Work::Linear(linear) => {
                    self.linear(linear, node, step, row as usize, &mut taps, scratch);
                }
                Work::Mix(terms) => {
                    self.mix(terms, node, step, row as usize, &mut taps, scratch);
                }
            }
        }
        self.head(scratch);
        let mut sums = [[0.0; MAX_LANES]; 2];
        self.read_changed(of_lane, rows, &mut scratch.detour);
        self.add_up(of_lane, scratch, &mut sums);
        let [re, im] = &mut sums;
        if self.wanted == Wanted::Ratios {
            exp_complex(model.tiles.level, re, im);
        }
        for (lane, element) in lanes_in_use() {
            if let Some(e) = element {
                ratios[e.sample as usize][e.element as usize] = match scratch.detour.outside[lane] {
                    true => c64::new(f64::NAN, f64::NAN),
                    false => c64::new(re[lane], im[lane]),
                };
            }
        }
    }

    /// The change of a linear node at a position, from those of what it reads.
    fn linear<'c>(
        &self,
        linear: &Linear,
        node: &NodePlan,
        step: Step,
        row: usize,
        taps: &mut impl Iterator<Item = &'c [Tap]>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let Scratch {
            changes,
            z,
            gathered: [gathered, ..],
            ..
        } = scratch;
        let (number, position) = (step.node as usize, step.position as usize);
        // No linear node reads itself.
        let mut written = std::mem::take(&mut changes[number]);
        let change = &mut written[row..][..node.width];
        let packed = self.weights.layer(number);
        let mut add_products = |mut start: Start<S::Real>, z: &mut [RowOf<S>]| {
            for (source, packed) in linear.sources.iter().zip(&packed.inputs) {
                let flat = Flat {
                    weights: &packed.weights[..],
                    features_out: node.width,
                };
                let (x, taps) = (&changes[source.node], taps.next().unwrap_or_default());
                let tiles = self.origin.model.tiles;
                tiles.site::<S::Real>(flat, start, source.width, taps, x, z);
                start = Start::Own;
            }
        };
        if node.after == 0 {
            // What has no activation changes by what is added.
            add_products(Start::Zero, change);
        } else {
            let z = at_least::<S::Real>(z, node.width);
            let base = self.origin.node(number, position, gathered);
            add_products(Start::Rows(&base[..node.width]), z);
            node.apply::<S>(z, Some(&base[node.after..]), change);
        }
        changes[number] = written;
    }

    /// The change of a mix at a position: it is evaluated anew, from changed operands.
    fn mix<'c>(
        &self,
        terms: &[MixTerm],
        node: &NodePlan,
        step: Step,
        row: usize,
        taps: &mut impl Iterator<Item = &'c [Tap]>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let Scratch {
            values,
            changes,
            z,
            gathered: [gathered, a_new, b_new],
            ..
        } = scratch;
        let model = self.origin.model;
        let (number, position) = (step.node as usize, step.position as usize);
        let z = at_least::<S::Real>(z, node.width);
        z.fill(zero_row::<S::Real>());
        for term in terms {
            let mut operand = |operand: &MixOperand, new: &mut Vec<RowOf<S>>| {
                let taps = taps.next().unwrap_or_default();
                let position = operand.position(position)?;
                let old = self.origin.node(operand.node, position, gathered);
                let new = at_least::<S::Real>(new, node.width);
                new.copy_from_slice(&old[operand.first..][..node.width]);
                if taps[0].row != UNCHANGED {
                    let change = &changes[operand.node][taps[0].row as usize..][..node.width];
                    let (level, once) = (model.tiles.level, model.factor(1.0, None));
                    add_product::<S::Real>(level, 1, &once, change, None, false, new);
                }
                Some(())
            };
            let a = operand(&term.a, a_new);
            let b = term.b.as_ref().map(|b| operand(b, b_new));
            let value = |position| match self.which(position) {
                Some(which) => values[which],
                None => self.origin.own(position, gathered)[S::PLANES],
            };
            let factor = match &term.when {
                None => Some(model.factor(term.factor, None)),
                Some(when) => when.position(position).map(value).map(|value| {
                    let when = Some((when, &value));
                    model.factor(term.factor, when)
                }),
            };
            let (Some(()), Some(factor)) = (a, factor) else {
                continue;
            };
            let b = match b {
                Some(None) => continue,
                Some(Some(())) => Some(&b_new[..node.width]),
                None => None,
            };
            let (level, a) = (model.tiles.level, &a_new[..node.width]);
            add_product::<S::Real>(level, node.planes, &factor, a, b, false, z);
        }
        let base = &self.origin.node(number, position, gathered)[node.after..];
        let change = &mut changes[number][row..][..node.width];
        node.apply::<S>(z, Some(base), change);
    }

    /// The rows of the head's parts where they are linear and have changed.
    fn head(&self, scratch: &mut Scratch<S::Real>) {
        let model = self.origin.model;
        let Scratch {
            changes,
            outputs,
            gathered: [gathered, ..],
            ..
        } = scratch;
        outputs.resize_with(model.parts.len(), Vec::new);
        for (p, (part, reached)) in model.parts.iter().zip(&self.cone.parts).enumerate() {
            let Work::Linear(linear) = &model.plan.nodes[part.node].work else {
                continue;
            };
            let of_group = part.group * part.width;
            let rows = at_least::<S::Real>(&mut outputs[p], reached.groups.len() * of_group);
            let mut taps = reached.taps.iter();
            for (&group, rows) in reached.groups.iter().zip(rows.chunks_exact_mut(of_group)) {
                let first = group as usize * part.group;
                let n = part.group.min(model.n_positions() - first);
                let rows = &mut rows[..n * part.width];
                let mut start = Start::Rows(self.origin.part(p, first, n, gathered));
                for (source, weights) in linear.sources.iter().zip(&self.weights.parts[p]) {
                    let flat = Flat {
                        weights: &weights[..],
                        features_out: of_group,
                    };
                    let (x, taps) = (&changes[source.node], taps.next().unwrap_or_default());
                    model
                        .tiles
                        .site::<S::Real>(flat, start, source.width, taps, x, rows);
                    start = Start::Own;
                }
            }
        }
    }

    /// Adds up the changes of log-conditionals.
    fn add_up(
        &self,
        of_lane: &[Option<Element>; MAX_LANES],
        scratch: &mut Scratch<S::Real>,
        sums: &mut [[f64; MAX_LANES]; 2],
    ) {
        let Self { origin, cone, .. } = *self;
        let model = origin.model;
        let Scratch {
            values,
            changes,
            outputs,
            gathered,
            detour,
            ..
        } = scratch;
        let zero = zero_row::<S::Real>();
        let [gathered, of_parts @ ..] = gathered;
        let of_detour = std::mem::take(&mut detour.outputs);
        let changed = match model.automaton {
            None => &cone.outputs,
            Some(_) => &of_detour,
        };
        for &(position, places) in changed {
            let mut rows: [&[RowOf<S>]; 2] = [&[]; 2];
            let of_parts = model.parts.iter().zip(of_parts.iter_mut()).enumerate();
            for ((p, (part, memory)), rows) in of_parts.zip(&mut rows) {
                let node = &model.plan.nodes[part.node];
                let place = places[p] as usize;
                *rows = if places[p] == UNCHANGED {
                    origin.part(p, position as usize, 1, memory)
                } else if node.last {
                    &outputs[p][place..]
                } else {
                    let changes = &changes[part.node][place..][..part.width];
                    origin.part_changed(p, position as usize, changes, memory)
                };
            }
            let own = origin.own(position as usize, gathered);
            let value = match self.which(position as usize) {
                Some(which) => &values[which],
                None => &own[S::PLANES],
            };
            // Where a part is relative to the first state, that is 0.
            let row = |k: usize| {
                let (part, k) = model.part_of_row(k);
                match k.checked_sub(usize::from(model.parts[part].relative)) {
                    Some(k) => &rows[part][k],
                    None => &zero,
                }
            };
            let masked = self.forbid_changed(of_lane, position as usize, row, detour);
            let row = |k: usize| match masked {
                true => &detour.masked[k],
                false => row(k),
            };
            add_log_conditional::<S::Real>(
                model.tiles.level,
                S::PLANES,
                model.machine_pow,
                &model.local_states,
                value,
                row,
                own,
                sums,
            );
        }
        detour.outputs = of_detour;
    }

    /// Which of the sites that change is at a position.
    fn which(&self, position: usize) -> Option<usize> {
        let mut positions = self.cone.positions.iter();
        positions.position(|&p| p as usize == position)
    }
}

impl<S: Scalar> Arnn<S> {
    /// The part of the head that gives a row `[state][plane]`, and which of its node's it is.
    #[inline]
    fn part_of_row(&self, row: usize) -> (usize, usize) {
        match self.parts.len() {
            1 => (0, row),
            n => (row % n, row / n),
        }
    }
}
