//! Using keys.
