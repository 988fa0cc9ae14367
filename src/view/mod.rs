//! How a page looks in a terminal.
