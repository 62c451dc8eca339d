//! The model as a table, as Flax prints it.

use super::{Ansatz, Arnn};
use crate::scalar::Scalar;

/// Path, module, inputs, outputs, parameters.
const COLUMNS: usize = 5;

/// A row of the table: the lines of each cell.
type Row = [Vec<String>; COLUMNS];

pub(super) fn tabulate<S: Scalar>(model: &Arnn<S>, n_samples: usize) -> String {
    let n_sites = model.hilbert().n_sites();
    let line = |text: &str| vec![text.to_owned()];
    let array = |dtype: &str, shape: &[usize]| vec![array(dtype, shape)];
    let float = S::DTYPE.name();

    let mut table: Vec<Row> = vec![[
        line(""),
        line(model.class()),
        array("int8", &[n_samples, n_sites]),
        array(float, &[n_samples]),
        line(""),
    ]];
    for (l, (module, layer)) in model.layers().enumerate() {
        let [features_in, features_out] = layer.features();
        let mut leaves = layer.leaves();
        leaves.sort_by_key(|leaf| leaf.name);
        let mut params: Vec<String> = leaves
            .iter()
            .map(|leaf| format!("{}: {}", leaf.name, self::array(float, &leaf.shape)))
            .collect();
        let count = leaves
            .iter()
            .map(|leaf| leaf.shape.iter().product::<usize>());
        params.extend([String::new(), size::<S>(count.sum())]);
        let shape = |features| [&[n_samples], layer.lattice(), &[features]].concat();
        table.push([
            line(module),
            line(layer.class()),
            array(if l == 0 { "int8" } else { float }, &shape(features_in)),
            array(float, &shape(features_out)),
            params,
        ]);
    }
    let total = size::<S>(model.layout().n_parameters());
    let title = format!("{} Summary", model.class());
    render(&title, table, &total)
}

/// `float64[4,16]`
fn array(dtype: &str, shape: &[usize]) -> String {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("{dtype}[{}]", shape.join(","))
}

/// `1,546 (12.4 KB)`
fn size<S: Scalar>(count: usize) -> String {
    let bytes = count * S::DTYPE.bytes();
    let of = |unit: f64| format!("{:.1}", bytes as f64 / unit);
    let (number, unit) = match bytes {
        1_000_000_001.. => (of(1e9), "GB"),
        1_000_001.. => (of(1e6), "MB"),
        1_001.. => (of(1e3), "KB"),
        _ => (bytes.to_string(), "B"),
    };
    format!(
        "{} ({} {unit})",
        grouped(&count.to_string()),
        grouped(&number)
    )
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

/// The table in a box, with a title above, the total in its last row and below.
///
/// Columns are as wide as their longest line; nothing is wrapped, however narrow the terminal.
fn render(title: &str, table: Vec<Row>, total: &str) -> String {
    let header: [&str; COLUMNS] = ["path", "module", "inputs", "outputs", "params"];
    let mut width = header.map(str::len);
    for row in &table {
        for (width, cell) in width.iter_mut().zip(row) {
            *width = cell.iter().map(String::len).fold(*width, usize::max);
        }
    }
    width[COLUMNS - 1] = width[COLUMNS - 1].max(total.len());
    let whole = width.iter().sum::<usize>() + 3 * COLUMNS + 1;

    let rule = |[left, line, join, right]: [&str; 4]| {
        let parts = width.map(|width| line.repeat(width + 2));
        format!("{left}{}{right}", parts.join(join))
    };
    let cells = |edge: &str, cells: [&str; COLUMNS]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(width)
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
    for row in &table {
        let height = row.iter().map(Vec::len).max().unwrap_or(0);
        for i in 0..height {
            let line = std::array::from_fn(|c| row[c].get(i).map_or("", String::as_str));
            lines.push(cells("│", line));
        }
        lines.push(rule(["├", "─", "┼", "┤"]));
    }
    let right = format!("{:>1$}", "Total", width[3]);
    lines.push(cells("│", ["", "", "", &right, total]));
    lines.push(rule(["└", "─", "┴", "┘"]));
    lines.push(" ".repeat(whole));
    lines.push(centred(&format!("Total Parameters: {total}")));
    lines.push(String::new());
    lines.push(String::new());
    lines.join("\n")
}
