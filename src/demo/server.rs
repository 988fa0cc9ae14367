//! One small HTTP server on loopback: it hands every request to the vendor it is meant for, and remembers no credential.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use super::alertmanager::Memory;
use super::clock::secs;
use super::reply::{Asked, Reply};
use super::vendors;
use super::world::World;

/// Bytes of a request body that are read.
const BODY_CAP: usize = 1 << 20;
const CONNECTIONS: usize = 256;

/// A server that stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on 127.0.0.1; port 0 takes any that is free.
    pub fn start(world: Arc<World>, port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("demo".into()).spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = serve(listener, world, address) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, world: Arc<World>, address: SocketAddr) {
    let memory = Arc::new(Mutex::new(Memory::default()));
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: others must close first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (world, memory) = (world.clone(), memory.clone());
        tokio::spawn(async move {
            let service =
                service_fn(move |request| respond(request, world.clone(), memory.clone(), address));
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(30))
                .serve_connection(TokioIo::new(stream), service)
                .await;
            drop(permit);
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    world: Arc<World>,
    memory: Arc<Mutex<Memory>>,
    address: SocketAddr,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let head = request.method() == hyper::Method::HEAD;
    let reply = match asked(request, address).await {
        Ok(asked) => {
            let now = secs(Timestamp::now());
            // A poisoned lock would mean a panic while answering; the memory itself is still whole.
            let mut memory = memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            vendors::answer(&world, &mut memory, &asked, now)
        }
        Err(reply) => reply,
    };
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    let mut response =
        Response::builder().status(reply.status).header(header::CONTENT_TYPE, reply.content_type);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let body = if head { Bytes::new() } else { Bytes::from(reply.body) };
    Ok(response.body(Full::new(body)).unwrap_or_else(|_| Response::new(Full::new(Bytes::new()))))
}

async fn asked(request: Request<Incoming>, address: SocketAddr) -> Result<Asked, Reply> {
    let (parts, body) = request.into_parts();
    let content_type = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("")
        .to_owned();
    let known = parts.headers.get(header::IF_NONE_MATCH);
    let known = known.and_then(|v| v.to_str().ok()).map(str::to_owned);
    let body = match Limited::new(body, BODY_CAP).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => return Err(Reply::text(413, "the body is larger than the demo reads\n")),
    };
    let decode = |bytes: &[u8]| -> Vec<(String, String)> {
        url::form_urlencoded::parse(bytes).map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
    };
    let mut pairs = decode(parts.uri.query().unwrap_or("").as_bytes());
    if content_type.starts_with("application/x-www-form-urlencoded") {
        pairs.extend(decode(&body));
    }
    // The name the caller used, so that what it gets back is of the same origin.
    let host = parts
        .headers
        .get(header::HOST)
        .and_then(|v| v.to_str().ok())
        .filter(|h| h.chars().all(|c| c.is_ascii_alphanumeric() || ".:-[]".contains(c)))
        .map_or_else(|| address.to_string(), str::to_owned);
    let method = match parts.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    Ok(Asked {
        method: method.to_owned(),
        path: parts.uri.path().to_owned(),
        pairs,
        body,
        content_type,
        known,
        origin: format!("http://{host}"),
    })
}
