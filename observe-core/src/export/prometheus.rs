//! Prometheus text and OpenMetrics.
