//! Tests of the crate as its users see it.

mod client;
mod corpus;
mod declarations;
mod hostile;
mod properties;
mod quirks;
mod second_reader;
mod spoiled;
mod tables;
mod versions;
