//! Calls to models: their tokens and times, whole and streamed, and that nothing of what is said is recorded.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use futures_util::poll;
use observe_core::clock::{Clock, ManualClock};
use observe_core::testing::Captured;
use observe_core::{Operation, Outcome};
use std::pin::pin;
use std::time::Duration;

fn captured() -> (Captured, ManualClock) {
    let clock = ManualClock::new();
    (Captured::with(|builder| builder.clock(Clock::from(clock.clone()))), clock)
}

const LABELS: &str =
    r#"gen_ai_operation_name="chat",gen_ai_provider_name="anthropic",gen_ai_request_model="m-1""#;

// Mutations caught: tokens that are lost with an error; a failure without a name counted as none; an answer's model that
// is no label.
#[tokio::test]
async fn a_call_says_what_it_took() {
    let (captured, clock) = captured();
    let models = captured.telemetry().genai("anthropic").unwrap();
    captured
        .scope(async {
            let ask = async {
                clock.advance(Duration::from_secs(2));
                Ok::<_, String>("it is")
            };
            let answer = models.call("chat", "m-1").max_tokens(500).observe(ask, |call, answer| {
                assert_eq!(answer.as_deref(), Ok("it is"));
                call.response_model("m-1-20261101");
                call.response_id("answer 17");
                call.input_tokens(1_200);
                call.cache_read_tokens(1_000);
                call.cache_creation_tokens(7);
                call.output_tokens(35);
            });
            assert!(answer.await.is_ok());
            let refused = async { Err::<(), _>("hunter2") };
            assert!(models.call("chat", "m-1").observe(refused, |call, _| call.fail("429")).await.is_err());
            let partly = async { Err::<(), _>("hunter2") };
            let answer = models.call("chat", "m-1").observe(partly, |call, _| call.input_tokens(3));
            assert!(answer.await.is_err());
        })
        .await;
    let metrics = captured.metrics();
    let of_answer = format!(r#"{LABELS},gen_ai_response_model="m-1-20261101""#);
    for (series, value) in [
        (format!("gen_ai_client_operation_duration_seconds_sum{{{of_answer}}}"), 2.0),
        (format!("gen_ai_client_operation_duration_seconds_count{{{LABELS},error_type=\"429\"}}"), 1.0),
        (format!("gen_ai_client_operation_duration_seconds_count{{{LABELS},error_type=\"_OTHER\"}}"), 1.0),
        (format!("gen_ai_client_token_usage_sum{{{LABELS},gen_ai_token_type=\"input\"}}"), 1_203.0),
        (format!("gen_ai_client_token_usage_count{{{LABELS},gen_ai_token_type=\"input\"}}"), 2.0),
        (format!("gen_ai_client_token_usage_sum{{{of_answer},gen_ai_token_type=\"output\"}}"), 35.0),
        (
            format!(
                "gen_ai_client_token_usage_bucket{{{of_answer},gen_ai_token_type=\"output\",le=\"64.0\"}}"
            ),
            1.0,
        ),
        (
            format!(
                "gen_ai_client_token_usage_bucket{{{of_answer},gen_ai_token_type=\"output\",le=\"16.0\"}}"
            ),
            0.0,
        ),
    ] {
        metrics.expect(&series, value);
    }
    assert_eq!(
        metrics.get(&format!("gen_ai_client_operation_time_to_first_chunk_seconds_count{{{LABELS}}}")),
        None
    );
    let spans = captured.spans().named("chat m-1");
    assert_eq!(spans.len(), 3);
    for (field, text) in [("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "anthropic")] {
        assert_eq!(spans.first().unwrap().field(field).unwrap(), text);
    }
    assert!(!captured.text().contains("hunter2"), "{}", captured.text());
    assert!(captured.telemetry().genai("").unwrap_err().is_invalid());
}

// Mutations caught: a stream that is left and whose tokens are not counted; every chunk taken for the first.
#[tokio::test]
async fn a_stream_that_is_left_has_used_its_tokens() {
    let (captured, clock) = captured();
    let models = captured.telemetry().genai("anthropic").unwrap();
    captured
        .scope(async {
            let request = Operation::builder("request").start();
            let mut work = Box::pin(request.instrument(async {
                let mut call = models.call("chat", "m-1").stream().start();
                call.input_tokens(10);
                for wait in [4_000, 20, 30] {
                    clock.advance(Duration::from_millis(wait));
                    call.within(call_is_current);
                    call.chunk();
                    call.add_output_tokens(2);
                }
                std::future::pending::<()>().await;
                drop(call);
            }));
            assert!(poll!(pin!(&mut work)).is_pending());
            drop(work);
        })
        .await;
    let metrics = captured.metrics();
    for (series, value) in [
        (format!("gen_ai_client_operation_time_to_first_chunk_seconds_sum{{{LABELS}}}"), 4.0),
        (format!("gen_ai_client_operation_time_per_output_chunk_seconds_count{{{LABELS}}}"), 2.0),
        (format!("gen_ai_client_operation_duration_seconds_count{{{LABELS},error_type=\"cancelled\"}}"), 1.0),
        (format!("gen_ai_client_token_usage_sum{{{LABELS},gen_ai_token_type=\"input\"}}"), 10.0),
        (format!("gen_ai_client_token_usage_sum{{{LABELS},gen_ai_token_type=\"output\"}}"), 6.0),
    ] {
        metrics.expect(&series, value);
    }
    let span = captured.span("chat m-1");
    assert_eq!(span.outcome(), Some(Outcome::Cancelled));
    assert_eq!(span.field("gen_ai.request.stream").unwrap(), true);
    assert_eq!(
        captured.lines().with("message", "polled").one()["gen_ai.request.model"],
        "m-1",
        "its lines say so"
    );
}

fn call_is_current() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| tracing::info!("polled"));
}

// Mutation caught: a telling of tokens that has no line of its own.
#[test]
fn a_call_on_its_own_tells_of_its_failure_and_its_tokens() {
    let (captured, clock) = captured();
    let models = captured.telemetry().genai("openai").unwrap();
    captured.run(|| {
        let mut call = models.call("chat", "m-2").stream().start();
        clock.advance(Duration::from_millis(1_500));
        call.chunk();
        call.response_id("answer 17");
        call.output_tokens(4);
        call.fail("content_filter");
        call.finish();
    });
    let line = captured.line("chat m-2 failed");
    assert_eq!(
        (&line["error.type"], &line["gen_ai.response.id"]),
        (&"content_filter".into(), &"answer 17".into())
    );
    assert_eq!(line["gen_ai.usage.output_tokens"], 4);
    assert_eq!(line["gen_ai.response.time_to_first_chunk"], 1.5);
}
