//! Records of the `log` crate, taken in.

use super::{Line, Within, scratch};
use crate::catch::is_mute;
use crate::current;
use crate::fields::Fields;
use crate::hub::Hub;
use log::kv::{self, VisitSource, VisitValue};
use std::sync::{Arc, OnceLock};
use tracing_core::{Level, LevelFilter};

/// The `log` crate's logger: its records become lines like any other, filtered and stamped alike.
pub(crate) struct LogBridge;

static BRIDGE: LogBridge = LogBridge;
static HUB: OnceLock<Arc<Hub>> = OnceLock::new();

impl LogBridge {
    /// Sets it.
    ///
    /// # Errors
    ///
    /// If there is another logger.
    pub(crate) fn install(hub: &Arc<Hub>) -> Result<(), log::SetLoggerError> {
        log::set_logger(&BRIDGE)?;
        let hub = HUB.get_or_init(|| Arc::clone(hub));
        Self::follow(hub);
        Ok(())
    }

    /// Follows the filter of this hub, if its records go there.
    pub(crate) fn follow(hub: &Arc<Hub>) {
        if HUB.get().is_some_and(|own| Arc::ptr_eq(own, hub)) {
            log::set_max_level(match hub.max_level() {
                LevelFilter::OFF => log::LevelFilter::Off,
                LevelFilter::ERROR => log::LevelFilter::Error,
                LevelFilter::WARN => log::LevelFilter::Warn,
                LevelFilter::INFO => log::LevelFilter::Info,
                LevelFilter::DEBUG => log::LevelFilter::Debug,
                LevelFilter::TRACE => log::LevelFilter::Trace,
            });
        }
    }

    /// Where records go: to the telemetry whose scope this is, else to the installed one.
    fn hub() -> Option<Arc<Hub>> {
        current::scope().or_else(|| HUB.get().cloned())
    }
}

impl log::Log for LogBridge {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        !is_mute()
            && LogBridge::hub().is_some_and(|hub| hub.hears(level(metadata.level()), metadata.target()))
    }

    fn log(&self, record: &log::Record<'_>) {
        if is_mute() {
            return;
        }
        let Some(hub) = LogBridge::hub() else { return };
        let level = level(record.level());
        if !hub.hears(level, record.target()) {
            return;
        }
        let tick = hub.clock.now();
        scratch::with(|scratch| {
            scratch.message.set_formatted(*record.args());
            // It answers with an error where a source gives up: what came before counts.
            let _ = record.key_values().visit(&mut Pairs(&mut scratch.fields));
            let (message, fields) = (&scratch.message, &scratch.fields);
            let callsite = u64::from(record.line().unwrap_or_default());
            Line { tick, level, target: record.target(), message, fields, callsite }
                .log(&hub, Within::Current);
        });
    }

    fn flush(&self) {}
}

fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::ERROR,
        log::Level::Warn => Level::WARN,
        log::Level::Info => Level::INFO,
        log::Level::Debug => Level::DEBUG,
        log::Level::Trace => Level::TRACE,
    }
}

/// Takes a record's pairs as fields.
struct Pairs<'a>(&'a mut Fields);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        value.visit(Pair { name: key.as_str(), fields: self.0 })
    }
}

struct Pair<'a> {
    name: &'a str,
    fields: &'a mut Fields,
}

impl<'v> VisitValue<'v> for Pair<'_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.fields.display(self.name, &value);
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.fields.u64(self.name, value);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.fields.i64(self.name, value);
        Ok(())
    }

    fn visit_u128(&mut self, value: u128) -> Result<(), kv::Error> {
        self.fields.u128(self.name, value);
        Ok(())
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        self.fields.i128(self.name, value);
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.fields.f64(self.name, value);
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.fields.bool(self.name, value);
        Ok(())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.fields.str(self.name, value);
        Ok(())
    }
}
