//! The pictures of the documentation.

use autoket::graph::{Graph, order};
use autoket::hilbert::Hilbert;
use autoket::models::{
    ArnnConv1d, ArnnConv2d, ArnnDense, ArnnGatedConv2d, GruNet1d, LstmNet, Recurrence, TensorGru2d,
};
use autoket::{Result, c64};

/// File names, and what is in the files.
pub fn pictures() -> Result<Vec<(String, String)>> {
    let spins = |n_sites: usize| Hilbert::spin(0.5, n_sites);
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, svg: String| all.push((format!("{name}.svg"), svg));
    let square = [5, 5];

    let dense = ArnnDense::new(spins(8)?, 2, 4);
    add("dense", dense.build::<f64>()?.to_svg([1, 8], 5)?);
    for layers in [1, 2] {
        let conv = ArnnConv1d::new(spins(8)?, layers, 4, 3);
        let name = format!("conv1d_{layers}");
        add(&name, conv.build::<f64>()?.to_svg([1, 8], 6)?);
    }
    for layers in [1, 3] {
        let conv = ArnnConv2d::new(spins(25)?, layers, 4, [2, 3]);
        let name = format!("conv2d_{layers}");
        add(&name, conv.build::<f64>()?.to_svg(square, 17)?);
    }
    for layers in [1, 3] {
        let gated = ArnnGatedConv2d::new(spins(25)?, layers, 4, [2, 3]);
        let name = format!("gated_{layers}");
        add(&name, gated.build::<f64>()?.to_svg(square, 17)?);
    }
    let gated = ArnnGatedConv2d::new(spins(25)?, 2, 4, [2, 3]);
    add("gated_flow", gated.build::<f64>()?.flow_svg());

    let phase = ArnnDense {
        phase: true,
        ..ArnnDense::new(spins(8)?, 3, 4)
    };
    add("phase_flow", phase.build::<c64>()?.flow_svg());

    let over_graph = LstmNet {
        recurrence: Some(Recurrence::over(&Graph::square(4, false)?)?),
        ..LstmNet::new(spins(16)?, 1, 2)
    };
    let chain = LstmNet::new(spins(8)?, 1, 2);
    add("lstm_chain", chain.build::<f64>()?.to_svg([1, 8], 5)?);
    add("lstm_graph", over_graph.build::<f64>()?.to_svg([4, 4], 9)?);
    add("lstm_flow", chain.build::<f64>()?.flow_svg());

    let gru = GruNet1d {
        recurrence: Some(Recurrence::along(order::snake([4, 4]))?),
        ..GruNet1d::new(spins(16)?, 1, 2)
    };
    add("gru", gru.build::<f64>()?.to_svg([4, 4], 9)?);
    add("gru_flow", gru.build::<f64>()?.flow_svg());

    let tensor = TensorGru2d::new(spins(16)?, [4, 4], 4);
    add("tensor_gru", tensor.build::<f64>()?.to_svg([4, 4], 9)?);
    add("tensor_gru_flow", tensor.build::<f64>()?.flow_svg());
    for (name, order) in [
        ("tensor_gru_spiral", order::spiral([4, 4])),
        ("tensor_gru_diagonal", order::diagonal([4, 4])),
    ] {
        let order = Some(order);
        let tensor = TensorGru2d {
            order,
            ..tensor.clone()
        };
        add(name, tensor.build::<f64>()?.to_svg([4, 4], 9)?);
    }

    let orders = [
        ("raster", order::raster([4, 4])),
        ("snake", order::snake([4, 4])),
        ("diagonal", order::diagonal([4, 4])),
        ("spiral", order::spiral([4, 4])),
    ];
    for (name, order) in orders {
        let dense = ArnnDense {
            order: Some(order),
            ..ArnnDense::new(spins(16)?, 1, 1)
        };
        add(name, dense.build::<f64>()?.to_svg([4, 4], 9)?);
    }
    Ok(all)
}
