//! Real servers on loopback: started on free ports, waited for by asking, always ended.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than any of them takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server may take to end.
const MANNERS: Duration = Duration::from_secs(12);

/// The program, or `None` with a word about it.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let extra = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let found =
        std::env::split_paths(&path).chain(extra).map(|f| f.join(name)).find(|f| f.is_file());
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: {name} is not installed");
    }
    found
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A running server; dropping it ends it.
pub struct Server {
    child: Child,
    log: PathBuf,
    pub port: u16,
}

impl Server {
    /// Starts `program` and waits until `ready` (a path) answers 200; an empty path: until the port is open.
    pub fn start(program: &Path, lab: &Path, port: u16, arguments: &[String], ready: &str) -> Self {
        let log = lab.join(format!("{}.log", program.file_name().unwrap().to_string_lossy()));
        let output = File::create(&log).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(lab)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let mut server = Self { child, log, port };
        let begun = Instant::now();
        while !server.is_ready(ready) {
            let ended = server.child.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "{} is not ready ({ended:?}): {}",
                program.display(),
                std::fs::read_to_string(&server.log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn is_ready(&self, path: &str) -> bool {
        if path.is_empty() {
            return TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        }
        http(self.port, "GET", path, &[], "").is_some_and(|(status, _)| status == 200)
    }

    /// Ends it without a word, as a crash does.
    pub fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Server {
    /// Asked first, because a server that is killed leaves its workers behind; killed when it does not listen.
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let asked = Instant::now();
        if let Some(pid) = pid
            && kill_process(pid, Signal::TERM).is_ok()
        {
            while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < MANNERS {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// With this a Prometheus scrapes nothing.
pub const SCRAPES_NOTHING: &str = "global: {scrape_interval: 1m}\n";

/// A Prometheus whose files lie in the lab; `None` where none is installed.
pub fn prometheus(lab: &Path, port: u16, config: &str, more: &[&str]) -> Option<Server> {
    let program = tool("prometheus")?;
    std::fs::write(lab.join("prometheus.yml"), config).unwrap();
    let mut arguments = vec![
        "--config.file=prometheus.yml".to_owned(),
        format!("--storage.tsdb.path={}", lab.join("tsdb").display()),
        "--storage.tsdb.retention.time=10y".to_owned(),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--log.level=warn".to_owned(),
    ];
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    Some(Server::start(&program, lab, port, &arguments, "/-/ready"))
}

/// Writes a past, in `OpenMetrics` text, where a Prometheus of this lab finds it; `None` where promtool is not installed.
pub fn backfill(lab: &Path, text: &str) -> Option<()> {
    let promtool = tool("promtool")?;
    std::fs::write(lab.join("history.om"), text).unwrap();
    let made = Command::new(promtool)
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        // Else a month is hundreds of blocks of two hours.
        .args(["--max-block-duration=744h", "history.om", "tsdb"])
        .current_dir(lab)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(())
}

/// A `VictoriaMetrics` whose files lie in the lab; `None` where none is installed.
pub fn victoria(lab: &Path) -> Option<Server> {
    let program = tool("victoria-metrics")?;
    let port = free_port();
    let arguments = [
        format!("-storageDataPath={}", lab.join("vm").display()),
        format!("-httpListenAddr=127.0.0.1:{port}"),
        "-retentionPeriod=12".to_owned(),
        "-memory.allowedBytes=256MB".to_owned(),
        "-loggerLevel=WARN".to_owned(),
    ];
    Some(Server::start(&program, lab, port, &arguments, "/health"))
}

/// A plain request: status and body.
pub fn http(
    port: u16,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let host = format!("Host: 127.0.0.1:{port}");
    let length = format!("Content-Length: {}", body.len());
    let lines: Vec<&str> =
        [host.as_str(), length.as_str()].into_iter().chain(headers.iter().copied()).collect();
    let head = format!("{method} {path} HTTP/1.0\r\n{}\r\n\r\n", lines.join("\r\n"));
    stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// Asks again and again until there is something, for at most half a minute.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A secret in a file that nobody else can read.
pub fn secret(file: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
