//! A loopback server on raw sockets that may lie about everything, and remembers all it was sent.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What one connection asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Request line and headers, as they came.
    pub head: String,
    pub body: String,
    pub at: Instant,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

type Behave = dyn Fn(&Asked, &mut TcpStream) + Send + Sync;

#[derive(Default)]
struct Ledger {
    asked: Mutex<Vec<Asked>>,
    over: AtomicBool,
}

/// Serves until dropped. Each connection carries one request.
pub struct FaultServer {
    pub port: u16,
    ledger: Arc<Ledger>,
}

impl FaultServer {
    /// `behave` writes whatever it likes; afterwards the connection is closed.
    pub fn start(behave: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ledger = Arc::new(Ledger::default());
        let (shared, behave): (_, Arc<Behave>) = (ledger.clone(), Arc::new(behave));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, behave) = (shared.clone(), behave.clone());
                std::thread::spawn(move || serve(stream, &shared, &*behave));
            }
        });
        Self { port, ledger }
    }

    /// Answers everything with these bytes.
    pub fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |_, stream| {
            let _ = stream.write_all(&bytes);
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.ledger.asked.lock().unwrap().clone()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.ledger.over.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(mut stream: TcpStream, ledger: &Ledger, behave: &Behave) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let _ = stream.set_write_timeout(Some(Duration::from_secs(5)));
    let _ = stream.set_nodelay(true);
    let Some((head, body)) = read_request(&mut stream) else { return };
    let asked = {
        let mut all = ledger.asked.lock().unwrap();
        let asked = Asked { head, body, at: Instant::now() };
        all.push(asked.clone());
        asked
    };
    behave(&asked, &mut stream);
    close(&mut stream);
}

/// Says goodbye and takes what is still coming: closing with unread bytes would reset the connection.
fn close(stream: &mut TcpStream) {
    if rustix::net::sockopt::socket_linger(&*stream).is_ok_and(|l| l.is_some()) {
        return;
    }
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest), Ok(n) if n > 0) {}
}

fn read_request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 64 * 1024 || stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|l| {
        let (name, value) = l.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8_lossy(&body).into_owned()))
}

/// Stays silent until the other side gives up, at most five seconds.
pub fn silence(stream: &mut TcpStream) {
    let mut byte = [0];
    let _ = stream.read(&mut byte);
}

/// Ends the connection with a reset instead of a goodbye.
pub fn reset(stream: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
}

/// A whole answer with the right length.
pub fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut all = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    all.extend_from_slice(body);
    all
}

pub fn json(body: &str) -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\n", body.as_bytes())
}

/// A gzip stream of zeros without end: 13 bits for every 258 bytes.
pub fn endless_gzip() -> impl Iterator<Item = u8> {
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    // A block with fixed codes that is not the last; the literal 0; then "258 bytes from 1 back" for ever.
    let start = "0".chars().chain("10".chars()).chain("00110000".chars());
    let bits = start.chain(std::iter::repeat("1100010100000").flat_map(str::chars));
    let mut bits = bits.map(|b| u8::from(b == '1'));
    header.into_iter().chain(std::iter::from_fn(move || {
        Some((0..8).fold(0, |byte, i| byte | (bits.next().unwrap_or(0) << i)))
    }))
}
