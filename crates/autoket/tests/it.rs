//! One test binary, one file per module.

#[path = "it/golden.rs"]
mod golden;

#[path = "it/graph.rs"]
mod graph;
#[path = "it/hilbert.rs"]
mod hilbert;
