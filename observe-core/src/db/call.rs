//! A call to a database, from its description to its one end.

use super::Database;
use super::failure::{Failure, What};
use super::metrics::{Collection, DbErrorType, DbLabels, OperationName, QuerySummary, StatusCode};
use super::sql::{MAX_TEXT, Statement};
use crate::door::{callsite, tell_others};
use crate::fields::{Fields, Key, cut, key};
use crate::function::Measure;
use crate::label::LabelSet;
use crate::metric::{Family, HotHistogram};
use crate::operation::{End, Judged, Operation, below_current};
use crate::outcome::Outcome;
use crate::pool::Shared;
use crate::record::Kind;
use crate::scratch::{self, Scratch};
use crate::semconv::{db as names, http_client as client, span as keys};
use crate::slo::Named;
use std::fmt::{self, Write as _};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use tracing_core::Level;

const SYSTEM_NAME: Key = key!(names::SYSTEM_NAME);
const NAMESPACE: Key = key!(names::NAMESPACE);
const OPERATION_NAME: Key = key!(names::OPERATION_NAME);
const COLLECTION_NAME: Key = key!(names::COLLECTION_NAME);
const QUERY_SUMMARY: Key = key!(names::QUERY_SUMMARY);
const QUERY_TEXT: Key = key!(names::QUERY_TEXT);
const QUERY_HASH: Key = key!(names::QUERY_HASH);
const STATUS_CODE: Key = key!(names::RESPONSE_STATUS_CODE);
const RETURNED_ROWS: Key = key!(names::RESPONSE_RETURNED_ROWS);
const SERVER_ADDRESS: Key = key!(client::SERVER_ADDRESS);
const SERVER_PORT: Key = key!(client::SERVER_PORT);
const ERROR_TYPE: Key = key!(keys::ERROR_TYPE);

/// The longest code of an answer on a span, in bytes; a longer one is cut.
const MAX_CODE: usize = 64;

/// Describes a call: [`Database::query`], [`Database::operation`].
#[must_use = "a call begins with `start`, `observe` or `run`"]
#[derive(Debug)]
pub struct DatabaseCall<'a> {
    database: &'a Database,
    statement: Option<&'a str>,
    operation: &'static str,
    collection: &'static str,
    summary: &'static str,
}

impl<'a> DatabaseCall<'a> {
    pub(super) fn new(database: &'a Database, statement: Option<&'a str>) -> Self {
        Self { database, statement, operation: "", collection: "", summary: "" }
    }

    /// What is done (`db.operation.name`), a name of the code's making. Defaults to that of the statement, if it is one.
    pub fn operation(mut self, operation: &'static str) -> Self {
        self.operation = operation;
        self
    }

    /// The table, or collection (`db.collection.name`), a name of the code's making. Defaults to that of the statement, if
    /// it is one.
    pub fn collection(mut self, collection: &'static str) -> Self {
        self.collection = collection;
        self
    }

    /// What is done to what (`db.query.summary`), a name of the code's making: `find order by id`. It is the span's name.
    /// Defaults to that of the statement, `SELECT orders`.
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Makes the call. An error is a failure: which one, or none, [`Database::classify`] says. Dropped before its end, the
    /// call was cancelled.
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub async fn observe<T, E: 'static>(self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let database = self.database;
        let mut operation = self.start();
        let mut call = pin!(call);
        let answer = poll_fn(|cx| operation.within(|| call.as_mut().poll(cx))).await;
        if let Err(error) = &answer {
            operation.fail(database.failure(error));
        }
        operation.finish();
        answer
    }

    /// Makes the call, in code that does not await. Otherwise as [`observe`](Self::observe).
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub fn run<T, E: 'static>(self, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let database = self.database;
        let mut operation = self.start();
        let answer = operation.within(call);
        if let Err(error) = &answer {
            operation.fail(database.failure(error));
        }
        operation.finish();
        answer
    }

    /// Begins it, below what is running on this thread.
    pub fn start(self) -> DatabaseOperation {
        let Self { database, statement, operation, collection, summary } = self;
        let read = statement.map(|statement| Statement::read(statement, database.dialect));
        let of_text = read.as_ref().map(|read| &read.summary);
        let mut labels = database.labels;
        labels.operation = match (operation, of_text) {
            ("", Some(of_text)) => OperationName::from(of_text.operation()),
            (said, _) => OperationName::from(said),
        };
        labels.collection = match (collection, of_text) {
            ("", Some(of_text)) => Collection::from(of_text.target()),
            (said, _) => Collection::from(said),
        };
        labels.summary = match (summary, of_text) {
            ("", Some(of_text)) => QuerySummary::from(of_text.as_str()),
            (said, _) => QuerySummary::from(said),
        };
        let name = Name(labels);
        let hash = read.as_ref().and_then(Statement::hash);
        let mut span = below_current(Some(&database.hub), false);
        if let Some(own) = Shared::get_mut(&mut span) {
            let fields = own.fields_mut();
            describe(fields, database, &labels);
            if let Some(hash) = hash {
                fields.key_str(QUERY_HASH, &format!("{hash:016x}"));
            }
            if let Some(text) =
                read.as_ref().and_then(|read| read.text.as_ref()).filter(|_| database.query_text)
            {
                fields.key_str(QUERY_TEXT, cut(text, MAX_TEXT));
            }
        }
        if !span.is_local_root
            && let Some(trace) = span.trace()
        {
            let hash = hash.unwrap_or_else(|| labels.index());
            trace.tell(|told| told.repeats.count(hash, || name.to_string()));
        }
        let callsite = callsite!(
            keys::TARGET,
            Level::INFO,
            "query",
            "otel.name",
            "otel.kind",
            "otel.status_code",
            "db.system.name",
            "db.query.summary",
            "error.type"
        );
        let operation = Operation::open_on(span, callsite, || {
            tracing::info_span!(
                target: keys::TARGET,
                "query",
                otel.name = %name,
                otel.kind = "client",
                otel.status_code = tracing::field::Empty,
                db.system.name = labels.system.as_str(),
                db.query.summary = labels.summary.as_str(),
                "error.type" = tracing::field::Empty,
            )
        });
        #[cfg(feature = "test-util")]
        if let Some(span) = operation.open_span() {
            span.show(|seen| seen.name = name.to_string());
        }
        DatabaseOperation {
            operation,
            labels,
            duration: Arc::clone(&database.duration),
            code: None,
            rows: None,
            failed: false,
        }
    }
}

/// A call to a database that has begun.
///
/// It ends exactly once: by [`finish`](DatabaseOperation::finish), or when it is dropped: as panicked when it unwound,
/// else as cancelled, which is no failure.
#[must_use = "a call that is dropped at once is recorded as cancelled"]
pub struct DatabaseOperation {
    operation: Operation,
    labels: DbLabels,
    duration: Arc<Family<DbLabels, HotHistogram>>,
    code: Option<String>,
    rows: Option<u64>,
    failed: bool,
}

impl DatabaseOperation {
    /// Runs `f`, one poll of the call for example, with the call as the current context. Marks it as panicked when `f`
    /// unwinds.
    pub fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.operation.within(f)
    }

    /// How many rows came back (`db.response.returned_rows`): on the span.
    pub fn returned_rows(&mut self, rows: u64) {
        self.rows = Some(rows);
    }

    /// It failed. The first failure said stays.
    pub fn fail(&mut self, failure: Failure) {
        if self.failed {
            return;
        }
        self.failed = true;
        match failure.0 {
            What::None => self.failed = false,
            What::Other => {}
            What::Kind(kind) => self.labels.error_type = DbErrorType::from(kind),
            What::Code(code) => {
                let code = cut(&code, MAX_CODE);
                self.labels.status = StatusCode::from(code);
                self.labels.error_type = DbErrorType::from(code);
                self.code = Some(code.to_owned());
            }
        }
    }

    /// Ends it. What unwound before stays panicked, whoever caught it.
    pub fn finish(mut self) {
        self.end(if self.operation.has_unwound() { Outcome::Panicked } else { Outcome::Ok });
    }

    /// The one end: see [`Operation::end`].
    fn end(&mut self, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Ok | Outcome::Cancelled if self.failed => Outcome::Error,
            outcome => outcome,
        };
        self.labels.error_type = self.labels.error_type.at_end(outcome);
        let Self { operation, labels, duration, code, rows, .. } = self;
        let kind = labels.error_type.as_str();
        let named = Named { dependency: labels.system.as_str(), ..Named::default() };
        let judge = |judged: &Judged<'_>| judged.by_name(named);
        operation.end(outcome, kind, None, judge, |end, _: &Measure| {
            end.observe(duration.with(*labels));
            if !kind.is_empty() {
                tell_others(end.tracing, |span| {
                    span.record(keys::ERROR_TYPE, kind);
                });
            }
            report(end, *labels, code.as_deref(), *rows);
        });
    }
}

impl Drop for DatabaseOperation {
    fn drop(&mut self) {
        self.end(self.operation.abandoned());
    }
}

impl fmt::Debug for DatabaseOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseOperation").field("labels", &self.labels).finish_non_exhaustive()
    }
}

/// What its span, and every line within, say of it.
fn describe(fields: &mut Fields, database: &Database, labels: &DbLabels) {
    for (key, text) in [
        (SYSTEM_NAME, labels.system.as_str()),
        (NAMESPACE, labels.namespace.as_str()),
        (OPERATION_NAME, labels.operation.as_str()),
        (COLLECTION_NAME, labels.collection.as_str()),
        (QUERY_SUMMARY, labels.summary.as_str()),
    ] {
        if !text.is_empty() {
            fields.key_str(key, text);
        }
    }
    if let Some((address, port)) = &database.server {
        fields.key_str(SERVER_ADDRESS, address);
        fields.key_u64(SERVER_PORT, u64::from(*port));
    }
}

/// Its span; its line where nobody above it will say that it failed.
fn report(end: &End<'_>, labels: DbLabels, code: Option<&str>, rows: Option<u64>) {
    let is_told = end.outcome.is_failure() && end.span.is_local_root && end.trace.hub.passes(Level::ERROR);
    if !is_told && !end.trace.is_recorded() {
        return;
    }
    scratch::with(|scratch| {
        let Scratch { message, fields, target: name } = scratch;
        if let Some(code) = code {
            fields.key_str(STATUS_CODE, code);
        }
        if let Some(rows) = rows {
            fields.key_u64(RETURNED_ROWS, rows);
        }
        let error_type = labels.error_type.as_str();
        if !error_type.is_empty() {
            fields.key_str(ERROR_TYPE, error_type);
        }
        end.describe(fields);
        // A `String` takes what it is given.
        let _ = write!(name, "{}", Name(labels));
        end.record(name, Kind::Client, fields);
        if is_told {
            message.set_formatted(format_args!("{name} {}", end.outcome.as_verb()));
            end.log(Some(keys::TARGET), Level::ERROR, keys::TARGET, message, fields);
        }
    });
}

/// The span's name: the summary, else what is done and to what, else which database (semantic conventions, "Name").
struct Name(DbLabels);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(labels) = self;
        let [summary, operation] = [labels.summary.as_str(), labels.operation.as_str()];
        let targets = [labels.collection.as_str(), labels.namespace.as_str()];
        match (summary, operation, targets.into_iter().find(|target| !target.is_empty())) {
            ("", "", target) => f.write_str(target.unwrap_or(labels.system.as_str())),
            ("", operation, Some(target)) => write!(f, "{operation} {target}"),
            ("", operation, None) => f.write_str(operation),
            (summary, ..) => f.write_str(summary),
        }
    }
}
