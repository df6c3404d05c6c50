//! The metrics of HTTP clients.

use super::{ErrorType, Later, Method, Methods, RpcClientLabels, Status};
use crate::error::Error;
use crate::label::own::{label_set, open_label};
use crate::label::{LabelId, LabelValue};
use crate::metric::{Buckets, Family, Gauge, HotHistogram};
use crate::registry::Registry;
use crate::semconv::{http as names, http_client as client};
use std::sync::Arc;

open_label!(
    /// Whose server it is: a client may be told by others whom to ask.
    pub(crate) ServerAddress, max 256);
open_label!(
    /// On which port.
    pub(crate) ServerPort, max 256);
open_label!(
    /// The template that the path was made of, or none.
    pub(crate) UrlTemplate, max 1_000);

impl ServerAddress {
    pub(crate) fn as_str(self) -> &'static str {
        Self::text(self.code())
    }
}

impl ServerPort {
    /// `_OTHER` for a server that is `_OTHER`: without its address a port says nothing.
    pub(crate) fn of(port: Option<u16>, address: ServerAddress) -> Self {
        match port {
            None => Self(LabelId::EMPTY),
            Some(_) if address.is_other() => Self(LabelId::OTHER),
            Some(port) => Self::from(itoa::Buffer::new().format(port)),
        }
    }
}

impl UrlTemplate {
    pub(crate) fn is_none(self) -> bool {
        self.0 == LabelId::EMPTY
    }

    pub(crate) fn as_str(self) -> &'static str {
        Self::text(self.0.code())
    }
}

label_set!(pub(crate) ClientLabels {
    method: Method = names::REQUEST_METHOD_LABEL,
    address: ServerAddress = client::SERVER_ADDRESS_LABEL,
    port: ServerPort = client::SERVER_PORT_LABEL,
    template: UrlTemplate = client::URL_TEMPLATE_LABEL,
    status: Status = names::STATUS_LABEL,
    error_type: ErrorType = names::ERROR_TYPE_LABEL,
});
label_set!(pub(crate) ActiveCallLabels {
    method: Method = names::REQUEST_METHOD_LABEL,
    address: ServerAddress = client::SERVER_ADDRESS_LABEL,
    port: ServerPort = client::SERVER_PORT_LABEL,
});

impl ClientLabels {
    pub(crate) fn active(&self) -> ActiveCallLabels {
        ActiveCallLabels { method: self.method, address: self.address, port: self.port }
    }
}

/// The families of one telemetry, and the methods it knows.
pub(crate) struct ClientMetrics {
    pub(crate) duration: Arc<Family<ClientLabels, HotHistogram>>,
    pub(crate) active: Arc<Family<ActiveCallLabels, Gauge>>,
    pub(crate) calls: Later<RpcClientLabels>,
    pub(crate) methods: Methods,
}

impl ClientMetrics {
    /// Registers the families. What a registry refuses is recorded all the same, unseen, and told.
    pub(crate) fn register(registry: &Registry, mut refused: impl FnMut(&Error)) -> Self {
        let help = "How long HTTP requests to others took, from their start to the end of the answer's body.";
        let duration =
            Arc::new(Family::hot_histogram(client::REQUEST_DURATION_SECONDS, help, Buckets::SECONDS));
        let help = "HTTP requests to others that have begun and not ended.";
        let active = Arc::new(Family::gauge(client::ACTIVE_REQUESTS, help));
        let registered = [
            registry.register::<Family<_, _>>(Arc::clone(&duration)).err(),
            registry.register::<Family<_, _>>(Arc::clone(&active)).err(),
        ];
        registered.iter().flatten().for_each(&mut refused);
        Self { duration, active, calls: Later::default(), methods: Methods::known() }
    }
}
