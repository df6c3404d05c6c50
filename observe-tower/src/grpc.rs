//! How calls by gRPC are told from other requests.

use http::HeaderMap;

/// Whether a request is one, by its content type: `application/grpc`, alone or with a `+` and what its messages are
/// coded in. That of gRPC-Web, whose trailers are a part of the body, is none.
#[cfg(feature = "grpc")]
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    use observe_core::semconv::rpc::GRPC_CONTENT_TYPE;

    let content_type = headers.get(http::header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let rest = content_type.and_then(|value| value.strip_prefix(GRPC_CONTENT_TYPE.as_bytes()));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// Without the feature no request is one.
#[cfg(not(feature = "grpc"))]
pub(crate) const fn is_call(_: &HeaderMap) -> bool {
    false
}

#[cfg(all(test, feature = "grpc"))]
mod tests {
    use super::*;
    use http::header::CONTENT_TYPE;

    #[test]
    fn a_call_is_known_by_its_content_type() {
        let is = |value: &str| is_call(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]));
        assert!(
            is("application/grpc") && is("application/grpc+proto") && is("application/grpc;charset=utf-8")
        );
        assert!(!is("application/grpc-web") && !is("application/grpc-web+proto") && !is("application/json"));
        assert!(!is_call(&HeaderMap::new()));
    }
}
