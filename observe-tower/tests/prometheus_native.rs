//! A real Prometheus scrapes native histograms, and answers with their quantiles.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]
#![allow(clippy::print_stdout, reason = "says what was read")]

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use observe_core::Registry;
use observe_core::context::{SpanId, TraceId};
use observe_core::metric::{Buckets, Exemplar, Info, NativeBuckets, Window};
use observe_tower::ScrapeService;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// Ended when it is dropped.
struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Prometheus {
    fn start(folder: &Path, target: SocketAddr, features: &str) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let config = folder.join("prometheus.yml");
        std::fs::write(
            &config,
            format!(
                "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
                 scrape_configs:\n- job_name: shop\n  static_configs: [{{targets: ['{target}']}}]\n"
            ),
        )
        .unwrap();
        // Free a moment ago; Prometheus cannot take port 0.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = File::create(folder.join("log")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg(format!("--enable-feature={features}"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, address }
    }

    /// What it answers to a question of its API, once it does.
    fn ask(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let mut answer: Value = serde_json::from_str(body).ok()?;
        Some(answer["data"].take())
    }

    /// The one number that a query answers, if it does.
    fn number(&self, query: &str) -> Option<f64> {
        let found = self.ask(&format!("/api/v1/query?query={}", encoded(query)))?;
        found["result"][0]["value"][1].as_str()?.parse().ok()
    }

    fn wait_for(&self, query: &str, expected: f64) {
        let begun = Instant::now();
        let mut last = None;
        while begun.elapsed() < Duration::from_secs(60) {
            last = self.number(query);
            if last == Some(expected) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let targets = self.ask("/api/v1/targets");
        panic!("{query} is {last:?}, not {expected}; {targets:?}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn encoded(query: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    query.bytes().map(byte).collect()
}

fn installed(program: &str) -> bool {
    let there =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "{program} is not installed, and in CI it must be");
        // `eprintln!` is not seen of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
    }
    there
}

/// Serves a registry for as long as the runtime lives.
fn serve(runtime: &tokio::runtime::Runtime, registry: &Registry) -> SocketAddr {
    let service = ScrapeService::of(registry);
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

/// Of a distribution whose logarithm is a normal one, about: around 50 ms, from 2 ms to 1 s. So many that no rank that is
/// asked for lies between two of them: there any value from one to the other would do, and a rate is not a whole number.
fn values() -> Vec<f64> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..20_001).map(|_| ((0..12).map(|_| next()).sum::<f64>() - 6.0 - 3.0).exp()).collect()
}

// Catches: whatever of the format Prometheus does not read as it was meant, a bucket off by one or more.
#[test]
fn prometheus_reads_quantiles_within_one_per_cent() {
    if !installed("prometheus") {
        return;
    }
    let registry = Registry::new();
    let alone = registry.native_histogram::<()>("alone_seconds", "A.", NativeBuckets::new()).unwrap();
    let both = Buckets::SECONDS.and_native(NativeBuckets::new());
    let both = registry.histogram::<()>("both_seconds", "B.", both).unwrap();
    let few = NativeBuckets::new().max_buckets(160);
    let few = registry.native_histogram::<()>("few_seconds", "F.", few).unwrap();
    let constant = registry.native_histogram::<()>("constant_seconds", "C.", NativeBuckets::new()).unwrap();
    let drift = registry.native_histogram::<()>("drift", "D.", NativeBuckets::new()).unwrap();
    let classic = registry.histogram::<()>("classic_seconds", "C.", Buckets::SECONDS).unwrap();
    let orders = registry.counter::<()>("orders_total", "O.").unwrap();
    registry.gauge::<()>("depth", "D.").unwrap().set(-3);
    registry.register(Info::new("shop_info", "S.", &[("town", "a\"b\\c")]).unwrap()).unwrap();
    let sizes = registry.summary::<()>("size_bytes", "S.", Window::MINUTE).unwrap();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let target = serve(&runtime, &registry);
    let folder = tempfile::tempdir().unwrap();
    let native =
        Prometheus::start(&folder.path().join("native"), target, "native-histograms,exemplar-storage");
    let plain = Prometheus::start(&folder.path().join("plain"), target, "exemplar-storage");
    // Scraped once while it is empty: what comes is an increase.
    native.wait_for("histogram_count(alone_seconds)", 0.0);
    plain.wait_for("alone_seconds_count", 0.0);

    let mut values = values();
    for value in &values {
        alone.observe(*value);
        both.observe(*value);
        few.observe(*value);
        classic.observe(*value);
        constant.observe(1.000_000_001);
        drift.observe(-*value);
    }
    orders.add(5);
    sizes.observe(7.0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    both.exemplify(&Exemplar {
        value: values[0],
        trace_id: TraceId::from_bytes([1; 16]).unwrap(),
        span_id: SpanId::from_bytes([2; 8]).unwrap(),
        unix_nanos: u64::try_from(now.as_nanos()).unwrap(),
    });
    let count = values.len() as f64;
    for name in ["alone_seconds", "both_seconds", "few_seconds", "constant_seconds", "drift"] {
        native.wait_for(&format!("histogram_count({name})"), count);
    }
    values.sort_unstable_by(f64::total_cmp);
    for of in [0.01, 0.5, 0.9, 0.99, 0.999] {
        let exact = values[(of * count).ceil() as usize - 1];
        for (name, exact, most) in [
            ("alone_seconds", exact, 0.01),
            ("both_seconds", exact, 0.01),
            ("constant_seconds", 1.0, 0.01),
            // Of 160 buckets; what is read from classic ones is this far off only by luck.
            ("few_seconds", exact, 0.05),
        ] {
            let query = format!("histogram_quantile({of}, rate({name}[1m]))");
            let said = native.number(&query).unwrap();
            let off = (said / exact - 1.0).abs();
            println!("{query}: {said}, exact {exact}: {:.2} %", off * 100.0);
            assert!(off <= most, "{query}: {said}, exact {exact}");
        }
    }
    let median = native.number("histogram_quantile(0.5, drift)").unwrap();
    assert!((median / -values[values.len() / 2] - 1.0).abs() < 0.01, "{median}");
    let sum = native.number("histogram_sum(both_seconds)").unwrap();
    assert!((sum / values.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{sum}");

    let below = values.partition_point(|value| *value <= 0.1) as f64;
    // All other kinds come by protobuf, too; and who asks for text is shown the classic form.
    for prometheus in [&native, &plain] {
        for (query, expected) in [
            ("orders_total", 5.0),
            ("depth", -3.0),
            ("shop_info{town=\"a\\\"b\\\\c\"}", 1.0),
            ("size_bytes{quantile=\"0.99\"}", 7.0),
            ("size_bytes_count", 1.0),
            ("classic_seconds_count", count),
            ("classic_seconds_bucket{le=\"+Inf\"}", count),
            ("classic_seconds_bucket{le=\"0.1\"}", below),
            ("count(classic_seconds_bucket{le=\"1.0\"})", 1.0),
        ] {
            prometheus.wait_for(query, expected);
        }
    }
    plain.wait_for("both_seconds_bucket{le=\"0.1\"}", below);
    plain.wait_for("both_seconds_count", count);
    plain.wait_for("alone_seconds_bucket{le=\"+Inf\"}", count);
    plain.wait_for("count(alone_seconds_bucket)", 1.0);
    let path = format!("/api/v1/query_exemplars?query={}&start=0&end=9999999999", encoded("both_seconds"));
    let exemplars = native.ask(&path).unwrap();
    assert_eq!(exemplars[0]["exemplars"][0]["labels"]["trace_id"], "01".repeat(16), "{exemplars}");
}
