//! From the last nodes to log ψ: amplitudes and phases of a position's states, relative to the first state's.
//!
//! Log-conditionals stay the same if one real number is added to all log-amplitudes of a position: so where
//! they come from a linear node, the first is taken as 0, and only the others are followed, relative to it.

use super::network::Head;
use super::plan::{Linear, NodePlan, Plan, Work};
use crate::scalar::Real;

/// What a head node contributes.
#[derive(Debug)]
pub(super) struct Part {
    pub node: usize,
    /// Is it followed relative to the first state?
    pub relative: bool,
    /// Rows of a position.
    pub width: usize,
    /// Where the node's rows stand among the rows `[state][plane]` of a position.
    pub places: Vec<usize>,
    /// Positions whose outputs are found together: several where each pair of sites has weights of its own,
    /// so that what is read is read once for all.
    pub group: usize,
    /// The first block of each group, where there are several positions in one.
    first_block: Vec<usize>,
}

/// Rows that a group has, if it can have several positions.
const GROUP: usize = 8;

impl Part {
    /// The parts of a head, amplitude first.
    pub fn all(plan: &Plan, head: Head, planes: usize) -> Vec<Self> {
        let nodes = std::iter::once(head.amplitude.0).chain(head.phase.map(|node| node.0));
        nodes
            .enumerate()
            .map(|(part, number)| Self::new(plan, number, part, planes))
            .collect()
    }

    fn new(plan: &Plan, number: usize, part: usize, planes: usize) -> Self {
        let node = &plan.nodes[number];
        let relative = node.last && part == 0;
        let skipped = usize::from(relative);
        let places = (0..node.width).map(|q| q / node.planes * planes + part + q % node.planes);
        let width = node.width - skipped;
        let own_weights = |linear: &Linear| linear.layer.sight().is_some();
        let group = match &node.work {
            Work::Linear(linear) if node.last && own_weights(linear) => (GROUP / width).max(1),
            _ => 1,
        };
        let mut first_block = vec![0];
        if let (Work::Linear(linear), true) = (&node.work, group > 1) {
            let reads = &linear.layer.inputs[0].reads;
            for first in (0..reads.len()).step_by(group) {
                // Those of its last position are those of all.
                let last = (first + group).min(reads.len()) - 1;
                first_block.push(first_block[first / group] + reads.get(last).len());
            }
        }
        Self {
            node: number,
            relative,
            width,
            places: places.collect(),
            group,
            first_block,
        }
    }

    /// The block of weights by which an input site acts on a group, if the layer's own is `block`.
    pub fn block(&self, group: usize, from: usize, block: u32) -> u32 {
        match self.group {
            1 => block,
            _ => (self.first_block[group] + from) as u32,
        }
    }

    /// Weights for each source of a linear last node: `(block, features in, rows of a group)`.
    pub fn pack<R: Real>(&self, node: &NodePlan, weights: &[&[R]]) -> Vec<Vec<R>> {
        let Work::Linear(linear) = &node.work else {
            return Vec::new();
        };
        let rows = |line: &[R]| -> Vec<R> {
            let less = |(q, &w): (usize, &R)| match q % node.planes {
                0 if self.relative => w - line[0],
                _ => w,
            };
            let skipped = usize::from(self.relative);
            line.iter().enumerate().skip(skipped).map(less).collect()
        };
        let packed = weights
            .iter()
            .zip(&linear.sources)
            .zip(&linear.layer.inputs);
        packed
            .map(|((weights, source), input)| {
                let lines = weights.chunks_exact(node.width);
                if self.group == 1 {
                    return lines.flat_map(rows).collect();
                }
                let width_out = self.group * self.width;
                let n_blocks = self.first_block[self.first_block.len() - 1];
                let mut grouped = vec![R::zero(); n_blocks * source.width * width_out];
                for (to, reads) in input.reads.iter().enumerate() {
                    let (group, member) = (to / self.group, to % self.group);
                    for read in reads {
                        let block = self.first_block[group] + read.from as usize;
                        for i in 0..source.width {
                            let line = (read.block as usize * source.width + i) * node.width;
                            let to = (block * source.width + i) * width_out + member * self.width;
                            grouped[to..][..self.width]
                                .copy_from_slice(&rows(&weights[line..][..node.width]));
                        }
                    }
                }
                grouped
            })
            .collect()
    }
}
