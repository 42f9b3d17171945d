//! Tests of the server as a whole: in process, over its own processor or over TLS.

mod asynchronous;
mod atomic;
mod bench;
mod certificates;
mod cli;
mod containers;
mod conventions;
mod derived;
mod endpoint;
mod formats;
mod fuzz;
#[path = "../../tests/fuzz/targets.rs"]
mod fuzz_targets;
mod harness;
mod https;
mod identity;
mod legacy;
mod legacy_answers;
mod lifecycle;
mod locating;
mod messages;
mod network;
mod objects;
mod older_cases;
mod operations;
mod parts;
mod pkcs11;
mod pkcs11_modules;
mod placeholder;
mod reasons;
mod refusals;
mod replays;
mod reprovision;
mod robustness;
mod searching;
mod tls;
