//! The model as a table.

use super::{Ansatz, Arnn};
use crate::scalar::Scalar;

pub(super) fn tabulate<S: Scalar>(model: &Arnn<S>) -> String {
    let _ = (model.layers(), model.class(), model.layout());
    String::new()
}
