//! Names of countries: an export invoice says where the goods go (CGST rule 46, third proviso).

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

#[derive(Deserialize)]
struct Data {
    countries: BTreeMap<String, String>,
}

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static DATA: LazyLock<Data> = LazyLock::new(|| serde_json::from_str(include_str!("data/countries.json")).expect("embedded countries.json"));

/// The name of an ISO 3166-1 code; the code itself where it is none.
#[must_use]
pub fn name(code: &str) -> &str {
    DATA.countries.get(code).map_or(code, String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_have_names() {
        assert_eq!(DATA.countries.len(), 249);
        assert_eq!((name("DE"), name("IN"), name("QQ")), ("Germany", "India", "QQ"));
    }
}
