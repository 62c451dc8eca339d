//! One test binary, one file per module.

#[path = "it/golden.rs"]
mod golden;
#[path = "it/ulps.rs"]
mod ulps;

#[path = "it/checkpoint.rs"]
mod checkpoint;
#[path = "it/config.rs"]
mod config;
#[path = "it/constrained.rs"]
mod constrained;
#[path = "it/driver.rs"]
mod driver;
#[path = "it/exact.rs"]
mod exact;
#[path = "it/fermions.rs"]
mod fermions;
#[path = "it/graph.rs"]
mod graph;
#[path = "it/hamiltonians.rs"]
mod hamiltonians;
#[path = "it/hilbert.rs"]
mod hilbert;
#[path = "it/honest.rs"]
mod honest;
#[path = "it/logging.rs"]
mod logging;
#[path = "it/models/mod.rs"]
mod models;
#[path = "it/module/mod.rs"]
mod module;
#[path = "it/networks.rs"]
mod networks;
#[path = "it/nn.rs"]
mod nn;
#[path = "it/observables.rs"]
mod observables;
#[path = "it/operator.rs"]
mod operator;
#[path = "it/optimizer.rs"]
mod optimizer;
#[path = "it/params.rs"]
mod params;
#[path = "it/pictures.rs"]
mod pictures;
#[path = "it/random.rs"]
mod random;
#[path = "it/ranks.rs"]
mod ranks;
#[path = "it/reach.rs"]
mod reach;
#[path = "it/sectors.rs"]
mod sectors;
#[path = "it/simd/mod.rs"]
mod simd;
#[path = "it/strings.rs"]
mod strings;
#[path = "it/symmetry.rs"]
mod symmetry;
#[path = "it/tabulate.rs"]
mod tabulate;
#[path = "it/vqs.rs"]
mod vqs;
