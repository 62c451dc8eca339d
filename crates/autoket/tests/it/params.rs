//! The order of parameters, and their files.

use std::path::Path;
use std::sync::Arc;

use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Arnn, ArnnConv2d};
use autoket::params::{Layout, Leaf, LeafSpec, Params};
use autoket::random::Key;
use autoket::{Error, Scalar, c64};
use num_complex::Complex;
use serde_json::Value;

use crate::{golden, models};

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
        .map(|leaf| (leaf.module.clone(), &*leaf.name))
        .collect();
    assert_eq!(got, expected);
    // They fill θ without a gap.
    let mut next = 0;
    for leaf in layout.leaves() {
        assert_eq!(leaf.range.start, next);
        assert_eq!(leaf.range.len(), leaf.shape.iter().product::<usize>());
        assert_eq!(
            layout.range(&leaf.module, &leaf.name),
            Some(leaf.range.clone())
        );
        next = leaf.range.end;
    }
    assert_eq!(layout.n_parameters(), next);
    assert_eq!(layout.range("_layers_12", "bias"), None);
    assert_eq!(layout.range("_layers_0", "weights"), None);
}

/// A module has arrays and modules in it, and a name beside it goes on where its own ends.
#[test]
fn trees_in_trees_are_in_jax_s_order() {
    let leaf = |name: &'static str| LeafSpec {
        name: name.into(),
        shape: vec![1],
        mask: None,
    };
    let modules = [
        ("", vec![leaf("gain")]),
        ("a", vec![leaf("kernel"), leaf("bias")]),
        ("a-x", vec![leaf("kernel")]),
        ("a/b", vec![leaf("kernel")]),
        ("a/c/d", vec![leaf("kernel")]),
        ("h", vec![leaf("kernel")]),
    ];
    let layout = Layout::new(
        modules
            .map(|(module, leaves)| (module.into(), leaves))
            .into(),
    );
    let paths: Vec<String> = layout.leaves().iter().map(Leaf::path).collect();
    // What `jax.tree.flatten_with_path` gives.
    let expected = [
        "params/a/b/kernel",
        "params/a/bias",
        "params/a/c/d/kernel",
        "params/a/kernel",
        "params/a-x/kernel",
        "params/gain",
        "params/h/kernel",
    ];
    assert_eq!(paths, expected);

    let layout = Arc::new(layout);
    let params = Params {
        layout: Arc::clone(&layout),
        values: (0..7).map(f64::from).collect(),
    };
    let folder = tempfile::tempdir().unwrap();
    for name in ["p.safetensors", "p.mpack"] {
        let path = folder.path().join(name);
        params.save(&path).unwrap();
        let loaded = Params::<f64>::load(Arc::clone(&layout), &path).unwrap();
        assert_eq!(loaded.params, params);
    }
}

#[test]
fn scatter_skips_masked_entries() {
    let leaf = |name: &'static str, n, mask| LeafSpec {
        name: name.into(),
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
    let model = model::<S>(&config(3, 4));
    let mut params = model.init(Key::new(5));
    // What does not survive a detour by text or by another precision.
    let tiny = S::new(
        <S::Real as num_traits::Float>::min_positive_value(),
        -<S::Real as num_traits::Float>::epsilon(),
    );
    params.values[0] = tiny;
    for name in ["p.safetensors", "p.mpack"] {
        let path = folder.path().join(name);
        params.save(&path).unwrap();
        let loaded = Params::<S>::load(model.layout().clone(), &path).unwrap();
        assert_eq!(loaded.params, params);
        assert_eq!(loaded.unread, [""; 0]);
    }
    let kernel = params.get("_layers_1", "kernel").unwrap();
    assert_eq!(kernel.len(), 6 * 16);
    assert!(params.get("_layers_7", "kernel").is_none());
}

#[test]
fn files_keep_every_bit() {
    round_trip::<f32>();
    round_trip::<f64>();
    round_trip::<Complex<f32>>();
    round_trip::<Complex<f64>>();
}

/// What fits in exactly is taken: single precision in double, real numbers in complex ones.
#[test]
fn wider_scalars_take_narrower_ones() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = model::<f32>(&config(2, 3)).init(Key::new(5));
    for name in ["p.safetensors", "p.mpack"] {
        let path = folder.path().join(name);
        narrow.save(&path).unwrap();
        let wide = model::<f64>(&config(2, 3)).layout().clone();
        let real = Params::<f64>::load(wide.clone(), &path).unwrap().params;
        let complex = Params::<c64>::load(wide, &path).unwrap().params;
        for (i, &x) in narrow.values.iter().enumerate() {
            assert_eq!(real.values[i], f64::from(x));
            assert_eq!(complex.values[i], c64::new(f64::from(x), 0.0));
        }
    }
}

/// Parameters of a network with a phase are real numbers, in files too.
fn real_files<S: Scalar>() {
    let folder = tempfile::tempdir().unwrap();
    let phase = ArnnConv2d {
        phase: true,
        ..config(2, 3)
    };
    let model = model::<S>(&phase);
    let params = model.init(Key::new(5));
    let any = Arc::new(Layout::new(
        model
            .layout()
            .leaves()
            .iter()
            .map(|leaf| {
                let spec = LeafSpec {
                    name: leaf.name.clone(),
                    shape: leaf.shape.clone(),
                    mask: None,
                };
                (leaf.module.clone(), vec![spec])
            })
            .collect(),
    ));
    for end in ["safetensors", "mpack"] {
        let path = folder.path().join(format!("p.{end}"));
        params.save(&path).unwrap();
        let loaded = Params::<S>::load(model.layout().clone(), &path).unwrap();
        assert_eq!(loaded.params, params);
        // What was written is real: real numbers can be read of it.
        let real = Params::<S::Real>::load(any.clone(), &path).unwrap().params;
        let parts: Vec<S::Real> = params.values.iter().map(|x| x.re()).collect();
        assert_eq!(real.values, parts);

        let mut complex = Params {
            layout: any.clone(),
            values: params.values.clone(),
        };
        complex.save(&path).unwrap();
        let error = Params::<S>::load(model.layout().clone(), &path).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("a phase has real parameters"), "{text}");
        assert!(text.contains(S::DTYPE.name()), "{text}");

        complex.layout = model.layout().clone();
        complex.values[3] = S::from_c64(c64::new(0.5, -0.25));
        let text = complex.save(&path).unwrap_err().to_string();
        assert!(text.contains("0.5-0.25i in place 3"), "{text}");
    }
}

#[test]
fn networks_with_a_phase_have_real_files() {
    real_files::<Complex<f32>>();
    real_files::<Complex<f64>>();
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
    let base = model::<f64>(&config(2, 4));
    let layout = |config: &ArnnConv2d| model::<f64>(config).layout().clone();
    let same = || base.layout().clone();
    let no_bias = ArnnConv2d {
        use_bias: false,
        ..config(2, 4)
    };
    for end in ["safetensors", "mpack"] {
        let at = |name: &str| folder.path().join(format!("{name}.{end}"));
        let path = at("p");
        base.init(Key::new(0)).save(&path).unwrap();

        let wider = layout(&config(2, 5));
        let words = ["`params/_layers_0/bias`", "[5]", "[4]"];
        says(load::<f64>(&path, wider), &words);
        says(load::<f32>(&path, same()), &["float32", "float64"]);
        let complex = at("complex");
        let of_complex = model::<c64>(&config(2, 4)).init(Key::new(0));
        of_complex.save(&complex).unwrap();
        says(load::<f64>(&complex, same()), &["float64", "complex128"]);
        let deeper = layout(&config(3, 4));
        let words = ["`params/_layers_1/bias`", "[4]", "[2]"];
        says(load::<f64>(&path, deeper), &words);
        says(
            load::<f64>(&path, layout(&no_bias)),
            &["has an array `params/_layers_0/bias`", "the model lacks"],
        );
        let bare = at("bare");
        let without = model::<f64>(&no_bias).init(Key::new(0));
        without.save(&bare).unwrap();
        let words = ["has no array `params/_layers_0/bias`"];
        says(load::<f64>(&bare, same()), &words);

        let whole = std::fs::read(&path).unwrap();
        let cut = at("cut");
        for length in 0..whole.len() {
            if end == "mpack" || length % 100 == 4 {
                std::fs::write(&cut, &whole[..length]).unwrap();
                says(load::<f64>(&cut, same()), &["not a "]);
            }
        }
        let absent = load::<f64>(&at("absent"), same());
        assert!(matches!(absent, Error::Io { .. }), "{absent:?}");
        let error = base
            .init(Key::new(0))
            .save(&at("no/such/folder/p"))
            .unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
    }
    let error = base
        .init(Key::new(0))
        .save(&folder.path().join("p.npz"))
        .unwrap_err();
    assert!(
        error.to_string().contains(".safetensors or .mpack"),
        "{error}"
    );
    let error = load::<f64>(&folder.path().join("p"), same());
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
}

fn netket_case<S: Scalar>(case: &Value) {
    let name = case["name"].as_str().unwrap();
    let model = models::model::<S>(case);
    let load = |file: &str| Params::<S>::load(model.layout().clone(), &golden::path(file)).unwrap();
    let variables = load(&format!("{name}.mpack"));
    assert_eq!(variables.unread, [""; 0]);
    let state = load(&format!("{name}_state.mpack"));
    assert_eq!(state.params, variables.params);
    let others = [
        "chunk_size",
        "n_discard_per_chain",
        "n_samples",
        "sampler_state",
    ];
    assert_eq!(state.unread, others);

    let sigma: Vec<u8> = golden::floats(&Value::Array(
        case["index"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| row.as_array().unwrap().clone())
            .collect(),
    ))
    .into_iter()
    .map(|x| x as u8)
    .collect();
    let expected: Vec<c64> = case["log_psi"]
        .as_array()
        .unwrap()
        .iter()
        .map(|z| c64::new(z[0].as_f64().unwrap(), z[1].as_f64().unwrap()))
        .collect();
    let got = model.log_psi(&variables.params.values, &sigma).unwrap();
    let got: Vec<c64> = got.into_iter().map(|z| z.to_c64()).collect();
    models::assert_close(name, &got, &expected, 1e-13);

    // Written here it is the same file, to the last byte.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.mpack");
    variables.params.save(&path).unwrap();
    let theirs = std::fs::read(golden::path(&format!("{name}.mpack"))).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), theirs, "{name}");
}

/// NetKet's weights give NetKet's log ψ; its `Spin(0.5)` lists up first, as the golden space does.
#[test]
fn netket_s_files_are_read() {
    let spec = golden::json("mpack");
    let cases = spec["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        match case["dtype"].as_str().unwrap() {
            "float64" => netket_case::<f64>(case),
            _ => netket_case::<c64>(case),
        }
    }
}

#[test]
fn arrays_in_pieces_are_put_together() {
    let spec = golden::json("mpack");
    let last = spec["cases"].as_array().unwrap().last().unwrap();
    let model = models::model::<c64>(last);
    let load =
        |file: &str| Params::<c64>::load(model.layout().clone(), &golden::path(file)).unwrap();
    let name = last["name"].as_str().unwrap();
    assert_eq!(load("mpack_chunked.mpack"), load(&format!("{name}.mpack")));
}

#[test]
fn scalars_are_arrays_without_axes() {
    let leaf = |name: &'static str, shape: &[usize]| LeafSpec {
        name: name.into(),
        shape: shape.to_vec(),
        mask: None,
    };
    let mut leaves = ["a", "b", "c", "d", "e", "g"]
        .map(|name| leaf(name, &[]))
        .to_vec();
    leaves.push(leaf("f", &[2, 0]));
    let layout = Arc::new(Layout::new(vec![("m".into(), leaves)]));
    let path = golden::path("mpack_scalars.mpack");
    let z = |re, im| c64::new(re, im);
    let expected = [
        z(1.5, 0.),
        z(2., -1.),
        z(3.25, 0.),
        z(1., 4.),
        z(0.1f32.into(), 0.),
        z(7., 0.),
    ];
    let params = Params::<c64>::load(layout.clone(), &path).unwrap().params;
    assert_eq!(params.values, expected);
    let error = Params::<f64>::load(layout, &path).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`params/m/b`: expected float64, got complex128"),
        "{error}"
    );
}

/// Bytes that are changed, cut or made up: an error or other numbers, never a panic, and at once.
#[test]
fn hostile_bytes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.mpack");
    let spec = golden::json("mpack");
    let last = spec["cases"].as_array().unwrap().last().unwrap();
    let layout = models::model::<c64>(last).layout().clone();
    let load = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Params::<c64>::load(layout.clone(), &path)
    };
    for file in ["mpack_conv2d_complex128_state.mpack", "mpack_chunked.mpack"] {
        let whole = std::fs::read(golden::path(file)).unwrap();
        assert!(load(&whole).is_ok());
        for at in 0..whole.len() {
            assert!(load(&whole[..at]).is_err(), "{file} cut at {at}");
            let mut flipped = whole.clone();
            for bits in [0x01, 0x80, 0xff] {
                flipped[at] = whole[at] ^ bits;
                // A number among the weights may be another.
                let _ = load(&flipped);
            }
        }
        assert!(load(&[&whole[..], &[0xc0]].concat()).is_err());
    }
    let huge = [0xff; 4];
    let array = |dtype: &str, shape: &[u8], bytes: usize| {
        let mut inner = vec![0x93];
        inner.extend(shape);
        inner.push(0xa0 + dtype.len() as u8);
        inner.extend(dtype.as_bytes());
        inner.extend([0xc4, bytes as u8]);
        inner.extend(vec![0; bytes]);
        [
            &[0x81, 0xa6][..],
            b"params",
            &[0x81, 0xa1, b'a', 0xc7, inner.len() as u8, 1],
            &inner,
        ]
        .concat()
    };
    // A shape whose product overflows, and one of more than there is.
    let overflowing = [&[0x92, 0xcf][..], &huge, &huge, &[0xcf], &huge, &huge].concat();
    for (what, bytes) in [
        ("4 G entries", [&[0xdf][..], &huge].concat()),
        ("4 GiB of text", [&[0x81, 0xdb][..], &huge].concat()),
        (
            "4 GiB of array",
            [&[0x81, 0xa1, b'a', 0xc9][..], &huge, &[1]].concat(),
        ),
        ("lists without end", vec![0x91; 1 << 20]),
        (
            "dictionaries without end",
            [0x81, 0xa1, b'a'].repeat(1 << 18),
        ),
        ("a name that is a number", vec![0x81, 0x01, 0xc0]),
        (
            "the same name twice",
            vec![0x82, 0xa1, b'a', 0xc0, 0xa1, b'a', 0xc0],
        ),
        ("a list", vec![0x90]),
        ("half precision", array("float16", &[0x91, 1], 2)),
        ("an overflowing shape", array("float64", &overflowing, 8)),
        ("too few bytes", array("float64", &[0x91, 3], 8)),
        ("a negative size", array("float64", &[0x91, 0xff], 8)),
    ] {
        let error = load(&bytes).expect_err(what);
        assert!(matches!(error, Error::Format { .. }), "{what}: {error:?}");
    }
    let path = folder.path().join("p.safetensors");
    let base = model::<f64>(&config(2, 2));
    base.init(Key::new(0)).save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x80;
        std::fs::write(&path, flipped).unwrap();
        let _ = Params::<f64>::load(base.layout().clone(), &path);
    }
}
