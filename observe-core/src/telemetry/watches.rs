//! The threads that look after something while a telemetry lives: budgets, signals.

use crate::burn_watch::{BurnWatch, OnBurn};
#[cfg(all(unix, feature = "signal"))]
use crate::error::Error;
use crate::export::snapshot::Snapshots;
use crate::hub::Hub;
#[cfg(all(unix, feature = "signal"))]
use crate::levels::Levels;
#[cfg(all(unix, feature = "signal"))]
use crate::signals::{SignalWatch, Wishes};
use std::sync::Arc;

/// They end when this is dropped.
pub(super) struct Watches {
    _burns: Option<BurnWatch>,
    #[cfg(all(unix, feature = "signal"))]
    _signals: Option<SignalWatch>,
}

impl Watches {
    fn of(burns: Option<BurnWatch>) -> Self {
        Self {
            _burns: burns,
            #[cfg(all(unix, feature = "signal"))]
            _signals: None,
        }
    }

    /// Has budgets looked at. With it, why nobody does.
    pub(super) fn burns(
        hub: &Arc<Hub>,
        snapshots: Option<&Arc<Snapshots>>,
        on_burn: Option<OnBurn>,
    ) -> (Self, Option<String>) {
        match BurnWatch::start(hub, snapshots, on_burn) {
            Ok(burns) => (Self::of(burns), None),
            // The service is to start all the same.
            Err(error) => {
                let text = format!("{error:?}: how fast budgets are spent is looked at only when scraped");
                (Self::of(None), Some(text))
            }
        }
    }

    /// Has signals waited for.
    ///
    /// # Errors
    ///
    /// If one cannot be waited for, or the thread cannot be started.
    #[cfg(all(unix, feature = "signal"))]
    pub(super) fn and_signals(
        self,
        wishes: Wishes,
        hub: &Arc<Hub>,
        levels: &Levels,
        snapshots: Option<&Arc<Snapshots>>,
    ) -> Result<Self, Error> {
        Ok(Self { _signals: SignalWatch::start(wishes, hub, levels, snapshots)?, ..self })
    }
}
