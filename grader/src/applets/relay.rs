//! The relay: stands between the nodes of a case and does to their messages what networks do, by a seed.
//!
//! Each node reaches another at an address of the relay's, so the programs need to know nothing of it. What happens to a
//! message is decided by [`fate`] alone, from the seed and the message's place, and what is held back is let go by order
//! or by the suite's word: the relay reads no clock, and a slow machine sees the same network. It is one thread in one
//! `poll` without a time-out, so it sleeps whenever there is nothing to do, and counts as still like any other.
//!
//! Whoever sends to it may be hostile: everything that is kept has a limit, and an error of a socket is that socket's.

mod datagrams;
mod fate;
mod net;
mod orders;
mod streams;

use std::io;
use std::net::SocketAddr;

use rustix::event::{PollFd, PollFlags, Timespec};

use self::datagrams::Datagrams;
use self::fate::{Faults, Seed};
use self::net::{Interest, Net, Node, Token};
use self::orders::{Answer, Cut, Order};
use self::streams::Streams;
use crate::channel::{Channel, Frame};

/// Turns that the sockets get before an order is obeyed: what was sent before it has passed then, unless somebody sends
/// without end.
const TURNS_BEFORE_AN_ORDER: usize = 256;

/// One kind of messages between the nodes.
trait Traffic {
    /// What to wait for. What is held back is not waited for.
    fn interests(&self, net: &Net) -> Vec<Interest<'_>>;
    /// Something waited for has come.
    fn ready(&mut self, net: &mut Net, token: Token, flags: PollFlags);
    /// Where `source` reaches `target`.
    fn address(&mut self, net: &Net, source: Node, target: Node) -> Result<SocketAddr, String>;
    /// Whether these faults are any of such messages.
    fn accepts(&self, faults: &Faults) -> Result<(), String>;
    fn cut(&mut self, net: &mut Net, cut: Cut<Node>) -> Result<(), String>;
    /// Goes on with what an order may have set free.
    fn go_on(&mut self, net: &mut Net);
    /// Lets go what is held back until nothing else happens, or some of it; `false` if there is nothing.
    fn let_go(&mut self, net: &mut Net, all: bool) -> bool;
    /// Connections to a node, as (ours, theirs), and whether bytes for it are still here.
    fn under_way(&self, net: &Net, node: Node) -> (Vec<(SocketAddr, SocketAddr)>, bool);
    /// What has passed, as JSON.
    fn ledger(&self, net: &Net) -> io::Result<Vec<u8>>;
}

/// Obeys the orders of `channel` until it ends.
pub fn run(mut channel: Channel) -> io::Result<()> {
    let Some(first) = channel.receive()? else { return Ok(()) };
    let mut relay = Relay::open(first.head()?)?;
    channel.send(&Answer::default(), b"", &[])?;
    loop {
        while let Some(frame) = channel.try_receive()? {
            let (answer, tail) = relay.answer(&frame)?;
            channel.send(&answer, &tail, &[])?;
        }
        if channel.ended() {
            return Ok(());
        }
        relay.turn(Some(&channel))?;
    }
}

struct Relay {
    net: Net,
    traffic: Box<dyn Traffic>,
}

impl Relay {
    fn open(order: Order) -> io::Result<Relay> {
        let Order::Open { seed, udp, nodes } = order else {
            return Err(io::Error::other("the first order must open the relay"));
        };
        let traffic: Box<dyn Traffic> = if udp { Box::<Datagrams>::default() } else { Box::<Streams>::default() };
        Ok(Relay { net: Net::new(Seed::new(seed), nodes), traffic })
    }

    fn answer(&mut self, frame: &Frame) -> io::Result<(Answer, Vec<u8>)> {
        let order: Order = frame.head()?;
        self.settle()?;
        if matches!(order, Order::Ledger) {
            return Ok((Answer { overflow: self.net.overflow, ..Answer::default() }, self.traffic.ledger(&self.net)?));
        }
        let answer = self.obey(order).unwrap_or_else(|error| Answer { error: Some(error), ..Answer::default() });
        self.traffic.go_on(&mut self.net);
        Ok((answer, vec![]))
    }

    fn obey(&mut self, order: Order) -> Result<Answer, String> {
        let (net, traffic) = (&mut self.net, &mut self.traffic);
        let mut answer = Answer::default();
        match order {
            Order::Open { .. } | Order::Ledger => return Err("out of place".to_owned()),
            Order::Address { source, target } => {
                let (source, target) = (net.named(&source)?, net.named(&target)?);
                answer.address = Some(traffic.address(net, source, target)?);
            }
            Order::Faults { ways, faults } => {
                traffic.accepts(&faults)?;
                net.each(&ways, |way| way.faults = faults.clone())?;
            }
            Order::Stall { ways, on } => net.each(&ways, |way| way.stalled = on)?,
            Order::Part { ways } => net.part(&ways)?,
            Order::Cut(cut) => {
                let (source, target) = (net.named(&cut.source)?, net.named(&cut.target)?);
                let opener = cut.opener.map(|name| net.named(&name)).transpose()?;
                let Cut { after, connection, end, .. } = cut;
                traffic.cut(net, Cut { source, target, opener, after, connection, end })?;
            }
            Order::Flush => answer.any = Some(traffic.let_go(net, true)),
            Order::LetGo => answer.any = Some(traffic.let_go(net, false)),
            Order::UnderWay { node } => {
                let (connections, pending) = traffic.under_way(net, net.named(&node)?);
                answer = Answer { connections, pending: Some(pending), ..answer };
            }
        }
        Ok(answer)
    }

    /// Lets pass what has come so far.
    fn settle(&mut self) -> io::Result<()> {
        for _ in 0..TURNS_BEFORE_AN_ORDER {
            if !self.turn(None)? {
                break;
            }
        }
        Ok(())
    }

    /// Serves every socket that is ready once. With the orders' channel, waits until there is one or an order;
    /// `false` when there was none.
    fn turn(&mut self, orders: Option<&Channel>) -> io::Result<bool> {
        let interests = self.traffic.interests(&self.net);
        let tokens: Vec<Token> = interests.iter().map(|interest| interest.token).collect();
        let mut polled: Vec<PollFd<'_>> =
            interests.into_iter().map(|it| PollFd::from_borrowed_fd(it.socket, it.events)).collect();
        polled.extend(orders.map(|channel| PollFd::new(channel, PollFlags::IN)));
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let timeout = if orders.is_some() { None } else { Some(&at_once) };
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, timeout))?;
        let flags = polled.iter().map(PollFd::revents);
        let ready: Vec<(Token, PollFlags)> = tokens.into_iter().zip(flags).filter(|(_, it)| !it.is_empty()).collect();
        let any = !ready.is_empty();
        for (token, flags) in ready {
            self.traffic.ready(&mut self.net, token, flags);
        }
        Ok(any)
    }
}

#[cfg(test)]
mod tests;
