//! Modules as a table, as Flax prints it.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::Call;
use super::{
    Array, CALL, InitOptions, Module, Rngs, TabulateOptions, Tree, Variable, Variables, apply,
};
use crate::error::Result;

/// The lines of a cell.
type Cell = Vec<String>;

/// Elements and bytes.
#[derive(Clone, Copy, Default, PartialEq)]
struct Size {
    count: usize,
    bytes: usize,
}

impl Size {
    fn of(tree: &Tree) -> Self {
        let mut size = Self::default();
        for array in tree.values().flat_map(Variable::arrays) {
            size.add(Self {
                count: array.size(),
                bytes: array.bytes(),
            });
        }
        size
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
    }

    /// `1,546 (12.4 KB)`, nothing for nothing.
    fn text(self) -> String {
        if self.count == 0 {
            return String::new();
        }
        let of = |unit: f64| format!("{:.1}", self.bytes as f64 / unit);
        let (number, unit) = match self.bytes {
            1_000_000_001.. => (of(1e9), "GB"),
            1_000_001.. => (of(1e6), "MB"),
            1_001.. => (of(1e3), "KB"),
            _ => (self.bytes.to_string(), "B"),
        };
        let count = grouped(&self.count.to_string());
        format!("{count} ({} {unit})", grouped(&number))
    }
}

pub(super) fn module_paths(
    module: &dyn Module,
    rngs: Rngs,
    inputs: &[Array],
) -> Result<Vec<(String, Box<dyn Module>)>> {
    let (calls, _) = apply::trace(module, rngs, inputs, &InitOptions::default())?;
    let first = first_calls(&calls, &TabulateOptions::default());
    let named = calls.into_iter().zip(first).filter(|(_, first)| *first);
    Ok(named
        .map(|(call, _)| (call.path.join("/"), call.module))
        .collect())
}

/// Is a call the first of its module?
fn first_calls(calls: &[Call], options: &TabulateOptions) -> Vec<bool> {
    let mut visited = BTreeSet::new();
    let is_first = |call: &Call| {
        !options.exclude_methods.contains(&call.method) && visited.insert(call.path.clone())
    };
    calls.iter().map(is_first).collect()
}

pub(super) fn tabulate(
    module: &dyn Module,
    rngs: Rngs,
    inputs: &[Array],
    options: &TabulateOptions,
) -> Result<String> {
    let init = InitOptions {
        method: options.method.clone(),
        mutable: options.mutable.clone(),
        capture_intermediates: None,
    };
    let (calls, variables) = apply::trace(module, rngs, inputs, &init)?;
    let called: BTreeSet<&[String]> = calls.iter().map(|call| call.path.as_slice()).collect();
    let is_hidden = |call: &Call| {
        options.depth.is_some_and(|depth| call.path.len() > depth)
            || options.exclude_methods.contains(&call.method)
    };
    let shown = calls.iter().filter(|call| !is_hidden(call));
    let shown: BTreeSet<&[String]> = shown.map(|call| call.path.as_slice()).collect();
    let collections: Vec<&str> = variables.iter().map(|(name, _)| name).collect();

    let header = ["path", "module", "inputs", "outputs"];
    let header = header.into_iter().chain(collections.iter().copied());
    let totals: Vec<Size> = variables.iter().map(|(_, tree)| Size::of(tree)).collect();
    let mut table = Vec::new();
    for (call, is_first) in calls.iter().zip(first_calls(&calls, options)) {
        if is_hidden(call) || !(is_first || options.show_repeated) {
            continue;
        }
        let method = match call.method.as_str() {
            CALL => String::new(),
            method => format!(" ({method})"),
        };
        let mut row: Vec<Cell> = vec![
            vec![call.path.join("/")],
            vec![call.module.class().to_owned() + &method],
            arrays_cell(&call.inputs),
            arrays_cell(&call.outputs),
        ];
        row.extend(collections.iter().map(|collection| match is_first {
            true => variables_cell(call, &variables, collection, &called, &shown),
            false => Cell::default(),
        }));
        table.push(row);
    }
    let mut total = Size::default();
    for size in &totals {
        total.add(*size);
    }
    Ok(render(
        &format!("{} Summary", module.class()),
        &header.collect::<Vec<_>>(),
        &table,
        &totals.iter().map(|size| size.text()).collect::<Vec<_>>(),
        &total.text(),
    ))
}

/// One array as it is, several as a list; a single integer by its value.
fn arrays_cell(arrays: &[Array]) -> Cell {
    let text = |array: &Array| match array.to_integers().as_deref() {
        Ok([value]) if array.ndim() == 0 => value.to_string(),
        _ => array.to_string(),
    };
    match arrays {
        [array] => vec![text(array)],
        _ => arrays.iter().map(|x| format!("- {}", text(x))).collect(),
    }
}

/// The variables of a module without those of the modules below that are called, and how many count for its row:
/// its own and those of modules below that have no row.
fn variables_cell(
    call: &Call,
    variables: &Variables,
    collection: &str,
    called: &BTreeSet<&[String]>,
    shown: &BTreeSet<&[String]>,
) -> Cell {
    let Some(all) = variables.tree(collection, &call.path) else {
        return Default::default();
    };
    let own = without(all, &call.path, &|path| called.contains(path));
    let counted = without(all, &call.path, &|path| shown.contains(path));
    let size = Size::of(&counted);
    let mut cell = Vec::new();
    tree_lines(&own, "", &mut cell);
    if !cell.is_empty() && size.count > 0 {
        cell.push(String::new());
    }
    if size.count > 0 {
        cell.push(size.text());
    }
    cell
}

/// A tree at a path without those parts of it that are left out.
fn without(tree: &Tree, path: &[String], left_out: &dyn Fn(&[String]) -> bool) -> Tree {
    let mut kept = BTreeMap::new();
    for (name, variable) in tree {
        let path: Vec<String> = path.iter().cloned().chain([name.clone()]).collect();
        let variable = match variable {
            _ if left_out(&path) => continue,
            Variable::Tree(tree) => match without(tree, &path, left_out) {
                rest if rest.is_empty() => continue,
                rest => Variable::Tree(rest),
            },
            other => other.clone(),
        };
        kept.insert(name.clone(), variable);
    }
    kept
}

/// `name: float64[4]`, deeper trees indented, tuples as lists.
fn tree_lines(tree: &Tree, indent: &str, lines: &mut Cell) {
    for (name, variable) in tree {
        match variable {
            Variable::Array(array) => lines.push(format!("{indent}{name}: {array}")),
            Variable::Tuple(arrays) => {
                lines.push(format!("{indent}{name}:"));
                lines.extend(arrays.iter().map(|array| format!("{indent}- {array}")));
            }
            Variable::Tree(tree) => {
                lines.push(format!("{indent}{name}:"));
                tree_lines(tree, &format!("{indent}  "), lines);
            }
        }
    }
}

/// Commas between groups of three digits of the integer part.
fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

/// The table in a box, with a title above, the totals in its last row and below.
///
/// Columns are as wide as their longest line; nothing is wrapped, however narrow the terminal.
fn render(
    title: &str,
    header: &[&str],
    table: &[Vec<Cell>],
    totals: &[String],
    total: &str,
) -> String {
    let collections = totals.len();
    let mut width: Vec<usize> = header.iter().map(|name| name.len()).collect();
    for row in table {
        for (width, cell) in width.iter_mut().zip(row) {
            *width = cell
                .iter()
                .map(|line| line.chars().count())
                .fold(*width, usize::max);
        }
    }
    let others = header.len() - collections;
    for (width, total) in width[others..].iter_mut().zip(totals) {
        *width = (*width).max(total.len());
    }
    let whole = width.iter().sum::<usize>() + 3 * width.len() + 1;

    let rule = |[left, line, join, right]: [&str; 4]| {
        let parts: Vec<String> = width.iter().map(|width| line.repeat(width + 2)).collect();
        format!("{left}{}{right}", parts.join(join))
    };
    let cells = |edge: &str, cells: &[&str]| {
        let padded = cells.iter().zip(&width);
        let padded: Vec<String> = padded
            .map(|(cell, width)| format!(" {cell:<width$} "))
            .collect();
        format!("{edge}{}{edge}", padded.join(edge))
    };
    let centred = |text: &str| format!("{text:^whole$}");

    let mut lines = vec![
        String::new(),
        centred(title),
        rule(["┏", "━", "┳", "┓"]),
        cells("┃", header),
        rule(["┡", "━", "╇", "┩"]),
    ];
    for row in table {
        let height = row.iter().map(Vec::len).max().unwrap_or(0);
        for i in 0..height {
            let line: Vec<&str> = row
                .iter()
                .map(|cell| cell.get(i).map_or("", String::as_str))
                .collect();
            lines.push(cells("│", &line));
        }
        lines.push(rule(["├", "─", "┼", "┤"]));
    }
    let right = format!("{:>1$}", "Total", width[others - 1]);
    let mut footer = vec![""; others - 1];
    footer.push(&right);
    footer.extend(totals.iter().map(String::as_str));
    lines.push(cells("│", &footer));
    lines.push(rule(["└", "─", "┴", "┘"]));
    lines.push(" ".repeat(whole));
    lines.push(centred(format!("Total Parameters: {total}").trim_end()));
    lines.push(String::new());
    lines.push(String::new());
    lines.join("\n")
}
