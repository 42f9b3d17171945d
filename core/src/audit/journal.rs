//! The journal of uses.
