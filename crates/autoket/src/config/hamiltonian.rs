//! The table `[hamiltonian]`.

use serde::Serialize;

use crate::graph::Graph;
use crate::hilbert::Hilbert;
use crate::operator::{LocalOperator, Operator, heisenberg, ising};
use crate::{Error, c64};

use super::document::{Node, Value};
use super::reader::{Mismatch, Read, Result, Table};

/// The table `[hamiltonian]`, kinds by NetKet's names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum HamiltonianConfig {
    /// H = -h Σ σˣᵢ + J Σ σᶻᵢ σᶻⱼ over sites and edges.
    Ising {
        /// Transverse field.
        h: f64,
        /// Coupling; negative is ferromagnetic.
        #[serde(rename = "J")]
        j: f64,
    },
    /// H = Σ J σᵢ·σⱼ over edges, Pauli matrices.
    Heisenberg {
        /// Coupling of each edge colour, or one for all.
        #[serde(rename = "J")]
        j: Couplings,
        /// Marshall's sign rule; by default on where there is one J and the lattice is bipartite.
        sign_rule: bool,
    },
    /// A sum of matrices on a few sites each.
    LocalOperator {
        /// A multiple of the identity to add.
        constant: f64,
        /// The terms.
        terms: Vec<TermConfig>,
    },
}

/// One coupling for all edges, or one per colour.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Couplings {
    /// For all edges.
    One(f64),
    /// By edge colour.
    PerColor(Vec<f64>),
}

/// A matrix on a few sites.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TermConfig {
    /// The sites it acts on; the first is the most significant digit of a row's number.
    pub sites: Vec<usize>,
    /// Rows of ⟨row|O|column⟩, in the order of the local states.
    pub matrix: Vec<Vec<Element>>,
}

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

impl Couplings {
    /// As a list: one number, or one per colour.
    pub fn as_slice(&self) -> &[f64] {
        match self {
            Self::One(j) => std::slice::from_ref(j),
            Self::PerColor(list) => list,
        }
    }
}

impl HamiltonianConfig {
    pub(super) fn read(table: &Table<'_>, graph: &Graph, local_size: usize) -> Result<Self> {
        const ISING: &[&str] = &["kind", "h", "J"];
        const HEISENBERG: &[&str] = &["kind", "J", "sign_rule"];
        const LOCAL: &[&str] = &["kind", "terms", "constant"];
        let kind = table.name("kind", &["Ising", "Heisenberg", "LocalOperator"])?;
        if let Some("Ising" | "Heisenberg") = kind
            && local_size != 2
        {
            return Err(table.refuse(
                "kind",
                format!("\"LocalOperator\" where a site has {local_size} states"),
                "Ising and Heisenberg are of spins 1/2: set `hilbert.s = 0.5` (`hilbert.n_max = 1`), or give the \
                 terms of a LocalOperator",
            ));
        }
        match kind {
            None => {
                table.only(&[ISING, &["sign_rule", "terms", "constant"]].concat())?;
                Err(table.missing("kind", "\"Ising\""))
            }
            Some("Ising") => {
                table.only(ISING)?;
                Ok(Self::Ising {
                    h: table.required("h", "3.0")?,
                    j: table.optional("J")?.unwrap_or(1.0),
                })
            }
            Some("Heisenberg") => {
                table.only(HEISENBERG)?;
                let j = match table.node("J") {
                    None => Couplings::One(1.0),
                    Some(node) if node.is_list() => {
                        Couplings::PerColor(table.required("J", "1.0")?)
                    }
                    Some(_) => Couplings::One(table.required("J", "1.0")?),
                };
                let sign_rule = match table.optional("sign_rule")? {
                    Some(on) => on,
                    None => j.as_slice().len() == 1 && graph.is_bipartite(),
                };
                Ok(Self::Heisenberg { j, sign_rule })
            }
            Some(_) => {
                table.only(LOCAL)?;
                let example = "[{ sites = [0], matrix = [[0, 1], [1, 0]] }]";
                let terms = table
                    .tables("terms", example)?
                    .iter()
                    .map(|term| TermConfig::read(term, graph.n_nodes(), local_size))
                    .collect::<Result<_>>()?;
                Ok(Self::LocalOperator {
                    constant: table.optional("constant")?.unwrap_or(0.0),
                    terms,
                })
            }
        }
    }
}

impl HamiltonianConfig {
    /// The operator.
    ///
    /// # Errors
    /// The model is not defined on such sites, or the terms do not add up to a Hermitian operator.
    pub fn operator(&self, hilbert: &Hilbert, graph: &Graph) -> crate::Result<LocalOperator> {
        match self {
            Self::Ising { h, j } => ising(hilbert, graph, *h, *j),
            Self::Heisenberg { j, sign_rule } => {
                heisenberg(hilbert, graph, j.as_slice(), Some(&[*sign_rule]))
            }
            Self::LocalOperator { constant, terms } => {
                let mut sum = LocalOperator::identity(hilbert).scaled((*constant).into());
                for term in terms {
                    let matrix: Vec<c64> =
                        term.matrix.iter().flatten().map(|x| x.value()).collect();
                    let term = LocalOperator::term(hilbert, &term.sites, &matrix)?;
                    sum.add_scaled(&term, c64::ONE)?;
                }
                if !sum.is_hermitian() {
                    return Err(Error::invalid(
                        "terms",
                        "a Hermitian operator",
                        "one that is not",
                        "add the adjoint of each term that is not Hermitian",
                    ));
                }
                Ok(sum)
            }
        }
    }

    /// Whether the basis is that of Marshall's sign rule.
    pub fn sign_rule(&self) -> bool {
        matches!(
            self,
            Self::Heisenberg {
                sign_rule: true,
                ..
            }
        )
    }

    /// The mean energy of all basis states, Tr H over their number: E∞ of the V-score.
    pub fn mean_energy(&self) -> f64 {
        match self {
            Self::Ising { .. } | Self::Heisenberg { .. } => 0.0,
            Self::LocalOperator { constant, terms } => {
                let mean = |term: &TermConfig| {
                    let rows = term.matrix.iter().enumerate();
                    let trace: f64 = rows.map(|(i, row)| row[i].value().re).sum();
                    trace / term.matrix.len() as f64
                };
                constant + terms.iter().map(mean).sum::<f64>()
            }
        }
    }
}

impl TermConfig {
    fn read(table: &Table<'_>, n_sites: usize, local_size: usize) -> Result<Self> {
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
        let matrix: Vec<Vec<Element>> = table.required("matrix", "[[0, 1], [1, 0]]")?;
        let size = u32::try_from(sites.len())
            .ok()
            .and_then(|k| local_size.checked_pow(k))
            .unwrap_or(usize::MAX);
        table.check(
            matrix.len() == size && matrix.iter().all(|row| row.len() == size),
            "matrix",
            format!("{size} rows of {size} numbers"),
            format!(
                "{} site(s) of {local_size} local states have {size} states",
                sites.len()
            ),
        )?;
        Ok(Self { sites, matrix })
    }
}
