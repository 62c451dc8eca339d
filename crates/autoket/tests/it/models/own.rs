//! Models of the user's own functions.

use std::sync::Arc;

use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Autoregressive, Conditionals, Own, laws};
use autoket::module::{Array, Variables};
use autoket::random::Key;
use autoket::{Error, Result, Scalar, c64};

/// log amplitudes h\[i, s\] + w\[s\] σ of the site drawn before i: not normalised, real or complex.
struct Chain {
    hilbert: Hilbert,
    order: Vec<usize>,
    has_gradient: bool,
    complex_parameters: bool,
    complex: bool,
    /// Reads a site that is drawn later.
    cheats: bool,
}

const NO_PATH: &[&str] = &[];

impl Chain {
    fn new(hilbert: Hilbert) -> Self {
        let order = (0..hilbert.n_sites()).map(|k| (3 * k + 1) % hilbert.n_sites());
        Self {
            order: order.collect(),
            hilbert,
            has_gradient: true,
            complex_parameters: false,
            complex: false,
            cheats: false,
        }
    }

    fn read(&self, site: usize) -> Option<usize> {
        let k = self.order.iter().position(|&s| s == site).unwrap();
        match self.cheats {
            true => self.order.get(k + 1).copied(),
            false => k.checked_sub(1).map(|k| self.order[k]),
        }
    }

    /// The phase that real parameters get, too.
    fn factor(&self) -> c64 {
        match self.complex && !self.complex_parameters {
            true => c64::new(1.0, 0.7),
            false => c64::ONE,
        }
    }
}

impl Conditionals for Chain {
    fn hilbert(&self) -> &Hilbert {
        &self.hilbert
    }

    fn order(&self) -> Vec<usize> {
        self.order.clone()
    }

    fn machine_pow(&self) -> u32 {
        2
    }

    fn init(&self, key: Key) -> Result<Variables> {
        let (n, d) = (self.hilbert.n_sites(), self.hilbert.local_size());
        let mut variables = Variables::default();
        let numbers = |first: usize, n: usize| {
            let number = |i: usize| key.uniform(i as u64) - 0.5;
            let numbers = (first..first + n).map(|i| c64::new(number(i), number(1000 + i)));
            numbers.collect::<Vec<_>>()
        };
        for (name, shape, values) in [
            ("h", vec![n, d], numbers(0, n * d)),
            ("w", vec![d], numbers(n * d, d)),
        ] {
            let array = match self.complex_parameters {
                true => Array::new(&shape, values)?,
                false => Array::new(&shape, values.iter().map(|z| z.re).collect::<Vec<_>>())?,
            };
            variables.insert("params", NO_PATH, name, array);
        }
        Ok(variables)
    }

    fn log_amplitudes(&self, variables: &Variables, states: &Array) -> Result<Array> {
        let (n, d) = (self.hilbert.n_sites(), self.hilbert.local_size());
        let h = variables.array("params", "h")?.values::<c64>()?;
        let w = variables.array("params", "w")?.values::<c64>()?;
        let x = states.values::<f64>()?;
        let mut y = Vec::new();
        for x in x.chunks_exact(n) {
            for site in 0..n {
                let before = self.read(site).map_or(0.0, |site| x[site]);
                y.extend((0..d).map(|s| self.factor() * (h[site * d + s] + w[s] * before)));
            }
        }
        let shape = [states.shape()[0], n, d];
        match self.complex {
            true => Array::new(&shape, y),
            false => Array::new(&shape, y.iter().map(|z| z.re).collect::<Vec<_>>()),
        }
    }

    fn pull_back(
        &self,
        variables: &Variables,
        states: &Array,
        cotangent: &Array,
    ) -> Result<Option<Variables>> {
        if !self.has_gradient {
            return Ok(None);
        }
        let (n, d) = (self.hilbert.n_sites(), self.hilbert.local_size());
        let samples = states.shape()[0];
        let (x, c) = (states.values::<f64>()?, cotangent.values::<c64>()?);
        let c: Vec<c64> = c.iter().map(|c| self.factor().conj() * c).collect();
        let mut w = vec![c64::ZERO; samples * d];
        for sample in 0..samples {
            for site in 0..n {
                let before = self.read(site).map_or(0.0, |site| x[sample * n + site]);
                for s in 0..d {
                    w[sample * d + s] += c[(sample * n + site) * d + s] * before;
                }
            }
        }
        let mut pulled = variables.only(|_| false);
        pulled.insert("params", NO_PATH, "h", Array::new(&[samples, n, d], c)?);
        pulled.insert("params", NO_PATH, "w", Array::new(&[samples, d], w)?);
        Ok(Some(pulled))
    }

    fn tabulate(&self, n_samples: usize) -> Result<String> {
        Ok(format!("a chain of {n_samples}"))
    }
}

fn spaces() -> [Hilbert; 3] {
    let spins = Hilbert::spin(0.5, 5).unwrap();
    [
        spins.clone(),
        spins.with_total_sz(0.5).unwrap(),
        Hilbert::fock(2, 4).unwrap().with_n_particles(3).unwrap(),
    ]
}

/// All laws, with the user's gradient and by differences; both gradients are the same.
fn check<S: Scalar>(change: impl Fn(&mut Chain)) {
    for hilbert in spaces() {
        let rows = [true, false].map(|has_gradient| {
            let mut chain = Chain::new(hilbert.clone());
            chain.has_gradient = has_gradient;
            change(&mut chain);
            let model = Own::<S>::new(Arc::new(chain)).unwrap();
            laws::check::<S>(&model).unwrap();
            let theta = model.init(Key::new(2)).values;
            let sigma = model.sample(&theta, 7, Key::new(1)).unwrap().sigma;
            let mut rows = Vec::new();
            for part in 0..S::PLANES {
                let c = match part {
                    0 => S::from_c64(c64::ONE),
                    _ => S::from_c64(c64::I),
                };
                let mut sum = vec![0.0; model.n_reals()];
                model.vjp(&theta, &sigma, &[c; 7], &mut sum).unwrap();
                rows.extend(sum);
            }
            rows
        });
        assert!(rows[0].iter().any(|x| x.abs() > 1e-3));
        for (a, b) in rows[0].iter().zip(&rows[1]) {
            assert!((a - b).abs() < 1e-7 * (1.0 + a.abs()), "{a} {b}");
        }
    }
}

#[test]
fn models_of_ones_own_obey_the_laws() {
    check::<f64>(|_| {});
    check::<c64>(|chain| chain.complex = true);
    check::<c64>(|chain| {
        chain.complex = true;
        chain.complex_parameters = true;
    });
}

#[test]
fn models_of_ones_own_that_look_ahead_are_refused() {
    let mut chain = Chain::new(spaces()[0].clone());
    chain.cheats = true;
    let error = Own::<f64>::new(Arc::new(chain)).err().unwrap();
    assert!(matches!(&error, Error::Invalid { field, .. } if field == "conditionals_log_psi"));
}
