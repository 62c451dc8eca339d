//! The lines of a log: one for each step, appended.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Value;
use crate::{Error, Result, c64};

/// What was recorded in a step, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) step: usize,
    pub(super) entries: Vec<(String, Vec<(String, Value)>)>,
}

/// A file of lines.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: File,
}

impl Lines {
    /// An empty file.
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).map_err(|error| Error::io(&path, error))?;
        Ok(Self { path, file })
    }

    /// A file that there may be. `each` takes its whole lines of the first `steps`; what is behind them is cut, and the
    /// file kept aside if lines are missing. With the number of lines.
    pub(super) fn resume(
        path: PathBuf,
        steps: usize,
        mut each: impl FnMut(Line),
    ) -> Result<(Self, usize)> {
        let io = |error| Error::io(&path, error);
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true).read(true);
        let file = options.open(&path).map_err(io)?;
        let mut reader = BufReader::new(&file);
        let (mut kept, mut end, mut text) = (0, 0, Vec::new());
        loop {
            text.clear();
            reader.read_until(b'\n', &mut text).map_err(io)?;
            match serde_json::from_slice::<Line>(&text) {
                Ok(line) if text.ends_with(b"\n") && line.step < steps => each(line),
                _ => break,
            }
            kept += 1;
            end += text.len() as u64;
        }
        if kept < steps && end < file.metadata().map_err(io)?.len() {
            let aside = path.with_extension("jsonl.damaged");
            std::fs::copy(&path, &aside).map_err(|error| Error::io(&aside, error))?;
        }
        file.set_len(end).map_err(io)?;
        Ok((Self { path, file }, kept))
    }

    /// One write, so that a line is there or not.
    pub(super) fn append(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line).expect("numbers and strings have a JSON form");
        text.push(b'\n');
        let written = self.file.write_all(&text);
        written.map_err(|error| Error::io(&self.path, error))
    }

    pub(super) fn sync(&self) -> Result<()> {
        let synced = self.file.sync_data();
        synced.map_err(|error| Error::io(&self.path, error))
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.entries.len()))?;
        map.serialize_entry(STEP, &self.step)?;
        for (name, values) in &self.entries {
            map.serialize_entry(name, &Columns(values))?;
        }
        map.end()
    }
}

const STEP: &str = "step";

struct Columns<'a>(&'a [(String, Value)]);

impl Serialize for Columns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            match value {
                Value::Real(x) => map.serialize_entry(name, x)?,
                Value::Complex(z) => {
                    let z = Complex {
                        real: z.re.into(),
                        imag: z.im.into(),
                    };
                    map.serialize_entry(name, &z)?;
                }
            }
        }
        map.end()
    }
}

/// `null` is NaN, and infinity, which JSON has neither.
#[derive(serde::Serialize, serde::Deserialize)]
struct Complex {
    real: Option<f64>,
    imag: Option<f64>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Number {
    Real(Option<f64>),
    Complex(Complex),
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        let or_nan = |x: Option<f64>| x.unwrap_or(f64::NAN);
        match number {
            Number::Real(x) => Self::Real(or_nan(x)),
            Number::Complex(z) => Self::Complex(c64::new(or_nan(z.real), or_nan(z.imag))),
        }
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LineVisitor)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Line;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step and its records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
        let (mut step, mut entries) = (None, Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            if name == STEP {
                step = Some(map.next_value()?);
                continue;
            }
            let columns: InOrder<Number> = map.next_value()?;
            let columns = columns.0.into_iter();
            entries.push((name, columns.map(|(name, x)| (name, x.into())).collect()));
        }
        let step = step.ok_or_else(|| serde::de::Error::missing_field(STEP))?;
        Ok(Line { step, entries })
    }
}

/// A map whose entries stay in order.
struct InOrder<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InOrder<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrderVisitor(PhantomData))
    }
}

struct InOrderVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrderVisitor<T> {
    type Value = InOrder<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers by their names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder<T>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(InOrder(entries))
    }
}
