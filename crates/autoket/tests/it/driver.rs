//! Whole runs against NetKet's.

use std::sync::Arc;

use autoket::driver::Vmc;
use autoket::optimizer::{Optimizer, Rule, Sr, SrForm, SrSpace};
use autoket::vqs::McState;
use autoket::{Interrupt, Scalar, c64};
use num_complex::Complex;
use serde_json::Value;

use crate::models::config;
use crate::{golden, operator::operator};

fn run<S: Scalar>(name: &str, spec: &Value) {
    let model = config(spec).build::<S>().unwrap();
    let hilbert = golden::hilbert(&spec["hilbert"]);
    let hamiltonian = operator(&hilbert, &spec["hamiltonian"]);
    let (n_samples, seed) = (
        golden::index(&spec["n_samples"]),
        spec["seed"].as_i64().unwrap(),
    );
    let state = McState::new(Arc::new(model), n_samples, seed).unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let rule = &spec["optimizer"];
    let rate = number(&rule["learning_rate"]);
    let optimizer = match rule["kind"].as_str().unwrap() {
        "sgd" => Optimizer::sgd(rate),
        "momentum" => {
            let nesterov = rule["nesterov"].as_bool().unwrap();
            Optimizer::new(
                Rule::Momentum {
                    beta: number(&rule["beta"]),
                    nesterov,
                },
                rate,
            )
        }
        "adam" => {
            let [b1, b2, eps] = ["b1", "b2", "eps"].map(|key| number(&rule[key]));
            Optimizer::new(Rule::Adam { b1, b2, eps }, rate)
        }
        other => panic!("{other}"),
    };
    let driver = &spec["driver"];
    let sr = driver.get("diag_shift").map(|shift| Sr {
        diag_shift: number(shift).into(),
        momentum: driver.get("momentum").map(number),
        form: driver.get("use_ntk").map(|ntk| match ntk.as_bool() {
            Some(true) => SrForm::Gram,
            _ => SrForm::Metric,
        }),
    });
    let mut vmc = Vmc::new(Arc::new(hamiltonian), state, optimizer, sr);
    for step in 0..golden::index(&spec["n_steps"]) {
        let energy = vmc.advance().unwrap().energy;
        let mean = &spec["energy_mean"][step];
        let mean = c64::new(number(&mean[0]), number(&mean[1]));
        let variance = number(&spec["energy_variance"][step]);
        // Rounding grows along a run; a sample drawn differently would show in the third digit.
        assert!(
            (energy.mean - mean).norm() < 1e-7 * mean.norm(),
            "{name} {step}: {} {mean}",
            energy.mean
        );
        assert!(
            (energy.variance - variance).abs() < 1e-6 * (1.0 + variance),
            "{name} {step}"
        );
    }
}

#[test]
fn runs_agree_with_netket() {
    let mut n = 0;
    for name in golden::names("run_") {
        let spec = golden::json(&name);
        let driver = &spec["driver"];
        let known = matches!(
            spec["optimizer"]["kind"].as_str().unwrap(),
            "sgd" | "momentum" | "adam"
        );
        if !known || driver.get("diag_scale").is_some() {
            continue;
        }
        n += 1;
        match spec["dtype"].as_str().unwrap() {
            "float64" => run::<f64>(&name, &spec),
            "complex128" => run::<Complex<f64>>(&name, &spec),
            other => panic!("{other}"),
        }
    }
    assert!(n >= 16, "only {n} runs");
}

/// The whole run is the same, bit for bit, on one thread and on three.
#[test]
fn threads_do_not_matter() {
    let spec = golden::json("run_3x3_sr");
    let energies = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let model = config(&spec).build::<f64>().unwrap();
            let hamiltonian = operator(&golden::hilbert(&spec["hilbert"]), &spec["hamiltonian"]);
            let state = McState::new(Arc::new(model), 500, 1).unwrap();
            let mut vmc = Vmc::new(
                Arc::new(hamiltonian),
                state,
                Optimizer::adam(0.01),
                Some(Sr::default()),
            );
            (0..5)
                .map(|_| vmc.advance().unwrap().energy.mean.re.to_bits())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(energies(1), energies(3));
}

/// Log-derivatives that are not kept but computed anew give the same update, bit for bit.
#[test]
fn memory_does_not_matter() {
    use autoket::optimizer::LogDerivatives;
    use autoket::vqs::VariationalState;
    let spec = golden::json("run_3x3_c128_sr");
    let model = config(&spec).build::<Complex<f64>>().unwrap();
    let hamiltonian = operator(&golden::hilbert(&spec["hilbert"]), &spec["hamiltonian"]);
    let mut state = McState::new(Arc::new(model), 1300, 1).unwrap();
    let estimate = state.estimate(&hamiltonian).unwrap();
    let (model, theta) = (state.model(), &state.params().values);
    let kept = LogDerivatives::new(model, theta, &estimate);
    let anew = LogDerivatives::within(
        Default::default(),
        false,
        model,
        theta,
        &estimate,
        &Interrupt::default(),
    );
    let solve = |form, o: &LogDerivatives<Complex<f64>>| {
        Sr::default()
            .solve(form, o, 0, &mut SrSpace::default())
            .unwrap()
    };
    for form in [SrForm::Metric, SrForm::Gram, SrForm::Cg] {
        assert_eq!(solve(form, &kept).update, solve(form, &anew).update);
    }
    let (metric, gram) = (solve(SrForm::Metric, &kept), solve(SrForm::Gram, &kept));
    let scale = metric
        .update
        .iter()
        .fold(0.0, |max: f64, x| max.max(x.abs()));
    for (a, b) in metric.update.iter().zip(&gram.update) {
        assert!((a - b).abs() < 1e-9 * scale, "{a} {b}");
    }
}

/// Steps that leave the numbers are refused, and the parameters stay those before.
#[test]
fn bad_steps_are_refused() {
    use autoket::Error;
    use autoket::vqs::VariationalState;
    let spec = golden::json("run_3x3_sgd");
    for (rate, sr) in [
        (1e300, false),
        (f64::MAX, false),
        (f64::MAX, true),
        (1e300, true),
    ] {
        let model = config(&spec).build::<f64>().unwrap();
        let hamiltonian = operator(&golden::hilbert(&spec["hilbert"]), &spec["hamiltonian"]);
        let state = McState::new(Arc::new(model), 64, 1).unwrap();
        let sr = sr.then(Sr::default);
        let mut vmc = Vmc::new(Arc::new(hamiltonian), state, Optimizer::sgd(rate), sr);
        let mut refused = false;
        // Parameters of the last step whose energy was finite.
        let mut good = None;
        for step in 0..3 {
            let before = vmc.state.params().values.clone();
            assert!(before.iter().all(|x| x.is_finite()));
            match vmc.advance() {
                Ok(record) => {
                    assert_eq!((record.step, vmc.steps()), (step, step + 1));
                    good = Some(before);
                }
                Err(Error::NotFinite { step: at, what, .. }) => {
                    println!("{rate:e}: {what} at {at}");
                    assert_eq!((at, vmc.steps()), (step, step));
                    let expected = if what == "the energy" {
                        good.unwrap_or(before)
                    } else {
                        before
                    };
                    assert_eq!(vmc.state.params().values, expected);
                    refused = true;
                    break;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(refused, "{rate:e}");
    }
}
