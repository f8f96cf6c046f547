//! Parts of a file (RFC 9110 section 14): a download that broke off goes on where it stopped. Pure.

use actix_web::http::header::HeaderMap;
use std::ops::Range;

/// What of a file is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// All of it: no range, one we do not understand, several at once, or one of an older version.
    Whole,
    /// Bytes from the first to the one before the last.
    Part(Range<u64>),
    /// A range that begins after its end.
    Nothing,
}

/// What the headers of a GET ask of a file with `length` bytes and this (strong) entity tag.
#[must_use]
pub fn asked(headers: &HeaderMap, etag: &str, length: u64) -> Asked {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Another version than the one they have a part of: all of the new one (section 13.1.5).
    if text("if-range").is_some_and(|known| known.trim() != etag) {
        return Asked::Whole;
    }
    text("range").and_then(|range| part(range, length)).unwrap_or(Asked::Whole)
}

fn part(range: &str, length: u64) -> Option<Asked> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |digits: &str| digits.bytes().all(|c| c.is_ascii_digit()).then(|| digits.parse::<u64>().unwrap_or(u64::MAX));
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (start, end) = match (first.trim(), last.trim()) {
        ("", "") => return None,
        ("", suffix) => (length.saturating_sub(number(suffix)?), length),
        (first, "") => (number(first)?, length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(length))
        }
    };
    Some(if start < end { Asked::Part(start..end) } else { Asked::Nothing })
}

/// Whether a list of tags has this one. Weak ones count (RFC 9110 section 13.1.2): who compresses on the way makes them so.
#[must_use]
pub fn lists(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn of(pairs: &[(&'static str, &str)], length: u64) -> Asked {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        asked(&headers, "\"a\"", length)
    }

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        // The examples of RFC 9110 section 14.1.2, of 10,000 bytes.
        for (range, expected) in [
            ("bytes=0-499", Asked::Part(0..500)),
            ("bytes=500-999", Asked::Part(500..1000)),
            ("bytes=-500", Asked::Part(9_500..10_000)),
            ("bytes=9500-", Asked::Part(9_500..10_000)),
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=-1", Asked::Part(9_999..10_000)),
            ("Bytes= 0-9 ", Asked::Part(0..10)),
            ("bytes=9999-99999999999999999999999", Asked::Part(9_999..10_000)),
            ("bytes=-20000", Asked::Part(0..10_000)),
            ("bytes=10000-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=99999999999999999999999-", Asked::Nothing),
            // Several are answered by all of it, and so is what says nothing.
            ("bytes=0-0,-1", Asked::Whole),
            ("bytes=5-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("rows=0-1", Asked::Whole),
            ("0-1", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(of(&[("range", range)], 10_000), expected, "{range}");
        }
        assert_eq!(of(&[], 10_000), Asked::Whole);
        assert_eq!(of(&[("range", "bytes=0-")], 0), Asked::Nothing);
    }

    #[test]
    fn a_part_of_another_version_is_not_given() {
        let part = |known: &str| of(&[("range", "bytes=5-"), ("if-range", known)], 10);
        assert_eq!(part("\"a\""), Asked::Part(5..10));
        for other in ["\"b\"", "W/\"a\"", "Sat, 22 Nov 2025 10:00:00 GMT"] {
            assert_eq!(part(other), Asked::Whole, "{other}");
        }
    }

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_strong() {
        for tags in ["*", "\"v3\"", "W/\"v3\"", "\"v1\", W/\"v3\"", " \"x\",* "] {
            assert!(lists(tags, "\"v3\""), "{tags}");
        }
        for tags in ["", "v3", "\"v33\"", "W/v3", "\"v1\",\"v2\""] {
            assert!(!lists(tags, "\"v3\""), "{tags}");
        }
    }
}
