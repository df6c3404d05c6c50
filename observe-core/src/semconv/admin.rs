//! The admin service: what it counts, and the lines of what is changed by it.

/// Requests that the admin service refused.
pub const REFUSED_TOTAL: &str = "observe_admin_refused_total";
/// Label: the rule that a refused request broke, as its answer names it.
pub const RULE: &str = "rule";

/// In an audit line: what was changed, `levels` or `snapshot`.
pub const CHANGE: &str = "change";
/// In an audit line: as it was before.
pub const FROM: &str = "from";
/// In an audit line: as it is now.
pub const TO: &str = "to";
/// In an audit line: until when, RFC 3339 in UTC.
pub const UNTIL: &str = "until";
