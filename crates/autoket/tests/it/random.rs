//! Keys and numbers against JAX's and Flax's.

use autoket::nn::{Distribution, Fan, Initializer, VarianceScaling};
use autoket::random::{Key, PathItem};
use autoket::sampler::DirectSampler;
use autoket::{Dtype, Real, Scalar};
use num_complex::Complex;
use num_traits::Float;
use serde_json::Value;

use crate::golden;
use crate::ulps::Ulps;

fn words(value: &Value) -> [u32; 2] {
    [0, 1].map(|i| value[i].as_u64().unwrap() as u32)
}

/// Floats from their bits in hex.
fn reals<R: Ulps>(value: &Value) -> Vec<R> {
    let bits = |x: &Value| u64::from_str_radix(x.as_str().unwrap(), 16).unwrap();
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| R::from_low_bits(bits(x)))
        .collect()
}

#[track_caller]
fn same_bits<R: Ulps>(what: &str, expected: &[R], got: impl Fn(u64) -> R) {
    assert!(!expected.is_empty());
    for (i, &x) in expected.iter().enumerate() {
        let y = got(i as u64);
        assert_eq!(x.low_bits(), y.low_bits(), "{what}[{i}]: {y} is not {x}");
    }
}

/// The largest distance in units in the last place.
#[track_caller]
fn near<R: Ulps>(what: &str, bound: u64, expected: &[R], got: &[R]) {
    assert_eq!(expected.len(), got.len());
    let distances = expected.iter().zip(got).map(|(x, &y)| x.ulps(y));
    let worst = distances.max().unwrap();
    println!("{what}: {worst} ulp");
    assert!(worst <= bound, "{what}: {worst} ulp, bound {bound}");
}

fn reals_of<S: Scalar>(values: &[S]) -> Vec<S::Real> {
    values
        .iter()
        .flat_map(|z| [z.re(), z.im()].into_iter().take(S::PLANES))
        .collect()
}

/// Random123's known-answer tests, `threefry2x32` with 20 rounds.
#[test]
fn threefry_known_answers() {
    let block = |key: [u32; 2], counter: [u32; 2]| {
        Key::from_words(key).block((u64::from(counter[0]) << 32) | u64::from(counter[1]))
    };
    let ones = [u32::MAX; 2];
    assert_eq!(block([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
    assert_eq!(block(ones, ones), [0x1cb9_96fc, 0xbb00_2be7]);
    assert_eq!(
        block([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]),
        [0xc492_3a9c, 0x483d_f7a0]
    );
}

#[test]
fn keys_and_bits_are_jax_s() {
    let cases = golden::json("random");
    let cases = cases["seeds"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let key = Key::new(case["seed"].as_str().unwrap().parse().unwrap());
        assert_eq!(key.words(), words(&case["key"]));
        for (i, key) in key.split::<2>().iter().enumerate() {
            assert_eq!(key.words(), words(&case["split2"][i]));
        }
        for (i, key) in key.split::<5>().iter().enumerate() {
            assert_eq!(key.words(), words(&case["split5"][i]));
        }
        for fold in case["fold_in"].as_array().unwrap() {
            let data = fold["data"].as_u64().unwrap() as u32;
            assert_eq!(key.fold_in(data).words(), words(&fold["key"]));
        }
        for i in 0..9 {
            let at = |name: &str| &case[name][i as usize];
            assert_eq!(u64::from(key.bits32(i)), at("bits32").as_u64().unwrap());
            // Bytes are the low ones of words.
            assert_eq!(
                u64::from(key.bits32(i) as u8),
                at("bits8").as_u64().unwrap()
            );
            assert_eq!(
                format!("{:016x}", key.bits64(i)),
                at("bits64").as_str().unwrap()
            );
        }
    }
}

#[test]
fn draws_are_jax_s() {
    for case in golden::json("random")["seeds"].as_array().unwrap() {
        let key = Key::new(case["seed"].as_str().unwrap().parse().unwrap());
        let uniform = reals::<f64>(&case["uniform_f64"]);
        same_bits("uniform", &uniform, |i| key.uniform(i));
        same_bits("uniform", &uniform, |i| key.uniform_in(i, 0.0, 1.0));
        same_bits("uniforms", &uniform, |i| key.uniforms::<16>(0)[i as usize]);
        same_bits("uniform_f32", &reals::<f32>(&case["uniform_f32"]), |i| {
            key.uniform_in(i, 0.0, 1.0)
        });
        same_bits(
            "uniform -2 to 3",
            &reals::<f64>(&case["uniform_f64_minus2_3"]),
            |i| key.uniform_in(i, -2.0, 3.0),
        );

        let normal = Initializer::Normal(1.0);
        near(
            "normal_f32",
            NORMAL_F32,
            &reals(&case["normal_f32"]),
            &normal.draw::<f32>(key, &[9]).unwrap(),
        );
        near(
            "normal_f64",
            NORMAL_F64,
            &reals(&case["normal_f64"]),
            &normal.draw::<f64>(key, &[9]).unwrap(),
        );
        near(
            "normal_c64",
            NORMAL_F32 + 1,
            &reals(&case["normal_c64"]),
            &reals_of(&normal.draw::<Complex<f32>>(key, &[5]).unwrap()),
        );
        near(
            "normal_c128",
            NORMAL_F64 + 1,
            &reals(&case["normal_c128"]),
            &reals_of(&normal.draw::<Complex<f64>>(key, &[5]).unwrap()),
        );
        let truncated = (0..9).map(|i| key.truncated_normal(i, -2.0f32, 2.0));
        near(
            "truncated_normal_f32",
            NORMAL_F32,
            &reals(&case["truncated_normal_f32"]),
            &truncated.collect::<Vec<_>>(),
        );
        let truncated = (0..9).map(|i| key.truncated_normal(i, -2.0f64, 2.0));
        near(
            "truncated_normal_f64",
            NORMAL_F64,
            &reals(&case["truncated_normal_f64"]),
            &truncated.collect::<Vec<_>>(),
        );
    }
}

/// XLA and libm round log1p differently now and then.
const NORMAL_F32: u64 = 2;
/// All but a few agree to the last bit; XLA's log1p in double precision is off by tens of ulp around -0.4,
/// where normals are near ±0.9.
const NORMAL_F64: u64 = 16;

/// Where the inverse error function changes its polynomial.
#[test]
fn tails_of_normals_are_jax_s() {
    let tails = &golden::json("random")["normal_f64_tails"];
    let key = Key::new(tails["seed"].as_i64().unwrap());
    let index = tails["index"].as_array().unwrap();
    let got: Vec<f64> = index
        .iter()
        .map(|i| key.normal(i.as_u64().unwrap()))
        .collect();
    near("tails", 1, &reals(&tails["values"]), &got);
    // They are the extremes of all, so no other element is further out.
    let extremes = got
        .iter()
        .fold([0.0f64; 2], |[low, high], &x| [low.min(x), high.max(x)]);
    let all = (0..200_000).map(|i| key.normal::<f64>(i));
    assert!(
        all.into_iter()
            .all(|x| (extremes[0]..=extremes[1]).contains(&x))
    );
}

#[test]
fn keys_of_parameters_are_flax_s() {
    let mut n = 0;
    for case in golden::json("random")["init_keys"].as_array().unwrap() {
        let key = Key::new(case["seed"].as_i64().unwrap());
        for (path, expected) in case["keys"].as_object().unwrap() {
            let (module, leaf) = path.split_once('/').unwrap();
            let count = if leaf == "kernel" { 1 } else { 2 };
            let got = key.fold_path(&[PathItem::Name(module), PathItem::Count(count)]);
            assert_eq!(got.words(), words(expected), "{path}");
            n += 1;
        }
        assert_eq!(key.fold_path(&[]), key);
    }
    assert_eq!(n, 24);
}

#[test]
fn lecun_normal_is_jax_s() {
    fn check<S: Scalar>(case: &Value, bound: u64)
    where
        S::Real: Ulps,
    {
        let key = Key::new(case["seed"].as_i64().unwrap());
        let shape: Vec<usize> = case["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(golden::index)
            .collect();
        let got = Initializer::LecunNormal.draw::<S>(key, &shape).unwrap();
        let name = S::DTYPE.name();
        near(
            &format!("lecun {name}"),
            bound,
            &reals(&case[name]),
            &reals_of(&got),
        );
    }
    for case in golden::json("random")["lecun_normal"].as_array().unwrap() {
        check::<f32>(case, NORMAL_F32);
        check::<f64>(case, NORMAL_F64);
        // log, sin and cos of two libraries.
        check::<Complex<f32>>(case, 4);
        check::<Complex<f64>>(case, NORMAL_F64);
    }
}

/// The constant numbers of initialisers, and Normal's standard deviation.
#[test]
fn initialisers_scale() {
    let key = Key::new(3);
    assert_eq!(
        Initializer::Zeros.draw::<f32>(key, &[2, 2]).unwrap(),
        [0.0; 4]
    );
    assert_eq!(Initializer::Ones.draw::<f32>(key, &[3]).unwrap(), [1.0; 3]);
    assert_eq!(
        Initializer::Constant(0.25).draw::<f64>(key, &[2]).unwrap(),
        [0.25; 2]
    );
    let one = Initializer::Normal(1.0).draw::<f64>(key, &[50]).unwrap();
    let two = Initializer::Normal(2.0).draw::<f64>(key, &[50]).unwrap();
    assert!(one.iter().zip(&two).all(|(a, b)| 2.0 * a == *b));
}

#[test]
fn samplers_draw_netket_s_keys_and_uniforms() {
    for case in golden::json("random")["sampler"].as_array().unwrap() {
        let sampler = DirectSampler::of_seed(case["seed"].as_i64().unwrap());
        assert_eq!(sampler.key().words(), words(&case["state_key"]));
        let [next, init, scan] = sampler.key().split();
        assert_eq!(next.words(), words(&case["state_key_after_1"]));
        assert_eq!(init.words(), words(&case["key_init"]));
        assert_eq!(scan.words(), words(&case["key_scan"]));
        let [after_two, _, _] = next.split();
        assert_eq!(after_two.words(), words(&case["state_key_after_2"]));
        let mut carry = scan;
        let sites = case["sites"].as_array().unwrap();
        assert_eq!(sites.len(), 4);
        for site in sites {
            let [next, key] = carry.split();
            carry = next;
            assert_eq!(key.words(), words(&site["key"]));
            same_bits("uniform", &reals::<f64>(&site["uniforms"]), |i| {
                key.uniform(i)
            });
        }
    }
}

/// A draw moves the sampler's key on as NetKet's `sample` does.
#[test]
fn a_draw_moves_on() {
    use autoket::hilbert::Hilbert;
    use autoket::models::{Ansatz, ArnnConv2d};
    let case = &golden::json("random")["sampler"][1];
    let seed = case["seed"].as_i64().unwrap();
    let hilbert = Hilbert::spin(0.5, 4).unwrap();
    let model = ArnnConv2d::new(hilbert, 2, 2, [2, 3])
        .build::<f64>()
        .unwrap();
    let theta = model.init(Key::new(seed)).values;
    let mut sampler = DirectSampler::of_seed(seed);
    let first = sampler.sample(&model, &theta, 64).unwrap();
    assert_eq!(sampler.key().words(), words(&case["state_key_after_1"]));
    let second = sampler.sample(&model, &theta, 64).unwrap();
    assert_eq!(sampler.key().words(), words(&case["state_key_after_2"]));
    assert_ne!(first.sigma, second.sigma);
    // A sample depends on its place, not on how many there are.
    let few = DirectSampler::of_seed(seed)
        .sample(&model, &theta, 5)
        .unwrap();
    assert_eq!(few.sigma, first.sigma[..5 * 4]);
}

/// All initialisers, for kernels and biases, against JAX's; what JAX refuses is refused.
#[test]
fn initialisers_are_jax_s() {
    let axes = |in_axis, out_axis| VarianceScaling {
        in_axis,
        out_axis,
        ..VarianceScaling::new(1.0, Fan::In, Distribution::Normal)
    };
    let scaling = |scale, mode, distribution| {
        Initializer::VarianceScaling(VarianceScaling::new(scale, mode, distribution))
    };
    let named = |name: &str| match name {
        "zeros" => Initializer::Zeros,
        "ones" => Initializer::Ones,
        "constant" => Initializer::Constant(-1.5),
        "normal" => Initializer::Normal(0.3),
        "uniform" => Initializer::Uniform(0.7),
        "truncated_normal" => Initializer::TruncatedNormal {
            stddev: 0.3,
            lower: -1.0,
            upper: 2.5,
        },
        "lecun_normal" => Initializer::LecunNormal,
        "lecun_uniform" => Initializer::LecunUniform,
        "he_normal" => Initializer::HeNormal,
        "he_uniform" => Initializer::HeUniform,
        "glorot_normal" => Initializer::GlorotNormal,
        "glorot_uniform" => Initializer::GlorotUniform,
        "orthogonal" => Initializer::Orthogonal(1.3),
        "delta_orthogonal" => Initializer::DeltaOrthogonal(0.7),
        "truncated_above" => Initializer::TruncatedNormal {
            stddev: 0.3,
            lower: 0.0,
            upper: 1.5,
        },
        "fan_out_normal" => scaling(0.5, Fan::Out, Distribution::Normal),
        "fan_avg_normal" => scaling(2.0, Fan::Average, Distribution::Normal),
        "fan_geo_avg_uniform" => scaling(1.0, Fan::GeometricAverage, Distribution::Uniform),
        "fan_in_normal_axes" => Initializer::VarianceScaling(axes(0, 1)),
        "embed" => Initializer::VarianceScaling(axes(-2, 0)),
        other => panic!("{other}"),
    };
    fn check<S: Scalar>(key: Key, initializer: Initializer, case: &Value)
    where
        S::Real: Ulps,
    {
        let shape = case["shape"].as_array().unwrap();
        let shape: Vec<usize> = shape.iter().map(golden::index).collect();
        let got = initializer.draw::<S>(key, &shape);
        let what = format!("{} {:?} {}", case["name"], shape, S::DTYPE);
        assert_eq!(got.is_err(), case.get("error").is_some(), "{what}");
        let Ok(got) = got else { return };
        let expected = reals::<S::Real>(&case["values"]);
        let expected: Vec<S> = expected
            .chunks_exact(S::PLANES)
            .map(|z| S::new(z[0], z[S::PLANES - 1]))
            .collect();
        assert_eq!(got.len(), expected.len(), "{what}");
        let largest = expected.iter().map(|z| z.to_c64().norm());
        let largest = largest.fold(0.0, f64::max);
        for (x, y) in got.iter().zip(&expected) {
            let (x, y) = (x.to_c64(), y.to_c64());
            let scale = match initializer {
                // Two ways of making columns orthogonal agree to rounding of the whole.
                Initializer::Orthogonal(_) | Initializer::DeltaOrthogonal(_) => largest,
                _ => y.norm(),
            };
            // The complex truncated normal adds the logarithm of a complex number, which XLA rounds coarsely.
            let bound = match S::Real::DTYPE {
                Dtype::Float32 => 4,
                _ => 2 * NORMAL_F64,
            };
            let bound = bound as f64 * S::Real::epsilon().widen() * scale;
            assert!((x - y).norm() <= bound, "{what}: {x} and {y}");
        }
    }
    let golden = golden::json("initializers");
    let key = Key::new(golden["seed"].as_i64().unwrap());
    for case in golden["cases"].as_array().unwrap() {
        let initializer = named(case["name"].as_str().unwrap());
        match case["dtype"].as_str().unwrap() {
            "float32" => check::<f32>(key, initializer, case),
            "float64" => check::<f64>(key, initializer, case),
            "complex64" => check::<Complex<f32>>(key, initializer, case),
            _ => check::<Complex<f64>>(key, initializer, case),
        }
    }
}
