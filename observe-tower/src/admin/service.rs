//! Which request is answered how, whoever listens.

use super::answer::{self, AdminBody};
use super::aside::{Asker, aside};
use super::query::Query;
use super::refusal::{Refusal, Rule};
use super::state::State;
use super::wanted::Wanted;
use super::{
    about, calls, drops, exemplars, in_flight, labels, levels, overview, page, resources, slice, snapshots,
    trace, traces,
};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The longest body of a change, in bytes.
const BODY_MAX: usize = 4 * 1024;
/// How long it may take to come.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long collectors of the application's are waited for.
const COLLECTORS_TIME: Duration = Duration::from_secs(2);

/// Where the console is.
const PAGE: &str = "/";

/// What stands before every view.
const BASE: &str = "/api/v1/";

/// Where a view is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At once, on the service's own thread: it takes next to no time, and runs nothing of the application's.
    Here,
    /// On another thread, since it takes a while.
    Aside,
    /// On another thread, since it asks the application's collectors, which may be stuck.
    Collectors,
}

/// Makes a view. What it leaves of the parameters is unknown.
type Show = fn(&State, &mut Query) -> Result<Value, Refusal>;

/// Names of parameters.
type Names = &'static [&'static str];

/// Every view, by what stands behind the base, with its parameters: what is unknown is refused before anything is made.
const VIEWS: &[(&str, Place, [Names; 2], Show)] = &[
    ("about", Place::Here, [&[]; 2], about::show),
    ("overview", Place::Here, [&["method", "route"], &[]], overview::show),
    ("in-flight", Place::Here, [&["limit"], &[]], in_flight::show),
    ("traces", Place::Aside, [Wanted::PARAMETERS, &["limit", "order"]], traces::show),
    ("slice", Place::Aside, [Wanted::PARAMETERS, &["limit", "by", "bad", "slow_ms"]], slice::show),
    ("dependencies", Place::Aside, [&[]; 2], calls::dependencies),
    ("functions", Place::Aside, [&[]; 2], calls::functions),
    ("resources", Place::Collectors, [&[]; 2], resources::show),
    ("labels", Place::Collectors, [&[]; 2], labels::show),
    ("drops", Place::Collectors, [&[]; 2], drops::show),
    ("exemplars", Place::Aside, [&["metric", "limit"], &[]], exemplars::show),
    ("levels", Place::Here, [&[]; 2], levels::show),
];

/// Makes a change, of what a body says.
type Change = fn(&State, SocketAddr, &Value) -> Result<(StatusCode, Value), Refusal>;

/// Every change.
const CHANGES: &[(&str, Change)] = &[("levels", levels::change), ("snapshots", snapshots::ask)];

/// The events, which are no JSON.
const EVENTS: &str = "events";

/// What stands before the id of one trace.
const TRACE: &str = "traces/";

/// Every path, for whoever asks what there is.
pub(super) fn paths() -> impl Iterator<Item = String> {
    VIEWS.iter().map(|(name, ..)| format!("{BASE}{name}"))
}

/// Answers a request. `is_full`: there are too many connections already.
pub(super) async fn answer<B>(
    state: &Arc<State>,
    peer: SocketAddr,
    is_full: bool,
    request: Request<B>,
) -> Response<AdminBody>
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let (parts, body) = request.into_parts();
    let answered = if is_full {
        Err(Refusal::new(Rule::Connections, "as many connections are open as there may be"))
    } else {
        route(state, peer, &parts, body).await
    };
    answered.unwrap_or_else(|refusal| {
        state.count(refusal.rule);
        answer::refused(&refusal)
    })
}

async fn route<B>(
    state: &Arc<State>,
    peer: SocketAddr,
    request: &Parts,
    body: B,
) -> Result<Response<AdminBody>, Refusal>
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    if request.uri.path() == PAGE {
        // There is no data in it, and links to it may stand on pages of others.
        state.guard.admit_link(request)?;
        return match request.method {
            Method::GET => Ok(page::show(&request.headers)),
            _ => Err(Refusal::method("GET")),
        };
    }
    state.guard.admit(request)?;
    state.guard.authorise(&request.headers)?;
    let name = request.uri.path().strip_prefix(BASE).ok_or_else(no_path)?;
    if name == EVENTS {
        return match request.method {
            Method::GET => Query::read(request.uri.query())?
                .finish()
                .and_then(|()| state.listeners.open())
                .map(answer::events),
            _ => Err(Refusal::method("GET")),
        };
    }
    let view = VIEWS.iter().find(|(view, ..)| *view == name);
    let change = CHANGES.iter().find(|(change, _)| *change == name);
    let query = request.uri.query();
    match (&request.method, view, change) {
        (&Method::GET, Some((_, place, names, show)), _) => {
            let query = Query::read(query)?;
            query.only(names)?;
            let value = read(state, *place, query, *show).await?;
            Ok(answer::json(StatusCode::OK, &value))
        }
        (&Method::POST, _, Some((_, change))) => {
            Query::read(query)?.finish()?;
            is_json(&request.headers)?;
            let body = whole(body).await?;
            let body = serde_json::from_slice(&body)
                .map_err(|error| Refusal::new(Rule::Json, format!("the body is no JSON: {error}")))?;
            let (status, value) = change(state, peer, &body)?;
            Ok(answer::json(status, &value))
        }
        (_, Some(_), Some(_)) => Err(Refusal::method("GET, POST")),
        (_, Some(_), None) => Err(Refusal::method("GET")),
        (_, None, Some(_)) => Err(Refusal::method("POST")),
        (method, None, None) => {
            let trace_id = name.strip_prefix(TRACE).and_then(trace::id).ok_or_else(no_path)?;
            if method != Method::GET {
                return Err(Refusal::method("GET"));
            }
            let query = Query::read(query)?;
            query.finish()?;
            let state = Arc::clone(state);
            let places = Arc::clone(&state.views);
            let value = aside(&places, move |_| trace::show(&state, trace_id)).await?;
            Ok(answer::json(StatusCode::OK, &value))
        }
    }
}

fn no_path() -> Refusal {
    Refusal::new(Rule::Path, format!("there is no such view; `{BASE}about` has a list of them"))
}

/// A view, made where it is to be made.
async fn read(state: &Arc<State>, place: Place, query: Query, show: Show) -> Result<Value, Refusal> {
    let own = Arc::clone(state);
    let make = move |asker: Asker| {
        let mut query = query.of(asker);
        let value = show(&own, &mut query)?;
        query.finish()?;
        Ok(value)
    };
    match place {
        Place::Here => make(Asker::default()),
        Place::Aside => aside(&state.views, make).await,
        Place::Collectors => match timeout(COLLECTORS_TIME, aside(&state.collectors, make)).await {
            Ok(Err(refusal)) if refusal.rule == Rule::Busy => Err(no_answer()),
            Ok(made) => made,
            Err(_) => Err(no_answer()),
        },
    }
}

/// Also where it is others that wait in all places for a collector.
fn no_answer() -> Refusal {
    let text = format!("a collector did not answer within {} s", COLLECTORS_TIME.as_secs());
    Refusal::new(Rule::Collectors, text)
}

/// A page of somebody else's can send none without being asked first.
fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Refusal::new(Rule::ContentType, "a change is `content-type: application/json`"))
    }
}

/// The body, if it is not too long, and comes in time.
async fn whole<B>(body: B) -> Result<Bytes, Refusal>
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let body = std::pin::pin!(Limited::new(body, BODY_MAX).collect());
    match timeout(BODY_TIME, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Refusal::new(Rule::BodySize, format!("a body has at most {BODY_MAX} bytes")))
        }
        Ok(Err(_)) => Err(Refusal::new(Rule::Json, "the body broke off")),
        Err(_) => {
            let text = format!("the body did not come within {} s", BODY_TIME.as_secs());
            Err(Refusal::new(Rule::BodyTime, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// A body of which nothing comes.
    struct Silent;

    impl Body for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    // Mutation caught: a body that is waited for without end.
    #[tokio::test(start_paused = true)]
    async fn a_body_has_to_come_in_time() {
        let start = tokio::time::Instant::now();
        assert_eq!(whole(Silent).await.unwrap_err().rule, Rule::BodyTime);
        assert_eq!(start.elapsed().as_secs(), BODY_TIME.as_secs());
    }
}
