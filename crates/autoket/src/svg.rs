//! The few shapes that pictures here are made of, as SVG.

use std::fmt::Write;

/// Colours that are told apart on white, also by most who see colours differently.
pub(crate) const PALETTE: [&str; 8] = [
    "#3b6ea5", "#d1495b", "#2a9d76", "#e08e1b", "#8e5ea2", "#4aa3b5", "#8c6d46", "#6b7280",
];

/// A picture under construction; y grows downwards.
pub(crate) struct Svg {
    body: String,
}

/// Where a text is held.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub(crate) fn new() -> Self {
        Self {
            body: String::new(),
        }
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{element}").expect("a string takes all");
    }

    pub(crate) fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], style: &str) {
        self.add(format_args!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" {style}/>"#
        ));
    }

    /// A curve from one point to another that bends towards a third.
    pub(crate) fn curve(
        &mut self,
        [x1, y1]: [f64; 2],
        [x, y]: [f64; 2],
        [x2, y2]: [f64; 2],
        style: &str,
    ) {
        self.add(format_args!(
            r#"<path d="M{x1:.1} {y1:.1}Q{x:.1} {y:.1} {x2:.1} {y2:.1}" fill="none" {style}/>"#
        ));
    }

    pub(crate) fn polyline(&mut self, points: &[[f64; 2]], style: &str) {
        let points: Vec<String> = points
            .iter()
            .map(|[x, y]| format!("{x:.1},{y:.1}"))
            .collect();
        let points = points.join(" ");
        self.add(format_args!(
            r#"<polyline points="{points}" fill="none" {style}/>"#
        ));
    }

    pub(crate) fn circle(&mut self, [x, y]: [f64; 2], r: f64, style: &str) {
        self.add(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{r}" {style}/>"#
        ));
    }

    pub(crate) fn rect(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], style: &str) {
        self.add(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" {style}/>"#
        ));
    }

    /// A text whose middle is at the height y.
    pub(crate) fn text(&mut self, [x, y]: [f64; 2], size: f64, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let y = y + 0.35 * size;
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.add(format_args!(
            r##"<text x="{x:.1}" y="{y:.1}" font-size="{size}" text-anchor="{anchor}" fill="#1f2933">{text}</text>"##
        ));
    }

    /// The whole picture on white; in a page that is narrower it shrinks.
    pub(crate) fn finish(self, [width, height]: [f64; 2]) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" style=\"max-width:100%;height:auto\" font-family=\"Helvetica, Arial, sans-serif\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}</svg>\n",
            self.body
        )
    }
}
