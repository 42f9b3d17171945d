//! `keybridge audit …`.
