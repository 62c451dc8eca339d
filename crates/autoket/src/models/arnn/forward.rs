//! The forward pass of a block of lanes, step by step.

use super::constrained::Allowed;
use super::network::When;
use super::plan::{MixOperand, Step, Work};
use super::{Arnn, Weights, lanes, zero_row};
use crate::models::RowOf;
use crate::scalar::{Real, Scalar};
use crate::simd::{
    Flat, Row, Start, add_difference, add_product, log_normalise, pick, scatter_lanes,
};

/// Memory of one thread.
#[derive(Debug)]
pub(super) struct Workspace<R: Real> {
    /// The block at hand; for local values also its neighbours, grown on demand.
    pub(super) blocks: Vec<Block<R>>,
    pub(super) cones: super::local_values::ConeSpace<R>,
    pub(super) backward: super::backward::BackwardSpace<R>,
    /// A row for each local state.
    pub(super) cumulative: Vec<R::Row>,
}

/// Everything a forward pass finds out about a block of samples. Positions count in the order of drawing.
#[derive(Debug)]
pub(super) struct Block<R: Real> {
    /// Local indices, `[position][lane]`.
    pub(super) index: Vec<u8>,
    /// The rows of each node, `[position][row]`; the first node's are σ's local states.
    pub(super) rows: Vec<Vec<R::Row>>,
    /// A sum of products.
    mixed: Vec<R::Row>,
    /// Log-amplitudes and phases of one position, `[local state][plane]`.
    pub(super) z: Vec<R::Row>,
    /// The same of all positions, normalised: `[position][local state][plane]`.
    pub(super) log_conditionals: Vec<R::Row>,
    /// Those of σ's own states, which sum to log ψ(σ), and σ's local state: `[position][plane, then state]`.
    pub(super) own: Vec<R::Row>,
    /// What may be, in a constrained space.
    pub(super) allowed: Allowed<R>,
    /// What each part of the head gave, `[position][row]`: see `head`.
    pub(super) base: Vec<Vec<R::Row>>,
    /// The rows, `own` and `base` once more, those of a lane side by side: see [`LaneLayout`].
    by_lane: Vec<R>,
}

/// Where the rows of a block stand among the numbers of each lane.
#[derive(Debug, Default)]
pub(super) struct LaneLayout {
    /// For each node.
    pub(super) rows: Vec<usize>,
    pub(super) own: usize,
    /// For each part of the head.
    pub(super) base: Vec<usize>,
    /// Numbers of a lane.
    pub(super) stride: usize,
}

impl LaneLayout {
    pub(super) fn new<S: Scalar>(model: &Arnn<S>) -> Self {
        let n = model.n_positions();
        let mut stride = 0;
        let mut take = |rows: usize| {
            let first = stride;
            stride += n * rows;
            first
        };
        // Input and last nodes are in `own` and `base`.
        let rows = model.plan.nodes.iter().map(|node| match &node.work {
            Work::Input => 0,
            _ if node.last => 0,
            _ => take(node.stride),
        });
        let rows = rows.collect();
        let own = take(S::PLANES + 1);
        let base = model.parts.iter().map(|part| take(part.width)).collect();
        Self {
            rows,
            own,
            base,
            stride,
        }
    }
}

impl<R: Real> Block<R> {
    pub(super) fn new<S: Scalar<Real = R>>(model: &Arnn<S>) -> Self {
        let n = model.n_positions();
        let rows = |width: usize| vec![zero_row::<R>(); n * width];
        Self {
            index: vec![0; n * R::Row::LANES],
            rows: model
                .plan
                .nodes
                .iter()
                .map(|node| rows(node.stride))
                .collect(),
            mixed: Vec::new(),
            z: vec![zero_row::<R>(); model.hilbert.local_size() * S::PLANES],
            log_conditionals: rows(model.hilbert.local_size() * S::PLANES),
            own: rows(S::PLANES + 1),
            allowed: Allowed::new(model),
            base: model.parts.iter().map(|part| rows(part.width)).collect(),
            by_lane: Vec::new(),
        }
    }

    /// What `by_lane` holds of a lane.
    pub(super) fn lane(&self, lane: usize) -> &[R] {
        let stride = self.by_lane.len() / R::Row::LANES;
        &self.by_lane[lane * stride..][..stride]
    }

    /// Fills `by_lane`.
    pub(super) fn scatter<S: Scalar<Real = R>>(&mut self, model: &Arnn<S>) {
        let layout = &model.lane_layout;
        self.by_lane
            .resize(layout.stride * R::Row::LANES, R::zero());
        let nodes = model.plan.nodes.iter().zip(&self.rows).zip(&layout.rows);
        let nodes = nodes.filter(|((node, _), _)| !node.last && !matches!(node.work, Work::Input));
        let rows = nodes.map(|((_, rows), &first)| (rows, first));
        let base = self.base.iter().zip(layout.base.iter().copied());
        for (rows, first) in rows.chain(base).chain([(&self.own, layout.own)]) {
            let to = &mut self.by_lane[first..];
            scatter_lanes::<R>(model.tiles.level, rows, to, layout.stride);
        }
    }
}

impl<R: Real> Workspace<R> {
    pub(super) fn new<S: Scalar<Real = R>>(model: &Arnn<S>) -> Self {
        Self {
            blocks: vec![Block::new(model)],
            cones: Default::default(),
            backward: Default::default(),
            cumulative: vec![zero_row::<R>(); model.hilbert.local_size()],
        }
    }
}

impl<S: Scalar> Arnn<S> {
    /// Puts up to a block of samples into lanes; lanes left over repeat the first.
    pub(super) fn load(&self, block: &mut Block<S::Real>, sigma: &[u8]) {
        let n_sites = self.n_positions();
        for lane in 0..lanes::<S>() {
            let first = if lane * n_sites < sigma.len() {
                lane * n_sites
            } else {
                0
            };
            let sigma = &sigma[first..first + n_sites];
            for (position, &site) in self.order.iter().enumerate() {
                block.index[position * lanes::<S>() + lane] = sigma[site as usize];
            }
        }
        for position in 0..n_sites {
            self.put_values(block, position);
            self.allow(block, position);
            self.read(block, position);
        }
    }

    /// Writes the local states of a position, as the network reads them.
    pub(super) fn put_values(&self, block: &mut Block<S::Real>, position: usize) {
        let index = &block.index[position * lanes::<S>()..][..lanes::<S>()];
        let values = &mut block.rows[0][position];
        for (x, &index) in values.iter_mut().zip(index) {
            *x = self.local_states[index as usize];
        }
        block.own[position * (S::PLANES + 1) + S::PLANES] = *values;
    }

    /// All nodes, log-conditionals and log ψ.
    pub(super) fn forward(&self, weights: &Weights<S::Real>, block: &mut Block<S::Real>) {
        self.steps(weights, block, &self.plan.steps);
        for position in 0..self.n_positions() {
            self.normalise(block, position);
            self.pick_own(block, position);
        }
    }

    /// Some steps: what forward pass and sampling consist of.
    #[inline]
    pub(super) fn steps(
        &self,
        weights: &Weights<S::Real>,
        block: &mut Block<S::Real>,
        steps: &[Step],
    ) {
        for &step in steps {
            self.step(weights, block, step);
        }
    }

    /// One node at one position.
    #[inline]
    fn step(&self, weights: &Weights<S::Real>, block: &mut Block<S::Real>, step: Step) {
        let (number, position) = (step.node as usize, step.position as usize);
        let node = &self.plan.nodes[number];
        let own = position * node.stride;
        match &node.work {
            Work::Input => {}
            Work::Linear(linear) => {
                // No linear node reads itself: its memory can be set aside.
                let mut all = std::mem::take(&mut block.rows[number]);
                let z = &mut all[own..][..node.width];
                let packed = weights.layer(number);
                let bias = &packed.bias[position * linear.bias_stride..][..node.width];
                let mut start = Start::Bias(bias);
                for (source, packed) in linear.sources.iter().zip(&packed.inputs) {
                    let flat = Flat {
                        weights: &packed.weights[..],
                        features_out: node.width,
                    };
                    let (x, taps) = (&block.rows[source.node], source.taps.get(position));
                    self.tiles
                        .site::<S::Real>(flat, start, source.width, taps, x, z);
                    start = Start::Own;
                }
                block.rows[number] = all;
            }
            Work::Mix(terms) => {
                let z = &mut block.mixed;
                z.clear();
                z.resize(node.width, zero_row::<S::Real>());
                for term in terms {
                    let operand = |operand: &MixOperand| {
                        let source = &self.plan.nodes[operand.node];
                        let first = operand.position(position)? * source.stride + operand.first;
                        Some(&block.rows[operand.node][first..][..node.width])
                    };
                    let factor = match &term.when {
                        None => Some(self.factor(term.factor, None)),
                        Some(when) => when.position(position).map(|position| {
                            let values = &block.rows[0][position];
                            self.factor(term.factor, Some((when, values)))
                        }),
                    };
                    let (Some(factor), Some(a)) = (factor, operand(&term.a)) else {
                        continue;
                    };
                    let b = match &term.b {
                        None => None,
                        Some(b) => match operand(b) {
                            None => continue,
                            b => b,
                        },
                    };
                    let level = self.tiles.level;
                    add_product::<S::Real>(level, node.planes, &factor, a, b, false, z);
                }
                block.rows[number][own..][..node.width].copy_from_slice(z);
            }
        }
        if node.after > 0 {
            let (z, after) = block.rows[number][own..][..node.stride].split_at_mut(node.width);
            node.apply::<S>(z, None, after);
        }
    }

    /// A term's factor in each lane: where there is a condition 0 in lanes whose local state is another.
    pub(super) fn factor(&self, factor: f64, when: Option<(&When, &RowOf<S>)>) -> RowOf<S> {
        let factor = S::Real::from_f64(factor);
        let Some((when, values)) = when else {
            return <RowOf<S> as Row<S::Real>>::splat(factor);
        };
        let state = self.local_states[when.state];
        let mut row = zero_row::<S::Real>();
        for (x, value) in row.iter_mut().zip(values.iter()) {
            if *value == state {
                *x = factor;
            }
        }
        row
    }

    /// The log-conditionals of a position.
    #[inline]
    pub(super) fn normalise(&self, block: &mut Block<S::Real>, position: usize) {
        let Block {
            z,
            rows,
            log_conditionals,
            allowed,
            ..
        } = block;
        for part in &self.parts {
            let node = &self.plan.nodes[part.node];
            let rows = &rows[part.node][position * node.stride + node.after..];
            for (&place, row) in part.places.iter().zip(rows) {
                z[place] = *row;
            }
        }
        self.forbid(allowed, position, z);
        let y = &mut log_conditionals[position * z.len()..][..z.len()];
        log_normalise::<S::Real>(self.tiles.level, S::PLANES, self.machine_pow, z, y);
    }

    /// Finds the log-conditionals of the states that a position is in.
    #[inline]
    pub(super) fn pick_own(&self, block: &mut Block<S::Real>, position: usize) {
        let width = self.hilbert.local_size() * S::PLANES;
        pick::<S::Real>(
            self.tiles.level,
            S::PLANES,
            &self.local_states,
            &block.rows[0][position],
            &block.log_conditionals[position * width..][..width],
            &mut block.own[position * (S::PLANES + 1)..][..S::PLANES],
        );
    }

    /// log ψ of each sample of the block: the sum of its log-conditionals, in double precision.
    pub(super) fn log_psi_of_block(&self, block: &Block<S::Real>, log_psi: &mut [S]) {
        let mut sums = [[0.0; 32]; 2];
        for own in block.own.chunks_exact(S::PLANES + 1) {
            for (own, sums) in own[..S::PLANES].iter().zip(&mut sums) {
                add_difference::<S::Real>(self.tiles.level, own, None, sums);
            }
        }
        for (lane, log_psi) in log_psi.iter_mut().enumerate() {
            *log_psi = S::new(
                S::Real::from_f64(sums[0][lane]),
                S::Real::from_f64(sums[1][lane]),
            );
        }
    }
}
