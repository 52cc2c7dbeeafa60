//! What a model has answered so far. States and operations are kept once and named by numbers; each is asked about once.

use std::collections::{BTreeSet, HashMap};
use std::io;

use serde_json::Value;

use super::{Model, Operation, Question, Stepped};

/// A state that the model has come to, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State(usize);

/// An operation with its arguments, by number: equal ones are the same to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Deed(usize);

/// What comes of a deed in a state.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    Blocked,
    /// The state after it, and its result by number.
    To(State, usize),
}

/// A model with a memory. It outlives one history: many of them share states.
#[derive(Debug)]
pub struct Memory<M> {
    model: M,
    states: Table,
    deeds: Vec<(String, Vec<Value>)>,
    deed_numbers: HashMap<String, Deed>,
    results: Table,
    effects: HashMap<(State, Deed), Effect>,
    /// Deeds that have changed a state somewhere, or were blocked in one.
    mattering: BTreeSet<Deed>,
}

impl<M: Model> Memory<M> {
    pub fn new(model: M, initial: Value) -> Memory<M> {
        let mut states = Table::default();
        states.number(initial);
        Memory {
            model,
            states,
            deeds: Vec::new(),
            deed_numbers: HashMap::new(),
            results: Table::default(),
            effects: HashMap::new(),
            mattering: BTreeSet::new(),
        }
    }

    pub fn model_mut(&mut self) -> &mut M {
        &mut self.model
    }

    pub fn initial(&self) -> State {
        State(0)
    }

    pub fn deed(&mut self, operation: &Operation) -> Deed {
        let key = serde_json::json!([operation.operation, operation.arguments]).to_string();
        *self.deed_numbers.entry(key).or_insert_with(|| {
            self.deeds.push((operation.operation.clone(), operation.arguments.clone()));
            Deed(self.deeds.len() - 1)
        })
    }

    /// Learns what comes of all these deeds in a state, in one question.
    pub fn learn(&mut self, state: State, deeds: impl Iterator<Item = Deed>) -> io::Result<()> {
        let unknown: BTreeSet<Deed> = deeds.filter(|deed| !self.effects.contains_key(&(state, *deed))).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let question = |deed: &Deed| {
            let (operation, arguments) = &self.deeds[deed.0];
            Question { state: self.states.value(state.0), operation, arguments }
        };
        let questions: Vec<Question<'_>> = unknown.iter().map(question).collect();
        let answers = self.model.step(&questions)?;
        if answers.len() != unknown.len() {
            return Err(io::Error::other(format!("{} answers to {} steps", answers.len(), unknown.len())));
        }
        for (deed, answer) in unknown.into_iter().zip(answers) {
            let effect = match answer {
                Stepped::Blocked => Effect::Blocked,
                Stepped::To { state, result } => {
                    Effect::To(State(self.states.number(state)), self.results.number(result))
                }
            };
            if !matches!(effect, Effect::To(next, _) if next == state) {
                self.mattering.insert(deed);
            }
            self.effects.insert((state, deed), effect);
        }
        Ok(())
    }

    /// What was learned.
    pub fn effect(&self, state: State, deed: Deed) -> Effect {
        self.effects[&(state, deed)]
    }

    pub fn result(&self, number: usize) -> &Value {
        self.results.value(number)
    }

    /// Whether a deed, as far as is known, only looks: to leave it out makes no history worse.
    pub fn only_looks(&self, deed: Deed) -> bool {
        !self.mattering.contains(&deed)
    }
}

/// A result in the one form that it has whoever tells it: what is in a set or in a mapping comes in no order.
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        Value::Object(map) => {
            let unordered = map.len() == 1 && map.keys().all(|key| key == "$set" || key == "$dict");
            let part = |(key, value): (String, Value)| match canonical(value) {
                Value::Array(mut items) if unordered => {
                    items.sort_by_cached_key(Value::to_string);
                    (key, Value::Array(items))
                }
                value => (key, value),
            };
            Value::Object(map.into_iter().map(part).collect())
        }
        plain => plain,
    }
}

/// Values by number, equal ones under the same.
#[derive(Debug, Default)]
struct Table {
    values: Vec<Value>,
    numbers: HashMap<String, usize>,
}

impl Table {
    fn number(&mut self, value: Value) -> usize {
        // Keys of objects are sorted, so equal values have equal texts.
        let next = self.values.len();
        let number = *self.numbers.entry(value.to_string()).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        number
    }

    fn value(&self, number: usize) -> &Value {
        &self.values[number]
    }
}
