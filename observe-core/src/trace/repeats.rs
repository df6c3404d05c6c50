//! What was asked of databases again and again below one local root.

use crate::fields::{Fields, Key, key};
use crate::semconv::db as keys;

/// From how many times on it is told.
const TOLD_FROM: u32 = 10;
/// How many statements are told apart, the first ones.
const MAX_STATEMENTS: usize = 32;

/// How often each statement was made, by its hash.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    statements: Vec<(u64, u32)>,
    /// The one that was made most often, once it is told.
    most: Option<(u64, String)>,
}

impl Repeats {
    /// `name` is asked only when it is to be told: it runs none of the user's code.
    pub(crate) fn count(&mut self, hash: u64, name: impl FnOnce() -> String) {
        let known = self.statements.iter().position(|(other, _)| *other == hash);
        let Some(at) = known else {
            if self.statements.len() < MAX_STATEMENTS {
                self.statements.push((hash, 1));
            }
            return;
        };
        let Some((_, count)) = self.statements.get_mut(at) else { return };
        *count = count.saturating_add(1);
        let count = *count;
        let most = self.most.as_ref().map_or(TOLD_FROM - 1, |(most, _)| self.count_of(*most));
        if count > most && self.most.as_ref().is_none_or(|(most, _)| *most != hash) {
            self.most = Some((hash, name()));
        }
    }

    fn count_of(&self, hash: u64) -> u32 {
        self.statements.iter().find(|(other, _)| *other == hash).map_or(0, |(_, count)| *count)
    }

    pub(crate) fn clear(&mut self) {
        self.statements.clear();
        self.most = None;
    }

    /// Says it on the line, if there is anything to be said.
    pub(crate) fn describe(&self, fields: &mut Fields) {
        const REPEATED_SUMMARY: Key = key!(keys::REPEATED_SUMMARY);
        const REPEATED_COUNT: Key = key!(keys::REPEATED_COUNT);
        if let Some((hash, summary)) = &self.most {
            fields.key_str(REPEATED_SUMMARY, summary);
            fields.key_u64(REPEATED_COUNT, u64::from(self.count_of(*hash)));
        }
    }
}
