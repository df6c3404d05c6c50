//! The generated rules, held against `promtool`: it reads them, their own tests pass for all that can be declared, and what
//! one objective's values are is worked out by hand.
//!
//! `tests/generated_rules/` keeps what one service's declarations make; `OVERWRITE=1` writes it again. Beside it are tests
//! by hand: `promtool test rules by_hand_test.yaml weighted_test.yaml`.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::semconv::host;
use observe_core::slo::{Alerting, BurnPair, Severity, Slo};
use observe_core::{Builder, Collect, Queue, Replica, Telemetry, Usage, generate};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

const FILES: [&str; 3] = ["rules.yaml", "rules_test.yaml", "rules_test_500ms.yaml"];

/// What the repository keeps.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generated_rules")
}

/// Writes what these declarations make, those of a pool, a queue, a replica and a file system among them.
fn write(
    service: &str,
    slos: impl IntoIterator<Item = Slo>,
    alerting: Alerting,
    folder: &Path,
) -> Vec<PathBuf> {
    let builder = Telemetry::builder(service).without_log().alerting(alerting);
    let telemetry = slos.into_iter().fold(builder, Builder::slo).build().unwrap();
    let _pool = Usage::new(telemetry.registry(), "orders_db", 10).unwrap();
    let _queue = Queue::new(telemetry.registry(), "mails", 10).unwrap();
    let replica = Replica::new(telemetry.registry(), "orders").unwrap();
    replica.set(Duration::from_secs(1));
    telemetry.registry().collector(|out: &mut Collect<'_>| {
        let labels = [(host::FILESYSTEM_MOUNTPOINT, "/"), (host::FILESYSTEM_STATE, "used")];
        out.gauge(host::FILESYSTEM_USAGE_BYTES, "Space of a file system.", &labels, 1.0);
    });
    let _ = generate::write(&telemetry, folder).unwrap();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("rules")).collect();
    files.sort();
    files
}

/// What promtool says, if it has something against it.
fn promtool(args: &[&str], files: &[PathBuf]) {
    let folder = files[0].parent().unwrap();
    let names = files.iter().map(|path| path.file_name().unwrap());
    let said = Command::new("promtool").args(args).args(names).current_dir(folder).output();
    let Ok(said) = said else {
        assert!(std::env::var_os("CI").is_none(), "promtool is not installed, and in CI it must be");
        // `eprintln!` is not seen of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: promtool is not installed");
        return;
    };
    let text = [said.stdout, said.stderr].map(|out| String::from_utf8_lossy(&out).into_owned()).concat();
    assert!(said.status.success(), "{}: {text}", folder.display());
}

/// Writes them, and has promtool read them and run their tests.
fn hold(service: &str, slos: Vec<Slo>, alerting: Alerting) {
    let folder = tempfile::tempdir().unwrap();
    let files = write(service, slos, alerting, folder.path());
    let (rules, tests) = files.split_first().unwrap();
    assert!(rules.ends_with("rules.yaml") && !tests.is_empty(), "{files:?}");
    promtool(&["check", "rules"], std::slice::from_ref(rules));
    promtool(&["test", "rules"], tests);
}

fn external(name: &str, objective: f64) -> Slo {
    Slo::external(
        name,
        objective,
        "sum(rate(lb_requests_total[$window])) # every one",
        "sum(rate(lb_requests_total{code=~\"5..\"}[$window]))",
    )
}

/// The service whose files are kept.
fn shop() -> (Vec<Slo>, Alerting) {
    let charge = Slo::availability("charge", 99.9)
        .route("/charge/{id}")
        .method("POST")
        .sla(99.5)
        .impact("Customers cannot pay: \"{{ $value }}\".")
        .cause("The payment provider is down.")
        .cause("A \\ in {a} {{template}}")
        .first_action("Look at its status page.");
    let alerting = Alerting::new()
        .owner("team-shop")
        .runbooks("https://wiki.example.org/runbooks/{name}")
        .dashboard("https://grafana.example.org/d/shop")
        .page(Severity::new("wake").level("SEV1").response(Duration::from_secs(5 * 60)));
    let quick = Slo::latency("quick", 90.0, Duration::from_millis(500)).window(12 * HOUR);
    (vec![charge, Slo::availability("other", 99.0), external("edge", 99.9), quick], alerting)
}

// Mutation caught: another order, another time, a value of this run in the text.
#[test]
fn the_same_declarations_make_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (slos, alerting) = shop();
    let made = write("shop", slos, alerting, folder.path());
    let names: Vec<_> = made.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, FILES);
    for name in names {
        let (text, kept) = (fs::read_to_string(folder.path().join(name)).unwrap(), kept().join(name));
        if std::env::var_os("OVERWRITE").is_some() {
            fs::write(&kept, &text).unwrap();
        }
        let kept = fs::read_to_string(&kept).unwrap_or_default();
        let line = text.lines().zip(kept.lines()).position(|(made, kept)| made != kept);
        assert!(text == kept, "{name} is another, from line {line:?} on (from 0): OVERWRITE=1 writes it");
    }
}

// Mutations caught, each by hand in the rules: a factor or a window of another pair, `or 0 *` left out or as `vector(0)`, `> 0`
// or `>= 5` left out, an increase that is not its window's, a mean of ratios for the period, no `keep_firing_for`, another
// objective's series, a text of the declaration that Prometheus takes for a command.
#[test]
fn one_objectives_values_are_those_worked_out_by_hand() {
    promtool(&["check", "rules"], &[kept().join("rules.yaml")]);
    promtool(&["test", "rules"], &[kept().join("by_hand_test.yaml"), kept().join("weighted_test.yaml")]);
}

#[test]
fn the_kept_rules_keep_their_own_tests() {
    promtool(&["test", "rules"], &FILES[1..].iter().map(|name| kept().join(name)).collect::<Vec<_>>());
}

// Mutation caught: a time that is not scaled, a pair that is tested though it was left out, a limit that is met by chance.
#[test]
fn every_objective_keeps_its_rules_over_every_period() {
    const OBJECTIVES: [f64; 6] = [1.5, 90.0, 99.0, 99.95, 99.999, 99.99999];
    let pages: [&[BurnPair]; 4] =
        [&[BurnPair::Hour, BurnPair::SixHours], &[], &[BurnPair::ThreeDays], &BurnPair::ALL];
    for (turn, period) in [HOUR, 7 * DAY, 28 * DAY, 400 * DAY].into_iter().enumerate() {
        // Each objective over two periods, with other pairs that page.
        let objectives = OBJECTIVES.iter().cycle().skip(turn * 3).take(3);
        let slos = objectives.enumerate().map(|(index, objective)| {
            let name = format!("slo-{index}");
            let slo =
                if index == 2 { external(&name, *objective) } else { Slo::availability(&name, *objective) };
            let sla = objective - (100.0 - objective).min(0.3);
            slo.window(period).sla(sla).pages_on(pages[(turn + index) % 4].iter().copied())
        });
        hold("shop", slos.collect(), Alerting::new());
    }
}

// Mutation caught: a text of the declarations that is read as anything else: by YAML, by PromQL, by a template.
#[test]
fn texts_stay_texts() {
    let texts = [
        "a \"quote\", a 'quote', a \\ and a `tick`",
        "{{ $labels.slo }}{{end}} {{/* {",
        "two\nlines: - {a: b} # no comment\r\n\u{7}\u{85}\u{2028}\u{feff}é",
        " - [x] %YAML &a *b !c |",
    ];
    for text in texts {
        let slo = Slo::availability("charge", 99.9)
            .route(format!("/{text}"))
            .segment(text)
            .impact(text)
            .cause(text)
            .cause(text)
            .first_action(text)
            .owner(text)
            .runbook(text);
        let alerting = Alerting::new().dashboard(text).page(Severity::new("page").level(text)).runbooks(text);
        hold(text, vec![slo], alerting);
    }
}

// Mutation caught: an empty text that is written all the same.
#[test]
fn nothing_that_was_not_declared_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let alerting = Alerting::new().owner(" ").dashboard("").page(Severity::new("page"));
    let slos = [Slo::availability("charge", 99.9).impact("").cause(" ")];
    let files = write("shop", slos, alerting, folder.path());
    let text = fs::read_to_string(&files[0]).unwrap();
    let page = text.split("SLOBurnRatePage").nth(1).unwrap();
    let page = page.split("- alert").next().unwrap();
    for absent in [
        "owner:",
        "level:",
        "impact:",
        "causes:",
        "first_actions:",
        "response:",
        "dashboard_url:",
        "runbook_url:",
    ] {
        assert!(!page.contains(absent), "{absent} {page}");
    }
    assert!(!text.contains("SLABroken") && text.contains("SLOMetricAbsent"), "{text}");
}
