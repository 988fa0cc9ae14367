//! What tests of sources share: a poll without a network, recorded answers, and a machine that spoils them.

// Each test program uses its own part of this.
#![allow(dead_code)]

pub mod fixtures;
pub mod mutate;
pub mod poll;
