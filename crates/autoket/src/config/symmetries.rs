//! The symmetries over which a model is averaged.

use serde::{Deserialize, Serialize};

use super::reader::{Result, Table, named};
use crate::error::Error;
use crate::graph::{Graph, SymmetryGroup};
use crate::operator::Symmetries;

/// One of the symmetries of a lattice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SymmetryName {
    /// Translations along periodic directions.
    Translations,
    /// Rotations and reflections; with translations, the space group.
    PointGroup,
    /// The flip of all spins.
    SpinFlip,
}

impl SymmetryName {
    const ALL: [&str; 3] = ["translations", "point_group", "spin_flip"];

    /// The list of a table's field; empty without it.
    pub(super) fn read_all(table: &Table<'_>, field: &str) -> Result<Vec<Self>> {
        let given: Vec<String> = table.optional(field)?.unwrap_or_default();
        let mut names = Vec::new();
        for (item, name) in given.iter().enumerate() {
            match Self::ALL.iter().find(|known| *known == name) {
                Some(name) => names.push(named(name)),
                None => {
                    let expected = format!("one of {}", Self::ALL.join(", "));
                    let help = "without a list the model is not averaged";
                    return Err(table.refuse_item(field, item, expected, help));
                }
            }
        }
        Ok(names)
    }
}

/// All elements of some symmetries of a lattice; `None` without any.
///
/// # Errors
/// As [`Graph::space_group`]; the lattice has none of what is asked for.
pub(super) fn symmetries(
    names: &[SymmetryName],
    graph: &Graph,
) -> crate::Result<Option<Symmetries>> {
    if names.is_empty() {
        return Ok(None);
    }
    let has = |name| names.contains(&name);
    let translations = has(SymmetryName::Translations);
    let point_group = has(SymmetryName::PointGroup);
    let group = || {
        if translations {
            check_some("translations", &graph.translations()?)?;
        }
        if point_group {
            check_some("point_group", &graph.point_group()?)?;
        }
        match [translations, point_group] {
            [true, true] => graph.space_group(),
            [true, false] => graph.translations(),
            [false, true] => graph.point_group(),
            [false, false] => SymmetryGroup::generated_by(graph.n_nodes(), &[]),
        }
    };
    let group = group().map_err(|error| error.of_field("symmetries"))?;
    let spin_flip = has(SymmetryName::SpinFlip);
    Ok(Some(Symmetries::new(&group, spin_flip)))
}

/// A lattice without the symmetries would leave the model as it is, without a word.
fn check_some(name: &str, group: &SymmetryGroup) -> crate::Result<()> {
    match group.len() {
        1 => Err(Error::invalid(
            "symmetries",
            "symmetries that the lattice has",
            format!("\"{name}\", of which it has none"),
            format!("leave \"{name}\" out; translations are along periodic directions"),
        )),
        _ => Ok(()),
    }
}
