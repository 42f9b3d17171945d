//! End-to-end tests: real programs against the built `keybridge` program and PKCS#11 module.
//!
//! Tests of PKCS#11 programs run twice: against the bridge, and against SoftHSM2 as a control
//! group. When both fail, the test or the program is at fault; when only ours fails, the bridge is.

mod attacks;
mod background;
mod barbican;
mod cli;
mod control;
mod crash;
mod crowd;
mod cryptenroll;
mod dnssec;
mod doors;
mod faults;
mod java;
mod kmip_hsm;
mod mongocrypt;
mod neighbours;
mod nss;
mod openssl;
mod openssl_provider;
mod p11kit;
mod p11tool;
mod pkcs11_tool;
mod pkcs11_tunnel;
mod pykmip;
mod python;
mod replays;
mod soak;
mod ssh;
mod tampering;
mod tls;
mod web;
