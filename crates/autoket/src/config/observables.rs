//! The table `[observables]`.

use serde::Serialize;

use super::reader::{Result, Table, named};
use crate::graph::Graph;
use crate::hilbert::Hilbert;
use crate::observables::{Observable, ObservableName};

/// The table `[observables]`: what is measured beside the energy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObservablesConfig {
    /// Which.
    pub measure: Vec<ObservableName>,
    /// Steps from one measurement to the next.
    pub every: usize,
}

impl ObservablesConfig {
    pub(super) fn read(table: &Table<'_>) -> Result<Self> {
        table.only(&["measure", "every"])?;
        let measure: Vec<String> = table.required("measure", "[\"magnetization\"]")?;
        let names = ObservableName::ALL.map(ObservableName::as_str);
        let mut known = Vec::new();
        for (item, name) in measure.iter().enumerate() {
            match names.iter().find(|known| *known == name) {
                Some(name) => known.push(named(name)),
                None => {
                    let expected = format!("one of {}", names.join(", "));
                    return Err(table.refuse_item("measure", item, expected, ""));
                }
            }
        }
        let every: usize = table.optional("every")?.unwrap_or(10);
        table.check(every > 0, "every", "at least 1 step", "")?;
        Ok(Self {
            measure: known,
            every,
        })
    }

    /// The observables on a lattice; `sign_rule` says whether the basis is that of Marshall's sign rule.
    ///
    /// # Errors
    /// As [`ObservableName::observable`].
    pub fn observables(
        &self,
        hilbert: &Hilbert,
        graph: &Graph,
        sign_rule: bool,
    ) -> crate::Result<Vec<Observable>> {
        let names = self.measure.iter();
        names
            .map(|name| name.observable(hilbert, graph, sign_rule))
            .collect()
    }
}
