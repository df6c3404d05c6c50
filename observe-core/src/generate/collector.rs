//! Two tiers of collectors, where traces cross more machines than one: the first sends all of a trace to the same collector of the
//! second, which decides when it is whole (the processors and exporters of opentelemetry-collector-contrib).

use super::File;
use super::declared::Declared;
use super::folder::MARK;
use super::yaml::Yaml;
use crate::record::Keep;
use crate::semconv::{http, http_client, rpc};
use crate::slo::{Requests, Slo, Source};
use std::time::Duration;

/// The attribute that says whose span it is.
const SERVICE_NAME: &str = "service.name";

/// The share that is kept of the rest where nothing declares one, in percent: what a process keeps by default.
const USUAL_PERCENTAGE: f64 = 1.0;

const FIRST_TIER: &str = "\
The first tier: where services send their spans to (OTEL_EXPORTER_OTLP_ENDPOINT). All spans of a trace go to the same
collector of the second tier, collector-sampling.yaml: the name SAMPLING_COLLECTORS is looked up for all of their
addresses (a headless service). As many as are needed; of opentelemetry-collector-contrib.";

const SECOND_TIER: &str = "\
The second tier, behind collector-loadbalancing.yaml: it decides about a trace 30 s after its first span, when it is
whole, and sends it to TRACES_ENDPOINT. num_traces is more than there are new traces in that time; if it is not, traces
are dropped undecided: alert on otelcol_processor_tail_sampling_sampling_trace_dropped_too_early (port 8888).
Where several services share the tier, their policies stand side by side: copy those named slow-... together.";

pub(super) fn files(declared: &Declared) -> [File; 2] {
    let (policies, left_out) = policies(declared);
    [
        File {
            path: "collector-loadbalancing.yaml".to_owned(),
            text: load_balancing().document(&format!("{}\n{FIRST_TIER}", head(declared))),
        },
        File {
            path: "collector-sampling.yaml".to_owned(),
            text: sampling(policies).document(&format!(
                "{}\n{SECOND_TIER}\n{}",
                head(declared),
                notes(declared, &left_out)
            )),
        },
    ]
}

/// The first tier.
fn load_balancing() -> Yaml {
    let exporter = Yaml::map([
        ("routing_key", Yaml::text("traceID")),
        (
            "protocol",
            Yaml::map([("otlp", Yaml::map([("tls", Yaml::map([("insecure", Yaml::bare(&true))]))]))]),
        ),
        (
            "resolver",
            Yaml::map([(
                "dns",
                Yaml::map([
                    ("hostname", Yaml::text("${env:SAMPLING_COLLECTORS:-collector-sampling}")),
                    ("port", Yaml::text("4317")),
                ]),
            )]),
        ),
    ]);
    Yaml::map([
        ("receivers", receivers()),
        ("processors", Yaml::map([("memory_limiter", memory_limiter())])),
        ("exporters", Yaml::map([("loadbalancing", exporter)])),
        ("service", service(&["memory_limiter"], "loadbalancing")),
    ])
}

/// The second tier.
fn sampling(policies: Vec<Yaml>) -> Yaml {
    let tail_sampling = Yaml::map([
        ("decision_wait", Yaml::text("30s")),
        ("num_traces", Yaml::bare(&100_000)),
        (
            "decision_cache",
            Yaml::map([
                ("sampled_cache_size", Yaml::bare(&1_000_000)),
                ("non_sampled_cache_size", Yaml::bare(&1_000_000)),
            ]),
        ),
        ("policies", Yaml::list(policies)),
    ]);
    let exporter = Yaml::map([
        ("endpoint", Yaml::text("${env:TRACES_ENDPOINT:-tempo:4317}")),
        ("tls", Yaml::map([("insecure", Yaml::bare(&true))])),
    ]);
    Yaml::map([
        ("receivers", receivers()),
        (
            "processors",
            Yaml::map([
                ("memory_limiter", memory_limiter()),
                ("tail_sampling", tail_sampling),
                ("batch", Yaml::map::<&str>([])),
            ]),
        ),
        ("exporters", Yaml::map([("otlp", exporter)])),
        ("service", service(&["memory_limiter", "tail_sampling", "batch"], "otlp")),
    ])
}

fn head(declared: &Declared) -> String {
    let service = &declared.service;
    format!("{MARK} from what {service} declares: changes here are lost with the next generation.")
}

/// Whether the process leaves the choice to this tier, and which objectives it knows nothing of.
fn notes(declared: &Declared, left_out: &[&str]) -> String {
    let mut notes = match declared.sampling.share_behind() {
        Some(_) => "The process keeps every trace and leaves the choice to this tier (Sampling::collector)."
            .to_owned(),
        None if declared.sampling.probability(Keep::Baseline) >= 1.0 => format!(
            "The process keeps every trace, as it must. That {USUAL_PERCENTAGE} % of the rest is kept here is the usual share:\n\
             Sampling::collector declares another."
        ),
        None => format!(
            "NOT FOR THE PROCESS AS IT IS: it samples by itself ({}), and traces would come here in pieces. It is one or the\n\
             other: with this tier the process has to keep every trace, by Sampling::collector.",
            declared.sampling
        ),
    };
    if !left_out.is_empty() {
        notes.push_str("\nNo attribute of a span says what these objectives are about, so their thresholds have no policy: ");
        notes.push_str(&left_out.join(", "));
    }
    notes
}

fn receivers() -> Yaml {
    let endpoint = |port| Yaml::map([("endpoint", Yaml::text(format!("0.0.0.0:{port}")))]);
    let protocols = Yaml::map([("grpc", endpoint(4317)), ("http", endpoint(4318))]);
    Yaml::map([("otlp", Yaml::map([("protocols", protocols)]))])
}

fn memory_limiter() -> Yaml {
    Yaml::map([
        ("check_interval", Yaml::text("1s")),
        ("limit_percentage", Yaml::bare(&80)),
        ("spike_limit_percentage", Yaml::bare(&20)),
    ])
}

/// The pipeline, and the collector's own metrics where Prometheus can scrape them.
fn service(processors: &[&str], exporter: &str) -> Yaml {
    let names = |names: &[&str]| Yaml::list(names.iter().map(|name| Yaml::text(*name)));
    let pipeline = Yaml::map([
        ("receivers", names(&["otlp"])),
        ("processors", names(processors)),
        ("exporters", names(&[exporter])),
    ]);
    let prometheus = Yaml::map([("host", Yaml::text("0.0.0.0")), ("port", Yaml::bare(&8888))]);
    let reader = Yaml::map([("pull", Yaml::map([("exporter", Yaml::map([("prometheus", prometheus)]))]))]);
    Yaml::map([
        ("telemetry", Yaml::map([("metrics", Yaml::map([("readers", Yaml::list([reader]))]))])),
        ("pipelines", Yaml::map([("traces", pipeline)])),
    ])
}

/// A trace is kept that any of them asks for. And the objectives whose thresholds no policy can have.
fn policies(declared: &Declared) -> (Vec<Yaml>, Vec<&str>) {
    let codes = Yaml::map([("status_codes", Yaml::list([Yaml::text("ERROR")]))]);
    let mut policies = vec![policy("errors", "status_code", codes)];
    let of_service = string("service", SERVICE_NAME, std::slice::from_ref(&declared.service));
    let mut left_out = Vec::new();
    for slo in &declared.slos {
        let Some(threshold) = slo.threshold() else { continue };
        let Some(of) = attributes(slo) else {
            left_out.push(slo.name());
            continue;
        };
        let sub_policies = [slow("latency", threshold), of_service.clone()].into_iter().chain(of);
        let name = format!("slow-{}-{}", declared.service, slo.name());
        policies.push(policy(&name, "and", Yaml::map([("and_sub_policy", Yaml::list(sub_policies))])));
    }
    let both = [slow("latency", declared.slow), of_service];
    let name = format!("slow-{}", declared.service);
    policies.push(policy(&name, "and", Yaml::map([("and_sub_policy", Yaml::list(both))])));
    let percentage = Yaml::map([("sampling_percentage", Yaml::bare(&percentage(declared)))]);
    policies.push(policy("rest", "probabilistic", percentage));
    (policies, left_out)
}

/// In percent, what is kept of the rest.
fn percentage(declared: &Declared) -> f64 {
    let here = declared.sampling.probability(Keep::Baseline);
    let here = (0.0 < here && here < 1.0).then_some(here);
    let share = declared.sampling.share_behind().or(here);
    share.map_or(USUAL_PERCENTAGE, |share| (share * 1e9).round() / 1e7)
}

/// By which attributes of its spans a trace is known to be one that the objective is about: `None` if by none.
fn attributes(slo: &Slo) -> Option<Vec<Yaml>> {
    let by = |pairs: &[(&str, &[String])]| {
        let some = pairs.iter().filter(|(_, values)| !values.is_empty());
        some.map(|(key, values)| string(key, key, values)).collect()
    };
    match slo.source() {
        // A segment is no attribute: the policy keeps a little more than the objective is about.
        Source::Requests(Requests { routes, methods, rpc_methods, .. }) => {
            Some(by(&[(http::ROUTE, routes), (http::REQUEST_METHOD, methods), (rpc::METHOD, rpc_methods)]))
        }
        Source::Calls(host) => Some(by(&[(http_client::SERVER_ADDRESS, std::slice::from_ref(host))])),
        Source::Dependency(_)
        | Source::Function(_)
        | Source::Operation(_)
        | Source::ByHand
        | Source::External => None,
    }
}

/// A policy: what it is of stands under its type's name.
fn policy(name: &str, of: &str, settings: Yaml) -> Yaml {
    Yaml::map([("name", literal(name)), ("type", Yaml::text(of)), (of, settings)])
}

/// From the first span to the last; in whole milliseconds, rather too many than too few.
fn slow(name: &str, threshold: Duration) -> Yaml {
    let millis = threshold.as_millis().max(1);
    policy(name, "latency", Yaml::map([("threshold_ms", Yaml::bare(&millis))]))
}

fn string(name: &str, key: &str, values: &[String]) -> Yaml {
    let values = Yaml::list(values.iter().map(|value| literal(value)));
    policy(name, "string_attribute", Yaml::map([("key", Yaml::text(key)), ("values", values)]))
}

/// A text of the service's own: `$` begins what the collector replaces, but where there are two.
fn literal(text: &str) -> Yaml {
    Yaml::text(text.replace('$', "$$"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::Sampling;
    use crate::telemetry::Telemetry;
    use std::collections::BTreeSet;

    /// What the components' documentation names, of opentelemetry-collector 0.1xx and -contrib: `receiver/otlpreceiver`,
    /// `processor/memorylimiterprocessor`, `processor/batchprocessor`, `exporter/otlpexporter`, `config/configtls`, "Internal
    /// telemetry"; `processor/tailsamplingprocessor` (README.md, config.schema.yaml) and `exporter/loadbalancingexporter`
    /// (README.md).
    const KNOWN: &[&str] = &[
        "receivers.otlp.protocols.grpc.endpoint",
        "receivers.otlp.protocols.http.endpoint",
        "processors.memory_limiter.check_interval",
        "processors.memory_limiter.limit_percentage",
        "processors.memory_limiter.spike_limit_percentage",
        "processors.batch",
        "processors.tail_sampling.decision_wait",
        "processors.tail_sampling.num_traces",
        "processors.tail_sampling.decision_cache.sampled_cache_size",
        "processors.tail_sampling.decision_cache.non_sampled_cache_size",
        "processors.tail_sampling.policies.name",
        "processors.tail_sampling.policies.type",
        "processors.tail_sampling.policies.status_code.status_codes",
        "processors.tail_sampling.policies.probabilistic.sampling_percentage",
        "processors.tail_sampling.policies.and.and_sub_policy.name",
        "processors.tail_sampling.policies.and.and_sub_policy.type",
        "processors.tail_sampling.policies.and.and_sub_policy.latency.threshold_ms",
        "processors.tail_sampling.policies.and.and_sub_policy.string_attribute.key",
        "processors.tail_sampling.policies.and.and_sub_policy.string_attribute.values",
        "exporters.otlp.endpoint",
        "exporters.otlp.tls.insecure",
        "exporters.loadbalancing.routing_key",
        "exporters.loadbalancing.protocol.otlp.tls.insecure",
        "exporters.loadbalancing.resolver.dns.hostname",
        "exporters.loadbalancing.resolver.dns.port",
        "service.pipelines.traces.receivers",
        "service.pipelines.traces.processors",
        "service.pipelines.traces.exporters",
        "service.telemetry.metrics.readers.pull.exporter.prometheus.host",
        "service.telemetry.metrics.readers.pull.exporter.prometheus.port",
    ];

    fn keys(yaml: &Yaml, path: &str, found: &mut BTreeSet<String>) {
        match yaml {
            Yaml::Map(pairs) if !pairs.is_empty() => {
                for (name, value) in pairs {
                    keys(value, &format!("{path}.{name}"), found);
                }
            }
            Yaml::List(values) => values.iter().for_each(|value| keys(value, path, found)),
            _ => drop(found.insert(path.trim_start_matches('.').to_owned())),
        }
    }

    fn declared(sampling: Sampling) -> Declared {
        let half = Duration::from_millis(500);
        let builder =
            Telemetry::builder("checkout").sampling(sampling).slow(Duration::from_secs(2)).without_log();
        let builder = builder
            .slo(Slo::latency("fast", 99.0, half).route("/charge").method("POST"))
            .slo(Slo::availability("stock", 99.0).server_address("stock").within(half))
            .slo(Slo::latency("payment", 99.0, half).dependency("payment"))
            .slo(Slo::availability("all", 99.9));
        Declared::of(&builder.build().unwrap())
    }

    // Mutation caught: a key that no component has: a collector does not start with it.
    #[test]
    fn every_key_is_one_that_the_components_have() {
        let mut found = BTreeSet::new();
        keys(&load_balancing(), "", &mut found);
        keys(&sampling(policies(&declared(Sampling::default())).0), "", &mut found);
        assert_eq!(found, KNOWN.iter().map(|key| (*key).to_owned()).collect());
    }

    // Mutations caught: a threshold that is kept of every service's traces, or of every route's.
    #[test]
    fn what_is_slow_is_what_objectives_say() {
        let [_, sampling] = files(&declared(Sampling::collector(0.05).unwrap()));
        let expected = "\
    policies:
      - name: errors
        type: status_code
        status_code:
          status_codes:
            - ERROR
      - name: slow-checkout-fast
        type: and
        and:
          and_sub_policy:
            - name: latency
              type: latency
              latency:
                threshold_ms: 500
            - name: service
              type: string_attribute
              string_attribute:
                key: service.name
                values:
                  - checkout
            - name: http.route
              type: string_attribute
              string_attribute:
                key: http.route
                values:
                  - \"/charge\"
            - name: http.request.method
              type: string_attribute
              string_attribute:
                key: http.request.method
                values:
                  - POST
      - name: slow-checkout-stock
";
        assert!(sampling.text.contains(expected), "{}", sampling.text);
        assert!(sampling.text.contains("have no policy: payment\n"), "{}", sampling.text);
        assert!(sampling.text.contains("threshold_ms: 2000\n"), "{}", sampling.text);
        assert!(sampling.text.contains("sampling_percentage: 5\n"), "{}", sampling.text);
    }

    // Mutation caught: a name that the collector replaces by a variable of its own environment.
    #[test]
    fn what_the_service_names_is_replaced_by_nothing() {
        let builder = Telemetry::builder("${env:HOME}").without_log();
        let fast = Slo::latency("fast", 99.0, Duration::from_millis(500)).route("/$metadata");
        let text = files(&Declared::of(&builder.slo(fast).build().unwrap())).map(|file| file.text)[1].clone();
        for literal in ["name: \"slow-$${env:HOME}-fast\"", "- \"$${env:HOME}\"", "- \"/$$metadata\""] {
            assert!(text.contains(literal), "{literal}: {text}");
        }
        assert!(text.contains("endpoint: \"${env:TRACES_ENDPOINT:-tempo:4317}\""), "{text}");
    }

    // Mutation caught: both modes at once, and nobody says so.
    #[test]
    fn a_process_that_samples_by_itself_is_told_apart() {
        let text = |sampling| files(&declared(sampling)).map(|file| file.text)[1].clone();
        let both = text(Sampling::tail(0.02).unwrap());
        assert!(both.contains("NOT FOR THE PROCESS AS IT IS: it samples by itself (tail 0.02)"), "{both}");
        assert!(both.contains("sampling_percentage: 2\n"), "{both}");
        for (sampling, percentage) in [(Sampling::always(), 1), (Sampling::collector(0.5).unwrap(), 50)] {
            let text = text(sampling);
            assert!(!text.contains("NOT FOR") && text.contains("keeps every trace"), "{text}");
            assert!(text.contains(&format!("sampling_percentage: {percentage}\n")), "{text}");
        }
    }
}
