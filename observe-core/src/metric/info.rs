//! Facts about the process, as labels of a constant 1.

use super::family::AnyFamily;
use super::kind::{Kind, Rejected};
use super::snapshot::{Arena, Blocks, Head, Labels, Values, Visitor, render_series, sealed};
use crate::error::{self, Error};
use crate::label::name::labels_fault;

/// A constant 1 whose labels carry the information: `build_info{version="1.4.2",revision="af31c0"} 1`.
///
/// Its labels are the one place for free text, since they are fixed when it is made.
///
/// ```
/// use observe_core::metric::Info;
/// use observe_core::Registry;
///
/// let registry = Registry::new();
/// registry.register(Info::new("build_info", "What runs here.", &[("version", "1.4.2")])?)?;
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Info {
    name: String,
    help: String,
    labels: Vec<(String, String)>,
    arena: Arena,
}

impl Info {
    /// An info with these labels. Its name ends in `_info`.
    ///
    /// # Errors
    ///
    /// If the name, the help or a label breaks a rule ([`Error::is_invalid`]).
    pub fn new(name: &str, help: &str, labels: &[(&str, &str)]) -> Result<Self, Error> {
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        let no_help = help.is_empty().then_some("a metric says in its help what it counts");
        if let Some(fault) = Kind::Info.name_fault(name).or(no_help).or(labels_fault(&names)) {
            return Err(Error::new(error::Kind::Invalid, format!("metric `{name}`: {fault}")));
        }
        let (mut arena, mut text) = (Arena::default(), Vec::new());
        render_series(&mut text, Kind::Info, name, labels.iter().copied());
        arena.push(&text);
        arena.shrink();
        Ok(Self {
            name: name.to_owned(),
            help: help.to_owned(),
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            arena,
        })
    }
}

impl Labels for Info {
    fn each(&self, _: u64, each: &mut dyn FnMut(&str, &str)) {
        for (name, value) in &self.labels {
            if !value.is_empty() {
                each(name, value);
            }
        }
    }
}

impl sealed::Sealed for Info {}

impl AnyFamily for Info {
    fn head(&self) -> Head<'_> {
        Head::new(&self.name, &self.help, Kind::Info, None)
    }

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn series(&self) -> usize {
        1
    }

    fn read(&self, visitor: &mut dyn Visitor) {
        visitor.family(&self.head());
        visitor.scalars(&Blocks::new(&self.arena, self).next(&[0]), Values::U64(&[1]));
    }

    fn labels(&self) -> &'static [&'static str] {
        &[]
    }

    fn label_names(&self) -> Option<Vec<&str>> {
        Some(self.labels.iter().map(|(name, _)| name.as_str()).collect())
    }

    fn overflow(&self, _: usize) -> Option<u64> {
        None
    }

    fn rejected(&self) -> Rejected {
        Rejected::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_names_and_labels_are_refused() {
        assert!(Info::new("build", "Help.", &[]).unwrap_err().is_invalid());
        assert!(Info::new("build_info", "", &[]).is_err());
        assert!(Info::new("build_info", "Help.", &[("le", "1")]).is_err());
        assert!(Info::new("build_info", "Help.", &[("a", "1"), ("a", "2")]).is_err());
        assert!(Info::new("build_info", "Help.", &[("a", "1"), ("b", "")]).is_ok());
    }
}
