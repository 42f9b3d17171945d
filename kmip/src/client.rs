//! A blocking client.
