//! Stands before a real server and counts: what was asked, and how many bytes came back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fault_server::{Asked, FaultServer};

pub struct Proxy {
    server: FaultServer,
    bytes: Arc<AtomicUsize>,
}

impl Proxy {
    /// Hands everything on, but for what `meddle` answers itself: it returns true where it did.
    pub fn before(
        port: u16,
        meddle: impl Fn(&Asked, &mut TcpStream) -> bool + Send + Sync + 'static,
    ) -> Self {
        let bytes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&bytes);
        let server = FaultServer::start(move |asked, stream| {
            if !meddle(asked, stream) {
                let answer = handed_on(port, asked).unwrap_or_default();
                counted.fetch_add(answer.len(), Ordering::SeqCst);
                let _ = stream.write_all(&answer);
            }
        });
        Self { server, bytes }
    }

    pub fn url(&self) -> String {
        self.server.url("")
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// Bytes of all answers, heads and all, as they went over the wire.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }
}

/// The answer of the server behind, as it came.
fn handed_on(port: u16, asked: &Asked) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let head = asked.head.trim_end().lines();
    let head: Vec<&str> = head.filter(|l| !l.to_lowercase().starts_with("connection:")).collect();
    let head = format!("{}\r\nConnection: close\r\n\r\n", head.join("\r\n"));
    stream.write_all(format!("{head}{}", asked.body).as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}

/// One field of a form that was sent.
pub fn field(asked: &Asked, name: &str) -> String {
    let fields = url::form_urlencoded::parse(asked.body.as_bytes());
    fields.filter(|(n, _)| n == name).map(|(_, value)| value.into_owned()).collect()
}
