//! What git knows of a folder: asked through its own command, bounded, and deaf to whatever a repository would have it run.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use crate::engine::secret::Group;
use crate::model::{Status, Trouble};
use crate::source::Answer;

/// Bytes of history that are read, and of what git complains about.
const CAP: usize = 8 * 1024 * 1024;
const WORDS: u64 = 4 * 1024;
/// A history is a comfort: no poll waits longer for it.
const LONGEST: Duration = Duration::from_secs(5);
/// What git may see of our environment: where the user's own settings lie (`safe.directory` among them).
const PASSED_ON: &[&str] = &["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SystemRoot"];
/// A repository may be anybody's: nothing its configuration names is started, and nothing is fetched.
const SETTINGS: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "diff.external=",
    "log.showSignature=false",
    "log.mailmap=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
];

/// The commits that touched a folder, newest first, each with its moment, author, subject and files:
/// `\x1e seconds \x1f author \x1f subject \0 \n path \0 …`. Empty where the folder is in no work tree.
pub async fn log(folder: &Path, most: usize, end: Instant) -> Result<Answer, Trouble> {
    let mut command = tokio::process::Command::new("git");
    command.arg("-C").arg(folder).args([
        "--no-pager",
        "--no-optional-locks",
        "--literal-pathspecs",
    ]);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command
        .args(["log", "-z", "--relative", "--name-only", "--no-renames", "--no-color"])
        .args([
            "--no-show-signature",
            "--no-ext-diff",
            "--no-textconv",
            "--no-notes",
            "--no-decorate",
        ])
        .arg("--format=%x1e%ct%x1f%an%x1f%s")
        .arg(format!("--max-count={most}"))
        .args(["--", "."])
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
        .envs([
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_ALLOW_PROTOCOL", ""),
            ("GIT_PAGER", "cat"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        // Without git there is no history to be had, and nothing wrong either.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(nothing()),
        Err(e) => return Err(failed(folder, &format!("git could not be started: {e}"))),
    };
    let group = Group::of(&child);
    let (mut out, mut said) = (Vec::new(), Vec::new());
    let (mut told, mut complaints) = (child.stdout.take(), child.stderr.take());
    let run = async {
        let reading = async {
            if let Some(pipe) = &mut told {
                pipe.take(CAP as u64 + 1).read_to_end(&mut out).await?;
            }
            // A full pipe would keep git waiting for a reader for ever.
            drop(told.take());
            Ok::<(), std::io::Error>(())
        };
        let listening = async {
            if let Some(pipe) = &mut complaints {
                pipe.take(WORDS).read_to_end(&mut said).await?;
            }
            drop(complaints.take());
            Ok::<(), std::io::Error>(())
        };
        tokio::try_join!(reading, listening)?;
        child.wait().await
    };
    let limit = end.min(Instant::now() + LONGEST);
    let status = match tokio::time::timeout_at(limit, run).await {
        Err(_) => {
            group.end(&mut child).await;
            return Err(Trouble::new(
                Status::Timeout,
                format!("git did not tell the history of {} in time", folder.display()),
            ));
        }
        Ok(Err(e)) => return Err(failed(folder, &format!("reading what git says: {e}"))),
        Ok(Ok(status)) => status,
    };
    let cut = out.len() > CAP;
    if !status.success() && !cut {
        let said = String::from_utf8_lossy(&said);
        let none = ["not a git repository", "does not have any commits"];
        if none.iter().any(|words| said.contains(words)) {
            return Ok(nothing());
        }
        let first = said.lines().next().unwrap_or("git failed without a word");
        return Err(failed(folder, first.trim_start_matches("fatal: ")));
    }
    out.truncate(CAP);
    Ok(Answer::File { bytes: out.into(), cut })
}

fn nothing() -> Answer {
    Answer::File { bytes: Vec::new().into(), cut: false }
}

fn failed(folder: &Path, words: &str) -> Trouble {
    Trouble::bad_data(format!("no history of {}: {words}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt;

    fn git(folder: &Path, arguments: &[&str]) -> bool {
        let mut command = std::process::Command::new("git");
        command.arg("-C").arg(folder).args(["-c", "user.name=Ada", "-c", "user.email=a@x"]);
        command.args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// A work tree with a commit, or `None` with a word about it where there is no git.
    fn tree() -> Option<tempfile::TempDir> {
        let folder = tempfile::tempdir().unwrap();
        if !git(folder.path(), &["init", "-q"]) {
            let _ = writeln!(std::io::stderr(), "skipped: no git here");
            return None;
        }
        std::fs::create_dir(folder.path().join("reviews")).unwrap();
        std::fs::write(folder.path().join("reviews/a b.md"), "# a\n").unwrap();
        assert!(git(folder.path(), &["add", "-A"]));
        assert!(git(folder.path(), &["commit", "-q", "-m", "the first"]));
        Some(folder)
    }

    fn asked(folder: &Path) -> Result<String, Trouble> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let end = || Instant::now() + Duration::from_secs(30);
        match runtime.block_on(async { log(folder, 100, end()).await })? {
            Answer::File { bytes, .. } => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_work_tree_tells_who_wrote_what() {
        let Some(folder) = tree() else { return };
        let told = asked(&folder.path().join("reviews")).unwrap();
        assert!(told.starts_with('\u{1e}'), "{told:?}");
        assert!(told.ends_with("\u{1f}Ada\u{1f}the first\0\na b.md\0"), "{told:?}");
    }

    #[test]
    fn a_folder_outside_every_work_tree_has_no_history_and_nothing_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(asked(folder.path()).unwrap(), "");
    }

    #[test]
    fn nothing_a_repository_names_is_started() {
        let Some(folder) = tree() else { return };
        let mark = folder.path().join("started");
        let trap = folder.path().join("trap.sh");
        std::fs::write(&trap, format!("#!/bin/sh\necho x >> {}\n", mark.display())).unwrap();
        std::fs::set_permissions(&trap, std::fs::Permissions::from_mode(0o755)).unwrap();
        let trap = trap.to_str().unwrap();
        for key in [
            "core.fsmonitor",
            "core.pager",
            "pager.log",
            "diff.external",
            "diff.trap.textconv",
            "diff.trap.command",
            "gpg.program",
            "core.sshCommand",
            "core.alternateRefsCommand",
            "credential.helper",
            "filter.trap.clean",
            "alias.log",
        ] {
            assert!(git(folder.path(), &["config", key, trap]));
        }
        assert!(git(folder.path(), &["config", "log.showSignature", "true"]));
        assert!(git(folder.path(), &["config", "core.hooksPath", folder.path().to_str().unwrap()]));
        std::fs::write(folder.path().join(".gitattributes"), "*.md diff=trap filter=trap\n")
            .unwrap();
        let _ = std::fs::remove_file(&mark);
        let told = asked(&folder.path().join("reviews")).unwrap();
        assert!(told.contains("the first"), "{told:?}");
        assert!(!mark.exists(), "{}", std::fs::read_to_string(&mark).unwrap());
    }
}
