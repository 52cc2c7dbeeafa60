//! Tables and properties as JSON, which is how the suite reads and writes them.
//!
//! Strings that are not UTF-8 are shown with replacement characters, and what is nested deeper than a suite would look
//! is left out: the ledger is for reading.

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use serde_json::{Map, Value, json};

/// How deep tables in tables are shown.
const DEPTH_SHOWN: usize = 6;
/// Longest short string.
const SHORT_BYTES_MAX: usize = 255;

/// A short string, cut where it is too long for one.
pub fn short(text: &str) -> ShortString {
    let mut end = text.len().min(SHORT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    ShortString::try_new(&text[..end]).unwrap_or_default()
}

pub fn table_to_json(table: &FieldTable) -> Value {
    table_at(table, 0)
}

fn table_at(table: &FieldTable, depth: usize) -> Value {
    if depth > DEPTH_SHOWN {
        return json!("…");
    }
    table.into_iter().map(|(key, value)| (key.to_string(), value_at(value, depth + 1))).collect::<Map<_, _>>().into()
}

fn value_at(value: &AMQPValue, depth: usize) -> Value {
    match value {
        AMQPValue::Boolean(it) => json!(it),
        AMQPValue::ShortShortInt(it) => json!(it),
        AMQPValue::ShortShortUInt(it) => json!(it),
        AMQPValue::ShortInt(it) => json!(it),
        AMQPValue::ShortUInt(it) => json!(it),
        AMQPValue::LongInt(it) => json!(it),
        AMQPValue::LongUInt(it) => json!(it),
        AMQPValue::LongLongInt(it) => json!(it),
        AMQPValue::Float(it) => json!(it),
        AMQPValue::Double(it) => json!(it),
        AMQPValue::DecimalValue(it) => json!(format!("{}e-{}", it.value, it.scale)),
        AMQPValue::ShortString(it) => json!(it.as_str()),
        AMQPValue::LongString(it) => json!(String::from_utf8_lossy(it.as_bytes())),
        AMQPValue::FieldArray(_) if depth > DEPTH_SHOWN => json!("…"),
        AMQPValue::FieldArray(it) => it.as_slice().iter().map(|value| value_at(value, depth + 1)).collect(),
        AMQPValue::Timestamp(it) => json!(it),
        AMQPValue::FieldTable(it) => table_at(it, depth),
        AMQPValue::ByteArray(it) => json!(String::from_utf8_lossy(it.as_slice())),
        AMQPValue::Void => Value::Null,
    }
}

pub fn table_from_json(value: &Value) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in value.as_object().into_iter().flatten() {
        table.insert(short(key), value_from_json(value));
    }
    table
}

fn value_from_json(value: &Value) -> AMQPValue {
    match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(it) => AMQPValue::Boolean(*it),
        Value::Number(it) => match it.as_i64() {
            Some(whole) => AMQPValue::LongLongInt(whole),
            None => AMQPValue::Double(it.as_f64().unwrap_or_default()),
        },
        Value::String(it) => AMQPValue::LongString(it.as_bytes().into()),
        Value::Array(it) => AMQPValue::FieldArray(FieldArray::from(it.iter().map(value_from_json).collect::<Vec<_>>())),
        Value::Object(_) => AMQPValue::FieldTable(table_from_json(value)),
    }
}

/// A string of a table, if it holds one of that name.
pub fn text<'a>(table: &'a FieldTable, name: &str) -> Option<&'a str> {
    match table.inner().get(name)? {
        AMQPValue::LongString(it) => std::str::from_utf8(it.as_bytes()).ok(),
        AMQPValue::ShortString(it) => Some(it.as_str()),
        _ => None,
    }
}

/// The properties that are set.
pub fn properties_to_json(properties: &AMQPProperties) -> Value {
    let text = |it: &Option<ShortString>| it.as_ref().map(|it| json!(it.as_str()));
    let fields = [
        ("content_type", text(properties.content_type())),
        ("content_encoding", text(properties.content_encoding())),
        ("headers", properties.headers().as_ref().map(table_to_json)),
        ("delivery_mode", properties.delivery_mode().map(|it| json!(it))),
        ("priority", properties.priority().map(|it| json!(it))),
        ("correlation_id", text(properties.correlation_id())),
        ("reply_to", text(properties.reply_to())),
        ("expiration", text(properties.expiration())),
        ("message_id", text(properties.message_id())),
        ("timestamp", properties.timestamp().map(|it| json!(it))),
        ("type", text(properties.kind())),
        ("user_id", text(properties.user_id())),
        ("app_id", text(properties.app_id())),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
}

/// The way back; an error names a property that there is not.
pub fn properties_from_json(value: &Value) -> Result<AMQPProperties, String> {
    let mut made = AMQPProperties::default();
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = || value.as_str().map(short).ok_or_else(|| format!("property {name:?}: a string is wanted"));
        let number = || {
            value
                .as_u64()
                .and_then(|it| it.try_into().ok())
                .ok_or_else(|| format!("property {name:?}: a number is wanted"))
        };
        made = match name.as_str() {
            "content_type" => made.with_content_type(text()?),
            "content_encoding" => made.with_content_encoding(text()?),
            "headers" => made.with_headers(table_from_json(value)),
            "delivery_mode" => made.with_delivery_mode(number()?),
            "priority" => made.with_priority(number()?),
            "correlation_id" => made.with_correlation_id(text()?),
            "reply_to" => made.with_reply_to(text()?),
            "message_id" => made.with_message_id(text()?),
            "timestamp" => made.with_timestamp(value.as_u64().unwrap_or_default()),
            "type" => made.with_type(text()?),
            "app_id" => made.with_app_id(text()?),
            _ => return Err(format!("there is no property {name:?}")),
        };
    }
    Ok(made)
}
