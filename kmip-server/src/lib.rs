//! The `keybridge` binary as a library: the command line, and the KMIP server over
//! `keybridge-core`.
//!
//! Everything here translates: a command or a KMIP payload becomes a call of
//! [`keybridge_core::Kms`], and its result or error goes back in the words of the door. Nothing
//! here decides who may do what. See the README of this folder.

pub mod algorithms;
mod asynchronous;
pub mod attributes;
pub mod bench;
pub mod certification;
pub mod cli;
pub mod context;
mod deferred;
mod events;
pub mod failure;
mod files;
pub mod identity;
pub mod key_formats;
pub mod listener;
pub mod mechanisms;
pub mod operations;
mod pkcs12;
pub mod pki;
pub mod processor;
pub mod rates;
pub mod references;
pub mod secrets;
pub mod server;
pub mod settings;
pub mod streams;
pub mod tickets;
mod tunnels;
