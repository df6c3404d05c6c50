//! Calls to databases: what is measured, what is told of a statement, and what is not.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::db::{Database, Failure};
use observe_core::testing::Captured;
use observe_core::{Operation, Outcome};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Debug)]
enum Refused {
    NoRow,
    Unique,
    Timeout,
    Odd,
}

fn database(captured: &Captured) -> Database {
    captured.telemetry().database("postgresql").unwrap().namespace("shop").classify(|error: &Refused| {
        match error {
            Refused::NoRow => Failure::none(),
            Refused::Unique => Failure::code("23505"),
            Refused::Timeout => Failure::kind("timeout"),
            Refused::Odd => panic!("not thought of"),
        }
    })
}

const FIND: &str = "select * from orders where id = $1 and secret = 'hunter2'";

// Mutations caught: a name or a label that is left out; a failure's text, or a literal, in any of it.
#[tokio::test]
async fn a_call_is_a_span_and_a_duration() {
    let captured = Captured::new();
    let db = database(&captured).server("db.internal", 5432).query_text(true);
    captured
        .scope(async {
            let request = Operation::builder("request").start();
            let calls = async {
                let call = async {
                    tracing::info!("with all that its span says");
                    Ok::<_, Refused>(7)
                };
                assert_eq!(db.query(FIND).observe(call).await.unwrap(), 7);
                assert!(db.query(FIND).run(|| Err::<(), _>(Refused::NoRow)).is_err());
                assert!(db.query(FIND).observe(async { Err::<(), _>(Refused::Unique) }).await.is_err());
                assert!(db.query(FIND).run(|| Err::<(), _>(Refused::Timeout)).is_err());
                assert!(db.query(FIND).run(|| Err::<(), _>(Refused::Odd)).is_err());
                assert!(db.query(FIND).run(|| Err::<(), _>("hunter2")).is_err());
                let mut call = db.operation("LISTEN").start();
                call.returned_rows(3);
                call.finish();
                drop(db.query(FIND).start());
                let call = || db.query(FIND).run(|| -> Result<(), Refused> { panic!("in the driver") });
                assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
            };
            request.instrument(calls).await;
        })
        .await;
    let spans = captured.spans().named("select orders");
    assert_eq!(spans.len(), 8);
    let [first, unique] = [0, 2].map(|at| spans.get(at).unwrap());
    for (field, text) in [
        ("db.system.name", "postgresql"),
        ("db.namespace", "shop"),
        ("db.operation.name", "select"),
        ("db.collection.name", "orders"),
        ("db.query.summary", "select orders"),
        ("db.query.text", "select * from orders where id = $1 and secret = ?"),
        ("server.address", "db.internal"),
    ] {
        assert_eq!(first.field(field).unwrap(), text, "{field}");
    }
    assert_eq!(first.field("server.port").unwrap(), 5432);
    assert_eq!(first.field("db.query.hash").unwrap().as_str().unwrap().len(), 16);
    assert_eq!((first.outcome(), unique.outcome()), (Some(Outcome::Ok), Some(Outcome::Error)));
    assert!(captured.span("LISTEN shop").field("db.query.summary").is_none());

    let metrics = captured.metrics();
    let labels = r#"db_system_name="postgresql",db_namespace="shop",db_operation_name="select",db_collection_name="orders",db_query_summary="select orders""#;
    for (more, count) in [
        // All: two of them were no failure.
        ("", 8.0),
        (r#",db_response_status_code="23505",error_type="23505""#, 1.0),
        (r#",error_type="timeout""#, 1.0),
        (r#",error_type="_OTHER""#, 2.0),
        (r#",error_type="cancelled""#, 1.0),
        (r#",error_type="panicked""#, 1.0),
    ] {
        metrics.expect(&format!("db_client_operation_duration_seconds_count{{{labels}{more}}}"), count);
    }
    assert!(!captured.text().contains("hunter2"), "{}", captured.text());
    assert_eq!(captured.line("with all that its span says")["db.query.summary"], "select orders");
}

// Mutations caught: every call counted as a repeat, or the first one forgotten; another statement's count.
#[test]
fn what_is_asked_again_and_again_is_on_the_line() {
    let captured = Captured::new();
    let db = database(&captured);
    captured.run(|| {
        for (name, count) in [("few", 9), ("many", 12)] {
            let _ = Operation::builder(name).start().run_result(|| {
                let _ = db.query("select * from customers").run(|| Ok::<_, Refused>(()));
                for id in 0..count {
                    let sql = format!("select * from items where order_id = {id} and name = 'hunter2 {id}'");
                    db.query(&sql).run(|| Ok::<_, Refused>(())).unwrap();
                }
                Err::<(), _>("so that there is a line")
            });
        }
    });
    let few = captured.line("few failed");
    assert_eq!((few.get("db.repeated.summary"), few.get("db.repeated.count")), (None, None));
    let many = captured.line("many failed");
    assert_eq!(
        (many["db.repeated.summary"].as_str(), many["db.repeated.count"].as_u64()),
        (Some("select items"), Some(12))
    );
}

#[test]
fn a_call_on_its_own_tells_of_its_failure() {
    let captured = Captured::new();
    let db = database(&captured);
    captured.run(|| {
        db.query("delete from carts where a = 'hunter2").run(|| Err::<(), _>(Refused::Unique)).is_err()
    });
    let line = captured.line("delete failed");
    assert_eq!((&line["error.type"], &line["db.response.status_code"]), (&"23505".into(), &"23505".into()));
    assert!(line.get("db.query.hash").is_none() && line.get("error.message").is_none());
    assert!(captured.telemetry().database("").unwrap_err().is_invalid());
}
