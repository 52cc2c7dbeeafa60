//! THROW-AWAY: replaced by the real disk.

use std::collections::BTreeMap;

pub type Image = BTreeMap<String, Vec<u8>>;

#[derive(Default, Clone, Debug)]
pub struct Ino {
    pub dir: bool,
    pub data: Vec<u8>,
    pub durable: Option<Vec<u8>>,
    pub mtime: u64,
}
#[derive(Default, Clone, Debug)]
pub struct Disk {
    pub paths: BTreeMap<String, u64>,
    pub inos: BTreeMap<u64, Ino>,
    pub next: u64,
    pub quota: usize,
    pub used: usize,
}

impl Disk {
    pub fn new(image: &Image, bytes_max: u64) -> Disk {
        let mut f = Disk { quota: bytes_max as usize, ..Default::default() };
        f.mkdir("");
        f.mkdir("work");
        f.mkdir("tmp");
        for (p, d) in image {
            f.put(p, d.clone());
        }
        f
    }
    pub fn set_full(&mut self, _full: bool) {}
    pub fn set_sync_lies(&mut self, _lies: bool) {}
    pub fn changes(&self, image: &Image) -> Image {
        self.paths
            .iter()
            .filter(|(_, i)| !self.inos[i].dir)
            .filter(|(p, i)| image.get(*p) != Some(&self.inos[i].data))
            .map(|(p, i)| (p.clone(), self.inos[i].data.clone()))
            .collect()
    }
    pub fn mkdir(&mut self, p: &str) -> u64 {
        self.next += 1;
        let i = self.next;
        self.paths.insert(p.into(), i);
        self.inos.insert(i, Ino { dir: true, ..Default::default() });
        i
    }
    pub fn put(&mut self, p: &str, data: Vec<u8>) {
        let mut d = String::new();
        let parts: Vec<&str> = p.split('/').filter(|s| !s.is_empty()).collect();
        for x in &parts[..parts.len() - 1] {
            d = join(&d, x);
            if !self.paths.contains_key(&d) {
                self.mkdir(&d);
            }
        }
        self.next += 1;
        let i = self.next;
        self.used += data.len();
        self.paths.insert(parts.join("/"), i);
        self.inos.insert(i, Ino { durable: Some(data.clone()), data, ..Default::default() });
    }
    pub fn power_loss(&mut self) {
        let gone: Vec<u64> = self.inos.iter().filter(|(_, i)| !i.dir && i.durable.is_none()).map(|(k, _)| *k).collect();
        self.paths.retain(|_, i| !gone.contains(i));
        for i in self.inos.values_mut() {
            if let Some(d) = &i.durable {
                i.data = d.clone();
            }
        }
    }
    pub fn write(&mut self, i: u64, off: usize, b: &[u8], t: u64) -> Result<(), &'static str> {
        let n = self.inos.get_mut(&i).ok_or("bad")?;
        let end = off + b.len();
        let grow = end.saturating_sub(n.data.len());
        if self.used + grow > self.quota {
            return Err("quota");
        }
        self.used += grow;
        if grow > 0 {
            n.data.resize(end, 0);
        }
        n.data[off..end].copy_from_slice(b);
        n.mtime = t;
        Ok(())
    }
}
pub fn join(d: &str, p: &str) -> String {
    if d.is_empty() { p.into() } else { format!("{d}/{p}") }
}
// Resolves `p` under `base`; `..` may not climb above the preopen (which is the root).
pub fn norm(base: &str, p: &str) -> Result<String, &'static str> {
    let mut v: Vec<&str> = base.split('/').filter(|s| !s.is_empty()).collect();
    if p.starts_with('/') {
        return Err("np");
    }
    for x in p.split('/') {
        match x {
            "" | "." => {}
            ".." => {
                v.pop().ok_or("np")?;
            }
            x => v.push(x),
        }
    }
    Ok(v.join("/"))
}
