//! Operators as text: sums of strings.

use super::reader::{Result, Table};
use crate::operator::{Kind, Mistake, Strings};
use crate::{Error, c64};

/// A list of sums, or one of them, each of which `parse` takes.
pub(super) fn read<K: Kind>(
    table: &Table<'_>,
    field: &str,
    example: &str,
    parse: impl Fn(&str) -> crate::Result<std::result::Result<Strings<K>, Mistake>>,
) -> Result<Vec<String>> {
    let one = table.node(field).is_some_and(|node| !node.is_list());
    let texts = match one {
        true => vec![table.required(field, example)?],
        false => table.required::<Vec<String>>(field, &format!("[{example}]"))?,
    };
    for (i, text) in texts.iter().enumerate() {
        // What is not a mistake of the text is said when the operator is built.
        if let Ok(Err(mistake)) = parse(text) {
            let item = (!one).then_some(i);
            return Err(table.refuse_within(field, item, text, mistake));
        }
    }
    Ok(texts)
}

/// The sum of what `parse` makes of some texts.
pub(super) fn sum<K: Kind>(
    field: &str,
    texts: &[String],
    parse: impl Fn(&str) -> crate::Result<Strings<K>>,
) -> crate::Result<Strings<K>> {
    let named = |(i, text): (usize, &String)| {
        parse(text).map_err(|error| match error {
            Error::Invalid { field: ref of, .. } if of == "text" => {
                error.of_field(&format!("{field}[{i}]"))
            }
            other => other,
        })
    };
    let mut sums = texts.iter().enumerate().map(named);
    let Some(first) = sums.next() else {
        return Err(Error::invalid(field, "a sum", "none", "list at least one"));
    };
    sums.try_fold(first?, |mut total, sum| {
        total.add_scaled(&sum?, c64::ONE)?;
        Ok(total)
    })
}
