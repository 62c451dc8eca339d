//! Causal cones: what a change of some sites can reach depends on the network alone.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::head::Part;
use super::plan::{Plan, Step, Work};
use crate::nn::Lists;
use crate::simd::Tap;

/// A plan of what follows from a change of some sites.
///
/// Layers are linear up to their activation, so an output changes by the weights times the change of what
/// it reads: only inputs that change are read, and only their changes are kept, one after the other.
#[derive(Debug)]
pub(super) struct Cone {
    /// The positions of the sites that change.
    pub positions: Box<[u32]>,
    /// What is to be done, in order, and the row where each step's changes begin among those of its node.
    pub steps: Vec<(Step, u32)>,
    /// Rows of changes of each node.
    pub rows: Vec<u32>,
    /// For each source of each linear step, and each operand of each mixed one, the changes it reads:
    /// rows count from the first change of the node that is read.
    pub taps: Lists<Tap>,
    /// What each part of the head is to do.
    pub parts: Vec<PartCone>,
    /// The positions whose log-conditionals change, and where each part's rows are: see [`UNCHANGED`].
    pub outputs: Vec<(u32, [u32; 2])>,
}

/// In place of a row: nothing changes there.
pub(super) const UNCHANGED: u32 = u32::MAX;

/// The outputs of a part of the head that a change can reach.
#[derive(Debug, Default)]
pub(super) struct PartCone {
    /// Groups of positions, or single ones.
    pub groups: Vec<u32>,
    /// For each source of each group the changes it reads.
    pub taps: Lists<Tap>,
}

/// Where the changes of a node at a position are.
struct Places<'a> {
    plan: &'a Plan,
    /// By node and position.
    rows: Vec<u32>,
    /// Rows of each node so far.
    used: Vec<u32>,
}

impl Places<'_> {
    fn add(&mut self, node: usize, position: usize) {
        self.rows[node * self.plan.n_positions() + position] = self.used[node];
        self.used[node] += self.plan.nodes[node].width as u32;
    }

    fn get(&self, node: usize, position: usize) -> Option<u32> {
        let row = self.rows[node * self.plan.n_positions() + position];
        (row != UNCHANGED).then_some(row)
    }
}

impl Cone {
    fn new(plan: &Plan, parts: &[Part], changed: &[u32]) -> Self {
        let n_positions = plan.n_positions();
        let mut places = Places {
            plan,
            rows: vec![UNCHANGED; plan.nodes.len() * n_positions],
            used: vec![0; plan.nodes.len()],
        };
        // Steps to do, each before those that read it; last nodes are the head's to do.
        let mut waiting = BTreeSet::new();
        let mut last: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); parts.len()];
        let mut pass_on = |node: usize, position: usize, waiting: &mut BTreeSet<u32>| {
            for &reader in plan.readers.get(node * n_positions + position) {
                let step = plan.steps[reader as usize];
                match parts
                    .iter()
                    .position(|part| part.node == step.node as usize)
                {
                    Some(part) if plan.nodes[step.node as usize].last => {
                        last[part].insert(step.position as usize);
                    }
                    _ => {
                        waiting.insert(reader);
                    }
                }
            }
        };
        for &position in changed {
            places.add(0, position as usize);
            pass_on(0, position as usize, &mut waiting);
        }
        let mut steps = Vec::new();
        let mut taps = Lists::with_capacity(0, 0);
        while let Some(number) = waiting.pop_first() {
            let step = plan.steps[number as usize];
            let (node, position) = (step.node as usize, step.position as usize);
            match &plan.nodes[node].work {
                Work::Input => {}
                Work::Linear(linear) => {
                    for (input, source) in linear.layer.inputs.iter().zip(&linear.sources) {
                        for read in input.reads.get(position) {
                            if let Some(row) = places.get(source.node, read.from as usize) {
                                let block = read.block;
                                taps.push(Tap { block, row });
                            }
                        }
                        taps.end();
                    }
                }
                Work::Mix(terms) => {
                    for operand in terms.iter().flat_map(|t| std::iter::once(&t.a).chain(&t.b)) {
                        let first = operand.first - plan.nodes[operand.node].after;
                        let row = operand
                            .position(position)
                            .and_then(|position| places.get(operand.node, position))
                            .map_or(UNCHANGED, |row| row + first as u32);
                        taps.push(Tap { block: 0, row });
                        taps.end();
                    }
                }
            }
            steps.push((step, places.used[node]));
            places.add(node, position);
            pass_on(node, position, &mut waiting);
        }
        let mut outputs: BTreeSet<usize> = changed.iter().map(|&p| p as usize).collect();
        let mut part_rows = Vec::new();
        let mut part_cones = Vec::new();
        for (part, reached) in parts.iter().zip(&last) {
            let node = &plan.nodes[part.node];
            let (cone, rows) = if node.last {
                PartCone::new(plan, part, reached, &places)
            } else {
                let reached = steps
                    .iter()
                    .filter(|(step, _)| step.node as usize == part.node);
                let rows = reached.map(|(step, row)| (step.position as usize, *row));
                (PartCone::default(), rows.collect())
            };
            outputs.extend(rows.keys());
            part_rows.push(rows);
            part_cones.push(cone);
        }
        let outputs = outputs.into_iter().map(|position| {
            let mut rows = [UNCHANGED; 2];
            for (row, rows) in rows.iter_mut().zip(&part_rows) {
                *row = rows.get(&position).copied().unwrap_or(UNCHANGED);
            }
            (position as u32, rows)
        });
        Self {
            positions: changed.into(),
            outputs: outputs.collect(),
            steps,
            rows: places.used,
            taps,
            parts: part_cones,
        }
    }

    /// Memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let of_part =
            |part: &PartCone| 8 * part.groups.len() + size_of::<Tap>() * part.taps.n_items();
        size_of::<Self>()
            + size_of::<(Step, u32)>() * self.steps.len()
            + 4 * self.taps.len()
            + size_of::<Tap>() * self.taps.n_items()
            + self.parts.iter().map(of_part).sum::<usize>()
            + 12 * self.outputs.len()
    }
}

impl PartCone {
    /// With the row of each position that is reached.
    fn new(
        plan: &Plan,
        part: &Part,
        reached: &BTreeSet<usize>,
        places: &Places,
    ) -> (Self, HashMap<usize, u32>) {
        let mut cone = Self::default();
        let mut rows = HashMap::new();
        let Work::Linear(linear) = &plan.nodes[part.node].work else {
            return (cone, rows);
        };
        for &position in reached {
            let group = position / part.group;
            if cone.groups.last() != Some(&(group as u32)) {
                cone.groups.push(group as u32);
                for (input, source) in linear.layer.inputs.iter().zip(&linear.sources) {
                    // The last of a group reads all that any of it reads.
                    let last = (group * part.group + part.group).min(plan.n_positions()) - 1;
                    for read in input.reads.get(last) {
                        let from = read.from as usize;
                        if let Some(row) = places.get(source.node, from) {
                            let block = part.block(group, from, read.block);
                            cone.taps.push(Tap { block, row });
                        }
                    }
                    cone.taps.end();
                }
            }
            let first = (cone.groups.len() - 1) * part.group + position % part.group;
            rows.insert(position, (first * part.width) as u32);
        }
        (cone, rows)
    }
}

/// The cones met so far, kept from step to step.
#[derive(Debug, Default)]
pub(super) struct Cones(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    cones: HashMap<Box<[u32]>, Arc<Cone>>,
    bytes: usize,
}

/// Bytes of cones that are kept: beyond, all are forgotten, for to make them takes less time than to use them.
pub(super) const MEMORY: usize = 128 << 20;

impl Cones {
    /// The cone of a change of the sites at some positions.
    pub(super) fn get(&self, plan: &Plan, parts: &[Part], changed: &[u32]) -> Arc<Cone> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cone) = kept().cones.get(changed) {
            return cone.clone();
        }
        // Others go on meanwhile; two may make the same.
        let cone = Arc::new(Cone::new(plan, parts, changed));
        let mut kept = kept();
        if kept.bytes > MEMORY {
            *kept = Kept::default();
        }
        if kept.cones.insert(changed.into(), cone.clone()).is_none() {
            kept.bytes += cone.bytes();
        }
        cone
    }
}
