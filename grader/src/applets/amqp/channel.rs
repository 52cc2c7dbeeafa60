//! What a client says on an open channel about messages: publish, consume, get, settle, confirm.

use std::collections::BTreeMap;
use std::rc::Rc;

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame};
use amq_protocol::protocol::basic::{self, AMQPMethod as Basic, AMQPProperties};
use amq_protocol::protocol::{AMQPClass, confirm};
use serde_json::json;

use super::broker::{At, Broker, Fault, Outcome};
use super::delivery::Settlement;
use super::ledger::By;
use super::powers::Verdict;
use super::queue::{Message, Subscriber};
use super::tables::{properties_to_json, short};

/// Largest message.
pub const MESSAGE_BYTES_MAX: u64 = 4 << 20;
/// Most bytes of all messages in the broker.
pub const STORED_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Default)]
pub struct Channel {
    /// We have closed it and wait for the client to have heard.
    pub closing: bool,
    /// The number of the next publish, in confirm mode.
    pub confirming: Option<u64>,
    /// Prefetch of consumers that are yet to come, and of the whole channel; 0 for none.
    prefetch: u16,
    pub prefetch_together: u16,
    pub consumers: BTreeMap<String, Consumer>,
    pub unacked: BTreeMap<u64, Unacked>,
    pub last_tag: u64,
    /// What an empty queue name stands for.
    pub last_queue: Option<String>,
    /// A publish whose content has not come in full.
    pub incoming: Option<Incoming>,
}

#[derive(Debug)]
pub struct Consumer {
    pub queue: String,
    pub no_ack: bool,
    prefetch: u16,
}

#[derive(Debug)]
pub struct Unacked {
    pub queue: String,
    pub message: Message,
    /// The consumer's tag; none for what was fetched by `basic.get`.
    pub consumer: Option<String>,
}

#[derive(Debug)]
pub struct Incoming {
    publish: basic::Publish,
    header: Option<AMQPContentHeader>,
    body: Vec<u8>,
}

impl Channel {
    /// Whether a consumer may be given another message.
    pub fn has_room(&self, tag: &str) -> bool {
        let Some(consumer) = self.consumers.get(tag) else { return false };
        let delivered = || self.unacked.values().filter_map(|it| it.consumer.as_deref());
        let below = |held: usize, most: u16| most == 0 || held < usize::from(most);
        consumer.no_ack
            || below(delivered().filter(|its| *its == tag).count(), consumer.prefetch)
                && below(delivered().count(), self.prefetch_together)
    }
}

impl Broker {
    /// One frame on a channel that is open.
    pub fn obey(&mut self, at: At, frame: AMQPFrame) -> Outcome {
        let channel = self.channel_mut(at).expect("it is open");
        match frame {
            AMQPFrame::Method(_, method) => {
                if channel.incoming.take().is_some() {
                    return Err(unexpected("expected content for class 60, got a method instead"));
                }
                self.obey_method(at, method)
            }
            AMQPFrame::Header(_, header) => match &mut channel.incoming {
                Some(incoming) if incoming.header.is_none() && header.class_id == 60 => {
                    if header.body_size > MESSAGE_BYTES_MAX {
                        return Err(Fault::Channel(
                            311,
                            "CONTENT_TOO_LARGE - a message is too large for this broker".into(),
                        ));
                    }
                    incoming.header = Some(header);
                    self.publish_if_complete(at)
                }
                _ => Err(unexpected("expected method frame, got content header instead")),
            },
            AMQPFrame::Body(_, part) => match &mut channel.incoming {
                Some(Incoming { header: Some(header), body, .. }) => {
                    body.extend_from_slice(&part);
                    if body.len() as u64 > header.body_size {
                        return Err(Fault::Connection(
                            501,
                            "FRAME_ERROR - more content came than was announced".to_owned(),
                        ));
                    }
                    self.publish_if_complete(at)
                }
                _ => Err(unexpected("expected method frame, got content body instead")),
            },
            AMQPFrame::ProtocolHeader(_) | AMQPFrame::Heartbeat | AMQPFrame::InvalidHeartbeat(_) => {
                Err(unexpected("expected method frame"))
            }
        }
    }

    fn obey_method(&mut self, at: At, method: AMQPClass) -> Outcome {
        match method {
            AMQPClass::Basic(method) => self.obey_basic(at, method),
            AMQPClass::Queue(method) => self.obey_queue(at, method),
            AMQPClass::Exchange(method) => self.obey_exchange(at, method),
            AMQPClass::Confirm(confirm::AMQPMethod::Select(select)) => {
                self.ledger.note(By::Client, at, "confirm.select", json!({}), None);
                self.channel_mut(at).expect("it is open").confirming.get_or_insert(1);
                if !select.nowait {
                    self.send(at, AMQPClass::Confirm(confirm::AMQPMethod::SelectOk(confirm::SelectOk {})));
                }
                Ok(())
            }
            AMQPClass::Tx(_) => Err(not_implemented("transactions")),
            AMQPClass::Connection(_) | AMQPClass::Channel(_) | AMQPClass::Access(_) | AMQPClass::Confirm(_) => {
                Err(Fault::Connection(503, "COMMAND_INVALID - this method is not for a client to send".to_owned()))
            }
        }
    }

    fn obey_basic(&mut self, at: At, method: Basic) -> Outcome {
        match method {
            Basic::Qos(qos) => self.qos(at, &qos),
            Basic::Consume(consume) => self.consume(at, consume),
            Basic::Cancel(cancel) => self.cancel(at, cancel),
            Basic::Publish(publish) if publish.immediate => Err(not_implemented("immediate=true")),
            Basic::Publish(publish) => {
                let incoming = Incoming { publish, header: None, body: Vec::new() };
                self.channel_mut(at).expect("it is open").incoming = Some(incoming);
                Ok(())
            }
            Basic::Get(get) => self.get(at, &get),
            Basic::Ack(it) => self.settle(at, "basic.ack", (it.delivery_tag, it.multiple), Settlement::Ack),
            Basic::Reject(it) => {
                self.settle(at, "basic.reject", (it.delivery_tag, false), Settlement::refusal(it.requeue))
            }
            Basic::Nack(it) => {
                self.settle(at, "basic.nack", (it.delivery_tag, it.multiple), Settlement::refusal(it.requeue))
            }
            Basic::Recover(recover) if recover.requeue => {
                self.recover(at);
                self.send(at, AMQPClass::Basic(Basic::RecoverOk(basic::RecoverOk {})));
                Ok(())
            }
            Basic::RecoverAsync(recover) if recover.requeue => {
                self.recover(at);
                Ok(())
            }
            Basic::Recover(_) | Basic::RecoverAsync(_) => Err(not_implemented("recover with requeue=false")),
            _ => Err(Fault::Connection(503, "COMMAND_INVALID - this method is not for a client to send".to_owned())),
        }
    }

    fn qos(&mut self, at: At, qos: &basic::Qos) -> Outcome {
        let fields = json!({"prefetch_count": qos.prefetch_count, "global": qos.global});
        self.ledger.note(By::Client, at, "basic.qos", fields, None);
        let channel = self.channel_mut(at).expect("it is open");
        let prefetch = if qos.global { &mut channel.prefetch_together } else { &mut channel.prefetch };
        *prefetch = qos.prefetch_count;
        self.send(at, AMQPClass::Basic(Basic::QosOk(basic::QosOk {})));
        Ok(())
    }

    fn consume(&mut self, at: At, consume: basic::Consume) -> Outcome {
        let name = self.queue_meant(at, &consume.queue)?;
        let mut tag = consume.consumer_tag.to_string();
        if tag.is_empty() {
            tag = self.new_name("amq.ctag");
        }
        let fields =
            json!({"queue": name, "consumer_tag": tag, "no_ack": consume.no_ack, "exclusive": consume.exclusive});
        self.ledger.note(By::Client, at, "basic.consume", fields, None);
        let channel = self.channel_mut(at).expect("it is open");
        if channel.consumers.contains_key(&tag) {
            return Err(Fault::Connection(530, format!("NOT_ALLOWED - attempt to reuse consumer tag '{tag}'")));
        }
        let prefetch = channel.prefetch;
        let queue = self.queues.get_mut(&name).expect("looked up just now");
        let taken = if consume.exclusive {
            !queue.subscribers.is_empty()
        } else {
            queue.subscribers.iter().any(|it| it.exclusive)
        };
        if taken {
            return Err(Fault::Channel(403, format!("ACCESS_REFUSED - queue '{name}' in vhost '/' in exclusive use")));
        }
        queue.had_subscribers = true;
        queue.subscribers.push_back(Subscriber { at, tag: tag.clone(), exclusive: consume.exclusive });
        let consumer = Consumer { queue: name, no_ack: consume.no_ack, prefetch };
        self.channel_mut(at).expect("it is open").consumers.insert(tag.clone(), consumer);
        if !consume.nowait {
            let ok = basic::ConsumeOk { consumer_tag: short(&tag) };
            self.say(at, AMQPClass::Basic(Basic::ConsumeOk(ok)), "basic.consume-ok", json!({"consumer_tag": tag}));
        }
        Ok(())
    }

    fn cancel(&mut self, at: At, cancel: basic::Cancel) -> Outcome {
        let tag = cancel.consumer_tag.to_string();
        self.ledger.note(By::Client, at, "basic.cancel", json!({"consumer_tag": tag}), None);
        let consumer = self.channel_mut(at).expect("it is open").consumers.remove(&tag);
        if let Some(consumer) = consumer {
            self.unsubscribe(at, &tag, &consumer.queue);
        }
        if !cancel.nowait {
            let ok = basic::CancelOk { consumer_tag: cancel.consumer_tag };
            self.send(at, AMQPClass::Basic(Basic::CancelOk(ok)));
        }
        Ok(())
    }

    pub fn unsubscribe(&mut self, at: At, tag: &str, name: &str) {
        let Some(queue) = self.queues.get_mut(name) else { return };
        queue.subscribers.retain(|it| it.at != at || it.tag != tag);
        if queue.auto_delete && queue.subscribers.is_empty() {
            self.remove_queue(name);
        }
    }

    fn publish_if_complete(&mut self, at: At) -> Outcome {
        let channel = self.channel_mut(at).expect("it is open");
        let whole =
            |it: &mut Incoming| it.header.as_ref().is_some_and(|header| header.body_size == it.body.len() as u64);
        let Some(Incoming { publish, header, body }) = channel.incoming.take_if(whole) else { return Ok(()) };
        let number = channel.confirming;
        channel.confirming = number.map(|number| number + 1);
        let properties = header.map(|header| header.properties).unwrap_or_default();
        let (exchange, key) = (publish.exchange.as_str(), publish.routing_key.as_str());
        let body: Rc<[u8]> = body.into();
        let fields = json!({"exchange": exchange, "routing_key": key, "mandatory": publish.mandatory,
            "confirming": number.is_some(), "properties": properties_to_json(&properties)});
        self.ledger.note(By::Client, at, "basic.publish", fields, Some(&body));
        if !self.exchanges.contains_key(exchange) {
            return Err(Fault::Channel(404, format!("NOT_FOUND - no exchange '{exchange}' in vhost '/'")));
        }
        if self.stored_bytes + body.len() > STORED_BYTES_MAX {
            return Err(Fault::Connection(506, "RESOURCE_ERROR - this broker holds no more messages".to_owned()));
        }
        let verdict = self.powers.verdict();
        let routed = verdict == Verdict::Refuse || self.route(exchange, key, &properties, &body) > 0;
        if !routed && publish.mandatory {
            self.send_back(at, &publish, &properties, &body);
        }
        match (number, verdict) {
            (Some(number), Verdict::Hold) => self.powers.held.push((at, number)),
            (Some(number), verdict) => self.confirm(at, number, verdict != Verdict::Refuse),
            (None, _) => {}
        }
        Ok(())
    }

    fn send_back(&mut self, at: At, publish: &basic::Publish, properties: &AMQPProperties, body: &Rc<[u8]>) {
        let (exchange, routing_key) = (publish.exchange.clone(), publish.routing_key.clone());
        let fields = json!({"code": 312, "exchange": exchange.as_str(), "routing_key": routing_key.as_str()});
        self.ledger.note(By::Broker, at, "basic.return", fields, Some(body));
        let back = basic::Return { reply_code: 312, reply_text: short("NO_ROUTE"), exchange, routing_key };
        self.send_content(at, AMQPClass::Basic(Basic::Return(back)), properties, body);
    }

    /// Tells a publisher what became of a publish.
    pub fn confirm(&mut self, at: At, number: u64, taken: bool) {
        let (method, name) = match taken {
            true => (Basic::Ack(basic::Ack { delivery_tag: number, multiple: false }), "basic.ack"),
            false => (Basic::Nack(basic::Nack { delivery_tag: number, multiple: false, requeue: false }), "basic.nack"),
        };
        self.say(at, AMQPClass::Basic(method), name, json!({"delivery_tag": number}));
    }

    /// Puts a message into every queue that it is for; returns how many these are.
    pub fn route(&mut self, exchange: &str, key: &str, properties: &AMQPProperties, body: &Rc<[u8]>) -> usize {
        let targets: Vec<String> = match exchange {
            "" => vec![key.to_owned()],
            _ => {
                self.exchanges.get(exchange).map_or(vec![], |it| it.route(key).into_iter().map(str::to_owned).collect())
            }
        };
        let mut reached = 0;
        for target in targets {
            let Some(queue) = self.queues.get_mut(&target) else { continue };
            self.made += 1;
            queue.push(Message {
                number: self.made,
                position: 0,
                exchange: short(exchange),
                routing_key: short(key),
                properties: properties.clone(),
                body: body.clone(),
                redelivered: false,
            });
            self.stored_bytes += body.len();
            reached += 1;
        }
        reached
    }

    pub fn new_name(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}-{}", self.made)
    }
}

fn unexpected(text: &str) -> Fault {
    Fault::Connection(505, format!("UNEXPECTED_FRAME - {text}"))
}

pub fn not_implemented(what: &str) -> Fault {
    Fault::Connection(540, format!("NOT_IMPLEMENTED - {what}"))
}
