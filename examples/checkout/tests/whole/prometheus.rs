//! A real Prometheus scrapes the three services.

use crate::support::{Other, Running, ask, get, installed, wait_for};
use serde_json::Value;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

#[test]
fn prometheus_finds_series_and_exemplars() {
    if !installed("prometheus") {
        return;
    }
    let running = Running::start(&["--load", "60"]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    std::fs::write(
        &config,
        format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs:\n\
             - job_name: shop\n  static_configs: [{{targets: ['{}', '{}', '{}']}}]\n",
            running.checkout, running.payment, running.inventory
        ),
    )
    .unwrap();
    // Free a moment ago; Prometheus cannot take port 0.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _prometheus = Other::start(
        Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--enable-feature=exemplar-storage"),
        &folder.path().join("prometheus.log"),
    );

    let result =
        |path: &str| api(address, path).filter(|found| found.as_array().is_some_and(|all| !all.is_empty()));
    let query = |text: &str| format!("/api/v1/query?query={text}");
    wait_for("all three to be up", || {
        let up = api(address, &query("sum(up)"))?;
        (up["result"][0]["value"][1] == "3").then_some(())
    });
    for text in [
        // Two scrapes with something between them: the rate is there.
        "sum(rate(http_server_request_duration_seconds_count{http_route=\"/charge\"}[10s]))>0",
        "sum(rate(dependency_duration_seconds_count{dependency=\"payment\",outcome=\"ok\"}[10s]))>0",
        "sum(rate(orders_total{method=\"card\"}[10s]))>0",
        "histogram_quantile(0.9,sum by(le)(rate(http_server_request_duration_seconds_bucket[10s])))>0",
    ] {
        wait_for(text, || {
            let found = api(address, &query(&encode(text)))?;
            found["result"].as_array().filter(|all| !all.is_empty()).map(drop)
        });
    }

    let exemplars = format!(
        "/api/v1/query_exemplars?query={}&start=0&end=9999999999",
        encode("http_server_request_duration_seconds_bucket{http_route=\"/charge\"}")
    );
    let trace = wait_for("exemplars", || {
        let found = result(&exemplars)?;
        Some(found[0]["exemplars"][0]["labels"]["trace_id"].as_str()?.to_owned())
    });
    // It leads somewhere: to lines of the log.
    let ended = running.end();
    assert!(ended.with("trace_id", &trace).count() > 0, "no line of trace {trace}");
}

#[test]
fn promtool_has_nothing_to_say_against_the_text() {
    if !installed("promtool") {
        return;
    }
    let running = Running::start(&["--load", "60"]);
    for (service, name) in
        [(running.checkout, "checkout"), (running.payment, "payment"), (running.inventory, "inventory")]
    {
        let text = wait_for("traffic", || {
            let text = get(service, "/metrics").body;
            text.contains("http_server_request_duration_seconds_count{").then_some(text)
        });
        let mut check = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let said = check.wait_with_output().unwrap();
        assert!(
            said.status.success() && said.stderr.is_empty(),
            "{name}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
    }
}

/// The data that Prometheus answers, if it does.
pub(crate) fn api(to: SocketAddr, path: &str) -> Option<Value> {
    let body = ask(to, "GET", path, "", "").filter(|answer| answer.status == 200)?.body;
    let mut answer: Value = serde_json::from_str(&body).ok()?;
    Some(answer["data"].take())
}

pub(crate) fn encode(query: &str) -> String {
    query
        .bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}
