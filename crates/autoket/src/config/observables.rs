//! The table `[observables]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::reader::{Result, Table, named};
use super::texts;
use crate::Error;
use crate::graph::Graph;
use crate::hilbert::Hilbert;
use crate::observables::{Observable, ObservableName};
use crate::operator::{FermionOperator, Operator, PauliStrings, check_closed};

/// The table `[observables]`: what is measured beside the energy.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ObservablesConfig {
    /// Those that have a name.
    pub measure: Vec<ObservableName>,
    /// Steps from one measurement to the next.
    pub every: usize,
    /// Those of one's own, as text: sums of Pauli strings, or of products of fermions' operators.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub operators: BTreeMap<String, Vec<String>>,
}

/// Names that the log of a run has for something else.
const TAKEN: [&str; 4] = ["energy", "Energy", "wallclock", "step"];

impl ObservablesConfig {
    pub(super) fn read(table: &Table<'_>, space: &Hilbert) -> Result<Self> {
        table.only(&["measure", "operators", "every"])?;
        let operators = match table.node("operators") {
            None => BTreeMap::new(),
            Some(node) => {
                let path = "observables.operators".to_owned();
                read_operators(&Table::new(path, node, node.at.clone())?, space)?
            }
        };
        let measure: Vec<String> = match (table.optional("measure")?, operators.is_empty()) {
            (None, false) => Vec::new(),
            (None, true) => return Err(table.missing("measure", "[\"magnetization\"]")),
            (Some(measure), _) => measure,
        };
        let names = ObservableName::ALL.map(ObservableName::as_str);
        let mut known = Vec::new();
        for (item, name) in measure.iter().enumerate() {
            match names.iter().find(|known| *known == name) {
                Some(name) => known.push(named(name)),
                None => {
                    let expected = format!("one of {}", names.join(", "));
                    let help = "operators of your own are in `observables.operators`";
                    return Err(table.refuse_item("measure", item, expected, help));
                }
            }
        }
        let every: usize = table.optional("every")?.unwrap_or(10);
        table.check(every > 0, "every", "at least 1 step", "")?;
        Ok(Self {
            measure: known,
            every,
            operators,
        })
    }

    /// The observables on a lattice, those of one's own last; `sign_rule` says whether the basis is that of
    /// Marshall's sign rule.
    ///
    /// # Errors
    /// As [`ObservableName::observable`]; an operator as text that is none of the space, or leads out of it.
    pub fn observables(
        &self,
        hilbert: &Hilbert,
        graph: &Graph,
        sign_rule: bool,
    ) -> crate::Result<Vec<Observable>> {
        let names = self.measure.iter();
        let named = names.map(|name| name.observable(hilbert, graph, sign_rule));
        let operators = self.operators.iter();
        let own = operators.map(|(name, texts)| {
            let operator = operator(name, texts, hilbert)?;
            check_closed(&*operator).map_err(|error| error.of_field(name))?;
            Ok(Observable::operator(name, operator))
        });
        named.chain(own).collect()
    }
}

fn read_operators(table: &Table<'_>, space: &Hilbert) -> Result<BTreeMap<String, Vec<String>>> {
    let mut operators = BTreeMap::new();
    for name in table.fields() {
        let known = ObservableName::ALL.map(ObservableName::as_str);
        let free = !name.is_empty() && !known.contains(&name) && !TAKEN.contains(&name);
        let expected = format!(
            "a name of its own, none of {}, {}",
            TAKEN.join(", "),
            known.join(", ")
        );
        table.check(free, name, expected, "")?;
        let texts = match space.orbitals() {
            Some(_) => texts::read(table, name, "\"0^ 0 - 1^ 1\"", |text| {
                FermionOperator::read(space, text)
            })?,
            None => texts::read(table, name, "\"Z0 Z1\"", |text| {
                PauliStrings::read(space, text)
            })?,
        };
        operators.insert(name.to_owned(), texts);
    }
    Ok(operators)
}

/// The operator of a text in the terms of its space.
fn operator(name: &str, texts: &[String], hilbert: &Hilbert) -> crate::Result<Arc<dyn Operator>> {
    if hilbert.orbitals().is_some() {
        let sum = texts::sum(name, texts, |text| FermionOperator::parse(hilbert, text))?;
        return Ok(Arc::new(sum));
    }
    if hilbert.local_size() != 2 {
        return Err(Error::invalid(
            name,
            "a space of spins 1/2, qubits or fermions",
            hilbert.name(),
            "text knows no other operators: measure it from Rust, with `Observable::operator`",
        ));
    }
    let sum = texts::sum(name, texts, |text| PauliStrings::parse(hilbert, text))?;
    Ok(Arc::new(sum))
}
