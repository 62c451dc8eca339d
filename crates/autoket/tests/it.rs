//! One test binary, one file per module.

#[path = "it/golden.rs"]
mod golden;

#[path = "it/exact.rs"]
mod exact;
#[path = "it/graph.rs"]
mod graph;
#[path = "it/hilbert.rs"]
mod hilbert;
#[path = "it/operator.rs"]
mod operator;
