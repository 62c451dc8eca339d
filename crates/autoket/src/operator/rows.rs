//! Look-up tables from which the rows of a local operator are read.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Connected;
use super::term::Entries;
use crate::scalar::c64;

/// The rows of a sum of few-site matrices.
///
/// Diagonal entries of all terms are tables that are looked up and summed. The others are grouped
/// by the sites they change: only elements of one group can lead to the same σ′.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    local_size: usize,
    constant: c64,
    /// The sites of all tables, one after the other.
    sites: Vec<u32>,
    diagonals: Vec<Table>,
    diagonal_values: Vec<c64>,
    groups: Vec<Group>,
    /// Where the elements of a row start; each table's next entry ends them.
    starts: Vec<u32>,
    elements: Vec<Element>,
    changes: Vec<(u32, u8)>,
    max_conn_size: usize,
    is_hermitian: bool,
}

/// A table over the basis states of some sites.
#[derive(Clone, Debug)]
struct Table {
    sites: Range<usize>,
    first: usize,
}

/// All tables whose elements change the same sites.
#[derive(Clone, Debug)]
struct Group {
    tables: Vec<Table>,
}

#[derive(Clone, Copy, Debug)]
struct Element {
    mel: c64,
    first_change: u32,
    last_change: u32,
}

impl Rows {
    pub fn new(
        local_size: usize,
        constant: c64,
        terms: &BTreeMap<Vec<u32>, Entries>,
        is_hermitian: bool,
    ) -> Self {
        let mut rows = Self {
            local_size,
            constant,
            sites: Vec::new(),
            diagonals: Vec::new(),
            diagonal_values: Vec::new(),
            groups: Vec::new(),
            starts: Vec::new(),
            elements: Vec::new(),
            changes: Vec::new(),
            max_conn_size: 0,
            is_hermitian,
        };
        // By the sites they change, then by term, then by row: (row, changes, mel).
        type Found = Vec<(u32, Vec<(u32, u8)>, c64)>;
        let mut groups: BTreeMap<Vec<u32>, BTreeMap<&Vec<u32>, Found>> = BTreeMap::new();
        for (sites, entries) in terms {
            let n_states = local_size.pow(sites.len() as u32);
            if entries.keys().any(|(row, column)| row == column) {
                let table = rows.table(sites, rows.diagonal_values.len());
                rows.diagonals.push(table);
                let values =
                    (0..n_states as u32).map(|n| entries.get(&(n, n)).copied().unwrap_or_default());
                rows.diagonal_values.extend(values);
            }
            for (&(row, column), &mel) in entries.iter().filter(|((r, c), _)| r != c) {
                let changes: Vec<(u32, u8)> = changes(local_size, sites, row, column)
                    .into_iter()
                    .map(|(site, _, new)| (site, new))
                    .collect();
                let changed = changes.iter().map(|&(site, _)| site).collect();
                let group: &mut BTreeMap<_, Found> = groups.entry(changed).or_default();
                group.entry(sites).or_default().push((row, changes, mel));
            }
        }
        let has_diagonal = constant != c64::ZERO || !rows.diagonals.is_empty();
        rows.max_conn_size = usize::from(has_diagonal);
        for (changed, group) in groups {
            let mut bound = 0_usize;
            let mut tables = Vec::new();
            for (sites, found) in group {
                let n_states = local_size.pow(sites.len() as u32) as u32;
                tables.push(rows.table(sites, rows.starts.len()));
                let mut found = found.into_iter().peekable();
                let mut longest = 0;
                for state in 0..n_states {
                    let first = rows.elements.len();
                    rows.starts.push(first as u32);
                    while let Some((_, changes, mel)) = found.next_if(|(row, ..)| *row == state) {
                        let first_change = rows.changes.len() as u32;
                        rows.changes.extend(changes);
                        rows.elements.push(Element {
                            mel,
                            first_change,
                            last_change: rows.changes.len() as u32,
                        });
                    }
                    longest = longest.max(rows.elements.len() - first);
                }
                rows.starts.push(rows.elements.len() as u32);
                bound += longest;
            }
            let possible = (local_size - 1).checked_pow(changed.len() as u32);
            rows.max_conn_size += bound.min(possible.unwrap_or(usize::MAX));
            rows.groups.push(Group { tables });
        }
        rows
    }

    fn table(&mut self, sites: &[u32], first: usize) -> Table {
        let start = self.sites.len();
        self.sites.extend(sites);
        Table {
            sites: start..self.sites.len(),
            first,
        }
    }

    pub fn max_conn_size(&self) -> usize {
        self.max_conn_size
    }

    pub fn is_hermitian(&self) -> bool {
        self.is_hermitian
    }

    /// The entry of a table for `sigma`.
    #[inline]
    fn entry(&self, table: &Table, sigma: &[u8]) -> usize {
        let sites = &self.sites[table.sites.clone()];
        let number = sites.iter().fold(0, |number, &site| {
            number * self.local_size + usize::from(sigma[site as usize])
        });
        table.first + number
    }

    #[inline]
    fn elements(&self, table: &Table, sigma: &[u8]) -> &[Element] {
        let entry = self.entry(table, sigma);
        &self.elements[self.starts[entry] as usize..self.starts[entry + 1] as usize]
    }

    #[inline]
    fn changes(&self, element: &Element) -> &[(u32, u8)] {
        &self.changes[element.first_change as usize..element.last_change as usize]
    }

    pub fn connected(&self, sigma: &[u8], out: &mut Connected) {
        out.clear();
        let mut diagonal = self.constant;
        for table in &self.diagonals {
            diagonal += self.diagonal_values[self.entry(table, sigma)];
        }
        if diagonal != c64::ZERO {
            out.push(diagonal, &[]);
        }
        for group in &self.groups {
            if let [table] = &group.tables[..] {
                for element in self.elements(table, sigma) {
                    out.push(element.mel, self.changes(element));
                }
                continue;
            }
            let first = out.len();
            for table in &group.tables {
                for element in self.elements(table, sigma) {
                    out.merge(first, element.mel, self.changes(element));
                }
            }
            out.drop_zeros(first);
        }
    }
}

/// What turns state `row` of some sites into state `column`: (site, old, new).
pub(super) fn changes(
    local_size: usize,
    sites: &[u32],
    row: u32,
    column: u32,
) -> Vec<(u32, u8, u8)> {
    let d = local_size as u32;
    let digit = |n: u32, position: usize| n / d.pow((sites.len() - 1 - position) as u32) % d;
    (sites.iter().enumerate())
        .map(|(position, &site)| {
            (
                site,
                digit(row, position) as u8,
                digit(column, position) as u8,
            )
        })
        .filter(|(_, old, new)| old != new)
        .collect()
}
