//! Recurrent networks as modules, their caches, tables and errors, against NetKet's.

use std::collections::BTreeMap;

use autoket::Dtype;
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{Fast, GruNet1d, LstmNet, Recurrence};
use autoket::module::{
    ApplyOptions, Array, Boxed, Filter, InitOptions, Module, TabulateOptions, Variables,
    capture_calls,
};
use autoket::nn::Initializer;
use autoket::random::Key;
use safetensors::SafeTensors;
use serde_json::Value;

use super::{WEIGHTS, assert_close, leaves, module_error};
use crate::golden;

/// The network that `golden/recurrent_modules.py` calls so, without and with a cache.
fn networks(name: &str) -> [Box<dyn Module>; 2] {
    // The reference lists spins downwards.
    let spins = |n| Hilbert::spin(0.5, n).unwrap().with_inverted_ordering(false);
    let lstm = LstmNet {
        bias_init: Initializer::Ones,
        ..LstmNet::new(spins(5), 2, 3)
    };
    let gru = GruNet1d {
        bias_init: Initializer::Ones,
        ..GruNet1d::new(spins(5), 2, 3)
    };
    let both_lstm = |lstm: LstmNet| [lstm.boxed(), Fast(lstm).boxed()];
    let both_gru = |gru: GruNet1d| [gru.boxed(), Fast(gru).boxed()];
    match name {
        "lstm" => both_lstm(lstm),
        "lstm_f32" => both_lstm(LstmNet {
            param_dtype: Dtype::Float32,
            ..lstm
        }),
        "lstm_graph" => both_lstm(LstmNet {
            hilbert: spins(9),
            param_dtype: Dtype::Complex128,
            recurrence: Some(Recurrence::over(&Graph::square(3, false).unwrap()).unwrap()),
            ..lstm
        }),
        "gru" => both_gru(gru),
        "gru_given" => both_gru(GruNet1d {
            param_dtype: Dtype::Complex128,
            recurrence: Some(Recurrence::along(vec![1, 0, 2, 4, 3]).unwrap()),
            ..gru
        }),
        other => panic!("{other}"),
    }
}

/// Arrays by path, as they are recorded.
fn by_path(variables: &Variables, collection: &str) -> BTreeMap<String, Array> {
    let arrays = leaves(variables, collection).into_iter();
    let numbered = arrays.flat_map(|(path, arrays)| {
        let arrays = arrays.into_iter().enumerate();
        arrays.map(move |(i, array)| (format!("{path}.{i}"), array))
    });
    numbered.collect()
}

/// The recorded arrays whose names begin so.
#[track_caller]
fn assert_recorded(file: &SafeTensors, prefix: &str, ours: &BTreeMap<String, Array>, ulps: f64) {
    let recorded = file.names().into_iter().filter_map(|name| {
        let name = name.strip_prefix(prefix)?;
        Some(name.strip_suffix(":complex").unwrap_or(name))
    });
    let mut recorded: Vec<&str> = recorded.collect();
    recorded.sort_unstable();
    assert_eq!(ours.keys().collect::<Vec<_>>(), recorded, "{prefix}");
    for (path, array) in ours {
        let name = format!("{prefix}{path}");
        assert_close(array, &golden::tensor(file, &name), ulps, &name);
    }
}

/// Types and shapes are those that are recorded.
fn assert_shapes(recorded: &Value, ours: &BTreeMap<String, Array>) {
    let recorded = recorded.as_object().unwrap();
    assert_eq!(recorded.len(), ours.len());
    for (path, text) in recorded {
        let text = text.as_str().unwrap().replace(' ', "");
        assert_eq!(ours[path].to_string(), text, "{path}");
    }
}

fn check_case(file: &SafeTensors, case: &Value) {
    let name = case["name"].as_str().unwrap();
    let [plain, fast] = networks(name);
    let tensor = |what: &str| golden::tensor(file, &format!("{name}.{what}"));
    let sigma: Vec<i8> = tensor("sigma").iter().map(|x| x.re as i8).collect();
    let n = sigma.len() / 4;
    let x = Array::configurations(n, &sigma).unwrap();
    let one = std::slice::from_ref(&x);
    let key = Key::new(3);

    let variables = plain.init(key, one).unwrap();
    let params = by_path(&variables, "params");
    assert_recorded(file, &format!("{name}.params."), &params, WEIGHTS);
    let captured = |method| ApplyOptions {
        capture_intermediates: Some(capture_calls),
        ..ApplyOptions::method(method)
    };
    let (log_psi, intermediates) = plain.apply(&variables, one, captured("__call__")).unwrap();
    assert_close(&log_psi, &tensor("log_psi"), 100.0, name);
    let intermediates = by_path(&intermediates, "intermediates");
    assert_shapes(&case["captured"], &intermediates);
    assert_recorded(file, &format!("{name}.captured."), &intermediates, 100.0);
    let options = ApplyOptions::method("conditionals");
    let (p, _) = fast.apply(&variables, one, options).unwrap();
    assert_close(&p, &tensor("conditionals"), 100.0, name);
    let double = [x.cast(Dtype::Float64)];
    let (y, _) = plain
        .apply(&variables, &double, ApplyOptions::default())
        .unwrap();
    assert_eq!(y.element().name(), case["log_psi_dtype_of_double"]);

    // Site by site, from sites that are no local states yet.
    let order: Vec<usize> = case["order"]
        .as_array()
        .unwrap()
        .iter()
        .map(golden::index)
        .collect();
    let method = InitOptions::method("conditional");
    let first = [x.clone(), Array::index(order[0])];
    let mut state = fast.init_with_output(key, &first, method).unwrap().1;
    assert_eq!(state.get("params"), variables.get("params"));
    let mut drawn = vec![0; sigma.len()];
    let mut last = BTreeMap::new();
    for &site in &order {
        let inputs = [
            Array::configurations(n, &drawn).unwrap(),
            Array::index(site),
        ];
        let options = ApplyOptions {
            mutable: Filter::only(&["cache"]),
            ..captured("conditional")
        };
        let (p, changed) = fast.apply(&state, &inputs, options).unwrap();
        assert_close(&p, &tensor(&format!("p.{site}")), 100.0, name);
        let cache = by_path(&changed, "cache");
        assert_recorded(file, &format!("{name}.cache.{site}."), &cache, 100.0);
        assert_shapes(&case["cache"], &cache);
        last = by_path(&changed, "intermediates");
        state = state.updated(&changed.only(|collection| collection == "cache"));
        for sample in 0..4 {
            drawn[sample * n + site] = sigma[sample * n + site];
        }
    }
    assert_shapes(&case["captured_site"], &last);
    assert_recorded(file, &format!("{name}.captured_site."), &last, 100.0);

    let paths = fast.module_paths(key, one).unwrap();
    let recorded = case["module_paths"].as_object().unwrap();
    assert_eq!(paths.len(), recorded.len());
    for (path, module) in &paths {
        assert_eq!(recorded[path], module.class(), "{path}");
    }

    let error = |module: &dyn Module, variables: &Variables, method: &str| {
        let inputs = [x.clone(), Array::index(0)];
        let inputs = if method == "conditional" {
            &inputs[..]
        } else {
            one
        };
        let applied = module
            .boxed()
            .apply(variables, inputs, ApplyOptions::method(method));
        let text = module_error(applied).to_string();
        text.split(':').next().unwrap().to_owned()
    };
    let mut half = Variables::default();
    for leaf in leaves(&variables, "params") {
        let path: Vec<&str> = leaf.0.split('/').collect();
        if path[0] == "_layers_0" {
            half.insert("params", &path[..2], path[2], leaf.1[0].clone());
        }
    }
    let mut other = variables.clone();
    for leaf in leaves(&variables, "params") {
        let path: Vec<&str> = leaf.0.split('/').collect();
        other.insert("params", &path[..2], path[2], Array::full(&[7], 0.0));
    }
    let none = Variables::default();
    let of = |what: &str| case["errors"][what].as_str().unwrap();
    assert_eq!(error(&plain, &none, "__call__"), of("no_params"));
    assert_eq!(error(&plain, &half, "__call__"), of("half"));
    assert_eq!(error(&plain, &other, "__call__"), of("other"));
    assert_eq!(error(&fast, &variables, "conditional"), of("no_cache"));
    assert_eq!(error(&fast, &state, "conditional"), of("immutable_cache"));

    let table = |module: &dyn Module, inputs: &[Array], depth, method: &str| {
        let options = TabulateOptions {
            depth,
            method: method.to_owned(),
            ..TabulateOptions::default()
        };
        module.boxed().tabulate(key, inputs, options).unwrap()
    };
    let text = |suffix: &str| golden::text(&format!("tabulate_{name}{suffix}.txt"));
    let at_three = [x.clone(), Array::index(3)];
    assert_eq!(table(&plain, one, None, "__call__"), text(""));
    assert_eq!(table(&plain, one, Some(1), "__call__"), text("_depth1"));
    assert_eq!(
        table(&fast, &at_three, None, "conditional"),
        text("_conditional")
    );
}

#[test]
fn recurrent_networks_are_netket_s_modules() {
    let bytes = golden::bytes("recurrent_modules");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let spec = golden::json("recurrent_modules");
    let cases = spec["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        check_case(&file, case);
    }
}

/// A cache of another batch is no cache of this one.
#[test]
fn caches_of_another_batch_are_refused() {
    let [_, fast] = networks("lstm");
    let x = |n: usize| [Array::full(&[n, 5], 1.0), Array::index(0)];
    let method = InitOptions::method("conditional");
    let (_, state) = fast.init_with_output(Key::new(3), &x(4), method).unwrap();
    let options = ApplyOptions {
        mutable: Filter::only(&["cache"]),
        ..ApplyOptions::method("conditional")
    };
    let message = fast.apply(&state, &x(3), options).unwrap_err().to_string();
    assert!(
        message.contains("cell_mem of shape [3, 3] at /_layers_0"),
        "{message}"
    );
}
