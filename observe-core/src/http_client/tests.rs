//! What the span of a request says: here, where its record is seen.

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::filter::Filter;
use crate::function::Measure;
use crate::hub::Parts;
use crate::operation::Parent;
use crate::record::{Entry, TraceRecord, TraceSink};
use crate::sampling::{KeepRate, Sampling};
use crate::traces::{TraceLimits, Traces};
use std::sync::Mutex;
use std::time::Duration;

#[derive(Default)]
struct Taken(Mutex<Vec<TraceRecord>>);

impl TraceSink for Taken {
    fn take(&self, trace: TraceRecord) {
        self.0.lock().unwrap().push(trace);
    }
}

fn hub(taken: &Arc<Taken>) -> Arc<Hub> {
    Arc::new(Hub::new(Parts {
        clock: Clock::from(ManualClock::new()),
        sampling: Sampling::tail(0.0).unwrap(),
        slow: Duration::from_secs(1),
        traces: Traces::new(Some(taken.clone()), None, TraceLimits::default(), KeepRate::per_second(100)),
        filter: Filter::default(),
        ..Parts::detached()
    }))
}

// Mutations caught: what the end adds left out; a 404 that is no failure.
#[test]
fn a_span_says_what_was_asked_and_what_came_of_it() {
    let taken = Arc::new(Taken::default());
    let hub = hub(&taken);
    let parent = Parent::Context(&Context::new());
    let mut work = Operation::open(parent, Some(&hub), false, Measure::Unmeasured, None, tracing::Span::none);
    let client = HttpClient::new(&hub);
    work.within(|| {
        let asked = OutgoingRequest::new("GET", "https", "stock:81", "/items/17?sig=x")
            .template("/items/{id}")
            .resend_count(2);
        let mut call = client.start(&asked);
        call.status(404);
        call.version(HttpVersion::Http2);
        call.cause("no such item");
        call.finish();
    });
    work.finish(Outcome::Ok);
    let [trace] = &taken.0.lock().unwrap()[..] else { panic!("one trace") };
    let entries: Vec<_> = trace.entries.iter().collect();
    let [Entry::Span(call), Entry::Span(work)] = entries[..] else { panic!("{entries:?}") };
    assert_eq!((call.name, call.kind, call.outcome), ("GET /items/{id}", Kind::Client, Outcome::Error));
    assert_eq!((call.parent, call.target), (Some(work.id), keys::TARGET));
    assert_eq!(
        call.fields,
        concat!(
            r#","http.request.method":"GET","server.address":"stock","server.port":81"#,
            r#","url.full":"https://stock:81/items/17?sig=REDACTED","url.template":"/items/{id}""#,
            r#","http.request.resend_count":2"#,
        )
    );
    let end = [
        r#","http.response.status_code":404"#,
        r#","network.protocol.version":"2""#,
        r#","error.type":"404""#,
        r#","error.message":"no such item""#,
    ];
    for part in end {
        assert!(call.end_fields.contains(part), "{part} in {}", call.end_fields);
    }
}

// Mutation caught: the word of a server that is not trusted.
#[test]
fn a_servers_word_counts_where_it_is_trusted() {
    let hub = hub(&Arc::default());
    for trusted in [false, true] {
        let client = HttpClient::new(&hub).trust_response(trusted);
        let mut call = client.start(&OutgoingRequest::new("GET", "http", "stock", "/"));
        let mut said = call.context().span().unwrap();
        said.flags = said.flags.sampled(true);
        call.trace_response(&said.write());
        assert_eq!(call.context().span().unwrap().flags.is_sampled(), trusted);
    }
}

#[test]
fn a_request_of_its_own_begins_a_trace_and_tells_that_it_failed() {
    let taken = Arc::new(Taken::default());
    let client = HttpClient::new(&hub(&taken));
    let mut call = client.start(&OutgoingRequest::new("BREW", "", "", "/only/a/path").server("stock", 80));
    let place = call.context().span().unwrap();
    call.fail("timeout");
    call.finish();
    drop(client.start(&OutgoingRequest::new("GET", "http", "stock", "/")));
    // The second was cancelled, which is no failure.
    let [trace] = &taken.0.lock().unwrap()[..] else { panic!("one trace") };
    let [Entry::Span(span)] = trace.entries.iter().collect::<Vec<_>>()[..] else { panic!("one span") };
    assert_eq!((span.id, span.name, span.is_local_root), (place.span_id, "HTTP", true));
    assert!(span.fields.contains(r#","http.request.method_original":"BREW""#), "{}", span.fields);
    assert!(span.fields.contains(r#","url.full":"/only/a/path""#), "{}", span.fields);
}
