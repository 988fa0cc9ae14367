//! How the program is linked: so that starting it costs little, because a status bar starts it every few seconds.
//!
//! Half of a start was the dynamic loader's: a program that may lie anywhere in memory has 64,000 pointers in its tables
//! (time zones, Unicode, vtables) set right before its first line, on 400 pages that each process then has for itself.
//! Measured on two cores, the best of 300 starts of `andon status`: 2.2 ms when it may lie anywhere, 1.15 ms at a fixed
//! address and without the unwinder's library, 0.97 ms for `cat`; and 3 MB less in memory.
//!
//! What it gives up: the program's own code lies where it always lies, and somebody who has found a way to write into its
//! memory need not guess that address. Heap, stack and libraries still lie anywhere, relocations are read-only, our own
//! code has no `unsafe`, and Go's programs have been linked like this for as long as there are any. Whoever packages with
//! another rule sets `ANDON_PIE=1`.

#![allow(clippy::print_stdout, reason = "that is how a build script speaks to cargo")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=assets/link.rs");
    println!("cargo::rerun-if-env-changed=ANDON_PIE");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    // A static program has no loader to wait for, and only there the linker knows these words.
    let meant = is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && !features.split(',').any(|feature| feature == "crt-static")
        && env::var_os("ANDON_PIE").is_none();
    if !meant {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    if let Some(folder) = unwinder() {
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
}

/// A folder in which the unwinder is found as an archive: one library less to be looked for and mapped. Compilers have it
/// beside the shared one; where this one does not, all stays as usual.
fn unwinder() -> Option<PathBuf> {
    if env::var("HOST").ok() != env::var("TARGET").ok() {
        return None;
    }
    let found = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output().ok()?;
    let archive = String::from_utf8(found.stdout).ok()?;
    // A compiler that does not have it gives the bare name back.
    if !Path::new(archive.trim()).is_absolute() {
        return None;
    }
    let folder = PathBuf::from(env::var_os("OUT_DIR")?);
    fs::write(folder.join("libgcc_s.so"), "GROUP ( -lgcc_eh -lgcc )\n").ok()?;
    Some(folder)
}
