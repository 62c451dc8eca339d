//! Errors as the user sees them, and the exit status they lead to.

use std::fmt;
use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use autoket::config::ConfigError;

/// A refusal that is not about a line of the run file.
#[derive(Debug)]
pub struct Refused {
    title: String,
    cure: String,
}

impl Refused {
    /// What is wrong, and what to do about it.
    pub fn new(title: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            cure: cure.into(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.title, self.cure)
    }
}

impl std::error::Error for Refused {}

/// Prints an error to stderr, as rustc would.
pub fn print(error: &anyhow::Error) {
    eprintln!("{}", render(error));
}

/// Prints a warning to stderr.
pub fn warn(title: &str) {
    let group = Group::with_title(Level::WARNING.primary_title(title));
    eprintln!("{}", renderer().render(&[group]));
}

fn renderer() -> Renderer {
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    match color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    }
}

fn render(error: &anyhow::Error) -> String {
    let renderer = renderer();
    if let Some(wrong) = error.downcast_ref::<Box<ConfigError>>() {
        return renderer.render(&[at_its_line(wrong)]);
    }
    let (title, notes) = explain(error);
    let mut group = Group::with_title(Level::ERROR.primary_title(title));
    for (level, note) in notes {
        group = group.element(level.message(note));
    }
    renderer.render(&[group])
}

/// What went wrong in one line, and what to say below it.
fn explain(error: &anyhow::Error) -> (String, Vec<(Level<'static>, String)>) {
    if let Some(refused) = error.downcast_ref::<Refused>() {
        let help = (Level::HELP, refused.cure.clone());
        return (refused.title.clone(), vec![help]);
    }
    match error.downcast_ref::<autoket::Error>() {
        Some(autoket::Error::NotFinite { what, step, cure }) => (
            format!("{what} is not finite at step {step}"),
            vec![
                // The outermost context: what the run had reached.
                (Level::NOTE, error.to_string()),
                (Level::HELP, cure.clone()),
            ],
        ),
        _ => (format!("{error:#}"), Vec::new()),
    }
}

fn at_its_line(wrong: &ConfigError) -> Group<'_> {
    let source = &wrong.source;
    // An empty span marks nothing: stretch it by a character where there is one.
    let mut span = wrong.span.clone();
    if span.is_empty() && span.end < source.text.len() {
        span.end += 1;
        while !source.text.is_char_boundary(span.end) {
            span.end += 1;
        }
    }
    let marked = Snippet::source(&source.text)
        .path(&source.name)
        .annotation(AnnotationKind::Primary.span(span).label(&wrong.label));
    let group = Level::ERROR.primary_title(&wrong.title).element(marked);
    if wrong.help.is_empty() {
        group
    } else {
        group.element(Level::HELP.message(&wrong.help))
    }
}

/// 2 where the user asked for something that cannot be, or gave a file that does not fit; 1 where a run failed.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let asked_wrong = error.is::<Refused>()
        || error.is::<Box<ConfigError>>()
        || matches!(
            error.downcast_ref::<autoket::Error>(),
            Some(
                autoket::Error::Invalid { .. }
                    | autoket::Error::TooLarge { .. }
                    | autoket::Error::Format { .. }
            )
        );
    if asked_wrong { 2 } else { 1 }
}
