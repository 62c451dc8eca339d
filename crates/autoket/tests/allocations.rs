//! After the first steps, a step asks for next to no memory. A program of its own: it counts all allocations.

use std::alloc::System;
use std::sync::{Arc, Mutex};

use autoket::driver::Vmc;
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{Arnn, ArnnConv2d, ArnnDense};
use autoket::operator::{Operator, heisenberg, ising};
use autoket::optimizer::{Optimizer, Sr, SrForm};
use autoket::vqs::McState;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The fewest bytes that one of some steps asks for, after two steps that fill every buffer
/// (but for those of a thread that had nothing to do so far).
fn bytes_of_a_step(model: Arnn<f64>, hamiltonian: Arc<dyn Operator>, form: SrForm) -> usize {
    let state = McState::new(Arc::new(model), 512, 1).unwrap();
    let sr = Sr {
        form: Some(form),
        // Layer by layer, momentum needs the log-derivatives after all.
        momentum: (form != SrForm::Layerwise).then_some(0.5),
        ..Sr::default()
    };
    let mut vmc = Vmc::new(hamiltonian, state, Optimizer::sgd(0.01), Some(sr)).unwrap();
    for _ in 0..2 {
        vmc.advance().unwrap();
    }
    let of_steps = (0..6).map(|_| {
        let region = Region::new(ALLOCATOR);
        vmc.advance().unwrap();
        let change = region.change();
        change.bytes_allocated + change.bytes_reallocated.max(0) as usize
    });
    of_steps.min().unwrap()
}

/// Others would be counted, too.
static ALONE: Mutex<()> = Mutex::new(());

/// Ten thousand steps hold the memory that a hundred hold.
#[test]
fn memory_stays_flat() {
    let _alone = ALONE.lock().unwrap();
    let graph = Graph::chain(4, true).unwrap();
    let hilbert = Hilbert::spin(0.5, 4).unwrap();
    let h: Arc<dyn Operator> = Arc::new(ising(&hilbert, &graph, 1.0, 1.0).unwrap());
    let model = ArnnDense::new(hilbert, 1, 1).build::<f64>().unwrap();
    let state = McState::new(Arc::new(model), 16, 1).unwrap();
    let sr = Some(Sr::default());
    let mut vmc = Vmc::new(h, state, Optimizer::adam(1e-4), sr).unwrap();
    let mut held = |steps: usize| {
        for _ in 0..steps {
            vmc.advance().unwrap();
            drop(vmc.checkpoint().to_bytes());
        }
        let stats = ALLOCATOR.stats();
        stats.bytes_allocated as i64 - stats.bytes_deallocated as i64
    };
    let early = held(100);
    let late = held(10_000);
    // Threads of the pool may each keep a workspace that they first need later.
    assert!(late - early < 1 << 20, "{early} then {late}");
    let later = held(10_000);
    assert!(later - late < 1 << 14, "{late} then {later}");
}

#[test]
fn steps_use_their_memory_again() {
    let _alone = ALONE.lock().unwrap();
    let graph = Graph::square(4, false).unwrap();
    let hilbert = Hilbert::spin(0.5, 16).unwrap();
    let fields: Arc<dyn Operator> = Arc::new(ising(&hilbert, &graph, 3.0, 1.0).unwrap());
    let bonds: Arc<dyn Operator> = Arc::new(heisenberg(&hilbert, &graph, &[1.0], None).unwrap());
    let conv = || ArnnConv2d::new(hilbert.clone(), 3, 16, [2, 3]).build::<f64>();
    let dense = || ArnnDense::new(hilbert.clone(), 2, 4).build::<f64>();
    for (name, model, hamiltonian, form) in [
        ("gram", conv(), &fields, SrForm::Gram),
        ("gram, bonds", conv(), &bonds, SrForm::Gram),
        ("metric", conv(), &fields, SrForm::Metric),
        ("layerwise", dense(), &fields, SrForm::Layerwise),
    ] {
        let model = model.unwrap();
        let n_reals = autoket::models::Ansatz::n_reals(&model);
        let bytes = bytes_of_a_step(model, hamiltonian.clone(), form);
        println!("{name}: {bytes} B, {n_reals} parameters");
        // The update, which the record gives away; weights packed for the kernels, which is some vectors of
        // parameters; what rayon, faer (more with more threads and other caches) and the sums of a gradient ask for.
        // Nothing has a row for each parameter and sample: log-derivatives would be 512 times a vector of parameters.
        let vectors = 8 * (n_reals + 512);
        assert!(bytes < 48 * vectors, "{name}: {bytes} B");
    }
}
