//! Whatever clients say in whatever order, and whatever the suite does meanwhile, the broker goes on: a broker that
//! panics would be an error of ours that a student can bring about.

use amq_protocol::protocol::exchange;
use serde_json::Value;

use super::*;

const QUEUES: [&str; 3] = ["a", "b", "dead"];
const ACTS: u64 = 3000;
const CLIENTS: usize = 4;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }

    /// The empty name is the channel's last queue, or a new one.
    fn queue(&mut self) -> &'static str {
        if self.one_in(4) { "" } else { self.name() }
    }

    fn name(&mut self) -> &'static str {
        QUEUES[self.below(QUEUES.len() as u64) as usize]
    }
}

#[test]
fn no_order_of_words_ends_it() {
    for seed in 0..40 {
        storm(&mut Random(seed));
    }
}

fn storm(random: &mut Random) {
    let mut broker = Broker::default();
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..ACTS {
        clients.retain(|client| !broker.over(client.id));
        if clients.len() < CLIENTS {
            clients.push(Client::new(&mut broker));
        }
        if random.one_in(60) {
            interfere(&mut broker, random);
            continue;
        }
        let client = &clients[random.below(clients.len() as u64) as usize];
        let mut bytes = words(random);
        if random.one_in(50) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.below(256) as u8;
        }
        broker.receive(client.id, &bytes);
    }
    let ids: Vec<u64> = clients.iter().map(|client| client.id).collect();
    ids.into_iter().for_each(|id| broker.lost(id));
    broker.go_down();
    assert_eq!(broker.queues.values().map(|queue| queue.facts()["unacked"].as_u64()).max().flatten().unwrap_or(0), 0);
}

/// What the suite and the network do.
fn interfere(broker: &mut Broker, random: &mut Random) {
    match random.below(6) {
        0 => drop(broker.cut(None)),
        1 => broker.go_down(),
        2 => drop(broker.release_confirms(random.one_in(2))),
        3 => drop(broker.fetch(random.name())),
        4 => broker.provide_queue(
            random.name(),
            random.one_in(2),
            &json!({"x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": "dead"}),
        ),
        _ => drop(broker.provide_message("", random.name(), &AMQPProperties::default(), b"word".to_vec())),
    }
}

/// A method, mostly one that makes sense, with its content.
fn words(random: &mut Random) -> Vec<u8> {
    let channel = if random.one_in(5) { 2 } else { 1 };
    let method = match random.below(22) {
        0 => AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})),
        1 if random.one_in(4) => AMQPClass::Channel(channel::AMQPMethod::Close(channel::Close::default())),
        2 => AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})),
        3 if random.one_in(8) => AMQPClass::Connection(connection::AMQPMethod::Close(connection::Close::default())),
        4 | 5 => AMQPClass::Queue(queue::AMQPMethod::Declare(declare(random))),
        6 if random.one_in(3) => {
            let delete = queue::Delete { queue: short(random.queue()), ..queue::Delete::default() };
            AMQPClass::Queue(queue::AMQPMethod::Delete(delete))
        }
        7 => {
            let purge = queue::Purge { queue: short(random.queue()), ..queue::Purge::default() };
            AMQPClass::Queue(queue::AMQPMethod::Purge(purge))
        }
        8 => {
            let bind = queue::Bind {
                queue: short(random.queue()),
                exchange: short(if random.one_in(2) { "fan" } else { "amq.topic" }),
                routing_key: short("#.a"),
                ..queue::Bind::default()
            };
            AMQPClass::Queue(queue::AMQPMethod::Bind(bind))
        }
        9 => {
            let declare = exchange::Declare { exchange: short("fan"), kind: short("fanout"), ..Default::default() };
            AMQPClass::Exchange(exchange::AMQPMethod::Declare(declare))
        }
        10 => AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select::default())),
        11..=13 => return publish(channel, random),
        _ => AMQPClass::Basic(basic_words(random)),
    };
    let mut bytes = Vec::new();
    encode(&AMQPFrame::Method(channel, method), &mut bytes);
    bytes
}

fn declare(random: &mut Random) -> queue::Declare {
    let arguments: Value = match random.below(3) {
        0 => json!({"x-dead-letter-exchange": "", "x-dead-letter-routing-key": random.queue()}),
        _ => json!({}),
    };
    queue::Declare {
        queue: short(random.queue()),
        durable: random.one_in(2),
        exclusive: random.one_in(5),
        auto_delete: random.one_in(5),
        passive: random.one_in(5),
        arguments: table_from_json(&arguments),
        ..queue::Declare::default()
    }
}

fn basic_words(random: &mut Random) -> Basic {
    let tag = random.below(12);
    match random.below(9) {
        0 => Basic::Qos(basic::Qos { prefetch_count: random.below(3) as u16, global: false }),
        1 | 2 => Basic::Consume(basic::Consume {
            queue: short(random.queue()),
            consumer_tag: short(if random.one_in(2) { "c" } else { "" }),
            no_ack: random.one_in(3),
            exclusive: random.one_in(6),
            ..basic::Consume::default()
        }),
        3 => Basic::Cancel(basic::Cancel { consumer_tag: short("c"), ..basic::Cancel::default() }),
        4 => Basic::Get(basic::Get { queue: short(random.queue()), no_ack: random.one_in(2) }),
        5 | 6 => ack(tag, random.one_in(3)),
        7 => Basic::Nack(basic::Nack { delivery_tag: tag, requeue: random.one_in(2), multiple: random.one_in(3) }),
        _ => Basic::RecoverAsync(basic::RecoverAsync { requeue: true }),
    }
}

/// A publish whose content comes whole, in part or not at all.
fn publish(channel: u16, random: &mut Random) -> Vec<u8> {
    let publish = basic::Publish {
        exchange: short(if random.one_in(4) { "fan" } else { "" }),
        routing_key: short(random.queue()),
        mandatory: random.one_in(3),
        ..basic::Publish::default()
    };
    let mut bytes = Vec::new();
    encode(&AMQPFrame::Method(channel, AMQPClass::Basic(Basic::Publish(publish))), &mut bytes);
    let body = vec![b'x'; random.below(2000) as usize];
    let header = AMQPContentHeader {
        class_id: 60,
        body_size: body.len() as u64,
        properties: AMQPProperties::default().with_reply_to(short(random.queue())),
    };
    if !random.one_in(20) {
        encode(&AMQPFrame::Header(channel, header), &mut bytes);
    }
    if !random.one_in(20) {
        body.chunks(700).for_each(|part| encode(&AMQPFrame::Body(channel, part.to_vec()), &mut bytes));
    }
    bytes
}
