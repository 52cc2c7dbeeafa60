//! The evidence of a simulated run: its messages, each from its sending to its end, and what happened to whom meanwhile.
//!
//! What a run told may have been forged by the student's process that held it, so nothing here is trusted: numbers of
//! nodes and packets are looked up, texts are cut, and everything has a cap. Of a long run it shows what stands around the
//! moments that the failure is about, the end, what stands around the faults, and the beginning, as far as there is room
//! for them in this order.

mod story;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::ops::Range;

use simulation::words::{Cluster, Deed, Ns, Ran};

use self::story::Story;
use crate::report::{Evidence, WireAway, WireDeed, WireEvent, WireGap, WireLane, WireMark, WireRun, WireSpan};

/// Events that are shown.
const EVENTS_MAX: usize = 100;
/// Of these, those around the moments that it is about.
const NEAR_MOMENTS_MAX: usize = 60;
const BEFORE_MOMENT: usize = 10;
const AFTER_MOMENT: usize = 6;
/// And the last ones; fewer where there are such moments.
const LAST: usize = 60;
const LAST_BESIDE_MOMENTS: usize = 10;
/// Around each fault.
const BEFORE_FAULT: usize = 2;
const AFTER_FAULT: usize = 5;
/// Times of the network, and absences.
const SPANS_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 40;

/// What `ran` showed of `cluster`, `moments` above all.
pub fn evidence(title: &str, cluster: &Cluster, ran: &Ran, moments: &[Ns]) -> Evidence {
    let story = Story::of(cluster, ran);
    let run = WireRun {
        ended_us: us(ran.at),
        end: words::end(ran.end).to_owned(),
        spans: spans(cluster, ran.at),
        away: away(cluster, ran),
        // The library's to make: it knows which run of which simulation this is.
        token: None,
    };
    let wanted = wanted(&story.events, &run.spans, moments);
    let (events, left_out) = shown(story, &wanted);
    Evidence::Wire {
        title: title.to_owned(),
        lanes: lanes(cluster),
        events,
        left_out,
        connections_left_out: 0,
        divergence: None,
        capture: None,
        run: Some(run),
    }
}

fn us(at: Ns) -> u64 {
    at / 1_000
}

fn lanes(cluster: &Cluster) -> Vec<WireLane> {
    let lane = |name: &String| WireLane { name: words::cut(name, NAME_CHARS_MAX), address: String::new() };
    cluster.nodes.iter().map(|node| lane(&node.name)).collect()
}

/// Which events to show.
fn wanted(events: &[WireEvent], spans: &[WireSpan], moments: &[Ns]) -> BTreeSet<usize> {
    let count = events.len();
    let mut wanted = BTreeSet::new();
    let about = moments.iter().map(|at| events.partition_point(|event| event.at_us <= us(*at)));
    for index in about.flat_map(|index| near(index, count, BEFORE_MOMENT, AFTER_MOMENT)) {
        if wanted.len() < NEAR_MOMENTS_MAX {
            wanted.insert(index);
        }
    }
    wanted.extend(count.saturating_sub(if wanted.is_empty() { LAST } else { LAST_BESIDE_MOMENTS })..count);
    let around =
        faults(events, spans).into_iter().rev().flat_map(|fault| near(fault, count, BEFORE_FAULT, AFTER_FAULT));
    for index in around.chain(0..count) {
        if wanted.len() >= EVENTS_MAX {
            break;
        }
        wanted.insert(index);
    }
    wanted
}

/// Indexes of the events that are faults, and of those before which the network changed.
fn faults(events: &[WireEvent], spans: &[WireSpan]) -> BTreeSet<usize> {
    let is_fault = |event: &WireEvent| match &event.what {
        WireDeed::Mark { mark, .. } => !matches!(mark, WireMark::Wrote | WireMark::Started | WireMark::Ended),
        _ => false,
    };
    let marks = events.iter().enumerate().filter(|(_, event)| is_fault(event)).map(|(index, _)| index);
    let turns = spans.iter().flat_map(|span| [Some(span.from_us), span.to_us]).flatten();
    marks.chain(turns.map(|at| events.partition_point(|event| event.at_us < at))).collect()
}

fn near(index: usize, count: usize, before: usize, after: usize) -> Range<usize> {
    index.saturating_sub(before)..(index + after).min(count)
}

/// The wanted events, and what is missing between them.
fn shown(story: Story, wanted: &BTreeSet<usize>) -> (Vec<WireEvent>, Vec<WireGap>) {
    let (mut events, mut gaps) = (Vec::new(), Vec::new());
    let mut gap = WireGap { before: 0, events: 0, packets: story.missing_before };
    let mut close = |gap: WireGap, before: usize| {
        if gap.events > 0 || gap.packets > 0 {
            gaps.push(WireGap { before: before as u32, ..gap });
        }
        WireGap { before: 0, events: 0, packets: 0 }
    };
    for (index, event) in story.events.into_iter().enumerate() {
        if wanted.contains(&index) {
            gap = close(gap, events.len());
            events.push(event);
        } else {
            gap.events += 1;
        }
    }
    gap.packets += story.missing_behind;
    close(gap, events.len());
    (events, gaps)
}

/// What the network was like, by the script, which is the suite's own.
fn spans(cluster: &Cluster, ended: Ns) -> Vec<WireSpan> {
    let mut spans: Vec<WireSpan> = Vec::new();
    // Indexes of those that have not ended: of a partition or deafness, and of the network's faults.
    let (mut cuts, mut weather) = (Vec::new(), Vec::new());
    for timed in cluster.script.iter().filter(|timed| timed.at <= ended) {
        let (open, begins) = match &timed.deed {
            Deed::Partition(groups) => {
                let groups = words::whole(groups, cluster.nodes.len());
                (&mut cuts, Some((words::partition(&groups, cluster), groups)))
            }
            Deed::Deafen { from, to } => {
                spans.push(span(timed.at, words::deafened(*from, *to, cluster), vec![]));
                cuts.push(spans.len() - 1);
                continue;
            }
            Deed::Heal => (&mut cuts, None),
            Deed::Network(network) if *network == cluster.network => (&mut weather, None),
            Deed::Network(network) => (&mut weather, Some((words::network(network), vec![]))),
            Deed::Kill(_)
            | Deed::PowerLoss(_)
            | Deed::Restart(_)
            | Deed::Pause(_)
            | Deed::Resume(_)
            | Deed::Skew { .. }
            | Deed::DiskFull { .. }
            | Deed::SyncLies { .. } => continue,
        };
        open.drain(..).for_each(|index: usize| spans[index].to_us = Some(us(timed.at)));
        if let Some((words, groups)) = begins {
            open.push(spans.len());
            spans.push(span(timed.at, words, groups));
        }
    }
    spans.truncate(SPANS_MAX);
    spans
}

fn span(from: Ns, words: String, groups: Vec<Vec<u32>>) -> WireSpan {
    WireSpan { from_us: us(from), to_us: None, words, groups }
}

/// When a node had no program, or one that was stopped.
fn away(cluster: &Cluster, ran: &Ran) -> Vec<WireAway> {
    let mut away = Vec::new();
    for (lane, node) in ran.nodes.iter().take(cluster.nodes.len()).enumerate() {
        let lane = lane as u32;
        let mut gone = 0;
        for life in &node.lives {
            away.push(WireAway { lane, from_us: gone, to_us: us(life.from), paused: false });
            gone = us(life.to);
        }
        away.push(WireAway { lane, from_us: gone, to_us: us(ran.at), paused: false });
        away.extend(pauses(cluster, lane, ran.at));
    }
    away.retain(|away| away.from_us < away.to_us);
    away.truncate(SPANS_MAX);
    away
}

fn pauses(cluster: &Cluster, lane: u32, ended: Ns) -> Vec<WireAway> {
    let (mut pauses, mut since) = (Vec::new(), None);
    for timed in cluster.script.iter().filter(|timed| timed.at <= ended) {
        match timed.deed {
            Deed::Pause(node) if node == lane as usize => since = since.or(Some(us(timed.at))),
            Deed::Resume(node) | Deed::Kill(node) | Deed::PowerLoss(node) if node == lane as usize => {
                let from = since.take();
                pauses.extend(from.map(|from_us| WireAway { lane, from_us, to_us: us(timed.at), paused: true }));
            }
            _ => {}
        }
    }
    pauses.extend(since.map(|from_us| WireAway { lane, from_us, to_us: us(ended), paused: true }));
    pauses
}
