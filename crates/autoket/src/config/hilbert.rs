//! The table `[hilbert]`: what lives on a site, and which states there are.

use serde::Serialize;

pub use crate::graph::Parity;
use crate::hilbert::{Constraint, Hilbert};

use super::reader::{Result, Table};

/// The table `[hilbert]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HilbertConfig {
    /// What lives on a site.
    #[serde(flatten)]
    pub site: SiteConfig,
    /// Whether the number of particles, or of steps up from the lowest states of spins, is even or odd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parity: Option<Parity>,
}

/// What lives on a site.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum SiteConfig {
    /// A spin.
    Spin {
        /// Half-integer: 0.5, 1, 1.5, ...
        s: f64,
        /// Whether local index 0 is spin down.
        inverted_ordering: bool,
        /// The sum of all z components.
        #[serde(skip_serializing_if = "Option::is_none")]
        total_sz: Option<f64>,
    },
    /// Two levels, 0 and 1.
    Qubit {
        /// How many are 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        n_particles: Option<usize>,
    },
    /// A boson mode.
    Fock {
        /// Most particles on a site.
        n_max: usize,
        /// Particles on all sites.
        #[serde(skip_serializing_if = "Option::is_none")]
        n_particles: Option<usize>,
    },
    /// An orbital of fermions, one for each spin projection.
    Fermions {
        /// Half-integer, 0.5 for electrons; without it fermions have no spin.
        #[serde(skip_serializing_if = "Option::is_none")]
        s: Option<f64>,
        /// Fermions in all orbitals.
        #[serde(skip_serializing_if = "Option::is_none")]
        n_fermions: Option<usize>,
        /// Fermions with each spin projection, from -s to s.
        #[serde(skip_serializing_if = "Option::is_none")]
        n_fermions_per_spin: Option<Vec<usize>>,
    },
}

impl HilbertConfig {
    pub(super) fn read(table: Option<&Table<'_>>) -> Result<Self> {
        let Some(table) = table else {
            let site = SiteConfig::Spin {
                s: 0.5,
                inverted_ordering: true,
                total_sz: None,
            };
            let parity = None;
            return Ok(Self { site, parity });
        };
        let kind = table.name("kind", &["spin", "qubit", "fock", "fermions"])?;
        let site = SiteConfig::read(table, kind.unwrap_or("spin"))?;
        let parity = match table.name("parity", &["even", "odd"])? {
            None => None,
            Some("even") => Some(Parity::Even),
            Some(_) => Some(Parity::Odd),
        };
        Ok(Self { site, parity })
    }

    /// The space of a lattice of `n_nodes` sites, or orbitals of fermions.
    ///
    /// # Errors
    /// Numbers of particles or spins that no state has.
    pub fn hilbert(&self, n_nodes: usize) -> crate::Result<Hilbert> {
        let hilbert = self.site.hilbert(n_nodes)?;
        match self.parity {
            None => Ok(hilbert),
            Some(parity) => hilbert.with_constraint(Constraint::parity(parity == Parity::Even)),
        }
    }

    /// States of one site.
    pub fn local_size(&self) -> usize {
        match &self.site {
            SiteConfig::Spin { s, .. } => (2.0 * s) as usize + 1,
            SiteConfig::Qubit { .. } | SiteConfig::Fermions { .. } => 2,
            SiteConfig::Fock { n_max, .. } => n_max + 1,
        }
    }

    /// Sites of the space for each of the lattice: spin projections of fermions.
    pub fn sites_per_node(&self) -> usize {
        match &self.site {
            SiteConfig::Fermions { s: Some(s), .. } => (2.0 * s) as usize + 1,
            _ => 1,
        }
    }
}

impl SiteConfig {
    fn read(table: &Table<'_>, kind: &str) -> Result<Self> {
        const SPIN: &[&str] = &["kind", "parity", "s", "inverted_ordering", "total_sz"];
        const QUBIT: &[&str] = &["kind", "parity", "n_particles"];
        const FOCK: &[&str] = &["kind", "parity", "n_max", "n_particles"];
        const FERMIONS: &[&str] = &["kind", "parity", "s", "n_fermions", "n_fermions_per_spin"];
        let check_s = |s: f64| {
            let half_integer = s > 0.0 && (2.0 * s).fract() == 0.0 && s <= 127.5;
            let expected = "a half-integer from 0.5 to 127.5";
            table.check(half_integer, "s", expected, "0.5, 1, 1.5, ...")
        };
        let n_particles = table.optional("n_particles")?;
        match kind {
            "qubit" => {
                table.only(QUBIT)?;
                Ok(Self::Qubit { n_particles })
            }
            "fock" => {
                table.only(FOCK)?;
                let n_max: usize = table.required("n_max", "3")?;
                let help = "a site has states 0 ... n_max";
                table.check(
                    (1..=255).contains(&n_max),
                    "n_max",
                    "between 1 and 255",
                    help,
                )?;
                Ok(Self::Fock { n_max, n_particles })
            }
            "fermions" => {
                table.only(FERMIONS)?;
                let s: Option<f64> = table.optional("s")?;
                s.map(check_s).transpose()?;
                let n_fermions = table.optional("n_fermions")?;
                let n_fermions_per_spin: Option<Vec<usize>> =
                    table.optional("n_fermions_per_spin")?;
                table.check(
                    n_fermions.is_none() || n_fermions_per_spin.is_none(),
                    "n_fermions",
                    "either all fermions or those with each spin",
                    "`n_fermions_per_spin` fixes their sum, too",
                )?;
                Ok(Self::Fermions {
                    s,
                    n_fermions,
                    n_fermions_per_spin,
                })
            }
            _ => {
                table.only(SPIN)?;
                let s: f64 = table.optional("s")?.unwrap_or(0.5);
                check_s(s)?;
                Ok(Self::Spin {
                    s,
                    inverted_ordering: table.optional("inverted_ordering")?.unwrap_or(true),
                    total_sz: table.optional("total_sz")?,
                })
            }
        }
    }

    fn hilbert(&self, n_nodes: usize) -> crate::Result<Hilbert> {
        let filled = |hilbert: Hilbert, n_particles: &Option<usize>| match n_particles {
            None => Ok(hilbert),
            Some(n) => hilbert.with_n_particles(*n),
        };
        match self {
            Self::Spin {
                s,
                inverted_ordering,
                total_sz,
            } => {
                let hilbert =
                    Hilbert::spin(*s, n_nodes)?.with_inverted_ordering(*inverted_ordering);
                match total_sz {
                    None => Ok(hilbert),
                    Some(total_sz) => hilbert.with_total_sz(*total_sz),
                }
            }
            Self::Qubit { n_particles } => filled(Hilbert::qubit(n_nodes)?, n_particles),
            Self::Fock { n_max, n_particles } => {
                filled(Hilbert::fock(*n_max, n_nodes)?, n_particles)
            }
            Self::Fermions {
                s,
                n_fermions,
                n_fermions_per_spin,
            } => {
                let hilbert = Hilbert::spin_orbital_fermions(n_nodes, *s)?;
                match n_fermions_per_spin {
                    None => {
                        filled(hilbert, n_fermions).map_err(|error| error.of_field("n_fermions"))
                    }
                    Some(n) => hilbert.with_n_fermions_per_spin(n),
                }
            }
        }
    }
}
