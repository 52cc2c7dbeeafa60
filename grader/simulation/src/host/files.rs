//! THROW-AWAY: replaced by the real files.
use super::wasi::filesystem::{
    preopens,
    types::{self, *},
};
use super::{Kernel, State};
use crate::disk::{Disk, norm};
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use wasmtime::{Result, component::Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

type R<T> = std::result::Result<T, FileError>;
pub type FileError = wasmtime_wasi::TrappableError<ErrorCode>;
fn tbl(e: wasmtime::component::ResourceTableError) -> FileError {
    FileError::trap(e)
}

pub struct Descriptor {
    path: String,
    ino: u64,
    flags: DescriptorFlags,
}
pub struct Listing(std::vec::IntoIter<DirectoryEntry>);

struct RdStream {
    fs: Arc<Mutex<Disk>>,
    ino: u64,
    pos: usize,
}
struct WrStream {
    fs: Arc<Mutex<Disk>>,
    ino: u64,
    pos: Option<usize>,
    kernel: Kernel,
}
#[async_trait]
impl Pollable for RdStream {
    async fn ready(&mut self) {}
}
#[async_trait]
impl Pollable for WrStream {
    async fn ready(&mut self) {}
}
impl InputStream for RdStream {
    fn read(&mut self, n: usize) -> StreamResult<Bytes> {
        let f = self.fs.lock().unwrap();
        let Some(i) = f.inos.get(&self.ino) else { return Err(StreamError::Closed) };
        if self.pos >= i.data.len() {
            return Err(StreamError::Closed);
        }
        let e = (self.pos + n).min(i.data.len());
        let b = Bytes::copy_from_slice(&i.data[self.pos..e]);
        self.pos = e;
        Ok(b)
    }
}
impl OutputStream for WrStream {
    fn write(&mut self, b: Bytes) -> StreamResult<()> {
        let mut f = self.fs.lock().unwrap();
        let off = match self.pos {
            Some(p) => p,
            None => f.inos.get(&self.ino).map_or(0, |i| i.data.len()),
        };
        f.write(self.ino, off, &b, self.kernel.now())
            .map_err(|_| StreamError::LastOperationFailed(ErrorCode::Quota.into()))?;
        if let Some(p) = &mut self.pos {
            *p += b.len();
        }
        Ok(())
    }
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(65536)
    }
}
impl preopens::Host for State {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let ino = self.disk.lock().unwrap().paths[""];
        let d = self.table.push(Descriptor {
            path: "".into(),
            ino,
            flags: DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY,
        })?;
        Ok(vec![(d, "/".into())])
    }
}
impl types::Host for State {
    fn filesystem_error_code(&mut self, e: Resource<wasmtime::Error>) -> Result<Option<ErrorCode>> {
        Ok(self.table.get(&e)?.downcast_ref::<ErrorCode>().copied())
    }
    fn convert_error_code(&mut self, e: FileError) -> Result<ErrorCode> {
        e.downcast()
    }
}
impl types::HostDirectoryEntryStream for State {
    fn read_directory_entry(&mut self, r: Resource<Listing>) -> R<Option<DirectoryEntry>> {
        Ok(self.table.get_mut(&r).map_err(tbl)?.0.next())
    }
    fn drop(&mut self, r: Resource<Listing>) -> Result<()> {
        self.table.delete(r)?;
        Ok(())
    }
}
impl State {
    fn d(&self, r: &Resource<Descriptor>) -> R<(String, u64)> {
        let d = self.table.get(r).map_err(tbl)?;
        Ok((d.path.clone(), d.ino))
    }
    fn st(&self, i: u64) -> R<DescriptorStat> {
        let f = self.disk.lock().unwrap();
        let n = f.inos.get(&i).ok_or(ErrorCode::NoEntry)?;
        let t = std::time::Duration::from_secs(1_767_225_600) + std::time::Duration::from_nanos(n.mtime);
        let t = Some(super::wasi::clocks::wall_clock::Datetime { seconds: t.as_secs(), nanoseconds: t.subsec_nanos() });
        Ok(DescriptorStat {
            type_: ty(n.dir),
            link_count: 1,
            size: n.data.len() as u64,
            data_access_timestamp: t,
            data_modification_timestamp: t,
            status_change_timestamp: t,
        })
    }
    fn at(&self, r: &Resource<Descriptor>, p: &str) -> R<(String, Option<u64>)> {
        let (b, _) = self.d(r)?;
        let q = norm(&b, p).map_err(|_| ErrorCode::NotPermitted)?;
        let i = self.disk.lock().unwrap().paths.get(&q).copied();
        Ok((q, i))
    }
}
fn ty(dir: bool) -> DescriptorType {
    if dir { DescriptorType::Directory } else { DescriptorType::RegularFile }
}
impl types::HostDescriptor for State {
    fn read_via_stream(&mut self, r: Resource<Descriptor>, off: u64) -> R<Resource<DynInputStream>> {
        let (_, ino) = self.d(&r)?;
        let s: DynInputStream = Box::new(RdStream { fs: self.disk.clone(), ino, pos: off as usize });
        self.table.push(s).map_err(tbl)
    }
    fn write_via_stream(&mut self, r: Resource<Descriptor>, off: u64) -> R<Resource<DynOutputStream>> {
        let (_, ino) = self.d(&r)?;
        let kernel = self.kernel.clone();
        let s: DynOutputStream = Box::new(WrStream { fs: self.disk.clone(), ino, pos: Some(off as usize), kernel });
        self.table.push(s).map_err(tbl)
    }
    fn append_via_stream(&mut self, r: Resource<Descriptor>) -> R<Resource<DynOutputStream>> {
        let (_, ino) = self.d(&r)?;
        let kernel = self.kernel.clone();
        let s: DynOutputStream = Box::new(WrStream { fs: self.disk.clone(), ino, pos: None, kernel });
        self.table.push(s).map_err(tbl)
    }
    fn advise(&mut self, _: Resource<Descriptor>, _: u64, _: u64, _: Advice) -> R<()> {
        Ok(())
    }
    fn sync_data(&mut self, r: Resource<Descriptor>) -> R<()> {
        self.sync(r)
    }
    fn sync(&mut self, r: Resource<Descriptor>) -> R<()> {
        let (_, i) = self.d(&r)?;
        let mut f = self.disk.lock().unwrap();
        if let Some(n) = f.inos.get_mut(&i) {
            n.durable = Some(n.data.clone());
        }
        Ok(())
    }
    fn get_flags(&mut self, r: Resource<Descriptor>) -> R<DescriptorFlags> {
        Ok(self.table.get(&r).map_err(tbl)?.flags)
    }
    fn get_type(&mut self, r: Resource<Descriptor>) -> R<DescriptorType> {
        let (_, i) = self.d(&r)?;
        Ok(self.st(i)?.type_)
    }
    fn set_size(&mut self, r: Resource<Descriptor>, n: u64) -> R<()> {
        let (_, i) = self.d(&r)?;
        let mut f = self.disk.lock().unwrap();
        let (q, u) = (f.quota, f.used);
        let x = f.inos.get_mut(&i).ok_or(ErrorCode::BadDescriptor)?;
        let old = x.data.len();
        let n = n as usize;
        if u + n.saturating_sub(old) > q {
            return Err(ErrorCode::Quota.into());
        }
        x.data.resize(n, 0);
        f.used = u + n - old.min(u + n);
        Ok(())
    }
    fn set_times(&mut self, _: Resource<Descriptor>, _: NewTimestamp, _: NewTimestamp) -> R<()> {
        Ok(())
    }
    fn read(&mut self, r: Resource<Descriptor>, n: u64, off: u64) -> R<(Vec<u8>, bool)> {
        let (_, i) = self.d(&r)?;
        let f = self.disk.lock().unwrap();
        let x = &f.inos.get(&i).ok_or(ErrorCode::BadDescriptor)?.data;
        let a = (off as usize).min(x.len());
        let b = (a + n as usize).min(x.len());
        Ok((x[a..b].to_vec(), b == x.len()))
    }
    fn write(&mut self, r: Resource<Descriptor>, b: Vec<u8>, off: u64) -> R<u64> {
        let (_, i) = self.d(&r)?;
        let t = self.kernel.now();
        self.disk.lock().unwrap().write(i, off as usize, &b, t).map_err(|_| ErrorCode::Quota)?;
        Ok(b.len() as u64)
    }
    fn read_directory(&mut self, r: Resource<Descriptor>) -> R<Resource<Listing>> {
        let (p, _) = self.d(&r)?;
        let pre = if p.is_empty() { String::new() } else { format!("{p}/") };
        let v: Vec<_> = {
            let f = self.disk.lock().unwrap();
            f.paths
                .iter()
                .filter(|(k, _)| k.starts_with(&pre) && !k[pre.len()..].contains('/') && k.len() > pre.len())
                .map(|(k, i)| DirectoryEntry { type_: ty(f.inos[i].dir), name: k[pre.len()..].to_string() })
                .collect()
        };
        self.table.push(Listing(v.into_iter())).map_err(tbl)
    }
    fn create_directory_at(&mut self, r: Resource<Descriptor>, p: String) -> R<()> {
        let (q, i) = self.at(&r, &p)?;
        if i.is_some() {
            return Err(ErrorCode::Exist.into());
        }
        self.disk.lock().unwrap().mkdir(&q);
        Ok(())
    }
    fn stat(&mut self, r: Resource<Descriptor>) -> R<DescriptorStat> {
        let (_, i) = self.d(&r)?;
        self.st(i)
    }
    fn stat_at(&mut self, r: Resource<Descriptor>, _: PathFlags, p: String) -> R<DescriptorStat> {
        let (_, i) = self.at(&r, &p)?;
        self.st(i.ok_or(ErrorCode::NoEntry)?)
    }
    fn set_times_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: NewTimestamp,
        _: NewTimestamp,
    ) -> R<()> {
        Ok(())
    }
    fn link_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> R<()> {
        Err(ErrorCode::Unsupported.into())
    }
    fn open_at(
        &mut self,
        r: Resource<Descriptor>,
        _: PathFlags,
        p: String,
        o: OpenFlags,
        flags: DescriptorFlags,
    ) -> R<Resource<Descriptor>> {
        let (q, i) = self.at(&r, &p)?;
        let ino = {
            let mut f = self.disk.lock().unwrap();
            match i {
                Some(_) if o.contains(OpenFlags::EXCLUSIVE) => return Err(ErrorCode::Exist.into()),
                Some(i) => {
                    let d = f.inos[&i].dir;
                    if o.contains(OpenFlags::DIRECTORY) && !d {
                        return Err(ErrorCode::NotDirectory.into());
                    }
                    if d && flags.contains(DescriptorFlags::WRITE) {
                        return Err(ErrorCode::IsDirectory.into());
                    }
                    if o.contains(OpenFlags::TRUNCATE) {
                        let n = f.inos.get_mut(&i).unwrap();
                        let l = n.data.len();
                        n.data.clear();
                        f.used -= l.min(f.used);
                    }
                    i
                }
                None if o.contains(OpenFlags::CREATE) => {
                    let parent = q.rsplit_once('/').map_or("", |x| x.0);
                    if !f.paths.contains_key(parent) {
                        return Err(ErrorCode::NoEntry.into());
                    }
                    f.next += 1;
                    let i = f.next;
                    f.paths.insert(q.clone(), i);
                    f.inos.insert(i, crate::disk::Ino::default());
                    i
                }
                None => return Err(ErrorCode::NoEntry.into()),
            }
        };
        self.table.push(Descriptor { path: q, ino, flags }).map_err(tbl)
    }
    fn readlink_at(&mut self, _: Resource<Descriptor>, _: String) -> R<String> {
        Err(ErrorCode::Invalid.into())
    }
    fn remove_directory_at(&mut self, r: Resource<Descriptor>, p: String) -> R<()> {
        let (q, i) = self.at(&r, &p)?;
        i.ok_or(ErrorCode::NoEntry)?;
        let mut f = self.disk.lock().unwrap();
        let pre = format!("{q}/");
        if f.paths.keys().any(|k| k.starts_with(&pre)) {
            return Err(ErrorCode::NotEmpty.into());
        }
        f.paths.remove(&q);
        Ok(())
    }
    fn rename_at(&mut self, r: Resource<Descriptor>, a: String, n: Resource<Descriptor>, b: String) -> R<()> {
        let (q, i) = self.at(&r, &a)?;
        let i = i.ok_or(ErrorCode::NoEntry)?;
        let (z, _) = self.at(&n, &b)?;
        let mut f = self.disk.lock().unwrap();
        f.paths.remove(&q);
        f.paths.insert(z, i);
        Ok(())
    }
    fn symlink_at(&mut self, _: Resource<Descriptor>, _: String, _: String) -> R<()> {
        Err(ErrorCode::Unsupported.into())
    }
    fn unlink_file_at(&mut self, r: Resource<Descriptor>, p: String) -> R<()> {
        let (q, i) = self.at(&r, &p)?;
        i.ok_or(ErrorCode::NoEntry)?;
        self.disk.lock().unwrap().paths.remove(&q);
        Ok(())
    }
    fn is_same_object(&mut self, a: Resource<Descriptor>, b: Resource<Descriptor>) -> Result<bool> {
        Ok(self.table.get(&a)?.ino == self.table.get(&b)?.ino)
    }
    fn metadata_hash(&mut self, r: Resource<Descriptor>) -> R<MetadataHashValue> {
        let (_, i) = self.d(&r)?;
        Ok(MetadataHashValue { lower: i, upper: 7 })
    }
    fn metadata_hash_at(&mut self, r: Resource<Descriptor>, _: PathFlags, p: String) -> R<MetadataHashValue> {
        let (_, i) = self.at(&r, &p)?;
        Ok(MetadataHashValue { lower: i.ok_or(ErrorCode::NoEntry)?, upper: 7 })
    }
    fn drop(&mut self, r: Resource<Descriptor>) -> Result<()> {
        self.table.delete(r)?;
        Ok(())
    }
}
