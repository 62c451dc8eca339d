//! The phases of a variational Monte Carlo step, timed on demand: autoket's side of `cargo xtask bench`.
//!
//! The argument is a workload as JSON. Each line read is the name of a phase; the answer is a line with
//! the seconds one call took. `about` asks for the machine and its rates instead.

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Instant;

use faer::linalg::matmul::matmul;
use faer::traits::ComplexField;
use faer::{Accum, Mat, Par};
use num_complex::Complex;
use rayon::prelude::*;

use autoket::driver::Vmc;
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{ArnnConv1d, ArnnConv2d, ArnnDense, GruNet1d, LstmNet};
use autoket::operator::{Operator, heisenberg, ising};
use autoket::optimizer::{Buffers, LogDerivatives, Optimizer, Sr, SrSpace};
use autoket::simd::{Row, exp_in_place, level};
use autoket::vqs::{Estimate, McState, VariationalState};
use autoket::{Dtype, Interrupt, Real, Scalar};

/// What `cargo xtask bench` writes.
#[derive(serde::Deserialize)]
struct Workload {
    model: String,
    extent: [usize; 2],
    pbc: bool,
    total_sz: Option<f64>,
    hamiltonian: String,
    layers: usize,
    features: usize,
    kernel_size: [usize; 2],
    n_samples: usize,
    dtype: Dtype,
}

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> AnyResult<()> {
    let json = std::env::args()
        .nth(1)
        .ok_or("usage: bench_phases WORKLOAD_AS_JSON")?;
    let workload: Workload = serde_json::from_str(&json)?;
    match workload.dtype {
        Dtype::Float32 => serve::<f32>(&workload),
        Dtype::Float64 => serve::<f64>(&workload),
        Dtype::Complex64 => serve::<Complex<f32>>(&workload),
        Dtype::Complex128 => serve::<Complex<f64>>(&workload),
    }
}

/// Answers line by line until the input ends.
fn serve<S: Scalar>(workload: &Workload) -> AnyResult<()>
where
    S::Real: ComplexField,
{
    let mut bench = Bench::<S>::new(workload)?;
    for line in std::io::stdin().lock().lines() {
        let answer = match line?.as_str() {
            "about" => about::<S::Real>(),
            phase => bench.seconds(phase)?.into(),
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// A run at its start.
struct Bench<S: Scalar> {
    hamiltonian: Arc<dyn Operator>,
    vmc: Vmc<S, McState<S>>,
    /// Samples with their local energies, the same for all phases but `sampling` and `step`.
    estimate: Option<Estimate<S>>,
    /// Memory used again, as a run uses it.
    buffers: Buffers<S>,
    space: SrSpace<S>,
}

impl<S: Scalar> Bench<S> {
    fn new(w: &Workload) -> AnyResult<Self> {
        let graph = match w.extent {
            [1, n] => Graph::chain(n, w.pbc)?,
            extent => Graph::grid(&extent, &[w.pbc; 2])?,
        };
        let hilbert = Hilbert::spin(0.5, graph.n_nodes())?;
        let hilbert = match w.total_sz {
            None => hilbert,
            Some(total_sz) => hilbert.with_total_sz(total_sz)?,
        };
        let hamiltonian: Arc<dyn Operator> = Arc::new(match w.hamiltonian.as_str() {
            "ising" => ising(&hilbert, &graph, 3.04438, 1.0)?,
            _ => heisenberg(&hilbert, &graph, &[1.0], None)?,
        });
        let (layers, features, [_, length]) = (w.layers, w.features, w.kernel_size);
        let model = match w.model.as_str() {
            "ARNNDense" => ArnnDense::new(hilbert, layers, features).build()?,
            "LSTMNet" => LstmNet::new(hilbert, layers, features).build()?,
            "GRUNet1D" => GruNet1d::new(hilbert, layers, features).build()?,
            "ARNNConv1D" => ArnnConv1d::new(hilbert, layers, features, length).build()?,
            _ => ArnnConv2d {
                extent: Some(w.extent),
                ..ArnnConv2d::new(hilbert, layers, features, w.kernel_size)
            }
            .build()?,
        };
        let state = McState::new(Arc::new(model), w.n_samples, 1)?;
        let optimizer = Optimizer::sgd(1e-4);
        Ok(Self {
            vmc: Vmc::new(hamiltonian.clone(), state, optimizer, Some(Sr::default()))?,
            hamiltonian,
            estimate: None,
            buffers: Buffers::default(),
            space: SrSpace::default(),
        })
    }

    /// Seconds of one call.
    fn seconds(&mut self, phase: &str) -> AnyResult<f64> {
        match phase {
            "sampling" => return Ok(time(|| self.vmc.state.sample())),
            "step" => {
                let mut record = None;
                let seconds = time(|| record = Some(self.vmc.advance()));
                record.transpose()?;
                return Ok(seconds);
            }
            _ => {}
        }
        let fixed = match self.estimate.take() {
            Some(estimate) => estimate,
            None => self.vmc.state.estimate(&*self.hamiltonian)?,
        };
        let state = &self.vmc.state;
        let (model, theta, sigma) = (state.model(), &state.params().values, &fixed.samples.sigma);
        let seconds = match phase {
            "log_psi" => time(|| model.log_psi(theta, sigma)),
            "local_energies" => time(|| model.local_values(theta, sigma, &*self.hamiltonian)),
            "log_derivatives" => {
                let buffers = std::mem::take(&mut self.buffers);
                let (interrupt, mut o) = (Interrupt::default(), None);
                let seconds = time(|| {
                    o = Some(LogDerivatives::within(
                        buffers, true, model, theta, &fixed, &interrupt,
                    ));
                });
                let o = o.transpose()?;
                self.buffers = o.map(LogDerivatives::into_buffers).unwrap_or_default();
                seconds
            }
            "solve" => {
                let o = LogDerivatives::new(model, theta, &fixed)?;
                let sr = Sr::default();
                let form = sr.plan(model, fixed.weights.len(), usize::MAX).form;
                time(|| sr.solve(form, &o, 0, &mut self.space))
            }
            _ => return Err(format!("no phase is called {phase:?}").into()),
        };
        self.estimate = Some(fixed);
        Ok(seconds)
    }
}

/// Seconds of a call; what it returns is dropped after the clock has stopped.
fn time<T>(call: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    let result = black_box(call());
    let seconds = start.elapsed().as_secs_f64();
    drop(result);
    seconds
}

/// SIMD level, threads, and what they reach in products and exponentials of the workload's real numbers.
fn about<R: Real + ComplexField>() -> serde_json::Value {
    let level = format!("{:?}", level());
    serde_json::json!({
        "autoket": env!("CARGO_PKG_VERSION"),
        "simd": level.split(['(', ' ', '{']).next(),
        "threads": rayon::current_num_threads(),
        "gemm_gflops": gemm_flops::<R>() * 1e-9,
        "exp_gps": exps_per_second::<R>() * 1e-9,
    })
}

/// Best of some products of square matrices, on all threads.
fn gemm_flops<R: Real + ComplexField>() -> f64 {
    let n = 2048;
    let of = |i: usize, j: usize| R::from_f64(((i * 31 + j * 17) % 64) as f64 / 64.0);
    let (a, b) = (Mat::from_fn(n, n, of), Mat::from_fn(n, n, of));
    let mut c = Mat::<R>::zeros(n, n);
    let one = R::from_f64(1.0);
    let product = || matmul(c.as_mut(), Accum::Replace, &a, &b, one, Par::rayon(0));
    2.0 * (n as f64).powi(3) / best(product)
}

/// Best of some sweeps of the vectorised exponential over numbers in cache, on all threads.
fn exps_per_second<R: Real>() -> f64 {
    let argument = R::Row::splat(R::from_f64(-0.5));
    let mut rows = vec![vec![argument; 128]; rayon::current_num_threads()];
    let sweeps = 20_000;
    let n = sweeps * rows.len() * 128 * R::Row::LANES;
    n as f64
        / best(|| {
            rows.par_iter_mut().for_each(|rows| {
                for _ in 0..sweeps {
                    rows.fill(argument);
                    exp_in_place::<R>(level(), black_box(rows));
                }
            });
        })
}

fn best(mut call: impl FnMut()) -> f64 {
    (0..8)
        .map(|_| time(&mut call))
        .fold(f64::INFINITY, f64::min)
}
