use super::*;
use proptest::prelude::*;

const ALL: [Dialect; 6] =
    [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite, Dialect::SqlServer, Dialect::Oracle, Dialect::Other];

fn text(sql: &str, dialect: Dialect) -> Option<String> {
    Statement::read(sql, dialect).text
}

#[track_caller]
fn becomes(dialect: Dialect, sql: &str, expected: &str) {
    assert_eq!(text(sql, dialect).as_deref(), Some(expected), "{dialect:?}: {sql}");
}

#[test]
fn literals_are_left_out() {
    for dialect in ALL {
        for (sql, expected) in [
            ("select * from t where a = 'x' and b = 17", "select * from t where a = ? and b = ?"),
            ("select 'it''s', -1.5e-7, .5, 0xCAFE, true, null;", "select ?, -?, ?, ?, ?, null"),
            ("select a -- its 17\n , b /* x */ from t1", "select a , b from t1"),
            ("select x'0A', n'ü', date '2020-01-01', date'2020-01-01'", "select ?, ?, date ?, date?"),
            ("  select\n\t a ,b from  t  ", "select a ,b from t"),
            (
                "select a from t where b = ? and c = :name and d = @p1",
                "select a from t where b = ? and c = :name and d = @p1",
            ),
            (
                "where a in (1, 2, 3) and b in ('x') and c in (?, ?)",
                "where a in (?) and b in (?) and c in (?)",
            ),
            (
                "where a in (select b from t where c in (-1, 2))",
                "where a in (select b from t where c in (?))",
            ),
            ("where a in (1, f(2))", "where a in (?, f(?))"),
            ("insert into t (a, b) values (1, 'x'), (2, 'y') ,(3, ?)", "insert into t (a, b) values (?, ?)"),
            (
                "insert into t values (1), (2) on conflict do nothing",
                "insert into t values (?) on conflict do nothing",
            ),
            ("insert into t values (1, now()), (2, now())", "insert into t values (?, now()), (?, now())"),
            ("", ""),
        ] {
            becomes(dialect, sql, expected);
        }
    }
}

#[test]
fn each_dialect_has_its_own_marks() {
    use Dialect::*;
    for (dialect, sql, expected) in [
        (
            Postgres,
            r#"select "a b" from "T" where c = $1 and d::text = 'x'"#,
            r#"select "a b" from "T" where c = $1 and d::text = ?"#,
        ),
        (Postgres, "where a in ($1, $2, $3) and b = any($4)", "where a in (?) and b = any($4)"),
        (Postgres, r"select E'a\'b', 'c\', $$it's$$, $x$ $$ ' $x$", "select ?, ?, ?, ?"),
        (Postgres, "select a #> '{b}', a[1:2], 5--1\n", "select a #> ?, a[?:?], ?"),
        (Postgres, "select /* one /* two */ ; */ 1", "select ?"),
        (MySql, r#"select "x\"y", 'z\'', `a`.`b`, _utf8'q' # its"#, "select ?, ?, `a`.`b`, ?"),
        (MySql, "select 5--1, 6 -- its", "select ?--?, ?"),
        (Sqlite, r#"select "x", [y z], `w`, ?1, $v, 'c\'"#, r"select ?, [y z], `w`, ?1, $v, ?"),
        (
            SqlServer,
            "select [its], #t.a, $100, @@rowcount from #t",
            "select [its], #t.a, ?, @@rowcount from #t",
        ),
        (
            Oracle,
            "select q'[it's]', nq'!x!' from v$session where a = :1",
            "select ?, ? from v$session where a = :?",
        ),
        (Other, r#"{ "find": "orders", limit: 5, a: $p }"#, "{ ?: ?, limit: ?, a: $p }"),
    ] {
        becomes(dialect, sql, expected);
    }
}

// Mutation caught: a statement that its database would not take, and of which parts are told all the same.
#[test]
fn what_is_malformed_is_left_out_whole() {
    use Dialect::*;
    for (dialects, sql) in [
        (&ALL[..], "select 'secret"),
        (&ALL, "select 'O'Brien', 'secret'"),
        (&ALL, "select 'O'secret, 'x'"),
        (&ALL, "select 'a' /* secret"),
        (&ALL, "select name'secret'"),
        (&ALL, "select secret -- it's"),
        (&ALL, "select secret /* it's */ from t"),
        (&[SqlServer, Sqlite], "select secret[it's]"),
        (&ALL, "select 'a\0b'"),
        (&ALL, r"select a\'secret'"),
        (&[Postgres, Other], "select $a$ secret $b$"),
        (&[Postgres, Other], "select tag$secret$tag$"),
        (&[Postgres, MySql, Sqlite, SqlServer, Other], "select q'[it's secret]'"),
        (&[Other], r"select 'a\' secret \'b'"),
        (&[Other, Sqlite], "select 1 # it's secret"),
        (&[Other], "select 1 --it's secret"),
        (&[Other], "select /* /* */ secret */"),
        (&[Other], "match (n) // it's secret"),
    ] {
        for dialect in dialects {
            let statement = Statement::read(sql, *dialect);
            assert_eq!(statement.text, None, "{dialect:?}: {sql}");
            assert_eq!(statement.hash(), None);
            assert!(["select", ""].contains(&statement.summary.as_str()), "{:?}", statement.summary);
        }
    }
    let long = format!("delete from t where a = '{}'", "x".repeat(MAX_STATEMENT));
    let statement = Statement::read(&long, Postgres);
    assert_eq!((statement.text, statement.summary.as_str()), (None, "delete"));
}

#[test]
fn a_summary_says_what_is_done_to_what() {
    for (sql, summary, operation, target) in [
        ("select a, b from orders where c = 1", "select orders", "select", "orders"),
        (
            "SELECT * FROM shop.orders o, items AS i JOIN stock s ON o.a = s.a, x",
            "SELECT shop.orders items stock",
            "SELECT",
            "",
        ),
        ("select a from (select b from c) d, e", "select select c e", "", ""),
        ("insert into t (a, b) values (?, ?) on conflict (a) do update set b = 1", "insert t", "insert", "t"),
        ("insert or ignore into receipts (order_id) values (?1)", "insert receipts", "insert", "receipts"),
        ("INSERT INTO a SELECT * FROM b", "INSERT a SELECT b", "", ""),
        ("update only t set a = 1 from u where b is distinct from c", "update t u", "update", ""),
        ("delete from t using u where t.a = u.a", "delete t", "delete", "t"),
        (
            "with x as (select a from t), y as (delete from u returning *) select * from x",
            "select t delete u select x",
            "",
            "",
        ),
        ("select a from t where b = 1 for update", "select t", "select", "t"),
        ("select extract(year from ts), trim(both from a) from t", "select t", "select", "t"),
        ("select distinct a from t union all select b from u", "select t select u", "", ""),
        (
            "create table if not exists orders (id int references x (id) on delete cascade)",
            "create orders",
            "create",
            "orders",
        ),
        ("create or replace view v as select a from t", "create v select t", "", ""),
        ("create unique index concurrently i on t (a)", "create i", "create", "i"),
        ("truncate table a.b.c", "truncate a.b.c", "truncate", "a.b.c"),
        ("merge into t using u on (t.a = u.a) when matched then update set b = 1", "merge t u", "merge", ""),
        ("call refresh(1)", "call refresh", "call", "refresh"),
        ("begin; update t set a = 1; commit", "begin update t commit", "", "t"),
        ("explain analyze select 1", "explain analyze select", "", ""),
        ("secret orders", "", "", ""),
        ("", "", "", ""),
    ] {
        let read = Statement::read(sql, Dialect::Postgres).summary;
        assert_eq!((read.as_str(), read.operation(), read.target()), (summary, operation, target), "{sql}");
    }
    let quoted = Statement::read(r#"select * from "shop"."orders" join "a b""#, Dialect::Postgres).summary;
    assert_eq!(quoted.as_str(), r#"select shop.orders "a b""#);
    let many: String = (0..200).map(|n| format!(", table_{n}")).collect();
    let read = Statement::read(&format!("select 1 from t{many}"), Dialect::Postgres).summary;
    assert!(read.as_str().len() <= 255 && read.as_str().ends_with(|last: char| last.is_ascii_digit()));
}

#[test]
fn equal_statements_have_one_hash() {
    let hash = |sql| Statement::read(sql, Dialect::Postgres).hash().unwrap();
    assert_eq!(hash("select a from t where b = 'x'"), hash("select  a from t -- y\n where b = 17;"));
    assert_eq!(hash("select a from t where b in (1)"), hash("select a from t where b in ($1, $2)"));
    assert_ne!(hash("select a from t"), hash("select a from u"));
    // Public: it is looked for in other tools, and must not change.
    assert_eq!(format!("{:016x}", hash("select a from t where b = 'x'")), "adb0ddec8c309869");
}

/// What must not be seen.
const SECRET: &str = "hunter2SECRET";

/// A text with the secret in it, as the dialect writes it.
fn secret(dialect: Dialect) -> BoxedStrategy<String> {
    let inner = prop_oneof![
        Just(""),
        Just("''"),
        Just(" -- "),
        Just("/*"),
        Just(";"),
        Just("\n"),
        Just("é"),
        Just("\"")
    ];
    let plain = (inner.clone(), inner).prop_map(|(a, b)| format!("'{a}{SECRET}{b}'"));
    let mut all =
        vec![plain.boxed(), Just(format!("n'{SECRET}'")).boxed(), Just(format!("date '{SECRET}'")).boxed()];
    match dialect {
        Dialect::Postgres => {
            all.push(Just(format!("E'\\'{SECRET}'")).boxed());
            all.push(Just(format!("$${SECRET} '$$")).boxed());
            all.push(Just(format!("$tag${SECRET}'$tag$")).boxed());
        }
        Dialect::MySql => {
            all.push(Just(format!("'a\\'{SECRET}\\\\'")).boxed());
            all.push(Just(format!("\"{SECRET}'\"")).boxed());
            all.push(Just(format!("_utf8'{SECRET}'")).boxed());
        }
        Dialect::Oracle => all.push(Just(format!("q'[it's {SECRET}]'")).boxed()),
        Dialect::Other => all.push(Just(format!("$t${SECRET}$t$")).boxed()),
        Dialect::Sqlite => all.push(Just(format!("\"{SECRET}\"")).boxed()),
        Dialect::SqlServer => {}
    }
    proptest::strategy::Union::new(all).boxed()
}

fn dialect() -> impl Strategy<Value = Dialect> {
    proptest::sample::select(&ALL[..])
}

/// A statement that its dialect takes, with the secret in each of its texts.
fn statement() -> impl Strategy<Value = (Dialect, String)> {
    let parts = || {
        prop_oneof![
            Just("select a, b from t where c = @ and d = 5"),
            Just("insert into t (a, b) values (@, 1), (@, 2)"),
            Just("update t set a = @ where b in (@, @) "),
            Just("select a -- a comment\n from t where b like @ escape @"),
            Just("select case when a = @ then @ else 7 end from t /* more */ where x=@"),
            Just("delete from t where a=@ or (b between @ and 1e-7)"),
            Just("select a from t where b = @ union all select @ from u order by 1"),
        ]
    };
    (dialect(), parts()).prop_flat_map(|(dialect, parts)| {
        let texts = proptest::collection::vec(secret(dialect), 8);
        texts.prop_map(move |texts| {
            let mut sql = String::new();
            for (part, text) in parts.split('@').zip(&texts) {
                if !sql.is_empty() {
                    sql.push_str(text);
                }
                sql.push_str(part);
            }
            // The first part has none before it.
            (dialect, sql)
        })
    })
}

fn tells(statement: &Statement) -> bool {
    let said = format!("{:?}", (&statement.text, &statement.summary));
    said.contains("hunter2") || said.contains("SECRET") || said.contains("2SEC")
}

/// A piece of the secret, cut anywhere, that is long enough to be told from chance.
fn tells_part(statement: &Statement) -> bool {
    let said = format!("{:?}", (&statement.text, &statement.summary));
    SECRET.as_bytes().windows(4).any(|part| said.contains(std::str::from_utf8(part).unwrap_or("hunter2")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // Mutations caught: a text whose end is taken for within, in any dialect.
    #[test]
    fn no_secret_is_told((dialect, sql) in statement()) {
        let statement = Statement::read(&sql, dialect);
        prop_assert!(sql.contains(SECRET) && statement.text.is_some(), "{} {:?}", sql, statement);
        prop_assert!(!tells(&statement), "{} {:?}", sql, statement);
    }

    // Mutations caught: what came before the end of a text that has none is told.
    #[test]
    fn no_secret_is_told_of_a_statement_that_is_cut((dialect, sql) in statement(), at in any::<prop::sample::Index>()) {
        let ends: Vec<usize> = sql.char_indices().map(|(at, _)| at).collect();
        let cut = &sql[..ends[at.index(ends.len())]];
        let statement = Statement::read(cut, dialect);
        prop_assert!(!tells_part(&statement), "{} {:?}", cut, statement);
    }

    // Mutations caught: a text that begins where another ended.
    #[test]
    fn no_secret_is_told_where_a_sign_is_missing((dialect, sql) in statement(), at in any::<prop::sample::Index>()) {
        let mut chars: Vec<char> = sql.chars().collect();
        chars.remove(at.index(chars.len()));
        let missing: String = chars.into_iter().collect();
        let statement = Statement::read(&missing, dialect);
        prop_assert!(!tells_part(&statement), "{} {:?}", missing, statement);
    }

    #[test]
    fn nothing_is_too_strange(sql in "\\PC{0,80}|[-'\"`$#/*\\\\()\\[\\],;a-cq0 ]{0,40}", dialect in dialect()) {
        let statement = Statement::read(&sql, dialect);
        prop_assert!(statement.summary.as_str().len() <= 255);
        if let Some(text) = &statement.text {
            // A literal is at most four signs longer: `1` in `IN (1)` is not.
            prop_assert!(text.len() <= sql.len() + 1, "{} {}", sql, text);
        }
    }

    // Mutation caught: a sanitised text that is read otherwise than what it was made of.
    #[test]
    fn what_was_read_reads_the_same((dialect, sql) in statement()) {
        let once = Statement::read(&sql, dialect);
        let again = Statement::read(once.text.as_deref().unwrap_or_default(), dialect);
        prop_assert_eq!(&once.text, &again.text);
        prop_assert_eq!(once.summary, again.summary);
    }
}
