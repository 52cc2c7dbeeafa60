//! Inputs that are changed a little, the same in every run.

/// Changes to each input, at most.
const CHANGES_MAX: usize = 4;

/// Numbers that are the same in every run (xorshift64*, Vigna 2016).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    pub fn changed(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(CHANGES_MAX) {
            let at = self.below(input.len().max(1));
            match self.below(4) {
                0 if !input.is_empty() => input[at] = self.below(256) as u8,
                1 if !input.is_empty() => drop(input.remove(at)),
                2 => input.insert(at, br#"{}[]",:\u0d-1e"#[self.below(14)]),
                _ => {
                    let other = &corpus[self.below(corpus.len())];
                    let from = self.below(other.len().max(1));
                    input.extend_from_slice(&other[from..]);
                }
            }
        }
        input
    }
}
