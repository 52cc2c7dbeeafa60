//! Queues and exchanges: declared, bound, deleted; and where a rejected message goes.

use std::collections::BTreeSet;

use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::exchange::{self, AMQPMethod as ExchangeMethod};
use amq_protocol::protocol::queue::{self, AMQPMethod as QueueMethod};
use amq_protocol::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use serde_json::json;

use super::broker::{At, Broker, Fault, Outcome};
use super::channel::not_implemented;
use super::exchange::{Exchange, Kind};
use super::ledger::By;
use super::queue::{Message, Queue};
use super::tables::{short, table_to_json, text};

/// Most of each in one broker.
const QUEUES_MAX: usize = 256;
const EXCHANGES_MAX: usize = 64;
const BINDINGS_MAX: usize = 1024;
/// Arguments of queues that are obeyed; others would change what a queue does.
const DEAD_LETTER_EXCHANGE: &str = "x-dead-letter-exchange";
const DEAD_LETTER_KEY: &str = "x-dead-letter-routing-key";
/// Arguments that are kept and change nothing here.
const HARMLESS: &[&str] = &["x-queue-type", "x-queue-mode", "x-queue-master-locator", "x-queue-version"];

impl Broker {
    pub fn obey_queue(&mut self, at: At, method: QueueMethod) -> Outcome {
        match method {
            QueueMethod::Declare(declare) => self.declare_queue(at, &declare),
            QueueMethod::Bind(bind) => {
                let queue = self.queue_meant(at, &bind.queue)?;
                self.bind(&queue, bind.exchange.as_str(), bind.routing_key.as_str())?;
                let ok = QueueMethod::BindOk(queue::BindOk {});
                self.answer_unless(bind.nowait, at, AMQPClass::Queue(ok))
            }
            QueueMethod::Unbind(unbind) => {
                let queue = self.queue_meant(at, &unbind.queue)?;
                let exchange = self.exchange_named(unbind.exchange.as_str())?;
                exchange.bindings.remove(&(queue, unbind.routing_key.to_string()));
                self.send(at, AMQPClass::Queue(QueueMethod::UnbindOk(queue::UnbindOk {})));
                Ok(())
            }
            QueueMethod::Purge(purge) => {
                let name = self.queue_meant(at, &purge.queue)?;
                let purged = std::mem::take(&mut self.queues.get_mut(&name).expect("looked up just now").ready);
                self.stored_bytes -= purged.values().map(|message| message.body.len()).sum::<usize>();
                let ok = queue::PurgeOk { message_count: count(purged.len()) };
                self.answer_unless(purge.nowait, at, AMQPClass::Queue(QueueMethod::PurgeOk(ok)))
            }
            QueueMethod::Delete(delete) => self.delete_queue(at, &delete),
            _ => Err(Fault::Connection(503, "COMMAND_INVALID - this method is not for a client to send".to_owned())),
        }
    }

    pub fn obey_exchange(&mut self, at: At, method: ExchangeMethod) -> Outcome {
        match method {
            ExchangeMethod::Declare(declare) => self.declare_exchange(at, &declare),
            ExchangeMethod::Delete(delete) => self.delete_exchange(at, &delete),
            ExchangeMethod::Bind(_) | ExchangeMethod::Unbind(_) => Err(not_implemented("exchanges bound to exchanges")),
            _ => Err(Fault::Connection(503, "COMMAND_INVALID - this method is not for a client to send".to_owned())),
        }
    }

    fn answer_unless(&mut self, nowait: bool, at: At, method: AMQPClass) -> Outcome {
        if !nowait {
            self.send(at, method);
        }
        Ok(())
    }

    /// The queue that a name stands for on a channel, if the client may use it.
    pub fn queue_meant(&mut self, at: At, name: &ShortString) -> Result<String, Fault> {
        let last = || self.connections[&at.connection].channels[&at.channel].last_queue.clone();
        let name = match name.as_str() {
            "" => last().ok_or_else(|| Fault::Channel(404, "NOT_FOUND - no previously declared queue".to_owned()))?,
            name => name.to_owned(),
        };
        let queue = self.queues.get(&name).ok_or_else(|| no_queue(&name))?;
        if queue.owner.is_some_and(|owner| owner != at.connection) {
            return Err(locked(&name));
        }
        Ok(name)
    }

    fn exchange_named(&mut self, name: &str) -> Result<&mut Exchange, Fault> {
        let missing = || Fault::Channel(404, format!("NOT_FOUND - no exchange '{name}' in vhost '/'"));
        self.exchanges.get_mut(name).ok_or_else(missing)
    }

    fn declare_queue(&mut self, at: At, declare: &queue::Declare) -> Outcome {
        let mut name = declare.queue.to_string();
        let fields = json!({"queue": name, "passive": declare.passive, "durable": declare.durable,
            "exclusive": declare.exclusive, "auto_delete": declare.auto_delete,
            "arguments": table_to_json(&declare.arguments)});
        self.ledger.note(By::Client, at, "queue.declare", fields, None);
        if name.is_empty() && !declare.passive {
            name = self.new_name("amq.gen");
        } else if !self.queues.contains_key(&name) {
            if declare.passive {
                return Err(no_queue(&name));
            }
            if name.starts_with("amq.") {
                let text = format!("ACCESS_REFUSED - queue name '{name}' contains reserved prefix 'amq.*'");
                return Err(Fault::Channel(403, text));
            }
        }
        match self.queues.get(&name) {
            Some(queue) => agrees(&name, queue, at, declare)?,
            None => self.make_queue(&name, at, declare)?,
        }
        self.channel_mut(at).expect("it is open").last_queue = Some(name.clone());
        let queue = &self.queues[&name];
        let ok = queue::DeclareOk {
            queue: short(&name),
            message_count: count(queue.ready.len()),
            consumer_count: count(queue.subscribers.len()),
        };
        self.answer_unless(declare.nowait, at, AMQPClass::Queue(QueueMethod::DeclareOk(ok)))
    }

    fn make_queue(&mut self, name: &str, at: At, declare: &queue::Declare) -> Outcome {
        let strange = declare.arguments.inner().keys().map(ShortString::as_str).find(|name| {
            name.starts_with("x-")
                && ![DEAD_LETTER_EXCHANGE, DEAD_LETTER_KEY].contains(name)
                && !HARMLESS.contains(name)
        });
        if let Some(strange) = strange {
            return Err(not_implemented(&format!("the queue argument {strange}")));
        }
        let held = |name: &str| declare.arguments.contains_key(name);
        if held(DEAD_LETTER_KEY) && !held(DEAD_LETTER_EXCHANGE) {
            let text = format!(
                "PRECONDITION_FAILED - invalid arg '{DEAD_LETTER_KEY}' for queue '{name}' in vhost '/': \
                 routing_key_but_no_dlx_defined"
            );
            return Err(Fault::Channel(406, text));
        }
        if self.queues.len() >= QUEUES_MAX {
            return Err(Fault::Connection(506, "RESOURCE_ERROR - this broker has no more queues".to_owned()));
        }
        let queue = Queue {
            durable: declare.durable,
            owner: declare.exclusive.then_some(at.connection),
            auto_delete: declare.auto_delete,
            arguments: declare.arguments.clone(),
            ..Queue::default()
        };
        self.queues.insert(name.to_owned(), queue);
        Ok(())
    }

    pub fn bind(&mut self, queue: &str, exchange: &str, key: &str) -> Outcome {
        if exchange.is_empty() {
            return Err(default_exchange());
        }
        let bound = self.exchanges.values().map(|it| it.bindings.len()).sum::<usize>();
        if bound >= BINDINGS_MAX {
            return Err(Fault::Connection(506, "RESOURCE_ERROR - this broker has no more bindings".to_owned()));
        }
        self.exchange_named(exchange)?.bindings.insert((queue.to_owned(), key.to_owned()));
        Ok(())
    }

    fn delete_queue(&mut self, at: At, delete: &queue::Delete) -> Outcome {
        let name = delete.queue.to_string();
        self.ledger.note(By::Client, at, "queue.delete", json!({"queue": name}), None);
        let deleted = match self.queue_meant(at, &delete.queue) {
            // Deleting what is not there is no mistake.
            Err(Fault::Channel(404, _)) if !name.is_empty() => 0,
            Err(fault) => return Err(fault),
            Ok(name) => {
                let queue = &self.queues[&name];
                if delete.if_unused && !queue.subscribers.is_empty() {
                    return Err(precondition(&format!("queue '{name}' in vhost '/' in use")));
                }
                if delete.if_empty && !queue.ready.is_empty() {
                    return Err(precondition(&format!("queue '{name}' in vhost '/' not empty")));
                }
                let deleted = queue.ready.len();
                self.remove_queue(&name);
                deleted
            }
        };
        let ok = queue::DeleteOk { message_count: count(deleted) };
        self.answer_unless(delete.nowait, at, AMQPClass::Queue(QueueMethod::DeleteOk(ok)))
    }

    /// Takes a queue away with its messages and bindings, and tells its consumers.
    pub fn remove_queue(&mut self, name: &str) {
        let Some(queue) = self.queues.remove(name) else { return };
        self.stored_bytes -= queue.ready.values().map(|message| message.body.len()).sum::<usize>();
        self.stored_bytes -= self.forget_unacked(name);
        queue.subscribers.iter().for_each(|subscriber| self.bereave(subscriber));
        let mut emptied = BTreeSet::new();
        for (exchange, it) in &mut self.exchanges {
            let before = it.bindings.len();
            it.bindings.retain(|(queue, _)| queue != name);
            if it.auto_delete && before > 0 && it.bindings.is_empty() {
                emptied.insert(exchange.clone());
            }
        }
        self.exchanges.retain(|exchange, _| !emptied.contains(exchange));
    }

    fn declare_exchange(&mut self, at: At, declare: &exchange::Declare) -> Outcome {
        let (name, kind) = (declare.exchange.as_str(), declare.kind.as_str());
        let fields = json!({"exchange": name, "type": kind, "passive": declare.passive, "durable": declare.durable,
            "auto_delete": declare.auto_delete});
        self.ledger.note(By::Client, at, "exchange.declare", fields, None);
        match self.exchanges.get(name) {
            Some(_) if declare.passive => {}
            None if declare.passive => {
                self.exchange_named(name)?;
            }
            _ if name.is_empty() => return Err(default_exchange()),
            Some(there) => {
                let fields = [
                    ("type", there.kind.name().to_owned(), kind.to_owned()),
                    ("durable", there.durable.to_string(), declare.durable.to_string()),
                    ("auto_delete", there.auto_delete.to_string(), declare.auto_delete.to_string()),
                    ("internal", there.internal.to_string(), declare.internal.to_string()),
                ];
                agree(&format!("exchange '{name}'"), &fields)?;
            }
            None => self.make_exchange(declare)?,
        }
        self.answer_unless(declare.nowait, at, AMQPClass::Exchange(ExchangeMethod::DeclareOk(exchange::DeclareOk {})))
    }

    fn make_exchange(&mut self, declare: &exchange::Declare) -> Outcome {
        let (name, kind) = (declare.exchange.to_string(), declare.kind.as_str());
        if name.starts_with("amq.") {
            let text = format!("ACCESS_REFUSED - exchange name '{name}' contains reserved prefix 'amq.*'");
            return Err(Fault::Channel(403, text));
        }
        if kind == "headers" {
            return Err(not_implemented("exchanges of type headers"));
        }
        let Some(kind) = Kind::named(kind) else {
            return Err(Fault::Connection(503, format!("COMMAND_INVALID - unknown exchange type '{kind}'")));
        };
        if self.exchanges.len() >= EXCHANGES_MAX {
            return Err(Fault::Connection(506, "RESOURCE_ERROR - this broker has no more exchanges".to_owned()));
        }
        let exchange = Exchange {
            kind,
            durable: declare.durable,
            auto_delete: declare.auto_delete,
            internal: declare.internal,
            bindings: BTreeSet::new(),
        };
        self.exchanges.insert(name, exchange);
        Ok(())
    }

    fn delete_exchange(&mut self, at: At, delete: &exchange::Delete) -> Outcome {
        let name = delete.exchange.as_str();
        if name.is_empty() {
            return Err(default_exchange());
        }
        if name.starts_with("amq.") {
            let text = format!("ACCESS_REFUSED - exchange name '{name}' contains reserved prefix 'amq.*'");
            return Err(Fault::Channel(403, text));
        }
        let used = self.exchanges.get(name).is_some_and(|it| !it.bindings.is_empty());
        if delete.if_unused && used {
            return Err(precondition(&format!("exchange '{name}' in vhost '/' in use")));
        }
        self.exchanges.remove(name);
        self.answer_unless(delete.nowait, at, AMQPClass::Exchange(ExchangeMethod::DeleteOk(exchange::DeleteOk {})))
    }

    /// A rejected message goes to its queue's dead-letter exchange, if it has one that is there.
    pub fn dead_letter(&mut self, name: &str, message: &Message) {
        let arguments = &self.queues[name].arguments;
        let Some(exchange) = text(arguments, DEAD_LETTER_EXCHANGE).map(str::to_owned) else { return };
        let key = text(arguments, DEAD_LETTER_KEY).unwrap_or(message.routing_key.as_str()).to_owned();
        let headers = message.properties.headers().clone().unwrap_or_default();
        let properties = message.properties.clone().with_headers(with_death(&headers, name, message));
        self.route(&exchange, &key, &properties, &message.body);
    }
}

/// The headers of a message that has died once more: as RabbitMQ writes them, but for the time, since there is no clock.
fn with_death(headers: &FieldTable, queue: &str, message: &Message) -> FieldTable {
    let string = |text: &str| AMQPValue::LongString(text.as_bytes().into());
    let same = |value: &AMQPValue| match value {
        AMQPValue::FieldTable(death) => {
            text(death, "queue") == Some(queue) && text(death, "reason") == Some("rejected")
        }
        _ => false,
    };
    let mut deaths: Vec<AMQPValue> = match headers.inner().get("x-death") {
        Some(AMQPValue::FieldArray(deaths)) => deaths.as_slice().to_vec(),
        _ => vec![],
    };
    let before = deaths.iter().position(same).map(|index| deaths.remove(index));
    let times = match &before {
        Some(AMQPValue::FieldTable(death)) => match death.inner().get("count") {
            Some(AMQPValue::LongLongInt(times)) => *times,
            _ => 0,
        },
        _ => 0,
    };
    let keys = FieldArray::from(vec![string(message.routing_key.as_str())]);
    let mut death = FieldTable::default();
    death.insert(short("count"), AMQPValue::LongLongInt(times.saturating_add(1)));
    death.insert(short("reason"), string("rejected"));
    death.insert(short("queue"), string(queue));
    death.insert(short("exchange"), string(message.exchange.as_str()));
    death.insert(short("routing-keys"), AMQPValue::FieldArray(keys));
    deaths.insert(0, AMQPValue::FieldTable(death));
    let mut headers = headers.clone();
    headers.insert(short("x-death"), AMQPValue::FieldArray(FieldArray::from(deaths)));
    for (name, value) in [("reason", "rejected"), ("queue", queue), ("exchange", message.exchange.as_str())] {
        let name = format!("x-first-death-{name}");
        if !headers.contains_key(&name) {
            headers.insert(short(&name), string(value));
        }
    }
    headers
}

/// Whether a queue that is there is what a client declares.
fn agrees(name: &str, queue: &Queue, at: At, declare: &queue::Declare) -> Outcome {
    if queue.owner.is_some_and(|owner| owner != at.connection) {
        return Err(locked(name));
    }
    if declare.passive {
        return Ok(());
    }
    if declare.exclusive != queue.owner.is_some() {
        return Err(locked(name));
    }
    let fields = [
        ("durable", queue.durable.to_string(), declare.durable.to_string()),
        ("auto_delete", queue.auto_delete.to_string(), declare.auto_delete.to_string()),
    ];
    agree(&format!("queue '{name}'"), &fields)?;
    let names: BTreeSet<&str> = [&queue.arguments, &declare.arguments]
        .into_iter()
        .flat_map(|it| it.inner().keys())
        .map(ShortString::as_str)
        .collect();
    let said =
        |value: Option<&str>, otherwise| value.map_or(otherwise, |it| format!("the value '{it}' of type 'longstr'"));
    for argument in names.into_iter().filter(|name| name.starts_with("x-")) {
        if queue.arguments.inner().get(argument) != declare.arguments.inner().get(argument) {
            let got = said(text(&declare.arguments, argument), "none".to_owned());
            let is = said(text(&queue.arguments, argument), "none".to_owned());
            return Err(precondition(&format!(
                "inequivalent arg '{argument}' for queue '{name}' in vhost '/': received {got} but current is {is}"
            )));
        }
    }
    Ok(())
}

/// Each field is its name, what is there, and what was received.
fn agree(what: &str, fields: &[(&str, String, String)]) -> Outcome {
    match fields.iter().find(|(_, is, got)| is != got) {
        None => Ok(()),
        Some((field, is, got)) => Err(precondition(&format!(
            "inequivalent arg '{field}' for {what} in vhost '/': received '{got}' but current is '{is}'"
        ))),
    }
}

fn no_queue(name: &str) -> Fault {
    Fault::Channel(404, format!("NOT_FOUND - no queue '{name}' in vhost '/'"))
}

fn locked(name: &str) -> Fault {
    let text = format!(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{name}' in vhost '/'. It could be originally \
         declared on another connection or the exclusive property value does not match that of the original declaration."
    );
    Fault::Channel(405, text)
}

fn precondition(text: &str) -> Fault {
    Fault::Channel(406, format!("PRECONDITION_FAILED - {text}"))
}

fn default_exchange() -> Fault {
    Fault::Channel(403, "ACCESS_REFUSED - operation not permitted on the default exchange".to_owned())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
