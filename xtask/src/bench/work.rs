//! Counts of arithmetic: stacks of masked layers, what a change of σ reaches, dense matrices.

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

/// Who reads whom in a stack of masked layers.
pub struct Net {
    planes: f64,
    n_sites: usize,
    /// Has every pair of sites weights of its own, and every site a bias?
    dense: bool,
    /// Gates of a recurrent cell: a layer's weights are those of input and memory by gates.
    gates: Option<usize>,
    /// Features in and out of each layer's weights.
    features: Vec<[usize; 2]>,
    /// Taps of a whole kernel that the mask leaves, for each layer of convolutions.
    unmasked: Vec<usize>,
    /// Sites read by each site, for each layer.
    reads: Vec<Vec<Vec<usize>>>,
}

impl Net {
    /// The network of a workload.
    pub fn new(w: &Workload) -> Self {
        let gates = match w.model {
            "LSTMNet" => Some(4),
            "GRUNet1D" => Some(3),
            _ => None,
        };
        let features = (0..w.layers)
            .map(|l| {
                let last = l + 1 == w.layers;
                let inputs = if l == 0 { 1 } else { w.features };
                let outputs = if last { 2 } else { w.features };
                match gates {
                    Some(gates) => [inputs + outputs, gates * outputs],
                    None => [inputs, outputs],
                }
            })
            .collect();
        let (dense, sites) = (w.model == "ARNNDense", 0..w.n_sites());
        let reads = |l| {
            let taps = taps(w, l);
            let read_by = |site: usize| match (dense, gates) {
                (true, _) => (0..site + usize::from(l > 0)).collect(),
                (_, Some(_)) => vec![site.saturating_sub(usize::from(l == 0))],
                _ => inside(w.extent, site, &taps),
            };
            sites.clone().map(read_by).collect()
        };
        Self {
            planes: w.planes(),
            n_sites: w.n_sites(),
            dense,
            gates,
            features,
            unmasked: (0..w.layers).map(|l| taps(w, l).len()).collect(),
            reads: (0..w.layers).map(reads).collect(),
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
        let outputs = self.features[layer][1];
        let exps = match self.gates {
            // The memory of a long short-term cell is squashed once more.
            Some(4) => outputs / 4 * 5,
            Some(_) => outputs,
            None if layer + 1 == self.features.len() => 0,
            None => outputs,
        };
        self.planes * (sites * exps) as f64
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
        let [rows, columns] = w.extent;
        let changes: Vec<Vec<usize>> = match w.hamiltonian {
            "ising" => (0..self.n_sites).map(|site| vec![site]).collect(),
            _ => (0..self.n_sites)
                .flat_map(|i| {
                    let (y, x) = (i / columns, i % columns);
                    let right = y * columns + (x + 1) % columns;
                    let below = (y + 1) % rows * columns + x;
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

    /// What follows from a change of some sites: a tap adds the difference of its input.
    fn followed(&self, changed: &[usize]) -> Work {
        let mut dirty = vec![false; self.n_sites];
        for &site in changed {
            dirty[site] = true;
        }
        let mut work = Work::default();
        for (l, reads) in self.reads.iter().enumerate() {
            let mut taps: Vec<usize> = reads
                .iter()
                .map(|sites| sites.iter().filter(|&&i| dirty[i]).count())
                .collect();
            dirty = taps.iter().map(|&taps| taps > 0).collect();
            if self.gates.is_some() {
                // Memory carries a change to all later sites.
                let first = dirty.iter().position(|&d| d).unwrap_or(self.n_sites);
                dirty[first..].fill(true);
                taps = dirty.iter().map(|&d| usize::from(d)).collect();
            }
            let reached = dirty.iter().filter(|&&d| d).count();
            work.flops += self.macs(l, taps.iter().sum());
            work.exps += self.exps(l, reached);
        }
        work
    }

    /// Parameters of a layer that the mask leaves.
    fn parameters(&self, layer: usize) -> usize {
        let [inputs, outputs] = self.features[layer];
        let (taps, sites) = match self.dense {
            true => (self.n_taps(layer), self.n_sites),
            false if self.gates.is_some() => (1, 1),
            false => (self.unmasked[layer], 1),
        };
        taps * inputs * outputs + sites * outputs
    }

    /// The cheaper of the two matrices of stochastic reconfiguration, made and factored.
    pub fn solve(&self, samples: f64) -> Work {
        let layers = 0..self.features.len();
        let parameters: usize = layers.map(|l| self.parameters(l)).sum();
        let (columns, rows) = (self.planes * parameters as f64, self.planes * samples);
        // The derivatives of a dense layer are outer products, and so are theirs of two samples: inputs by
        // inputs, summed up to each site, times outputs by outputs.
        let per_layer = |[inputs, outputs]: &[usize; 2]| (inputs + outputs + 2) as f64;
        let layerwise = self.n_sites as f64 * self.features.iter().map(per_layer).sum::<f64>();
        let gram = match self.dense {
            true => columns.min(layerwise),
            false => columns,
        };
        let flops = |n: f64, m: f64| n * n * m + n.powi(3) / 3.0;
        Work {
            flops: flops(rows, gram).min(flops(columns, rows)),
            exps: 0.0,
        }
    }
}

/// Where the unmasked taps of a kernel lie, as rows and columns from the site that reads them.
fn taps(w: &Workload, layer: usize) -> Vec<[isize; 2]> {
    // The first layer does not see its own site.
    let itself = usize::from(layer > 0);
    let [height, width] = w.kernel_size;
    // Columns up to the site's own: all of a chain's kernel, half of another.
    let left = if w.model == "ARNNConv1D" {
        width - 1
    } else {
        width / 2
    };
    (0..height)
        .flat_map(|row| (0..width).map(move |column| (row, column)))
        .filter(|&(row, column)| row + 1 < height || column < left + itself)
        .map(|(row, column)| {
            [
                row as isize + 1 - height as isize,
                column as isize - left as isize,
            ]
        })
        .collect()
}

/// The sites under those taps of a site that lie on the lattice.
fn inside([_, columns]: [usize; 2], site: usize, taps: &[[isize; 2]]) -> Vec<usize> {
    taps.iter()
        .filter_map(|&[dy, dx]| {
            let y = (site / columns).checked_add_signed(dy)?;
            let x = (site % columns).checked_add_signed(dx)?;
            (x < columns).then_some(y * columns + x)
        })
        .collect()
}
