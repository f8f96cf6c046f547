//! Where events may be sent, and when a delivery is tried again. Pure.

use super::guard::{Allowed, PORTS, is_public};
use crate::delivery::events::catalogue;
use crate::platform::http::FieldError;
use chrono::TimeDelta;
use std::net::IpAddr;
use ureq::http::Uri;

/// Seconds from one attempt to the next, the example of Standard Webhooks: about 75 hours in all.
pub const PLAN: [i64; 10] = [0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];
/// How far a wait is drawn out or cut short, so that receivers are not called all at once.
const JITTER_PERCENT: i64 = 20;
/// An endpoint that fails so long is disabled.
pub const PATIENCE: TimeDelta = TimeDelta::hours(120);
/// A receiver may ask for no longer a pause.
const LONGEST_PAUSE: i64 = 24 * 3600;
/// The pause of a receiver that is at its limit and does not say for how long.
const PAUSE: i64 = 60;

/// Until the next attempt after `tries` of them; `None`: no more. `jitter` from -100 to 100 says where in the span.
#[must_use]
pub fn plan(tries: i32, jitter: i64, asked: Option<i64>) -> Option<TimeDelta> {
    let seconds = PLAN.get(usize::try_from(tries).ok()?)?;
    let wait = TimeDelta::milliseconds(seconds * 1000 + seconds * 10 * JITTER_PERCENT * jitter.clamp(-100, 100) / 100);
    Some(wait.max(TimeDelta::seconds(asked.unwrap_or(0).clamp(0, LONGEST_PAUSE))))
}

/// What an answer says of the receiver.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Verdict {
    Delivered,
    /// Tried again by the plan.
    Failed,
    /// Tried again, and everything else for the endpoint waits so many seconds too.
    Slower(i64),
    /// The receiver wants nothing any more (410).
    Gone,
}

/// 2xx is success and nothing else; redirects are not followed.
#[must_use]
pub fn verdict(status: Option<u16>, retry_after: Option<i64>) -> Verdict {
    match status {
        Some(200..=299) => Verdict::Delivered,
        Some(410) => Verdict::Gone,
        Some(429 | 502 | 503 | 504) => Verdict::Slower(retry_after.unwrap_or(PAUSE).clamp(1, LONGEST_PAUSE)),
        _ => Verdict::Failed,
    }
}

/// Everything wrong with an address that can be said without asking for names.
#[must_use]
pub fn url_faults(url: &str, allowed: &Allowed) -> Vec<FieldError> {
    let fault = |detail: &str| {
        vec![
            FieldError::at("/url", "webhook_url_refused", detail)
                .expected("https://host/path, port 443 or 8443")
                .received(url.chars().take(80).collect::<String>()),
        ]
    };
    let Ok(uri) = url.parse::<Uri>() else { return fault("This is not an address.") };
    let (Some(scheme), Some(authority), Some(host)) = (uri.scheme_str(), uri.authority(), uri.host()) else {
        return fault("An address has a scheme and a host.");
    };
    if !url.is_ascii() || url.bytes().any(|b| b.is_ascii_control() || b == b' ') || url.contains('#') {
        return fault("An address has neither blanks nor a fragment.");
    }
    let ends = authority.as_str().rsplit(']').next().unwrap_or_default();
    if ends.contains(':') && uri.port_u16().is_none() {
        return fault("A port is a number up to 65535.");
    }
    if authority.as_str().contains('@') {
        return fault("An address names nobody: events are signed instead.");
    }
    let inside = allowed.names(host);
    if !(scheme == "https" || scheme == "http" && inside) {
        return fault("Events are sent over HTTPS.");
    }
    if !inside && !PORTS.contains(&uri.port_u16().unwrap_or(443)) {
        return fault("Events are sent to port 443 or 8443.");
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let local = ["localhost", "local", "internal", "localdomain"].iter().any(|name| bare == *name || bare.ends_with(&format!(".{name}")));
    let numeric = bare.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x"));
    let public = match bare.parse::<IpAddr>() {
        Ok(address) => is_public(address),
        // 127.1, 2130706433 and 0x7f.1 are addresses to some.
        Err(_) => !numeric && !local && !bare.is_empty(),
    };
    if inside || public { Vec::new() } else { fault("Events are sent to the public Internet.") }
}

/// Types nobody tells of.
#[must_use]
pub fn type_faults(patterns: &[String]) -> Vec<FieldError> {
    let unknown = patterns.iter().enumerate().filter(|(_, pattern)| !catalogue::is_known(pattern));
    unknown
        .map(|(at, pattern)| {
            let error = FieldError::at(format!("/event_types/{at}"), "event_type_unknown", "There are no events of this type.").received(pattern);
            match catalogue::nearest(pattern) {
                Some(near) => error.expected(near),
                None => error,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_in_about_75_hours_then_no_more() {
        let waits: Vec<i64> = (0..10).map(|tries| plan(tries, 0, None).expect("a wait").num_seconds()).collect();
        assert_eq!(waits, [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]);
        assert_eq!(waits.iter().sum::<i64>(), 272_105);
        assert_eq!(plan(10, 0, None), None);
        assert_eq!((plan(2, -100, None), plan(2, 100, None)), (Some(TimeDelta::seconds(240)), Some(TimeDelta::seconds(360))));
        assert_eq!((plan(1, 0, Some(600)), plan(1, 0, Some(i64::MAX))), (Some(TimeDelta::seconds(600)), Some(TimeDelta::hours(24))));
    }

    #[test]
    fn only_2xx_is_delivered_and_410_is_the_end() {
        assert!([200, 201, 204, 299].iter().all(|status| verdict(Some(*status), None) == Verdict::Delivered));
        assert!([100, 301, 302, 307, 400, 401, 404, 500].iter().all(|status| verdict(Some(*status), None) == Verdict::Failed));
        assert_eq!((verdict(None, None), verdict(Some(410), None)), (Verdict::Failed, Verdict::Gone));
        assert_eq!(
            (verdict(Some(429), Some(7)), verdict(Some(503), None), verdict(Some(502), Some(-1))),
            (Verdict::Slower(7), Verdict::Slower(60), Verdict::Slower(1))
        );
    }

    #[test]
    fn addresses_inside_are_refused_in_every_spelling() {
        let allowed = Allowed::read(&["127.0.0.1".into()]).expect("an entry");
        for good in
            ["https://example.com/hook", "https://example.com:8443/", "https://8.8.8.8/x?y=1", "http://127.0.0.1:9000/hook", "https://hooks.example.co.in/a/b"]
        {
            assert_eq!(url_faults(good, &allowed).len(), 0, "{good}");
        }
        for bad in [
            "http://example.com/",
            "https://example.com:22/",
            "https://user:secret@example.com/",
            "https://example.com/#x",
            "ftp://example.com/",
            "/hook",
            "",
            "https://",
            "https://localhost/",
            "https://x.localhost/",
            "https://metadata.google.internal/",
            "https://169.254.169.254/latest",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://2130706433/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://0177.0.0.01/",
            "https://127.0.0.2/",
            "https://exa mple.com/",
            "https://localhost./",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            assert_eq!(url_faults(bad, &allowed).len(), 1, "{bad}");
        }
    }
}
