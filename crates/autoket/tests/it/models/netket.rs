//! NetKet's numbers: conditionals, log ψ, derivatives, energies, updates, draws.

use std::sync::Arc;

use autoket::models::{Ansatz, Arnn, Autoregressive, Samples};
use autoket::operator::Operator;
use autoket::optimizer::{LogDerivatives, Sr, SrForm, SrSpace};
use autoket::random::Key;
use autoket::sampler::DirectSampler;
use autoket::stats::Stats;
use autoket::vqs::{Estimate, FullSumState, VariationalState};
use autoket::{Scalar, c64};
use num_complex::Complex;
use safetensors::SafeTensors;
use serde_json::Value;

use super::*;
use crate::{golden, operator::operator};

fn golden_model<S: Scalar>(name: &str, spec: &Value) {
    let bytes = golden::bytes(name);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |key: &str| golden::tensor(&file, key);
    let indices = |key: &str| file.tensor(key).unwrap().data().to_vec();
    let tol = tolerance::<S>();
    let model = model::<S>(spec);
    let (seed, n_samples) = (
        spec["seed"].as_i64().unwrap(),
        golden::index(&spec["n_samples"]),
    );
    assert_eq!(
        model.layout().n_parameters(),
        golden::index(&spec["n_parameters"])
    );

    // The same seed gives the same weights to a few ulp and, of them, the same samples.
    let init = read_params(&model, &file, "init");
    assert_close(
        "init",
        &complex(&model.init(Key::new(seed)).values),
        &complex(&init.values),
        tol / 10.0,
    );
    let samples = DirectSampler::of_seed(seed)
        .sample(&model, &init.values, n_samples)
        .unwrap();
    assert_eq!(samples.sigma, indices("samples"), "{name}: samples");
    assert_close(
        "samples_log_psi",
        &complex(&samples.log_psi),
        &tensor("samples_log_psi"),
        tol,
    );

    let params = read_params(&model, &file, "params");
    let (theta, sigma) = (&params.values[..], indices("index"));
    let conditionals = model.conditionals_log_psi(theta, &sigma).unwrap();
    assert_close(
        "conditionals_log_psi",
        &complex(&conditionals),
        &tensor("conditionals_log_psi"),
        tol,
    );
    let p = model.conditionals(theta, &sigma).unwrap();
    assert_close(
        "conditionals",
        &complex_of_reals(&p),
        &tensor("conditionals"),
        tol,
    );
    assert_close(
        "log_psi",
        &complex(&model.log_psi(theta, &sigma).unwrap()),
        &tensor("log_psi"),
        tol,
    );

    let h = operator(model.hilbert(), &spec["hamiltonian"]);
    let local = model.local_values(theta, &sigma, &h).unwrap();
    assert_close(
        "local_energies",
        &local,
        &tensor("local_energies"),
        10.0 * tol,
    );

    // Rows of the Jacobian: of Re log ψ and, if complex, of Im log ψ.
    let row_of = |rows: &[f64]| -> Vec<f64> {
        rows.chunks_exact(model.n_reals())
            .flat_map(|row| columns(&model, row))
            .collect()
    };
    let parts = jacobian(&model, theta, &sigma);
    let re = row_of(&parts[0]);
    let width = model.layout().n_parameters() * S::PLANES;
    let rows = if S::PLANES == 2 {
        let im = row_of(&parts[1]);
        re.chunks_exact(width)
            .zip(im.chunks_exact(width))
            .flat_map(|(a, b)| [a, b].concat())
            .collect()
    } else {
        re
    };
    assert_close(
        "jacobian",
        &complex_of_reals(&rows),
        &tensor("jacobian"),
        10.0 * tol,
    );

    // JAX's vjp conjugates neither the cotangent nor the result; ours both.
    let cotangent: Vec<S> = tensor("cotangent")
        .iter()
        .map(|z| S::from_c64(z.conj()))
        .collect();
    let mut sum = vec![0.0; model.n_reals()];
    model.vjp(theta, &sigma, &cotangent, &mut sum).unwrap();
    let vjp: Vec<S> = model.layout().scatter(&sum);
    let conj: Vec<c64> = vjp.iter().map(|z| z.to_c64().conj()).collect();
    assert_close("vjp", &conj, &tensor("vjp"), 10.0 * tol);

    // A Monte Carlo estimate at `params`, its gradient, metric and update.
    let samples = DirectSampler::of_seed(seed)
        .sample(&model, theta, n_samples)
        .unwrap();
    assert_eq!(samples.sigma, indices("mc_samples"), "{name}: mc_samples");
    let estimate = estimate_of(&model, theta, samples, &h);
    assert_close(
        "mc_local_energies",
        &estimate.local_values,
        &tensor("mc_local_energies"),
        10.0 * tol,
    );
    check_energy(&estimate.stats, &spec["mc_energy"], tol);
    let gradient: Vec<S> = model
        .layout()
        .scatter(&estimate.gradient(&model, theta).unwrap());
    assert_close(
        "mc_grad",
        &complex(&gradient),
        &tensor("mc_grad"),
        30.0 * tol,
    );
    let o = LogDerivatives::new(&model, theta, &estimate).unwrap();
    let probe: Vec<f64> = tensor("probe").iter().map(|z| z.re).collect();
    let product = apply(&o.metric().unwrap(), &from_columns(&model, &probe));
    assert_close(
        "mc_qgt",
        &complex_of_reals(&columns(&model, &product)),
        &tensor("mc_qgt_probe"),
        30.0 * tol,
    );
    for form in forms(&model) {
        let sr = Sr {
            diag_shift: spec["diag_shift"].as_f64().unwrap().into(),
            form: Some(form),
            ..Sr::default()
        };
        let solution = sr
            .update(&model, theta, &estimate, 0, &mut SrSpace::default())
            .unwrap();
        assert_eq!((solution.form, solution.fallback), (form, false));
        let update: Vec<S> = model.layout().scatter(&solution.update);
        assert_close(
            &format!("mc_sr_update, {form:?}"),
            &complex(&update),
            &tensor("mc_sr_update"),
            match form {
                // The residual, 1e-10, times the condition number.
                SrForm::Cg => 1e-6f64.max(1e3 * tol),
                _ => 1e3 * tol,
            },
        );
    }

    if spec["full_sum"].as_bool().unwrap() {
        let mut state = FullSumState::new(Arc::new(self::model::<S>(spec)), 0).unwrap();
        *state.params_mut() = params.clone();
        let (stats, gradient) = state.expect_and_grad(&h).unwrap();
        check_energy(&stats, &spec["fs_energy"], tol);
        assert_close(
            "fs_grad",
            &complex(&gradient),
            &tensor("fs_grad"),
            30.0 * tol,
        );
    }
}

/// The ways in which a model's system can be solved.
pub fn forms<S: Scalar>(model: &Arnn<S>) -> Vec<SrForm> {
    let mut forms = vec![SrForm::Metric, SrForm::Gram, SrForm::Cg];
    if model.layerwise().is_some() {
        forms.push(SrForm::Layerwise);
    }
    forms
}

fn estimate_of<S: Scalar>(
    model: &Arnn<S>,
    theta: &[S],
    samples: Samples<S>,
    h: &dyn Operator,
) -> Estimate<S> {
    let local_values = model.local_values(theta, &samples.sigma, h).unwrap();
    let n = local_values.len();
    let stats = Stats::of_samples(&local_values);
    Estimate {
        samples,
        weights: vec![1.0 / n as f64; n],
        local_values,
        stats,
    }
}

fn check_energy(stats: &Stats, expected: &Value, tolerance: f64) {
    let number = |value: &Value| value.as_f64().unwrap();
    let mean = c64::new(number(&expected["mean"][0]), number(&expected["mean"][1]));
    assert_close("energy", &[stats.mean], &[mean], 10.0 * tolerance);
    assert_close(
        "variance",
        &[stats.variance.into()],
        &[number(&expected["variance"]).into()],
        30.0 * tolerance,
    );
}

/// From NetKet's columns to one number for each part of each unmasked entry.
fn from_columns<S: Scalar>(model: &Arnn<S>, columns: &[f64]) -> Vec<f64> {
    let p = model.layout().n_parameters();
    (0..p)
        .filter(|&i| model.layout().active(i).is_some())
        .flat_map(|i| (0..S::PLANES).map(move |plane| columns[plane * p + i]))
        .collect()
}

fn apply(m: &faer::Mat<f64>, v: &[f64]) -> Vec<f64> {
    (0..m.nrows())
        .map(|i| v.iter().enumerate().map(|(j, v)| m[(i, j)] * v).sum())
        .collect()
}

#[test]
fn models_agree_with_netket() {
    let names = golden::names("model_");
    assert!(names.len() >= 69, "only {} cases", names.len());
    for name in names {
        println!("{name}");
        let spec = golden::json(&name);
        with_dtype!(spec["dtype"].as_str().unwrap(), golden_model(&name, &spec));
    }
}
