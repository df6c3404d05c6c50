//! Requests in flight, by the labels of the names that were chosen.

use super::classic::{self, HttpNames, InProgressLabels};
use super::{MAX_METHODS, MAX_SERIES, Method, RequestLabels, Scheme};
use crate::label::own::label_set;
use crate::metric::{AnyFamily, Family, Gauge, HotHistogram};
use crate::semconv::http as names;
use std::sync::Arc;

label_set!(pub(super) ActiveLabels {
    method: Method = names::REQUEST_METHOD_LABEL,
    scheme: Scheme = names::SCHEME_LABEL,
});

/// The one family of which either names know.
pub(super) enum Active {
    Standard(Arc<Family<ActiveLabels, Gauge>>),
    Classic(Arc<Family<InProgressLabels, Gauge>>),
}

impl Active {
    pub(super) fn new(chosen: HttpNames) -> Self {
        let help = "HTTP requests that have begun and not ended.";
        match chosen {
            HttpNames::OpenTelemetry => {
                let family = Family::gauge(names::SERVER_ACTIVE_REQUESTS, help);
                Active::Standard(Arc::new(family.max_series(2 * MAX_METHODS)))
            }
            HttpNames::Classic => {
                let family = Family::gauge(names::CLASSIC_REQUESTS_IN_PROGRESS, help);
                Active::Classic(Arc::new(family.max_series(MAX_SERIES)))
            }
        }
    }

    /// The families of requests, as the names want them.
    pub(super) fn shown(
        &self,
        service: &str,
        duration: &Arc<Family<RequestLabels, HotHistogram>>,
    ) -> Vec<Arc<dyn AnyFamily>> {
        match self {
            Active::Standard(active) => vec![duration.clone(), active.clone()],
            Active::Classic(active) => {
                let [total, times] = classic::requests(service, duration);
                vec![Arc::new(total), Arc::new(times), Arc::new(classic::in_progress(service, active))]
            }
        }
    }

    #[inline]
    pub(super) fn of(&self, labels: &RequestLabels) -> &Gauge {
        let RequestLabels { method, scheme, route, .. } = *labels;
        match self {
            Active::Standard(active) => active.with(ActiveLabels { method, scheme }),
            Active::Classic(active) => active.with(InProgressLabels { method, route }),
        }
    }
}
