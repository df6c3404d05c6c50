//! Where Grafana gets its data, as its provisioning reads it; from an exemplar it leads to the trace.

use super::File;
use super::declared::Declared;
use super::folder::MARK;
use super::prometheus::SCRAPE;
use super::yaml::Yaml;
use crate::semconv::log::TRACE_ID;
use crate::slo::promql_duration;

/// The same for every service: one Prometheus and one Tempo serve them all.
const METRICS_UID: &str = "observe-prometheus";
const TRACES_UID: &str = "observe-traces";

pub(super) fn file(declared: &Declared) -> File {
    let metrics = Yaml::map([
        ("name", Yaml::text("Prometheus")),
        ("uid", Yaml::text(METRICS_UID)),
        ("type", Yaml::text("prometheus")),
        ("access", Yaml::text("proxy")),
        ("url", Yaml::text("http://prometheus:9090")),
        (
            "jsonData",
            Yaml::map([
                ("httpMethod", Yaml::text("POST")),
                // Rates look back over four of these.
                ("timeInterval", Yaml::text(promql_duration(SCRAPE))),
                (
                    "exemplarTraceIdDestinations",
                    Yaml::list([Yaml::map([
                        ("name", Yaml::text(TRACE_ID)),
                        ("datasourceUid", Yaml::text(TRACES_UID)),
                        ("urlDisplayLabel", Yaml::text("Trace")),
                    ])]),
                ),
            ]),
        ),
    ]);
    let traces = Yaml::map([
        ("name", Yaml::text("Traces")),
        ("uid", Yaml::text(TRACES_UID)),
        ("type", Yaml::text("tempo")),
        ("access", Yaml::text("proxy")),
        ("url", Yaml::text("http://tempo:3200")),
    ]);
    let yaml = Yaml::map([("apiVersion", Yaml::bare(&1)), ("datasources", Yaml::list([metrics, traces]))]);
    let head = format!(
        "{MARK} from what {} declares: changes here are lost with the next generation.\n\
         For /etc/grafana/provisioning/datasources. It is the same for every service. Where the addresses are others, or traces are in\n\
         Jaeger (type: jaeger), provision them by hand, with the same uid: exemplarTraceIdDestinations is what leads from a dot to\n\
         its trace. Prometheus keeps exemplars only with --enable-feature=exemplar-storage.",
        declared.service
    );
    File { path: "datasources.yaml".to_owned(), text: yaml.document(&head) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Telemetry;

    // Mutation caught: an exemplar that leads to a data source which is not there.
    #[test]
    fn an_exemplar_leads_to_the_data_source_of_traces() {
        let telemetry = Telemetry::builder("checkout").build().unwrap();
        let file = file(&Declared::of(&telemetry));
        assert_eq!(file.path, "datasources.yaml");
        for line in [
            "    uid: observe-prometheus\n",
            "        - name: trace_id\n          datasourceUid: observe-traces\n",
            "    uid: observe-traces\n    type: tempo\n",
        ] {
            assert!(file.text.contains(line), "{line}: {}", file.text);
        }
    }
}
