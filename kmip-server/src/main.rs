//! The `keybridge` binary.
fn main() {}
