//! Runs that go on from a file, and files that are not what they were.

use std::sync::Arc;

use autoket::checkpoint::Checkpoint;
use autoket::driver::Vmc;
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{ArnnConv2d, ArnnDense};
use autoket::operator::ising;
use autoket::optimizer::{Optimizer, Rule, Schedule, Sr, SrForm};
use autoket::vqs::{FullSumState, McState, VariationalState};
use autoket::{Error, Scalar};
use num_complex::Complex;

type Run<S> = Vmc<S, McState<S>>;

fn optimizer<S: Scalar>(rule: Rule) -> Optimizer<S> {
    let changing = autoket::optimizer::Changing::Linear {
        init_value: 0.02,
        end_value: 0.01,
        transition_steps: 5,
    };
    Optimizer::new(rule, Schedule::Changing(changing))
}

fn begin<S: Scalar>(rule: Rule, sr: Option<Sr>) -> Run<S> {
    let graph = Graph::square(3, false).unwrap();
    let hilbert = Hilbert::spin(0.5, 9).unwrap();
    let h = Arc::new(ising(&hilbert, &graph, 3.0, 1.0).unwrap());
    let model = ArnnConv2d::new(hilbert, 2, 3, [2, 3]).build::<S>().unwrap();
    let state = McState::new(Arc::new(model), 60, 4).unwrap();
    Vmc::new(h, state, optimizer(rule), sr).unwrap()
}

const ADAM: Rule = Rule::Adam {
    b1: 0.9,
    b2: 0.99,
    eps: 1e-8,
};

fn rules() -> [Rule; 6] {
    [
        Rule::Sgd,
        Rule::Momentum {
            beta: 0.9,
            nesterov: true,
        },
        ADAM,
        Rule::AmsGrad {
            b1: 0.9,
            b2: 0.99,
            eps: 1e-8,
        },
        Rule::AdaGrad {
            eps: 1e-8,
            initial_accumulator_value: 0.1,
        },
        Rule::RmsProp {
            beta: 0.9,
            eps: 1e-8,
        },
    ]
}

fn spring(form: Option<SrForm>) -> Option<Sr> {
    Some(Sr {
        momentum: Some(0.8),
        form,
        ..Sr::default()
    })
}

/// Energies and parameters of steps after a checkpoint, in the run that wrote it and in one that read it.
fn goes_on<S: Scalar>(rule: Rule, sr: Option<Sr>, before: usize) {
    let mut run = begin::<S>(rule, sr);
    for _ in 0..before {
        run.advance().unwrap();
    }
    let bytes = run.checkpoint().to_bytes().unwrap();
    let mut again = begin::<S>(rule, sr);
    // It has been elsewhere.
    again.advance().unwrap();
    again
        .restore(&Checkpoint::from_bytes(&bytes).unwrap())
        .unwrap();
    assert_eq!(again.steps(), before);
    for _ in 0..3 {
        let (a, b) = (run.advance().unwrap(), again.advance().unwrap());
        assert_eq!(a.energy, b.energy, "{rule:?}");
        assert_eq!(a.step, b.step);
    }
    assert_eq!(run.state.params(), again.state.params(), "{rule:?}");
    assert_eq!(run.checkpoint(), again.checkpoint());
}

#[test]
fn a_run_goes_on_to_the_last_bit() {
    for rule in rules() {
        for before in [0, 1, 4] {
            goes_on::<f64>(rule, None, before);
        }
        goes_on::<f64>(rule, spring(None), 3);
    }
    for form in [SrForm::Metric, SrForm::Gram, SrForm::Cg] {
        goes_on::<f64>(Rule::Sgd, spring(Some(form)), 3);
    }
    goes_on::<f32>(ADAM, spring(None), 3);
    goes_on::<Complex<f32>>(ADAM, spring(None), 3);
    goes_on::<Complex<f64>>(ADAM, spring(None), 3);
}

#[test]
fn so_does_a_sum_over_all_states() {
    let begin = || {
        let graph = Graph::square(2, false).unwrap();
        let hilbert = Hilbert::spin(0.5, 4).unwrap();
        let h = Arc::new(ising(&hilbert, &graph, 3.0, 1.0).unwrap());
        let model = ArnnDense::new(hilbert, 2, 3).build::<f64>().unwrap();
        let state = FullSumState::new(Arc::new(model), 4).unwrap();
        Vmc::new(h, state, Optimizer::adam(0.01), None).unwrap()
    };
    let mut run = begin();
    run.advance().unwrap();
    let mut again = begin();
    again.restore(&run.checkpoint()).unwrap();
    run.advance().unwrap();
    again.advance().unwrap();
    assert_eq!(run.state.params(), again.state.params());
}

#[test]
fn a_halved_learning_rate_stays_halved() {
    let mut run = begin::<f64>(Rule::Sgd, None);
    let before = run.state.params().values.clone();
    let mut whole = begin::<f64>(Rule::Sgd, None);
    run.halve_learning_rate();
    let mut again = begin::<f64>(Rule::Sgd, None);
    again.restore(&run.checkpoint()).unwrap();
    for run in [&mut whole, &mut again] {
        run.advance().unwrap();
    }
    let moved = |run: &Run<f64>| -> Vec<f64> {
        let pairs = run.state.params().values.iter().zip(&before);
        pairs.map(|(after, before)| after - before).collect()
    };
    for (whole, half) in moved(&whole).iter().zip(moved(&again)) {
        assert!((whole - 2.0 * half).abs() < 1e-15);
    }
}

/// A checkpoint of another run is refused, and nothing is changed.
#[test]
fn another_run_is_refused() {
    let mut run = begin::<f64>(Rule::Sgd, None);
    run.advance().unwrap();
    let found = run.checkpoint();
    let refused = |error: Error, expected: &str| {
        let text = error.to_string();
        assert!(text.contains(expected), "{text}");
    };

    let mut adam = begin::<f64>(ADAM, None);
    let before = adam.checkpoint();
    refused(adam.restore(&found).unwrap_err(), "optimizer/mean");
    assert_eq!(adam.checkpoint(), before);

    let mut single = begin::<f32>(Rule::Sgd, None);
    refused(single.restore(&found).unwrap_err(), "float32");

    let graph = Graph::square(3, false).unwrap();
    let hilbert = Hilbert::spin(0.5, 9).unwrap();
    let h = Arc::new(ising(&hilbert, &graph, 3.0, 1.0).unwrap());
    let model = ArnnConv2d::new(hilbert, 2, 4, [2, 3])
        .build::<f64>()
        .unwrap();
    let state = McState::new(Arc::new(model), 60, 4).unwrap();
    let mut other = Vmc::new(h, state, Optimizer::sgd(0.1), None).unwrap();
    refused(
        other.restore(&found).unwrap_err(),
        "params/_layers_0/bias [4], got params/_layers_0/bias [3]",
    );
    refused(other.restore(&Checkpoint::default()).unwrap_err(), "layout");
}

/// Whatever bit of a file is turned, and wherever it is cut, it is not taken for a checkpoint.
#[test]
fn a_damaged_file_is_told() {
    let mut checkpoint = Checkpoint::default();
    checkpoint.set_note(
        "text",
        "\"checksum\":\"0000000000000000000000000000000000000000\"",
    );
    checkpoint.put("numbers", &[1.5, -0.0, f64::MIN_POSITIVE]);
    checkpoint.put("complex", &[Complex::new(1.5_f32, f32::NAN)]);
    checkpoint.put::<f64>("none", &[]);
    let bytes = checkpoint.to_bytes().unwrap();
    let read = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(read, checkpoint);
    assert_eq!(read.note("text").unwrap(), checkpoint.note("text").unwrap());
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Checkpoint::from_bytes(&damaged).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(
            Checkpoint::from_bytes(&bytes[..length]).is_err(),
            "{length}"
        );
    }
    let longer = [&bytes[..], b"\0"].concat();
    assert!(Checkpoint::from_bytes(&longer).is_err());
}

/// A file of a version that is not known says so, though it is whole.
#[test]
fn a_newer_file_is_told() {
    let bytes = Checkpoint::default().to_bytes().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let newer = text.replace("\"format\":\"1\"", "\"format\":\"2\"");
    assert_ne!(newer, text);
    let at = newer.find("\"checksum\":\"").unwrap() + "\"checksum\":\"".len();
    let mut bytes = newer.into_bytes();
    bytes[at..at + 40].fill(b'0');
    let sum = sha1_smol::Sha1::from(&bytes).digest().to_string();
    bytes[at..at + 40].copy_from_slice(sum.as_bytes());
    let wrong = Checkpoint::from_bytes(&bytes).unwrap_err();
    assert!(
        wrong.contains("format 2") && wrong.contains("update autoket"),
        "{wrong}"
    );
}

/// A step that is half done has no checkpoint: the key and the memory of stochastic reconfiguration are those after it.
#[test]
fn half_a_step_is_refused() {
    use autoket::driver::Minimizer;
    let run = begin::<f64>(Rule::Sgd, None);
    let mut state = run.state;
    let graph = Graph::square(3, false).unwrap();
    let hilbert = state.model().hilbert().clone();
    let h = Arc::new(ising(&hilbert, &graph, 3.0, 1.0).unwrap());
    let mut minimizer = Minimizer::new(h, optimizer(Rule::Sgd), None).unwrap();
    minimizer.propose(&mut state).unwrap();
    let refused = minimizer.checkpoint(&state).unwrap_err().to_string();
    assert!(refused.contains("between two steps"), "{refused}");
    minimizer.accept(&mut state).unwrap();
    assert!(minimizer.checkpoint(&state).is_ok());
}
