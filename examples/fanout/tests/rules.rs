//! The rules of W3C Trace Context, levels 1 and 2, over the wire: what goes into a running service, and what it tells
//! the next one.
//!
//! The parsers' own tests know more cases; here is seen that nothing on the way through the service changes them: the
//! HTTP server, the layer, the handler, the client layer.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

mod support;

use support::{Service, Told};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// Of the caller's trace, whose id names no baseline.
const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// What one call was told, when the service was asked with these headers.
fn told(service: &Service, headers: &[(&str, &str)]) -> Told {
    let mut told = service.ask(headers, 1);
    assert_eq!(told.len(), 1);
    told.remove(0)
}

/// A list below a good `traceparent`, and what of it goes on.
fn state(service: &Service, lists: &[&str]) -> Option<String> {
    let headers: Vec<_> =
        [("traceparent", GOOD)].into_iter().chain(lists.iter().map(|list| ("tracestate", *list))).collect();
    let told = told(service, &headers);
    assert_eq!(told.trace_id, TRACE, "a list never breaks the trace: {lists:?}");
    told.tracestate
}

// Mutations caught: each check that is left out of the parser of `traceparent`, and each that is too strict.
#[test]
fn a_trace_goes_on_below_a_good_traceparent_and_no_other() {
    let service = Service::start();
    let good = [
        "00-TRACE-PARENT-00",
        "00-TRACE-PARENT-01",
        "00-TRACE-PARENT-02",
        "00-TRACE-PARENT-ff",
        " 00-TRACE-PARENT-01 ",
        "\t00-TRACE-PARENT-01\t ",
        // A version to come: what is known of it counts.
        "cc-TRACE-PARENT-01",
        "cc-TRACE-PARENT-01-and-more",
    ];
    for header in good {
        let header = header.replace("TRACE", TRACE).replace("PARENT", PARENT);
        for name in ["traceparent", "TraceParent", "TRACEPARENT", "tRaCePaReNt"] {
            let told = told(&service, &[(name, &header)]);
            assert_eq!(told.trace_id, TRACE, "{name}: {header}");
            assert_ne!(told.parent_id, PARENT, "{name}: {header}");
        }
    }

    let bad = [
        "",
        "00-TRACE-PARENT",
        "00-TRACE-PARENT-01.",
        "00-TRACE-PARENT-01-and-more",
        "cc-TRACE-PARENT-01.and-more",
        "ff-TRACE-PARENT-01",
        ".0-TRACE-PARENT-01",
        "0.-TRACE-PARENT-01",
        "000-TRACE-PARENT-01",
        "0-TRACE-PARENT-01",
        "00-00000000000000000000000000000000-PARENT-01",
        "00-.bf92f3577b34da6a3ce929d0e0e4736-PARENT-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473.-PARENT-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-PARENT-01",
        "00-TRACE0-PARENT-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-PARENT-01",
        "00-TRACE-0000000000000000-01",
        "00-TRACE-.0f067aa0ba902b7-01",
        "00-TRACE-00f067aa0ba902b.-01",
        "00-TRACE-00F067AA0BA902B7-01",
        "00-TRACE-PARENT0-01",
        "00-TRACE-00f067aa0ba902b-01",
        "00-TRACE-PARENT-.1",
        "00-TRACE-PARENT-0.",
        "00-TRACE-PARENT-001",
        "00-TRACE-PARENT-1",
        "00_TRACE_PARENT_01",
    ];
    for header in bad {
        let header = header.replace("TRACE", TRACE).replace("PARENT", PARENT);
        let told = told(&service, &[("traceparent", &header), ("tracestate", "rojo=1")]);
        assert_ne!(told.trace_id.to_lowercase(), TRACE, "{header}");
        assert_ne!(told.tracestate.as_deref(), Some("rojo=1"), "the list is of the other trace: {header}");
    }
}

// Mutations caught: the first of two taken; a name that is like it.
#[test]
fn without_one_traceparent_there_is_a_new_trace() {
    let service = Service::start();
    let other = GOOD.replace(TRACE, "0af7651916cd43dd8448eb211c80319c");
    for headers in [
        &[] as &[(&str, &str)],
        &[("traceparent", GOOD), ("traceparent", &other)],
        &[("traceparent", GOOD), ("traceparent", GOOD)],
        &[("trace-parent", GOOD)],
        &[("trace.parent", GOOD)],
        &[("tracestate", "rojo=1")],
    ] {
        let told = told(&service, headers);
        assert!(told.trace_id != TRACE && told.trace_id != other[3..35], "{headers:?}");
        assert_ne!(told.tracestate.as_deref(), Some("rojo=1"), "{headers:?}");
        assert_eq!(told.flags & 2, 2, "an id of our own is random, and says so");
    }
}

// Mutation caught: the flag dropped, or set on ids that nobody said it of.
#[test]
fn the_random_flag_is_the_caller_s() {
    let service = Service::start();
    for (flags, random) in [("00", 0), ("01", 0), ("02", 2), ("03", 2), ("fe", 2)] {
        let header = format!("00-{TRACE}-{PARENT}-{flags}");
        let told = told(&service, &[("traceparent", &header)]);
        assert_eq!((told.trace_id.as_str(), told.flags & !1), (TRACE, random), "{flags}");
    }
}

// Mutation caught: one span for several calls, or one for the request in their place.
#[test]
fn each_call_is_a_span_of_its_own_of_one_trace() {
    let service = Service::start();
    for headers in [&[] as &[(&str, &str)], &[("traceparent", GOOD)], &[("traceparent", "00-0-0-0")]] {
        let told = service.ask(headers, 3);
        let mut parents: Vec<_> = told.iter().map(|told| &told.parent_id).collect();
        parents.sort();
        parents.dedup();
        assert_eq!(parents.len(), 3, "{headers:?}");
        assert!(told.iter().all(|one| one.trace_id == told[0].trace_id), "{headers:?}");
        assert_eq!(told[0].trace_id == TRACE, headers.contains(&("traceparent", GOOD)));
    }
}

// Mutations caught: lists that are joined out of order; a header without members that counts as one, or is sent.
#[test]
fn lists_are_joined_in_their_order() {
    let service = Service::start();
    for (lists, expected) in [
        (&["rojo=1"] as &[&str], Some("rojo=1")),
        (&["rojo=1,congo=2", "foo=3", "bar=4,baz=5"], Some("rojo=1,congo=2,foo=3,bar=4,baz=5")),
        (&[""], None),
        (&["rojo=1", ""], Some("rojo=1")),
        (&["", "rojo=1"], Some("rojo=1")),
        (&["rojo=1,,congo=2,"], Some("rojo=1,congo=2")),
        (&["rojo=1 \t , \t congo=2", "\tfoo=3 "], Some("rojo=1,congo=2,foo=3")),
        // Who said it twice is to blame: it is handed on.
        (&["rojo=1,rojo=2"], Some("rojo=1,rojo=2")),
    ] {
        assert_eq!(state(&service, lists).as_deref(), expected, "{lists:?}");
    }
    for name in ["TraceState", "TRACESTATE"] {
        let told = told(&service, &[("traceparent", GOOD), (name, "rojo=1")]);
        assert_eq!(told.tracestate.as_deref(), Some("rojo=1"), "{name}");
    }
    for name in ["trace-state", "trace.state"] {
        assert_eq!(told(&service, &[("traceparent", GOOD), (name, "rojo=1")]).tracestate, None, "{name}");
    }
}

// Mutations caught: each check that is left out of the parser of `tracestate`, and each that is too strict.
#[test]
fn a_list_goes_on_whole_or_not_at_all() {
    let service = Service::start();
    let printable = |from: u8, to: u8| (from..=to).map(char::from).collect::<String>();
    let value = [printable(0x20, 0x2b), printable(0x2d, 0x3c), printable(0x3e, 0x7e)].concat();
    let members = |count: usize| (0..count).map(|at| format!("k{at}={at}")).collect::<Vec<_>>().join(",");
    let good = [
        format!("abcdefghijklmnopqrstuvwxyz0123456789_-*/@a={value}"),
        "rojo@=1".to_owned(),
        "rojo@@congo=1".to_owned(),
        "rojo@congo@foo=1".to_owned(),
        "0rojo=1".to_owned(),
        format!("{}=1", "k".repeat(256)),
        format!("{}@{}=1", "k".repeat(241), "v".repeat(14)),
        format!("{}@v=1", "k".repeat(242)),
        format!("k@{}=1", "v".repeat(15)),
        format!("k={}", "v".repeat(256)),
        members(31),
    ];
    for list in &good {
        let expected = format!("foo=1,{list}");
        assert_eq!(state(&service, &["foo=1", list]), Some(expected));
    }
    let bad = [
        "rojo =1".to_owned(),
        "ROJO=1".to_owned(),
        "rojo.congo=1".to_owned(),
        "@rojo=1".to_owned(),
        "rojo=1=2".to_owned(),
        "rojo=".to_owned(),
        "=1".to_owned(),
        "rojo".to_owned(),
        format!("{}=1", "k".repeat(257)),
        format!("k={}", "v".repeat(257)),
        members(32),
    ];
    for list in &bad {
        assert_eq!(state(&service, &["foo=1", list]), None, "{list}");
    }
}

// Mutations caught: an answer before all calls are over; a call that fails and takes the others along.
#[test]
fn it_answers_when_all_calls_are_over_whatever_becomes_of_them() {
    let service = Service::start();
    let nobody = r#"{"url":"http://127.0.0.1:1/","arguments":[]}"#;
    let body = format!("[{nobody},{call},{call}]", call = service.call());
    let answer = service.post(&[("traceparent", GOOD)], &body);
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let told = service.told();
    assert!(told.len() == 2 && told.iter().all(|told| told.trace_id == TRACE), "{told:?}");
    for (body, status) in
        [("[]", "200"), ("nonsense", "400"), (r#"[{"url":"http://[","arguments":[]}]"#, "400")]
    {
        let answer = service.post(&[], body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{body}: {answer}");
    }
}
