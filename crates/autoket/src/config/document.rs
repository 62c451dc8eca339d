//! TOML as a tree in which every value knows where it was written.
//!
//! Overrides are merged into the tree, so a value from the command line is checked exactly like
//! one from the file and its mistakes are shown in the override's own text.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, SourceText};

/// Where something was written.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub source: Arc<SourceText>,
    pub span: Range<usize>,
}

impl Place {
    pub(super) fn error(
        &self,
        field: &str,
        title: String,
        label: String,
        help: String,
    ) -> Box<ConfigError> {
        Box::new(ConfigError {
            field: field.to_owned(),
            title,
            label,
            help,
            source: Arc::clone(&self.source),
            span: self.span.clone(),
        })
    }
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub value: Value,
    pub at: Place,
}

/// TOML's values; dates are kept only to be refused by name.
#[derive(Clone, Debug)]
pub(super) enum Value {
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Date(String),
    Array(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key of a table and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_at: Place,
    pub node: Node,
}

impl Node {
    /// What came, for a message: the kind of value and the value.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::String(s) => format!("the string {s:?}"),
            Value::Integer(i) => format!("the integer {i}"),
            Value::Float(x) => format!("the number {x}"),
            Value::Boolean(b) => format!("{b}"),
            Value::Date(d) => format!("the date {d}"),
            Value::Array(items) => match items.len() {
                1 => "a list of 1 item".to_owned(),
                n => format!("a list of {n} items"),
            },
            Value::Table(_) => "a table".to_owned(),
        }
    }

    /// Whether this is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Value::Array(_))
    }

    /// The entry of a table.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }
}

/// Reads the run file and lays the overrides over it.
pub(super) fn read(name: &str, text: &str, overrides: &[String]) -> Result<Node, Box<ConfigError>> {
    let mut root = parse(name, text)?;
    for line in overrides {
        merge(&mut root, parse_override(line)?);
    }
    Ok(root)
}

fn parse(name: &str, text: &str) -> Result<Node, Box<ConfigError>> {
    let source = Arc::new(SourceText {
        name: name.to_owned(),
        text: text.to_owned(),
    });
    match DeTable::parse(text) {
        Ok(table) => {
            let span = 0..0;
            convert_table(table.into_inner(), span, &source)
        }
        Err(error) => {
            let message = error.message().trim().replace('\n', ", ");
            Err(Place {
                source,
                span: error.span().unwrap_or(0..0),
            }
            .error(
                "",
                format!("this is not TOML: {message}"),
                message,
                "a run file is made of lines `[table]` and `key = value`".to_owned(),
            ))
        }
    }
}

/// `table.key=value`, the value being TOML; a bare word stands for a string, because a shell
/// eats quotation marks.
fn parse_override(line: &str) -> Result<Node, Box<ConfigError>> {
    let refuse = |title: String, span: Range<usize>| {
        let source = Arc::new(SourceText {
            name: "--set".to_owned(),
            text: line.to_owned(),
        });
        Place { source, span }.error(
            "",
            title,
            "expected table.key=value".to_owned(),
            "for example `--set hamiltonian.h=2.5` or `--set model.dtype=complex128`".to_owned(),
        )
    };
    let Some((key, value)) = line.split_once('=') else {
        return Err(refuse("an override needs `=`".to_owned(), 0..line.len()));
    };
    if !key.contains('.') {
        let title = format!("`{}` does not name a field of a table", key.trim());
        return Err(refuse(title, 0..key.len()));
    }
    let bare = value.trim();
    let is_word = bare.starts_with(|c: char| c.is_alphabetic() || "./_".contains(c))
        && bare
            .chars()
            .all(|c| c.is_alphanumeric() || "_-./".contains(c));
    match parse("--set", line) {
        Err(_) if is_word => parse("--set", &format!("{}={bare:?}", key.trim())),
        other => other,
    }
}

fn convert(
    value: Spanned<DeValue<'_>>,
    source: &Arc<SourceText>,
) -> Result<Node, Box<ConfigError>> {
    let span = value.span();
    let at = Place {
        source: Arc::clone(source),
        span: span.clone(),
    };
    let value = match value.into_inner() {
        DeValue::String(s) => Value::String(s.into_owned()),
        DeValue::Integer(i) => match i64::from_str_radix(i.as_str(), i.radix()) {
            Ok(i) => Value::Integer(i),
            Err(_) => {
                let title = format!("`{}` does not fit into 64 bits", i.as_str());
                let label = "expected a 64-bit integer".to_owned();
                return Err(at.error("", title, label, String::new()));
            }
        },
        DeValue::Float(x) => Value::Float(x.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Value::Boolean(b),
        DeValue::Datetime(d) => Value::Date(d.to_string()),
        DeValue::Array(items) => Value::Array(
            items
                .into_iter()
                .map(|item| convert(item, source))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => return convert_table(table, span, source),
    };
    Ok(Node { value, at })
}

fn convert_table(
    table: DeTable<'_>,
    span: Range<usize>,
    source: &Arc<SourceText>,
) -> Result<Node, Box<ConfigError>> {
    let mut entries = Vec::new();
    for (key, value) in table {
        entries.push(Entry {
            key_at: Place {
                source: Arc::clone(source),
                span: key.span(),
            },
            key: key.into_inner().into_owned(),
            node: convert(value, source)?,
        });
    }
    // The parser's map is sorted by name; messages should come in the order of the file.
    entries.sort_by_key(|entry| entry.key_at.span.start);
    Ok(Node {
        value: Value::Table(entries),
        at: Place {
            source: Arc::clone(source),
            span,
        },
    })
}

fn merge(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        (Value::Table(entries), Value::Table(overs)) => {
            for over in overs {
                match entries.iter_mut().find(|entry| entry.key == over.key) {
                    Some(entry) => {
                        // A table keeps the place of its header; a value takes the override's.
                        if !matches!(over.node.value, Value::Table(_)) {
                            entry.key_at = over.key_at;
                        }
                        merge(&mut entry.node, over.node);
                    }
                    None => entries.push(over),
                }
            }
        }
        (value, over_value) => {
            *value = over_value;
            base.at = over.at;
        }
    }
}
