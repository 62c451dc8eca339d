//! The model as a table against Flax's.

use autoket::Scalar;
use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, ArnnConv2d};
use num_complex::Complex;

use crate::golden;

fn table<S: Scalar>(use_bias: bool) -> String {
    let config = ArnnConv2d::new(Hilbert::spin(0.5, 16).unwrap(), 3, 8, [2, 3]);
    let model = ArnnConv2d { use_bias, ..config }.build::<S>().unwrap();
    model.tabulate(4)
}

#[test]
fn tables_are_flax_s() {
    assert_eq!(table::<f64>(true), golden::text("tabulate.txt"));
    assert_eq!(
        table::<Complex<f64>>(false),
        golden::text("tabulate_complex_no_bias.txt")
    );
}

/// log ψ is complex, and parameters are real.
#[test]
fn a_phase_leaves_parameters_real() {
    let config = ArnnConv2d::new(Hilbert::spin(0.5, 16).unwrap(), 3, 8, [2, 3]);
    let model = ArnnConv2d {
        phase: true,
        ..config
    }
    .build::<Complex<f32>>()
    .unwrap();
    let text = model.tabulate(4);
    assert!(text.contains("complex64[4] "), "{text}");
    assert!(text.contains("kernel: float32[2,3,8,8]"), "{text}");
    assert!(text.contains("_phase"), "{text}");
}

/// A rectangle, three local states, twelve layers, single precision, thousands.
#[test]
fn tables_of_other_models_are_boxes() {
    let config = ArnnConv2d {
        extent: Some([3, 5]),
        ..ArnnConv2d::new(Hilbert::spin(1.0, 15).unwrap(), 12, 40, [3, 5])
    };
    let model = config.build::<f32>().unwrap();
    let text = model.tabulate(1000);
    let lines: Vec<&str> = text.lines().collect();
    let width = lines[1].chars().count();
    for line in &lines[1..lines.len() - 1] {
        assert_eq!(line.chars().count(), width, "{line}");
    }
    let has = |words: &[&str]| {
        let found = lines
            .iter()
            .any(|line| words.iter().all(|word| line.contains(word)));
        assert!(found, "{words:?} in\n{text}");
    };
    has(&["ARNNConv2D", "int8[1000,15]", "float32[1000]"]);
    has(&["_layers_0 ", "int8[1000,3,5,1]", "float32[1000,3,5,40]"]);
    has(&["_layers_11", "float32[1000,3,5,40]", "float32[1000,3,5,3]"]);
    has(&["kernel: float32[3,5,40,3]"]);
    // 15 · 40 + 40, ten times 15 · 40 · 40 + 40, 15 · 40 · 3 + 3.
    let total = 640 + 10 * 24_040 + 1803;
    assert_eq!(model.layout().n_parameters(), total);
    has(&["Total", "242,843 (971.4 KB)"]);
    has(&["24,040 (96.2 KB)"]);
}
