//! The few-site matrices that a local operator is a sum of.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::scalar::c64;

/// The most basis states of the sites of one term: 16 spins 1/2.
const MAX_TERM_STATES: usize = 1 << 16;
/// The most entries of a product of two terms.
const MAX_TERM_ENTRIES: usize = 1 << 24;
/// Entries this much smaller than what they were summed from are rounding, and dropped.
pub const CANCELLATION: f64 = 1e-14;

/// The non-zero entries of a term's matrix: (row, column) over its sites, the first most significant.
pub type Entries = BTreeMap<(u32, u32), c64>;

/// `a + b`, or zero if what is left is rounding.
pub fn cancel(a: c64, b: c64) -> c64 {
    let sum = a + b;
    match is_rounding(sum, a.norm().max(b.norm())) {
        true => c64::ZERO,
        false => sum,
    }
}

/// Is a sum of numbers of this size nothing but rounding? What has overflown is not.
pub fn is_rounding(sum: c64, scale: f64) -> bool {
    scale.is_finite() && sum.norm() <= CANCELLATION * scale
}

pub fn is_hermitian(constant: c64, terms: &BTreeMap<Vec<u32>, Entries>) -> bool {
    let largest = terms.values().flat_map(Entries::values);
    let largest = largest.fold(constant.norm(), |max, mel| max.max(mel.norm()));
    let close = |a: c64, b: c64| (a - b.conj()).norm() <= 1e-12 * largest;
    let hermitian = |entries: &Entries| {
        entries.iter().all(|(&(row, column), &mel)| {
            let transposed = entries.get(&(column, row));
            close(mel, transposed.copied().unwrap_or_default())
        })
    };
    close(constant, constant) && terms.values().all(hermitian)
}

pub fn check_sites(hilbert: &Hilbert, sites: &[usize]) -> Result<()> {
    let n_sites = hilbert.n_sites();
    if sites.is_empty() {
        return Err(Error::invalid(
            "sites",
            "at least one site",
            "none",
            "use a multiple of the identity for a constant",
        ));
    }
    for (position, &site) in sites.iter().enumerate() {
        if site >= n_sites {
            return Err(Error::invalid(
                "sites",
                format!("sites from 0 to {}", n_sites - 1),
                site,
                "number sites from 0, or take a larger lattice",
            ));
        }
        if sites[..position].contains(&site) {
            return Err(Error::invalid(
                "sites",
                "different sites",
                format!("site {site} twice"),
                "give each site once",
            ));
        }
    }
    Ok(())
}

/// d^k if a term may have that many states.
pub fn term_states(d: usize, k: usize) -> Result<usize> {
    let states = d.checked_pow(k as u32);
    states
        .filter(|&n| n <= MAX_TERM_STATES)
        .ok_or_else(|| Error::TooLarge {
            what: format!("a term on {k} sites"),
            needed: format!("{d}^{k} states"),
            limit: format!("{MAX_TERM_STATES} states"),
            cure: "split it into terms on fewer sites".into(),
        })
}

/// The matrix on the other sites, if this is that times the identity of the site with digit `stride`.
pub fn without_idle_site(d: u32, stride: u32, entries: &Entries) -> Option<Entries> {
    let digit = |n: u32| n / stride % d;
    let shorten = |n: u32| n / (stride * d) * stride + n % stride;
    let rest: Entries = (entries.iter())
        .filter(|((row, _), _)| digit(*row) == 0)
        .map(|(&(row, column), &mel)| ((shorten(row), shorten(column)), mel))
        .collect();
    let same = |(&(row, column), mel): (&(u32, u32), &c64)| {
        digit(row) == digit(column) && rest.get(&(shorten(row), shorten(column))) == Some(mel)
    };
    (entries.len() == rest.len() * d as usize && entries.iter().all(same)).then_some(rest)
}

type Term<'a> = (&'a Vec<u32>, &'a Entries);

/// The product of two terms, on the union of their sites.
pub fn multiply(d: usize, a: Term, b: Term) -> Result<(Vec<u32>, Entries)> {
    let mut sites: Vec<u32> = a.0.iter().chain(b.0).copied().collect();
    sites.sort_unstable();
    sites.dedup();
    term_states(d, sites.len())?;
    // Where a state of one term's sites that are in `part` stands among those of the union.
    let spread = |term: &[u32], part: &dyn Fn(u32) -> bool| -> Vec<u32> {
        let place = |site| sites.len() - 1 - sites.partition_point(|&other| other < site);
        let strides: Vec<usize> = (term.iter())
            .map(|&site| usize::from(part(site)) * d.pow(place(site) as u32))
            .collect();
        (0..d.pow(term.len() as u32))
            .map(|mut n| {
                let digits = strides.iter().rev().map(|stride| {
                    let digit = n % d;
                    n /= d;
                    digit * stride
                });
                digits.sum::<usize>() as u32
            })
            .collect()
    };
    let all = |_| true;
    let shared = |site| a.0.contains(&site) && b.0.contains(&site);
    let alone = |site| !shared(site);
    let (a_all, a_shared, a_alone) = (spread(a.0, &all), spread(a.0, &shared), spread(a.0, &alone));
    let (b_all, b_shared, b_alone) = (spread(b.0, &all), spread(b.0, &shared), spread(b.0, &alone));
    let mut b_by_row: BTreeMap<u32, Vec<(u32, u32, c64)>> = BTreeMap::new();
    for (&(row, column), &mel) in b.1 {
        let rows = b_by_row.entry(b_shared[row as usize]).or_default();
        rows.push((b_alone[row as usize], b_all[column as usize], mel));
    }
    let mut sums: BTreeMap<(u32, u32), (c64, f64)> = BTreeMap::new();
    for (&(row, column), &mel) in a.1 {
        let (row, column) = (row as usize, column as usize);
        for &(b_row, b_column, b_mel) in b_by_row.get(&a_shared[column]).into_iter().flatten() {
            let at = (a_all[row] + b_row, a_alone[column] + b_column);
            let (sum, scale) = sums.entry(at).or_default();
            *sum += mel * b_mel;
            *scale = scale.max((mel * b_mel).norm());
        }
        if sums.len() > MAX_TERM_ENTRIES {
            return Err(Error::TooLarge {
                what: format!("the product of terms on sites {:?} and {:?}", a.0, b.0),
                needed: format!("more than {} entries", sums.len()),
                limit: format!("{MAX_TERM_ENTRIES} entries"),
                cure: "multiply operators on fewer sites".into(),
            });
        }
    }
    let kept = sums.into_iter();
    let kept = kept.filter(|(_, (sum, scale))| !is_rounding(*sum, *scale));
    Ok((sites, kept.map(|(at, (sum, _))| (at, sum)).collect()))
}
