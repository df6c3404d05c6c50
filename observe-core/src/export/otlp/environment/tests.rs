//! Who wins, and what is wrong.

use super::*;

fn environment(variables: &[(&'static str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn decided(variables: &[(&'static str, &str)], code: impl Into<Option<Otlp>>) -> Plan {
    Plan::decide(&environment(variables), code.into().as_ref(), false).unwrap()
}

const DISABLED: &str = otel::SDK_DISABLED;
const EXPORTER: &str = otel::TRACES_EXPORTER;
const ENDPOINT: &str = otel::ENDPOINT;

// Each line is a rule of precedence; the mutation is to change it.
#[test]
fn whose_word_counts() {
    let told = |variables: &[(&'static str, &str)], code| decided(variables, code).told();
    let code = || Some(Otlp::http().endpoint("http://code:1"));
    for (variables, code, expected) in [
        (&[][..], None, "spans to nowhere by default"),
        (&[], code(), "spans to http://code:1/v1/traces (http/protobuf) by code"),
        (
            &[],
            Some(Otlp::http().endpoint("http://code:1/v1/traces")),
            "spans to http://code:1/v1/traces (http/protobuf) by code",
        ),
        (
            &[(EXPORTER, "otlp")],
            None,
            "spans to http://localhost:4318/v1/traces (http/protobuf) by OTEL_TRACES_EXPORTER",
        ),
        (&[(EXPORTER, "console, none")], None, "spans to console by OTEL_TRACES_EXPORTER"),
        (&[(EXPORTER, "none"), (ENDPOINT, "http://env:2")], None, "spans to nowhere by OTEL_TRACES_EXPORTER"),
        (&[(EXPORTER, "none")], code(), "spans to http://code:1/v1/traces (http/protobuf) by code"),
        (
            &[(ENDPOINT, "http://env:2/a/")],
            None,
            "spans to http://env:2/a/v1/traces (http/protobuf) by OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (&[(ENDPOINT, "http://env:2")], code(), "spans to http://env:2/v1/traces (http/protobuf) by code"),
        (
            &[(ENDPOINT, "http://env:2"), (otel::TRACES_ENDPOINT, "http://env:3/own")],
            None,
            "spans to http://env:3/own (http/protobuf) by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ),
        (&[(DISABLED, "TRUE"), (ENDPOINT, "http://env:2")], code(), "spans to nowhere by OTEL_SDK_DISABLED"),
        (&[(DISABLED, "false")], code(), "spans to http://code:1/v1/traces (http/protobuf) by code"),
        (&[(ENDPOINT, " ")], None, "spans to nowhere by default"),
        (
            &[(ENDPOINT, "https://me:secret@env:2?key=secret")],
            None,
            "spans to https://env:2/v1/traces (http/protobuf) by OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
    ] {
        assert_eq!(told(variables, code), expected, "{variables:?}");
    }
}

// Mutations caught: a default that is another; the code's word after the environment's; headers of one endpoint sent to
// another.
#[test]
fn how_it_is_sent() {
    let target =
        |variables: &[(&'static str, &str)], code: Otlp| decided(variables, Some(code)).otlp.unwrap();
    let plain = target(&[], Otlp::new());
    assert_eq!((plain.protocol, plain.timeout, plain.gzip), (Protocol::Http, TIMEOUT, false));
    assert!(plain.headers.is_empty());

    let variables = [
        (otel::TIMEOUT, "7"),
        (otel::TRACES_TIMEOUT, "8"),
        (otel::COMPRESSION, "gzip"),
        (otel::HEADERS, "api-key=of%20env, other=1"),
    ];
    let theirs = target(&variables, Otlp::new());
    assert_eq!((theirs.timeout, theirs.gzip), (Duration::from_millis(8), true));
    assert_eq!(
        (&theirs.headers["api-key"], &theirs.headers["other"]),
        (&"of env".parse().unwrap(), &"1".parse().unwrap())
    );
    assert!(theirs.headers["api-key"].is_sensitive());

    let code = || Otlp::http().endpoint("http://code:1").header("api-key", "of code").timeout(TIMEOUT * 2);
    let ours = target(&variables, code());
    assert_eq!((ours.timeout, &ours.headers["api-key"]), (TIMEOUT * 2, &"of code".parse().unwrap()));
    let elsewhere = [variables.as_slice(), &[(ENDPOINT, "http://env:2")]].concat();
    let theirs = target(&elsewhere, code());
    assert_eq!((theirs.timeout, &theirs.headers["api-key"]), (TIMEOUT * 2, &"of env".parse().unwrap()));
    let keyless = target(&[(ENDPOINT, "http://env:2")], code());
    assert!(keyless.headers.is_empty());
    let anywhere = target(&[(ENDPOINT, "http://env:2")], Otlp::http().header("api-key", "of code"));
    assert_eq!(anywhere.headers["api-key"], "of code");
}

// Mutations caught: a limit that is not read, or read in another unit.
#[test]
fn how_much_may_wait() {
    let variables = [
        (otel::BSP_MAX_QUEUE_SIZE, "10"),
        (otel::BSP_MAX_EXPORT_BATCH_SIZE, "3"),
        (otel::BSP_SCHEDULE_DELAY, "4"),
        (otel::BSP_EXPORT_TIMEOUT, "5"),
    ];
    let limits = decided(&variables, None).limits;
    let (delay, give_up) = (Duration::from_millis(4), Duration::from_millis(5));
    assert_eq!(limits, SpanLimits { spans: 10, batch: 3, delay, give_up, ..SpanLimits::default() });
    let code = Otlp::new().limits(SpanLimits::default());
    assert_eq!(decided(&variables, Some(code)).limits, SpanLimits::default());
}

// Each line is a rule; the mutation is to pass over it in silence, or not to name the variable.
#[test]
fn what_is_wrong_is_told_by_its_name() {
    for (variable, value, exports) in [
        (otel::SDK_DISABLED, "yes", true),
        (otel::PROTOCOL, "http/json", true),
        (otel::TIMEOUT, "soon", true),
        (otel::TRACES_TIMEOUT, "0", true),
        (otel::COMPRESSION, "zstd", true),
        (otel::BSP_MAX_QUEUE_SIZE, "-1", true),
        (otel::BSP_SCHEDULE_DELAY, "1s", true),
        (otel::TRACES_ENDPOINT, "collector:4318", false),
        (otel::TRACES_ENDPOINT, "ftp://collector", false),
        (otel::HEADERS, "api-key", false),
        (otel::HEADERS, "a b=1", false),
        (otel::HEADERS, "a=%zz", false),
        (otel::HEADERS, "a=%0A", false),
        (otel::CERTIFICATE, "/nowhere/ca.pem", false),
    ] {
        let plan = decided(&[(ENDPOINT, "http://env:2"), (variable, value)], None);
        assert_eq!(plan.complaints.len(), 1, "{variable} {value}: {:?}", plan.complaints);
        let named = plan.complaints[0].contains(variable) || plan.complaints[0].contains(value);
        assert!(named, "{}", plan.complaints[0]);
        assert_eq!(plan.otlp.is_some(), exports, "{variable} {value}");
    }
    let plan = decided(&[(EXPORTER, "zipkin,console")], None);
    assert!(plan.console && plan.complaints[0].contains("zipkin"), "{:?}", plan.complaints);

    for code in [
        Otlp::new().endpoint("collector:4318"),
        Otlp::new().header("a b", "1"),
        Otlp::new().header("a", "\n"),
        Otlp::new().certificate("/nowhere/ca.pem"),
        Otlp::new().timeout(Duration::ZERO),
    ] {
        let error = Plan::decide(&Environment::default(), Some(&code), false).unwrap_err();
        assert!(error.is_invalid(), "{error}");
    }
}

fn pushed(variables: &[(&'static str, &str)], code: Option<&Otlp>) -> Plan<Pace> {
    Plan::decide_metrics(&environment(variables), code).unwrap()
}

// Each line is a rule; the mutation is to change it. Above all: an endpoint for all signals is no word about metrics.
#[test]
fn whose_word_counts_for_metrics() {
    const NAMED: &str = otel::METRICS_EXPORTER;
    const OWN: &str = otel::METRICS_ENDPOINT;
    let nowhere = "metrics to nowhere by default";
    for (variables, expected) in [
        (&[][..], nowhere),
        (&[(ENDPOINT, "http://env:2")], nowhere),
        (&[(EXPORTER, "otlp"), (otel::TRACES_ENDPOINT, "http://env:2")], nowhere),
        (
            &[(NAMED, "otlp")],
            "metrics to http://localhost:4318/v1/metrics (http/protobuf) by OTEL_METRICS_EXPORTER",
        ),
        (
            &[(NAMED, "otlp"), (ENDPOINT, "http://env:2/a/")],
            "metrics to http://env:2/a/v1/metrics (http/protobuf) by OTEL_METRICS_EXPORTER",
        ),
        (
            &[(OWN, "http://env:3/own"), (ENDPOINT, "http://env:2")],
            "metrics to http://env:3/own (http/protobuf) by OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        ),
        (&[(NAMED, "prometheus"), (OWN, "http://env:3")], "metrics to nowhere by OTEL_METRICS_EXPORTER"),
        (&[(NAMED, "none")], "metrics to nowhere by OTEL_METRICS_EXPORTER"),
        (&[(NAMED, "prometheus,console")], "metrics to console by OTEL_METRICS_EXPORTER"),
        (&[(NAMED, "otlp"), (DISABLED, "true")], "metrics to nowhere by OTEL_SDK_DISABLED"),
    ] {
        let plan = pushed(variables, None);
        assert_eq!((plan.told().as_str(), &plan.complaints[..]), (expected, &[][..]), "{variables:?}");
    }
    for endpoint in ["http://code:1", "http://code:1/v1/traces", "http://code:1/v1/metrics"] {
        let code = Otlp::http().endpoint(endpoint);
        let told = pushed(&[(NAMED, "none")], Some(&code)).told();
        assert_eq!(told, "metrics to http://code:1/v1/metrics (http/protobuf) by code");
    }
    let code = Otlp::http().endpoint("http://code:1");
    let theirs =
        pushed(&[(otel::METRICS_HEADERS, "a=1"), (otel::HEADERS, "a=2"), (OWN, "http://env:3")], Some(&code));
    assert_eq!(theirs.otlp.unwrap().headers["a"], "1");
    assert!(pushed(&[(NAMED, "statsd")], None).complaints[0].contains("statsd"));
}

// Mutations caught: an interval that is not read, or read in another unit; the variable before the code's word.
#[test]
fn how_often_metrics_are_pushed() {
    let millis = Duration::from_millis;
    let variables = [(otel::METRIC_EXPORT_INTERVAL, "5000"), (otel::METRIC_EXPORT_TIMEOUT, "700")];
    assert_eq!(pushed(&[], None).limits, Pace { interval: millis(60_000), timeout: millis(30_000) });
    assert_eq!(pushed(&variables, None).limits, Pace { interval: millis(5_000), timeout: millis(700) });
    let code = Otlp::new().interval(millis(1)).push_timeout(millis(2));
    assert_eq!(pushed(&variables, Some(&code)).limits, Pace { interval: millis(1), timeout: millis(2) });
    for variable in [otel::METRIC_EXPORT_INTERVAL, otel::METRIC_EXPORT_TIMEOUT] {
        let plan = pushed(&[(variable, "1m")], None);
        assert_eq!(plan.limits, Pace::default());
        assert!(plan.complaints[0].contains(variable), "{:?}", plan.complaints);
    }
}

// Mutations caught: the variable before the code's name; attributes that are not decoded; half of a wrong list.
#[test]
fn whose_spans_they_are() {
    let name = |variables: &[(&'static str, &str)]| environment(variables).service_name();
    let listed = (otel::RESOURCE_ATTRIBUTES, "service.name=listed,zone=a%2Cb");
    assert_eq!(name(&[(otel::SERVICE_NAME_VARIABLE, "named"), listed]), "named");
    assert_eq!(name(&[listed]), "listed");
    assert!(name(&[]).starts_with("unknown_service:"), "{}", name(&[]));

    let described = |variables: &[(&'static str, &str)]| {
        let (mut attributes, mut complaints) = (Attributes::default(), Vec::new());
        attributes.add(log::SERVICE_NAME, "code");
        environment(variables).describe(&mut attributes, &mut complaints);
        let text = |name| attributes.text(name).unwrap_or_default().to_owned();
        (text("service.name"), text("zone"), complaints.len())
    };
    assert_eq!(described(&[listed]), ("code".to_owned(), "a,b".to_owned(), 0));
    let wrong = (otel::RESOURCE_ATTRIBUTES, "zone=a,oops");
    assert_eq!(described(&[wrong]), ("code".to_owned(), String::new(), 1));
}

#[cfg(feature = "otlp-grpc")]
mod grpc {
    use super::*;

    // Mutations caught: a path added for gRPC; `INSECURE` not read, or read for an address that says it itself.
    #[test]
    fn an_address_for_grpc() {
        let url = |endpoint: &str, insecure: &str| {
            let variables = [(ENDPOINT, endpoint), (otel::PROTOCOL, "grpc"), (otel::INSECURE, insecure)];
            decided(&variables, None).otlp.unwrap().url.to_string()
        };
        assert_eq!(url("http://collector:4317", "false"), "http://collector:4317/");
        assert_eq!(url("collector:4317", "false"), "https://collector:4317/");
        assert_eq!(url("collector:4317", "true"), "http://collector:4317/");
        assert_eq!(url("https://collector:4317", "true"), "https://collector:4317/");
        let code = Otlp::grpc();
        assert_eq!(decided(&[], Some(code)).otlp.unwrap().url.as_str(), "http://localhost:4317/");
        // The protocol is the endpoint's: whoever names that, names both.
        let both = [(ENDPOINT, "http://env:4317"), (otel::PROTOCOL, "grpc")];
        assert_eq!(decided(&both, Some(Otlp::http())).otlp.unwrap().protocol, Protocol::Grpc);
        let code = Otlp::http().endpoint("http://code:4318");
        assert_eq!(decided(&both[1..], Some(code)).otlp.unwrap().protocol, Protocol::Http);
    }
}

#[cfg(not(feature = "otlp-grpc"))]
#[test]
fn grpc_needs_its_feature() {
    let plan = decided(&[(ENDPOINT, "http://env:2"), (otel::PROTOCOL, "grpc")], None);
    assert!(plan.otlp.is_none() && plan.complaints[0].contains("otlp-grpc"), "{:?}", plan.complaints);
}

// Mutation caught: a time that gRPC has no number for, by which every request would panic.
#[test]
fn a_request_has_an_hour_at_most() {
    let hour = Duration::from_secs(3_600);
    let timeout =
        |variables: &[(&'static str, &str)], code| decided(variables, Some(code)).otlp.unwrap().timeout;
    assert_eq!(timeout(&[], Otlp::http().timeout(Duration::MAX)), hour);
    assert_eq!(timeout(&[(otel::TIMEOUT, "18446744073709551615")], Otlp::http()), hour);
}
