#!/usr/bin/env bash
# What observing costs whoever compiles: the crates, and the seconds of a clean build, that observe-tower adds to a
# minimal axum service, beside the usual stack. Prints a table. Needs all crates downloaded, or the network.
#
#   benches/compile_cost.sh
#
# Builds take turns, ROUNDS of them (1 unless said otherwise); the least of each counts. CHECK=1 only sees whether the
# projects compile.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
rounds=${ROUNDS:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CARGO_INCREMENTAL=0
[[ ${CHECK:-} ]] || unset CARGO_TARGET_DIR
unset RUSTFLAGS

# service NAME DEPENDENCIES SETUP LAYERS: a project with one route.
service() {
    name=$1 dependencies=$2 before=$3 layers=$4
    mkdir -p "$folder/$name/src"
    cat > "$folder/$name/Cargo.toml" <<TOML
[package]
name = "$name"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
axum = { version = "0.8.9", default-features = false, features = ["http1", "tokio", "matched-path"] }
tokio = { version = "1.54", features = ["macros", "net", "rt-multi-thread"] }
$dependencies
TOML
    cat > "$folder/$name/src/main.rs" <<RUST
use axum::{Router, routing::get};

#[tokio::main]
async fn main() {
    $before
    let app = Router::new().route("/hello", get(|| async { "hello" }))$layers;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
RUST
    # The versions that this repository is built with.
    cp "$repository/Cargo.lock" "$folder/$name/Cargo.lock"
}

service bare "" "" ""
service observe "
observe-core = { path = \"$repository/observe-core\" }
observe-tower = { path = \"$repository/observe-tower\", features = [\"axum\"] }" "
    let telemetry = observe_core::Telemetry::builder(\"hello\").install().unwrap();" "
        .layer(observe_tower::ObserveLayer::new(&telemetry))
        .route_service(\"/metrics\", observe_tower::ScrapeService::new(&telemetry))"
service usual '
axum-prometheus = { version = "0.10.1", default-features = false, features = ["prometheus"] }
opentelemetry = { version = "0.33.1", default-features = false, features = ["trace"] }
opentelemetry_sdk = { version = "0.33.1", default-features = false, features = ["trace"] }
tower-http = { version = "0.7", default-features = false, features = ["trace"] }
tracing = "0.1.44"
tracing-appender = "0.2.4"
tracing-opentelemetry = { version = "0.34.0", default-features = false }
tracing-subscriber = { version = "0.3.23", default-features = false, features = ["env-filter", "fmt", "json", "registry"] }' '
    use opentelemetry::trace::TracerProvider as _;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let (writer, _guard) = tracing_appender::non_blocking(std::io::stdout());
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
        .with_sampler(opentelemetry_sdk::trace::Sampler::TraceIdRatioBased(0.01))
        .build();
    tracing_subscriber::registry()
        .with(tracing_subscriber::EnvFilter::from_default_env())
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("hello")))
        .with(tracing_subscriber::fmt::layer().json().with_writer(writer))
        .init();
    let (metrics, handle) = axum_prometheus::PrometheusMetricLayer::pair();' '
        .layer(tower_http::trace::TraceLayer::new_for_http())
        .layer(metrics)
        .route("/metrics", get(async move || handle.render()))'

# crates NAME: packages that are compiled for it, itself left out.
crates() {
    (cd "$folder/$1" && cargo tree --edges normal,build --prefix none --no-dedupe --format '{p}') |
        sed 's/ (.*//' | sort -u | grep -vc "^$1 "
}

# build NAME PROFILE: a clean build; its seconds, and those of all processors, into files of their own.
build() {
    local times
    rm -rf "$folder/$1/target"
    TIMEFORMAT='%R %U %S'
    times=$({ time (cd "$folder/$1" && cargo build -q --profile "$2" 2>"$folder/errors") 2>&1; } 2>&1) || {
        cat "$folder/errors" >&2
        return 1
    }
    rm -rf "$folder/$1/target"
    awk '{ printf "%.1f\n", $1 }' <<<"$times" >>"$folder/$1.$2.seconds"
    awk '{ printf "%.1f\n", $2 + $3 }' <<<"$times" >>"$folder/$1.$2.processor"
}

for name in bare observe usual; do
    (cd "$folder/$name" && cargo fetch -q)
done
if [[ ${CHECK:-} ]]; then
    for name in bare observe usual; do
        (cd "$folder/$name" && cargo check)
    done
    exit
fi
for round in $(seq "$rounds"); do
    for name in bare observe usual; do
        build "$name" dev
        build "$name" release
        echo "round $round, $name: done" >&2
    done
done

# cell NAME FILE: the least, and what that is more than without.
cell() {
    local own bare
    own=$(sort -n "$folder/$1.$2" | head -n 1)
    bare=$(sort -n "$folder/bare.$2" | head -n 1)
    if [[ $1 == bare ]]; then echo "$own"; else echo "$own $bare" | awk '{ printf "%.1f (+%.1f)", $1, $1 - $2 }'; fi
}
row() {
    local count
    count=$(crates "$2")
    [[ $2 == bare ]] || count="$count (+$((count - $(crates bare))))"
    echo "| $1 | $count | $(cell "$2" dev.seconds) | $(cell "$2" dev.processor) |" \
        "$(cell "$2" release.seconds) | $(cell "$2" release.processor) |"
}
echo
echo "**compile cost: a clean build**"
echo
echo "| | crates | debug, s | all processors', s | release, s | all processors', s |"
echo "| --- | ---: | ---: | ---: | ---: | ---: |"
row "minimal axum service" bare
row "ours: with \`observe-tower\`" observe
row "with the usual stack" usual
