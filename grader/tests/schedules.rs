//! Schedules carried out for real: the module `scheduler` in the system's Python, asked as an explorer asks it.
//!
//! Whatever it says it did must be what the plan makes (`Transcript::verify`), and must come out the same once more.

#[path = "../fuzz/src/answers.rs"]
mod answers;
#[path = "schedules/asyncio.rs"]
mod asyncio;
#[path = "schedules/bars.rs"]
mod bars;
#[path = "schedules/beginnings.rs"]
mod beginnings;
#[path = "schedules/believed.rs"]
mod believed;
#[path = "schedules/bench.rs"]
mod bench;
#[path = "schedules/contract.rs"]
mod contract;
#[path = "schedules/evidence.rs"]
mod evidence;
#[path = "schedules/fairness.rs"]
mod fairness;
#[path = "schedules/names.rs"]
mod names;
#[path = "schedules/replay.rs"]
mod replay;
#[path = "schedules/servers.rs"]
mod servers;
#[path = "schedules/sockets.rs"]
mod sockets;
#[path = "schedules/traps.rs"]
mod traps;
#[path = "schedules/worker.rs"]
mod worker;
#[path = "schedules/zoo.rs"]
mod zoo;
