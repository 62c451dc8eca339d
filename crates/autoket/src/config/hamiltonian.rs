//! The table `[hamiltonian]`.

use std::path::Path;

use serde::Serialize;

use crate::graph::Graph;
use crate::hilbert::Hilbert;
use crate::operator::{
    Fcidump, FermionOperator, LocalOperator, Operator, PauliStrings, bose_hubbard, fermi_hubbard,
    graph_operator, heisenberg, ising, t_v, xyz,
};
use crate::{Error, c64};

use super::matrices::{MatrixConfig, TermConfig};
use super::reader::{Read, Result, Table};
use super::texts;

/// The table `[hamiltonian]`, kinds by NetKet's names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
#[allow(non_snake_case)]
pub enum HamiltonianConfig {
    /// H = -h Σ σˣᵢ + J Σ σᶻᵢ σᶻⱼ over sites and edges.
    Ising {
        /// Transverse field.
        h: f64,
        /// Coupling; negative is ferromagnetic.
        J: f64,
    },
    /// H = Σ J σᵢ·σⱼ over edges, Pauli matrices.
    Heisenberg {
        /// Coupling of each edge colour, or one for all.
        J: PerColor<f64>,
        /// Marshall's sign rule, for each colour or all; by default on where there is one J and the
        /// lattice is bipartite.
        sign_rule: PerColor<bool>,
    },
    /// H = Σ Σₐ Jₐ σᵃᵢ σᵃⱼ - Σ Σₐ hₐ σᵃᵢ over edges and sites.
    #[serde(rename = "XYZ")]
    Xyz {
        /// Couplings of x, y and z.
        J: Vec<f64>,
        /// Fields along x, y and z.
        h: Vec<f64>,
    },
    /// H = -J Σ (a†ᵢaⱼ + h.c.) + U/2 Σ nᵢ(nᵢ - 1) + V Σ nᵢnⱼ - μ Σ nᵢ.
    BoseHubbard {
        /// Interaction on a site.
        U: f64,
        /// Interaction of neighbours.
        V: f64,
        /// Hopping.
        J: f64,
        /// Chemical potential.
        mu: f64,
    },
    /// H = -t Σ (c†ᵢσ cⱼσ + h.c.) + U Σ nᵢ↓nᵢ↑.
    FermiHubbard {
        /// Hopping.
        t: f64,
        /// Interaction on a site.
        U: f64,
    },
    /// H = -t Σ (c†ᵢcⱼ + h.c.) + V Σ nᵢnⱼ.
    #[serde(rename = "tV")]
    TV {
        /// Hopping.
        t: f64,
        /// Interaction of neighbours.
        V: f64,
    },
    /// The electrons of a molecule.
    #[serde(rename = "FCIDUMP")]
    Fcidump {
        /// The file of its integrals.
        file: String,
    },
    /// A sum of products of Pauli matrices.
    PauliStrings {
        /// Sums such as `"0.5*X0 X1 - Z2"`.
        terms: Vec<String>,
    },
    /// A sum of products of creation and annihilation operators.
    FermionOperator {
        /// Sums such as `"0.5*0^ 1 + 0.5*1^ 0"`.
        terms: Vec<String>,
    },
    /// A sum of matrices on all sites and edges.
    GraphOperator {
        /// Matrices on a site.
        site_ops: Vec<MatrixConfig>,
        /// Matrices on two sites.
        bond_ops: Vec<MatrixConfig>,
        /// The colour of edges that each of `bond_ops` acts on.
        #[serde(skip_serializing_if = "Option::is_none")]
        bond_ops_colors: Option<Vec<usize>>,
    },
    /// A sum of matrices on a few sites each.
    LocalOperator {
        /// A multiple of the identity to add.
        constant: f64,
        /// The terms.
        terms: Vec<TermConfig>,
    },
}

/// One value for all edges, or one per colour.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PerColor<T> {
    /// For all edges.
    One(T),
    /// By edge colour.
    Each(Vec<T>),
}

impl<T> PerColor<T> {
    /// As a list: one value, or one per colour.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Each(list) => list,
        }
    }
}

/// Every kind and its fields.
const KINDS: &[(&str, &[&str])] = &[
    ("Ising", &["kind", "h", "J"]),
    ("Heisenberg", &["kind", "J", "sign_rule"]),
    ("XYZ", &["kind", "J", "h"]),
    ("BoseHubbard", &["kind", "U", "V", "J", "mu"]),
    ("FermiHubbard", &["kind", "t", "U"]),
    ("tV", &["kind", "t", "V"]),
    ("FCIDUMP", &["kind", "file"]),
    ("PauliStrings", &["kind", "terms"]),
    ("FermionOperator", &["kind", "terms"]),
    (
        "GraphOperator",
        &["kind", "site_ops", "bond_ops", "bond_ops_colors"],
    ),
    ("LocalOperator", &["kind", "terms", "constant"]),
];

impl HamiltonianConfig {
    pub(super) fn read(table: &Table<'_>, graph: &Graph, space: &Hilbert) -> Result<Self> {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        let Some(kind) = table.name("kind", &names)? else {
            let all: Vec<&str> = KINDS
                .iter()
                .flat_map(|(_, fields)| *fields)
                .copied()
                .collect();
            table.only(&all)?;
            return Err(table.missing("kind", "\"Ising\""));
        };
        let fields = KINDS.iter().find(|(name, _)| *name == kind);
        table.only(fields.map_or(&[], |(_, fields)| fields))?;
        check_site(table, kind, space)?;
        let number = |field: &str, default: f64| -> Result<f64> {
            Ok(table.optional(field)?.unwrap_or(default))
        };
        Ok(match kind {
            "Ising" => Self::Ising {
                h: table.required("h", "3.0")?,
                J: number("J", 1.0)?,
            },
            "Heisenberg" => {
                let j = read_per_color(table, "J")?.unwrap_or(PerColor::One(1.0));
                let default = j.as_slice().len() == 1 && graph.is_bipartite();
                let sign_rule = read_per_color(table, "sign_rule")?;
                let sign_rule = sign_rule.unwrap_or(PerColor::One(default));
                Self::Heisenberg { J: j, sign_rule }
            }
            "XYZ" => {
                let three = |field: &str, numbers: &Vec<f64>| {
                    let fits = numbers.len() == 3;
                    table.check(fits, field, "three numbers, of x, y and z", "")
                };
                let j = table.required("J", "[1.0, 1.0, 0.5]")?;
                three("J", &j)?;
                let h = table.optional("h")?.unwrap_or(vec![0.0; 3]);
                three("h", &h)?;
                Self::Xyz { J: j, h }
            }
            "BoseHubbard" => Self::BoseHubbard {
                U: table.required("U", "4.0")?,
                V: number("V", 0.0)?,
                J: number("J", 1.0)?,
                mu: number("mu", 0.0)?,
            },
            "FermiHubbard" => Self::FermiHubbard {
                t: number("t", 1.0)?,
                U: table.required("U", "4.0")?,
            },
            "tV" => Self::TV {
                t: number("t", 1.0)?,
                V: table.required("V", "1.0")?,
            },
            "FCIDUMP" => read_fcidump(table, graph.n_nodes())?,
            "PauliStrings" => Self::PauliStrings {
                terms: texts::read(table, "terms", "\"0.5*X0 X1 - Z2\"", |text| {
                    PauliStrings::read(space, text)
                })?,
            },
            "FermionOperator" => Self::FermionOperator {
                terms: texts::read(table, "terms", "\"0.5*0^ 1 + 0.5*1^ 0\"", |text| {
                    FermionOperator::read(space, text)
                })?,
            },
            "GraphOperator" => {
                let size = space.local_size();
                let site_ops = MatrixConfig::read_list(table, "site_ops", size)?;
                let bond_ops = MatrixConfig::read_list(table, "bond_ops", size * size)?;
                table.check(
                    !site_ops.is_empty() || !bond_ops.is_empty(),
                    "bond_ops",
                    "a matrix for sites or bonds",
                    "for example `site_ops = [[[0, 1], [1, 0]]]`",
                )?;
                let bond_ops_colors: Option<Vec<usize>> = table.optional("bond_ops_colors")?;
                table.check(
                    bond_ops_colors
                        .as_ref()
                        .is_none_or(|colors| colors.len() == bond_ops.len()),
                    "bond_ops_colors",
                    format!("{} colours, one for each of `bond_ops`", bond_ops.len()),
                    "without it all matrices act on all bonds",
                )?;
                Self::GraphOperator {
                    site_ops,
                    bond_ops,
                    bond_ops_colors,
                }
            }
            _ => {
                let example = "[{ sites = [0], matrix = [[0, 1], [1, 0]] }]";
                let terms = table.tables("terms", example)?;
                let terms = terms.iter();
                Self::LocalOperator {
                    constant: number("constant", 0.0)?,
                    terms: terms
                        .map(|term| TermConfig::read(term, graph.n_nodes(), space.local_size()))
                        .collect::<Result<_>>()?,
                }
            }
        })
    }

    /// The operator.
    ///
    /// # Errors
    /// The model is not defined on such sites, or the terms do not add up to a Hermitian operator.
    pub fn operator(&self, hilbert: &Hilbert, graph: &Graph) -> crate::Result<Box<dyn Operator>> {
        let (field, operator): (&str, Box<dyn Operator>) = match self {
            Self::Ising { h, J } => ("", Box::new(ising(hilbert, graph, *h, *J)?)),
            Self::Heisenberg { J, sign_rule } => {
                let rule = Some(sign_rule.as_slice());
                (
                    "",
                    Box::new(heisenberg(hilbert, graph, J.as_slice(), rule)?),
                )
            }
            Self::Xyz { J, h } => {
                let three = |x: &Vec<f64>| [x[0], x[1], x[2]];
                ("", Box::new(xyz(hilbert, graph, three(J), three(h))?))
            }
            Self::BoseHubbard { U, V, J, mu } => {
                ("", Box::new(bose_hubbard(hilbert, graph, *U, *V, *J, *mu)?))
            }
            Self::FermiHubbard { t, U } => ("", Box::new(fermi_hubbard(hilbert, graph, *t, *U)?)),
            Self::TV { t, V } => ("", Box::new(t_v(hilbert, graph, *t, *V)?)),
            Self::Fcidump { file } => ("file", Box::new(Fcidump::read(file)?.operator(hilbert)?)),
            Self::PauliStrings { terms } => (
                "terms",
                Box::new(texts::sum("terms", terms, |text| {
                    PauliStrings::parse(hilbert, text)
                })?),
            ),
            Self::FermionOperator { terms } => (
                "terms",
                Box::new(texts::sum("terms", terms, |text| {
                    FermionOperator::parse(hilbert, text)
                })?),
            ),
            Self::GraphOperator {
                site_ops,
                bond_ops,
                bond_ops_colors,
            } => {
                let elements = |list: &[MatrixConfig]| -> Vec<Vec<c64>> {
                    list.iter().map(MatrixConfig::elements).collect()
                };
                let (sites, bonds) = (elements(site_ops), elements(bond_ops));
                let sites: Vec<&[c64]> = sites.iter().map(|site| &site[..]).collect();
                let color = |i: usize| bond_ops_colors.as_ref().map(|colors| colors[i]);
                let bonds = bonds.iter().enumerate();
                let bonds: Vec<_> = bonds.map(|(i, bond)| (&bond[..], color(i))).collect();
                (
                    "bond_ops",
                    Box::new(graph_operator(hilbert, graph, &sites, &bonds)?),
                )
            }
            Self::LocalOperator { constant, terms } => {
                let mut sum = LocalOperator::identity(hilbert).scaled((*constant).into());
                for term in terms {
                    let matrix = term.matrix.elements();
                    let term = LocalOperator::term(hilbert, &term.sites, &matrix)?;
                    sum.add_scaled(&term, c64::ONE)?;
                }
                ("terms", Box::new(sum))
            }
        };
        if !operator.is_hermitian() {
            return Err(Error::invalid(
                field,
                "a Hermitian operator",
                "one that is not",
                "add the adjoint of each term that is not Hermitian",
            ));
        }
        Ok(operator)
    }

    /// Whether the basis is that of Marshall's sign rule.
    pub fn sign_rule(&self) -> bool {
        matches!(self, Self::Heisenberg { sign_rule, .. } if sign_rule.as_slice().contains(&true))
    }
}

/// Refuses kinds of spins 1/2 where a site has more states.
fn check_site(table: &Table<'_>, kind: &str, space: &Hilbert) -> Result<()> {
    let size = space.local_size();
    let spins = ["Ising", "Heisenberg", "XYZ", "PauliStrings"].contains(&kind);
    let fermions = ["FermiHubbard", "tV", "FCIDUMP", "FermionOperator"].contains(&kind);
    if spins && size != 2 {
        return Err(table.refuse(
            "kind",
            format!("\"LocalOperator\" where a site has {size} states"),
            format!(
                "{kind} is of spins 1/2: set `hilbert.s = 0.5` (`hilbert.n_max = 1`), or give the terms of a \
                 LocalOperator"
            ),
        ));
    }
    if fermions && space.local_states() != [0.0, 1.0] {
        return Err(table.refuse(
            "kind",
            format!("an operator of {space}"),
            format!("{kind} is of fermions: set `hilbert.kind = \"fermions\"`"),
        ));
    }
    Ok(())
}

fn read_per_color<T: Read>(table: &Table<'_>, field: &str) -> Result<Option<PerColor<T>>> {
    Ok(match table.node(field) {
        Some(node) if node.is_list() => table.optional(field)?.map(PerColor::Each),
        _ => table.optional(field)?.map(PerColor::One),
    })
}

/// A file relative to the run file, or to the working directory where it comes from the command line.
fn read_fcidump(table: &Table<'_>, n_nodes: usize) -> Result<HamiltonianConfig> {
    let file: String = table.required("file", "\"molecule.fcidump\"")?;
    let source = table
        .node("file")
        .map(|node| Path::new(&node.at.source.name));
    let folder = source.and_then(Path::parent).unwrap_or(Path::new(""));
    let path = folder.join(&file);
    // A resolved run file may lie in another folder.
    let path = std::path::absolute(&path).unwrap_or(path);
    let molecule = Fcidump::read(&path)
        .map_err(|error| table.refuse("file", format!("an FCIDUMP file: {error}"), ""))?;
    table.check(
        molecule.n_orbitals == n_nodes,
        "file",
        format!("a file of {n_nodes} orbitals, one for each site of the lattice"),
        format!(
            "it has {0}: set `lattice.extent = [{0}]`",
            molecule.n_orbitals
        ),
    )?;
    let file = path.display().to_string();
    Ok(HamiltonianConfig::Fcidump { file })
}
