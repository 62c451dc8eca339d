//! Causal cones: what a change of some sites can reach, layer by layer, depends on the geometry alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::nn::{Lists, Wiring};
use crate::simd::Tap;

/// A plan of what follows from a change of some sites.
///
/// Layers are linear up to their activation, so an output changes by the weights times the change of what
/// it reads: only inputs that change are read, and only their changes are kept, one after the other.
#[derive(Debug)]
pub(super) struct Cone {
    /// The sites that change.
    pub sites: Box<[u32]>,
    /// For each layer what it is to do.
    pub layers: Vec<Reached>,
    /// Those of `sites` that the last layer's changes do not reach: only their own state is another.
    pub unreached: Vec<u32>,
}

/// The outputs of a layer that a change can reach.
#[derive(Debug)]
pub(super) struct Reached {
    /// Their sites, ascending.
    pub sites: Vec<u32>,
    /// For each the changed inputs it reads; rows count from the first change of the layer before.
    pub taps: Lists<Tap>,
}

impl Cone {
    fn new(wiring: &[Wiring], sites: &[u32]) -> Self {
        let mut changed = sites.to_vec();
        let layers: Vec<Reached> = wiring
            .iter()
            .map(|wiring| {
                // (output site, block, place of the input among the changed ones)
                let mut reads: Vec<(u32, u32, u32)> = Vec::new();
                for (place, &from) in changed.iter().enumerate() {
                    let readers = wiring.readers.get(from as usize).iter();
                    reads.extend(readers.map(|&[block, to]| (to, block, place as u32)));
                }
                reads.sort_unstable();
                let mut reached = Reached {
                    sites: Vec::new(),
                    taps: Lists::with_capacity(0, reads.len()),
                };
                for of_site in reads.chunk_by(|a, b| a.0 == b.0) {
                    reached.sites.push(of_site[0].0);
                    for &(_, block, place) in of_site {
                        let row = place * wiring.features[0] as u32;
                        reached.taps.push(Tap { block, row });
                    }
                    reached.taps.end();
                }
                changed.clone_from(&reached.sites);
                reached
            })
            .collect();
        let unreached = sites.iter().filter(|site| !changed.contains(site));
        Self {
            unreached: unreached.copied().collect(),
            sites: sites.into(),
            layers,
        }
    }

    /// Memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let of_layer = |l: &Reached| {
            size_of::<u32>() * 2 * l.sites.len() + size_of::<Tap>() * l.taps.n_items()
        };
        size_of::<Self>() + self.layers.iter().map(of_layer).sum::<usize>()
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
    /// The cone of a change of `sites`.
    pub(super) fn get(&self, wiring: &[Wiring], sites: &[u32]) -> Arc<Cone> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cone) = kept.cones.get(sites) {
            return cone.clone();
        }
        let cone = Arc::new(Cone::new(wiring, sites));
        if kept.bytes > MEMORY {
            *kept = Kept::default();
        }
        kept.bytes += cone.bytes();
        kept.cones.insert(sites.into(), cone.clone());
        cone
    }
}
