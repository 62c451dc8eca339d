//! A drawing of a lattice or of any graph.

use std::collections::BTreeSet;
use std::f64::consts::TAU;

use super::lattice::{length, sum};
use super::{Graph, Lattice};
use crate::svg::{Anchor, PALETTE, Svg};

/// Pixels between neighbours.
const SPACING: f64 = 64.0;
/// Pixels from the centre of a site to its rim.
const RADIUS: f64 = 13.0;
const MARGIN: f64 = 24.0;
/// Of a bond across a periodic border, the part that is drawn at either end.
const STUB: f64 = 0.42;
/// Of a third direction onwards, how axes lie in the picture.
const OBLIQUE: [[f64; 2]; 5] = [
    [1.0, 0.12],
    [0.46, -0.34],
    [0.0, -1.0],
    [-0.7, -0.5],
    [-0.3, 0.8],
];

type Point = [f64; 2];

impl Graph {
    /// The graph as a picture in SVG: numbered sites, bonds in their colours.
    ///
    /// Bonds across a periodic border are dashed stubs at both their ends. A grid is drawn as it is numbered, rows from
    /// top to bottom; other lattices by their positions, x to the right and y upwards; a list of bonds in a circle.
    /// NetKet: `Lattice.draw`.
    ///
    /// # Example
    /// ```
    /// use autoket::graph::Graph;
    /// let svg = Graph::kagome([3, 3], [true, true])?.to_svg();
    /// assert!(svg.starts_with("<svg") && svg.matches("<circle").count() == 27);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn to_svg(&self) -> String {
        let (mut points, mut arrows) = match &self.lattice {
            Some(lattice) => self.by_position(lattice),
            None => self.in_a_circle(),
        };
        let ends: Vec<Point> = arrows.iter().map(|arrow| arrow.at(arrow.part)).collect();
        let (low, high) = bounds(points.iter().chain(&ends));
        let shift = [0, 1].map(|axis| MARGIN + RADIUS - low[axis]);
        let place = |point: &mut Point| *point = [point[0] + shift[0], point[1] + shift[1]];
        points.iter_mut().for_each(place);
        arrows.iter_mut().for_each(|arrow| place(&mut arrow.start));
        let mut svg = Svg::new();
        let colors: BTreeSet<usize> = self.colors.iter().copied().collect();
        // In space a bond may seem to pass through a site that lies behind it.
        let flat = self
            .lattice
            .as_ref()
            .is_none_or(|lattice| lattice.n_dim() < 3);
        let obstacles = if flat { &points[..] } else { &[] };
        for arrow in &arrows {
            arrow.draw(&mut svg, obstacles);
        }
        for (site, &point) in points.iter().enumerate() {
            svg.circle(
                point,
                RADIUS,
                r##"fill="white" stroke="#1f2933" stroke-width="1.4""##,
            );
            let size = if site < 1000 { 11.0 } else { 9.0 };
            svg.text(point, size, Anchor::Middle, &site.to_string());
        }
        let mut size = [0, 1].map(|axis| high[axis] - low[axis] + 2.0 * (MARGIN + RADIUS));
        if colors.len() > 1 {
            for (row, &color) in colors.iter().enumerate() {
                let y = size[1] + 20.0 * row as f64;
                svg.line([MARGIN, y], [MARGIN + 30.0, y], &stroke(color));
                svg.text(
                    [MARGIN + 40.0, y],
                    12.0,
                    Anchor::Start,
                    &format!("colour {color}"),
                );
            }
            size = [size[0].max(140.0), size[1] + 20.0 * colors.len() as f64];
        }
        svg.finish(size)
    }

    fn by_position(&self, lattice: &Lattice) -> (Vec<Point>, Vec<Arrow>) {
        let axes = axes(lattice);
        let project = |vector: &[f64]| -> Point {
            let parts = vector.iter().zip(&axes);
            parts.fold([0.0; 2], |p, (x, axis)| {
                [p[0] + x * axis[0], p[1] + x * axis[1]]
            })
        };
        let displacements: Vec<Vec<f64>> = (self.edges.iter())
            .map(|&(i, j)| lattice.displacement(i, j))
            .collect();
        let shortest = displacements
            .iter()
            .map(|d| length(d))
            .fold(f64::MAX, f64::min);
        let scale = SPACING
            / if shortest < f64::MAX {
                shortest
            } else {
                lattice.scale()
            };
        let scaled = |[x, y]: Point| [x * scale, y * scale];
        let points: Vec<Point> = (lattice.positions().iter())
            .map(|position| scaled(project(position)))
            .collect();
        let mut arrows = Vec::new();
        for ((&(i, j), &color), displacement) in
            self.edges.iter().zip(&self.colors).zip(&displacements)
        {
            let there = sum(&lattice.position(i), displacement);
            let apart = there
                .iter()
                .zip(lattice.position(j))
                .map(|(a, b)| (a - b).abs());
            let along = scaled(project(displacement));
            let whole = apart.fold(0.0, f64::max) < 1e-6 * lattice.scale();
            let backwards = [-along[0], -along[1]];
            match whole {
                true => arrows.push(Arrow {
                    start: points[i],
                    along,
                    color,
                    part: 1.0,
                }),
                false => arrows.extend([(i, along), (j, backwards)].map(|(site, along)| Arrow {
                    start: points[site],
                    along,
                    color,
                    part: STUB,
                })),
            }
        }
        (points, arrows)
    }

    fn in_a_circle(&self) -> (Vec<Point>, Vec<Arrow>) {
        let n = self.n_nodes as f64;
        let radius = (n * SPACING * 0.7 / TAU).max(SPACING * 0.7);
        let place = |site: usize| {
            let angle = TAU * site as f64 / n;
            [radius * angle.sin(), -radius * angle.cos()]
        };
        let points: Vec<Point> = (0..self.n_nodes).map(place).collect();
        let arrow = |(&(i, j), &color): (&(usize, usize), &usize)| Arrow {
            start: points[i],
            along: [points[j][0] - points[i][0], points[j][1] - points[i][1]],
            color,
            part: 1.0,
        };
        let arrows = self.edges.iter().zip(&self.colors).map(arrow).collect();
        (points, arrows)
    }
}

/// How the directions of space lie in the picture.
fn axes(lattice: &Lattice) -> Vec<Point> {
    let n_dim = lattice.n_dim();
    let is_grid = lattice.basis_vectors().iter().enumerate().all(|(d, a)| {
        let unit = (0..n_dim).map(|e| f64::from(d == e));
        a.iter().copied().eq(unit)
    });
    match (n_dim, is_grid) {
        (1, _) => vec![[1.0, 0.0]],
        (2, true) => vec![[0.0, 1.0], [1.0, 0.0]],
        (2, false) => vec![[1.0, 0.0], [0.0, -1.0]],
        _ => OBLIQUE.iter().copied().cycle().take(n_dim).collect(),
    }
}

/// A bond, or the stub of one at an end.
struct Arrow {
    start: Point,
    along: Point,
    color: usize,
    /// How much of it is drawn.
    part: f64,
}

impl Arrow {
    fn at(&self, part: f64) -> Point {
        [
            self.start[0] + part * self.along[0],
            self.start[1] + part * self.along[1],
        ]
    }

    fn draw(&self, svg: &mut Svg, obstacles: &[Point]) {
        let style = stroke(self.color);
        if self.part < 1.0 {
            let style = format!(r#"{style} stroke-dasharray="5 4""#);
            return svg.line(self.start, self.at(self.part), &style);
        }
        // A bond that would pass through another site goes around it.
        let length = self.along[0].hypot(self.along[1]);
        let passes = obstacles.iter().any(|point| {
            let from = [point[0] - self.start[0], point[1] - self.start[1]];
            let along = (from[0] * self.along[0] + from[1] * self.along[1]) / length;
            let aside = (from[0] * self.along[1] - from[1] * self.along[0]) / length;
            aside.abs() < RADIUS && (RADIUS..length - RADIUS).contains(&along)
        });
        match passes {
            false => svg.line(self.start, self.at(1.0), &style),
            true => {
                let [x, y] = self.at(0.5);
                let bend = 0.3 * SPACING / length + 0.1;
                let control = [x + bend * self.along[1], y - bend * self.along[0]];
                svg.curve(self.start, control, self.at(1.0), &style);
            }
        }
    }
}

fn stroke(color: usize) -> String {
    let color = PALETTE[color % PALETTE.len()];
    format!(r#"stroke="{color}" stroke-width="2.2" stroke-linecap="round""#)
}

fn bounds<'p>(points: impl Iterator<Item = &'p Point>) -> (Point, Point) {
    points.fold(([f64::MAX; 2], [f64::MIN; 2]), |(low, high), point| {
        let pick =
            |choose: fn(f64, f64) -> f64, a: Point| [0, 1].map(|axis| choose(a[axis], point[axis]));
        (pick(f64::min, low), pick(f64::max, high))
    })
}
