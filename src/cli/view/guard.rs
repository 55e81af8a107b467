//! Who is let in: a browser that was given the address, and no page of another site.

use tiny_http::Request;

/// Names of this machine, as a browser on it or at the other end of `ssh -L` writes them.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// The parameters of an address. The page puts nothing into them that would have to be escaped.
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// Path and parameters of an address.
    pub fn split(address: &'a str) -> (&'a str, Self) {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        (path, Self(query))
    }

    /// A parameter, where it is there and not empty.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// A parameter that counts something; 0 where it is missing or no number.
    pub fn number(&self, name: &str) -> usize {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// Why a request is refused by its headers, where it is.
pub fn foreign(request: &Request) -> Option<&'static str> {
    let values = |name: &'static str| {
        request.headers().iter().filter(move |header| header.field.equiv(name)).map(|header| header.value.as_str())
    };
    let hosts: Vec<&str> = values("Host").collect();
    let origins: Vec<&str> = values("Origin").collect();
    refused(&hosts, &origins)
}

/// A page of another site whose name leads here has that name in `Host`; one that sends requests here is named in `Origin`.
fn refused(hosts: &[&str], origins: &[&str]) -> Option<&'static str> {
    match (hosts, origins) {
        ([host], _) if !is_local(host) => Some("the host is not this machine"),
        ([_], []) => None,
        ([host], [origin]) if origin.strip_prefix("http://") == Some(host) => None,
        ([_], _) => Some("the request comes from a page of another site"),
        _ => Some("one host is needed"),
    }
}

/// Whether a host is this machine, on any port: `ssh -L` may lead another one here.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_its_own_page_are_let_in() {
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
        let (path, query) = Query::split("/news?run=3&box=1,2,3,4&also=");
        assert_eq!((path, query.number("run"), query.text("box")), ("/news", 3, Some("1,2,3,4")));
        assert_eq!((query.text("also"), query.number("box"), query.number("from")), (None, 0, 0));
    }
}
