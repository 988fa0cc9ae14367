//! andon: a terminal team cockpit. A table of contents; the rooms and their laws are in the README under "The house".

pub mod insight;
pub mod model;

pub mod source;

pub mod page;

pub mod cockpit;

pub mod config;

pub mod view;

pub mod print;

pub mod store;

pub mod engine;

pub mod demo;

pub mod command;
