//! Which node hears which, how long it takes, and what goes wrong on the way.
//!
//! Every pair of nodes has a link in each direction. What is under way on a link that is cut is lost, also when the
//! link was whole again before it would have arrived. A node always hears itself. Every packet draws a latency of its
//! own, so that datagrams sent close together may change places on any network; segments of a stream never do.

use schedules::Random;

use super::NodeId;
use crate::words::{LOOPBACK, Latency, Network, Ns};

const PPM: usize = 1_000_000;

#[derive(Debug)]
pub(super) struct Links {
    network: Network,
    nodes: usize,
    /// By `from * nodes + to`.
    links: Vec<Link>,
    /// One for each purpose, so that more loss moves no latency.
    latencies: Random,
    losses: Random,
    repetitions: Random,
    short_reads: Random,
}

#[derive(Clone, Debug, Default)]
struct Link {
    /// A partition is between them.
    parted: bool,
    deaf: bool,
    /// Until then, at the earliest, it was cut.
    cut_until: Option<Ns>,
}

impl Link {
    fn is_cut(&self) -> bool {
        self.parted || self.deaf
    }
}

/// How a datagram fares.
pub(super) enum Fate {
    Lost,
    /// How long it takes, and the second of two.
    Takes(Ns, Option<Ns>),
}

impl Links {
    pub fn new(nodes: usize, network: Network, mut fork: impl FnMut() -> Random) -> Links {
        let links = vec![Link::default(); nodes * nodes];
        Links { network, nodes, links, latencies: fork(), losses: fork(), repetitions: fork(), short_reads: fork() }
    }

    pub fn set_network(&mut self, network: Network) {
        self.network = network;
    }

    /// In place of the partition that is.
    pub fn part(&mut self, now: Ns, groups: &[Vec<NodeId>]) {
        let together = |a: NodeId, b: NodeId| groups.iter().any(|group| group.contains(&a) && group.contains(&b));
        for from in 0..self.nodes {
            for to in (0..self.nodes).filter(|to| *to != from) {
                self.change(now, from, to, |link| link.parted = !together(from, to));
            }
        }
    }

    pub fn deafen(&mut self, now: Ns, from: NodeId, to: NodeId) {
        if from != to && from < self.nodes && to < self.nodes {
            self.change(now, from, to, |link| link.deaf = true);
        }
    }

    pub fn heal(&mut self, now: Ns) {
        for from in 0..self.nodes {
            for to in 0..self.nodes {
                self.change(now, from, to, |link| (link.parted, link.deaf) = (false, false));
            }
        }
    }

    fn change(&mut self, now: Ns, from: NodeId, to: NodeId, change: impl FnOnce(&mut Link)) {
        let link = &mut self.links[from * self.nodes + to];
        let was_cut = link.is_cut();
        change(link);
        if was_cut || link.is_cut() {
            link.cut_until = Some(now);
        }
    }

    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.links[from * self.nodes + to].is_cut()
    }

    /// Whether it was cut at any moment since. What was sent in the instant of healing is through.
    pub fn was_cut_since(&self, from: NodeId, to: NodeId, since: Ns) -> bool {
        let link = &self.links[from * self.nodes + to];
        link.is_cut() || link.cut_until.is_some_and(|until| until > since)
    }

    pub fn latency(&mut self, from: NodeId, to: NodeId) -> Ns {
        if from == to {
            return LOOPBACK;
        }
        match self.network.latency {
            Latency::Uniform { least, most } => {
                least.saturating_add(up_to(&mut self.latencies, most.saturating_sub(least)))
            }
            Latency::Exponential { least, mean } => {
                let more = (exponential(&mut self.latencies) * mean as f64) as Ns;
                least.saturating_add(more.min(mean.saturating_mul(100)))
            }
        }
    }

    /// Draws what becomes of a datagram on a link that is whole.
    pub fn fate(&mut self, from: NodeId, to: NodeId) -> Fate {
        if from == to {
            return Fate::Takes(LOOPBACK, None);
        }
        let network = self.network;
        if chance(&mut self.losses, network.loss_ppm) {
            return Fate::Lost;
        }
        let twice = chance(&mut self.losses, network.duplication_ppm);
        let first = self.datagram_latency(from, to);
        let second = twice.then(|| self.datagram_latency(from, to));
        Fate::Takes(first, second)
    }

    fn datagram_latency(&mut self, from: NodeId, to: NodeId) -> Ns {
        let usual = self.latency(from, to);
        let late = chance(&mut self.losses, self.network.reorder_ppm);
        if late { usual.saturating_mul(2 + self.losses.below(9) as u64) } else { usual }
    }

    /// Whether a segment has to be sent again.
    pub fn repeats(&mut self, from: NodeId, to: NodeId) -> bool {
        from != to && chance(&mut self.repetitions, self.network.retransmission_ppm)
    }

    /// How much a read gives that could give `bytes`.
    pub fn read_length(&mut self, from: NodeId, to: NodeId, bytes: usize) -> usize {
        if from == to || bytes < 2 || !chance(&mut self.short_reads, self.network.short_read_ppm) {
            return bytes;
        }
        1 + self.short_reads.below(bytes - 1)
    }
}

fn chance(random: &mut Random, ppm: u32) -> bool {
    // What cannot happen draws nothing.
    ppm > 0 && random.below(PPM) < ppm as usize
}

/// From 0 to `most`, both possible.
fn up_to(random: &mut Random, most: Ns) -> Ns {
    let product = u128::from(random.number()) * (u128::from(most) + 1);
    (product >> 64) as Ns
}

/// Exponential with mean 1: −ln of a number in (0, 1].
fn exponential(random: &mut Random) -> f64 {
    let number = (random.number() >> 11) + 1;
    -ln(number as f64 / (1_u64 << 53) as f64)
}

/// The natural logarithm of a normal positive number, by operations that IEEE 754 fixes to the bit; what a machine's
/// library gives differs in the last place from one to the next. ln(2ᵉ·m) = e·ln 2 + 2·artanh((m−1)/(m+1)).
fn ln(number: f64) -> f64 {
    let bits = number.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    // The ratio is below 1/3: 1/3 to the 33rd is below the last place.
    let series = (0..16).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * ratio * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_one() {
        for number in [1.0, 0.5, 0.1, 1e-3, 1e-15, 0.999_999, 3.0, 1e10] {
            assert!((ln(number) - number.ln()).abs() < 1e-13, "{number}: {} {}", ln(number), number.ln());
        }
    }

    #[test]
    fn an_exponential_latency_has_its_mean() {
        let latency = Latency::Exponential { least: 1000, mean: 5000 };
        let mut seed = 0;
        let fork = || {
            seed += 1;
            Random::new(seed)
        };
        let mut links = Links::new(2, Network { latency, ..Network::default() }, fork);
        let all: Vec<Ns> = (0..20_000).map(|_| links.latency(0, 1)).collect();
        let mean = all.iter().sum::<Ns>() / all.len() as Ns;
        assert!((5_900..6_100).contains(&mean), "{mean}");
        assert!(all.iter().all(|one| (1000..=501_000).contains(one)));
    }
}
