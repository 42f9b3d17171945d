//! The module through its C functions, in this process and in a C program.

// Calls C functions.
#![allow(unsafe_code, missing_docs)]

mod builtin;
mod certificates;
mod check_values;
mod consumer;
mod derivations;
mod derived_keys;
mod encapsulation;
mod header;
mod interfaces;
mod keys;
mod malformed;
mod mechanism_samples;
mod mechanism_table;
mod messages;
mod numbers;
mod objects;
mod operations;
mod parameter_rules;
mod post_quantum;
mod profiles;
mod public_sessions;
mod recovery;
mod robustness;
mod rules;
mod sessions;
mod signatures;
mod signatures_first;
mod spoiled;
mod states;
mod support;
mod templates;
mod tls;
mod tokens;
mod vectors;
