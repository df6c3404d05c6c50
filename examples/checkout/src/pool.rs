//! A few SQLite connections, shared.

use observe_core::db::{Database, Failure};
use observe_core::{Current, Holding, PoolState, Telemetry, Usage};
use rusqlite::Connection;
use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A pool of connections to one database. Clones share it.
#[derive(Clone)]
pub(crate) struct Pool {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    usage: Usage,
    database: Database,
}

/// A connection, until it is dropped.
struct Lease {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _permit: OwnedSemaphorePermit,
    holding: Holding,
}

impl Pool {
    /// Opens `size` connections to the file at `path`.
    pub(crate) fn open(path: &Path, size: usize, telemetry: &Telemetry) -> Result<Self, Box<dyn Error>> {
        let idle = (0..size).map(|_| connect(path)).collect::<Result<_, _>>()?;
        let permits = Arc::new(Semaphore::new(size));
        // How many are out the pool knows by itself, and is asked at each scrape; who waits, and how long, it does not.
        let counted = Arc::downgrade(&permits);
        let usage = Usage::pool(telemetry.registry(), "orders_db", move || {
            let in_use = size.saturating_sub(counted.upgrade()?.available_permits());
            Some(PoolState::new(size as u64, in_use as u64))
        })?;
        let database =
            telemetry.database("sqlite")?.namespace("orders").classify(|error: &rusqlite::Error| {
                error
                    .sqlite_error()
                    .map_or(Failure::other(), |error| Failure::code(error.extended_code.to_string()))
            });
        Ok(Self { idle: Arc::new(Mutex::new(idle)), permits, usage, database })
    }

    /// Runs `query`, which is `sql`, on a connection, on a thread that may block. Once it runs it is finished, also when nobody
    /// waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        sql: &'static str,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, PoolError> {
        let waiting = self.usage.wait();
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| PoolError::Closed)?;
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut lease =
            Lease { connection, idle: Arc::clone(&self.idle), _permit: permit, holding: waiting.acquired() };
        let database = self.database.clone();
        let work = move || match &mut lease.connection {
            Some(connection) => database.query(sql).run(|| query(connection)).map_err(|error| {
                lease.holding.error();
                PoolError::Query(error)
            }),
            None => Err(PoolError::Closed),
        };
        tokio::task::spawn_blocking(Current::capture().wrap(work)).await.unwrap_or(Err(PoolError::Closed))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Before the permit goes back: whoever has a permit finds a connection.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    Ok(connection)
}

/// Why a query has no answer.
#[derive(Debug)]
pub(crate) enum PoolError {
    /// The query panicked, or the process is ending.
    Closed,
    Query(rusqlite::Error),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PoolError::Closed => f.write_str("the database is closed"),
            PoolError::Query(_) => f.write_str("the query failed"),
        }
    }
}

impl Error for PoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            PoolError::Closed => None,
            PoolError::Query(error) => Some(error),
        }
    }
}
