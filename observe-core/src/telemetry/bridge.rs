//! The bridge for what records by the `metrics` crate.

use super::Telemetry;
use crate::bridge::MetricsBridge;

impl Telemetry {
    /// Takes in what code records by the macros of the `metrics` crate (feature `metrics`): beside this telemetry's
    /// own metrics, on the same `/metrics`.
    ///
    /// ```
    /// use observe_core::Telemetry;
    ///
    /// let telemetry = Telemetry::builder("checkout").install()?;
    /// telemetry.metrics_bridge().install()?;
    /// metrics::counter!("cache.hits", "cache" => "prices").increment(1); // cache_hits_total{cache="prices"}
    /// # telemetry.shutdown(std::time::Duration::from_secs(5))?;
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    pub fn metrics_bridge(&self) -> MetricsBridge {
        MetricsBridge::new(&self.inner.hub)
    }
}
