//! How the program is linked: as one file that needs nothing of the machine it is copied to, and whose start costs little,
//! because a status bar starts it every few seconds.
//!
//! A program that may lie anywhere in memory and takes its C library from the machine spends three quarters of a short run
//! in the dynamic loader: 64,000 pointers of its tables (time zones, Unicode, vtables) set right on 400 pages, then two
//! libraries to be found and mapped, then its own functions picked from all over 20 MB. Here it lies at a fixed address,
//! brings the C library with it, and has what a status line runs in one place (`early.ld`). `benches/status` measures it
//! beside a program that reads one file and nothing else.
//!
//! What that gives up, on Linux with glibc:
//!
//! - Its own code lies where it always lies: somebody who has found a way to write into its memory need not guess that
//!   address. Heap and stack still lie anywhere, relocations are read-only, our own code has no `unsafe`, and Go's programs
//!   have been linked like this for as long as there are any.
//! - Names of hosts and users come from `/etc/hosts`, `/etc/passwd` and DNS, as in every program linked with musl. Other
//!   modules of `/etc/nsswitch.conf` (mDNS, LDAP) are libraries that only fit the C library they were built with; loading
//!   them into a program that brings another is how such programs crash, so they are never loaded (`ALONE`).
//!
//! Whoever packages by another rule, or needs such a module, sets `ANDON_PIE=1`: all is then linked as is usual.

#![allow(clippy::print_stdout, reason = "that is how a build script speaks to cargo")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Libraries that rustc asks for by these names; as archives they are part of the program.
const LIBRARIES: [&str; 6] = ["util", "rt", "pthread", "m", "dl", "c"];

/// No module of another C library is ever loaded into ours: the answer is that there is none.
const ALONE: &str = "void *__wrap___libc_dlopen_mode(const char *name, int mode) {
  (void)name; (void)mode; return 0;
}
";

fn main() {
    println!("cargo::rerun-if-changed=assets/link.rs");
    println!("cargo::rerun-if-changed=assets/early.ld");
    println!("cargo::rerun-if-env-changed=ANDON_PIE");
    let linked = if meant() { link() } else { "usual" };
    println!("cargo::rustc-env=ANDON_LINKED={linked}");
}

/// Says it to the linker, as far as this machine can follow; gives what came of it.
fn link() -> &'static str {
    println!("cargo::rustc-link-arg-bins=-no-pie");
    let Some(out) = env::var_os("OUT_DIR").map(PathBuf::from) else { return "fixed" };
    if unwinder(&out).is_none() {
        return "fixed";
    }
    // For programs only: a test is linked as is usual, and would not start with half of this.
    println!("cargo::rustc-link-arg-bins=-L{}", out.display());
    if let Some(root) = env::var_os("CARGO_MANIFEST_DIR") {
        let order = Path::new(&root).join("assets/early.ld");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", order.display());
    }
    let Some(alone) = archives(&out) else { return "fixed" };
    println!("cargo::rustc-link-arg-bins=-static");
    println!("cargo::rustc-link-arg-bins=-Wl,--wrap=__libc_dlopen_mode");
    println!("cargo::rustc-link-arg-bins={}", alone.display());
    "alone"
}

/// Whether this is a Linux with glibc, built where it runs, by a linker nobody chose: others know other words.
fn meant() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let has = |name: &str, part: &str| env::var(name).is_ok_and(|found| found.contains(part));
    let chosen = env::var_os("RUSTC_LINKER").is_some()
        || ["fuse-ld", "linker=", "linker-flavor", "link-arg"]
            .iter()
            .any(|part| has("CARGO_ENCODED_RUSTFLAGS", part));
    is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && !has("CARGO_CFG_TARGET_FEATURE", "crt-static")
        && env::var("HOST").ok() == env::var("TARGET").ok()
        && !chosen
        && env::var_os("ANDON_PIE").is_none()
}

/// The unwinder as an archive: compilers have it beside the shared one.
fn unwinder(out: &Path) -> Option<()> {
    archive("libgcc_eh.a")?;
    fs::write(out.join("libgcc_s.so"), "GROUP ( -lgcc_eh -lgcc )\n").ok()
}

/// Every library as an archive where this machine has them all, and what keeps the C library alone. From glibc 2.34 on
/// files and DNS are asked without a module.
fn archives(out: &Path) -> Option<PathBuf> {
    let version = said(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    let minor: u32 = version.strip_prefix("glibc 2.")?.split('.').next()?.parse().ok()?;
    if minor < 34 {
        return None;
    }
    let found: Option<Vec<(&str, PathBuf)>> =
        LIBRARIES.iter().map(|name| Some((*name, archive(&format!("lib{name}.a"))?))).collect();
    let (source, alone) = (out.join("alone.c"), out.join("alone.o"));
    fs::write(&source, ALONE).ok()?;
    let compiled = Command::new("cc").arg("-c").arg(&source).arg("-o").arg(&alone).status();
    if !compiled.is_ok_and(|status| status.success()) {
        return None;
    }
    for (name, path) in found? {
        let words = format!("GROUP ( {} -lgcc_eh -lgcc )\n", path.display());
        fs::write(out.join(format!("lib{name}.so")), words).ok()?;
    }
    Some(alone)
}

/// Where the compiler has an archive; one that it does not have it gives back as the bare name.
fn archive(name: &str) -> Option<PathBuf> {
    let found = said(Command::new("cc").arg(format!("-print-file-name={name}")))?;
    Some(PathBuf::from(found)).filter(|path| path.is_absolute())
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let words = String::from_utf8(output.stdout).ok()?;
    Some(words.trim().to_owned()).filter(|_| output.status.success())
}
