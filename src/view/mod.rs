//! How a page looks in a terminal.

pub mod depth;
pub mod encode;
