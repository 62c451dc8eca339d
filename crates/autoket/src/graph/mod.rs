//! Lattices as graphs: sites, and the bonds between them.

pub mod order;

use std::collections::BTreeSet;

use crate::error::{Error, Result};

/// Sites 0, 1, ..., and bonds between pairs of them, each with a colour.
///
/// Grids are row-major: the last coordinate runs fastest. A bond is `(i, j)` with i < j.
/// The bonds of a grid come by site, then by direction: compare them with NetKet's as sets.
/// NetKet: `Graph`, `Chain`, `Square`, `Hypercube` and `Grid`.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    n_nodes: usize,
    edges: Vec<(usize, usize)>,
    colors: Vec<usize>,
    grid: Option<Grid>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Grid {
    extent: Vec<usize>,
    pbc: Vec<bool>,
}

impl Grid {
    /// Nearest neighbours and the direction that joins them.
    fn bonds(&self, n_nodes: usize) -> Vec<(usize, usize, usize)> {
        let mut bonds = Vec::new();
        for site in 0..n_nodes {
            let mut stride = n_nodes;
            for (axis, (&l, &periodic)) in self.extent.iter().zip(&self.pbc).enumerate() {
                stride /= l;
                let x = site / stride % l;
                if x + 1 < l {
                    bonds.push((site, site + stride, axis));
                } else if periodic && l > 2 {
                    bonds.push((site - x * stride, site, axis));
                }
            }
        }
        bonds
    }

    /// The site one `step` away, unless it is beyond an open end.
    fn neighbor(&self, site: usize, step: &[isize]) -> Option<usize> {
        let (mut rest, mut stride, mut neighbor) = (site, 1, 0);
        for axis in (0..self.extent.len()).rev() {
            let l = self.extent[axis] as isize;
            let x = (rest % self.extent[axis]) as isize + step[axis];
            if !(self.pbc[axis] || (0..l).contains(&x)) {
                return None;
            }
            neighbor += x.rem_euclid(l) as usize * stride;
            rest /= self.extent[axis];
            stride *= self.extent[axis];
        }
        Some(neighbor)
    }
}

fn square_length(step: &[isize]) -> usize {
    step.iter().map(|x| x.unsigned_abs().pow(2)).sum()
}

/// All steps of at most `reaches` in every direction, either way.
fn steps(reaches: &[usize]) -> Vec<Vec<isize>> {
    let start = vec![Vec::new()];
    reaches.iter().fold(start, |steps, &reach| {
        let reach = reach as isize;
        let longer = |step: &Vec<isize>, x| step.iter().copied().chain([x]).collect();
        (steps.iter())
            .flat_map(|step| (-reach..=reach).map(move |x| longer(step, x)))
            .collect()
    })
}

fn not_a_grid(cure: &str) -> Error {
    Error::invalid(
        "graph",
        "a chain, square, hypercube or grid",
        "a graph from a list of bonds",
        cure,
    )
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
        if extent.is_empty() {
            return Err(Error::invalid(
                "extent",
                "at least one direction",
                "none",
                "give one extent per direction, as in [4, 6]",
            ));
        }
        if pbc.len() != extent.len() {
            return Err(Error::invalid(
                "pbc",
                format!("{} values, one per direction", extent.len()),
                format!("{} values", pbc.len()),
                "give one value for every extent",
            ));
        }
        for (axis, (&l, &periodic)) in extent.iter().zip(pbc).enumerate() {
            if l == 0 {
                return Err(Error::invalid(
                    format!("extent[{axis}]"),
                    "at least 1",
                    l,
                    "give the number of sites in this direction",
                ));
            }
            if l == 1 && periodic {
                return Err(Error::invalid(
                    format!("extent[{axis}]"),
                    "at least 2 in a periodic direction",
                    l,
                    format!("set pbc[{axis}] to false: a lone site would neighbour itself"),
                ));
            }
        }
        let n_nodes = extent.iter().try_fold(1_usize, |n, &l| n.checked_mul(l));
        let n_nodes = n_nodes
            .filter(|&n| u32::try_from(n).is_ok())
            .ok_or_else(|| {
                Error::invalid(
                    "extent",
                    "fewer than 2^32 sites",
                    format!("{extent:?}"),
                    "take a smaller lattice",
                )
            })?;
        let grid = Grid {
            extent: extent.to_vec(),
            pbc: pbc.to_vec(),
        };
        let edges: Vec<_> = grid
            .bonds(n_nodes)
            .iter()
            .map(|&(i, j, _)| (i, j))
            .collect();
        Ok(Self {
            n_nodes,
            colors: vec![0; edges.len()],
            edges,
            grid: Some(grid),
        })
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
            grid: None,
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

    /// The same grid with its nearest-neighbour bonds coloured by direction, 0 for the first.
    ///
    /// NetKet: `Grid(..., color_edges=True)`, except that a periodic direction of extent 2 keeps
    /// its single bonds.
    ///
    /// # Errors
    /// The graph is not a grid.
    pub fn with_direction_colors(mut self) -> Result<Self> {
        let grid = self
            .grid
            .as_ref()
            .ok_or_else(|| not_a_grid("use `with_colors`"))?;
        let bonds = grid.bonds(self.n_nodes);
        self.edges = bonds.iter().map(|&(i, j, _)| (i, j)).collect();
        self.colors = bonds.iter().map(|&(.., axis)| axis).collect();
        Ok(self)
    }

    /// The same grid with bonds up to the `max_neighbor_order`-th nearest neighbours, their colour
    /// the order less one.
    ///
    /// Distances are Euclidean, in steps of the lattice. A pair joined by several paths of one
    /// length has one bond of that colour.
    /// NetKet: `Grid(..., max_neighbor_order)`.
    ///
    /// # Errors
    /// The graph is not a grid; the order is 0, more than the lattice has distances, or so long
    /// that a site would neighbour itself around a periodic direction.
    ///
    /// # Example
    /// ```
    /// use autoket::graph::Graph;
    /// let square = Graph::square(4, true)?.with_neighbors(2)?; // J1-J2
    /// assert_eq!(square.colors().iter().filter(|color| **color == 1).count(), 32);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn with_neighbors(mut self, max_neighbor_order: usize) -> Result<Self> {
        let refuse = |expected: String, cure: &str| {
            Error::invalid("max_neighbor_order", expected, max_neighbor_order, cure)
        };
        let grid = self
            .grid
            .as_ref()
            .ok_or_else(|| not_a_grid("list its further bonds too"))?;
        if max_neighbor_order == 0 {
            return Err(refuse("at least 1".into(), "1 is nearest neighbours only"));
        }
        let reach = |(&l, &periodic): (&usize, &bool)| match periodic {
            true => max_neighbor_order.min(l),
            false => max_neighbor_order.min(l - 1),
        };
        let reaches: Vec<usize> = grid.extent.iter().zip(&grid.pbc).map(reach).collect();
        let steps = steps(&reaches);
        let mut lengths: Vec<usize> = steps.iter().map(|step| square_length(step)).collect();
        lengths.sort_unstable();
        lengths.dedup();
        lengths.retain(|&length| (1..=max_neighbor_order.saturating_pow(2)).contains(&length));
        if lengths.len() < max_neighbor_order {
            return Err(refuse(
                format!("at most {}, the distances in this lattice", lengths.len()),
                "lower it",
            ));
        }
        let mut bonds = BTreeSet::new();
        for site in 0..self.n_nodes {
            for step in &steps {
                let length = square_length(step);
                let Some(color) = lengths[..max_neighbor_order]
                    .iter()
                    .position(|l| *l == length)
                else {
                    continue;
                };
                match grid.neighbor(site, step) {
                    Some(other) if other == site => {
                        return Err(refuse(
                            "an order within half of every periodic direction".into(),
                            "lower it: a site would neighbour itself",
                        ));
                    }
                    Some(other) => {
                        bonds.insert((color, site.min(other), site.max(other)));
                    }
                    None => {}
                }
            }
        }
        self.edges = bonds.iter().map(|&(_, i, j)| (i, j)).collect();
        self.colors = bonds.iter().map(|&(color, ..)| color).collect();
        Ok(self)
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

    /// The number of sites in each direction, if the graph is a grid.
    pub fn extent(&self) -> Option<&[usize]> {
        self.grid.as_ref().map(|grid| &grid.extent[..])
    }

    /// Which directions are periodic, if the graph is a grid.
    pub fn pbc(&self) -> Option<&[bool]> {
        self.grid.as_ref().map(|grid| &grid.pbc[..])
    }

    /// Whether the sites split into two sets with bonds only between them.
    pub fn is_bipartite(&self) -> bool {
        self.has_sublattices(|_| true)
    }

    /// Whether the sites split into two sets such that bonds of some colours are between them and
    /// all others within.
    pub(crate) fn has_sublattices(&self, between: impl Fn(usize) -> bool) -> bool {
        let mut neighbors = vec![Vec::new(); self.n_nodes];
        for (&(i, j), &color) in self.edges.iter().zip(&self.colors) {
            neighbors[i].push((j, between(color)));
            neighbors[j].push((i, between(color)));
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
                        Some(there) if there != expected => return false,
                        Some(_) => {}
                    }
                }
            }
        }
        true
    }
}
