//! Drawings of what a network reads and of what it is made of.

use std::collections::BTreeSet;

use super::network::Kind;
use super::{Arnn, Network};
use crate::error::Result;
use crate::nn::Activation;
use crate::scalar::Scalar;
use crate::svg::{Anchor, Svg};

type Point = [f64; 2];

/// Pixels between sites, from the centre of a site to its rim, and from there to the picture's border.
const SPACING: f64 = 40.0;
const RADIUS: f64 = 13.0;
const MARGIN: f64 = 8.0;
/// The site, what it reads, what it does not read though it was drawn before, and what is drawn later.
const OWN: &str = r##"fill="#f4c983" stroke="#e08e1b" stroke-width="1.6""##;
const READ: &str = r##"fill="#cfe0f0" stroke="#3b6ea5" stroke-width="1.6""##;
const BLIND: &str =
    r##"fill="#f6d5da" stroke="#d1495b" stroke-width="1.6" stroke-dasharray="3 3""##;
const LATER: &str = r##"fill="white" stroke="#b6bec8" stroke-width="1.2""##;
const PATH: &str = r##"stroke="#8b95a1" stroke-width="1.6""##;
const JUMP: &str = r##"stroke="#b6bec8" stroke-width="1" stroke-dasharray="3 3""##;
const MEMORY: &str = r##"stroke="#1f2933" stroke-width="1.4""##;

impl<S: Scalar> Arnn<S> {
    /// What a site reads, as a picture in SVG of a lattice of `[rows, columns]`.
    ///
    /// Sites are numbered as they are drawn. Orange is the site, blue what it reads, red and dashed what is drawn
    /// earlier and not read, white what is drawn later. Arrows show whose memories cells read; where there are
    /// none, a line joins sites that are drawn in turn.
    ///
    /// # Errors
    /// As [`receptive_field`](Self::receptive_field).
    ///
    /// # Example
    /// ```
    /// use autoket::{hilbert::Hilbert, models::ArnnConv2d};
    /// let model = ArnnConv2d::new(Hilbert::spin(0.5, 16)?, 2, 4, [2, 3]).build::<f64>()?;
    /// let svg = model.to_svg([4, 4], 9)?;
    /// assert!(svg.starts_with("<svg") && svg.matches("<circle").count() == 16);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn to_svg(&self, extent: [usize; 2], site: usize) -> Result<String> {
        let [rows, columns] = extent;
        let position = self.check_place(extent, site)?;
        let place = |site: usize| -> Point {
            [site % columns, site / columns].map(|i| MARGIN + RADIUS + SPACING * i as f64)
        };
        let at = |position: u32| place(self.order[position as usize] as usize);
        let mut svg = Svg::new();
        let memories = self.memories();
        let near = |a: Point, b: Point| (a[0] - b[0]).hypot(a[1] - b[1]) < 1.01 * SPACING;
        if memories.is_empty() {
            for pair in self.order.windows(2) {
                let [a, b] = [pair[0], pair[1]].map(|site| place(site as usize));
                svg.line(a, b, if near(a, b) { PATH } else { JUMP });
            }
        }
        let seen = self.seen(site);
        for (other, &number) in self.positions.iter().enumerate() {
            let style = match () {
                () if other == site => OWN,
                () if seen[other] => READ,
                () if (number as usize) < position => BLIND,
                () => LATER,
            };
            svg.circle(place(other), RADIUS, style);
            let size = if number < 1000 { 11.0 } else { 9.0 };
            svg.text(place(other), size, Anchor::Middle, &number.to_string());
        }
        for (from, to) in memories {
            let (a, b) = (at(from), at(to));
            let style = if near(a, b) { MEMORY } else { JUMP };
            arrow(&mut svg, a, b, RADIUS + 1.0, style);
        }
        let size = [columns, rows].map(|n| 2.0 * (MARGIN + RADIUS) + SPACING * (n - 1) as f64);
        Ok(svg.finish(size))
    }

    /// For each memory that a cell reads the positions (whose it is, who reads it).
    fn memories(&self) -> BTreeSet<(u32, u32)> {
        let mut memories = BTreeSet::new();
        for &step in &self.plan.steps {
            self.plan.for_each_read(step, |node, position| {
                // Only what is remembered is made after the node that reads it.
                if node >= step.node as usize && position as u32 != step.position {
                    memories.insert((position as u32, step.position));
                }
            });
        }
        memories
    }

    /// The nodes of the network, as a picture in SVG: what is computed from what, from left to right.
    ///
    /// Boxes are layers with weights, by their paths and features; circles sums (+) and products (×) of features;
    /// functions stand below. Dashed lines are memories: they lead back to nodes that read them at later positions.
    ///
    /// # Example
    /// ```
    /// use autoket::{hilbert::Hilbert, models::ArnnDense};
    /// let model = ArnnDense::new(Hilbert::spin(0.5, 16)?, 2, 4).build::<f64>()?;
    /// assert!(model.flow_svg().contains("_layers_1"));
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn flow_svg(&self) -> String {
        let heads: Vec<usize> = self.heads().collect();
        let nodes: Vec<FlowNode> = (0..self.network.nodes.len())
            .map(|node| FlowNode::new(&self.network, node))
            .collect();
        let mut columns: Vec<usize> = Vec::new();
        for node in 0..nodes.len() {
            let before = nodes[node].reads.iter().filter(|&&read| read < node);
            let behind = before.map(|&read| columns[read] + 1).max();
            // What reads memories alone does not stand where σ does.
            columns.push(behind.unwrap_or(usize::from(node > 0)));
        }
        let last = columns.iter().copied().max().unwrap_or(0);
        let widths: Vec<f64> = (0..=last)
            .map(|column| {
                let of = (0..nodes.len()).filter(|&node| columns[node] == column);
                of.map(|node| nodes[node].width()).fold(0.0, f64::max)
            })
            .collect();
        let lefts: Vec<f64> = widths
            .iter()
            .scan(MARGIN, |x, width| {
                let left = *x;
                *x += width + GAP;
                Some(left)
            })
            .collect();
        let height = |column: usize| columns.iter().filter(|&&c| c == column).count() as f64 * ROW;
        let tallest = (0..=last).map(height).fold(0.0, f64::max);
        let top = MARGIN
            + if nodes.iter().enumerate().any(|(n, node)| node.remembers(n)) {
                ROW
            } else {
                0.0
            };
        let mut filled = vec![0.0; last + 1];
        let centres: Vec<Point> = columns
            .iter()
            .map(|&column| {
                filled[column] += ROW;
                let y = top + (tallest - height(column)) / 2.0 + filled[column] - ROW / 2.0;
                [lefts[column] + widths[column] / 2.0, y]
            })
            .collect();
        let mut svg = Svg::new();
        for (node, flow) in nodes.iter().enumerate() {
            for &read in &flow.reads {
                let ([x, y], [to_x, to_y]) = (centres[read], centres[node]);
                let from = [x + nodes[read].width() / 2.0, y];
                let to = [to_x - flow.width() / 2.0, to_y];
                let over = |high: f64| [(from[0] + to[0]) / 2.0, high];
                if read >= node {
                    svg.curve(from, over(MARGIN - ROW / 2.0), to, JUMP);
                    continue;
                }
                // Over the nodes between them, or below them from the lower half.
                match columns[node] - columns[read] {
                    1 => arrow(&mut svg, from, to, 0.0, PATH),
                    span => {
                        let aside = 0.6 * ROW * (span - 1) as f64;
                        let height = match y > top + tallest / 2.0 + 1.0 {
                            true => (y.max(to_y) + aside).min(top + tallest + MARGIN),
                            false => (y.min(to_y) - aside).max(MARGIN - ROW / 2.0),
                        };
                        svg.curve(from, over(height), to, PATH);
                    }
                }
            }
        }
        for (node, flow) in nodes.iter().enumerate() {
            let style = match () {
                () if heads.contains(&node) => OWN,
                () if node == 0 => LATER,
                () => READ,
            };
            flow.draw(&mut svg, centres[node], style);
        }
        let right = lefts[last] + widths[last] + MARGIN;
        svg.finish([right, top + tallest + MARGIN])
    }
}

/// Pixels from one row of nodes to the next, and between columns.
const ROW: f64 = 46.0;
const GAP: f64 = 24.0;

/// A node in the picture of a network.
struct FlowNode {
    label: String,
    below: String,
    is_box: bool,
    /// The nodes it reads, each once.
    reads: BTreeSet<usize>,
}

impl FlowNode {
    fn new(network: &Network, node: usize) -> Self {
        let spec = &network.nodes[node];
        let function = match spec.activation == Activation::IDENTITY {
            true => String::new(),
            false => spec.activation.to_string(),
        };
        match &spec.kind {
            Kind::Input => Self {
                label: "σ".to_owned(),
                below: String::new(),
                is_box: false,
                reads: BTreeSet::new(),
            },
            Kind::Linear {
                sources, module, ..
            } => Self {
                label: format!("{module}: {}", spec.features),
                below: function,
                is_box: true,
                reads: sources.iter().copied().collect(),
            },
            Kind::Mix { terms } => {
                let operands = terms
                    .iter()
                    .flat_map(|term| std::iter::once(&term.a).chain(&term.b));
                let mut reads: BTreeSet<usize> = operands.map(|operand| operand.node.0).collect();
                if terms.iter().any(|term| term.when.is_some()) {
                    reads.insert(0);
                }
                let label = match terms.len() {
                    1 if terms[0].b.is_some() || terms[0].when.is_some() => "×",
                    1 => "",
                    _ => "+",
                };
                Self {
                    label: label.to_owned(),
                    below: function,
                    is_box: false,
                    reads,
                }
            }
        }
    }

    /// Does it read itself or what is made after it?
    fn remembers(&self, node: usize) -> bool {
        self.reads.iter().any(|&read| read >= node)
    }

    fn width(&self) -> f64 {
        match self.is_box {
            true => 6.6 * self.label.chars().count() as f64 + 14.0,
            false => 2.0 * RADIUS,
        }
    }

    fn draw(&self, svg: &mut Svg, [x, y]: Point, style: &str) {
        match self.is_box {
            true => svg.rect(
                [x - self.width() / 2.0, y - RADIUS],
                [self.width(), 2.0 * RADIUS],
                style,
            ),
            false => svg.circle([x, y], RADIUS, style),
        }
        svg.text([x, y], 12.0, Anchor::Middle, &self.label);
        svg.text([x, y + RADIUS + 7.0], 10.0, Anchor::Middle, &self.below);
    }
}

/// An arrow that keeps off both its ends.
fn arrow(svg: &mut Svg, from: Point, to: Point, off: f64, style: &str) {
    let along = [to[0] - from[0], to[1] - from[1]];
    let length = along[0].hypot(along[1]).max(1.0);
    let unit = along.map(|x| x / length);
    let at = |d: f64, aside: f64| {
        [
            from[0] + d * unit[0] - aside * unit[1],
            from[1] + d * unit[1] + aside * unit[0],
        ]
    };
    let tip = length - off;
    svg.line(at(off, 0.0), at(tip, 0.0), style);
    svg.polyline(
        &[at(tip - 5.0, 3.0), at(tip, 0.0), at(tip - 5.0, -3.0)],
        style,
    );
}
