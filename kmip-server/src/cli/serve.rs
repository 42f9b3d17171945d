//! `keybridge serve`.
