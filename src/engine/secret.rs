//! Secrets: read where the configuration says they lie, kept in memory that is wiped, blotted out of every text that leaves.

use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt;

use crate::config::Secret;
use crate::model::{Clean, Status, Trouble};

/// Bytes a secret may have: a token, not a document.
const CAP: usize = 64 * 1024;
/// Shorter values would blot out ordinary words.
const SHORTEST_BLOTTED: usize = 6;
/// What a program that prints a secret may see of our environment.
const PASSED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
    "GNUPGHOME",
    "GPG_TTY",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "PASSWORD_STORE_DIR",
    "VAULT_ADDR",
    "VAULT_NAMESPACE",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_CONFIG_FILE",
    "KUBECONFIG",
    "GH_HOST",
    "GH_CONFIG_DIR",
    "OP_ACCOUNT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Resolved secrets, one reading at a time for each, until an upstream refuses one.
pub struct Vault {
    limit: Duration,
    slots: Mutex<Vec<(Secret, Slot)>>,
    blots: Mutex<Vec<SecretString>>,
}

type Slot = Arc<tokio::sync::Mutex<Option<SecretString>>>;

impl Vault {
    /// `limit` is how long a program that prints a secret may take.
    pub fn new(limit: Duration) -> Self {
        Self { limit, slots: Mutex::default(), blots: Mutex::default() }
    }

    /// The value, read now or remembered. The trouble names the place, never the value.
    pub async fn open(&self, secret: &Secret) -> Result<SecretString, Trouble> {
        let slot = self.slot(secret);
        let mut value = slot.lock().await;
        if let Some(known) = &*value {
            return Ok(known.clone());
        }
        let fresh = match secret {
            Secret::Env(name) => from_env(name),
            Secret::File(path) => from_file(path),
            Secret::Cmd(argv) => from_program(argv, self.limit).await,
            Secret::Inline(text) => Ok(text.clone()),
        }
        .and_then(|text| usable(&text, secret))?;
        self.blot_out(fresh.expose_secret());
        *value = Some(fresh.clone());
        Ok(fresh)
    }

    /// Reads it anew next time: an upstream refused it, so it may have been replaced.
    pub fn forget(&self, secret: &Secret) {
        let slot = self.slot(secret);
        // A slot that is locked is being read anew this very moment.
        if let Ok(mut value) = slot.try_lock() {
            *value = None;
        }
    }

    /// Blots this value out of every text from now on, also as percent-encoding and base64 would write it.
    pub fn blot_out(&self, value: &str) {
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let in64 = base64::engine::general_purpose::STANDARD.encode(value);
        let mut blots = self.blots.lock().unwrap_or_else(PoisonError::into_inner);
        for form in [value.to_owned(), encoded, in64] {
            if form.len() >= SHORTEST_BLOTTED && !blots.iter().any(|b| b.expose_secret() == form) {
                blots.push(SecretString::from(form));
            }
        }
        // A longer secret first: it may hold a shorter one.
        blots.sort_by_key(|b| std::cmp::Reverse(b.expose_secret().len()));
    }

    /// The text with every known secret replaced by `(secret)`.
    pub fn redact(&self, text: &Clean) -> Clean {
        let blots = self.blots.lock().unwrap_or_else(PoisonError::into_inner);
        if !blots.iter().any(|b| text.as_str().contains(b.expose_secret())) {
            return text.clone();
        }
        let mut out = text.as_str().to_owned();
        for blot in &*blots {
            out = out.replace(blot.expose_secret(), "(secret)");
        }
        Clean::body(&out, out.len())
    }

    fn slot(&self, secret: &Secret) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = slots.iter().find(|(s, _)| s == secret) {
            return slot.clone();
        }
        let slot = Slot::default();
        slots.push((secret.clone(), slot.clone()));
        slot
    }
}

/// One line, not empty: a value with a line end inside would be another header.
fn usable(text: &str, secret: &Secret) -> Result<SecretString, Trouble> {
    let value = text.trim_end_matches(['\r', '\n']);
    if value.is_empty() {
        return Err(refused(format!("the secret at {secret:?} is empty")));
    }
    if value.chars().any(char::is_control) {
        return Err(refused(format!("the secret at {secret:?} holds more than one line of text")));
    }
    Ok(SecretString::from(value.to_owned()))
}

fn refused(message: impl std::fmt::Display) -> Trouble {
    Trouble::new(Status::Auth, message)
}

fn from_env(name: &str) -> Result<String, Trouble> {
    match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => {
            Err(refused(format!("the environment variable {name} is not set"))
                .hint(format!("set {name} before andon starts")))
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(refused(format!("the environment variable {name} is no text")))
        }
    }
}

fn from_file(path: &Path) -> Result<String, Trouble> {
    let shown = path.display();
    let failed = |e: &std::io::Error| refused(format!("the secret file {shown}: {e}"));
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(i32::from_ne_bytes(rustix::fs::OFlags::NONBLOCK.bits().to_ne_bytes()))
        .open(path)
        .map_err(|e| failed(&e))?;
    let about = file.metadata().map_err(|e| failed(&e))?;
    if !about.is_file() {
        return Err(refused(format!("the secret file {shown} is not a regular file")));
    }
    if about.mode() & 0o077 != 0 {
        return Err(refused(format!(
            "the secret file {shown} can be read by others (mode {:03o})",
            about.mode() & 0o777
        ))
        .hint(format!("chmod 600 {shown}")));
    }
    let me = rustix::process::geteuid().as_raw();
    if about.uid() != me && about.uid() != 0 {
        return Err(refused(format!("the secret file {shown} belongs to another user"))
            .hint(format!("chown {me} {shown}")));
    }
    let mut bytes = Vec::new();
    file.take(CAP as u64 + 1).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if bytes.len() > CAP {
        return Err(refused(format!("the secret file {shown} is larger than 64 KiB")));
    }
    String::from_utf8(bytes).map_err(|_| refused(format!("the secret file {shown} is no text")))
}

/// Runs the program without a shell, in a process group of its own that ends with it.
async fn from_program(argv: &[String], limit: Duration) -> Result<String, Trouble> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(refused("the secret names no program"));
    };
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|e| refused(format!("cannot start {program}: {e}")))?;
    let group = Group::of(&child);
    let mut out = Vec::new();
    let mut pipe = child.stdout.take();
    let run = async {
        if let Some(pipe) = &mut pipe {
            pipe.take(CAP as u64 + 1).read_to_end(&mut out).await?;
        }
        // A full pipe would keep the program waiting for a reader for ever.
        drop(pipe.take());
        child.wait().await
    };
    let ended = tokio::time::timeout(limit, run).await;
    let status = match ended {
        Err(_) => {
            group.end(&mut child).await;
            return Err(Trouble::new(
                Status::Timeout,
                format!("{program} did not print the secret within {} s", limit.as_secs_f32()),
            ));
        }
        Ok(Err(e)) => return Err(refused(format!("running {program}: {e}"))),
        Ok(Ok(status)) => status,
    };
    if !status.success() {
        return Err(refused(format!("{program} failed ({status})"))
            .hint(format!("run `{}` by hand to see why", argv.join(" "))));
    }
    if out.len() > CAP {
        return Err(refused(format!("{program} printed more than 64 KiB")));
    }
    String::from_utf8(out).map_err(|_| refused(format!("{program} did not print text")))
}

/// A process group; whatever is left in it is ended when this is dropped.
pub struct Group(Option<Pid>);

impl Group {
    pub fn of(child: &tokio::process::Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    /// Asks first, then insists.
    pub async fn end(self, child: &mut tokio::process::Child) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::TERM);
            let _ = tokio::time::timeout(Duration::from_secs(2), child.wait()).await;
            let _ = kill_process_group(pid, Signal::KILL);
            let _ = child.wait().await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn vault() -> Vault {
        Vault::new(Duration::from_millis(300))
    }

    fn opened(secret: &Secret) -> Result<String, Trouble> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(vault().open(secret)).map(|s| s.expose_secret().to_owned())
    }

    fn cmd(argv: &[&str]) -> Secret {
        Secret::Cmd(argv.iter().map(|a| (*a).to_owned()).collect())
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "s3cret-value\n").unwrap();
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match opened(&Secret::File(path.clone())) {
                Ok(value) => assert!(good && value == "s3cret-value", "{mode:o}"),
                Err(trouble) => {
                    assert!(!good, "{mode:o} {trouble}");
                    assert!(trouble.hint.unwrap().as_str().starts_with("chmod 600"));
                }
            }
        }
    }

    #[test]
    fn a_fifo_or_a_folder_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        for path in [fifo, folder.path().to_owned()] {
            let trouble = opened(&Secret::File(path)).unwrap_err();
            assert!(trouble.message.as_str().contains("not a regular file"), "{trouble}");
        }
    }

    #[test]
    fn a_program_is_run_without_a_shell_and_without_our_environment() {
        assert_eq!(opened(&cmd(&["printf", "%s", "$HOME;x"])).unwrap(), "$HOME;x");
        let seen = opened(&cmd(&["sh", "-c", "env | grep -c CARGO_ || true"])).unwrap();
        assert_eq!(seen, "0");
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", note.display());
        let trouble = opened(&cmd(&["sh", "-c", &script])).unwrap_err();
        assert_eq!(trouble.status, Status::Timeout);
        let child: i32 = std::fs::read_to_string(note).unwrap().trim().parse().unwrap();
        let gone = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        });
        assert!(gone, "the grandchild still runs");
    }

    #[test]
    fn what_is_no_single_line_is_no_secret() {
        for argv in [&["true"][..], &["printf", "a\\nb"], &["false"], &["no-such-program-here"]] {
            assert_eq!(opened(&cmd(argv)).unwrap_err().status, Status::Auth, "{argv:?}");
        }
    }

    #[test]
    fn a_forgotten_secret_is_read_again() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let write = |text: &str| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        let (vault, secret) = (vault(), Secret::File(path.clone()));
        let now = || runtime.block_on(vault.open(&secret)).unwrap().expose_secret().to_owned();
        write("first-one");
        assert_eq!(now(), "first-one");
        write("second-one");
        assert_eq!(now(), "first-one");
        vault.forget(&secret);
        assert_eq!(now(), "second-one");
    }

    #[test]
    fn known_secrets_are_blotted_out_in_every_form() {
        let vault = vault();
        vault.blot_out("pa/ss word");
        for text in ["x pa/ss word y", "x pa%2Fss+word y", "x cGEvc3Mgd29yZA== y"] {
            assert_eq!(vault.redact(&Clean::line(text)).as_str(), "x (secret) y");
        }
        assert_eq!(vault.redact(&Clean::from("nothing here")).as_str(), "nothing here");
    }
}
