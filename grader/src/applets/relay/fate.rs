//! What the relay does to a message: a pure function of the seed and of the message's place.
//!
//! A place is made of names and counts: from which node to which, which flow between them, the how-manyth datagram or
//! byte of it. Each decision hashes seed and place anew, so none depends on how many were made before, on another link,
//! or on time. A datagram meets one fault at most, and the rates are shares of all datagrams: what a case asks for is
//! what it can count.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What decides besides the place.
#[derive(Clone, Debug)]
pub struct Seed(String);

impl Seed {
    pub fn new(text: String) -> Seed {
        Seed(text)
    }
}

/// Where a message stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub source: &'a str,
    pub target: &'a str,
    /// Which of both opened the connection; of a datagram its source.
    pub opener: &'a str,
    /// The how-manyth connection of the opener, or pair of endpoints of that direction.
    pub flow: u64,
    /// The how-manyth datagram, or byte.
    pub at: u64,
}

/// What happens to a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Goes on at once and whole.
    Passed,
    Lost,
    /// Goes on twice.
    Duplicated,
    /// Goes on without its end.
    Truncated,
    /// Goes on once some later ones of its flow have come.
    Reordered,
    /// Goes on when nothing else happens any more.
    Delayed,
    /// Goes on, and once more when nothing else happens any more.
    Replayed,
    /// Met a partition. Never drawn.
    Partitioned,
}

/// What may happen on the way from one node to another. Without any, everything passes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub loss: f64,
    pub duplicate: f64,
    pub truncate: f64,
    pub reorder: f64,
    pub delay: f64,
    pub replay: f64,
    /// How many later datagrams overtake a reordered one at most.
    pub window: u64,
    /// Largest piece of a stream, in bytes; 0 leaves it as it comes.
    pub split: u64,
    /// Fates of certain datagrams of every flow, by their ordinals; the shares are for the others.
    pub plan: Vec<(u64, Fate)>,
}

/// What was decided for one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub fate: Fate,
    /// Bytes of it that go on, for one that is truncated.
    pub length: usize,
    /// How many later ones overtake it, for one that is reordered.
    pub overtakers: u64,
}

impl Faults {
    /// What happens to a datagram of `size` bytes.
    pub fn decide(&self, seed: &Seed, place: Place<'_>, size: usize) -> Decision {
        let draw = Draw::at(seed, "datagram", place);
        let planned = self.plan.iter().find(|(ordinal, _)| *ordinal == place.at).map(|(_, fate)| *fate);
        let fate = planned.unwrap_or_else(|| self.drawn(draw.share()));
        let length = if fate == Fate::Truncated { draw.below(1, size as u64) as usize } else { size };
        Decision { fate, length, overtakers: 1 + draw.below(2, self.window) }
    }

    fn drawn(&self, share: f64) -> Fate {
        let shares = [
            (self.loss, Fate::Lost),
            (self.duplicate, Fate::Duplicated),
            (self.truncate, Fate::Truncated),
            (self.reorder, Fate::Reordered),
            (self.delay, Fate::Delayed),
            (self.replay, Fate::Replayed),
        ];
        let mut below = 0.0;
        for (of_all, fate) in shares {
            below += of_all;
            if share < below {
                return fate;
            }
        }
        Fate::Passed
    }

    /// Length of the piece of a stream that begins at `place`; `None` where it is not split.
    pub fn piece(&self, seed: &Seed, place: Place<'_>) -> Option<u64> {
        (self.split > 0).then(|| 1 + Draw::at(seed, "piece", place).below(0, self.split))
    }
}

/// Numbers that belong to one place.
struct Draw([u64; 4]);

impl Draw {
    fn at(seed: &Seed, what: &str, place: Place<'_>) -> Draw {
        let mut hash = Sha256::new();
        for text in [seed.0.as_str(), what, place.source, place.target, place.opener] {
            // With its length, so that no two places read alike.
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(place.flow.to_be_bytes());
        hash.update(place.at.to_be_bytes());
        let bytes: [u8; 32] = hash.finalize().into();
        let number = |at: usize| u64::from_be_bytes(bytes[8 * at..8 * at + 8].try_into().expect("eight bytes"));
        Draw([number(0), number(1), number(2), number(3)])
    }

    /// From 0 to below 1, in steps that a double holds exactly.
    fn share(&self) -> f64 {
        (self.0[3] >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Below `end`, or 0 if there is nothing below. The few that come out oftener than others do so by 2⁻⁴⁰ at most.
    fn below(&self, which: usize, end: u64) -> u64 {
        self.0[which].checked_rem(end).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATAGRAMS: u64 = 10_000;

    fn place(source: &'static str, at: u64) -> Place<'static> {
        Place { source, target: "server", opener: source, flow: 0, at }
    }

    fn seed(text: &str) -> Seed {
        Seed::new(text.to_owned())
    }

    fn lossy() -> Faults {
        Faults { loss: 0.1, duplicate: 0.05, truncate: 0.05, reorder: 0.2, window: 3, ..Faults::default() }
    }

    fn fates(seed: &Seed, source: &'static str) -> Vec<Fate> {
        (0..DATAGRAMS).map(|at| lossy().decide(seed, place(source, at), 100).fate).collect()
    }

    fn share(fates: &[Fate], of: Fate) -> f64 {
        fates.iter().filter(|fate| **fate == of).count() as f64 / fates.len() as f64
    }

    #[test]
    fn the_same_seed_gives_the_same_fates_and_another_gives_others() {
        assert_eq!(fates(&seed("1"), "a"), fates(&seed("1"), "a"));
        assert_ne!(fates(&seed("1"), "a"), fates(&seed("2"), "a"));
    }

    #[test]
    fn rates_are_shares_of_all_datagrams() {
        let fates = fates(&seed("rates"), "a");
        for (fate, expected) in [
            (Fate::Lost, 0.1),
            (Fate::Duplicated, 0.05),
            (Fate::Truncated, 0.05),
            (Fate::Reordered, 0.2),
            (Fate::Delayed, 0.0),
            (Fate::Passed, 0.6),
        ] {
            let got = share(&fates, fate);
            assert!((got - expected).abs() < 0.02, "{fate:?}: {got}");
        }
    }

    /// As often lost together as chance has it.
    #[test]
    fn links_are_independent() {
        let (a, b) = (fates(&seed("links"), "a"), fates(&seed("links"), "b"));
        let both = a.iter().zip(&b).filter(|both| *both == (&Fate::Passed, &Fate::Passed)).count();
        let got = both as f64 / DATAGRAMS as f64;
        assert!((got - 0.36).abs() < 0.02, "{got}");
    }

    #[test]
    fn what_is_cut_off_and_how_many_overtake_stays_in_bounds() {
        let (seed, faults) = (seed("bounds"), lossy());
        let all: Vec<_> = (0..DATAGRAMS).map(|at| faults.decide(&seed, place("a", at), 10)).collect();
        assert!(all.iter().all(|it| (it.length < 10) == (it.fate == Fate::Truncated)));
        assert!((1..=3).all(|count| all.iter().any(|it| it.overtakers == count)));
        assert!(all.iter().all(|it| (1..=3).contains(&it.overtakers)));
        assert_eq!(Faults { truncate: 1.0, ..Faults::default() }.decide(&seed, place("a", 0), 0).length, 0);
    }

    #[test]
    fn a_plan_goes_before_the_shares() {
        let faults = Faults { loss: 1.0, plan: vec![(3, Fate::Passed)], ..Faults::default() };
        let fate = |at| faults.decide(&seed("plan"), place("a", at), 10).fate;
        assert_eq!([fate(2), fate(3), fate(4)], [Fate::Lost, Fate::Passed, Fate::Lost]);
    }

    #[test]
    fn pieces_are_as_long_as_allowed_and_of_every_length() {
        let faults = Faults { split: 4, ..Faults::default() };
        let pieces: Vec<_> = (0..200).filter_map(|at| faults.piece(&seed("pieces"), place("a", at))).collect();
        assert!((1..=4).all(|length| pieces.contains(&length)));
        assert!(pieces.iter().all(|length| (1..=4).contains(length)));
        assert_eq!(Faults::default().piece(&seed("pieces"), place("a", 0)), None);
    }
}
