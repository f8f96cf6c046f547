//! What form of an answer a caller takes (RFC 9110 section 12.5.1). Pure.

/// The offered media type the caller likes best; the first of those it likes alike, and of all where it says nothing.
#[must_use]
pub fn preferred<'o>(accept: Option<&str>, offered: &[&'o str]) -> Option<&'o str> {
    let Some(accept) = accept.filter(|text| !text.trim().is_empty()) else { return offered.first().copied() };
    let mut best: Option<(&str, u16)> = None;
    for media in offered {
        let liked = liking(accept, media);
        if liked > best.map_or(0, |(_, most)| most) {
            best = Some((media, liked));
        }
    }
    best.map(|(media, _)| media)
}

/// How much a media type is liked, in thousandths, as its most specific range says; 0: not at all.
fn liking(accept: &str, media: &str) -> u16 {
    let family = media.split('/').next().unwrap_or_default();
    let ranges = accept.split(',').filter_map(|range| {
        let (kind, rest) = range.split_once(';').unwrap_or((range, ""));
        let kind = kind.trim();
        let fits = if kind.eq_ignore_ascii_case(media) {
            2
        } else if kind.strip_suffix("/*").is_some_and(|of| of.eq_ignore_ascii_case(family)) {
            1
        } else if kind == "*/*" {
            0
        } else {
            return None;
        };
        let weight = rest.split(';').find_map(|parameter| parameter.trim().strip_prefix("q=").or_else(|| parameter.trim().strip_prefix("Q=")));
        Some((fits, weight.map_or(1000, thousandths)))
    });
    ranges.max_by_key(|(fits, _)| *fits).map_or(0, |(_, liked)| liked)
}

/// `0.75` as 750; what is no weight is one.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let digits = format!("{fraction:0<3}");
    match (whole, digits.get(..3).and_then(|digits| digits.parse::<u16>().ok())) {
        ("0", Some(part)) => part,
        _ => 1000,
    }
}

/// How many seconds a caller would rather wait for the end of the work than be told where to ask for it (RFC 7240 section
/// 4.3): the first `wait` of all `Prefer` headers. What cannot be read was not said.
#[must_use]
pub fn wait<'h>(prefer: impl Iterator<Item = &'h str>) -> Option<u64> {
    let mut preferences = prefer.flat_map(|header| header.split(','));
    preferences.find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_caller_waits_is_read_as_the_rfc_says() {
        let read = |headers: &[&str]| wait(headers.iter().copied());
        for (headers, seconds) in [
            (&["wait=10"][..], Some(10)),
            (&["respond-async, wait=100"], Some(100)),
            (&["handling=lenient", "Wait = \"5\"; foo=bar"], Some(5)),
            (&["wait=1, wait=2"], Some(1)),
            (&["wait=0"], Some(0)),
            (&["wait", "wait=soon", "await=3", ""], None),
            (&["wait=-1"], None),
            (&[], None),
        ] {
            assert_eq!(read(headers), seconds, "{headers:?}");
        }
    }

    #[test]
    fn the_form_a_caller_likes_best_is_given() {
        const PICTURES: [&str; 2] = ["image/svg+xml", "image/png"];
        for (accept, given) in [
            (None, Some("image/svg+xml")),
            (Some(""), Some("image/svg+xml")),
            (Some("*/*"), Some("image/svg+xml")),
            (Some("image/*"), Some("image/svg+xml")),
            (Some("image/png"), Some("image/png")),
            (Some("image/svg+xml"), Some("image/svg+xml")),
            (Some("IMAGE/PNG; q=1.0"), Some("image/png")),
            (Some("image/svg+xml;q=0.5, image/png;q=0.8"), Some("image/png")),
            (Some("image/svg+xml;q=0.8,image/png;q=0.75"), Some("image/svg+xml")),
            (Some("image/svg+xml;q=0, */*;q=0.1"), Some("image/png")),
            // As browsers ask for pictures.
            (Some("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"), Some("image/svg+xml")),
            (Some("text/html, image/*;q=0.9"), Some("image/svg+xml")),
            (Some("application/json"), None),
            (Some("image/png;q=0, image/svg+xml;q=0.000"), None),
            (Some("png"), None),
        ] {
            assert_eq!(preferred(accept, &PICTURES), given, "{accept:?}");
        }
    }
}
