//! The metrics of requests under the names that dashboards had before OpenTelemetry's.
//!
//! Nothing more is recorded for them: they are another way to show what is recorded anyhow. `http_requests_total` is
//! how many observations `http_request_duration_seconds` has.

use super::{Method, RequestLabels, Route};
use crate::catalogue::{CLASSIC_DURATION, CLASSIC_IN_PROGRESS, CLASSIC_REQUESTS};
use crate::error::Error;
use crate::label::LabelSet;
use crate::label::own::label_set;
use crate::metric::snapshot::{Head, Visitor, sealed};
use crate::metric::{
    AnyFamily, Buckets, Family, Gauge, HotHistogram, Kind, Limits, Metric, Pairs, Rejected, Reshape, Unit,
    show,
};
use crate::semconv::http as names;
use std::sync::Arc;

/// Under which names the metrics of requests are shown: for [`Builder::http_names`](crate::Builder::http_names).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpNames {
    /// Those of OpenTelemetry's semantic conventions: `http_server_request_duration_seconds` and
    /// `http_server_active_requests`.
    #[default]
    OpenTelemetry,
    /// `http_requests_total{service,method,endpoint,status}`,
    /// `http_request_duration_seconds{service,method,endpoint,status,error_type}` and
    /// `http_requests_in_progress{service,method,endpoint}` instead.
    ///
    /// `status` is the answer's, `"200"`. Where the head of an answer was never sent it is `"499"` if the client went
    /// away before, and `"500"` if it failed. `endpoint` is the matched route, and left out where nothing matched.
    Classic,
}

label_set!(pub(crate) InProgressLabels {
    method: Method = names::CLASSIC_METHOD,
    route: Route = names::CLASSIC_ENDPOINT,
});

/// A family under a classic name.
pub(super) struct Classic<L: LabelSet, M: Metric> {
    head: Head<'static>,
    labels: &'static [&'static str],
    service: String,
    of: Arc<Family<L, M>>,
}

/// The counter and the histogram that are made of the durations of requests.
pub(super) fn requests(
    service: &str,
    of: &Arc<Family<RequestLabels, HotHistogram>>,
) -> [Classic<RequestLabels, HotHistogram>; 2] {
    let total =
        Head::new(names::CLASSIC_REQUESTS_TOTAL, "HTTP requests that have ended.", Kind::Counter, None);
    let duration = Head::new(
        names::CLASSIC_REQUEST_DURATION_SECONDS,
        "How long HTTP requests took, from their head to the end of the answer's body.",
        Kind::Histogram,
        Some(Unit::Seconds),
    );
    [(total, CLASSIC_REQUESTS), (duration, CLASSIC_DURATION)].map(|(head, labels)| Classic {
        head,
        labels,
        service: service.to_owned(),
        of: Arc::clone(of),
    })
}

/// The gauge that is made of the requests in flight.
pub(super) fn in_progress(
    service: &str,
    of: &Arc<Family<InProgressLabels, Gauge>>,
) -> Classic<InProgressLabels, Gauge> {
    let help = "HTTP requests that have begun and not ended.";
    let head = Head::new(names::CLASSIC_REQUESTS_IN_PROGRESS, help, Kind::Gauge, None);
    Classic { head, labels: CLASSIC_IN_PROGRESS, service: service.to_owned(), of: Arc::clone(of) }
}

/// What a label is called in OpenTelemetry's names.
fn standard(label: &str) -> &str {
    match label {
        names::CLASSIC_METHOD => names::REQUEST_METHOD_LABEL,
        names::CLASSIC_ENDPOINT => names::ROUTE_LABEL,
        names::CLASSIC_STATUS => names::STATUS_LABEL,
        other => other,
    }
}

/// The status of a request that never had one.
fn status(error_type: Option<&str>) -> &'static str {
    match error_type {
        Some(names::CANCELLED) => names::CLASSIC_CANCELLED_STATUS,
        _ => names::CLASSIC_FAILED_STATUS,
    }
}

impl<L: LabelSet, M: Metric> Reshape for Classic<L, M> {
    fn head<'a>(&'a self, _: &Head<'a>) -> Head<'a> {
        self.head
    }

    fn labels(&self, from: &Pairs, to: &mut Pairs) {
        for label in self.labels {
            let value = match *label {
                names::CLASSIC_SERVICE => Some(self.service.as_str()),
                label => from.get(standard(label)).or_else(|| from.get(label)),
            };
            match value {
                Some(value) => to.push(label, value),
                None if *label == names::CLASSIC_STATUS => {
                    to.push(label, status(from.get(names::ERROR_TYPE_LABEL)));
                }
                None => {}
            }
        }
    }
}

impl<L: LabelSet, M: Metric> sealed::Sealed for Classic<L, M> {}

impl<L: LabelSet, M: Metric> AnyFamily for Classic<L, M> {
    fn head(&self) -> Head<'_> {
        self.head
    }

    fn check(&self) -> Result<(), Error> {
        self.of.check()
    }

    fn series(&self) -> usize {
        self.of.series()
    }

    fn read(&self, visitor: &mut dyn Visitor) {
        show(self, visitor, |visitor| self.of.read(visitor));
    }

    fn labels(&self) -> &'static [&'static str] {
        self.labels
    }

    fn overflow(&self, label: usize) -> Option<u64> {
        let label = *self.labels.get(label)?;
        let at = L::NAMES.iter().position(|name| *name == label || *name == standard(label))?;
        self.of.overflow(at)
    }

    fn limits(&self) -> Option<Limits> {
        let mut limits = self.of.limits()?;
        for of in &mut limits.labels {
            let shown = self.labels.iter().find(|label| standard(label) == of.name || **label == of.name);
            of.name = shown.map_or_else(String::new, |label| (*label).to_owned());
        }
        limits.labels.retain(|of| !of.name.is_empty());
        Some(limits)
    }

    /// Of the two that are made of one, the histogram tells.
    fn rejected(&self) -> Rejected {
        if self.head.kind == Kind::Counter { Rejected::default() } else { self.of.rejected() }
    }

    fn rebucket(&self, buckets: &Buckets) -> Result<(), &'static str> {
        self.of.rebucket(buckets)
    }
}
