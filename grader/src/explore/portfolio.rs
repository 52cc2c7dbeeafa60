//! Which strategies are tried in turn: none is best (see [`schedules::Strategy`]), and a mixture of them is never far from
//! the best one.
//!
//! Of eight schedules two are random walks, one is a walk that rarely hands over, two sample partial orders, and three
//! change priorities at none, one and two points.

use schedules::Plan;

/// How often, out of a thousand, a walk hands over at a synchronisation operation and at a point in memory.
const WALK: (u16, u16) = (500, 100);
const RARE_WALK: (u16, u16) = (300, 20);
/// Runs whose points tell how long one is.
const RUNS_MEASURED: usize = 5;
/// Points of a run as long as none is known.
const POINTS: u32 = 40;
const POINTS_MIN: u32 = 4;

/// How many points runs have: changes of priority are spread over them.
#[derive(Clone, Debug, Default)]
pub struct Length {
    points: Vec<u32>,
}

impl Length {
    pub fn saw(&mut self, points: u32) {
        if self.points.len() < RUNS_MEASURED {
            self.points.push(points);
            self.points.sort_unstable();
        }
    }

    /// The longest, unless it is an exception.
    pub fn points(&self) -> u32 {
        let (Some(longest), Some(middle)) = (self.points.last(), self.points.get(self.points.len() / 2)) else {
            return POINTS;
        };
        (*longest).min(middle.saturating_mul(3)).max(POINTS_MIN)
    }
}

/// The strategy of that number.
pub fn plan(number: u32, seed: u32, points: u32) -> Plan {
    let walk = |(synchronisation, memory)| Plan::Walk { seed, synchronisation, memory };
    match number % 8 {
        0 | 6 => walk(WALK),
        3 => walk(RARE_WALK),
        2 | 7 => Plan::Pos { seed },
        1 => Plan::Pct { seed, depth: 2, points },
        4 => Plan::Pct { seed, depth: 1, points },
        _ => Plan::Pct { seed, depth: 3, points },
    }
}
