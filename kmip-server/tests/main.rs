//! Tests of the server as a whole: in process, over its own processor or over TLS.

mod cli;
mod harness;
mod messages;
mod oasis;
mod operations;
mod tls;
