//! Statements: nothing of a literal or of a comment is told, and what is told of a statement is told of that again.

use crate::json::Json;
use crate::pieces::Texts;
use crate::written::Log;
use observe_core::LogFormat;
use std::sync::LazyLock;

static LOG: LazyLock<Log> = LazyLock::new(|| Log::new(LogFormat::Json));

/// In each literal and in each comment, and a number that stands for one.
const PLANTED: &str = "Pl4nted";
const CARD: &str = "4111111111111111";

const SYSTEMS: [&str; 6] =
    ["postgresql", "mysql", "sqlite", "microsoft.sql_server", "oracle.db", "some_other_sql"];

/// What means the same to all of them.
const COMMON: [&str; 26] = [
    "select",
    "from",
    "orders",
    "where",
    "=",
    ",",
    "(",
    ")",
    "a1",
    "insert into",
    "values",
    "update",
    "set",
    "delete",
    "with",
    "as",
    ";",
    "join",
    "*",
    "?",
    "'Pl4nted'",
    "'it''s Pl4nted'",
    "/* Pl4nted */",
    "-- Pl4nted\n",
    "4111111111111111",
    "-4111111111111111",
];

/// What means a literal, or a comment, to one of them.
const OWN: [&[&str]; 6] = [
    &[
        "$$Pl4nted$$",
        "$t$ ' Pl4nted $ $t$",
        r"E'\'Pl4nted'",
        "/* a /* b */ Pl4nted */",
        "U&'Pl4nted'",
        "B'1'",
    ],
    &["\"Pl4nted\"", r"'\'Pl4nted'", "# Pl4nted\n", "x'4111111111111111'", "`a name`"],
    &["\"Pl4nted\"", "[a name]", "`a name`"],
    &["N'Pl4nted'", "[a name]", "\"a name\""],
    &["q'[it's Pl4nted]'", "q'!'Pl4nted!'", "\"a name\""],
    &[],
];

/// The system; the words of a statement, each by a letter's number; what stands in a literal; and any statement.
pub fn check(data: &[u8]) {
    let mut texts = Texts::of(data);
    let system = usize::from(texts.number()) % SYSTEMS.len();
    let (words, literal, any) = (texts.text(), texts.text(), texts.text());

    let literal = format!("'{}{PLANTED}'", literal.replace('\'', "''").replace('\\', ""));
    let words: Vec<&str> = words
        .bytes()
        .take(200)
        .map(|byte| {
            let at = usize::from(byte.wrapping_sub(b'A'));
            let own = || OWN[system].get(at - COMMON.len()).copied();
            COMMON.get(at).copied().or_else(|| (at >= COMMON.len()).then(own).flatten()).unwrap_or(&literal)
        })
        .collect();
    for statement in [words.join(" "), words.join("\n")] {
        for told in of(system, &statement) {
            assert!(
                !told.contains(PLANTED) && !told.contains(CARD),
                "{statement:?} of {}: {told}",
                SYSTEMS[system]
            );
        }
    }
    // But for two signs that MySQL takes for a comment by what stands behind them, which was a comment and is gone.
    if let [summary, text] = &of(system, &any)[..]
        && !text.contains("--")
    {
        assert_eq!(of(system, text), [summary.clone(), text.clone()], "{any:?} of {}", SYSTEMS[system]);
    }
}

/// The summary, and the text if there is one.
fn of(system: usize, statement: &str) -> Vec<String> {
    let lines = LOG.of(|telemetry| {
        let database = telemetry.database(SYSTEMS[system]).unwrap().query_text(true);
        database
            .query(statement)
            .run(|| {
                tracing::info!("in it");
                Ok::<_, ()>(())
            })
            .unwrap();
    });
    let line = Json::read(&lines[0]);
    let told = |key| line.find(key).and_then(Json::as_text).map(str::to_owned);
    let summary = told("db.query.summary").unwrap_or_default();
    let text = told("db.query.text").filter(|_| !lines[0].contains("truncated"));
    [summary].into_iter().chain(text).collect()
}
