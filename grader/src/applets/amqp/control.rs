//! What the suite asks of the broker over the channel, and the answers.
//!
//! Every ask is answered, with its id; but `news` waits until there is something to tell. Nothing is sent that was
//! not asked for, so that a suite which is busy elsewhere never stops the broker.

use serde::Deserialize;
use serde_json::{Value, json};

use super::broker::Broker;
use super::tables::properties_from_json;

/// One frame's head.
#[derive(Debug, Deserialize)]
pub struct Asked {
    pub id: u64,
    #[serde(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// Listen on this port of 127.0.0.1, 0 for any. Answers with the port.
    Listen {
        port: u16,
    },
    /// Stop listening, after all clients were told.
    Down,
    /// Whether clients that connect are turned away at once.
    TurnAway {
        on: bool,
    },
    /// The ledger's entries from number `from` on, as many as fit into an answer.
    Events {
        from: usize,
    },
    /// Answered, with nothing, once there are any.
    News {
        from: usize,
    },
    Declare {
        queue: String,
        durable: bool,
        arguments: Value,
    },
    Publish {
        exchange: String,
        routing_key: String,
        properties: Value,
    },
    Get {
        queue: String,
    },
    Queue {
        queue: String,
    },
    Cut {
        connection: Option<u64>,
    },
    Refuse {
        after: u64,
        count: u64,
    },
    Hold,
    Release {
        taken: bool,
    },
}

/// What is asked of the broker's sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Socketry {
    Listen(u16),
    Down,
    TurnAway(bool),
}

/// An answer: a head and a tail.
pub type Answer = (Value, Vec<u8>);

/// What is to be done with an ask.
#[derive(Debug)]
pub enum Step {
    Answer(Answer),
    /// Sockets are not for the state machine.
    Sockets(Socketry),
    /// To be asked again when something has happened.
    Later,
}

pub fn obey(broker: &mut Broker, ask: &Ask, tail: &[u8]) -> Step {
    let answer = match ask {
        Ask::Listen { port } => return Step::Sockets(Socketry::Listen(*port)),
        Ask::TurnAway { on } => return Step::Sockets(Socketry::TurnAway(*on)),
        Ask::Down => {
            broker.go_down();
            return Step::Sockets(Socketry::Down);
        }
        Ask::News { from } if *from >= broker.ledger.len() => return Step::Later,
        Ask::News { .. } => json!({}),
        Ask::Events { from } => {
            let (events, bodies) = broker.ledger.read(*from);
            return Step::Answer((json!({"events": events}), bodies));
        }
        Ask::Declare { queue, durable, arguments } => {
            broker.provide_queue(queue, *durable, arguments);
            json!({})
        }
        Ask::Publish { exchange, routing_key, properties } => match properties_from_json(properties) {
            Ok(properties) => {
                json!({"reached": broker.provide_message(exchange, routing_key, &properties, tail.to_vec())})
            }
            Err(reason) => json!({"error": reason}),
        },
        Ask::Get { queue } => match broker.fetch(queue) {
            Some((message, body)) => return Step::Answer((json!({"message": message}), body.to_vec())),
            None => json!({"message": null}),
        },
        Ask::Queue { queue } => json!({"queue": broker.queue_facts(queue)}),
        Ask::Cut { connection } => json!({"cut": broker.cut(*connection)}),
        Ask::Refuse { after, count } => {
            (broker.powers.refuse_after, broker.powers.refuse) = (*after, *count);
            json!({})
        }
        Ask::Hold => {
            broker.powers.holding = true;
            json!({})
        }
        Ask::Release { taken } => json!({"released": broker.release_confirms(*taken)}),
    };
    Step::Answer((answer, vec![]))
}
