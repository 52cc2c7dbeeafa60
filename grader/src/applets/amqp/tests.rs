//! The broker as its clients see it: frames in, frames out.

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame};
use amq_protocol::protocol::basic::{self, AMQPMethod as Basic, AMQPProperties};
use amq_protocol::protocol::{AMQPClass, channel, confirm, connection, queue};
use serde_json::json;

mod storm;

use super::broker::Broker;
use super::tables::{properties_from_json, short, table_from_json};
use super::wire::{GREETING, Inbox, encode};

/// A client that has opened channel 1.
struct Client {
    id: u64,
    inbox: Inbox,
}

impl Client {
    fn new(broker: &mut Broker) -> Client {
        let mut client = Client { id: broker.connect(), inbox: Inbox::default() };
        client.inbox.feed(GREETING);
        client.inbox.next_frame().unwrap();
        broker.receive(client.id, GREETING);
        let start = connection::StartOk {
            mechanism: short("PLAIN"),
            response: "\0guest\0guest".into(),
            locale: short("en_US"),
            ..connection::StartOk::default()
        };
        client.tell(broker, 0, AMQPClass::Connection(connection::AMQPMethod::StartOk(start)));
        let tune = connection::TuneOk { channel_max: 10, frame_max: 4096, heartbeat: 0 };
        client.tell(broker, 0, AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune)));
        let open = connection::Open { virtual_host: short("/") };
        client.tell(broker, 0, AMQPClass::Connection(connection::AMQPMethod::Open(open)));
        client.tell(broker, 1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
        client.heard(broker);
        client
    }

    fn tell(&self, broker: &mut Broker, channel: u16, method: AMQPClass) {
        let mut bytes = Vec::new();
        encode(&AMQPFrame::Method(channel, method), &mut bytes);
        broker.receive(self.id, &bytes);
    }

    fn basic(&self, broker: &mut Broker, method: Basic) {
        self.tell(broker, 1, AMQPClass::Basic(method));
    }

    fn declare(&self, broker: &mut Broker, name: &str, arguments: &serde_json::Value) {
        let declare = queue::Declare {
            queue: short(name),
            durable: true,
            arguments: table_from_json(arguments),
            ..queue::Declare::default()
        };
        self.tell(broker, 1, AMQPClass::Queue(queue::AMQPMethod::Declare(declare)));
    }

    fn publish(&self, broker: &mut Broker, key: &str, body: &[u8], mandatory: bool) {
        let publish = basic::Publish { routing_key: short(key), mandatory, ..basic::Publish::default() };
        self.basic(broker, Basic::Publish(publish));
        let properties = AMQPProperties::default().with_delivery_mode(2);
        let header = AMQPContentHeader { class_id: 60, body_size: body.len() as u64, properties };
        let mut bytes = Vec::new();
        encode(&AMQPFrame::Header(1, header), &mut bytes);
        body.chunks(1000).for_each(|part| encode(&AMQPFrame::Body(1, part.to_vec()), &mut bytes));
        broker.receive(self.id, &bytes);
    }

    fn consume(&self, broker: &mut Broker, name: &str, prefetch: u16) {
        self.basic(broker, Basic::Qos(basic::Qos { prefetch_count: prefetch, global: false }));
        self.basic(broker, Basic::Consume(basic::Consume { queue: short(name), ..basic::Consume::default() }));
    }

    fn heard(&mut self, broker: &mut Broker) -> Vec<AMQPFrame> {
        let out = std::mem::take(&mut broker.connections.get_mut(&self.id).unwrap().out);
        self.inbox.feed(&out);
        std::iter::from_fn(|| self.inbox.next_frame().unwrap()).collect()
    }

    /// Tags and flags of deliveries.
    fn delivered(&mut self, broker: &mut Broker) -> Vec<(u64, bool)> {
        let frames = self.heard(broker);
        let deliveries = frames.into_iter().filter_map(|frame| match frame {
            AMQPFrame::Method(_, AMQPClass::Basic(Basic::Deliver(it))) => Some((it.delivery_tag, it.redelivered)),
            _ => None,
        });
        deliveries.collect()
    }

    /// The code that the broker closed with: of a channel, or of the connection.
    fn closed(&mut self, broker: &mut Broker) -> Option<(&'static str, u16)> {
        self.heard(broker).into_iter().find_map(|frame| match frame {
            AMQPFrame::Method(_, AMQPClass::Channel(channel::AMQPMethod::Close(it))) => {
                Some(("channel", it.reply_code))
            }
            AMQPFrame::Method(_, AMQPClass::Connection(connection::AMQPMethod::Close(it))) => {
                Some(("connection", it.reply_code))
            }
            _ => None,
        })
    }
}

fn provide(broker: &mut Broker, name: &str, bodies: &[&str]) {
    broker.provide_queue(name, true, &json!({}));
    let persistent = properties_from_json(&json!({"delivery_mode": 2})).unwrap();
    for body in bodies {
        assert_eq!(broker.provide_message("", name, &persistent, body.as_bytes().to_vec()), 1);
    }
}

fn bodies(broker: &mut Broker, name: &str) -> Vec<(String, bool)> {
    let next = || broker.fetch(name);
    std::iter::from_fn(next)
        .map(|(facts, body)| (String::from_utf8(body.to_vec()).unwrap(), facts["redelivered"] == true))
        .collect()
}

fn ack(delivery_tag: u64, multiple: bool) -> Basic {
    Basic::Ack(basic::Ack { delivery_tag, multiple })
}

fn nack(delivery_tag: u64, requeue: bool) -> Basic {
    Basic::Nack(basic::Nack { delivery_tag, requeue, multiple: false })
}

#[test]
fn no_more_than_the_prefetch_is_unacknowledged() {
    let mut broker = Broker::default();
    provide(&mut broker, "q", &["a", "b", "c", "d"]);
    let mut client = Client::new(&mut broker);
    client.consume(&mut broker, "q", 2);
    assert_eq!(client.delivered(&mut broker), [(1, false), (2, false)]);
    client.basic(&mut broker, ack(2, true));
    assert_eq!(client.delivered(&mut broker), [(3, false), (4, false)]);
    assert_eq!(broker.queue_facts("q").unwrap()["unacked_peak"], 2);
}

#[test]
fn what_a_lost_connection_held_goes_back_to_where_it_stood() {
    let mut broker = Broker::default();
    provide(&mut broker, "q", &["a", "b", "c"]);
    let mut client = Client::new(&mut broker);
    client.consume(&mut broker, "q", 2);
    client.basic(&mut broker, nack(2, true));
    assert_eq!(client.delivered(&mut broker), [(1, false), (2, false), (3, true)]);
    broker.lost(client.id);
    assert_eq!(bodies(&mut broker, "q"), [("a".into(), true), ("b".into(), true), ("c".into(), false)]);
    assert_eq!(broker.stored_bytes, 0);
}

#[test]
fn what_is_rejected_is_dead_lettered_with_its_story() {
    let mut broker = Broker::default();
    let mut client = Client::new(&mut broker);
    let arguments = json!({"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"});
    client.declare(&mut broker, "q", &arguments);
    client.declare(&mut broker, "dead", &json!({}));
    client.publish(&mut broker, "q", b"bad", false);
    client.consume(&mut broker, "q", 1);
    client.basic(&mut broker, nack(1, false));
    assert_eq!(broker.queue_facts("q").unwrap()["unacked"], 0);
    let (facts, body) = broker.fetch("dead").unwrap();
    assert_eq!(&*body, b"bad");
    let headers = &facts["properties"]["headers"];
    assert_eq!(headers["x-first-death-queue"], "q");
    let death = json!({"count": 1, "reason": "rejected", "queue": "q", "exchange": "", "routing-keys": ["q"]});
    assert_eq!(headers["x-death"], json!([death]));
    client.declare(&mut broker, "q", &json!({}));
    assert_eq!(client.closed(&mut broker), Some(("channel", 406)));
}

#[test]
fn an_unroutable_message_comes_back_before_its_confirm() {
    let mut broker = Broker::default();
    let mut client = Client::new(&mut broker);
    client.tell(&mut broker, 1, AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select { nowait: true })));
    client.publish(&mut broker, "nowhere", &[7; 5000], true);
    let names: Vec<&str> = client
        .heard(&mut broker)
        .iter()
        .map(|frame| match frame {
            AMQPFrame::Method(_, AMQPClass::Basic(Basic::Return(_))) => "return",
            AMQPFrame::Method(_, AMQPClass::Basic(Basic::Ack(_))) => "ack",
            AMQPFrame::Header(_, _) => "header",
            AMQPFrame::Body(_, _) => "body",
            _ => "other",
        })
        .collect();
    assert_eq!(names, ["return", "header", "body", "body", "ack"]);
}

#[test]
fn publishes_are_refused_and_confirms_held_on_demand() {
    let mut broker = Broker::default();
    provide(&mut broker, "q", &[]);
    let mut client = Client::new(&mut broker);
    client.tell(&mut broker, 1, AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select { nowait: true })));
    (broker.powers.refuse_after, broker.powers.refuse) = (1, 1);
    ["a", "b", "c"].iter().for_each(|body| client.publish(&mut broker, "q", body.as_bytes(), false));
    let nacked = |frames: Vec<AMQPFrame>| -> Vec<bool> {
        let answer = |frame| match frame {
            AMQPFrame::Method(_, AMQPClass::Basic(Basic::Ack(_))) => Some(false),
            AMQPFrame::Method(_, AMQPClass::Basic(Basic::Nack(_))) => Some(true),
            _ => None,
        };
        frames.into_iter().filter_map(answer).collect()
    };
    assert_eq!(nacked(client.heard(&mut broker)), [false, true, false]);
    assert_eq!(bodies(&mut broker, "q"), [("a".into(), false), ("c".into(), false)]);
    broker.powers.holding = true;
    client.publish(&mut broker, "q", b"d", false);
    assert_eq!(nacked(client.heard(&mut broker)), [] as [bool; 0]);
    assert_eq!(broker.release_confirms(true), 1);
    assert_eq!(nacked(client.heard(&mut broker)), [false]);
}

#[test]
fn a_restart_keeps_what_is_durable() {
    let mut broker = Broker::default();
    provide(&mut broker, "kept", &["a"]);
    broker.provide_message("", "kept", &AMQPProperties::default(), b"transient".to_vec());
    broker.provide_queue("lost", false, &json!({}));
    let mut client = Client::new(&mut broker);
    client.consume(&mut broker, "kept", 1);
    broker.go_down();
    assert_eq!(client.closed(&mut broker), Some(("connection", 320)));
    assert!(broker.over(client.id));
    assert_eq!(broker.queues.keys().collect::<Vec<_>>(), ["kept"]);
    assert_eq!(bodies(&mut broker, "kept"), [("a".into(), true)]);
    assert_eq!(broker.stored_bytes, 0);
}

#[test]
fn mistakes_have_the_codes_of_the_protocol() {
    let mistake = |method: AMQPClass| {
        let mut broker = Broker::default();
        provide(&mut broker, "q", &[]);
        let mut client = Client::new(&mut broker);
        client.tell(&mut broker, 1, method);
        client.closed(&mut broker)
    };
    let declare = |name: &str, passive: bool| {
        let declare = queue::Declare { queue: short(name), passive, ..queue::Declare::default() };
        AMQPClass::Queue(queue::AMQPMethod::Declare(declare))
    };
    assert_eq!(mistake(declare("missing", true)), Some(("channel", 404)));
    assert_eq!(mistake(declare("q", true)), None);
    assert_eq!(mistake(declare("q", false)), Some(("channel", 406)));
    assert_eq!(mistake(declare("amq.mine", false)), Some(("channel", 403)));
    assert_eq!(mistake(AMQPClass::Basic(ack(9, false))), Some(("channel", 406)));
    let recover = Basic::Recover(basic::Recover { requeue: false });
    assert_eq!(mistake(AMQPClass::Basic(recover)), Some(("connection", 540)));
    let open = channel::AMQPMethod::Open(channel::Open {});
    assert_eq!(mistake(AMQPClass::Channel(open)), Some(("connection", 504)));
    let publish = Basic::Publish(basic::Publish { exchange: short("missing"), ..basic::Publish::default() });
    assert_eq!(mistake(AMQPClass::Basic(publish)), None, "its content is still to come");
}

#[test]
fn a_client_that_does_not_read_is_not_heard() {
    let mut broker = Broker::default();
    let big = "x".repeat(900_000);
    provide(&mut broker, "q", &[big.as_str(); 5]);
    let mut client = Client::new(&mut broker);
    for _ in 0..5 {
        client.basic(&mut broker, Basic::Get(basic::Get { queue: short("q"), no_ack: true }));
    }
    assert_eq!(broker.queue_facts("q").unwrap()["ready"], 3);
    client.heard(&mut broker);
    broker.receive(client.id, &[]);
    assert_eq!(broker.queue_facts("q").unwrap()["ready"], 1);
}

#[test]
fn the_messages_of_a_deleted_queue_are_gone_and_its_consumers_are_told() {
    let mut broker = Broker::default();
    provide(&mut broker, "q", &["a", "b"]);
    let mut client = Client::new(&mut broker);
    client.consume(&mut broker, "q", 1);
    client.tell(
        &mut broker,
        1,
        AMQPClass::Queue(queue::AMQPMethod::Delete(queue::Delete { queue: short("q"), ..queue::Delete::default() })),
    );
    assert_eq!(broker.stored_bytes, 0);
    provide(&mut broker, "q", &["c"]);
    client.heard(&mut broker);
    client.basic(&mut broker, ack(1, false));
    assert_eq!(client.closed(&mut broker), None);
    assert_eq!(broker.queue_facts("q").unwrap()["unacked"], 0);
}
