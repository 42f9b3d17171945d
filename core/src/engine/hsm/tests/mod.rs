//! Against SoftHSM2. Each test runs in a process of its own, because the module reads its configuration, and
//! knows its tokens, once a process.

mod failing;
mod harness;
mod keys;
mod kms;
mod leftovers;
mod seal;
mod using;
