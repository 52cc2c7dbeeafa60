//! What is printed: a line for each program, and below it the ratios.

use std::path::Path;

use crate::Done;

/// What one contestant did with one program, round by round.
#[derive(Debug, Default)]
pub struct Side {
    pub searches: Vec<Done>,
    right: Vec<Done>,
    bug: Vec<Done>,
}

impl Side {
    pub fn add(&mut self, search: Done, [right, bug]: [Done; 2]) {
        self.searches.push(search);
        self.right.push(right);
        self.bug.push(bug);
    }

    /// How often the mistake was found.
    fn found(&self) -> usize {
        self.searches.iter().filter(|search| search.wrong.is_some()).count()
    }

    /// In how many runs, by the median.
    fn found_after(&self) -> Option<u32> {
        median(self.searches.iter().filter_map(|search| Some(f64::from(search.wrong.as_ref()?.1))))
            .map(|runs| runs as u32)
    }

    fn found_cpu_ms(&self) -> Option<f64> {
        median(self.searches.iter().filter(|search| search.wrong.is_some()).map(|search| search.cpu_s * 1e3))
    }
}

/// Runs for each CPU second, if the program can be run to its end.
fn rate(rounds: &[Done]) -> Option<f64> {
    let ended = rounds.iter().filter(|done| done.undecided.is_none());
    median(ended.map(|done| f64::from(done.runs) / done.cpu_s))
}

#[derive(Debug)]
pub struct Line {
    pub name: String,
    pub ours: Side,
    pub dpor: Side,
    pub random: Side,
    pub stress: Side,
}

impl Line {
    pub fn new(folder: &Path) -> Line {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let [ours, dpor, random, stress] = [(); 4].map(|()| Side::default());
        Line { name, ours, dpor, random, stress }
    }

    /// The one of frontrun's explorers that does better: that finds it more often, or else sooner.
    fn frontrun(&self) -> (&'static str, &Side) {
        let worth = |side: &Side| (side.found(), -side.found_cpu_ms().unwrap_or(f64::MAX));
        if worth(&self.dpor) > worth(&self.random) { ("dpor", &self.dpor) } else { ("random", &self.random) }
    }

    /// The rates of the right program and of the wrong one, ours and frontrun's better one.
    fn rates(&self) -> [(Option<f64>, Option<f64>); 2] {
        let better = |one: &[Done], other: &[Done]| rate(one).into_iter().chain(rate(other)).reduce(f64::max);
        [
            (rate(&self.ours.right), better(&self.dpor.right, &self.random.right)),
            (rate(&self.ours.bug), better(&self.dpor.bug, &self.random.bug)),
        ]
    }

    fn ratios(&self) -> impl Iterator<Item = f64> {
        self.rates().into_iter().filter_map(|(ours, theirs)| Some(ours? / theirs?))
    }
}

pub fn show(lines: &[Line]) {
    println!(
        "\nfound: in how many rounds, after how many schedules and CPU ms (medians); rate: schedules for each CPU second of"
    );
    println!(
        "the right program / of the wrong one; ratio: of these rates, ours to the better of frontrun's explorers\n"
    );
    let head = ["ours", "after", "ms", "rate", "frontrun", "after", "ms", "rate", "ratio", "stress", "runs"];
    print!("{:16}", "");
    for (title, width) in head.iter().zip(WIDTHS) {
        print!("{title:>width$}");
    }
    println!();
    lines.iter().for_each(show_line);
    show_sums(lines);
    show_notes(lines);
}

const WIDTHS: [usize; 11] = [6, 7, 8, 16, 13, 7, 8, 13, 14, 8, 8];

fn show_line(line: &Line) {
    let (explorer, frontrun) = line.frontrun();
    let [right, bug] = line.rates();
    let pair = |one: Option<f64>, other: Option<f64>| format!("{} / {}", number(one, 0), number(other, 0));
    let ratio = |(ours, theirs): (Option<f64>, Option<f64>)| Some(ours? / theirs?);
    let after = |side: &Side| number(side.found_after().map(f64::from), 0);
    let stress_runs = median(line.stress.searches.iter().map(|search| f64::from(search.runs)));
    let cells = [
        found(&line.ours),
        after(&line.ours),
        number(line.ours.found_cpu_ms(), 1),
        pair(right.0, bug.0),
        format!("{explorer} {}", found(frontrun)),
        after(frontrun),
        number(frontrun.found_cpu_ms(), 1),
        pair(right.1, bug.1),
        format!("{} / {}", number(ratio(right), 1), number(ratio(bug), 1)),
        found(&line.stress),
        number(stress_runs, 0),
    ];
    print!("{:16}", line.name);
    for (cell, width) in cells.iter().zip(WIDTHS) {
        print!("{cell:>width$}");
    }
    println!();
}

fn found(side: &Side) -> String {
    format!("{}/{}", side.found(), side.searches.len())
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// Which of a line's contestants.
type Which = fn(&Line) -> &Side;

fn show_sums(lines: &[Line]) {
    let ratios: Vec<f64> = lines.iter().flat_map(Line::ratios).collect();
    let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    let smallest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let below = ratios.iter().filter(|ratio| **ratio < BAR).count();
    println!(
        "\nrates, ours / frontrun's: {mean:.1} (geometric mean), {smallest:.1} (smallest), over the {} programs of {} that it \
         can run; {below} below {BAR}",
        ratios.len(),
        lines.len() * 2
    );
    let always = |side: Which| lines.iter().filter(move |line| side(line).found() == side(line).searches.len());
    let ever = |side: Which| lines.iter().filter(move |line| side(line).found() > 0);
    println!("mistakes found in every round (in any) of {}:", lines.len());
    let sides: [(&str, Which); 4] = [
        ("ours", |line| &line.ours),
        ("frontrun, the better explorer", |line| line.frontrun().1),
        ("frontrun, dpor", |line| &line.dpor),
        ("stress", |line| &line.stress),
    ];
    for (name, side) in sides {
        println!("  {name:30} {:2} ({})", always(side).count(), ever(side).count());
    }
}

/// How many times faster than frontrun we want to be.
const BAR: f64 = 10.0;

/// What has no verdict, or a wrong one.
fn show_notes(lines: &[Line]) {
    println!();
    for line in lines {
        for (name, side) in
            [("ours", &line.ours), ("dpor", &line.dpor), ("random", &line.random), ("stress", &line.stress)]
        {
            if let Some(why) = side.right.iter().find_map(|done| done.wrong.as_ref()) {
                println!("{name} accuses the right {}: {}", line.name, short(&why.0));
            }
            for (program, rounds) in [("right", &side.right), ("wrong", &side.searches)] {
                if let Some(why) = rounds.iter().find_map(|done| done.undecided.as_ref()) {
                    println!("{name} has no verdict on the {program} {}: {}", line.name, short(why));
                }
            }
        }
    }
}

fn short(text: &str) -> String {
    text.split(". ").next().unwrap_or_default().chars().take(110).collect()
}

pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
