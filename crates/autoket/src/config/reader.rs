//! Typed reading of one table, with the names it may hold.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::document::{Node, Place, Value};
use super::error::ConfigError;
use crate::operator::Mistake;

/// Result of reading a run file.
pub type Result<T> = std::result::Result<T, Box<ConfigError>>;

/// A value that is not of the wanted type.
pub(super) struct Mismatch {
    at: Place,
    expected: String,
    got: String,
}

/// A type a field can have.
pub(super) trait Read: Sized {
    /// In words, for messages.
    const EXPECTED: &'static str;
    /// The value, or `None` where the node is of another type.
    fn read(node: &Node) -> std::result::Result<Self, Mismatch>;
}

impl Mismatch {
    /// A node that is no `T`.
    pub(super) fn new<T: Read>(node: &Node) -> Self {
        Self {
            at: node.at.clone(),
            expected: T::EXPECTED.to_owned(),
            got: node.describe(),
        }
    }
}

impl Read for bool {
    const EXPECTED: &'static str = "true or false";
    fn read(node: &Node) -> std::result::Result<Self, Mismatch> {
        match node.value {
            Value::Boolean(b) => Ok(b),
            _ => Err(Mismatch::new::<Self>(node)),
        }
    }
}

impl Read for String {
    const EXPECTED: &'static str = "a string in quotation marks";
    fn read(node: &Node) -> std::result::Result<Self, Mismatch> {
        match &node.value {
            Value::String(s) => Ok(s.clone()),
            _ => Err(Mismatch::new::<Self>(node)),
        }
    }
}

impl Read for i64 {
    const EXPECTED: &'static str = "an integer";
    fn read(node: &Node) -> std::result::Result<Self, Mismatch> {
        match node.value {
            Value::Integer(i) => Ok(i),
            _ => Err(Mismatch::new::<Self>(node)),
        }
    }
}

impl Read for usize {
    const EXPECTED: &'static str = "an integer, 0 or more";
    fn read(node: &Node) -> std::result::Result<Self, Mismatch> {
        match node.value {
            Value::Integer(i) => usize::try_from(i).map_err(|_| Mismatch::new::<Self>(node)),
            _ => Err(Mismatch::new::<Self>(node)),
        }
    }
}

impl Read for f64 {
    const EXPECTED: &'static str = "a finite number";
    fn read(node: &Node) -> std::result::Result<Self, Mismatch> {
        match node.value {
            Value::Integer(i) => Ok(i as f64),
            Value::Float(x) if x.is_finite() => Ok(x),
            _ => Err(Mismatch::new::<Self>(node)),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    const EXPECTED: &'static str = "a list in square brackets";
    fn read(node: &Node) -> std::result::Result<Self, Mismatch> {
        match &node.value {
            Value::Array(items) => items.iter().map(T::read).collect(),
            _ => Err(Mismatch::new::<Self>(node)),
        }
    }
}

impl<T: Read> Read for [T; 2] {
    const EXPECTED: &'static str = "a list of two numbers";
    fn read(node: &Node) -> std::result::Result<Self, Mismatch> {
        match &node.value {
            Value::Array(items) if items.len() == 2 => {
                Ok([T::read(&items[0])?, T::read(&items[1])?])
            }
            _ => Err(Mismatch::new::<Self>(node)),
        }
    }
}

/// One table of the run file, or an inline table inside it.
pub(super) struct Table<'a> {
    path: String,
    node: &'a Node,
    /// What to mark when the table itself is at fault: its header.
    header: Place,
}

impl<'a> Table<'a> {
    /// A table of the root.
    pub(super) fn of_root(root: &'a Node, name: &str) -> Result<Option<Self>> {
        let Some(entry) = root.entry(name) else {
            return Ok(None);
        };
        let header =
            if entry.node.at.source == entry.key_at.source && !entry.node.at.span.is_empty() {
                entry.node.at.clone()
            } else {
                entry.key_at.clone()
            };
        Self::new(name.to_owned(), &entry.node, header).map(Some)
    }

    /// A table found as the value of a field.
    pub(super) fn new(path: String, node: &'a Node, header: Place) -> Result<Self> {
        if matches!(node.value, Value::Table(_)) {
            return Ok(Self { path, node, header });
        }
        Err(node.at.error(
            &path,
            format!("`{path}`: expected a table, got {}", node.describe()),
            "expected a table".to_owned(),
            format!("write a line `[{path}]` and its fields below it"),
        ))
    }

    /// Where the table begins.
    pub(super) fn header(&self) -> &Place {
        &self.header
    }

    /// The value of a field, not yet read.
    pub(super) fn node(&self, field: &str) -> Option<&'a Node> {
        self.node.entry(field).map(|entry| &entry.node)
    }

    /// The names of all fields, in the order of the file.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'a str> {
        let entries: &[_] = match &self.node.value {
            Value::Table(entries) => entries,
            _ => &[],
        };
        entries.iter().map(|entry| entry.key.as_str())
    }

    /// Refuses every name that is not in `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<()> {
        self.only_of(&format!("`{}`", self.path), known)
    }

    /// The same, where `owner` is what has these fields.
    pub(super) fn only_of(&self, owner: &str, known: &[&str]) -> Result<()> {
        let Value::Table(entries) = &self.node.value else {
            return Ok(());
        };
        for entry in entries {
            if known.contains(&entry.key.as_str()) {
                continue;
            }
            let field = format!("{}.{}", self.path, entry.key);
            let label = match super::home_of(&entry.key) {
                Some(home) if home != self.path => {
                    format!("this field belongs to the table [{home}]")
                }
                Some(_) => "this kind has no such field".to_owned(),
                None => nearest_label(&entry.key, known),
            };
            let help = format!("the fields of {owner} are {}", known.join(", "));
            let title = format!("unknown field `{field}`");
            return Err(entry.key_at.error(&field, title, label, help));
        }
        Ok(())
    }

    /// A field that may be absent.
    pub(super) fn optional<T: Read>(&self, field: &str) -> Result<Option<T>> {
        self.read(field, String::new())
    }

    fn read<T: Read>(&self, field: &str, help: String) -> Result<Option<T>> {
        let Some(node) = self.node(field) else {
            return Ok(None);
        };
        T::read(node).map(Some).map_err(|wrong| {
            let path = format!("{}.{field}", self.path);
            wrong.at.error(
                &path,
                format!("`{path}`: expected {}, got {}", wrong.expected, wrong.got),
                format!("expected {}", wrong.expected),
                help,
            )
        })
    }

    /// A field that must be there.
    pub(super) fn required<T: Read>(&self, field: &str, example: &str) -> Result<T> {
        match self.read(field, format!("for example `{field} = {example}`"))? {
            Some(value) => Ok(value),
            None => Err(self.missing(field, example)),
        }
    }

    /// The error of a field that is not there.
    pub(super) fn missing(&self, field: &str, example: &str) -> Box<ConfigError> {
        let path = format!("{}.{field}", self.path);
        self.header.error(
            &path,
            format!("`{path}` is missing"),
            format!("`{field}` is missing here"),
            format!("add a line such as `{field} = {example}`"),
        )
    }

    /// A value that serde knows by its name, or else `default`.
    pub(super) fn named<T: DeserializeOwned>(
        &self,
        field: &str,
        known: &[&'static str],
        default: T,
    ) -> Result<T> {
        Ok(match self.name(field, known)? {
            None => default,
            Some(name) => named(name),
        })
    }

    /// One of a list of names.
    pub(super) fn name(&self, field: &str, known: &[&'static str]) -> Result<Option<&'static str>> {
        let Some(given) = self.optional::<String>(field)? else {
            return Ok(None);
        };
        if let Some(name) = known.iter().find(|&&name| name == given) {
            return Ok(Some(name));
        }
        let path = format!("{}.{field}", self.path);
        let at = &self.node(field).expect("it was read just now").at;
        Err(at.error(
            &path,
            format!("`{path}`: unknown name {given:?}"),
            nearest_label(&given, known),
            format!("the names are {}", known.join(", ")),
        ))
    }

    /// Refuses a value that is of the right type and makes no sense, unless `sensible`.
    pub(super) fn check(
        &self,
        sensible: bool,
        field: &str,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<()> {
        if sensible {
            return Ok(());
        }
        Err(self.refuse(field, expected, help))
    }

    /// The error of a value that is of the right type and makes no sense.
    pub(super) fn refuse(
        &self,
        field: &str,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Box<ConfigError> {
        let (path, expected) = (format!("{}.{field}", self.path), expected.into());
        let (at, got) = match self.node(field) {
            Some(node) => (&node.at, snippet(node)),
            None => (&self.header, "the default".to_owned()),
        };
        at.error(
            &path,
            format!("`{path}`: expected {expected}, got {got}"),
            format!("expected {expected}"),
            help.into(),
        )
    }

    /// As [`Table::refuse`], for an item of a list.
    pub(super) fn refuse_item(
        &self,
        field: &str,
        item: usize,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Box<ConfigError> {
        let mut error = self.refuse(field, expected, help);
        if let Some(Value::Array(items)) = self.node(field).map(|node| &node.value) {
            error.span = items[item].at.span.clone();
        }
        error
    }

    /// As [`Table::refuse`], for a mistake within a string, or within one of a list.
    pub(super) fn refuse_within(
        &self,
        field: &str,
        item: Option<usize>,
        text: &str,
        mistake: Mistake,
    ) -> Box<ConfigError> {
        let (part, got) = (mistake.span.clone(), mistake.got(text));
        let mut error = match item {
            Some(item) => self.refuse_item(field, item, mistake.expected, mistake.cure),
            None => self.refuse(field, mistake.expected, mistake.cure),
        };
        error.title = format!("`{}`: {}, got {got}", error.field, error.label);
        // Between the quotation marks stands the text itself, unless some of it is escaped.
        let literal = error.source.text.get(error.span.clone());
        if let Some(start) = literal.and_then(|literal| literal.find(text)) {
            let start = error.span.start + start;
            error.span = start + part.start..start + part.end;
        }
        error
    }

    /// The table under a field, where its value is one.
    pub(super) fn subtable(&self, field: &str) -> Option<Table<'a>> {
        let node = self.node(field)?;
        matches!(node.value, Value::Table(_)).then(|| Table {
            path: format!("{}.{field}", self.path),
            node,
            header: node.at.clone(),
        })
    }

    /// The tables in a list of tables.
    pub(super) fn tables(&self, field: &str, example: &str) -> Result<Vec<Table<'a>>> {
        let node = self
            .node(field)
            .ok_or_else(|| self.missing(field, example))?;
        let Value::Array(items) = &node.value else {
            return Err(self.refuse(field, "a list of tables", format!("for example {example}")));
        };
        items
            .iter()
            .enumerate()
            .map(|(i, item)| {
                Table::new(format!("{}.{field}[{i}]", self.path), item, item.at.clone())
            })
            .collect()
    }
}

/// The value that serde knows by this name.
pub(super) fn named<T: DeserializeOwned>(name: &'static str) -> T {
    let name: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
    T::deserialize(name).expect("the list of names holds only names of this type")
}

/// A value as it was written.
fn snippet(node: &Node) -> String {
    let text = node.at.source.text.get(node.at.span.clone()).unwrap_or("");
    if text.is_empty() || text.len() > 60 || text.contains('\n') {
        return node.describe();
    }
    text.to_owned()
}

/// The known name that was probably meant.
pub(super) fn nearest<'n>(given: &str, known: &[&'n str]) -> Option<&'n str> {
    let given = given.to_lowercase();
    known
        .iter()
        .map(|&name| {
            (
                strsim::damerau_levenshtein(&given, &name.to_lowercase()),
                name,
            )
        })
        .filter(|&(distance, name)| distance <= (name.len().max(given.len()) / 2).max(1))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

fn nearest_label(given: &str, known: &[&str]) -> String {
    match nearest(given, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "unknown name".to_owned(),
    }
}

/// The error of a name at the root of the file that is no table of a run.
pub(super) fn only_tables(root: &Node, known: &[&str]) -> Result<()> {
    let Value::Table(entries) = &root.value else {
        return Ok(());
    };
    match entries
        .iter()
        .find(|entry| !known.contains(&entry.key.as_str()))
    {
        None => Ok(()),
        Some(entry) => {
            let (key, known_list) = (&entry.key, known.join(", "));
            let home = super::home_of(key).filter(|_| nearest(key, known).is_none());
            Err(entry.key_at.error(
                key,
                format!("unknown table `{key}`"),
                nearest_label(key, known),
                match home {
                    Some(table) => format!("`{key}` belongs to the table [{table}]"),
                    None => format!("the tables of a run file are {known_list}"),
                },
            ))
        }
    }
}
