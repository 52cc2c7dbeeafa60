//! Values between Python and JSON.
//!
//! What JSON knows goes as it is. The rest goes as an object with one name that begins with `$`: `$int` for numbers that a
//! double cannot hold, `$bytes`, `$set`, `$dict` for keys that are no texts, `$raised` for exceptions, `$object` for
//! everything else: its type and a number, so that the same object is known again.

use std::cell::RefCell;

use pyo3::exceptions::{PyBaseException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple};
use serde_json::{Map, Number, Value, json};

use crate::held::Held;

/// Deepest nesting that is told.
const DEPTH_MAX: usize = 20;
/// Most values of one outcome that are told.
const VALUES_MAX: usize = 20_000;
/// Most bytes of all texts of one outcome that are told.
const TEXT_BYTES_MAX: usize = 256 << 10;
/// Largest whole number that every reader of JSON keeps.
const INTEGER_MAX: i64 = 1 << 53;

/// A type's name and an object of it.
type Known = (String, Py<PyAny>);

/// Objects that have a number, by type: kept, so that no other gets their address.
static OBJECTS: Held<RefCell<Vec<Known>>> = Held::new(RefCell::new(Vec::new()));

/// Before a run: no object has a number.
pub fn begin() {
    let objects = OBJECTS.take();
    drop(objects);
}

/// What may still be told.
struct Left {
    values: usize,
    bytes: usize,
}

pub fn to_json(value: &Bound<'_, PyAny>) -> Value {
    convert(value, DEPTH_MAX, &mut Left { values: VALUES_MAX, bytes: TEXT_BYTES_MAX })
}

fn convert(value: &Bound<'_, PyAny>, depth: usize, left: &mut Left) -> Value {
    if depth == 0 {
        return json!({"$limit": "depth"});
    }
    if left.values == 0 {
        return json!({"$limit": "values"});
    }
    left.values -= 1;
    if value.is_none() {
        Value::Null
    } else if let Ok(truth) = value.cast_exact::<PyBool>() {
        Value::Bool(truth.is_true())
    } else if value.is_instance_of::<PyInt>() {
        integer(value)
    } else if let Ok(float) = value.cast::<PyFloat>() {
        Number::from_f64(float.value())
            .map_or_else(|| json!({"$float": float.value().to_string().to_lowercase()}), Value::Number)
    } else if let Ok(text) = value.cast::<PyString>() {
        texts(&text.to_string_lossy(), left)
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        let hex: String = bytes.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        json!({"$bytes": texts(&hex, left)})
    } else if let Ok(list) = value.cast::<PyList>() {
        Value::Array(list.iter().map(|item| convert(&item, depth - 1, left)).collect())
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        Value::Array(tuple.iter().map(|item| convert(&item, depth - 1, left)).collect())
    } else if let Ok(dict) = value.cast::<PyDict>() {
        mapping(dict, depth, left)
    } else if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
        set(value, depth, left)
    } else if value.is_instance_of::<PyBaseException>() {
        raised(value, left)
    } else {
        object(value)
    }
}

fn texts(text: &str, left: &mut Left) -> Value {
    if text.len() > left.bytes {
        return json!({"$limit": "text"});
    }
    left.bytes -= text.len();
    Value::String(text.to_owned())
}

fn integer(value: &Bound<'_, PyAny>) -> Value {
    match value.extract::<i64>() {
        Ok(number) if (-INTEGER_MAX..=INTEGER_MAX).contains(&number) => Value::Number(number.into()),
        _ => {
            // The type's own method: a program's number may have another. In hex there may be any number of digits.
            let text = value.py().get_type::<PyInt>().call_method1("__format__", (value, "#x"));
            json!({"$int": text.map(|text| text.to_string()).unwrap_or_default()})
        }
    }
}

fn mapping(dict: &Bound<'_, PyDict>, depth: usize, left: &mut Left) -> Value {
    let pairs: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)> = dict.iter().collect();
    if pairs.iter().all(|(key, _)| key.is_instance_of::<PyString>()) {
        let mut map = Map::new();
        for (key, value) in pairs {
            let key = key.str().map(|key| key.to_string_lossy().into_owned()).unwrap_or_default();
            if let Value::String(key) = texts(&key, left) {
                map.insert(key, convert(&value, depth - 1, left));
            }
        }
        return Value::Object(map);
    }
    let pair = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        json!([convert(&key, depth - 1, left), convert(&value, depth - 1, left)])
    };
    json!({"$dict": pairs.into_iter().map(pair).collect::<Vec<Value>>()})
}

fn set(value: &Bound<'_, PyAny>, depth: usize, left: &mut Left) -> Value {
    let items = value.try_iter().map(|items| items.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let mut items: Vec<Value> = items.iter().map(|item| convert(item, depth - 1, left)).collect();
    // In an order that does not depend on addresses.
    items.sort_by_cached_key(|item| (item.as_f64().map(f64::to_bits), item.to_string()));
    json!({"$set": items})
}

fn raised(value: &Bound<'_, PyAny>, left: &mut Left) -> Value {
    let class = value.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    let text = value.str().map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
    json!({"$raised": [class, texts(&text, left)]})
}

fn object(value: &Bound<'_, PyAny>) -> Value {
    let kind = value.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    let mut objects = OBJECTS.borrow_mut();
    let same = |(_, known): &&Known| known.as_ptr() == value.as_ptr();
    if objects.iter().find(same).is_none() {
        objects.push((kind.clone(), value.clone().unbind()));
    }
    let alike = objects.iter().filter(|(known, _)| *known == kind);
    let number = alike.take_while(|(_, known)| known.as_ptr() != value.as_ptr()).count() + 1;
    json!({"$object": [kind, number]})
}

pub fn from_json<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(truth) => PyBool::new(py, *truth).to_owned().into_any(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into_pyobject(py)?.into_any(),
            None => PyFloat::new(py, number.as_f64().unwrap_or(f64::NAN)).into_any(),
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let items = items.iter().map(|item| from_json(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        Value::Object(map) => from_object(py, map)?,
    })
}

fn from_object<'py>(py: Python<'py>, map: &Map<String, Value>) -> PyResult<Bound<'py, PyAny>> {
    let only = if map.len() == 1 { map.iter().next() } else { None };
    match only {
        Some((kind, Value::String(digits))) if kind == "$int" => {
            py.get_type::<PyInt>().call1((digits, 16)).map(Bound::into_any)
        }
        Some((kind, Value::String(hex))) if kind == "$bytes" => {
            let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap_or("-"), 16);
            let bytes: Result<Vec<u8>, _> = (0..hex.len()).step_by(2).map(byte).collect();
            let bytes = bytes.map_err(|_| PyValueError::new_err("bytes are written as pairs of hex digits"))?;
            Ok(PyBytes::new(py, &bytes).into_any())
        }
        Some((kind, Value::String(word))) if kind == "$float" => {
            py.get_type::<PyFloat>().call1((word,)).map(Bound::into_any)
        }
        Some((kind, Value::Array(items))) if kind == "$set" => {
            let items = items.iter().map(|item| from_json(py, item)).collect::<PyResult<Vec<_>>>()?;
            Ok(PySet::new(py, items)?.into_any())
        }
        _ => {
            let dict = PyDict::new(py);
            for (key, value) in map {
                dict.set_item(key, from_json(py, value)?)?;
            }
            Ok(dict.into_any())
        }
    }
}
