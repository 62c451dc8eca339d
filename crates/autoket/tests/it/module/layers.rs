//! Layers and modules of modules against Flax.

use std::collections::BTreeMap;

use autoket::Dtype;
use autoket::module::{
    ApplyOptions, Array, Boxed, Conv, Dense, Element, Embed, InitOptions, LayerNorm, Module,
    Padding, capture_calls,
};
use autoket::nn::Initializer;
use autoket::random::Key;
use safetensors::SafeTensors;
use serde_json::Value;

use super::{Foo, Outer, WEIGHTS, assert_close, dense, leaves};
use crate::golden;

/// The module that `golden/generate.py` calls so.
fn module(name: &str) -> Box<dyn Module> {
    let normal = Initializer::Normal(1.0);
    let conv = |size: &[usize]| Conv {
        param_dtype: Dtype::Float64,
        ..Conv::new(3, size)
    };
    let norm = LayerNorm {
        param_dtype: Dtype::Float64,
        ..LayerNorm::default()
    };
    match name {
        "dense_f32" => Dense::new(4).boxed(),
        "dense_f64" => dense(4).boxed(),
        "dense_c128" => Dense {
            use_bias: false,
            param_dtype: Dtype::Complex128,
            ..Dense::new(4)
        }
        .boxed(),
        "dense_int" => Dense::new(2).boxed(),
        "dense_biased" => Dense {
            bias_init: normal,
            ..dense(2)
        }
        .boxed(),
        "conv_same" => Conv {
            bias_init: normal,
            ..conv(&[3])
        }
        .boxed(),
        "conv_f32" => Conv::new(3, &[4]).boxed(),
        "conv_valid" => Conv {
            padding: Padding::Valid,
            strides: vec![2],
            ..conv(&[3])
        }
        .boxed(),
        "conv_same_strides" => Conv {
            strides: vec![3],
            kernel_dilation: vec![2],
            ..conv(&[4])
        }
        .boxed(),
        "conv_circular" => Conv {
            padding: Padding::Circular,
            kernel_dilation: vec![2],
            ..conv(&[4])
        }
        .boxed(),
        "conv_reflect" => Conv {
            padding: Padding::Reflect,
            ..conv(&[5])
        }
        .boxed(),
        "conv_causal" => Conv {
            padding: Padding::Causal,
            kernel_dilation: vec![2],
            ..conv(&[3])
        }
        .boxed(),
        "conv_explicit" => Conv {
            padding: Padding::Explicit(vec![[0, 2]]),
            input_dilation: vec![2],
            ..conv(&[3])
        }
        .boxed(),
        "conv_groups" => Conv {
            features: 6,
            feature_group_count: 2,
            ..conv(&[3])
        }
        .boxed(),
        "conv_one" | "conv_batches" => conv(&[3]).boxed(),
        "conv_2d" => Conv {
            strides: vec![1, 2],
            ..conv(&[2, 3])
        }
        .boxed(),
        "conv_2d_circular" => Conv {
            padding: Padding::Circular,
            ..conv(&[3, 2])
        }
        .boxed(),
        "conv_c128" => Conv {
            param_dtype: Dtype::Complex128,
            ..conv(&[2, 3])
        }
        .boxed(),
        "embed" => Embed {
            param_dtype: Dtype::Float64,
            ..Embed::new(5, 3)
        }
        .boxed(),
        "embed_one" => Embed::new(1, 3).boxed(),
        "layer_norm_f32" => LayerNorm::default().boxed(),
        "layer_norm_f64" => LayerNorm {
            scale_init: normal.clone(),
            bias_init: normal,
            ..norm
        }
        .boxed(),
        "layer_norm_plain" => LayerNorm {
            use_scale: false,
            use_bias: false,
            ..LayerNorm::default()
        }
        .boxed(),
        "layer_norm_axes" => LayerNorm {
            reduction_axes: vec![1, 2],
            feature_axes: vec![1, 2],
            scale_init: normal,
            ..norm
        }
        .boxed(),
        "layer_norm_c128" => LayerNorm {
            param_dtype: Dtype::Complex128,
            ..norm
        }
        .boxed(),
        "foo" => Foo.boxed(),
        "outer" => Outer.boxed(),
        other => panic!("{other}"),
    }
}

fn element(name: &str) -> Element {
    match name {
        "int8" => Element::Int8,
        "int32" => Element::Int32,
        "float32" => Dtype::Float32.into(),
        "float64" => Dtype::Float64.into(),
        "complex64" => Dtype::Complex64.into(),
        "complex128" => Dtype::Complex128.into(),
        other => panic!("{other}"),
    }
}

fn shape(value: &Value) -> Vec<usize> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(golden::index)
        .collect()
}

/// The text of an array whose recorded one is `float32[5, 4]`.
fn text(recorded: &Value) -> String {
    recorded.as_str().unwrap().replace(' ', "")
}

#[test]
fn layers_and_nested_modules_are_flax_s() {
    let (cases, bytes) = (golden::json("module"), golden::bytes("module"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let module = module(name);
        let x = Array::new(
            &shape(&case["x_shape"]),
            golden::tensor(&file, &format!("{name}.x")),
        );
        let x = x.unwrap().cast(element(case["x_dtype"].as_str().unwrap()));
        let inputs = [x.clone()];

        let init = module.init_with_output(Key::new(3), &inputs, InitOptions::default());
        let (y, variables) = init.unwrap();
        let options = ApplyOptions {
            capture_intermediates: Some(capture_calls),
            ..ApplyOptions::default()
        };
        let (again, captured) = module.apply(&variables, &inputs, options).unwrap();
        assert_eq!(y, again, "{name}");
        assert_eq!(
            y.element(),
            element(case["y_dtype"].as_str().unwrap()),
            "{name}"
        );
        assert_eq!(y.shape(), shape(&case["y_shape"]), "{name}");
        assert_close(
            &y,
            &golden::tensor(&file, &format!("{name}.y")),
            200.0,
            name,
        );

        let all = variables.updated(&captured);
        let recorded = case["variables"].as_object().unwrap();
        assert_eq!(all.iter().count(), recorded.len(), "{name}");
        for (collection, recorded) in recorded {
            let ours = leaves(&all, collection);
            let recorded = recorded.as_object().unwrap();
            assert_eq!(ours.len(), recorded.len(), "{name} {collection}");
            for (path, arrays) in recorded {
                let what = format!("{name}.{collection}.{path}");
                let texts: Vec<String> = arrays.as_array().unwrap().iter().map(text).collect();
                let ours = &ours[path];
                let found: Vec<String> = ours.iter().map(Array::to_string).collect();
                assert_eq!(found, texts, "{what}");
                for (i, array) in ours.iter().enumerate() {
                    let expected = golden::tensor(&file, &format!("{what}.{i}"));
                    let ulps = if collection == "intermediates" {
                        200.0
                    } else {
                        WEIGHTS
                    };
                    assert_close(array, &expected, ulps, &what);
                }
            }
        }

        let paths = module.module_paths(Key::new(3), &inputs).unwrap();
        let paths: BTreeMap<&str, &str> = paths
            .iter()
            .map(|(path, m)| (path.as_str(), m.class()))
            .collect();
        let recorded = case["module_paths"].as_object().unwrap().iter();
        let recorded: BTreeMap<&str, &str> = recorded
            .map(|(path, class)| (path.as_str(), class.as_str().unwrap()))
            .collect();
        assert_eq!(paths, recorded, "{name}");

        let lazy = module.lazy_init(Key::new(3), &[x.to_shape_only()], InitOptions::default());
        assert_eq!(lazy.unwrap(), variables, "{name}");
    }
}

/// Flax refuses names of paddings for an input that is dilated, and so it is here.
#[test]
fn a_dilated_input_wants_its_padding_by_numbers() {
    let x = [Array::new(&[2, 6, 1], vec![0.5; 12]).unwrap()];
    let padded = |padding| {
        let layer = Conv {
            padding,
            input_dilation: vec![2],
            ..Conv::new(3, &[3])
        };
        layer.init(Key::new(0), &x)
    };
    for padding in [
        Padding::Same,
        Padding::Valid,
        Padding::Circular,
        Padding::Reflect,
        Padding::Causal,
    ] {
        let message = padded(padding).unwrap_err().to_string();
        assert!(message.contains("padding"), "{message}");
    }
    assert!(padded(Padding::Explicit(vec![[1, 1]])).is_ok());
}
