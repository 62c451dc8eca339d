//! The order of parameters, and their files.

use std::path::Path;
use std::sync::Arc;

use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Arnn, ArnnConv2d};
use autoket::params::{Layout, LeafSpec, Params};
use autoket::random::Key;
use autoket::{Error, Scalar, c64};
use num_complex::Complex;

fn config(layers: usize, features: usize) -> ArnnConv2d {
    ArnnConv2d::new(Hilbert::spin(0.5, 9).unwrap(), layers, features, [2, 3])
}

fn model<S: Scalar>(config: &ArnnConv2d) -> Arnn<S> {
    config.build().unwrap()
}

#[test]
fn leaves_are_in_jax_s_order() {
    let model = model::<f64>(&config(12, 3));
    let layout = model.layout();
    let order = [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9];
    let expected: Vec<(String, &str)> = order
        .iter()
        .flat_map(|l| ["bias", "kernel"].map(|name| (format!("_layers_{l}"), name)))
        .collect();
    let got: Vec<(String, &str)> = layout
        .leaves()
        .iter()
        .map(|leaf| (leaf.module.clone(), leaf.name))
        .collect();
    assert_eq!(got, expected);
    // They fill θ without a gap.
    let mut next = 0;
    for leaf in layout.leaves() {
        assert_eq!(leaf.range.start, next);
        assert_eq!(leaf.range.len(), leaf.shape.iter().product::<usize>());
        assert_eq!(
            layout.range(&leaf.module, leaf.name),
            Some(leaf.range.clone())
        );
        next = leaf.range.end;
    }
    assert_eq!(layout.n_parameters(), next);
    assert_eq!(layout.range("_layers_12", "bias"), None);
    assert_eq!(layout.range("_layers_0", "weights"), None);
}

#[test]
fn scatter_skips_masked_entries() {
    let leaf = |name, n, mask| LeafSpec {
        name,
        shape: vec![n],
        mask,
    };
    let layout = Layout::new(vec![
        (
            "b".into(),
            vec![leaf("kernel", 3, Some(vec![true, false, true]))],
        ),
        (
            "a".into(),
            vec![leaf("kernel", 1, None), leaf("bias", 2, None)],
        ),
    ]);
    assert_eq!((layout.n_parameters(), layout.n_active()), (6, 5));
    let places: Vec<Option<usize>> = (0..6).map(|i| layout.active(i)).collect();
    assert_eq!(places, [Some(0), Some(1), Some(2), Some(3), None, Some(4)]);
    let reals: Vec<f64> = (1..=5).map(f64::from).collect();
    assert_eq!(
        layout.scatter::<f64>(&reals),
        [1.0, 2.0, 3.0, 4.0, 0.0, 5.0]
    );
    let parts: Vec<f64> = (1..=10).map(f64::from).collect();
    let z = |re, im| c64::new(re, im);
    assert_eq!(
        layout.scatter::<c64>(&parts),
        [
            z(1., 2.),
            z(3., 4.),
            z(5., 6.),
            z(7., 8.),
            z(0., 0.),
            z(9., 10.)
        ]
    );
}

/// A 2 x 3 kernel reads the three above and one to the left, and after the first layer the site itself.
#[test]
fn masks_count() {
    let layout = model::<f64>(&config(2, 4)).layout().clone();
    // First layer: 4 of 6 taps, 1 -> 4; second: 5 of 6 taps, 4 -> 2; biases 4 and 2.
    assert_eq!(layout.n_active(), 4 * 4 + 5 * 8 + 6);
    assert_eq!(layout.n_parameters(), 6 * 4 + 6 * 8 + 6);
}

fn round_trip<S: Scalar>() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.safetensors");
    let model = model::<S>(&config(3, 4));
    let mut params = model.init(Key::new(5));
    // What does not survive a detour by text or by another precision.
    let tiny = S::new(
        <S::Real as num_traits::Float>::min_positive_value(),
        -<S::Real as num_traits::Float>::epsilon(),
    );
    params.values[0] = tiny;
    params.save(&path).unwrap();
    let back = Params::<S>::load(model.layout().clone(), &path).unwrap();
    assert_eq!(back, params);
    let kernel = back.get("_layers_1", "kernel").unwrap();
    assert_eq!(kernel, params.get("_layers_1", "kernel").unwrap());
    assert_eq!(kernel.len(), 6 * 16);
    assert!(back.get("_layers_7", "kernel").is_none());
}

#[test]
fn files_keep_every_bit() {
    round_trip::<f32>();
    round_trip::<f64>();
    round_trip::<Complex<f32>>();
    round_trip::<Complex<f64>>();
}

#[test]
fn files_of_other_models_are_refused() {
    fn load<S: Scalar>(path: &Path, layout: Arc<Layout>) -> Error {
        Params::<S>::load(layout, path).unwrap_err()
    }
    #[track_caller]
    fn says(error: Error, words: &[&str]) {
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.safetensors");
    let base = model::<f64>(&config(2, 4));
    base.init(Key::new(0)).save(&path).unwrap();
    let layout = |config: &ArnnConv2d| model::<f64>(config).layout().clone();

    let wider = layout(&config(2, 5));
    says(load::<f64>(&path, wider), &["_layers_0.bias", "[5]", "[4]"]);
    let same = || base.layout().clone();
    says(load::<f32>(&path, same()), &["F32", "float32", "F64"]);
    says(load::<c64>(&path, same()), &["[4, 2]", "complex128", "[4]"]);
    let deeper = layout(&config(3, 4));
    says(
        load::<f64>(&path, deeper),
        &["_layers_1.bias", "[4]", "[2]"],
    );
    let no_bias = ArnnConv2d {
        use_bias: false,
        ..config(2, 4)
    };
    says(
        load::<f64>(&path, layout(&no_bias)),
        &["has an array", "bias", "the model lacks"],
    );
    let bare = folder.path().join("bare.safetensors");
    model::<f64>(&no_bias)
        .init(Key::new(0))
        .save(&bare)
        .unwrap();
    says(
        load::<f64>(&bare, same()),
        &["has no array `_layers_0.bias`"],
    );

    let whole = std::fs::read(&path).unwrap();
    let cut = folder.path().join("cut.safetensors");
    for length in [0, 4, 100, whole.len() - 1] {
        std::fs::write(&cut, &whole[..length]).unwrap();
        says(load::<f64>(&cut, same()), &["not a safetensors file"]);
    }
    let absent = load::<f64>(&folder.path().join("absent"), same());
    assert!(matches!(absent, Error::Io { .. }), "{absent:?}");
    let nowhere = folder.path().join("no/such/folder/p.safetensors");
    let error = base.init(Key::new(0)).save(&nowhere).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
}
