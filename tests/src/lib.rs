//! Fixtures for the end-to-end tests and the benchmarks: a bridge of our own, a SoftHSM2 token, and
//! a way to run real programs against them.
//!
//! Nothing here knows the insides of keybridge. The tests see what a user sees: the `keybridge`
//! program, the PKCS#11 module, files, sockets.

pub mod bridge;
pub mod command;
pub mod loaded;
pub mod p11;
pub mod products;
pub mod softhsm;
pub mod wait;

pub use bridge::{Bridge, Setup};
pub use command::{Command, Outcome};
pub use p11::Token;
pub use softhsm::SoftHsm;
