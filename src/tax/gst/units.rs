//! Unit quantity codes (UQC) accepted on e-invoices, e-way bills and in GSTR-1 table 12.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// One unit quantity code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// As in the JSON of the portal, e.g. `KGS`.
    pub code: &'static str,
    pub name: &'static str,
    /// `count`, `mass`, `length`, `area`, `volume` or `none`.
    pub dimension: &'static str,
}

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static UNITS: LazyLock<Vec<Unit>> = LazyLock::new(|| serde_json::from_str(include_str!("data/uqc.json")).expect("embedded uqc.json"));

/// The code to use when a unit has no official one.
pub const OTHER: &str = "OTH";

/// Every code of the official list.
#[must_use]
pub fn all() -> &'static [Unit] {
    &UNITS
}

/// Whether the code, upper-case, is on the official list (`NA` is there for services).
#[must_use]
pub fn is_unit(code: &str) -> bool {
    UNITS.iter().any(|u| u.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn official_units_are_known_and_others_are_not() {
        assert_eq!(all().len(), 46);
        for code in ["KGS", "NOS", "NA", OTHER] {
            assert!(is_unit(code), "{code}");
        }
        for code in ["kgs", "KG", "HRS", ""] {
            assert!(!is_unit(code), "{code}");
        }
    }
}
