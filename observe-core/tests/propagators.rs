//! Contexts that go by other headers than the usual ones.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use http::header::{HeaderMap, HeaderName, HeaderValue};
use observe_core::context::{Context, ContextHeader, Extracted, Propagation, Propagator, Rejected};
use observe_core::{Format, Telemetry};

const W3C: &str = "00-11111111111111111111111111111111-aaaaaaaaaaaaaaaa-00";
const B3: &str = "22222222222222222222222222222222-bbbbbbbbbbbbbbbb-1";
const XRAY: &str = "Root=1-33333333-333333333333333333333333;Parent=cccccccccccccccc;Sampled=0";

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

fn extract(propagators: &[Propagator], pairs: &[(&'static str, &'static str)]) -> Extracted {
    Context::extract(&headers(pairs), &Propagation::default().propagators(propagators.iter().copied()))
}

fn first_digit(extracted: &Extracted) -> Option<char> {
    extracted.context.span().and_then(|span| span.trace_id.to_string().chars().last())
}

// Mutations caught: the last that is valid, or the headers' order; a malformed one that ends the search; what comes
// after the winner refused.
#[test]
fn the_first_that_is_valid_wins() {
    use Propagator::{B3 as Zipkin, TraceContext, XRay};
    let all = [("x-amzn-trace-id", XRAY), ("b3", B3), ("traceparent", W3C)];
    assert_eq!(first_digit(&extract(&[TraceContext, Zipkin, XRay], &all)), Some('1'));
    assert_eq!(first_digit(&extract(&[XRay, Zipkin, TraceContext], &all)), Some('3'));
    assert_eq!(first_digit(&extract(&[Zipkin], &all)), Some('2'));
    assert_eq!(first_digit(&extract(&[], &all)), None);

    let broken = [("traceparent", "00-zz"), ("b3", B3), ("x-amzn-trace-id", "Root=1")];
    let extracted = extract(&[TraceContext, Zipkin, XRay], &broken);
    assert_eq!(first_digit(&extracted), Some('2'));
    assert_eq!(
        extracted.rejected.iter().collect::<Vec<_>>(),
        [(ContextHeader::Traceparent, Rejected::Length)]
    );
    let extracted = extract(&[XRay, TraceContext, Zipkin], &broken);
    assert_eq!(extracted.rejected.reason(ContextHeader::XRay), Some(Rejected::Format));
}

// Mutations caught: a state beside another's span; baggage that is read although nobody asked; a header that came
// twice taken by one of its values; the forms of Zipkin not both read.
#[test]
fn each_header_counts_where_it_belongs() {
    use Propagator::{B3 as Zipkin, B3Multi, Baggage, Datadog, TraceContext};
    let all = [("b3", B3), ("traceparent", W3C), ("tracestate", "a=1"), ("baggage", "k=v")];
    let extracted = extract(&[Zipkin, TraceContext], &all);
    assert!(extracted.context.tracestate().is_empty() && extracted.context.baggage().is_empty());
    let extracted = extract(&[TraceContext, Zipkin, Baggage], &all);
    assert_eq!(extracted.context.tracestate().as_str(), "a=1");
    assert_eq!(extracted.context.baggage().as_str(), "k=v");

    let twice = extract(&[Zipkin], &[("b3", B3), ("b3", B3)]);
    assert_eq!(twice.rejected.reason(ContextHeader::B3), Some(Rejected::Duplicate));
    assert_eq!(twice.context.span(), None);

    let multi =
        [("x-b3-traceid", "4444444444444444"), ("x-b3-spanid", "dddddddddddddddd"), ("x-b3-flags", "1")];
    for zipkin in [Zipkin, B3Multi] {
        let extracted = extract(&[zipkin], &multi);
        assert_eq!(first_digit(&extracted), Some('4'));
        assert!(extracted.context.span().unwrap().flags.is_sampled());
        assert_eq!(first_digit(&extract(&[zipkin], &[&multi[..], &[("b3", B3)]].concat())), Some('2'));
        // Only how to sample: no span, and nothing that is malformed.
        let extracted = extract(&[zipkin], &[("b3", "0"), ("x-b3-sampled", "0")]);
        assert!(extracted.context.span().is_none() && extracted.rejected.is_empty());
    }
    let datadog =
        [("x-datadog-trace-id", "255"), ("x-datadog-parent-id", "1"), ("x-datadog-tags", "_dd.p.tid=x")];
    let extracted = extract(&[Datadog], &datadog);
    assert_eq!(first_digit(&extracted), Some('f'));
    assert_eq!(extracted.rejected.reason(ContextHeader::Datadog), Some(Rejected::TraceId));
}

// Mutations caught: only the winner's headers written; a stale header of a form that is read left there.
#[test]
fn all_are_written_and_older_ones_go() {
    let propagation = Propagation::default().propagators(Propagator::ALL);
    let mut context = Context::new();
    context.set_span(Context::extract(&headers(&[("b3", B3)]), &propagation).context.span());
    let mut sent =
        headers(&[("x-b3-parentspanid", "eeeeeeeeeeeeeeee"), ("x-b3-flags", "1"), ("accept", "*/*")]);
    context.inject(&mut sent, &propagation);
    let mut lines: Vec<_> =
        sent.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    let expected = [
        "accept: */*",
        &format!("b3: {B3}"),
        "traceparent: 00-22222222222222222222222222222222-bbbbbbbbbbbbbbbb-01",
        "x-amzn-trace-id: Root=1-22222222-222222222222222222222222;Parent=bbbbbbbbbbbbbbbb;Sampled=1",
        "x-b3-sampled: 1",
        "x-b3-spanid: bbbbbbbbbbbbbbbb",
        "x-b3-traceid: 22222222222222222222222222222222",
        "x-datadog-parent-id: 13527612320720337851",
        "x-datadog-sampling-priority: 1",
        "x-datadog-tags: _dd.p.tid=2222222222222222",
        "x-datadog-trace-id: 2459565876494606882",
    ];
    assert_eq!(lines, expected);

    let multi = Propagation::default().propagators([Propagator::B3Multi]);
    context.inject(&mut sent, &multi);
    assert!(!sent.contains_key("b3") && sent.contains_key("x-b3-traceid"));
    let single = Propagation::default().propagators([Propagator::B3]);
    context.inject(&mut sent, &single);
    assert!(sent.contains_key("b3") && !sent.keys().any(|name| name.as_str().starts_with("x-b3")));
}

// Mutations caught: propagators that a telemetry does not hand on to what reads and writes; a refusal not counted.
#[test]
fn a_telemetry_goes_by_its_propagators() {
    let telemetry = Telemetry::builder("test").without_log().propagators([Propagator::XRay]).build().unwrap();
    let context = telemetry.extract(&headers(&[("traceparent", W3C), ("x-amzn-trace-id", XRAY)]));
    let operation = telemetry.operation("work").parent(&context).start();
    let mut sent = HeaderMap::new();
    operation.run(|| observe_core::inject(&mut sent));
    assert!(sent["x-amzn-trace-id"].to_str().unwrap().starts_with("Root=1-33333333-"));
    assert!(!sent.contains_key("traceparent"));

    telemetry.extract(&headers(&[("x-amzn-trace-id", "Root=2-3")]));
    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    let page = String::from_utf8(page).unwrap();
    let counted = "observe_context_rejected_total{header=\"xray\",reason=\"version\"} 1";
    assert!(page.contains(counted), "{page}");
}
