//! What the suite can do that no client can: look into queues, refuse publishes, hold confirms, cut connections, restart.

use amq_protocol::protocol::basic::AMQPProperties;
use serde_json::{Value, json};
use std::rc::Rc;

use super::broker::{At, Broker};
use super::queue::{Message, Queue};
use super::tables::{properties_to_json, table_from_json};

/// What becomes of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Take,
    /// It is not taken, and its publisher is told so if it wants to know.
    Refuse,
    /// It is taken, and its publisher not told yet.
    Hold,
}

#[derive(Debug, Default)]
pub struct Powers {
    /// Publishes that are taken before the next ones are refused, and how many these are.
    pub refuse_after: u64,
    pub refuse: u64,
    pub holding: bool,
    /// Confirms that are held.
    pub held: Vec<(At, u64)>,
}

impl Powers {
    /// Decides about the next publish.
    pub fn verdict(&mut self) -> Verdict {
        match (self.refuse_after, self.refuse, self.holding) {
            (0, 0, true) => Verdict::Hold,
            (_, 0, false) => Verdict::Take,
            (0, _, _) => {
                self.refuse -= 1;
                Verdict::Refuse
            }
            (_, _, holding) => {
                self.refuse_after = self.refuse_after.saturating_sub(1);
                if holding { Verdict::Hold } else { Verdict::Take }
            }
        }
    }
}

impl Broker {
    /// A queue that is there before any client; one that is there already stays as it is.
    pub fn provide_queue(&mut self, name: &str, durable: bool, arguments: &Value) {
        let arguments = table_from_json(arguments);
        self.queues.entry(name.to_owned()).or_insert_with(|| Queue { durable, arguments, ..Queue::default() });
    }

    /// Publishes by the hand of nobody; returns how many queues it reached.
    pub fn provide_message(&mut self, exchange: &str, key: &str, properties: &AMQPProperties, body: Vec<u8>) -> usize {
        let reached = self.route(exchange, key, properties, &Rc::from(body));
        self.deliver_all();
        reached
    }

    /// Takes the first message that is ready out of a queue, or none.
    pub fn fetch(&mut self, name: &str) -> Option<(Value, Rc<[u8]>)> {
        let queue = self.queues.get_mut(name)?;
        let message = queue.take(false)?;
        let left = queue.ready.len();
        self.stored_bytes -= message.body.len();
        Some((described(&message, left), message.body))
    }

    pub fn queue_facts(&self, name: &str) -> Option<Value> {
        self.queues.get(name).map(Queue::facts)
    }

    /// Cuts a connection, or all of them: the client gets no word.
    pub fn cut(&mut self, only: Option<u64>) -> Vec<u64> {
        let ids: Vec<u64> = self.connections.keys().copied().filter(|id| only.is_none_or(|only| only == *id)).collect();
        for id in &ids {
            self.link(*id, "cut");
            self.end(*id);
        }
        self.deliver_all();
        ids
    }

    /// Tells every client that the broker goes down, and forgets what is not durable.
    pub fn go_down(&mut self) {
        let ids: Vec<u64> = self.connections.keys().copied().collect();
        for id in ids {
            self.close(id, 320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'");
            self.end(id);
        }
        let names: Vec<String> = self.queues.keys().cloned().collect();
        for name in names {
            let queue = self.queues.get_mut(&name).expect("listed just now");
            if !queue.durable {
                self.remove_queue(&name);
                continue;
            }
            let (kept, lost) = std::mem::take(&mut queue.ready).into_iter().partition(|(_, it)| it.persistent());
            queue.ready = kept;
            queue.had_subscribers = false;
            self.stored_bytes -= lost.values().map(|message: &Message| message.body.len()).sum::<usize>();
        }
        self.exchanges.retain(|_, exchange| exchange.durable);
    }

    /// Gives the confirms that are held, `taken` or not, and holds no more. Returns how many these are.
    pub fn release_confirms(&mut self, taken: bool) -> usize {
        self.powers.holding = false;
        let held = std::mem::take(&mut self.powers.held);
        held.iter().for_each(|(at, number)| self.confirm(*at, *number, taken));
        held.len()
    }
}

fn described(message: &Message, left: usize) -> Value {
    json!({"message": message.number, "redelivered": message.redelivered, "exchange": message.exchange.as_str(),
        "routing_key": message.routing_key.as_str(), "properties": properties_to_json(&message.properties), "left": left})
}
