//! Matrices on a few sites.

use serde::Serialize;

use crate::c64;

use super::document::{Node, Value};
use super::reader::{Mismatch, Read, Result, Table};

/// A matrix on a few sites.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TermConfig {
    /// The sites it acts on; the first is the most significant digit of a row's number.
    pub sites: Vec<usize>,
    /// Its elements.
    pub matrix: MatrixConfig,
}

/// Rows of ⟨row|O|column⟩, in the order of the local states.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatrixConfig(pub Vec<Vec<Element>>);

/// A matrix element: a number, or `[re, im]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Element {
    /// Real.
    Real(f64),
    /// Real and imaginary part.
    Complex([f64; 2]),
}

impl Element {
    /// As a complex number.
    pub fn value(self) -> c64 {
        match self {
            Self::Real(re) => c64::new(re, 0.0),
            Self::Complex([re, im]) => c64::new(re, im),
        }
    }
}

impl Read for Element {
    const EXPECTED: &'static str = "a number, or [re, im]";
    fn read(node: &Node) -> std::result::Result<Self, Mismatch> {
        let wrong = |_| Mismatch::new::<Self>(node);
        match &node.value {
            Value::Array(_) => <[f64; 2]>::read(node).map(Self::Complex).map_err(wrong),
            _ => f64::read(node).map(Self::Real).map_err(wrong),
        }
    }
}

impl TermConfig {
    pub(super) fn read(table: &Table<'_>, n_sites: usize, local_size: usize) -> Result<Self> {
        table.only(&["sites", "matrix"])?;
        let sites: Vec<usize> = table.required("sites", "[0, 1]")?;
        table.check(!sites.is_empty(), "sites", "at least one site", "")?;
        for (i, site) in sites.iter().enumerate() {
            let bad = if *site >= n_sites {
                format!("sites from 0 to {}", n_sites - 1)
            } else if sites[..i].contains(site) {
                "each site once".to_owned()
            } else {
                continue;
            };
            let help = format!("the lattice has {n_sites} sites, counted from 0");
            return Err(table.refuse_item("sites", i, bad, help));
        }
        let matrix = MatrixConfig(table.required("matrix", "[[0, 1], [1, 0]]")?);
        let size = u32::try_from(sites.len())
            .ok()
            .and_then(|k| local_size.checked_pow(k))
            .unwrap_or(usize::MAX);
        let help = format!(
            "{} site(s) of {local_size} local states have {size} states",
            sites.len()
        );
        table.check(matrix.is_square(size), "matrix", rows_of(size), help)?;
        Ok(Self { sites, matrix })
    }
}

fn rows_of(size: usize) -> String {
    format!("{size} rows of {size} numbers")
}

impl MatrixConfig {
    /// A list of matrices of one size; none if the field is not there.
    pub(super) fn read_list(table: &Table<'_>, field: &str, size: usize) -> Result<Vec<Self>> {
        let list: Vec<Vec<Vec<Element>>> = table.optional(field)?.unwrap_or_default();
        let list: Vec<Self> = list.into_iter().map(Self).collect();
        match list.iter().position(|matrix| !matrix.is_square(size)) {
            None => Ok(list),
            Some(i) => Err(table.refuse_item(field, i, rows_of(size), "")),
        }
    }

    fn is_square(&self, size: usize) -> bool {
        self.0.len() == size && self.0.iter().all(|row| row.len() == size)
    }

    /// Row by row.
    pub fn elements(&self) -> Vec<c64> {
        self.0.iter().flatten().map(|x| x.value()).collect()
    }
}
