//! `wasi:io/poll`: where a program gives up the processor to wait.
//!
//! The interface is `wasmtime-wasi-io`'s; what is added to it is that a waiting program's fuel becomes known, by which the
//! time that it computed is charged to it, and that what it waited for before is forgotten.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi_io::bindings::wasi::io::poll::{self, Host, HostPollable};
use wasmtime_wasi_io::poll::DynPollable;

use super::{State, Table};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    poll::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
    linker.allow_shadowing(true);
    let mut instance = linker.instance("wasi:io/poll@0.2.12")?;
    instance.func_wrap_async("poll", |mut store, (pollables,): (Vec<Resource<DynPollable>>,)| {
        Box::new(async move { Ok((Host::poll(about_to_wait(&mut store)?, pollables).await?,)) })
    })?;
    instance.func_wrap_async("[method]pollable.block", |mut store, (pollable,): (Resource<DynPollable>,)| {
        Box::new(async move { HostPollable::block(about_to_wait(&mut store)?, pollable).await })
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

fn about_to_wait<'a>(store: &'a mut StoreContextMut<'_, State>) -> wasmtime::Result<&'a mut ResourceTable> {
    let left = store.get_fuel()?;
    let State { table, kernel, .. } = store.data_mut();
    let mut guard = kernel.lock();
    guard.own().knows_fuel_left(left);
    guard.own().waits.clear();
    drop(guard);
    Ok(table)
}
