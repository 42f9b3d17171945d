//! The cloud KMS dialects over the core. An empty room for now: see the README of this folder.
