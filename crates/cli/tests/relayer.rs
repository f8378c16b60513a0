//! The relayer, on a real chain (anvil), through whatever happens to processes, nodes and disks.

// Shared with the other tests.
#[allow(dead_code)]
mod common;

#[allow(dead_code)]
#[path = "chain/anvil.rs"]
mod anvil;
#[path = "relayer/chains.rs"]
mod chains;
#[path = "relayer/kills.rs"]
mod kills;
#[path = "relayer/many.rs"]
mod many;
#[path = "relayer/nodes.rs"]
mod nodes;
#[path = "relayer/operation.rs"]
mod operation;
#[path = "relayer/patience.rs"]
mod patience;
#[allow(dead_code)]
#[path = "relayer/proxy.rs"]
mod proxy;
#[path = "relayer/rollups.rs"]
mod rollups;
#[path = "relayer/service.rs"]
mod service;
#[path = "relayer/storage.rs"]
mod storage;
#[allow(dead_code)]
#[path = "chain/world.rs"]
mod world;
