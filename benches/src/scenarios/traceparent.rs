//! `traceparent` out of a request's headers, and into those of another.

use crate::harness::{Contender, compare};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use observe_core::Telemetry;
use observe_core::context::{Context, Propagation, Propagator, SpanContext};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use std::hint::black_box;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What a client sends by itself.
const FEW: &[(&str, &str)] =
    &[("host", "localhost"), ("user-agent", "bench"), ("accept", "*/*"), ("traceparent", PARENT)];

/// What a browser sends, and a proxy adds.
const MANY: &[(&str, &str)] = &[
    ("host", "shop.example"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "application/json"),
    ("accept-language", "en-GB,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br"),
    ("content-type", "application/json"),
    ("content-length", "17"),
    ("cookie", "session=0123456789abcdef"),
    ("x-forwarded-for", "192.0.2.1"),
    ("x-forwarded-proto", "https"),
    ("x-request-start", "t=1700000000.123"),
    ("traceparent", PARENT),
];

/// The floors look for the one header, and read and write it by a table.
pub(super) fn traceparent() {
    let telemetry = Telemetry::builder("bench").without_log().build().expect("its settings are valid");
    read(&telemetry, "traceparent in, of 4 headers", FEW);
    read(&telemetry, "traceparent in, of 12 headers", MANY);
    write(&telemetry, "traceparent out, among 4 headers", FEW);
    write(&telemetry, "traceparent out, among 12 headers", MANY);
}

fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
    let header = |&(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    list.iter().map(header).collect()
}

fn read(telemetry: &Telemetry, table: &str, list: &[(&'static str, &'static str)]) {
    let headers = &headers(list);
    let alone = Propagation::default().propagators([Propagator::TraceContext]);
    let sdk = TraceContextPropagator::new();
    let (mut floor, mut parsed, mut fastrace) = (None, None, None);
    let (mut one, mut all) = (Context::new(), Context::new());
    let mut otel = opentelemetry::Context::new();
    compare(
        table,
        20_000,
        &mut [
            Contender::floor("one header, read by a table", || {
                floor = black_box(headers).get(TRACEPARENT).and_then(|value| by_hand(value.as_bytes()));
            }),
            Contender::ours("one header, `SpanContext::parse`", || {
                let value = black_box(headers).get(TRACEPARENT);
                parsed = value.and_then(|value| SpanContext::parse(value.as_bytes()).ok());
            }),
            Contender::ours("`Context::extract`, Trace Context alone", || {
                one = Context::extract(black_box(headers), &alone).context;
            }),
            Contender::ours("`Telemetry::extract`, as `install()` has it", || {
                all = telemetry.extract(black_box(headers));
            }),
            Contender::peer("fastrace, `decode_w3c_traceparent`", || {
                let value = black_box(headers).get(TRACEPARENT).and_then(|value| value.to_str().ok());
                fastrace = value.and_then(fastrace::prelude::SpanContext::decode_w3c_traceparent);
            }),
            Contender::peer("opentelemetry, `TraceContextPropagator`", || {
                let nothing = opentelemetry::Context::new();
                otel = sdk.extract_with_context(&nothing, &HeaderExtractor(black_box(headers)));
            }),
        ],
        &[
            "The third looks for `tracestate` and for a correlation id too, the fourth also for `baggage`; what is \
             malformed is told or counted. The SDK looks for `tracestate`, the others for nothing else.",
        ],
    );
    let expected = SpanContext::parse(PARENT.as_bytes()).ok();
    assert!([parsed, one.span(), all.span()].iter().all(|span| *span == expected), "ours");
    let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    assert_eq!(floor, Some((trace, 0x00f0_67aa_0ba9_02b7, 1)), "floor");
    assert_eq!(fastrace.map(|span| span.trace_id.0), Some(trace), "fastrace");
    assert_eq!(otel.span().span_context().trace_id().to_string(), format!("{trace:032x}"), "opentelemetry");
}

fn write(telemetry: &Telemetry, table: &str, list: &[(&'static str, &'static str)]) {
    let mut sent: [HeaderMap; 5] = std::array::from_fn(|_| headers(&list[..list.len() - 1]));
    let incoming = headers(list);
    let span = SpanContext::parse(PARENT.as_bytes()).expect("it is well-formed");
    let alone = Propagation::default().propagators([Propagator::TraceContext]);
    let context = telemetry.extract(&incoming);
    let fastrace = fastrace::prelude::SpanContext::decode_w3c_traceparent(PARENT).expect("it is well-formed");
    let sdk = TraceContextPropagator::new();
    let otel = sdk.extract_with_context(&opentelemetry::Context::new(), &HeaderExtractor(&incoming));
    let parts = by_hand(PARENT.as_bytes()).expect("it is well-formed");
    let [floor, one, all, other, injected] = &mut sent;
    compare(
        table,
        20_000,
        &mut [
            Contender::floor("written by a table, inserted", || {
                let value = HeaderValue::from_bytes(&written(black_box(parts))).expect("it is ASCII");
                floor.insert(TRACEPARENT, value);
            }),
            Contender::ours("`Context::inject`, Trace Context alone", || {
                black_box(&context).inject(one, &alone);
            }),
            Contender::ours("`Telemetry::inject`, as `install()` has it", || {
                telemetry.inject(black_box(&context), all);
            }),
            Contender::peer("fastrace, `encode_w3c_traceparent`", || {
                let text = black_box(&fastrace).encode_w3c_traceparent();
                other.insert(TRACEPARENT, HeaderValue::try_from(text).expect("it is ASCII"));
            }),
            Contender::peer("opentelemetry, `TraceContextPropagator`", || {
                sdk.inject_context(black_box(&otel), &mut HeaderInjector(injected));
            }),
        ],
        &[
            "Ours also make sure that no `tracestate` and correlation id of somebody else's stay, the third no \
             `baggage` too. The SDK sends an empty `tracestate`.",
        ],
    );
    for (headers, name) in sent.iter().zip(["floor", "ours", "ours", "fastrace", "opentelemetry"]) {
        assert_eq!(headers.get(TRACEPARENT).map(HeaderValue::as_bytes), Some(&span.write()[..]), "{name}");
    }
}

type Parts = (u128, u64, u8);

/// What a digit says; 16 for what is none.
const DIGITS: [u8; 256] = {
    let mut table = [16; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    table
};

fn by_hand(header: &[u8]) -> Option<Parts> {
    let header: &[u8; 55] = header.try_into().ok()?;
    if header[..3] != *b"00-" || header[35] != b'-' || header[52] != b'-' {
        return None;
    }
    let mut bad = 0;
    let mut number = |digits: &[u8]| {
        digits.iter().fold(0_u64, |number, digit| {
            let digit = DIGITS[usize::from(*digit)];
            bad |= digit;
            number << 4 | u64::from(digit & 15)
        })
    };
    let trace = u128::from(number(&header[3..19])) << 64 | u128::from(number(&header[19..35]));
    let (span, flags) = (number(&header[36..52]), number(&header[53..]));
    (bad < 16 && trace != 0 && span != 0).then_some((trace, span, flags as u8))
}

fn written((trace, span, flags): Parts) -> [u8; 55] {
    let mut header = *b"00-00000000000000000000000000000000-0000000000000000-00";
    let write = |digits: &mut [u8], bytes: &[u8]| {
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = PAIRS[usize::from(*byte)];
        }
    };
    write(&mut header[3..35], &trace.to_be_bytes());
    write(&mut header[36..52], &span.to_be_bytes());
    write(&mut header[53..], &[flags]);
    header
}

/// The two digits of a byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [b"0123456789abcdef"[byte >> 4], b"0123456789abcdef"[byte & 15]];
        byte += 1;
    }
    table
};
