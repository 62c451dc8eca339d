//! Lattices as graphs: sites, and the bonds between them.

mod bonds;
mod draw;
mod isometries;
mod lattice;
mod named;
pub mod order;
mod symmetry;

pub use lattice::Lattice;
pub use symmetry::{Parity, Permutation, Sector, SymmetryGroup};

use crate::error::{Error, Result};

/// A bond that every cell of a lattice has: from its site `from` along a vector to a site `to` of the same or another cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomEdge {
    /// Where it starts, by the number of the site in its cell.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// From the one to the other.
    pub vector: Vec<f64>,
    /// Its colour.
    pub color: usize,
}

/// Sites 0, 1, ..., and bonds between pairs of them, each with a colour.
///
/// Sites are numbered as in [`Lattice`]; of a grid the last coordinate runs fastest. A bond is `(i, j)` with i < j.
/// The bonds of a lattice come by colour, then by site, then by direction: compare them with NetKet's as sets.
/// NetKet: `Graph`, `Chain`, `Square`, `Hypercube`, `Cube`, `Grid` and the lattices of their names.
///
/// # Example
/// ```
/// use autoket::graph::Graph;
/// let square = Graph::square(3, false)?;
/// assert_eq!(square.n_nodes(), 9);
/// assert_eq!(square.edges().len(), 12);
/// assert_eq!(square.edges()[..2], [(0, 3), (0, 1)]);
/// assert!(square.is_bipartite());
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    n_nodes: usize,
    edges: Vec<(usize, usize)>,
    colors: Vec<usize>,
    lattice: Option<Lattice>,
}

impl Graph {
    /// A chain of `n` sites, closed to a ring if `pbc`.
    ///
    /// # Errors
    /// As [`Graph::grid`].
    pub fn chain(n: usize, pbc: bool) -> Result<Self> {
        Self::grid(&[n], &[pbc])
    }

    /// A square lattice of `l` × `l` sites, a torus if `pbc`.
    ///
    /// # Errors
    /// As [`Graph::grid`].
    pub fn square(l: usize, pbc: bool) -> Result<Self> {
        Self::hypercube(l, 2, pbc)
    }

    /// A hypercubic lattice of `l` sites in each of `n_dim` directions.
    ///
    /// # Errors
    /// As [`Graph::grid`].
    pub fn hypercube(l: usize, n_dim: usize, pbc: bool) -> Result<Self> {
        Self::grid(&vec![l; n_dim], &vec![pbc; n_dim])
    }

    /// A rectangular lattice in any number of dimensions, each direction open or periodic.
    ///
    /// A periodic direction of extent 2 has one bond per pair, not two. All bonds have colour 0
    /// ([`with_direction_colors`](Self::with_direction_colors)).
    ///
    /// # Errors
    /// There is no direction; an extent is 0, or 1 and periodic (a site would neighbour itself);
    /// `pbc` has another length than `extent`; the number of sites overflows.
    pub fn grid(extent: &[usize], pbc: &[bool]) -> Result<Self> {
        let lattice = Lattice::grid(extent, pbc)?;
        let lone = |(&l, &periodic): (&usize, &bool)| l == 1 && periodic;
        if let Some(axis) = extent.iter().zip(pbc).position(lone) {
            return Err(Error::invalid(
                format!("extent[{axis}]"),
                "at least 2 in a periodic direction",
                1,
                format!("set pbc[{axis}] to false: a lone site would neighbour itself"),
            ));
        }
        Self::from_lattice(lattice)
    }

    /// The nearest neighbours of a lattice, a pair joined in several ways once.
    ///
    /// All bonds have colour 0 ([`with_neighbors`](Self::with_neighbors) for further ones,
    /// [`with_direction_colors`](Self::with_direction_colors) for colours by direction).
    ///
    /// # Errors
    /// A site would neighbour itself around a periodic direction.
    pub fn from_lattice(lattice: Lattice) -> Result<Self> {
        let bonds = bonds::by_length(&lattice, 1)?;
        Ok(Self::of_bonds(lattice, &bonds))
    }

    fn of_bonds(lattice: Lattice, bonds: &[(usize, usize, usize)]) -> Self {
        Self {
            n_nodes: lattice.n_sites(),
            edges: bonds.iter().map(|&(i, j, _)| (i, j)).collect(),
            colors: bonds.iter().map(|&(.., color)| color).collect(),
            lattice: Some(lattice),
        }
    }

    /// Any graph of `n` sites, from its bonds in any order.
    ///
    /// A bond given twice counts twice, as in NetKet. All bonds have colour 0.
    ///
    /// # Errors
    /// `n` is 0; a bond names a site the graph lacks, or joins a site to itself.
    pub fn from_edges(n: usize, edges: &[(usize, usize)]) -> Result<Self> {
        if n == 0 {
            return Err(Error::invalid(
                "n_sites",
                "at least 1",
                n,
                "give the number of lattice sites",
            ));
        }
        for (bond, &(i, j)) in edges.iter().enumerate() {
            let field = format!("edges[{bond}]");
            if i >= n || j >= n {
                return Err(Error::invalid(
                    field,
                    format!("sites from 0 to {}", n - 1),
                    format!("({i}, {j})"),
                    "number sites from 0, or raise the number of sites",
                ));
            }
            if i == j {
                return Err(Error::invalid(
                    field,
                    "two different sites",
                    format!("({i}, {j})"),
                    "remove the bond",
                ));
            }
        }
        Ok(Self {
            n_nodes: n,
            edges: edges.iter().map(|&(i, j)| (i.min(j), i.max(j))).collect(),
            colors: vec![0; edges.len()],
            lattice: None,
        })
    }

    /// The same graph with a colour for every bond, in the order of [`edges`](Self::edges).
    ///
    /// # Errors
    /// `colors` has another length.
    pub fn with_colors(mut self, colors: Vec<usize>) -> Result<Self> {
        if colors.len() != self.edges.len() {
            return Err(Error::invalid(
                "colors",
                format!("{} values, one per bond", self.edges.len()),
                format!("{} values", colors.len()),
                "give one colour for every bond",
            ));
        }
        self.colors = colors;
        Ok(self)
    }

    /// The same lattice with its nearest-neighbour bonds coloured by direction.
    ///
    /// Of a grid the colour is the number of the direction; in general directions are in descending order,
    /// component by component, each taken so that its first component that is not 0 is positive.
    /// NetKet: `Grid(..., color_edges=True)`, except that a periodic direction of extent 2 keeps
    /// its single bonds, and `KitaevHoneycomb`.
    ///
    /// # Errors
    /// The graph is not a lattice.
    pub fn with_direction_colors(self) -> Result<Self> {
        let lattice = self.into_lattice("use `with_colors`")?;
        let bonds = bonds::by_direction(&lattice)?;
        Ok(Self::of_bonds(lattice, &bonds))
    }

    /// The same lattice with bonds up to the `max_neighbor_order`-th nearest neighbours, their colour
    /// the order less one.
    ///
    /// Distances are Euclidean. A pair joined by several paths of one length has one bond of that colour.
    /// NetKet: `Lattice(..., max_neighbor_order)`.
    ///
    /// # Errors
    /// The graph is not a lattice; the order is 0, more than the lattice has distances, or so long
    /// that a site would neighbour itself around a periodic direction.
    ///
    /// # Example
    /// ```
    /// use autoket::graph::Graph;
    /// let square = Graph::square(4, true)?.with_neighbors(2)?; // J1-J2
    /// assert_eq!(square.colors().iter().filter(|color| **color == 1).count(), 32);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn with_neighbors(self, max_neighbor_order: usize) -> Result<Self> {
        let lattice = self.into_lattice("list its further bonds too")?;
        if max_neighbor_order == 0 {
            return Err(Error::invalid(
                "max_neighbor_order",
                "at least 1",
                0,
                "1 is nearest neighbours only",
            ));
        }
        let bonds = bonds::by_length(&lattice, max_neighbor_order)?;
        Ok(Self::of_bonds(lattice, &bonds))
    }

    /// The same lattice with the copies of some bonds in every cell, and no others.
    ///
    /// A pair joined in two ways has two bonds, as around a periodic direction of extent 2.
    /// NetKet: `Lattice(..., custom_edges)`.
    ///
    /// # Errors
    /// The graph is not a lattice; a vector does not lead from such a site to such a site, is longer than the
    /// lattice, or leads back to the same site.
    ///
    /// # Example
    /// ```
    /// use autoket::graph::{CustomEdge, Graph};
    /// let diagonal = CustomEdge { from: 0, to: 0, vector: vec![1.0, 1.0], color: 3 };
    /// let square = Graph::square(3, false)?.with_custom_edges(&[diagonal])?;
    /// assert_eq!(square.edges(), [(0, 4), (1, 5), (3, 7), (4, 8)]);
    /// assert_eq!(square.colors(), [3; 4]);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn with_custom_edges(self, edges: &[CustomEdge]) -> Result<Self> {
        let lattice = self.into_lattice("list its bonds")?;
        let bonds = bonds::custom(&lattice, edges)?;
        Ok(Self::of_bonds(lattice, &bonds))
    }

    /// The same sites, and the lattice if there is one, with other bonds: `(i, j, colour)`.
    ///
    /// # Errors
    /// As [`from_edges`](Self::from_edges).
    pub fn with_edges(self, edges: &[(usize, usize, usize)]) -> Result<Self> {
        let pairs: Vec<_> = edges.iter().map(|&(i, j, _)| (i, j)).collect();
        let graph = Self::from_edges(self.n_nodes, &pairs)?;
        Ok(Self {
            lattice: self.lattice,
            colors: edges.iter().map(|&(.., color)| color).collect(),
            ..graph
        })
    }

    fn into_lattice(self, cure: &str) -> Result<Lattice> {
        self.lattice.ok_or_else(|| not_a_lattice(cure))
    }

    /// Where the sites are, if the graph is a lattice.
    pub fn lattice(&self) -> Option<&Lattice> {
        self.lattice.as_ref()
    }

    /// The number of sites.
    pub fn n_nodes(&self) -> usize {
        self.n_nodes
    }

    /// The neighbours of each node, ascending.
    pub fn adjacency_list(&self) -> Vec<Vec<usize>> {
        let mut lists = vec![Vec::new(); self.n_nodes()];
        for &(i, j) in self.edges() {
            lists[i].push(j);
            lists[j].push(i);
        }
        for list in &mut lists {
            list.sort_unstable();
            list.dedup();
        }
        lists
    }

    /// The bonds `(i, j)`, i < j.
    pub fn edges(&self) -> &[(usize, usize)] {
        &self.edges
    }

    /// The colour of every bond.
    pub fn colors(&self) -> &[usize] {
        &self.colors
    }

    /// The number of cells in each direction, if the graph is a lattice.
    pub fn extent(&self) -> Option<&[usize]> {
        self.lattice.as_ref().map(Lattice::extent)
    }

    /// Which directions are periodic, if the graph is a lattice.
    pub fn pbc(&self) -> Option<&[bool]> {
        self.lattice.as_ref().map(Lattice::pbc)
    }

    /// Whether the sites split into two sets with bonds only between them.
    pub fn is_bipartite(&self) -> bool {
        self.has_sublattices(|_| true)
    }

    /// Whether the sites split into two sets such that bonds of some colours are between them and
    /// all others within.
    pub(crate) fn has_sublattices(&self, between: impl Fn(usize) -> bool) -> bool {
        self.sides(|color| Some(between(color))).is_some()
    }

    /// 1 and -1 on the two sublattices of the nearest neighbours, site 0 on the first: bonds of all colours, if
    /// these are bipartite, or else of colour 0.
    pub fn sublattices(&self) -> Option<Vec<f64>> {
        let nearest = || self.sides(|color| (color == 0).then_some(true));
        let sides = self.sides(|_| Some(true)).or_else(nearest)?;
        let sign = |&other: &bool| if other { -1.0 } else { 1.0 };
        Some(sides.iter().map(sign).collect())
    }

    /// On which of two sides each site is, if bonds of a colour join different sides, or the same, or do not count.
    fn sides(&self, across: impl Fn(usize) -> Option<bool>) -> Option<Vec<bool>> {
        let mut neighbors = vec![Vec::new(); self.n_nodes];
        for (&(i, j), &color) in self.edges.iter().zip(&self.colors) {
            if let Some(across) = across(color) {
                neighbors[i].push((j, across));
                neighbors[j].push((i, across));
            }
        }
        let mut side = vec![None; self.n_nodes];
        let mut open = Vec::new();
        for root in 0..self.n_nodes {
            if side[root].is_some() {
                continue;
            }
            side[root] = Some(false);
            open.push((root, false));
            while let Some((i, here)) = open.pop() {
                for &(j, across) in &neighbors[i] {
                    let expected = here != across;
                    match side[j] {
                        None => {
                            side[j] = Some(expected);
                            open.push((j, expected));
                        }
                        Some(there) if there != expected => return None,
                        Some(_) => {}
                    }
                }
            }
        }
        side.into_iter().collect()
    }
}

fn not_a_lattice(cure: &str) -> Error {
    Error::invalid("graph", "a lattice", "a graph from a list of bonds", cure)
}
