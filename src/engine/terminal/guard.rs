//! What every andon does first: nobody else may read its files, its memory or its core.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};

/// Files for the owner only, no core dump, and on Linux no reading of `/proc/PID/{mem,environ}` by others:
/// unsetting a variable does not take a token out of there.
pub fn harden() {
    umask(Mode::from_bits_truncate(0o077));
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
