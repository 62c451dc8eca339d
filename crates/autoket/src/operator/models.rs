//! The usual Hamiltonians.

use super::LocalOperator;
use super::spin::{sigmax, sigmay, sigmaz};
use super::term::Entries;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::hilbert::Hilbert;
use crate::scalar::c64;

/// (Σ_i S_i)² of spins 1/2: S(S + 1) in a multiplet of total spin S.
///
/// Where Marshall's sign rule is on, `sublattices` has 1 or -1 for every site; see [`heisenberg`].
///
/// # Errors
/// The space has not two local states; there is not one number per site.
///
/// # Example
/// ```
/// use autoket::{exact, hilbert::Hilbert, operator::total_spin};
/// let total = total_spin(&Hilbert::spin(0.5, 3)?, None)?;
/// assert!((exact::ground_state_energy(&total)? - 0.75).abs() < 1e-12);
/// # Ok::<(), autoket::Error>(())
/// ```
pub fn total_spin(hilbert: &Hilbert, sublattices: Option<&[f64]>) -> Result<LocalOperator> {
    let n = hilbert.n_sites();
    if sublattices.is_some_and(|signs| signs.len() != n) {
        return Err(Error::invalid(
            "sublattices",
            format!("{n} numbers, one per site"),
            sublattices.map_or(0, <[f64]>::len),
            "use `Graph::sublattices`",
        ));
    }
    let apart = |&(i, j): &(usize, usize)| {
        usize::from(sublattices.is_some_and(|signs| signs[i] != signs[j]))
    };
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|j| (0..j).map(move |i| (i, j))).collect();
    let colors: Vec<usize> = pairs.iter().map(apart).collect();
    let n_colors = colors.iter().max().map_or(1, |color| color + 1);
    let complete = Graph::from_edges(n, &pairs)?.with_colors(colors)?;
    // Σ_i 3/4 + 2 Σ_{i<j} σ_i·σ_j/4.
    let rules = &[false, true][..n_colors];
    let exchange = heisenberg(hilbert, &complete, &[0.5, 0.5][..n_colors], Some(rules))?;
    Ok(exchange + LocalOperator::identity(hilbert).scaled((0.75 * n as f64).into()))
}

/// The Ising model in a transverse field, H = -h Σᵢ σˣᵢ + J Σ⟨ij⟩ σᶻᵢ σᶻⱼ.
///
/// Pauli matrices; J > 0 is antiferromagnetic. Any space of two local states.
/// NetKet: `Ising(hilbert, graph, h, J)`, whose J is 1 by default.
///
/// # Errors
/// The space has not two local states, or another number of sites than the graph;
/// `h` or `J` is not finite.
///
/// # Example
/// ```
/// use autoket::{exact, graph::Graph, hilbert::Hilbert, operator::ising};
/// let h = ising(&Hilbert::spin(0.5, 10)?, &Graph::chain(10, false)?, 1.0, 1.0)?;
/// assert!((exact::ground_state_energy(&h)? - -12.381489999654734).abs() < 1e-10);
/// # Ok::<(), autoket::Error>(())
/// ```
#[allow(non_snake_case)]
pub fn ising(hilbert: &Hilbert, graph: &Graph, h: f64, J: f64) -> Result<LocalOperator> {
    check_model("Ising", hilbert, graph)?;
    check_finite("h", h)?;
    check_finite("J", J)?;
    let mut operator = LocalOperator::new(hilbert);
    let flip = Entries::from([((0, 1), c64::ONE), ((1, 0), c64::ONE)]);
    for site in 0..hilbert.n_sites() {
        operator.add_term(vec![site as u32], flip.clone(), (-h).into());
    }
    for &(i, j) in graph.edges() {
        operator.add_term(vec![i as u32, j as u32], sigmaz_sigmaz(), J.into());
    }
    Ok(operator)
}

/// The XYZ model in a field, H = Σ⟨ij⟩ Σₐ Jₐ σᵃᵢσᵃⱼ - Σᵢ Σₐ hₐ σᵃᵢ, a = x, y, z.
///
/// Pauli matrices, on any space of two local states. With J = [0, 0, J] and h = [h, 0, 0] it is [`ising`].
///
/// # Errors
/// The space has not two local states, or another number of sites than the graph; a number is not
/// finite.
///
/// # Example
/// ```
/// use autoket::{exact, graph::Graph, hilbert::Hilbert, operator::xyz};
/// let h = xyz(&Hilbert::spin(0.5, 2)?, &Graph::chain(2, false)?, [1.0, 2.0, 3.0], [0.0; 3])?;
/// assert!((exact::ground_state_energy(&h)? - -6.0).abs() < 1e-12); // the singlet's
/// # Ok::<(), autoket::Error>(())
/// ```
#[allow(non_snake_case)]
pub fn xyz(hilbert: &Hilbert, graph: &Graph, J: [f64; 3], h: [f64; 3]) -> Result<LocalOperator> {
    check_model("XYZ", hilbert, graph)?;
    for (field, values) in [("J", J), ("h", h)] {
        for value in values {
            check_finite(field, value)?;
        }
    }
    let pauli = [sigmax, sigmay, sigmaz];
    let mut operator = LocalOperator::new(hilbert);
    for (sigma, (J, h)) in pauli.into_iter().zip(J.into_iter().zip(h)) {
        for site in 0..hilbert.n_sites() {
            operator.add_scaled(&sigma(hilbert, site)?, (-h).into())?;
        }
        for &(i, j) in graph.edges() {
            let bond = sigma(hilbert, i)?.times(&sigma(hilbert, j)?)?;
            operator.add_scaled(&bond, J.into())?;
        }
    }
    Ok(operator)
}

/// A sum of matrices on every site and every bond of a graph.
///
/// `site_ops` act on all sites, each of `bond_ops` on the bonds of its colour, or on all bonds
/// without one; matrices as in [`LocalOperator::term`], a bond's lower site first.
/// NetKet: `GraphOperator(hilbert, graph, site_ops, bond_ops, bond_ops_colors)`.
///
/// # Errors
/// The space has another number of sites than the graph; no bond has the colour; a matrix has
/// another size than one or two sites have, or is not finite.
///
/// # Example
/// ```
/// use autoket::{c64, graph::Graph, hilbert::Hilbert};
/// use autoket::operator::{graph_operator, ising};
/// let (hilbert, chain) = (Hilbert::spin(0.5, 4)?, Graph::chain(4, false)?);
/// let x = [0.0, 1.0, 1.0, 0.0].map(c64::from);
/// let mut zz = [c64::ZERO; 16];
/// (zz[0], zz[5], zz[10], zz[15]) = (1.0.into(), (-1.0).into(), (-1.0).into(), 1.0.into());
/// let h = graph_operator(&hilbert, &chain, &[&x], &[(&zz, None)])?;
/// assert_eq!(h, ising(&hilbert, &chain, -1.0, 1.0)?);
/// # Ok::<(), autoket::Error>(())
/// ```
pub fn graph_operator(
    hilbert: &Hilbert,
    graph: &Graph,
    site_ops: &[&[c64]],
    bond_ops: &[(&[c64], Option<usize>)],
) -> Result<LocalOperator> {
    check_sizes(hilbert, graph)?;
    let mut operator = LocalOperator::new(hilbert);
    let mut add = |field: String, sites: &[usize], matrix| {
        let term = LocalOperator::term(hilbert, sites, matrix);
        let term = term.map_err(|error| error.of_field(&field));
        operator.add_scaled(&term?, c64::ONE)
    };
    for (i, matrix) in site_ops.iter().enumerate() {
        for site in 0..graph.n_nodes() {
            add(format!("site_ops[{i}]"), &[site], matrix)?;
        }
    }
    for (i, &(matrix, only)) in bond_ops.iter().enumerate() {
        if let Some(color) = only.filter(|color| !graph.colors().contains(color)) {
            return Err(Error::invalid(
                format!("bond_ops_colors[{i}]"),
                "a colour of the graph's bonds",
                color,
                "colour the graph, or leave the colour out for all bonds",
            ));
        }
        for (&(a, b), &color) in graph.edges().iter().zip(graph.colors()) {
            if only.is_none_or(|only| only == color) {
                add(format!("bond_ops[{i}]"), &[a, b], matrix)?;
            }
        }
    }
    Ok(operator)
}

/// The Heisenberg model, H = Σ⟨ij⟩ J (σᶻᵢσᶻⱼ ± (σˣᵢσˣⱼ + σʸᵢσʸⱼ)).
///
/// Pauli matrices; J > 0 is antiferromagnetic. Any space of two local states.
/// `coupling` is one J for all bonds, or one per colour 0, 1, ... of the graph.
/// The sign is - where Marshall's sign rule is on: the basis in which spins on one sublattice are
/// turned by π about z, and the ground state of a bipartite antiferromagnet is positive.
/// `sign_rule` is one value for all bonds, one per colour, or `None`: on if `coupling` is one J and
/// the graph is bipartite. It is on for bonds between the sublattices and off within them: for a
/// J1-J2 model on the square lattice `&[true, false]`.
/// NetKet: `Heisenberg(hilbert, graph, J, sign_rule)`.
///
/// # Errors
/// The space has not two local states, or another number of sites than the graph; `coupling` has
/// neither one value nor one per colour; a `J` is not finite; `sign_rule` has another length than
/// `coupling`, or there are no two sublattices with the bonds between them for which it is on, and
/// no others.
///
/// # Example
/// ```
/// use autoket::{exact, graph::Graph, hilbert::Hilbert, operator::heisenberg};
/// let ring = Graph::chain(4, true)?;
/// let h = heisenberg(&Hilbert::spin(0.5, 4)?, &ring, &[1.0], None)?;
/// assert!((exact::ground_state_energy(&h)? - -8.0).abs() < 1e-12);
///
/// let square = Graph::square(4, true)?.with_neighbors(2)?;
/// let j1_j2 = heisenberg(&Hilbert::spin(0.5, 16)?, &square, &[1.0, 0.5], Some(&[true, false]))?;
/// # Ok::<(), autoket::Error>(())
/// ```
pub fn heisenberg(
    hilbert: &Hilbert,
    graph: &Graph,
    coupling: &[f64],
    sign_rule: Option<&[bool]>,
) -> Result<LocalOperator> {
    check_model("Heisenberg", hilbert, graph)?;
    let n_colors = graph.colors().iter().max().map_or(1, |color| color + 1);
    if coupling.len() != 1 && coupling.len() != n_colors {
        return Err(Error::invalid(
            "J",
            match n_colors {
                1 => "one value, all bonds having one colour".into(),
                n => format!("one value, or {n}: one per colour of the graph"),
            },
            format!("{} values", coupling.len()),
            "give as many couplings as colours, or colour the graph",
        ));
    }
    for &value in coupling {
        check_finite("J", value)?;
    }
    let on = match sign_rule {
        None => vec![coupling.len() == 1 && graph.is_bipartite(); coupling.len()],
        Some(&[on]) => vec![on; coupling.len()],
        Some(on) if on.len() == coupling.len() => on.to_vec(),
        Some(on) => {
            return Err(Error::invalid(
                "sign_rule",
                format!(
                    "one value, or one for each of the {} couplings",
                    coupling.len()
                ),
                format!("{} values", on.len()),
                "give as many values as J has",
            ));
        }
    };
    // One coupling holds for all colours.
    let index = |color: usize| color.min(coupling.len() - 1);
    let turns = on.contains(&true);
    if turns && !graph.has_sublattices(|color| on[index(color)]) {
        return Err(Error::invalid(
            "sign_rule",
            "true for bonds between two sublattices and false for those within",
            match &on[..] {
                [_] => "true".into(),
                on => format!("{on:?}"),
            },
            "turn it off: no spins can be turned so that the signs are these",
        ));
    }
    let mut operator = LocalOperator::new(hilbert);
    for (&(i, j), &color) in graph.edges().iter().zip(graph.colors()) {
        let exchange = c64::from(if on[index(color)] { -2.0 } else { 2.0 });
        let mut bond = sigmaz_sigmaz();
        bond.insert((1, 2), exchange);
        bond.insert((2, 1), exchange);
        operator.add_term(
            vec![i as u32, j as u32],
            bond,
            coupling[index(color)].into(),
        );
    }
    Ok(operator)
}

/// The Bose-Hubbard model,
/// H = -J Σ⟨ij⟩ (a†ᵢaⱼ + h.c.) + U/2 Σᵢ nᵢ(nᵢ - 1) + V Σ⟨ij⟩ nᵢnⱼ - μ Σᵢ nᵢ.
///
/// NetKet: `BoseHubbard(hilbert, graph, U, V, J, mu)`, whose J is 1, V and mu 0 by default.
///
/// # Errors
/// The space has another number of sites than the graph; a parameter is not finite.
#[allow(non_snake_case)]
pub fn bose_hubbard(
    hilbert: &Hilbert,
    graph: &Graph,
    U: f64,
    V: f64,
    J: f64,
    mu: f64,
) -> Result<LocalOperator> {
    check_sizes(hilbert, graph)?;
    for (field, value) in [("U", U), ("V", V), ("J", J), ("mu", mu)] {
        check_finite(field, value)?;
    }
    let d = hilbert.local_size() as u32;
    let mut operator = LocalOperator::new(hilbert);
    let on_site =
        |n: u32| c64::from(0.5 * U * f64::from(n) * (f64::from(n) - 1.0) - mu * f64::from(n));
    let on_site: Entries = (0..d).map(|n| ((n, n), on_site(n))).collect();
    for site in 0..hilbert.n_sites() {
        operator.add_term(vec![site as u32], on_site.clone(), c64::ONE);
    }
    let mut bond = Entries::new();
    for (n, m) in (0..d).flat_map(|n| (0..d).map(move |m| (n, m))) {
        bond.insert((n * d + m, n * d + m), (V * f64::from(n * m)).into());
        if n > 0 && m + 1 < d {
            // One boson goes over, from the column's state to the row's, or back.
            let (from, to) = (n * d + m, (n - 1) * d + m + 1);
            let hop = c64::from(-J * f64::from(n).sqrt() * f64::from(m + 1).sqrt());
            bond.insert((to, from), hop);
            bond.insert((from, to), hop);
        }
    }
    for &(i, j) in graph.edges() {
        operator.add_term(vec![i as u32, j as u32], bond.clone(), c64::ONE);
    }
    Ok(operator)
}

/// σᶻσᶻ of two-state sites: the same in either order of the local states.
fn sigmaz_sigmaz() -> Entries {
    let diagonal = [1.0, -1.0, -1.0, 1.0];
    let entry = |(n, mel): (u32, f64)| ((n, n), c64::from(mel));
    (0..).zip(diagonal).map(entry).collect()
}

fn check_model(model: &str, hilbert: &Hilbert, graph: &Graph) -> Result<()> {
    if hilbert.local_size() != 2 {
        return Err(Error::invalid(
            "hilbert",
            format!("two local states for {model}"),
            format!("{} in {hilbert}", hilbert.local_size()),
            "use spins 1/2, or build a local operator from its terms",
        ));
    }
    check_sizes(hilbert, graph)
}

pub(super) fn check_sizes(hilbert: &Hilbert, graph: &Graph) -> Result<()> {
    if hilbert.n_sites() != graph.n_nodes() {
        return Err(Error::invalid(
            "graph",
            format!("{} sites, as in {hilbert}", hilbert.n_sites()),
            format!("{} sites", graph.n_nodes()),
            "give the lattice and the Hilbert space the same number of sites",
        ));
    }
    Ok(())
}

pub(super) fn check_finite(field: &str, value: f64) -> Result<()> {
    match value.is_finite() {
        true => Ok(()),
        false => Err(Error::invalid(
            field,
            "a finite number",
            value,
            "remove NaN and infinity",
        )),
    }
}
