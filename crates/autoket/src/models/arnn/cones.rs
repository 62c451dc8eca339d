//! Local values by causal cones: a change of some sites is followed only where it can be seen.
//!
//! Which outputs of which layer a change can reach depends on the geometry alone. Samples of a block that
//! have a connected state with the same changed sites are evaluated together; the activations under σ stay,
//! and what differs is written to an overlay, to which the tables of rows point while it is needed.

use std::collections::HashMap;
use std::sync::Arc;

use super::forward::Workspace;
use super::{Arnn, lanes};
use crate::nn::Packed;
use crate::operator::{Connected, Operator};
use crate::scalar::{Real, Scalar, c64};

/// The sites a change can reach: for each layer the output sites that differ, ascending.
#[derive(Debug)]
pub(super) struct Cone {
    dirty: Vec<Vec<u32>>,
    /// Sites whose conditional or own state may differ.
    affected: Vec<u32>,
}

/// The connected states of a block, by the sites that change.
#[derive(Debug, Default)]
pub(super) struct ConeSpace {
    rows: Vec<Connected>,
    /// The pattern of each set of changed sites met so far.
    numbers: HashMap<Box<[u32]>, usize>,
    patterns: Vec<Pattern>,
    /// Patterns met in this block.
    met: Vec<usize>,
    /// log ψ(σ')/ψ(σ) of each element of each row.
    log_ratios: Vec<Vec<c64>>,
}

#[derive(Debug)]
struct Pattern {
    sites: Box<[u32]>,
    cone: Arc<Cone>,
    /// Elements of this block's rows with just these sites changed: (lane, element).
    elements: Vec<(usize, usize)>,
}

impl<S: Scalar> Arnn<S> {
    /// The cone of a change of `sites`.
    fn cone(&self, sites: &[u32]) -> Arc<Cone> {
        let mut cones = self
            .cones
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(cone) = cones.get(sites) {
            return cone.clone();
        }
        let mut reached = sites.to_vec();
        let dirty: Vec<Vec<u32>> = self
            .layers
            .iter()
            .map(|layer| {
                reached = reached
                    .iter()
                    .flat_map(|&i| layer.readers(i as usize))
                    .copied()
                    .collect();
                reached.sort_unstable();
                reached.dedup();
                reached.clone()
            })
            .collect();
        let mut affected = [sites, &dirty[dirty.len() - 1]].concat();
        affected.sort_unstable();
        affected.dedup();
        let cone = Arc::new(Cone { dirty, affected });
        cones.insert(sites.into(), cone.clone());
        cone
    }

    /// Σ_σ' ⟨σ|O|σ'⟩ ψ(σ')/ψ(σ) for each sample of a block whose forward pass is done.
    pub(super) fn local_values_of_block(
        &self,
        packed: &[Packed<S::Real>],
        workspace: &mut Workspace<S::Real>,
        sigma: &[u8],
        operator: &dyn Operator,
        values: &mut [c64],
    ) {
        let mut space = std::mem::take(&mut workspace.cones);
        self.collect(&mut space, sigma, operator);
        for met in 0..space.met.len() {
            let pattern = &mut space.patterns[space.met[met]];
            // A sample may have several states with the same sites changed: one round for each.
            let mut elements = std::mem::take(&mut pattern.elements);
            while !elements.is_empty() {
                let mut round: [Option<usize>; 32] = [None; 32];
                elements.retain(|&(lane, element)| {
                    let taken = round[lane].is_some();
                    round[lane] = round[lane].or(Some(element));
                    taken
                });
                self.follow(
                    packed,
                    workspace,
                    pattern,
                    &space.rows,
                    &round,
                    &mut space.log_ratios,
                );
            }
            pattern.elements = elements;
        }
        for (lane, value) in values.iter_mut().enumerate() {
            let terms = space.rows[lane].iter().zip(&space.log_ratios[lane]);
            *value = terms
                .map(|((mel, _), log_ratio)| mel * exp(*log_ratio))
                .sum();
        }
        workspace.cones = space;
    }

    /// Rows of the operator for each sample, sorted into patterns.
    fn collect(&self, space: &mut ConeSpace, sigma: &[u8], operator: &dyn Operator) {
        space.rows.resize_with(lanes::<S>(), Connected::default);
        space.log_ratios.resize_with(lanes::<S>(), Vec::new);
        space.met.clear();
        let mut sites: Vec<u32> = Vec::new();
        for (lane, sigma) in sigma.chunks_exact(self.hilbert.n_sites()).enumerate() {
            let row = &mut space.rows[lane];
            row.clear();
            operator.connected(sigma, row);
            space.log_ratios[lane].clear();
            space.log_ratios[lane].resize(row.len(), c64::default());
            for (element, (_, changes)) in
                row.iter().enumerate().filter(|(_, (_, c))| !c.is_empty())
            {
                sites.clear();
                sites.extend(changes.iter().map(|&(site, _)| site));
                let number = match space.numbers.get(&sites[..]) {
                    Some(&number) => number,
                    None => {
                        let key: Box<[u32]> = sites[..].into();
                        let cone = self.cone(&sites);
                        space.numbers.insert(key.clone(), space.patterns.len());
                        space.patterns.push(Pattern {
                            sites: key,
                            cone,
                            elements: Vec::new(),
                        });
                        space.patterns.len() - 1
                    }
                };
                let elements = &mut space.patterns[number].elements;
                if elements.is_empty() {
                    space.met.push(number);
                }
                elements.push((lane, element));
            }
        }
        // Neighbouring patterns touch the same activations.
        let patterns = &space.patterns;
        space
            .met
            .sort_unstable_by(|&a, &b| patterns[a].sites.cmp(&patterns[b].sites));
    }

    /// Evaluates one connected state in each lane that has one with this pattern.
    fn follow(
        &self,
        packed: &[Packed<S::Real>],
        workspace: &mut Workspace<S::Real>,
        pattern: &Pattern,
        rows: &[Connected],
        round: &[Option<usize>; 32],
        log_ratios: &mut [Vec<c64>],
    ) {
        let (n_sites, block, last) = (self.hilbert.n_sites(), lanes::<S>(), self.layers.len());
        let cone = &pattern.cone;
        // The change: new local indices behind the old ones, new values into the overlay.
        let mut old = [[0u8; 32]; MAX_CHANGES];
        let mut old_rest = Vec::new();
        let old = if pattern.sites.len() <= MAX_CHANGES {
            &mut old[..pattern.sites.len()]
        } else {
            old_rest.resize(pattern.sites.len(), [0u8; 32]);
            &mut old_rest[..]
        };
        for (which, (&site, old)) in pattern.sites.iter().zip(old.iter_mut()).enumerate() {
            let site = site as usize;
            let index = &mut workspace.index[site * block..][..block];
            old[..block].copy_from_slice(index);
            for (lane, element) in round[..block].iter().enumerate() {
                if let Some(element) = element {
                    index[lane] = rows[lane].changes(*element)[which].1;
                }
            }
            self.put_values(workspace, site, n_sites + site);
            workspace.rows[0][site] = (n_sites + site) as u32 * workspace.width[0] as u32;
        }
        for layer in 0..last {
            for &site in &cone.dirty[layer] {
                self.site(
                    packed,
                    workspace,
                    layer,
                    site as usize,
                    n_sites + site as usize,
                );
                let width = workspace.width[layer + 1];
                workspace.rows[layer + 1][site as usize] =
                    ((n_sites + site as usize) * width) as u32;
            }
        }
        // log ψ(σ') - log ψ(σ), over the sites where it can differ.
        let mut sums = [[0.0; 32]; 2];
        let outputs = &workspace.activations[last];
        for &site in &cone.affected {
            let site = site as usize;
            let base = site * workspace.width[last];
            let now = workspace.rows[last][site] as usize;
            let index = &workspace.index[site * block..][..block];
            let before = match pattern.sites.iter().position(|&s| s as usize == site) {
                Some(which) => &old[which][..block],
                None => index,
            };
            for plane in 0..S::PLANES {
                for lane in 0..block {
                    let new = outputs[now + index[lane] as usize * S::PLANES + plane][lane];
                    let old = outputs[base + before[lane] as usize * S::PLANES + plane][lane];
                    sums[plane][lane] += new.widen() - old.widen();
                }
            }
        }
        for (lane, element) in round[..block].iter().enumerate() {
            if let Some(element) = element {
                log_ratios[lane][*element] = c64::new(sums[0][lane], sums[1][lane]);
            }
        }
        // Back to σ.
        for (&site, old) in pattern.sites.iter().zip(old.iter()) {
            let site = site as usize;
            workspace.index[site * block..][..block].copy_from_slice(&old[..block]);
            workspace.rows[0][site] = (site * workspace.width[0]) as u32;
        }
        for layer in 0..last {
            for &site in &cone.dirty[layer] {
                workspace.rows[layer + 1][site as usize] = site * workspace.width[layer + 1] as u32;
            }
        }
    }
}

/// Sites a few-site operator changes at once, for which no memory is asked.
const MAX_CHANGES: usize = 8;

/// eᶻ, by a real exponential where z is real.
fn exp(z: c64) -> c64 {
    if z.im == 0.0 {
        c64::new(z.re.exp(), 0.0)
    } else {
        z.exp()
    }
}
