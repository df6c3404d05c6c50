//! Calls to databases (OpenTelemetry semantic conventions, "Database client spans" and "metrics").

/// How long calls to databases took.
pub const CLIENT_OPERATION_DURATION_SECONDS: &str = "db_client_operation_duration_seconds";

/// Which database: `postgresql`, `sqlite` and so on.
pub const SYSTEM_NAME: &str = "db.system.name";
/// The label of the same.
pub const SYSTEM_NAME_LABEL: &str = "db_system_name";
/// The database's name.
pub const NAMESPACE: &str = "db.namespace";
/// The label of the same.
pub const NAMESPACE_LABEL: &str = "db_namespace";
/// What is done, where it is one thing: `SELECT`, `HMSET`.
pub const OPERATION_NAME: &str = "db.operation.name";
/// The label of the same.
pub const OPERATION_NAME_LABEL: &str = "db_operation_name";
/// The table, or collection, where it is one.
pub const COLLECTION_NAME: &str = "db.collection.name";
/// The label of the same.
pub const COLLECTION_NAME_LABEL: &str = "db_collection_name";
/// What a statement does to what: `SELECT orders`.
pub const QUERY_SUMMARY: &str = "db.query.summary";
/// The label of the same.
pub const QUERY_SUMMARY_LABEL: &str = "db_query_summary";
/// The statement without its literals.
pub const QUERY_TEXT: &str = "db.query.text";
/// Ours, not OpenTelemetry's: what the statement without its literals comes to, in 16 hexadecimal digits, by FNV-1a.
pub const QUERY_HASH: &str = "db.query.hash";
/// The code that the database answered.
pub const RESPONSE_STATUS_CODE: &str = "db.response.status_code";
/// The label of the same.
pub const RESPONSE_STATUS_CODE_LABEL: &str = "db_response_status_code";
/// How many rows came back.
pub const RESPONSE_RETURNED_ROWS: &str = "db.response.returned_rows";
/// Ours: the summary of the statement that was made most often for a request.
pub const REPEATED_SUMMARY: &str = "db.repeated.summary";
/// Ours: how often that was.
pub const REPEATED_COUNT: &str = "db.repeated.count";
