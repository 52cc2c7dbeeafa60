//! An input as a source of choices.

pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Zero, when there are no more.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// Small ones more often, and some that are very large.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            byte @ ..=0xdf => byte.into(),
            byte => 1 << (byte & 0x1f << 1) | u64::from(self.byte()),
        }
    }

    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
