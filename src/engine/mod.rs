//! The only room that waits: HTTP, files, probes, polling, keys, effects, the terminal.
