//! Dashboards for Grafana, in its classic JSON: one for what everybody looks at, and further ones for dependencies, resources,
//! the service from within and the library itself, where there is something to show.

mod dependencies;
mod family;
mod itself;
mod objectives;
mod panel;
mod query;
mod requests;
mod resources;
mod service;

use super::File;
use super::declared::Declared;
use super::folder::MARK;
use crate::semconv::own;
use panel::{Panel, data_source};
use query::select;
use serde_json::{Value, json};

/// The JSON's version: what Grafana 9 wrote, and all later ones read.
const SCHEMA_VERSION: u32 = 36;

/// Fewer panels on the first dashboard say too little. There are at most 15: more are not looked at.
const LEAST_PANELS: usize = 5;

/// How many columns a dashboard has.
const COLUMNS: usize = 24;
/// How high a panel is, and a row's title.
const HEIGHT: usize = 8;
const TITLE_HEIGHT: usize = 1;
/// How many panels stand side by side.
const SIDE_BY_SIDE: usize = 3;

/// The longest `uid` that Grafana takes.
const MAX_UID: usize = 40;

/// Panels under one title.
#[derive(Debug)]
struct Row {
    title: &'static str,
    panels: Vec<Panel>,
}

impl Row {
    fn new(title: &'static str, panels: Vec<Panel>) -> Self {
        Self { title, panels }
    }
}

/// A dashboard that others lead to.
struct Board {
    /// Ends its file's name and its `uid`; of the first one empty.
    name: &'static str,
    title: &'static str,
    rows: Vec<Row>,
}

/// Every dashboard; `dashboard.json` is the first.
pub(super) fn files(declared: &Declared) -> Vec<File> {
    let board = |name, title, rows| Board { name, title, rows };
    let mut boards = vec![
        board("", "", top(declared)),
        board("dependencies", "Dependencies", dependencies::rows(declared)),
        board("resources", "Resources", resources::rows(declared)),
        board("service", "From within", service::rows(declared)),
        board("library", "The library", itself::rows(declared)),
    ];
    for board in &mut boards {
        board.rows.retain(|row| !row.panels.is_empty());
    }
    boards.retain(|board| board.name.is_empty() || !board.rows.is_empty());
    let file = |board: &Board| {
        let path = match board.name {
            "" => "dashboard.json".to_owned(),
            name => format!("dashboard-{name}.json"),
        };
        let mut text = format!("{:#}", json(declared, &boards, board));
        text.push('\n');
        File { path, text }
    };
    boards.iter().map(file).collect()
}

/// What everybody looks at.
fn top(declared: &Declared) -> Vec<Row> {
    let (by_route, mut by_method) = (requests::by_route(declared), requests::by_method(declared));
    let mut dependencies = dependencies::summary(declared);
    let mut resources = resources::summary(declared);
    let mut functions = service::summary(declared);
    // A service that speaks both has less room for the rest, which has dashboards of its own.
    if !by_route.is_empty() && !by_method.is_empty() {
        by_method.truncate(3);
        dependencies.truncate(1);
        resources.truncate(1);
        functions.clear();
    }
    let mut rows = vec![
        Row::new("Objectives", [objectives::summary(declared), resources::lag(declared)].concat()),
        Row::new("Requests", by_route),
        Row::new("Calls by gRPC", by_method),
        Row::new("Dependencies", dependencies),
        Row::new("Resources", resources),
        Row::new("Functions", functions),
        Row::new("Limits", itself::summary(declared)),
    ];
    let count = rows.iter().map(|row| row.panels.len()).sum::<usize>();
    let missing = LEAST_PANELS.saturating_sub(count);
    rows.push(Row::new("The process", itself::basics(declared).into_iter().take(missing).collect()));
    rows
}

fn json(declared: &Declared, boards: &[Board], board: &Board) -> Value {
    let service = &declared.service;
    let title = match board.title {
        "" => service.clone(),
        title => format!("{service}: {title}"),
    };
    json!({
        "title": title,
        "description": format!(
            "{MARK} from what {service} declares: changes here are lost with the next generation. It shows what \
             the rules of rules.yaml record and what the job chosen at the top says."
        ),
        "uid": uid(service, board.name),
        "tags": ["observe", service],
        "schemaVersion": SCHEMA_VERSION,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": links(service, boards, board),
        "templating": {"list": variables(declared, board)},
        "annotations": {"list": deploys(declared)},
        "panels": laid_out(&board.rows),
    })
}

/// Stable, and of what Grafana takes: letters, digits, `-` and `_`. A name that is too long, or has something else, is told
/// apart from others by a hash.
fn uid(service: &str, board: &str) -> String {
    const PREFIX: &str = "observe-";
    const LONGEST_BOARD: usize = "-dependencies".len();
    const LONGEST: usize = MAX_UID - PREFIX.len() - LONGEST_BOARD;
    const HASH: usize = "-01234567".len();
    let is_taken = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let mut name: String = service.chars().filter(|character| is_taken(*character)).collect();
    if name != service || name.len() > LONGEST {
        name.truncate(LONGEST - HASH);
        // FNV-1a: the same in every version of this crate.
        let hash = service
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        name = format!("{name}-{hash:08x}");
    }
    let board = if board.is_empty() { String::new() } else { format!("-{board}") };
    format!("{PREFIX}{name}{board}")
}

/// To every other one.
fn links(service: &str, boards: &[Board], from: &Board) -> Vec<Value> {
    let others = boards.iter().filter(|board| board.name != from.name);
    others
        .map(|board| {
            json!({
                "type": "link",
                "title": if board.title.is_empty() { "Overview" } else { board.title },
                "url": format!("/d/{}", uid(service, board.name)),
                "icon": "dashboard",
                "tooltip": "",
                "tags": [],
                "asDropdown": false,
                "targetBlank": false,
                "includeVars": true,
                "keepTime": true,
            })
        })
        .collect()
}

/// What can be chosen at the top.
fn variables(declared: &Declared, board: &Board) -> Vec<Value> {
    let mut variables = vec![json!({
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "hide": 0,
        "refresh": 1,
        "regex": "",
        "multi": false,
        "includeAll": false,
        "skipUrlSync": false,
    })];
    let info = declared.called(own::BUILD_INFO).map_or("up", |called| called.name);
    let job = json!({"selected": true, "text": [declared.service], "value": [declared.service]});
    variables.push(variable("job", "Job", &format!("label_values({info}, job)"), &job));
    let of_job = format!(r#"label_values({info}{{job=~"$job"}}, instance)"#);
    variables.push(variable("instance", "Instance", &of_job, &all()));
    if board.name.is_empty()
        && let Some((family, route)) = requests::route(declared)
    {
        let values = format!("label_values({}, {route})", select(&format!("{family}_count"), ""));
        variables.push(variable("route", "Route", &values, &all()));
    }
    variables
}

fn all() -> Value {
    json!({"selected": true, "text": ["All"], "value": ["$__all"]})
}

fn variable(name: &str, label: &str, query: &str, current: &Value) -> Value {
    json!({
        "type": "query",
        "name": name,
        "label": label,
        "datasource": data_source(),
        "query": query,
        "current": current,
        // With the range of time: what came since the dashboard was opened is there to choose.
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "allValue": ".+",
        "regex": "",
        "hide": 0,
        "options": [],
        "skipUrlSync": false,
    })
}

/// Marks when a version was first started.
fn deploys(declared: &Declared) -> Vec<Value> {
    let (Some(info), Some(start)) =
        (declared.family(own::BUILD_INFO), declared.family(own::PROCESS_START_TIME_SECONDS))
    else {
        return Vec::new();
    };
    let Some(version) = info.label(own::VERSION) else { return Vec::new() };
    let (info, start) = (select(info.name, ""), select(start.name, ""));
    vec![json!({
        "name": "Deployments",
        "datasource": data_source(),
        "enable": true,
        "hide": false,
        "iconColor": "blue",
        "expr": format!("min by ({version}) ({info} * on (job, instance) group_left () {start}) * 1000"),
        "step": "60s",
        "titleFormat": format!("{{{{{version}}}}}"),
        "textFormat": "deployed",
        "tagKeys": version,
        "useValueForTime": true,
    })]
}

/// Each row under its title, its panels side by side so that every line is full.
fn laid_out(rows: &[Row]) -> Vec<Value> {
    let (mut panels, mut y) = (Vec::new(), 0);
    for row in rows {
        panels.push(json!({
            "id": panels.len() + 1,
            "type": "row",
            "title": row.title,
            "collapsed": false,
            "gridPos": {"h": TITLE_HEIGHT, "w": COLUMNS, "x": 0, "y": y},
            "panels": [],
        }));
        y += TITLE_HEIGHT;
        let mut rest = row.panels.as_slice();
        while !rest.is_empty() {
            // Four are two and two, not three and one.
            let count = match rest.len() {
                4 => 2,
                many => many.min(SIDE_BY_SIDE),
            };
            let (line, after) = rest.split_at(count);
            let width = COLUMNS / count;
            for (at, panel) in line.iter().enumerate() {
                panels.push(panel.json(panels.len() + 1, [at * width, y, width, HEIGHT]));
            }
            y += HEIGHT;
            rest = after;
        }
    }
    panels
}

/// The families that are shown and whose names begin so.
fn begun_by<'a>(declared: &'a Declared, prefixes: &[&str]) -> Vec<&'a str> {
    let names = declared.families.keys().map(String::as_str);
    names.filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: two names with one `uid`; one that Grafana does not take.
    #[test]
    fn uids_are_stable_short_and_apart() {
        assert_eq!(uid("checkout", ""), "observe-checkout");
        assert_eq!(uid("checkout", "resources"), "observe-checkout-resources");
        let names = ["a/b", "ab", "ä", "a-very-long-name-of-a-service", "a-very-long-name-of-a-server", ""];
        let uids = names.map(|name| uid(name, "dependencies"));
        for (at, uid) in uids.iter().enumerate() {
            assert!(uid.len() <= MAX_UID && uid.len() >= 8, "{uid}");
            assert!(uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{uid}");
            assert!(!uids[..at].contains(uid), "{uid}");
        }
        assert_eq!(uid("a/b", ""), "observe-ab-3a8e75c1");
    }
}
