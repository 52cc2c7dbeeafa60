//! Messages on their way to consumers: handed out, settled, put back.

use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::basic::{self, AMQPMethod as Basic};
use serde_json::{Value, json};

use super::broker::{At, BACKLOG_BYTES_MAX, Broker, Fault, Outcome};
use super::channel::Unacked;
use super::ledger::By;
use super::queue::{Message, Subscriber};
use super::tables::{properties_to_json, short};

/// How a delivery is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    Ack,
    Requeue,
    Reject,
}

impl Settlement {
    /// What `basic.nack` and `basic.reject` say.
    pub fn refusal(requeue: bool) -> Settlement {
        if requeue { Settlement::Requeue } else { Settlement::Reject }
    }
}

impl Broker {
    pub fn get(&mut self, at: At, get: &basic::Get) -> Outcome {
        let name = self.queue_meant(at, &get.queue)?;
        self.ledger.note(By::Client, at, "basic.get", json!({"queue": name, "no_ack": get.no_ack}), None);
        let queue = self.queues.get_mut(&name).expect("looked up just now");
        let Some(message) = queue.take(!get.no_ack) else {
            self.send(at, AMQPClass::Basic(Basic::GetEmpty(basic::GetEmpty {})));
            return Ok(());
        };
        let left = u32::try_from(queue.ready.len()).unwrap_or(u32::MAX);
        let delivery_tag = self.hand_out(at, &name, None, get.no_ack, &message);
        let ok = basic::GetOk {
            delivery_tag,
            redelivered: message.redelivered,
            exchange: message.exchange.clone(),
            routing_key: message.routing_key.clone(),
            message_count: left,
        };
        self.ledger.note(By::Broker, at, "basic.get-ok", delivery(&name, delivery_tag, &message), Some(&message.body));
        self.send_content(at, AMQPClass::Basic(Basic::GetOk(ok)), &message.properties, &message.body);
        Ok(())
    }

    /// Gives a message a tag, and keeps it until it is settled unless nobody will.
    fn hand_out(&mut self, at: At, queue: &str, consumer: Option<&str>, no_ack: bool, message: &Message) -> u64 {
        if no_ack {
            self.stored_bytes -= message.body.len();
        }
        let channel = self.channel_mut(at).expect("it is open");
        channel.last_tag += 1;
        if !no_ack {
            let (queue, consumer) = (queue.to_owned(), consumer.map(str::to_owned));
            channel.unacked.insert(channel.last_tag, Unacked { queue, message: message.clone(), consumer });
        }
        channel.last_tag
    }

    /// Delivers what can be delivered.
    pub fn deliver_all(&mut self) {
        let names: Vec<String> =
            self.queues.iter().filter(|(_, queue)| !queue.ready.is_empty()).map(|(name, _)| name.clone()).collect();
        names.iter().for_each(|name| while self.deliver_one(name) {});
    }

    fn deliver_one(&mut self, name: &str) -> bool {
        let Some(queue) = self.queues.get(name).filter(|queue| !queue.ready.is_empty()) else { return false };
        let Some(turn) = queue.subscribers.iter().position(|it| self.can_take(it)) else { return false };
        let queue = self.queues.get_mut(name).expect("looked up just now");
        let Subscriber { at, tag, exclusive } = queue.subscribers.remove(turn).expect("it has this many");
        queue.subscribers.push_back(Subscriber { at, tag: tag.clone(), exclusive });
        let channel = &self.connections[&at.connection].channels[&at.channel];
        let no_ack = channel.consumers[&tag].no_ack;
        let queue = self.queues.get_mut(name).expect("looked up just now");
        let Some(message) = queue.take(!no_ack) else { return false };
        let delivery_tag = self.hand_out(at, name, Some(&tag), no_ack, &message);
        let deliver = basic::Deliver {
            consumer_tag: short(&tag),
            delivery_tag,
            redelivered: message.redelivered,
            exchange: message.exchange.clone(),
            routing_key: message.routing_key.clone(),
        };
        self.ledger.note(By::Broker, at, "basic.deliver", delivery(name, delivery_tag, &message), Some(&message.body));
        self.send_content(at, AMQPClass::Basic(Basic::Deliver(deliver)), &message.properties, &message.body);
        true
    }

    fn can_take(&self, subscriber: &Subscriber) -> bool {
        let Some(connection) = self.connections.get(&subscriber.at.connection) else { return false };
        let channel = connection.channels.get(&subscriber.at.channel);
        connection.out.len() < BACKLOG_BYTES_MAX && channel.is_some_and(|channel| channel.has_room(&subscriber.tag))
    }

    pub fn settle(&mut self, at: At, name: &str, (tag, multiple): (u64, bool), how: Settlement) -> Outcome {
        let channel = self.channel_mut(at).expect("it is open");
        let tags: Vec<u64> = match (tag, multiple) {
            (0, true) => channel.unacked.keys().copied().collect(),
            (tag, true) => channel.unacked.range(..=tag).map(|(tag, _)| *tag).collect(),
            (tag, false) => channel.unacked.contains_key(&tag).then_some(tag).into_iter().collect(),
        };
        let settled: Vec<Unacked> = tags.iter().filter_map(|tag| channel.unacked.remove(tag)).collect();
        let messages: Vec<u64> = settled.iter().map(|it| it.message.number).collect();
        let queue = settled.first().map(|it| it.queue.clone());
        let fields = json!({"delivery_tag": tag, "multiple": multiple, "requeue": how == Settlement::Requeue,
            "messages": messages, "queue": queue});
        self.ledger.note(By::Client, at, name, fields, None);
        if settled.is_empty() && tag != 0 || tag == 0 && !multiple {
            return Err(Fault::Channel(406, format!("PRECONDITION_FAILED - unknown delivery tag {tag}")));
        }
        settled.into_iter().for_each(|it| self.dispose(it, how));
        Ok(())
    }

    fn dispose(&mut self, it: Unacked, how: Settlement) {
        // A queue that was deleted has taken its messages along.
        let Some(queue) = self.queues.get_mut(&it.queue) else { return };
        match how {
            Settlement::Requeue => queue.put_back(it.message),
            Settlement::Ack | Settlement::Reject => {
                queue.settle();
                self.stored_bytes -= it.message.body.len();
                if how == Settlement::Reject {
                    self.dead_letter(&it.queue, &it.message);
                }
            }
        }
    }

    pub fn recover(&mut self, at: At) {
        self.ledger.note(By::Client, at, "basic.recover", json!({}), None);
        let channel = self.channel_mut(at).expect("it is open");
        std::mem::take(&mut channel.unacked).into_values().for_each(|it| self.dispose(it, Settlement::Requeue));
    }

    /// What a channel held goes back.
    pub fn release_channel(&mut self, at: At) {
        let Some(channel) = self.channel_mut(at) else { return };
        channel.incoming = None;
        let (consumers, unacked) = (std::mem::take(&mut channel.consumers), std::mem::take(&mut channel.unacked));
        unacked.into_values().for_each(|it| self.dispose(it, Settlement::Requeue));
        consumers.iter().for_each(|(tag, consumer)| self.unsubscribe(at, tag, &consumer.queue));
        self.powers.held.retain(|(held, _)| *held != at);
    }

    /// A consumer whose queue is gone.
    pub fn bereave(&mut self, subscriber: &Subscriber) {
        let Some(channel) = self.channel_mut(subscriber.at) else { return };
        channel.consumers.remove(&subscriber.tag);
        if self.connections[&subscriber.at.connection].told_of_cancels {
            let cancel = basic::Cancel { consumer_tag: short(&subscriber.tag), nowait: true };
            let fields = json!({"consumer_tag": subscriber.tag});
            self.say(subscriber.at, AMQPClass::Basic(Basic::Cancel(cancel)), "basic.cancel", fields);
        }
    }

    /// Deliveries out of a queue that is gone belong to none: their tags stay good, and nothing comes of them. Returns
    /// the bytes that they held.
    pub fn forget_unacked(&mut self, name: &str) -> usize {
        let channels = self.connections.values_mut().flat_map(|connection| connection.channels.values_mut());
        let unacked = channels.flat_map(|channel| channel.unacked.values_mut()).filter(|it| it.queue == name);
        unacked
            .map(|it| {
                it.queue.clear();
                it.message.body.len()
            })
            .sum()
    }
}

fn delivery(queue: &str, tag: u64, message: &Message) -> Value {
    json!({"queue": queue, "delivery_tag": tag, "redelivered": message.redelivered, "message": message.number,
        "exchange": message.exchange.as_str(), "routing_key": message.routing_key.as_str(),
        "properties": properties_to_json(&message.properties)})
}
