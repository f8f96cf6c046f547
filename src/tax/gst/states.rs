//! GST State codes: the first two digits of a GSTIN and the place of supply.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// Which law levies the State half of an intra-State tax: an SGST Act, or the UTGST Act in union
/// territories without a legislature (so not in Delhi, Puducherry, Jammu and Kashmir).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StateTax {
    Sgst,
    Utgst,
}

/// One GST State code.
#[allow(clippy::struct_excessive_bools, reason = "independent facts about a code, none of which implies another")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Two digits.
    pub code: &'static str,
    pub name: &'static str,
    /// ISO 3166-2:IN suffix (`MH`); `None` for codes that are no State of today.
    pub alpha: Option<&'static str>,
    pub is_ut: bool,
    /// Without meaning for 96 and 99, which never see an intra-State supply.
    pub tax_component: StateTax,
    pub usable_as_place_of_supply: bool,
    pub usable_as_gstin_prefix: bool,
    /// False for 96 (other countries) and 99 (centre jurisdiction).
    pub domestic: bool,
    /// Obsolete codes 25 and 28: the code that took over.
    pub merged_into: Option<&'static str>,
    /// First three digits of the PIN codes, inclusive; a mismatch is a warning, never an error.
    pub pin_prefix_ranges: Vec<(u16, u16)>,
}

impl State {
    /// Whether a six-digit PIN code plausibly lies in this State (true where no range is known).
    #[must_use]
    pub fn pin_is_plausible(&self, pin: &str) -> bool {
        let prefix = pin.get(..3).and_then(|p| p.parse::<u16>().ok());
        self.pin_prefix_ranges.is_empty() || prefix.is_some_and(|p| self.pin_prefix_ranges.iter().any(|(from, to)| (*from..=*to).contains(&p)))
    }
}

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static STATES: LazyLock<Vec<State>> = LazyLock::new(|| serde_json::from_str(include_str!("data/states.json")).expect("embedded states.json"));

/// Every code, ordered by number, obsolete ones included.
#[must_use]
pub fn all() -> &'static [State] {
    &STATES
}

/// The State of a two-digit code.
#[must_use]
pub fn find(code: &str) -> Option<&'static State> {
    STATES.iter().find(|s| s.code == code)
}

/// The code in force today: 25 is 26 since 26-Jan-2020, 28 is 37; all others are themselves.
#[must_use]
pub fn current_code(code: &str) -> &str {
    find(code).and_then(|s| s.merged_into).unwrap_or(code)
}

/// Whether the code may stand as a place of supply: never 25, 28 or 99.
#[must_use]
pub fn is_place_of_supply(code: &str) -> bool {
    find(code).is_some_and(|s| s.usable_as_place_of_supply)
}

#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests {
    use super::*;

    #[test]
    fn embedded_states_are_ordered_and_unique() {
        assert_eq!(all().len(), 41);
        assert!(all().windows(2).all(|w| w[0].code < w[1].code));
    }

    #[test]
    fn obsolete_and_centre_codes_are_never_a_place_of_supply() {
        for code in ["25", "28", "99", "39", "00", "1", "MH", ""] {
            assert!(!is_place_of_supply(code), "{code}");
        }
        for code in ["01", "27", "38", "96", "97"] {
            assert!(is_place_of_supply(code), "{code}");
        }
    }

    #[test]
    fn utgst_is_only_for_territories_without_a_legislature() {
        let utgst: Vec<_> = all().iter().filter(|s| s.tax_component == StateTax::Utgst).map(|s| s.code).collect();
        assert_eq!(utgst, ["04", "25", "26", "31", "35", "38", "97"]);
    }

    #[test]
    fn old_codes_lead_to_the_codes_of_today() {
        assert_eq!((current_code("25"), current_code("28"), current_code("27")), ("26", "37", "27"));
    }

    #[test]
    fn pin_of_bengaluru_is_plausible_only_in_karnataka() {
        assert!(find("29").is_some_and(|s| s.pin_is_plausible("560001")));
        assert!(find("27").is_some_and(|s| !s.pin_is_plausible("560001")));
        assert!(find("27").is_some_and(|s| !s.pin_is_plausible("x")));
    }
}
