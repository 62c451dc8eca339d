//! What is wrong with a run file, and where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text that was read: the run file, or one override.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceText {
    /// Its name in messages: the file's path, or `--set`.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A mistake in a run file or an override, with its place.
///
/// [`crate::Error`] has no places, so reading a run file has its own error; it converts into
/// [`crate::Error::Invalid`] where the place does not matter.
#[derive(Clone, Debug)]
pub struct ConfigError {
    /// The field by its full name, such as `model.kernel_size`; empty for a syntax error.
    pub field: String,
    /// What is wrong, in one line.
    pub title: String,
    /// What to say beside the marked text.
    pub label: String,
    /// What to do about it; may be empty.
    pub help: String,
    /// The text the mistake is in.
    pub source: Arc<SourceText>,
    /// The bytes of [`SourceText::text`] to mark.
    pub span: Range<usize>,
}

impl ConfigError {
    /// The line of the mistake, counted from 1.
    pub fn line(&self) -> usize {
        let start = self.span.start.min(self.source.text.len());
        1 + self.source.text.as_bytes()[..start]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.source.name, self.line(), self.title)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl From<Box<ConfigError>> for crate::Error {
    fn from(error: Box<ConfigError>) -> Self {
        let line = error.line();
        Self::invalid(
            &error.field,
            &error.label,
            format!("line {line} of {}", error.source.name),
            &error.help,
        )
    }
}
