//! What tests of sources share: a poll without a network, recorded answers, and a machine that spoils them.

// Each test program uses its own part of this, and says on stderr what it skips.
#![allow(dead_code, clippy::print_stderr)]

pub mod fixtures;
pub mod mutate;
pub mod poll;
