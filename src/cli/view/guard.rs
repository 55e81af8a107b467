//! Access: a browser that has the address with the token, one page at a time, and no page of
//! another site.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use super::server::Peer;
use super::site::{Refusal, Site, refuse};

/// Names of this machine, as a browser on it or at the other end of `ssh -L` writes them.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
/// Parameters that count something.
const NUMBERS: [&str; 10] = ["frame", "from", "keep", "maps", "picture", "run", "since", "target", "tick", "tracker"];
/// Characters of a page's own number at most.
const PAGE_LENGTH: usize = 64;

/// Headers of every answer: nothing is loaded from elsewhere, no other page may embed this one, and
/// its address, which has the token, is sent to no other site.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"),
    ),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// The parameters of an address. Of those that the page sends names alone are escaped.
pub struct Query(String);

impl Query {
    fn of(uri: &Uri) -> Self {
        Self(uri.query().unwrap_or_default().to_string())
    }

    /// A parameter, where it is given and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// A parameter that is a name, where it is given and not empty; bytes that are no text are
    /// replaced.
    pub fn name(&self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        Some(percent_decode_str(text).decode_utf8_lossy().into_owned())
    }

    /// A parameter that counts something; 0 where it is missing. Others are refused by
    /// [`of_one_page`].
    pub fn number(&self, name: &str) -> usize {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The first parameter that should count something and does not.
    fn unusable(&self) -> Option<&'static str> {
        NUMBERS.into_iter().find(|name| self.text(name).is_some_and(|text| text.parse::<usize>().is_err()))
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri))
    }
}

/// For every request: refuses other hosts, other sites' pages and bodies. An answer to a request
/// without the token is the connection's last one.
pub async fn local(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let knows_token = site.is_token(Query::of(request.uri()).text("token"));
    let mut response = match refusal(&request) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if !knows_token {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn refusal(request: &Request) -> Option<Refusal> {
    let foreign = foreign(request.uri(), request.headers());
    let reason = foreign.map(|reason| Refusal(StatusCode::FORBIDDEN, reason.into()));
    let has_body = request.body().size_hint().exact() != Some(0);
    reason.or_else(|| has_body.then(|| Refusal(StatusCode::PAYLOAD_TOO_LARGE, "a body is not accepted".into())))
}

/// For the page and its requests: refuses addresses without the token.
pub async fn with_token(State(site): State<Arc<Site>>, request: Request, next: Next) -> Result<Response, Refusal> {
    if !site.is_token(Query::of(request.uri()).text("token")) {
        return refuse(StatusCode::FORBIDDEN, "The address lacks the token: open the one that attrax view printed.");
    }
    if let Some(peer) = request.extensions().get::<Arc<Peer>>() {
        peer.trust();
    }
    Ok(next.run(request).await)
}

/// For the page's requests: refuses all pages but one.
pub async fn of_one_page(State(site): State<Arc<Site>>, request: Request, next: Next) -> Result<Response, Refusal> {
    let query = Query::of(request.uri());
    let Some(page) = query.text("page").filter(|page| page.len() <= PAGE_LENGTH) else {
        return refuse(StatusCode::BAD_REQUEST, "which page?");
    };
    if let Some(name) = query.unusable() {
        return refuse(StatusCode::BAD_REQUEST, format!("{name}: a whole number is needed"));
    }
    if !site.session.admit(page) {
        return refuse(StatusCode::CONFLICT, "another page is open");
    }
    let response = next.run(request).await;
    site.session.hear(page);
    Ok(response)
}

/// Why a request is refused by its address and headers, where it is.
fn foreign(uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    // Only a proxy is sent an address with a host.
    if uri.authority().is_some() {
        return Some("the host is not this machine");
    }
    let values =
        |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect::<Vec<_>>();
    refused(&values(header::HOST), &values(header::ORIGIN))
}

/// A page of another site whose name resolves to this machine has that name in `Host`; another
/// site's page that sends requests here is named in `Origin`.
fn refused(hosts: &[&str], origins: &[&str]) -> Option<&'static str> {
    match (hosts, origins) {
        ([host], _) if !is_local(host) => Some("the host is not this machine"),
        ([_], []) => None,
        ([host], [origin]) if origin.strip_prefix("http://") == Some(host) => None,
        ([_], _) => Some("the request comes from a page of another site"),
        _ => Some("one host is needed"),
    }
}

/// Whether a host is this machine, on any port: `ssh -L` may forward another one.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_its_own_page_are_admitted() {
        for host in ["127.0.0.1:8765", "localhost:9000", "LOCALHOST", "[::1]:1", "[::1]"] {
            let own = format!("http://{host}");
            assert!(refused(&[host], &[]).is_none() && refused(&[host], &[&own]).is_none(), "{host}");
            for origin in ["null", "http://evil.example", "https://127.0.0.1:8765", "http://127.0.0.1:1"] {
                assert!(refused(&[host], &[origin]).is_some(), "{host}, {origin}");
            }
        }
        for host in ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost:80@evil", "", "[::1]:x"]
        {
            assert!(refused(&[host], &[]).is_some(), "{host}");
        }
        assert!(refused(&[], &[]).is_some() && refused(&["localhost", "localhost"], &[]).is_some());
    }

    #[test]
    fn parameters_are_found_by_their_names() {
        let query = Query("run=3&box=1,2,3,4&also=".into());
        assert_eq!((query.number("run"), query.text("box")), (3, Some("1,2,3,4")));
        assert_eq!((query.text("also"), query.number("from"), query.unusable()), (None, 0, None));
        for unusable in ["frame=-1", "frame=1e3", "frame=99999999999999999999", "run=2&frame=%31"] {
            assert_eq!(Query(unusable.into()).unusable(), Some("frame"), "{unusable}");
        }
    }
}
