//! Table 13: which numbers were used. Pure.

use super::facts::DocumentKind;
use crate::filing::json::Json;
use std::cmp::Ordering;

/// A number that was given to a document, cancelled or not.
#[derive(Debug, Clone)]
pub struct Used {
    pub kind: DocumentKind,
    pub number: Box<str>,
    pub series: Option<Box<str>>,
    pub cancelled: bool,
}

/// Consecutive numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub from: Box<str>,
    pub to: Box<str>,
    pub total: usize,
    pub cancelled: usize,
}

/// Runs of digits and of everything else, in turn.
fn parts(number: &str) -> impl Iterator<Item = &str> {
    let bytes = number.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        let digit = bytes.get(start)?.is_ascii_digit();
        while bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() == digit) {
            at += 1;
        }
        number.get(start..at)
    })
}

fn is_counter(part: &str) -> bool {
    part.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// In the order of counting: runs of digits by what they count, whatever their length.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (parts(a), parts(b));
    loop {
        let ordered = match (left.next(), right.next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) if is_counter(x) && is_counter(y) => count(x).cmp(&count(y)),
            (Some(x), Some(y)) => x.cmp(y),
        };
        if ordered != Ordering::Equal {
            return ordered;
        }
    }
}

/// A run of at most 16 digits.
fn count(part: &str) -> u64 {
    part.parse().unwrap_or(u64::MAX)
}

/// Whether `b` is the number after `a`: they differ in one counter alone, and that by one. A counter filled up
/// with zeros keeps its length; one that is not grows from 9 to 10.
fn follows(a: &str, b: &str) -> bool {
    let (mut left, mut right) = (parts(a), parts(b));
    let mut counted = false;
    loop {
        match (left.next(), right.next()) {
            (None, None) => return counted,
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some(y)) if is_counter(x) && is_counter(y) && !counted => {
                let lengths = x.len() == y.len() || (x.len() + 1 == y.len() && !x.starts_with('0') && x.bytes().all(|digit| digit == b'9'));
                if !lengths || count(x).checked_add(1) != Some(count(y)) {
                    return false;
                }
                counted = true;
            }
            _ => return false,
        }
    }
}

/// The ranges of one nature, in order: a range ends where the counter jumps, anything else of the number changes,
/// or two documents are said to be of different series.
#[must_use]
pub fn ranges(used: &mut [&Used]) -> Vec<Range> {
    used.sort_by(|a, b| natural(&a.number, &b.number));
    let mut ranges: Vec<Range> = Vec::new();
    let mut series: Option<&str> = None;
    for one in used {
        let differs = matches!((series, one.series.as_deref()), (Some(a), Some(b)) if a != b);
        let cancelled = usize::from(one.cancelled);
        match ranges.last_mut() {
            Some(range) if !differs && follows(&range.to, &one.number) => {
                range.to = one.number.clone();
                range.total += 1;
                range.cancelled += cancelled;
                series = one.series.as_deref().or(series);
            }
            _ => {
                ranges.push(Range { from: one.number.clone(), to: one.number.clone(), total: 1, cancelled });
                series = one.series.as_deref();
            }
        }
    }
    ranges
}

/// `doc_issue` of a return; `None` where no number was used.
#[must_use]
pub fn written(used: &[Used]) -> (Option<String>, [usize; 3]) {
    let mut totals = [0; 3];
    let mut natures: Vec<usize> = DocumentKind::ALL.iter().map(|kind| kind.nature()).collect();
    natures.sort_unstable();
    let mut json = Json::default();
    json.object(|json| {
        json.name("doc_det").array(|json| {
            for nature in natures {
                let mut of_nature: Vec<&Used> = used.iter().filter(|one| one.kind.nature() == nature).collect();
                if of_nature.is_empty() {
                    continue;
                }
                let ranges = ranges(&mut of_nature);
                json.object(|json| {
                    json.count("doc_num", nature).name("docs").array(|json| {
                        for (num, range) in (1..).zip(&ranges) {
                            let net = range.total - range.cancelled;
                            totals = [totals[0] + range.total, totals[1] + range.cancelled, totals[2] + net];
                            json.object(|json| {
                                json.count("num", num).text("from", &range.from).text("to", &range.to);
                                json.count("totnum", range.total).count("cancel", range.cancelled).count("net_issue", net);
                            });
                        }
                    });
                });
            }
        });
    });
    ((totals[0] > 0).then(|| json.into_text()), totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(number: &str) -> Used {
        let (number, cancelled) = number.strip_suffix('!').map_or((number, false), |number| (number, true));
        Used { kind: DocumentKind::Invoice, number: number.into(), series: None, cancelled }
    }
    fn found(numbers: &[&str]) -> Vec<(String, String, usize, usize)> {
        let used: Vec<Used> = numbers.iter().map(|number| used(number)).collect();
        ranges(&mut used.iter().collect::<Vec<_>>()).into_iter().map(|r| (r.from.into(), r.to.into(), r.total, r.cancelled)).collect()
    }
    fn range(from: &str, to: &str, total: usize, cancelled: usize) -> (String, String, usize, usize) {
        (from.into(), to.into(), total, cancelled)
    }

    #[test]
    fn consecutive_numbers_are_one_range_whatever_their_order_and_cancelled_ones_count() {
        assert_eq!(found(&["A/003", "A/001", "A/002!", "A/004"]), [range("A/001", "A/004", 4, 1)]);
    }

    #[test]
    fn a_jump_of_the_counter_breaks_a_range() {
        assert_eq!(found(&["A/001", "A/002", "A/005", "A/006"]), [range("A/001", "A/002", 2, 0), range("A/005", "A/006", 2, 0)]);
    }

    #[test]
    fn another_prefix_or_suffix_is_another_range() {
        assert_eq!(found(&["B/1", "A/2", "A/1"]), [range("A/1", "A/2", 2, 0), range("B/1", "B/1", 1, 0)]);
        assert_eq!(found(&["S-01-24", "S-02-24", "S-03-25"]), [range("S-01-24", "S-02-24", 2, 0), range("S-03-25", "S-03-25", 1, 0)]);
    }

    #[test]
    fn a_counter_without_zeros_grows_and_one_with_zeros_keeps_its_length() {
        assert_eq!(found(&["8", "9", "10", "11"]), [range("8", "11", 4, 0)]);
        assert_eq!(found(&["A09", "A10"]), [range("A09", "A10", 2, 0)]);
        assert_eq!(found(&["A99", "A100"]), [range("A99", "A100", 2, 0)]);
        assert_eq!(found(&["A09", "A010"]), [range("A09", "A09", 1, 0), range("A010", "A010", 1, 0)]);
    }

    #[test]
    fn series_that_are_told_apart_are_never_one_range() {
        let mut used = [used("A/1"), used("A/2"), used("A/3")];
        used[0].series = Some("x".into());
        used[2].series = Some("y".into());
        let found = ranges(&mut used.iter().collect::<Vec<_>>());
        assert_eq!(found.iter().map(|r| r.total).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn sixteen_digits_are_counted() {
        assert_eq!(found(&["9999999999999998", "9999999999999999"]), [range("9999999999999998", "9999999999999999", 2, 0)]);
    }
}
