//! What a client's error is, of the few things that a label can say.

use observe_core::__private::error_text;
use observe_core::label::OTHER;
use observe_core::semconv::http_client::{
    CONNECT_ERROR, CONNECTION_CLOSED, CONNECTION_REFUSED, CONNECTION_RESET, TIMEOUT,
};
use std::any::Any;
use std::error::Error;
use std::io::{self, ErrorKind};

/// Sees an error of some type as one.
type View = fn(&dyn Any) -> Option<&(dyn Error + 'static)>;

/// How many errors of a chain are looked at: it may be a circle.
const MAX_CAUSES: usize = 16;

/// The types that clients' errors are of. A service's error is of any type, and need not be an `Error`: most of
/// tower's are `Box<dyn Error + Send + Sync>`, which is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Errors {
    more: Vec<View>,
    timeouts: Vec<fn(&(dyn Error + 'static)) -> bool>,
}

impl Errors {
    pub(crate) fn know<E: Error + 'static>(&mut self) {
        self.more.push(view::<E>);
    }

    pub(crate) fn know_timeout<E: Error + 'static>(&mut self) {
        self.timeouts.push(<dyn Error>::is::<E>);
    }

    pub(crate) fn are_more(&self) -> bool {
        !self.more.is_empty() || !self.timeouts.is_empty()
    }

    fn see<'a>(&self, error: &'a dyn Any) -> Option<&'a (dyn Error + 'static)> {
        let usual: &[View] = &[
            boxed,
            view::<hyper_util::client::legacy::Error>,
            view::<hyper::Error>,
            view::<io::Error>,
            #[cfg(feature = "reqwest")]
            view::<::reqwest::Error>,
        ];
        usual.iter().chain(&self.more).find_map(|view| view(error))
    }
}

fn view<E: Error + 'static>(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    error.downcast_ref::<E>().map(|error| error as _)
}

fn boxed(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    error.downcast_ref::<Box<dyn Error + Send + Sync>>().map(|error| &**error as _)
}

/// The error type, and why in words, where the error is of a type that is known.
pub(crate) fn describe(errors: &Errors, error: &dyn Any) -> (&'static str, Option<String>) {
    match errors.see(error) {
        Some(error) => (errors.error_type(error), Some(error_text(told(error)))),
        None => (OTHER, None),
    }
}

/// What of an error may be told: reqwest's says the URL, with all that is in it.
fn told<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    #[cfg(feature = "reqwest")]
    if let (true, Some(cause)) = (error.is::<::reqwest::Error>(), error.source()) {
        return cause;
    }
    error
}

impl Errors {
    /// What an error is by its causes, the outermost first.
    fn error_type(&self, error: &(dyn Error + 'static)) -> &'static str {
        let mut connecting = false;
        let mut cause = Some(error);
        for _ in 0..MAX_CAUSES {
            let Some(error) = cause else { break };
            if self.timeouts.iter().any(|is_one| is_one(error)) {
                return TIMEOUT;
            }
            if let Some(known) = by_type(error, &mut connecting) {
                return known;
            }
            // What an `io::Error` was made of is no source of it.
            let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            cause = within.map(|within| within as &(dyn Error + 'static)).or_else(|| error.source());
        }
        if connecting { CONNECT_ERROR } else { OTHER }
    }
}

fn by_type(error: &(dyn Error + 'static), connecting: &mut bool) -> Option<&'static str> {
    if error.is::<tower::timeout::error::Elapsed>() {
        return Some(TIMEOUT);
    }
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<::reqwest::Error>() {
        *connecting |= error.is_connect();
        return error.is_timeout().then_some(TIMEOUT);
    }
    if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
        *connecting |= error.is_connect();
        return None;
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        if error.is_timeout() {
            return Some(TIMEOUT);
        }
        return (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
            .then_some(CONNECTION_CLOSED);
    }
    // The stream alone, or the connection below it.
    #[cfg(feature = "grpc")]
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return (error.is_reset() || error.is_go_away()).then_some(CONNECTION_RESET);
    }
    match error.downcast_ref::<io::Error>()?.kind() {
        ErrorKind::TimedOut => Some(TIMEOUT),
        ErrorKind::ConnectionRefused => Some(CONNECTION_REFUSED),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => Some(CONNECTION_RESET),
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::NotConnected => {
            Some(if *connecting { CONNECT_ERROR } else { CONNECTION_CLOSED })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Outer(Box<dyn Error + Send + Sync>);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }

    /// Its own cause.
    #[derive(Debug)]
    struct Circle;

    impl fmt::Display for Circle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }

    impl Error for Circle {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    // Mutations caught: causes not looked at; what is within an `io::Error` passed over.
    #[test]
    fn an_error_is_known_by_its_causes() {
        let error_type = |error: &(dyn Error + 'static)| Errors::default().error_type(error);
        let of = |kind: ErrorKind| error_type(&Outer(io::Error::from(kind).into()));
        assert_eq!(of(ErrorKind::ConnectionRefused), "connection_refused");
        assert_eq!(of(ErrorKind::ConnectionReset), "connection_reset");
        assert_eq!(of(ErrorKind::UnexpectedEof), "connection_closed");
        assert_eq!(of(ErrorKind::TimedOut), "timeout");
        assert_eq!(of(ErrorKind::PermissionDenied), OTHER);
        assert_eq!(error_type(&tower::timeout::error::Elapsed::new()), "timeout");
        let within = io::Error::other(Outer(io::Error::from(ErrorKind::TimedOut).into()));
        assert_eq!(error_type(&within), "timeout");
        assert_eq!(error_type(&Circle), OTHER);
    }

    // Mutation caught: a type that was told of not seen.
    #[test]
    fn a_type_is_seen_once_it_is_known() {
        let mut errors = Errors::default();
        let error = Outer(io::Error::from(ErrorKind::ConnectionReset).into());
        assert_eq!(describe(&errors, &error), (OTHER, None));
        errors.know::<Outer>();
        assert_eq!(errors.error_type(&Circle), OTHER);
        errors.know_timeout::<Circle>();
        assert_eq!(errors.error_type(&Outer(Circle.into())), "timeout");
        let (error_type, cause) = describe(&errors, &error);
        assert_eq!((error_type, cause.as_deref()), ("connection_reset", Some("outer: connection reset")));
        let boxed: Box<dyn Error + Send + Sync> = "plain".into();
        assert_eq!(describe(&Errors::default(), &boxed), (OTHER, Some("plain".to_owned())));
    }
}
