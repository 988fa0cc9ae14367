//! An estate on loopback: a server that answers every query with another number, and a configuration of so many sources.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use andon::store::{Place, Store};
use jiff::Timestamp;

use crate::pty::Pty;
use crate::quarter::estate::team;
use crate::quarter::fill;

/// The program that is measured; another one, an older say, where `ANDON_BENCH_PROGRAM` names it.
pub fn program() -> PathBuf {
    let other = std::env::var_os("ANDON_BENCH_PROGRAM");
    other.map_or_else(|| env!("CARGO_BIN_EXE_andon").into(), PathBuf::from)
}

/// Serves Prometheus' instant queries on kept connections; counts them.
pub struct Estate {
    port: u16,
    asked: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
}

impl Estate {
    pub fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let counted = counted.clone();
                std::thread::spawn(move || serve(stream, &counted));
            }
        });
        Self { port, asked, folder: tempfile::tempdir().unwrap() }
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// So many sources, each with a service and its number.
    fn configuration(&self, sources: usize, every: &str) -> PathBuf {
        let mut text = String::from("[team]\nname = \"bench\"\n");
        for i in 0..sources {
            write!(
                text,
                "[[source]]\nname = \"s{i:03}\"\nkind = \"prometheus\"\nevery = \"{every}\"\n\
                 url = \"http://127.0.0.1:{}/{i}\"\n\
                 [[service]]\nname = \"service-{i:03}\"\n\
                 [[service.metric]]\nname = \"errors\"\nsource = \"s{i:03}\"\n\
                 query = \"errors{{service='{i}'}}\"\nunit = \"ratio\"\nrole = \"errors\"\n\
                 good = \"< 0.5\"\nbad = \"> 0.9\"\n",
                self.port
            )
            .unwrap();
        }
        let file = self.folder.path().join(format!("{sources}-{every}.toml"));
        std::fs::write(&file, text).unwrap();
        file
    }

    /// The cockpit of so many sources.
    pub fn cockpit(&self, sources: usize, every: &str) -> Pty {
        self.run(&self.configuration(sources, every))
    }

    /// A configuration of so many services of one source, with so many days of them in its memory.
    pub fn remembering(&self, services: usize, days: i64) -> PathBuf {
        let folder = self.folder.path();
        let memory = folder.join(format!("{services}.db"));
        let team = team(services);
        let mut text = format!(
            "[team]\nname = \"bench\"\n[store]\npath = \"{}\"\nretention = \"{}d\"\n\
             [[source]]\nname = \"prom\"\nkind = \"prometheus\"\nevery = \"60s\"\n\
             url = \"http://127.0.0.1:{port}/\"\n\
             [[source]]\nname = \"github\"\nkind = \"github\"\nevery = \"300s\"\n\
             repos = [\"acme/service-00000\"]\nurl = \"http://127.0.0.1:{port}/\"\n",
            memory.display(),
            days + 1,
            port = self.port,
        );
        for service in &team.services {
            write!(text, "[[service]]\nname = \"{}\"\n", service.name).unwrap();
            for metric in &service.metrics {
                let name = &metric.id.metric;
                write!(
                    text,
                    "[[service.metric]]\nname = \"{name}\"\nsource = \"prom\"\n\
                     query = \"{name}{{service='{}'}}\"\ngood = \"< 2\"\nbad = \"> 4\"\n",
                    service.name
                )
                .unwrap();
            }
        }
        let file = folder.join(format!("{services}-remembered.toml"));
        std::fs::write(&file, text).unwrap();
        let mut store = Store::open(&Place::at(memory), Timestamp::now()).0;
        fill(&mut store, &team, days, Timestamp::now());
        println!("{services} services, {days} days: {} kB", store.stats().unwrap().bytes / 1024);
        file
    }

    /// The cockpit of a configuration; what it shares and remembers stays in this estate.
    pub fn run(&self, file: &Path) -> Pty {
        let arguments = ["--config", file.to_str().unwrap()];
        let state = self.folder.path().to_str().unwrap();
        let env = [("LC_ALL", "C.UTF-8"), ("XDG_STATE_HOME", state), ("XDG_RUNTIME_DIR", "")];
        Pty::spawn(program(), &arguments, &env)
    }
}

/// One connection, as long as the other side keeps it.
fn serve(stream: TcpStream, asked: &AtomicUsize) {
    let _ = stream.set_nodelay(true);
    let Ok(mut answers) = stream.try_clone() else { return };
    let mut requests = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut asked_for = Vec::new();
        if requests.by_ref().take(length).read_to_end(&mut asked_for).is_err() {
            return;
        }
        let n = asked.fetch_add(1, Ordering::Relaxed);
        let now = jiff::Timestamp::now().as_second();
        let series: Vec<String> = labels(&asked_for)
            .into_iter()
            .map(|label| {
                format!("{{\"metric\":{{{label}}},\"value\":[{now}.0,\"0.{:03}\"]}}", n % 300)
            })
            .collect();
        let body = format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{}]}}}}",
            series.join(",")
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if answers.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The labels of each series that is asked for: several queries come as one, and each has its number.
fn labels(form: &[u8]) -> Vec<String> {
    let form = url::form_urlencoded::parse(form);
    let query = form.into_iter().find(|(name, _)| name == "query").map(|(_, query)| query);
    let numbers: Vec<String> = query
        .iter()
        .flat_map(|query| query.split("\"andon_query\", \"").skip(1))
        .filter_map(|rest| Some(format!("\"andon_query\":\"{}\"", rest.split_once('"')?.0)))
        .collect();
    if numbers.is_empty() { vec![String::new()] } else { numbers }
}
