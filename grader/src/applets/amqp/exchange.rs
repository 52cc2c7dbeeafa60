//! Exchanges: which queues a message goes to.

use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Direct,
    Fanout,
    Topic,
}

impl Kind {
    pub fn named(name: &str) -> Option<Kind> {
        match name {
            "direct" => Some(Kind::Direct),
            "fanout" => Some(Kind::Fanout),
            "topic" => Some(Kind::Topic),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Direct => "direct",
            Kind::Fanout => "fanout",
            Kind::Topic => "topic",
        }
    }
}

#[derive(Debug)]
pub struct Exchange {
    pub kind: Kind,
    pub durable: bool,
    pub auto_delete: bool,
    pub internal: bool,
    /// Queue and routing key.
    pub bindings: BTreeSet<(String, String)>,
}

impl Exchange {
    /// One that is there from the beginning.
    pub fn predeclared(kind: Kind) -> Exchange {
        Exchange { kind, durable: true, auto_delete: false, internal: false, bindings: BTreeSet::new() }
    }

    /// The queues for a routing key, each once.
    pub fn route(&self, key: &str) -> BTreeSet<&str> {
        let fits = |bound: &str| match self.kind {
            Kind::Direct => bound == key,
            Kind::Fanout => true,
            Kind::Topic => topic_matches(bound, key),
        };
        self.bindings.iter().filter(|(_, bound)| fits(bound)).map(|(queue, _)| queue.as_str()).collect()
    }
}

/// `*` stands for one word, `#` for any number of them, none included.
fn topic_matches(pattern: &str, key: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        if text.is_empty() { vec![] } else { text.split('.').map(str::to_owned).collect() }
    };
    let (pattern, key) = (words(pattern), words(key));
    // matched[i]: whether the words of the pattern so far match the first i words of the key.
    let mut matched: Vec<bool> = (0..=key.len()).map(|length| length == 0).collect();
    for word in &pattern {
        let before = matched.clone();
        for length in 0..=key.len() {
            matched[length] = match word.as_str() {
                "#" => before[..=length].contains(&true),
                "*" => length > 0 && before[length - 1],
                exact => length > 0 && before[length - 1] && key[length - 1] == exact,
            };
        }
    }
    matched[key.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_a_word_and_hashes_for_any_number() {
        for (pattern, key, fits) in [
            ("a.b", "a.b", true),
            ("a.b", "a", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("a.#", "a", true),
            ("a.#", "a.b.c", true),
            ("#", "", true),
            ("*", "", false),
            ("#.z", "a.b.z", true),
            ("#.z.#", "a.y", false),
            ("a.#.b.*", "a.x.b.b.c", true),
            ("", "", true),
        ] {
            assert_eq!(topic_matches(pattern, key), fits, "{pattern:?} {key:?}");
        }
    }
}
