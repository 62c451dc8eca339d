//! Pictures of what was measured.

use super::{Entry, Measured};
use crate::svg::{Anchor, PALETTE, Svg};

/// The axes of a plot, in pixels: left, top, right, bottom.
const FRAME: [f64; 4] = [78.0, 44.0, 560.0, 340.0];
const SIZE: [f64; 2] = [590.0, 396.0];
const AXIS: &str = r##"stroke="#1f2933" stroke-width="1""##;
const GRID: &str = r##"stroke="#d8dde3" stroke-width="1""##;

impl Measured {
    /// A picture in SVG: correlations against the distance, a structure factor over wave vectors; `None` of single numbers.
    pub fn to_svg(&self) -> Option<String> {
        let place = |entry: &Entry| entry.at.first().copied();
        match self.extent.as_deref() {
            Some(&[rows, columns]) => Some(self.map(rows, columns)),
            Some(&[n]) => {
                let points = self.entries.iter().enumerate();
                let points = points.map(|(m, entry)| (2.0 * m as f64 / n as f64, entry));
                Some(self.plot("q a/π", &points.collect::<Vec<_>>()))
            }
            Some(_) => None,
            None => {
                let points = self
                    .entries
                    .iter()
                    .filter_map(|entry| Some((place(entry)?, entry)));
                // Two sites that no way joins have no distance.
                let points: Vec<_> = points.filter(|(r, _)| r.is_finite()).collect();
                (!points.is_empty()).then(|| self.plot("distance r", &points))
            }
        }
    }

    fn title(&self) -> String {
        let name = self.observable.replace('_', " ");
        format!("{name}, {} samples", self.n_samples)
    }

    fn plot(&self, label: &str, points: &[(f64, &Entry)]) -> String {
        let [left, top, right, bottom] = FRAME;
        let error = |entry: &Entry| {
            if entry.error_of_mean.is_finite() {
                entry.error_of_mean
            } else {
                0.0
            }
        };
        let reach = |x: f64, sign: f64| {
            points
                .iter()
                .map(|(_, e)| e.mean + sign * error(e))
                .fold(x, if sign > 0.0 { f64::max } else { f64::min })
        };
        let [low, high] = [reach(0.0, -1.0), reach(0.0, 1.0)];
        let y_ticks = ticks(low, high);
        let x_ticks = ticks(0.0, points.iter().map(|(x, _)| *x).fold(0.0, f64::max));
        let ends = |ticks: &[f64]| [ticks[0], ticks[ticks.len() - 1]];
        let scale = |[low, high]: [f64; 2], x: f64, from: f64, to: f64| {
            from + (x - low) / (high - low) * (to - from)
        };
        let x_at = |x: f64| scale(ends(&x_ticks), x, left + 12.0, right);
        let y_at = |y: f64| scale(ends(&y_ticks), y, bottom, top);
        let mut svg = Svg::new();
        svg.text(
            [(left + right) / 2.0, 20.0],
            15.0,
            Anchor::Middle,
            &self.title(),
        );
        for &y in &y_ticks {
            svg.line(
                [left, y_at(y)],
                [right, y_at(y)],
                if y == 0.0 { AXIS } else { GRID },
            );
            svg.text(
                [left - 8.0, y_at(y)],
                12.0,
                Anchor::End,
                &number(y, &y_ticks),
            );
        }
        for &x in &x_ticks {
            svg.line([x_at(x), bottom], [x_at(x), bottom + 5.0], AXIS);
            svg.text(
                [x_at(x), bottom + 16.0],
                12.0,
                Anchor::Middle,
                &number(x, &x_ticks),
            );
        }
        svg.line([left, bottom], [right, bottom], AXIS);
        svg.text(
            [(left + right) / 2.0, bottom + 38.0],
            13.0,
            Anchor::Middle,
            label,
        );
        let color = PALETTE[0];
        let places: Vec<[f64; 2]> = points
            .iter()
            .map(|(x, e)| [x_at(*x), y_at(e.mean)])
            .collect();
        svg.polyline(
            &places,
            &format!(r#"stroke="{color}" stroke-width="1.2" stroke-opacity="0.45""#),
        );
        for (&[x, y], (_, entry)) in places.iter().zip(points) {
            let [up, down] = [1.0, -1.0].map(|sign| y_at(entry.mean + sign * error(entry)));
            let bar = format!(r#"stroke="{color}" stroke-width="1.4""#);
            svg.line([x, up], [x, down], &bar);
            for end in [up, down] {
                svg.line([x - 4.0, end], [x + 4.0, end], &bar);
            }
            svg.circle([x, y], 3.4, &format!(r#"fill="{color}""#));
        }
        svg.finish(SIZE)
    }

    /// Squares over wave vectors m_1, m_2, 0 in the middle.
    fn map(&self, rows: usize, columns: usize) -> String {
        let side = (420.0 / rows.max(columns) as f64).clamp(10.0, 60.0);
        let (left, top) = (70.0, 48.0);
        let high = self
            .entries
            .iter()
            .map(|entry| entry.mean)
            .fold(0.0, f64::max);
        let mut svg = Svg::new();
        let width = columns as f64 * side;
        let height = rows as f64 * side;
        svg.text([left, 20.0], 15.0, Anchor::Start, &self.title());
        for row in 0..rows {
            for column in 0..columns {
                let [m, n] = [centered(row, rows), centered(column, columns)];
                let number = m.rem_euclid(rows as isize) as usize * columns
                    + n.rem_euclid(columns as isize) as usize;
                let corner = [left + column as f64 * side, top + row as f64 * side];
                let style = format!(r#"fill="{}""#, shade(self.entries[number].mean / high));
                svg.rect(corner, [side + 0.5, side + 0.5], &style);
            }
        }
        // Twice m over the extent: k·a in units of π.
        let label =
            |m: isize, l: usize| format!("{}", (200.0 * m as f64 / l as f64).round() / 100.0);
        let every = |l: usize| l.div_ceil(8);
        for row in (0..rows).step_by(every(rows)) {
            let y = top + (row as f64 + 0.5) * side;
            svg.text(
                [left - 6.0, y],
                11.0,
                Anchor::End,
                &label(centered(row, rows), rows),
            );
        }
        for column in (0..columns).step_by(every(columns)) {
            let x = left + (column as f64 + 0.5) * side;
            svg.text(
                [x, top + height + 12.0],
                11.0,
                Anchor::Middle,
                &label(centered(column, columns), columns),
            );
        }
        svg.text(
            [left + width / 2.0, top + height + 32.0],
            13.0,
            Anchor::Middle,
            "q·a₂/π",
        );
        svg.text([6.0, top + height / 2.0], 13.0, Anchor::Start, "q·a₁/π");
        let bar = left + width + 24.0;
        for step in 0..50 {
            let y = top + height * (1.0 - (step as f64 + 1.0) / 50.0);
            let style = format!(r#"fill="{}""#, shade((step as f64 + 0.5) / 50.0));
            svg.rect([bar, y], [16.0, height / 50.0 + 0.5], &style);
        }
        for part in [0.0, 0.5, 1.0] {
            let text = format!("{:.3}", part * high);
            svg.text(
                [bar + 22.0, top + height * (1.0 - part)],
                11.0,
                Anchor::Start,
                &text,
            );
        }
        svg.finish([bar + 90.0, top + height + 52.0])
    }
}

/// The wave number of a row, from below 0 to above.
fn centered(row: usize, rows: usize) -> isize {
    row as isize - ((rows - 1) / 2) as isize
}

/// From white to dark blue.
fn shade(part: f64) -> String {
    let part = if part.is_finite() {
        part.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let ends = [
        [247.0, 250.0, 252.0],
        [103.0, 169.0, 207.0],
        [12.0, 44.0, 92.0],
    ];
    let (from, to, t) = match part < 0.5 {
        true => (ends[0], ends[1], 2.0 * part),
        false => (ends[1], ends[2], 2.0 * part - 1.0),
    };
    let [r, g, b] = [0, 1, 2].map(|c| (from[c] + t * (to[c] - from[c])).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Round numbers that enclose an interval.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let span = (high - low).max(1e-12);
    let power = 10.0_f64.powf((span / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|x| x * power)
        .into_iter()
        .find(|step| span / step <= 6.0);
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = (
        (low / step + 1e-9).floor() as i64,
        (high / step - 1e-9).ceil() as i64,
    );
    (first..=last.max(first + 1))
        .map(|k| k as f64 * step)
        .collect()
}

/// A tick with as many digits as its neighbours need.
fn number(x: f64, ticks: &[f64]) -> String {
    let step = ticks[1] - ticks[0];
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{x:.digits$}")
}
