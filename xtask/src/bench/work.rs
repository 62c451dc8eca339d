//! Counts of arithmetic: stacks of masked convolutions, what a change of σ reaches, dense matrices.

use std::collections::BTreeSet;

use super::workload::Workload;

/// Operations that cannot be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Real additions and multiplications.
    pub flops: f64,
    /// Real exponentials, of activations.
    pub exps: f64,
}

impl std::ops::Add for Work {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            flops: self.flops + other.flops,
            exps: self.exps + other.exps,
        }
    }
}

impl std::ops::Mul<Work> for f64 {
    type Output = Work;
    fn mul(self, work: Work) -> Work {
        Work {
            flops: self * work.flops,
            exps: self * work.exps,
        }
    }
}

/// Who reads whom in a stack of masked convolutions.
pub struct Net {
    planes: f64,
    n_sites: usize,
    /// Features in and out of each layer.
    features: Vec<[usize; 2]>,
    /// Taps of a whole kernel that the mask leaves, for each layer.
    unmasked: Vec<usize>,
    /// Sites read by each site, for each layer.
    reads: Vec<Vec<Vec<usize>>>,
}

impl Net {
    /// The network of a workload.
    pub fn new(w: &Workload) -> Self {
        let ([height, width], side) = (w.kernel_size, w.side as isize);
        let features: Vec<_> = (0..w.layers)
            .map(|l| {
                let last = l + 1 == w.layers;
                [
                    if l == 0 { 1 } else { w.features },
                    if last { 2 } else { w.features },
                ]
            })
            .collect();
        // The first layer does not see its own site.
        let left = |l: usize, row: usize, column: usize| {
            row + 1 < height || column < width / 2 + usize::from(l > 0)
        };
        let taps = |l| {
            (0..height)
                .flat_map(move |row| (0..width).map(move |column| (row, column)))
                .filter(move |&(row, column)| left(l, row, column))
        };
        let read_by = |l, site: isize| -> Vec<usize> {
            taps(l)
                .map(|(row, column)| {
                    let y = site / side + row as isize + 1 - height as isize;
                    (y, site % side + column as isize - width as isize / 2)
                })
                .filter(|&(y, x)| y >= 0 && (0..side).contains(&x))
                .map(|(y, x)| (y * side + x) as usize)
                .collect()
        };
        Self {
            planes: w.planes(),
            n_sites: w.side * w.side,
            features,
            unmasked: (0..w.layers).map(|l| taps(l).count()).collect(),
            reads: (0..w.layers)
                .map(|l| (0..side * side).map(|site| read_by(l, site)).collect())
                .collect(),
        }
    }

    /// Flops of so many taps of a layer: the input of the first is real.
    pub fn macs(&self, layer: usize, taps: usize) -> f64 {
        let [inputs, outputs] = self.features[layer];
        let input_planes = if layer == 0 { 1.0 } else { self.planes };
        2.0 * self.planes * input_planes * (taps * inputs * outputs) as f64
    }

    /// Taps of a layer.
    pub fn n_taps(&self, layer: usize) -> usize {
        self.reads[layer].iter().map(Vec::len).sum()
    }

    /// Exponentials of so many sites of a layer's output.
    fn exps(&self, layer: usize, sites: usize) -> f64 {
        match layer + 1 == self.features.len() {
            true => 0.0,
            false => self.planes * (sites * self.features[layer][1]) as f64,
        }
    }

    /// log ψ of one sample.
    pub fn forward(&self) -> Work {
        (0..self.features.len())
            .map(|l| Work {
                flops: self.macs(l, self.n_taps(l)),
                exps: self.exps(l, self.n_sites),
            })
            .fold(Work::default(), |sum, work| sum + work)
    }

    /// log ψ of all states connected to one sample, log ψ of the sample being known.
    pub fn connected(&self, w: &Workload) -> Work {
        let changes: Vec<Vec<usize>> = match w.hamiltonian {
            "ising" => (0..self.n_sites).map(|site| vec![site]).collect(),
            _ => (0..self.n_sites)
                .flat_map(|i| {
                    let (y, x) = (i / w.side, i % w.side);
                    let right = y * w.side + (x + 1) % w.side;
                    let below = (y + 1) % w.side * w.side + x;
                    [vec![i, right], vec![i, below]]
                })
                .collect(),
        };
        let all = changes
            .iter()
            .map(|changed| self.followed(changed))
            .fold(Work::default(), |sum, work| sum + work);
        // Exchange acts on antiparallel pairs: half of the bonds of a random sample.
        if w.hamiltonian == "ising" {
            all
        } else {
            0.5 * all
        }
    }

    /// What follows from a change of some sites.
    fn followed(&self, changed: &[usize]) -> Work {
        let mut dirty: BTreeSet<usize> = changed.iter().copied().collect();
        let mut work = Work::default();
        for (l, reads) in self.reads.iter().enumerate() {
            let changed_taps =
                |site: &usize| reads[*site].iter().filter(|i| dirty.contains(i)).count();
            let reached: Vec<usize> = (0..self.n_sites)
                .filter(|site| changed_taps(site) > 0)
                .collect();
            let taps = match l {
                0 => reached.iter().map(changed_taps).sum(),
                _ => reached.iter().map(|&site| reads[site].len()).sum(),
            };
            work.flops += self.macs(l, taps);
            work.exps += self.exps(l, reached.len());
            dirty = reached.into_iter().collect();
        }
        work
    }

    /// The smaller of the two matrices of stochastic reconfiguration, made and factored.
    pub fn solve(&self, samples: f64) -> Work {
        let parameters: usize = self
            .features
            .iter()
            .zip(&self.unmasked)
            .map(|([inputs, outputs], taps)| taps * inputs * outputs + outputs)
            .sum();
        let (columns, rows) = (self.planes * parameters as f64, self.planes * samples);
        let flops = |n: f64, m: f64| n * n * m + n.powi(3) / 3.0;
        Work {
            flops: flops(rows, columns).min(flops(columns, rows)),
            exps: 0.0,
        }
    }
}
