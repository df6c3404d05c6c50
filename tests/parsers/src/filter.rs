//! The syntax of `RUST_LOG`: what is shown is read as it was, and hears what another's reading of it hears.

use crate::pieces::lines;
use observe_core::Filter;
use tracing::Level;
use tracing_subscriber::filter::Targets;

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// The first line is a filter; the others are targets.
pub fn check(data: &[u8]) {
    let mut lines = lines(data);
    let text = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (filter, errors) = Filter::parse(&text);
    assert_eq!(filter.to_string().parse::<Filter>().ok().as_ref(), Some(&filter));
    assert_eq!(errors.is_empty(), text.parse::<Filter>().is_ok());
    let theirs = errors.is_empty().then(|| filter.to_string().parse::<Targets>().ok()).flatten();
    for target in lines.take(8) {
        let target = String::from_utf8_lossy(target);
        for level in LEVELS {
            let heard = filter.enabled(level, &target);
            assert!(!heard || level <= filter.max_level());
            if let Some(theirs) = &theirs {
                assert_eq!(heard, theirs.would_enable(&target, &level), "{level} of {target:?} by {filter}");
            }
        }
        // What is more verbose is heard only where the less verbose is.
        let heard = LEVELS.map(|level| filter.enabled(level, &target));
        assert!(heard.is_sorted_by(|less, more| less >= more), "{heard:?}");
    }
}
