//! What a family is called in OTLP. The one table of the names that OpenTelemetry has of its own: see
//! `docs/decisions/0008-names-of-pushed-metrics.md`.

use std::collections::HashSet;

use crate::metric::snapshot::Head;
use crate::metric::{Kind, Unit};
use crate::semconv::metric::IN_FLIGHT;
use crate::semconv::{http, http_client, otel_metric as names, rpc, span};

/// Families that are called by their semantic conventions, or in their manner: name, unit, and whether a gauge of them
/// is a count that adds up over instances.
const FAMILIES: &[(&str, &str, bool)] = &[
    (names::HTTP_SERVER_REQUEST_DURATION, SECONDS, false),
    (names::HTTP_SERVER_ACTIVE_REQUESTS, "{request}", true),
    (names::HTTP_SERVER_REQUEST_BODY_SIZE, BYTES, false),
    (names::HTTP_SERVER_RESPONSE_BODY_SIZE, BYTES, false),
    (names::HTTP_SERVER_QUEUE_DURATION, SECONDS, false),
    (names::HTTP_SERVER_READY_WAIT, SECONDS, false),
    (names::HTTP_SERVER_STREAM_DURATION, SECONDS, false),
    (names::HTTP_SERVER_OPEN_STREAMS, "{stream}", true),
    (names::HTTP_CLIENT_REQUEST_DURATION, SECONDS, false),
    (names::HTTP_CLIENT_ACTIVE_REQUESTS, "{request}", true),
    (names::RPC_SERVER_CALL_DURATION, SECONDS, false),
    (names::RPC_CLIENT_CALL_DURATION, SECONDS, false),
    (names::SYSTEM_CPU_TIME, SECONDS, false),
    (names::SYSTEM_CPU_LOAD_AVERAGE_1M, "{thread}", false),
    (names::SYSTEM_MEMORY_LIMIT, BYTES, true),
    (names::SYSTEM_MEMORY_USAGE, BYTES, true),
    (names::SYSTEM_MEMORY_LINUX_AVAILABLE, BYTES, true),
    (names::SYSTEM_MEMORY_OOM_KILLS, "{process}", false),
    (names::SYSTEM_PAGING_USAGE, BYTES, true),
    (names::SYSTEM_FILESYSTEM_LIMIT, BYTES, true),
    (names::SYSTEM_FILESYSTEM_USAGE, BYTES, true),
    (names::SYSTEM_DISK_IO, BYTES, false),
    (names::SYSTEM_DISK_OPERATIONS, "{operation}", false),
    (names::SYSTEM_DISK_OPERATION_TIME, SECONDS, false),
    (names::SYSTEM_DISK_IO_TIME, SECONDS, false),
    (names::SYSTEM_DISK_WEIGHTED_IO_TIME, SECONDS, false),
    (names::SYSTEM_NETWORK_IO, BYTES, false),
    (names::SYSTEM_NETWORK_ERRORS, "{error}", false),
    (names::SYSTEM_NETWORK_PACKET_DROPPED, "{packet}", false),
];

/// Attributes of these families, and whether they are numbers.
const ATTRIBUTES: &[(&str, bool)] = &[
    (http::REQUEST_METHOD, false),
    (http::ROUTE, false),
    (http::SCHEME, false),
    (http::STATUS, true),
    (span::ERROR_TYPE, false),
    (http_client::PROTOCOL_VERSION, false),
    (http_client::SERVER_ADDRESS, false),
    (http_client::SERVER_PORT, true),
    (http_client::URL_TEMPLATE, false),
    (rpc::SYSTEM, false),
    (rpc::METHOD, false),
    (rpc::STATUS, false),
    (names::CPU_MODE, false),
    (names::SYSTEM_MEMORY_STATE, false),
    (names::SYSTEM_PAGING_STATE, false),
    (names::SYSTEM_DEVICE, false),
    (names::SYSTEM_FILESYSTEM_MOUNTPOINT, false),
    (names::SYSTEM_FILESYSTEM_TYPE, false),
    (names::SYSTEM_FILESYSTEM_STATE, false),
    (names::DISK_IO_DIRECTION, false),
    (names::NETWORK_INTERFACE_NAME, false),
    (names::NETWORK_IO_DIRECTION, false),
];

/// Units as UCUM writes them.
const SECONDS: &str = "s";
const BYTES: &str = "By";

/// How a family is called.
#[derive(Debug, PartialEq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) unit: &'static str,
    /// Of a gauge: it counts what there is, so that instances add up.
    pub(super) is_count: bool,
    /// Its labels are called by the conventions, too.
    is_conventional: bool,
}

impl Named {
    /// The name that nobody in `taken` has: where two families differ in their unit alone, the second one keeps it in
    /// its name.
    pub(super) fn of(head: &Head<'_>, taken: &mut HashSet<String>) -> Self {
        let (bare, unit) = bare(head);
        let known = FAMILIES.iter().find(|(name, its, _)| {
            is_same(name, bare) && (*its == unit || (unit.is_empty() && its.starts_with('{')))
        });
        let named = match known {
            Some((name, unit, is_count)) => {
                Self { name: (*name).to_owned(), unit, is_count: *is_count, is_conventional: true }
            }
            None => {
                let before = bare.strip_suffix(IN_FLIGHT);
                let is_count = before.is_some_and(|before| before.is_empty() || before.ends_with('_'));
                Self { name: bare.to_owned(), unit, is_count, is_conventional: false }
            }
        };
        let named =
            if taken.contains(&named.name) { Self { name: head.name.to_owned(), ..named } } else { named };
        taken.insert(named.name.clone());
        named
    }

    /// How a label is called, and whether its value is a number.
    pub(super) fn attribute<'a>(&self, label: &'a str) -> (&'a str, bool) {
        let known = ATTRIBUTES.iter().find(|(name, _)| self.is_conventional && is_same(name, label));
        known.copied().unwrap_or((label, false))
    }
}

/// The name without what says its kind and its unit, and the unit.
fn bare<'a>(head: &Head<'a>) -> (&'a str, &'static str) {
    // An info keeps its ending: it is no kind in OTLP.
    let name = if head.kind == Kind::Counter { head.kind.family_name(head.name) } else { head.name };
    let Some(unit) = head.unit else { return (name, "") };
    let (symbol, comes_back) = match unit {
        Unit::Seconds => (SECONDS, true),
        Unit::Bytes => (BYTES, true),
        // Who writes it as Prometheus does adds `_ratio` to gauges only.
        Unit::Ratio => ("1", head.kind == Kind::Gauge),
        Unit::Celsius => ("Cel", true),
        Unit::Joules => ("J", true),
    };
    let without = name.strip_suffix(unit.as_str()).and_then(|name| name.strip_suffix('_'));
    (without.filter(|name| comes_back && !name.is_empty()).unwrap_or(name), symbol)
}

/// Whether a name with dots is the one with underscores.
fn is_same(dotted: &str, name: &str) -> bool {
    let byte = |byte: u8| if byte == b'.' { b'_' } else { byte };
    dotted.len() == name.len() && dotted.bytes().map(byte).eq(name.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::semconv::metric::OUTCOME;

    fn named(name: &str, kind: Kind) -> Named {
        Named::of(&Head::new(name, "H.", kind, Unit::of(name)), &mut HashSet::new())
    }

    fn is_theirs(name: &str) -> bool {
        ["http_", "rpc_", "system_"].iter().any(|start| name.starts_with(start))
    }

    fn told(name: &str, kind: Kind) -> (String, &'static str) {
        let Named { name, unit, .. } = named(name, kind);
        (name, unit)
    }

    // Catches: an own family called as Prometheus has it, which no dashboard of the conventions finds; a new one that
    // was not added to the table.
    #[test]
    fn families_of_the_conventions_have_their_names() {
        let of = |name: &str, kind| {
            let Named { name, unit, is_count, is_conventional } = named(name, kind);
            assert!(is_conventional, "{name}");
            (name, unit, is_count)
        };
        let text = str::to_owned;
        assert_eq!(
            of(http::SERVER_REQUEST_DURATION_SECONDS, Kind::Histogram),
            (text("http.server.request.duration"), "s", false)
        );
        assert_eq!(
            of(http::SERVER_ACTIVE_REQUESTS, Kind::Gauge),
            (text("http.server.active_requests"), "{request}", true)
        );
        assert_eq!(
            of(http::SERVER_REQUEST_BODY_SIZE_BYTES, Kind::Histogram),
            (text("http.server.request.body.size"), "By", false)
        );
        for own in catalogue::all(false) {
            assert_eq!(named(own.name, own.kind).is_conventional, is_theirs(own.name), "{}", own.name);
        }
        assert!(named(http::SERVER_OPEN_STREAMS, Kind::Gauge).is_count);
    }

    // Catches: another unit, as a view's, taken for the conventions'.
    #[test]
    fn what_only_looks_like_a_convention_is_none() {
        let other = named("http_server_request_duration_bytes", Kind::Histogram);
        assert_eq!((other.name.as_str(), other.is_conventional), ("http_server_request_duration", false));
        assert!(!named("http_server_request_duration", Kind::Histogram).is_conventional);
    }

    #[test]
    fn endings_say_kind_and_unit() {
        let pair = |name: &str, unit| (name.to_owned(), unit);
        assert_eq!(told("orders_total", Kind::Counter), pair("orders", ""));
        assert_eq!(told("cpu_seconds_total", Kind::Counter), pair("cpu", "s"));
        assert_eq!(told("held_bytes", Kind::Gauge), pair("held", "By"));
        assert_eq!(told("hit_ratio", Kind::Gauge), pair("hit", "1"));
        assert_eq!(told("hit_ratio", Kind::Histogram), pair("hit_ratio", "1"));
        assert_eq!(told("room_celsius", Kind::Gauge), pair("room", "Cel"));
        assert_eq!(told("spent_joules_total", Kind::Counter), pair("spent", "J"));
        assert_eq!(told("build_info", Kind::Info), pair("build_info", ""));
        assert_eq!(told("depth", Kind::Gauge), pair("depth", ""));
    }

    // Catches: two metrics of one name.
    #[test]
    fn no_name_is_given_twice() {
        let mut taken = HashSet::new();
        let mut of =
            |name: &str, kind| Named::of(&Head::new(name, "H.", kind, Unit::of(name)), &mut taken).name;
        assert_eq!(of("read_bytes_total", Kind::Counter), "read");
        assert_eq!(of("read_seconds_total", Kind::Counter), "read_seconds_total");
    }

    #[test]
    fn what_is_in_flight_adds_up() {
        assert!(named("in_flight", Kind::Gauge).is_count);
        assert!(named("jobs_in_flight", Kind::Gauge).is_count);
        assert!(!named("jobsin_flight", Kind::Gauge).is_count);
    }

    // Catches: a label of the conventions that was not added to the table; labels of others translated.
    #[test]
    fn labels_of_the_conventions_only_in_their_families() {
        let server = named(http::SERVER_REQUEST_DURATION_SECONDS, Kind::Histogram);
        assert_eq!(server.attribute(http::ROUTE_LABEL), (http::ROUTE, false));
        assert_eq!(server.attribute(http::STATUS_LABEL), (http::STATUS, true));
        assert_eq!(server.attribute(http::ERROR_TYPE_LABEL), (span::ERROR_TYPE, false));
        assert_eq!(server.attribute(http::SCHEME_LABEL), (http::SCHEME, false));
        assert_eq!(server.attribute(http::VERSION_LABEL).0, "network.protocol.version");
        assert_eq!(server.attribute(http_client::SERVER_PORT_LABEL), ("server.port", true));
        let own = [http::SEGMENT_LABEL, http::STREAM, OUTCOME];
        for entry in catalogue::all(false).filter(|entry| is_theirs(entry.name)) {
            for label in entry.labels.iter().filter(|label| !own.contains(label)) {
                assert!(server.attribute(label).0.contains('.'), "{label} of {}", entry.name);
            }
        }
        assert_eq!(server.attribute("tenant"), ("tenant", false));
        assert_eq!(named("orders_total", Kind::Counter).attribute(http::ROUTE_LABEL), ("http_route", false));
    }
}
