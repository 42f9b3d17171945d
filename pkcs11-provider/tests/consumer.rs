//! A C program.
