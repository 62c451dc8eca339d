//! Means of many numbers and of functions of them, with errors, from sums.

/// Samples are dealt out to so many blocks, by turns: they are independent.
const BLOCKS: usize = 64;

/// Sums over samples, whose number of entries does not grow.
pub(super) struct Sums {
    /// The first sample: differences from it are summed, so that small variances survive.
    origin: Vec<f64>,
    /// The weight in each block.
    weights: Vec<f64>,
    /// `(block, mean)`
    sums: Vec<f64>,
    squares: Vec<f64>,
    n_samples: usize,
}

impl Sums {
    pub(super) fn new(n_means: usize) -> Self {
        Self {
            origin: vec![0.0; n_means],
            weights: vec![0.0; BLOCKS],
            sums: vec![0.0; BLOCKS * n_means],
            squares: vec![0.0; n_means],
            n_samples: 0,
        }
    }

    /// Adds the numbers of one sample.
    pub(super) fn add(&mut self, numbers: &[f64], sample: usize, weight: f64) {
        if self.n_samples == 0 {
            self.origin.copy_from_slice(numbers);
        }
        self.n_samples += 1;
        let (block, n) = (sample % BLOCKS, numbers.len());
        self.weights[block] += weight;
        let sums = &mut self.sums[block * n..][..n];
        for (k, x) in numbers.iter().enumerate() {
            let x = x - self.origin[k];
            sums[k] += weight * x;
            self.squares[k] += weight * x * x;
        }
    }

    /// What `of` makes of the means, each with its error: √(variance/n) where it is one of the means, which `of` says,
    /// and by the jackknife over blocks elsewhere.
    pub(super) fn estimate(
        &self,
        of: impl Fn(&[f64]) -> Vec<(f64, Option<usize>)>,
    ) -> Vec<(f64, f64)> {
        let n = self.origin.len();
        let weight: f64 = self.weights.iter().sum();
        let mut total = vec![0.0; n];
        for block in self.sums.chunks_exact(n) {
            total.iter_mut().zip(block).for_each(|(t, x)| *t += x);
        }
        let mean = |k: usize, sum: f64, weight: f64| self.origin[k] + sum / weight;
        let means: Vec<f64> = (0..n).map(|k| mean(k, total[k], weight)).collect();
        let results = of(&means);
        let without: Vec<Vec<f64>> = (self.sums.chunks_exact(n).zip(&self.weights))
            .filter(|(_, block)| **block > 0.0 && **block < weight)
            .map(|(sums, block)| {
                let rest = |k: usize| mean(k, total[k] - sums[k], weight - block);
                let means: Vec<f64> = (0..n).map(rest).collect();
                of(&means).into_iter().map(|(x, _)| x).collect()
            })
            .collect();
        let blocks = without.len() as f64;
        let error = |(at, &(_, place)): (usize, &(f64, Option<usize>))| match place {
            _ if self.n_samples < 2 => f64::NAN,
            Some(k) => {
                let mean = total[k] / weight;
                let variance = (self.squares[k] / weight - mean * mean).max(0.0);
                (variance / self.n_samples as f64).sqrt()
            }
            None => {
                let middle = without.iter().map(|x| x[at]).sum::<f64>() / blocks;
                let spread: f64 = without.iter().map(|x| (x[at] - middle).powi(2)).sum();
                (spread * (blocks - 1.0) / blocks).sqrt()
            }
        };
        let errors = results.iter().enumerate().map(error);
        results.iter().map(|(x, _)| *x).zip(errors).collect()
    }
}
