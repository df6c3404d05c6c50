//! Which targets are heard at which level: the syntax of `RUST_LOG`.

use std::fmt;
use std::str::FromStr;

use tracing_core::{Level, LevelFilter};

use crate::error::{Error, Kind};

/// Which events and spans are recorded, by target and level.
///
/// The syntax is `RUST_LOG`'s, as tracing-subscriber's `EnvFilter` reads it: directives with commas between them,
///
/// - `warn`: the level for every target that no other directive names; `off` silences;
/// - `hyper=debug`: the level for the targets that begin with `hyper` (so `hyper_util`, too);
/// - `hyper`: the same as `hyper=trace`.
///
/// Levels are `off`, `error`, `warn`, `info`, `debug`, `trace` in any case, or 0 to 5. The longest target that
/// fits decides; of two directives for one target the later. A target that no directive names is silent.
/// Directives for spans or fields (`[span{field=value}]`) are refused.
///
/// Defaults to `info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Longer targets first; the empty one, which fits every target, is last if it is there.
    directives: Vec<(String, LevelFilter)>,
}

/// Further directives are not read: each line that no callsite remembers walks over them.
const MAX_DIRECTIVES: usize = 256;

impl Filter {
    /// Reads directives, the first 256. What is wrong is left out and told; the others count. Text without any good directive
    /// yields the default.
    #[must_use]
    pub fn parse(text: &str) -> (Filter, Vec<Error>) {
        let (filter, errors) = Filter::read(text);
        (filter.unwrap_or_default(), errors)
    }

    /// Reads directives, as [`parse`](Filter::parse) does. `None`: no good one.
    pub(crate) fn read(text: &str) -> (Option<Filter>, Vec<Error>) {
        let mut filter = Filter { directives: Vec::new() };
        let mut errors = Vec::new();
        for directive in split(text) {
            if filter.directives.len() == MAX_DIRECTIVES {
                let rule = format!("log filter: more than {MAX_DIRECTIVES} directives; the rest is left out");
                errors.push(Error::new(Kind::Invalid, rule));
                break;
            }
            match parse_directive(directive) {
                Ok((target, level)) => filter.set(target, level),
                Err(rule) => {
                    errors.push(Error::new(Kind::Invalid, format!("log directive `{directive}`: {rule}")));
                }
            }
        }
        (Some(filter).filter(|filter| !filter.directives.is_empty()), errors)
    }

    /// Sets the level of a target, and of those that begin with it; of every target if it is empty.
    fn set(&mut self, target: &str, level: LevelFilter) {
        if let Some((_, old)) = self.directives.iter_mut().find(|(other, _)| other == target) {
            *old = level;
            return;
        }
        let longer = |(other, _): &(String, LevelFilter)| (other.len(), target) > (target.len(), other);
        let at = self.directives.partition_point(longer);
        self.directives.insert(at, (target.to_owned(), level));
    }

    /// Whether an event or span of this level and target is recorded.
    #[must_use]
    pub fn enabled(&self, level: Level, target: &str) -> bool {
        level <= self.level_of(target)
    }

    /// The same for what is said of all targets, whatever it was told by: only a directive that names its target,
    /// or one that silences everything, leaves it out.
    pub(crate) fn spares(&self, level: Level, target: &str) -> bool {
        let named =
            |(prefix, _): &&(String, LevelFilter)| !prefix.is_empty() && target.starts_with(prefix.as_str());
        let most = self.directives.iter().find(named).map_or_else(|| self.max_level(), |(_, most)| *most);
        level <= most
    }

    /// This one, with another level for a target, and for those that begin with it.
    ///
    /// # Errors
    ///
    /// If that is no target, or there are too many.
    pub(crate) fn with(&self, target: &str, level: LevelFilter) -> Result<Filter, Error> {
        let refuse = |rule: &str| Err(Error::new(Kind::Invalid, format!("log target `{target}`: {rule}")));
        let reads = || parse_directive(&format!("{target}=info")) == Ok((target, LevelFilter::INFO));
        if !target.is_empty() && (target.contains(',') || !reads()) {
            return refuse(
                "a target begins with a letter, a digit, `_`, `-` or `:`, and has no `=`, no comma and no brackets",
            );
        }
        let mut filter = self.clone();
        filter.set(target, level);
        if filter.directives.len() > MAX_DIRECTIVES {
            return refuse("there are as many as there may be");
        }
        Ok(filter)
    }

    /// What this one or the other lets through.
    pub(crate) fn or(&self, other: &Filter) -> Filter {
        let mut both = Filter { directives: Vec::new() };
        for (target, _) in self.directives.iter().chain(&other.directives) {
            both.set(target, self.level_of(target).max(other.level_of(target)));
        }
        both
    }

    fn level_of(&self, target: &str) -> LevelFilter {
        let fitting = self.directives.iter().find(|(prefix, _)| target.starts_with(prefix.as_str()));
        fitting.map_or(LevelFilter::OFF, |(_, most)| *most)
    }

    /// The most verbose level that any target has.
    #[must_use]
    pub fn max_level(&self) -> LevelFilter {
        self.directives.iter().map(|(_, level)| *level).max().unwrap_or(LevelFilter::OFF)
    }
}

impl Filter {
    /// The level that every target has at least.
    pub(crate) fn min_level(&self) -> LevelFilter {
        match self.directives.last() {
            Some((target, _)) if target.is_empty() => {
                self.directives.iter().map(|(_, level)| *level).min().unwrap_or(LevelFilter::OFF)
            }
            _ => LevelFilter::OFF,
        }
    }
}

impl Default for Filter {
    fn default() -> Self {
        Filter { directives: vec![(String::new(), LevelFilter::INFO)] }
    }
}

impl From<LevelFilter> for Filter {
    fn from(level: LevelFilter) -> Self {
        Filter { directives: vec![(String::new(), level)] }
    }
}

impl FromStr for Filter {
    type Err = Error;

    /// Reads directives, and refuses all if one is wrong.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (filter, errors) = Filter::parse(text);
        match errors.into_iter().next() {
            None => Ok(filter),
            Some(error) => Err(error),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The general before the particular, as people write it.
        for (index, (target, level)) in self.directives.iter().rev().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            match target.as_str() {
                "" => write!(f, "{level}")?,
                target => write!(f, "{target}={level}")?,
            }
        }
        Ok(())
    }
}

/// The directives in a text: what stands between commas that are not in brackets.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let between = move |char| {
        match char {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == ',' && depth == 0
    };
    text.split(between).map(str::trim).filter(|directive| !directive.is_empty())
}

fn parse_directive(directive: &str) -> Result<(&str, LevelFilter), &'static str> {
    if directive.contains(['[', ']', '{', '}']) {
        return Err("spans and fields cannot be filtered by, only targets and levels");
    }
    let (target, level) = match directive.split_once('=') {
        Some((target, level)) => (target.trim(), level.trim()),
        None => match parse_level(directive) {
            Some(level) => return Ok(("", level)),
            None => (directive, ""),
        },
    };
    if !target.starts_with(|char: char| char.is_alphanumeric() || matches!(char, '-' | ':' | '_')) {
        return Err("a target begins with a letter, a digit, `_`, `-` or `:`");
    }
    if target.contains(|char: char| char.is_control() || char == '"') {
        return Err("a target has no control characters and no quotes");
    }
    match level {
        "" => Ok((target, LevelFilter::TRACE)),
        level => match parse_level(level) {
            Some(level) => Ok((target, level)),
            None => Err("a level is one of off, error, warn, info, debug, trace, or 0 to 5"),
        },
    }
}

fn parse_level(text: &str) -> Option<LevelFilter> {
    // The standard reading takes no text for ERROR.
    if text.is_empty() { None } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter(text: &str) -> Filter {
        text.parse().unwrap()
    }

    // Mutations caught: shorter targets first; `starts_with` turned round; a directive that is added, not replaced.
    // Mutation caught: `read` without the limit.
    #[test]
    fn directives_are_bounded() {
        let text: Vec<String> = (0..1_000).map(|n| format!("target{n}=debug")).collect();
        let (filter, errors) = Filter::parse(&text.join(","));
        assert_eq!(filter.directives.len(), MAX_DIRECTIVES);
        assert!(errors.len() == 1 && errors[0].to_string().contains("256"), "{errors:?}");
    }

    #[test]
    fn one_target_gets_another_level() {
        let filter = filter("info,hyper=debug");
        let with = |target: &str, level| filter.with(target, level).map(|filter| filter.to_string());
        assert_eq!(with("hyper", LevelFilter::OFF).unwrap(), "info,hyper=off");
        assert_eq!(with("", LevelFilter::WARN).unwrap(), "warn,hyper=debug");
        assert_eq!(with("shop::db", LevelFilter::TRACE).unwrap(), "info,hyper=debug,shop::db=trace");
        for bad in ["a=b", "[span]", " ", "a,b", "*"] {
            assert!(with(bad, LevelFilter::INFO).unwrap_err().is_invalid(), "{bad}");
        }
    }

    // Mutation caught: `spares` that asks the directive for all targets (`RUST_LOG=app=info` hides panics).
    #[test]
    fn what_is_spared_is_silenced_by_name_only() {
        let spared = |text: &str| filter(text).spares(Level::ERROR, "observe::panic");
        assert!(
            ["info", "app=info", "off,app=error", "observe=error", "off,observe::panic=warn"].map(spared)
                == [true; 5]
        );
        assert!(
            ["off", "app=off", "observe=off,app=info", "info,observe::panic=off"].map(spared) == [false; 4]
        );
    }

    #[test]
    fn the_longest_target_decides() {
        let filter = filter("info,a=off, a::b = WARN ,c,d=1,d=4,e=Off,e::f=5,g=");
        for (target, most) in [
            ("x", LevelFilter::INFO),
            ("", LevelFilter::INFO),
            ("a", LevelFilter::OFF),
            ("a::c", LevelFilter::OFF),
            ("a::b", LevelFilter::WARN),
            ("a::b::c", LevelFilter::WARN),
            // As in EnvFilter: by the text, not by the module.
            ("a::bc", LevelFilter::WARN),
            ("c::d", LevelFilter::TRACE),
            ("d", LevelFilter::DEBUG),
            ("e", LevelFilter::OFF),
            ("e::f", LevelFilter::TRACE),
            ("g", LevelFilter::TRACE),
        ] {
            for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
                assert_eq!(filter.enabled(level, target), level <= most, "{target} {level}");
            }
        }
        assert_eq!(filter.max_level(), LevelFilter::TRACE);
    }

    #[test]
    fn without_a_general_directive_the_others_are_silent() {
        let filter = filter("hyper=warn");
        assert!(filter.enabled(Level::WARN, "hyper") && !filter.enabled(Level::ERROR, "shop"));
        assert_eq!(filter.max_level(), LevelFilter::WARN);
        assert_eq!(Filter::parse(" , ").0, Filter::default());
        assert_eq!(Filter::parse("off").0.max_level(), LevelFilter::OFF);
    }

    // Mutation caught: splitting at every comma; dropping all when one is wrong.
    #[test]
    fn what_is_wrong_is_told_and_left_out() {
        let (filter, errors) =
            Filter::parse("warn,[span{a=1,b=2}]=trace,x=loud,x[y],*=info,a=b=info,y=debug");
        assert_eq!(filter.to_string(), "warn,y=debug");
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 5);
        assert!(texts[0].contains("`[span{a=1,b=2}]=trace`: spans and fields"), "{}", texts[0]);
        assert!(texts[1].contains("`x=loud`: a level is one of"), "{}", texts[1]);
        assert!(
            texts[2].contains("`x[y]`") && texts[3].contains("`*=info`") && texts[4].contains("`a=b=info`")
        );
        assert!("x=loud".parse::<Filter>().unwrap_err().is_invalid());
        for wrong in ["a\0=info", "a\"b=info", "a\nb"] {
            assert!(wrong.parse::<Filter>().unwrap_err().to_string().contains("no quotes"), "{wrong}");
        }
    }

    proptest! {
        // Mutation caught: a union by the directives alone, where the other has one for a shorter target.
        #[test]
        fn both_let_through_what_one_does(
            one in "([a-c:]{1,4}=[0-5],|warn,){0,5}", other in "([a-c:]{1,4}=[0-5],|debug,){0,5}", target in "[a-c:]{0,6}",
        ) {
            let read = |text: &str| Filter::read(text).0.unwrap_or_else(|| Filter::from(LevelFilter::OFF));
            let (one, other) = (read(&one), read(&other));
            let both = one.or(&other);
            for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
                let expected = one.enabled(level, &target) || other.enabled(level, &target);
                prop_assert_eq!(both.enabled(level, &target), expected, "{} | {} = {}", one, other, both);
            }
        }

        #[test]
        fn what_is_shown_reads_back(text in "([a-c:]{1,4}(=(off|info|[0-5]))?|warn|[ =\\[\\]{}x]{0,3}|,){0,8}") {
            let (filter, _) = Filter::parse(&text);
            prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
        }
    }
}
