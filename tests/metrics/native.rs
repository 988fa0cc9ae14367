//! Native histograms on a real Prometheus: found where there are no buckets, and left where there are.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use andon::config::load_text;
use andon::engine::{from_clock, poll_once};
use andon::insight::numbers;
use andon::model::{Board, Measure, Name, SourceName, Status};

use crate::servers::{SCRAPES_NOTHING, free_port, prometheus, until};

/// A protobuf field of bytes.
fn bytes(field: u64, value: &[u8], out: &mut Vec<u8>) {
    varint(field << 3 | 2, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

fn number(field: u64, value: u64, out: &mut Vec<u8>) {
    varint(field << 3, out);
    varint(value, out);
}

fn double(field: u64, value: f64, out: &mut Vec<u8>) {
    varint(field << 3 | 1, out);
    out.extend_from_slice(&value.to_le_bytes());
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// A series of a write request (`prometheus/prometheus` prompb/types.proto) with one value for each moment.
fn series(labels: &[(&str, &str)], samples: &[(i64, f64)], histograms: &[(i64, u64)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut labels = labels.to_vec();
    labels.sort_unstable();
    for (name, value) in labels {
        let mut label = Vec::new();
        bytes(1, name.as_bytes(), &mut label);
        bytes(2, value.as_bytes(), &mut label);
        bytes(1, &label, &mut out);
    }
    for (at, value) in samples {
        let mut sample = Vec::new();
        double(1, *value, &mut sample);
        number(2, *at as u64, &mut sample);
        bytes(2, &sample, &mut out);
    }
    for (at, count) in histograms {
        // All of them in the bucket from 0.125 to 0.25: schema 0 doubles from bound to bound, and 0 ends at 1.
        let mut one = Vec::new();
        number(1, *count, &mut one);
        double(3, *count as f64 * 0.2, &mut one);
        number(4, zigzag(0), &mut one);
        double(5, 1e-9, &mut one);
        number(6, 0, &mut one);
        let mut span = Vec::new();
        number(1, zigzag(-2), &mut span);
        number(2, 1, &mut span);
        bytes(11, &span, &mut one);
        let mut deltas = Vec::new();
        varint(zigzag(count.cast_signed()), &mut deltas);
        bytes(12, &deltas, &mut one);
        number(15, *at as u64, &mut one);
        bytes(4, &one, &mut out);
    }
    out
}

/// Snappy's block format with nothing compressed.
fn snappy(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(plain.len() as u64, &mut out);
    for part in plain.chunks(65_536) {
        out.push(61 << 2);
        out.extend_from_slice(&((part.len() - 1) as u16).to_le_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn write(port: u16, all: &[Vec<u8>]) -> String {
    let mut plain = Vec::new();
    for one in all {
        bytes(1, one, &mut plain);
    }
    let body = snappy(&plain);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "POST /api/v1/write HTTP/1.0\r\nHost: x\r\nContent-Encoding: snappy\r\n\
         Content-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_service_with_native_histograms_alone_has_its_numbers_and_buckets_come_first() {
    let lab = tempfile::tempdir().unwrap();
    let more = ["--enable-feature=native-histograms", "--web.enable-remote-write-receiver"];
    let Some(server) = prometheus(lab.path(), free_port(), SCRAPES_NOTHING, &more) else { return };
    let now = from_clock().as_millisecond();
    let times: Vec<(i64, u64)> =
        (0..40).map(|n: u64| (now - 15_000 * (39 - n.cast_signed()), n)).collect();
    let of = |each: u64| -> Vec<(i64, u64)> {
        times.iter().map(|(at, n)| (*at, (n + 1) * each)).collect()
    };
    let name = "http_server_request_duration_seconds";
    let code = "http_response_status_code";
    let native = |job: &str, status: &str, each: u64| {
        series(&[("__name__", name), ("job", job), (code, status)], &[], &of(each))
    };
    // 2/s that succeed and 1/s that fail.
    let mut all = vec![native("native", "200", 30), native("native", "500", 15)];
    // The same twice over in buckets, for one that tells both.
    all.push(native("both", "200", 3));
    for (suffix, le) in [("_bucket", "0.25"), ("_bucket", "+Inf"), ("_count", "")] {
        let full = format!("{name}{suffix}");
        let mut labels = vec![("__name__", full.as_str()), ("job", "both"), (code, "200")];
        labels.extend((!le.is_empty()).then_some(("le", le)));
        let samples: Vec<(i64, f64)> = of(60).iter().map(|(at, n)| (*at, *n as f64)).collect();
        all.push(series(&labels, &samples, &[]));
    }
    // A summary has the same name with its quantiles, and is no histogram.
    let quantile: Vec<(i64, f64)> = times.iter().map(|(at, _)| (*at, 0.5)).collect();
    let labels =
        [("__name__", "http_request_duration_seconds"), ("job", "summary"), ("quantile", "0.99")];
    all.push(series(&labels, &quantile, &[]));
    let said = write(server.port, &all);
    assert!(said.contains(" 204 "), "{said}");
    let text = format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{}\"\n\
         [[service]]\nname = \"native\"\n[[service]]\nname = \"both\"\n[[service]]\nname = \"summary\"\n\
         [[service]]\nname = \"own\"\n[[service.metric]]\nname = \"raw\"\nquery = '{name}{{job=\"native\",{code}=\"200\"}}'\n",
        server.url("")
    );
    let (team, board) = until("what was written", || {
        let config = load_text(&text, lab.path(), &[]).unwrap_or_else(|p| panic!("{p}"));
        let mut board = Board::default();
        for heard in poll_once(config.upstreams, Duration::from_secs(30)) {
            board.sources.insert(heard.source.clone(), heard.freshness);
            board.fold(&heard.source, heard.at, heard.outcome.unwrap());
        }
        (board.discovered.present().count() > 0).then_some((config.team, board))
    });
    assert_eq!(board.sources[&SourceName::new("prom")].status, Status::Ok, "{:?}", board.sources);
    let told = |service: &str| -> Vec<(String, Measure)> {
        let service = team.service(&Name::new(service)).unwrap();
        let newest = |m: &andon::model::Metric| {
            let measure = board.tracks.get(&m.id)?.newest()?.1.clone();
            Some((m.id.metric.to_string(), measure))
        };
        numbers(&board, service).filter_map(newest).collect()
    };
    let is = |service: &str, name: &str, low: f64, high: f64| {
        let told = told(service);
        let found = told.iter().find(|(n, _)| n == name).and_then(|(_, m)| m.number());
        assert!(found.is_some_and(|n| (low..=high).contains(&n)), "{service} {name}: {told:?}");
    };
    is("native", "requests", 2.99, 3.01);
    is("native", "errors", 0.33, 0.34);
    // 95 hundredths of the way through the bucket, evenly or as later servers do by powers.
    is("native", "p95", 0.241, 0.244);
    is("both", "requests", 3.99, 4.01);
    assert_eq!(told("summary"), []);
    let raw = told("own").into_iter().next().unwrap().1;
    assert!(
        matches!(&raw, Measure::Unreadable(words) if words.as_str().contains("native histogram")),
        "{raw:?}"
    );
}
