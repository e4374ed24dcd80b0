//! Columns, made of rows.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, ListArray, MapArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{Field, Fields};
use jiff::Timestamp;

use crate::labels::Labels;
use crate::report::Frame;

/// Name of the elements of a list.
const ELEMENT: &str = "element";

/// A column with its values.
pub(super) struct Column {
    pub field: Field,
    pub array: ArrayRef,
}

impl Column {
    fn new(name: &str, array: impl Array + 'static, optional: bool) -> Self {
        Self {
            field: Field::new(name, array.data_type().clone(), optional),
            array: Arc::new(array),
        }
    }
}

/// Text.
pub(super) fn text<'a, R>(name: &str, rows: &'a [R], get: impl Fn(&'a R) -> &'a str) -> Column {
    Column::new(
        name,
        StringArray::from_iter_values(rows.iter().map(get)),
        false,
    )
}

/// Text, where there is any.
pub(super) fn maybe_text<'a, R>(
    name: &str,
    rows: &'a [R],
    get: impl Fn(&'a R) -> Option<&'a str>,
) -> Column {
    Column::new(name, rows.iter().map(get).collect::<StringArray>(), true)
}

/// A number. Not all readers know those above half of 2^64, and nothing is
/// measured that long.
pub(super) fn number<R>(name: &str, rows: &[R], get: impl Fn(&R) -> u64) -> Column {
    let values = rows.iter().map(|row| signed(get(row)));
    Column::new(name, Int64Array::from_iter_values(values), false)
}

/// A number, where there is one.
pub(super) fn maybe_number<R>(name: &str, rows: &[R], get: impl Fn(&R) -> Option<i64>) -> Column {
    Column::new(name, rows.iter().map(get).collect::<Int64Array>(), true)
}

/// A number as all readers know it.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A number with a fraction.
pub(super) fn decimal<R>(name: &str, rows: &[R], get: impl Fn(&R) -> f64) -> Column {
    let values = rows.iter().map(get);
    Column::new(name, Float64Array::from_iter_values(values), false)
}

/// A number with a fraction, where there is one.
pub(super) fn maybe_decimal<R>(name: &str, rows: &[R], get: impl Fn(&R) -> Option<f64>) -> Column {
    Column::new(name, rows.iter().map(get).collect::<Float64Array>(), true)
}

/// A moment, in UTC, where it is known.
pub(super) fn time<R>(name: &str, rows: &[R], get: impl Fn(&R) -> Option<Timestamp>) -> Column {
    let values = rows
        .iter()
        .map(|row| get(row).map(Timestamp::as_microsecond));
    let values: TimestampMicrosecondArray = values.collect();
    Column::new(name, values.with_timezone("UTC"), true)
}

/// Numbers.
pub(super) fn numbers<'a, R>(
    name: &str,
    rows: &'a [R],
    get: impl Fn(&'a R) -> &'a [i64],
) -> Column {
    let all = rows.iter().flat_map(&get).copied();
    let values = Column::new(ELEMENT, Int64Array::from_iter_values(all), false);
    list(name, rows.iter().map(|row| get(row).len()), values)
}

/// Labels by their names.
pub(super) fn labels<'a, R>(
    name: &str,
    rows: &'a [R],
    get: impl Fn(&'a R) -> &'a Labels,
) -> Column {
    let all: Vec<_> = rows.iter().flat_map(|row| get(row).iter()).collect();
    let names = text("key", &all, |(name, _)| name);
    let values = text("value", &all, |(_, value)| value);
    let entries = structs("entries", vec![names, values], None);
    let lengths = rows.iter().map(|row| get(row).iter().count());
    let Column { field, array } = entries;
    let entries = array.as_any().downcast_ref::<StructArray>().cloned();
    let entries = entries.unwrap_or_else(|| StructArray::new_null(Fields::empty(), 0));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let map = MapArray::new(Arc::new(field), offsets, entries, None, true);
    Column::new(name, map, false)
}

/// A place in the code, where there is one.
pub(super) fn frame<'a, R>(
    name: &str,
    rows: &'a [R],
    get: impl Fn(&'a R) -> Option<&'a Frame>,
) -> Column {
    let rows: Vec<_> = rows.iter().map(get).collect();
    let known = rows.iter().map(Option::is_some).collect();
    structs(name, parts(&rows), Some(known))
}

/// Stacks, innermost first.
pub(super) fn frames<'a, R>(
    name: &str,
    rows: &'a [R],
    get: impl Fn(&'a R) -> &'a [Frame],
) -> Column {
    let all: Vec<_> = rows.iter().flat_map(&get).map(Some).collect();
    let elements = structs(ELEMENT, parts(&all), None);
    list(name, rows.iter().map(|row| get(row).len()), elements)
}

fn parts(frames: &[Option<&Frame>]) -> Vec<Column> {
    vec![
        text("function", frames, |f| f.map_or("", |f| &f.function)),
        text("file", frames, |f| f.map_or("", |f| &f.file)),
        number("line", frames, |f| f.map_or(0, |f| f.line)),
    ]
}

/// Combines columns into one; rows that are not `known` are null.
pub(super) fn structs(name: &str, columns: Vec<Column>, known: Option<Vec<bool>>) -> Column {
    let optional = known.is_some();
    let (fields, arrays): (Vec<_>, _) = columns.into_iter().map(|c| (c.field, c.array)).unzip();
    let known = known.map(NullBuffer::from);
    Column::new(
        name,
        StructArray::new(fields.into(), arrays, known),
        optional,
    )
}

/// The values of all rows, so many each.
pub(super) fn list(name: &str, lengths: impl Iterator<Item = usize>, values: Column) -> Column {
    let offsets = OffsetBuffer::from_lengths(lengths);
    let Column { field, array } = values;
    Column::new(
        name,
        ListArray::new(Arc::new(field), offsets, array, None),
        false,
    )
}
