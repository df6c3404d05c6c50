//! Holds `docs/limits.md` against the code: every row names where its bound stands, and every named bound has a row.
//! Catches: a bound that is changed, added or taken away on one side only.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const CRATES: [&str; 3] = ["observe-core", "observe-tower", "observe-macros"];

/// Numbers that limit nothing, each with what it is instead.
const NO_LIMITS: &[(&str, &str, &str)] = &[
    ("audit/advice.rs", "COSTLY", "how many are named"),
    ("audit/table.rs", "ROWS", "how many are printed unless all are wanted"),
    ("bridge/table.rs", "STRIPES", "parts with locks of their own"),
    ("burn_watch.rs", "FASTEST", "a pace"),
    ("clock/counter.rs", "APART", "from when on two clocks are not the same"),
    ("clock/counter.rs", "AT_ONCE", "what is one reading of two clocks"),
    ("clock/counter.rs", "LEARNING", "a pace"),
    ("collect/host/disk.rs", "SECTOR_BYTES", "a unit"),
    ("context.rs", "BAGGAGE", "a place"),
    ("context.rs", "CORRELATION_ID", "a place"),
    ("context.rs", "TRACEPARENT", "a place"),
    ("context.rs", "TRACESTATE", "a place"),
    ("context/hex.rs", "HIGH", "a pattern of bits"),
    ("context/hex.rs", "ONES", "a pattern of bits"),
    ("context/id.rs", "DRAWS_PER_CHECK", "how often it is looked whether the process was forked"),
    ("context/ot.rs", "DIGITS", "as many as 56 bits have"),
    ("context/traceparent.rs", "LENGTH", "the length that every traceparent has"),
    ("export/json/layout/ecs.rs", "PLACED", "a mark"),
    ("export/json/layout/place.rs", "FRACTION", "how many digits a millisecond has down to the nanosecond"),
    ("export/json/layout/place.rs", "SECOND", "a unit"),
    ("export/json/time.rs", "LAST", "the last moment of the year 9999"),
    ("export/json/time.rs", "LENGTH", "the length that every timestamp has"),
    ("export/json/time.rs", "NANOS_LENGTH", "the length that every timestamp in nanoseconds has"),
    ("export/output.rs", "BAD_DESCRIPTOR", "a code"),
    ("export/otlp_json.rs", "HAS_IS_REMOTE", "a bit"),
    ("export/otlp_json.rs", "IS_REMOTE", "a bit"),
    ("export/otlp_json.rs", "STATUS_ERROR", "a code"),
    ("export/otlp/metrics.rs", "CUMULATIVE", "a mark"),
    ("export/push/worker.rs", "RESTART", "a pace"),
    ("export/queue.rs", "BUFFER_SIZE", "what a buffer begins with"),
    ("export/queue.rs", "CLOSED", "a bit"),
    ("export/queue.rs", "LINE", "one line, in a word that counts lines and bytes"),
    ("export/queue/worker.rs", "IDLE_AFTER", "a pace"),
    ("export/queue/worker.rs", "RENEW_EVERY", "a pace"),
    ("export/queue/worker.rs", "RETRY", "a pace"),
    ("export/queue/worker.rs", "SLEEP", "a pace"),
    ("export/otlp/http.rs", "IDLE", "a pace"),
    ("export/spans/queue.rs", "CLOSED", "a bit"),
    ("export/spans/queue.rs", "SPAN", "one span, in a word that counts spans and bytes"),
    ("export/spans/worker.rs", "FIRST_PAUSE", "a pace"),
    ("export/spans/worker.rs", "RESTART", "a pace"),
    ("export/spans/worker.rs", "RETRY", "a pace"),
    ("export/spans/worker.rs", "TELL_EVERY", "a pace"),
    ("fields.rs", "BARE_MAX", "room for a number, which always fits"),
    ("fields.rs", "END_MAX", "room for what ends a value, which always fits"),
    ("fields/key.rs", "DIGITS", "how many digits a millisecond has down to the nanosecond"),
    ("fields/key.rs", "MILLI", "a unit"),
    ("fields/key.rs", "QUICK_MAX", "until where a quicker way is taken"),
    ("fields/name.rs", "FACTOR", "mixes a number's bits"),
    ("fields/name.rs", "CLEAN", "a bit"),
    ("fields/name.rs", "ODD", "a bit"),
    ("fields/name.rs", "REMEMBERED", "how many names a thread looks at only once"),
    ("fields/name.rs", "RESERVED_BITS", "a pattern of bits"),
    ("fields/name.rs", "SECRET", "a bit"),
    ("fields/name.rs", "TRIMMED", "a bit"),
    ("fields/name.rs", "URL", "a bit"),
    ("fields/special.rs", "HIGH", "a pattern of bits"),
    ("fields/special.rs", "ONES", "a pattern of bits"),
    ("fields/special.rs", "SPACES", "a pattern of bits"),
    ("label.rs", "LEN", "how many labels two sets have together"),
    ("label.rs", "SPACE", "how many combinations a set of labels has"),
    ("label.rs", "CARDINALITY", "how many values a label has"),
    ("label/own.rs", "CARDINALITY", "how many values a label has"),
    ("http_metrics.rs", "CARDINALITY", "how many values a label has"),
    ("http_metrics/segment.rs", "CARDINALITY", "how many values a label has"),
    ("generate/dashboard.rs", "SCHEMA_VERSION", "of Grafana's JSON"),
    ("generate/dashboard.rs", "LEAST_PANELS", "the layout of a dashboard"),
    ("generate/dashboard.rs", "COLUMNS", "the layout of a dashboard"),
    ("generate/dashboard.rs", "HEIGHT", "the layout of a dashboard"),
    ("generate/dashboard.rs", "TITLE_HEIGHT", "the layout of a dashboard"),
    ("generate/dashboard.rs", "SIDE_BY_SIDE", "the layout of a dashboard"),
    ("generate/dashboard.rs", "MAX_UID", "Grafana's own limit; what is longer is shortened and told apart"),
    ("generate/dashboard.rs", "LONGEST_BOARD", "a part of MAX_UID"),
    ("generate/dashboard.rs", "LONGEST", "a part of MAX_UID"),
    ("generate/dashboard.rs", "HASH", "a part of MAX_UID"),
    ("http_metrics/grpc.rs", "CARDINALITY", "how many values a label has"),
    ("http_metrics/status.rs", "CARDINALITY", "how many values a label has"),
    ("http_metrics/stream.rs", "CARDINALITY", "how many values a label has"),
    ("http_answer.rs", "UNKNOWN", "a mark"),
    ("genai/metrics.rs", "CARDINALITY", "how many values a label has"),
    ("hub.rs", "CARDINALITY", "how many values a label has"),
    ("label/assert.rs", "LONGEST", "the text of a compiler's error"),
    ("label/open.rs", "FIXED", "codes that are there from the start"),
    ("label/open.rs", "K0", "a number that mixes bits"),
    ("label/open.rs", "K1", "a number that mixes bits"),
    ("metric/hot_histogram.rs", "BUSY", "from when on memory is spent for speed"),
    ("metric/scale.rs", "CENTURIES", "seconds that `LIMIT` has"),
    ("metric/buckets.rs", "CLASSES", "the size of a table"),
    ("metric/cells.rs", "CHUNK", "how many are made together"),
    ("metric/cells.rs", "CHUNKS", "part of `MAX_CELLS`"),
    ("metric/cells.rs", "NONE", "a mark"),
    ("metric/cells.rs", "UNBORN", "a mark"),
    ("metric/histogram.rs", "WORDS", "the size of a block"),
    ("metric/native_histogram/buckets.rs", "MIN_BUCKETS", "the least that can be asked for"),
    ("metric/native_histogram/cells.rs", "PIECE", "how many are made together"),
    ("metric/native_histogram/index.rs", "CLASSES", "the size of a table"),
    ("metric/native_histogram/index.rs", "CLASS_SHIFT", "a number of bits"),
    ("metric/native_histogram/index.rs", "MANTISSA", "a number of bits"),
    ("metric/native_histogram/index.rs", "MANTISSAS", "a pattern of bits"),
    ("metric/native_histogram/index.rs", "PARTS", "the size of a table"),
    ("metric/native_histogram/index.rs", "ROOT", "a root of 2"),
    ("metric/series.rs", "FREE", "a mark"),
    ("metric/series.rs", "LITTER", "how many are made at once"),
    ("metric/series.rs", "OWN", "a mark"),
    ("metric/series.rs", "SPREAD", "a number that mixes bits"),
    ("metric/series.rs", "YOUNG", "how many texts are sealed together"),
    ("metric/snapshot.rs", "BLOCK", "the size of a block"),
    ("metric/summary.rs", "SLICES", "parts of a window"),
    ("metric/summary.rs", "STRIPES", "parts with locks of their own"),
    ("metric/text.rs", "LE", "as long as a bound can be"),
    ("metric/text.rs", "NUMBER", "as long as a whole number can be"),
    ("observe-tower/src/settings.rs", "GOOD", "a mark"),
    ("observe-tower/src/admin/builder.rs", "PORT", "a port"),
    ("observe-tower/src/admin/history.rs", "SLOT_TIME", "a pace"),
    ("observe-tower/src/admin/levels.rs", "USUAL", "what holds where nobody says how long"),
    ("observe-tower/src/admin/listener.rs", "ACCEPT_PAUSE", "a pace"),
    ("observe-tower/src/admin/slice/common.rs", "LEAST_BAD", "from when on it is told"),
    ("observe-tower/src/admin/trace.rs", "GAP_MIN", "from when on it is told"),
    ("redaction/names.rs", "CHAINS", "the size of a table"),
    ("redaction/names.rs", "COUNT", "how many words there are"),
    ("redaction/names.rs", "LONG", "a rule of spelling"),
    ("sampling/callsites.rs", "SLOTS", "a table's size, of `CALL_SITES`"),
    ("sampling/rate.rs", "SECOND", "a unit"),
    ("sampling.rs", "RANDOMNESS", "how many random numbers there are"),
    ("record/entries.rs", "EVENT", "a mark"),
    ("record/entries.rs", "EVENT_LEN", "the size of an entry without its texts"),
    ("record/entries.rs", "LINK", "a mark"),
    ("record/entries.rs", "LINK_LEN", "the size of an entry"),
    ("record/entries.rs", "SPAN", "a mark"),
    ("record/entries.rs", "SPAN_LEN", "the size of an entry without its texts"),
    ("record/entries.rs", "START", "what stands before an entry's numbers"),
    ("record/entries.rs", "TEXT_MAX", "far above what any text is"),
    ("recorder/head.rs", "EARLY", "a mark"),
    ("recorder/head.rs", "LEN", "the size of a record without its texts"),
    ("recorder/head.rs", "LINE", "a mark"),
    ("recorder/head.rs", "NOT_KEPT", "a mark"),
    ("recorder/head.rs", "TRACE", "a mark"),
    ("recorder/ring.rs", "LEN", "the size of a length"),
    ("generate/alertmanager.rs", "INTERVAL", "a pace, in a file"),
    ("generate/alertmanager.rs", "REPEAT", "a pace, in a file"),
    ("generate/alertmanager.rs", "REPEAT_OF_PAGES", "a pace, in a file"),
    ("generate/alertmanager.rs", "SHORTEST", "a pace, in a file"),
    ("generate/alertmanager.rs", "WAIT", "a pace, in a file"),
    ("generate/alertmanager.rs", "WAIT_OF_PAGES", "a pace, in a file"),
    ("generate/prometheus.rs", "BEYOND", "a time, in a file"),
    ("generate/prometheus.rs", "KEPT", "a time, in a file"),
    ("generate/prometheus.rs", "SCRAPE", "a pace, in a file"),
    ("generate/prometheus.rs", "SCRAPE_MIN", "a pace, in a file"),
    ("generate/rules.rs", "PACE", "a pace, in a file"),
    ("generate/rules/ceilings.rs", "MINUTE", "a unit"),
    ("generate/rules/deployment.rs", "KEEPS", "a time, in a file"),
    ("generate/rules/deployment.rs", "NEW", "a time, in a file"),
    ("generate/rules/deployment.rs", "TIMES", "a factor, in a file"),
    ("generate/rules/objective.rs", "ABSENT_FOR", "a time, in a file"),
    ("generate/rules/objective.rs", "KEEPS", "a time, in a file"),
    ("generate/rules/objective.rs", "PACES_OF_PERIOD", "a pace, in a file"),
    ("generate/rules/service.rs", "MINUTE", "a unit"),
    ("generate/rules/service.rs", "STARTS", "a number, in a file"),
    ("generate/rules_test.rs", "EVALUATION", "a pace, in a file"),
    ("generate/rules_test.rs", "TICK", "a pace, in a file"),
    ("generate/rules_test/deployment.rs", "COMES", "a time in a test, in a file"),
    ("generate/rules_test/deployment.rs", "END", "a time in a test, in a file"),
    ("generate/rules_test/deployment.rs", "TOLD", "a time in a test, in a file"),
    ("generate/rules_test/objective.rs", "ABSENT", "a time in a test, in a file"),
    ("generate/rules_test/objective.rs", "END", "a time in a test, in a file"),
    ("generate/rules_test/objective.rs", "FEW", "a number in a test, in a file"),
    ("generate/rules_test/objective.rs", "KEPT", "a time in a test, in a file"),
    ("generate/rules_test/objective.rs", "LONG", "a time in a test, in a file"),
    ("generate/rules_test/objective.rs", "PASSED", "a time in a test, in a file"),
    ("generate/rules_test/service.rs", "ABSENT", "a time in a test, in a file"),
    ("generate/rules_test/service.rs", "END", "a time in a test, in a file"),
    ("generate/rules_test/service.rs", "STARTED", "a time in a test, in a file"),
    ("slab.rs", "BATCH", "how many go together"),
    ("slab.rs", "INDEX_BITS", "a number of bits"),
    ("slab.rs", "LAST_GENERATION", "a mark: a slot's numbers begin again"),
    ("slab.rs", "PAGE", "how many are allocated together"),
    ("slab.rs", "PAGES", "part of `MOST_OPEN`"),
    ("span.rs", "OWN_DOOR", "a mark"),
    ("subscriber.rs", "SLAB", "a mark"),
    ("trace.rs", "LIMITED", "a mark"),
    ("trace.rs", "OPEN", "a mark"),
    ("trace/repeats.rs", "TOLD_FROM", "from when on it is told"),
    ("trace/waits.rs", "TOLD_FROM", "from when on it is told"),
    ("usage/queue.rs", "CARDINALITY", "how many values a label has"),
    ("trace/buffer.rs", "FIRST_BYTES", "what a buffer begins with"),
    ("subscriber/map.rs", "ROOM", "what is there from the start"),
    ("subscriber/map.rs", "STRIPES", "parts with locks of their own"),
    ("telemetry/drain.rs", "LOOK_OFTEN", "a pace"),
    ("slo/propose.rs", "ALL", "a unit"),
    ("slo/propose.rs", "LEAST_BUDGET", "from when on a figure says something"),
    ("slo/propose.rs", "LEAST_EVENTS", "from when on a figure says something"),
    ("slo/propose.rs", "LONGEST_NAME", "how much of a route a proposed name has"),
    ("slo/burn_rule.rs", "DAY", "a unit"),
    ("slo/burn_rule.rs", "HOUR", "a unit"),
    ("slo/burn_rule.rs", "LEAST_BAD_EVENTS", "a rule of alerts"),
    ("slo/burn_rule.rs", "MINUTE", "a unit"),
    ("slo/burn_rule.rs", "SHORT_PERIOD", "a rule of alerts"),
    ("slo/burn_rule.rs", "USUAL_PERIOD", "a rule of alerts"),
    ("levels.rs", "LOOK_EVERY", "a pace"),
    ("log_sampling.rs", "NO_RULE", "a mark"),
    ("trace/held.rs", "SIZE", "what is known of a line, always as much"),
];

/// The crates' code, tests left out, by the path that the page uses.
struct Code(BTreeMap<String, String>);

impl Code {
    fn read() -> Code {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut code = BTreeMap::new();
        for name in CRATES {
            let folder = root.join(name).join("src");
            let mut files = Vec::new();
            sources(&folder, &mut files);
            for file in files {
                let relative = file.strip_prefix(&folder).unwrap().to_str().unwrap().replace('\\', "/");
                if relative.ends_with("tests.rs") || relative.contains("tests/") {
                    continue;
                }
                let text = fs::read_to_string(&file).unwrap();
                let text = text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
                let path = if name == "observe-core" { relative } else { format!("{name}/src/{relative}") };
                code.insert(path, text);
            }
        }
        Code(code)
    }

    /// What a file says of an item: a constant's value, the number that stands behind a piece of code, or what a call
    /// that is there is given.
    fn value(&self, path: &str, item: &str) -> Result<u128, String> {
        let text = self.0.get(path).ok_or_else(|| format!("there is no {path}"))?;
        let values: BTreeSet<u128> = if is_name(item) {
            let start = format!("const {item}:");
            behind(text, &start).filter_map(|end| self.evaluate(path, end.split_once('=')?.1)).collect()
        } else if let Some(call) = item.strip_suffix(')').filter(|_| text.contains(item)) {
            call.rsplit('(').next().and_then(|value| self.evaluate(path, value)).into_iter().collect()
        } else {
            behind(text, item).filter_map(|end| self.evaluate(path, end)).collect()
        };
        match Vec::from_iter(values).as_slice() {
            [value] => Ok(*value),
            other => Err(format!("{path} `{item}` says {other:?}")),
        }
    }

    /// Products, differences, shifts and quotients of numbers and constants; times in nanoseconds.
    fn evaluate(&self, path: &str, text: &str) -> Option<u128> {
        let text = text.trim_start();
        let (unit, text) = match text.strip_prefix("Duration::from_") {
            Some(time) => {
                let (unit, time) = time.split_once('(')?;
                (
                    match unit {
                        "secs" => 1_000_000_000,
                        "millis" => 1_000_000,
                        _ => return None,
                    },
                    time,
                )
            }
            None => (1, text),
        };
        let end = text.find([';', ',', ')', '}', '\n', '=']).unwrap_or(text.len());
        let words: Vec<&str> = text[..end].split_whitespace().collect();
        let (first, mut rest) = words.split_first()?;
        let mut value = self.operand(path, first)?;
        while let [operator, operand, more @ ..] = rest {
            rest = more;
            if *operator == "as" {
                continue;
            }
            let operand = self.operand(path, operand)?;
            value = match *operator {
                "*" => value.checked_mul(operand)?,
                "/" => value.checked_div(operand)?,
                "-" => value.checked_sub(operand)?,
                "<<" => value.checked_shl(u32::try_from(operand).ok()?)?,
                _ => return None,
            };
        }
        rest.is_empty().then(|| value * unit)
    }

    fn operand(&self, path: &str, word: &str) -> Option<u128> {
        if word.starts_with(|char: char| char.is_ascii_digit()) {
            return word.replace('_', "").parse().ok();
        }
        let defined =
            |path: &str| self.0.get(path).is_some_and(|text| text.contains(&format!("const {word}:")));
        if !is_name(word) {
            return None;
        }
        if defined(path) {
            return self.value(path, word).ok();
        }
        let elsewhere = self.0.keys().find(|path| defined(path))?;
        self.value(elsewhere, word).ok()
    }

    /// Every number that the code names, and every limit of a label of the library's own.
    fn numbers(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for (path, text) in &self.0 {
            for line in text.lines() {
                let line = line.trim_start();
                if let Some((_, after)) = line.split_once("const ")
                    && let Some((name, kind)) = after.split_once(": ")
                    && is_name(name)
                    && ["u8", "u16", "u32", "u64", "u128", "usize", "i32", "i64", "Duration"]
                        .contains(&kind.split([' ', ';']).next().unwrap())
                {
                    found.insert((path.clone(), name.to_owned()));
                }
                if !line.starts_with("//")
                    && let Some((_, call)) = line.split_once(".max_series(")
                    && let Some((series, _)) = call.split_once(')')
                    && series.starts_with(|char: char| char.is_ascii_digit())
                {
                    let alone = !series.contains(' ');
                    let item = if alone { ".max_series(" } else { &format!(".max_series({series})") };
                    found.insert((path.clone(), item.to_owned()));
                }
                if let Some((name, _)) = line.split_once(", max ")
                    && !path.starts_with("observe-macros")
                    && !line.starts_with("//")
                    && line.split_once(", max ").unwrap().1.starts_with(|char: char| char.is_ascii_digit())
                {
                    let name = name.split_whitespace().last().unwrap();
                    found.insert((path.clone(), format!("{name}, max")));
                }
            }
        }
        found
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_')
}

fn behind<'a>(text: &'a str, item: &str) -> impl Iterator<Item = &'a str> {
    text.match_indices(item).filter_map(move |(at, found)| text.get(at + found.len()..))
}

struct Row {
    what: String,
    most: u128,
    seen: String,
    places: Vec<(String, String)>,
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/limits.md")).unwrap()
}

fn rows(page: &str) -> Vec<Row> {
    let lines = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("| what |"));
    lines.filter(|line| !line.starts_with("| ---")).map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [what, most, _, seen, places] = cells[..] else { panic!("five cells: {line}") };
    let texts: Vec<&str> = places.split('`').skip(1).step_by(2).collect();
    assert!(!texts.is_empty() && texts.len().is_multiple_of(2), "a file and an item: {line}");
    let places = texts.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect();
    Row { what: what.to_owned(), most: number(most), seen: seen.to_owned(), places }
}

/// `16 KiB`, `10,000`, `250 ms`: in bytes, in nanoseconds, else as it is.
fn number(text: &str) -> u128 {
    let (digits, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: u128 = digits.replace(',', "").parse().unwrap_or_else(|_| panic!("a number: {text}"));
    number
        * match unit {
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "" | "bytes" | "characters" => 1,
            other => panic!("a unit: {other}"),
        }
}

#[test]
fn every_row_is_what_the_code_says() {
    let code = Code::read();
    let mut wrong = Vec::new();
    for row in rows(&page()) {
        for (path, item) in &row.places {
            match code.value(path, item) {
                Ok(value) if value == row.most => {}
                other => wrong
                    .push(format!("{}: {} on the page, {other:?} in {path} `{item}`", row.what, row.most)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_named_bound_has_a_row_and_no_other_number_has() {
    let listed: BTreeSet<_> = rows(&page()).into_iter().flat_map(|row| row.places).collect();
    let no_limits: BTreeSet<_> =
        NO_LIMITS.iter().map(|(path, name, _)| ((*path).to_owned(), (*name).to_owned())).collect();
    let numbers = Code::read().numbers();
    let missing: Vec<_> =
        numbers.iter().filter(|at| !listed.contains(at) && !no_limits.contains(at)).collect();
    assert!(missing.is_empty(), "no row in docs/limits.md, or entry in NO_LIMITS: {missing:#?}");
    let gone: Vec<_> = no_limits.difference(&numbers).collect();
    assert!(gone.is_empty(), "in NO_LIMITS, but not in the code: {gone:#?}");
    let both: Vec<_> = no_limits.intersection(&listed).collect();
    assert!(both.is_empty(), "a limit and none: {both:#?}");
}

#[test]
fn every_metric_that_shows_a_bound_is_one_of_ours() {
    let code = Code::read();
    let names: String =
        code.0.iter().filter(|(path, _)| path.starts_with("semconv")).map(|(_, text)| &**text).collect();
    for row in rows(&page()) {
        for text in row.seen.split('`').skip(1).step_by(2) {
            let (name, labels) = text.split_once('{').unwrap_or((text, ""));
            if name.contains('_') {
                assert!(names.contains(&format!("\"{name}\"")), "{}: no {name}", row.what);
            }
            for value in labels.split('"').skip(1).step_by(2) {
                let quoted = format!("\"{value}\"");
                assert!(
                    code.0.values().any(|text| text.contains(&quoted)),
                    "{}: nobody says {value}",
                    row.what
                );
            }
        }
    }
}
