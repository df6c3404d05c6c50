//! Calls to databases: rate, errors and duration, a span for each, and what of a statement may be said.
//!
//! Made by [`Telemetry::database`](crate::Telemetry::database). It knows no driver: what it needs is the statement, and the
//! call.

mod call;
mod failure;
mod metrics;
mod sql;

pub use call::{DatabaseCall, DatabaseOperation};
pub use failure::Failure;

use crate::catch::catch;
use crate::error::{Error, Kind};
use crate::hub::Hub;
use crate::metric::{Family, HotHistogram};
use crate::registry::Registry;
use failure::Classify;
use metrics::{DbLabels, DbMetrics, Namespace, System};
use sql::Dialect;
use std::fmt;
use std::sync::Arc;

/// Observes the calls to one database. Cheap to clone.
///
/// A call hangs below what is running when it starts, and is a span with OpenTelemetry's attributes of databases. Its
/// duration goes to `db_client_operation_duration_seconds`.
///
/// Nothing of a statement's literals is told: what is said of it is a summary (`SELECT orders`, the span's name and a
/// label), a hash by which equal statements are found (`db.query.hash`), and, where that is [asked for](Self::query_text),
/// its text with `?` for each literal. A statement that is malformed, in which nobody can tell a literal from the rest, has
/// no text and no hash. Errors' texts are not told either: databases put values into them.
///
/// ```
/// use observe_core::Telemetry;
/// use observe_core::db::Failure;
///
/// # struct Connection;
/// # #[derive(Debug)]
/// # struct DriverError { code: Option<&'static str> }
/// # impl Connection {
/// #     async fn execute(&self, _: &str, _: &[&str]) -> Result<u64, DriverError> { Ok(1) }
/// # }
/// # let connection = Connection;
/// let telemetry = Telemetry::builder("shop").build()?;
/// let db = telemetry.database("postgresql")?.namespace("orders").classify(|error: &DriverError| match error.code {
///     Some(code) => Failure::code(code), // SQLSTATE
///     None => Failure::kind("connection"),
/// });
///
/// const INSERT: &str = "insert into receipts (order_id) values ($1)";
/// # let _ = async {
/// let rows = db.query(INSERT).observe(connection.execute(INSERT, &["17"])).await;
/// # };
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Database {
    hub: Arc<Hub>,
    duration: Arc<Family<DbLabels, HotHistogram>>,
    labels: DbLabels,
    dialect: Dialect,
    server: Option<(Arc<str>, u16)>,
    query_text: bool,
    classify: Option<Classify>,
}

impl Database {
    pub(crate) fn new(hub: &Arc<Hub>, registry: &Registry, system: &str) -> Result<Self, Error> {
        if system.is_empty() {
            return Err(Error::new(
                Kind::Invalid,
                "a database's system has a name: `postgresql`, `sqlite`, …",
            ));
        }
        let metrics = registry.shared(DbMetrics::new, DbMetrics::all)?;
        Ok(Self {
            hub: Arc::clone(hub),
            duration: Arc::clone(&metrics.duration),
            labels: DbLabels::of(System::from(system)),
            dialect: Dialect::of(system),
            server: None,
            query_text: false,
            classify: None,
        })
    }

    /// The database's name (`db.namespace`). Defaults to none.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.labels.namespace = Namespace::from(namespace);
        self
    }

    /// Where it is: on spans, and no label. Defaults to none.
    #[must_use]
    pub fn server(mut self, address: &str, port: u16) -> Self {
        self.server = Some((Arc::from(address), port));
        self
    }

    /// Whether spans have the statement's text (`db.query.text`), `?` in the place of each literal, at most 2 KiB.
    /// Defaults to `false`.
    #[must_use]
    pub fn query_text(mut self, query_text: bool) -> Self {
        self.query_text = query_text;
        self
    }

    /// What errors of the type `E` mean. Where it panics, and for other types, an error is a failure without a name
    /// (`_OTHER`). Defaults to none.
    #[must_use]
    pub fn classify<E: 'static>(mut self, classify: impl Fn(&E) -> Failure + Send + Sync + 'static) -> Self {
        self.classify = Some(Classify::new(classify));
        self
    }

    /// A call by a statement, of SQL or of what is like it. What differs from call to call belongs into parameters; what is
    /// written into the statement is left out of all that is told, as far as it is a literal.
    pub fn query<'a>(&'a self, statement: &'a str) -> DatabaseCall<'a> {
        DatabaseCall::new(self, Some(statement))
    }

    /// A call by an operation (`db.operation.name`), where there is no statement: `HMSET`, `findAndModify`. A name of the
    /// code's making: it is a label.
    pub fn operation(&self, name: &'static str) -> DatabaseCall<'_> {
        DatabaseCall::new(self, None).operation(name)
    }

    fn failure<E: 'static>(&self, error: &E) -> Failure {
        let failure = self.classify.as_ref().and_then(|classify| catch(|| classify.of(error)).flatten());
        failure.unwrap_or(Failure::other())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("labels", &self.labels).finish_non_exhaustive()
    }
}
