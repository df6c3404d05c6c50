//! The door for those who have a registry already.

use super::Telemetry;
use crate::subscriber::SubscriberLayer;
use std::sync::Arc;

impl Telemetry {
    /// This telemetry as a layer of a `tracing-subscriber` registry, beside other layers (feature `subscriber`).
    /// Together with [`install_without_subscriber`](super::Builder::install_without_subscriber).
    ///
    /// Spans and lines are filtered by what the registry's filters let through, and by the telemetry's own
    /// [filter](super::Builder::filter); a filter of the layer's own (`with_filter`) works as for any other layer.
    /// Spans that are filtered out break no trace. The lines of requests and operations are no events of `tracing`:
    /// only the telemetry's own filter decides on them.
    ///
    /// Its JSON lines go to standard output, beside what other layers write; [`log_writer`](super::Builder::log_writer)
    /// sends them elsewhere. [`without_log`](super::Builder::without_log) leaves them out, those of requests as well.
    ///
    /// ```
    /// use observe_core::Telemetry;
    /// use tracing_subscriber::layer::SubscriberExt;
    /// use tracing_subscriber::util::SubscriberInitExt;
    ///
    /// let telemetry = Telemetry::builder("checkout").install_without_subscriber()?;
    /// tracing_subscriber::registry()
    ///     // .with(EnvFilter::from_default_env()).with(fmt::layer()), and whatever else you have
    ///     .with(telemetry.layer())
    ///     .try_init()?;
    /// tracing::info!("seen by all layers");
    /// telemetry.shutdown(std::time::Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn layer(&self) -> SubscriberLayer {
        SubscriberLayer::new(Arc::clone(&self.inner.hub))
    }
}
