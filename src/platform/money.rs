//! Money, quantities and rates: exact decimals, decimal strings on the wire, one rounding function.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// The largest amount a document may reach in either direction; the database refuses more.
pub const LARGEST: Decimal = Decimal::from_parts(1_316_134_911, 2328, 0, false, 0); // 9,999,999,999,999

/// Rounds half away from zero (half-up for positive amounts: GST practice, CGST Act s.170).
/// The only rounding in the product.
#[must_use]
pub fn round(amount: Decimal, exponent: u32) -> Decimal {
    amount.round_dp_with_strategy(exponent, RoundingStrategy::MidpointAwayFromZero)
}

/// An ISO 4217 currency, which fixes how many decimals an amount has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Reads a three-letter code. `None` for anything that is not a currency with minor units.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(code).filter(|c| c.exponent().is_some()).map(Self)
    }
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }
    /// Decimal places: INR 2, JPY 0, KWD 3.
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }
    /// An amount as the wire shows it: rounded and padded to the exponent.
    #[must_use]
    pub fn amount(self, value: Decimal) -> Amount {
        let mut value = round(value, self.exponent());
        value.rescale(self.exponent());
        if value.is_zero() {
            value.set_sign_positive(true);
        }
        Amount(value)
    }
    /// Whether `value` has no more decimals than the currency.
    #[must_use]
    pub fn holds(self, value: Decimal) -> bool {
        value.normalize().scale() <= self.exponent()
    }
}

/// Decimals travel as strings so that no client turns them into floats.
macro_rules! decimal_string {
    ($(#[$meta:meta])* $name:ident, $pattern:literal, $max:literal, $example:literal, $about:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
        pub struct $name(pub Decimal);

        impl $name {
            #[must_use]
            pub const fn value(self) -> Decimal { self.0 }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                Decimal::from_str_exact(&text).map(Self).map_err(serde::de::Error::custom)
            }
        }
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some($pattern))
                    .max_length(Some($max))
                    .description(Some($about))
                    .examples([serde_json::json!($example)])
                    .into()
            }
        }
        impl utoipa::ToSchema for $name {
            fn name() -> Cow<'static, str> { stringify!($name).into() }
        }
    };
}

decimal_string!(
    /// Money in major units of the document's currency.
    // No negative zero: a sign needs a digit other than 0 behind it.
    Amount, r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$|^-(0\.[0-9]{0,5}[1-9][0-9]{0,5}|[1-9][0-9]{0,15}(\.[0-9]{1,6})?)$", 24, "118000.00",
    "Money in major units as a decimal string, at most as many decimals as the currency has (INR 2, JPY 0, KWD 3). Replies are padded to that many."
);
decimal_string!(
    /// A quantity, at most six decimals.
    Quantity, r"^(0|[1-9][0-9]{0,12})(\.[0-9]{1,6})?$", 20, "2.000000",
    "A quantity as a decimal string, at most 6 decimals."
);
decimal_string!(
    /// A price for one unit, at most six decimals.
    UnitPrice, r"^(0|[1-9][0-9]{0,12})(\.[0-9]{1,6})?$", 20, "50000.00",
    "Price of one unit in major units of the document's currency, at most 6 decimals."
);
decimal_string!(
    /// A percentage, at most three decimals.
    Rate, r"^(0|[1-9][0-9]{0,2})(\.[0-9]{1,3})?$", 7, "18.00",
    "A percentage as a decimal string, at most 3 decimals: 18.00 is eighteen per cent."
);
decimal_string!(
    /// A part of a whole in per cent, at most seven decimals, so that a third of a crore is right to the paisa.
    Share, r"^(0|[1-9][0-9]{0,2})(\.[0-9]{1,7})?$", 11, "33.33333",
    "A part of a whole in per cent as a decimal string, at most 7 decimals."
);
decimal_string!(
    /// Units of the base currency for one unit of another, at most eight decimals.
    ExchangeRate, r"^(0|[1-9][0-9]{0,7})(\.[0-9]{1,8})?$", 17, "83.00",
    "Units of the base currency for one unit of the document's currency, as a decimal string of at most 8 decimals."
);
decimal_string!(
    /// A plain figure such as a number of days.
    Figure, r"^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$", 24, "76.3",
    "A figure as a decimal string."
);

/// Pads to at least `least` decimals and drops further zeros.
#[must_use]
pub fn pad(value: Decimal, least: u32) -> Decimal {
    let mut value = value.normalize();
    if value.scale() < least {
        value.rescale(least);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(round(dec!(0.125), 2), dec!(0.13));
        assert_eq!(round(dec!(-0.125), 2), dec!(-0.13));
        assert_eq!(round(dec!(2.5), 0), dec!(3));
    }

    #[test]
    fn amounts_are_padded_to_the_exponent_of_their_currency() {
        let shown = |code: &str, value| Currency::parse(code).map(|c| c.amount(value).0.to_string());
        assert_eq!(shown("INR", dec!(118000)).as_deref(), Some("118000.00"));
        assert_eq!(shown("JPY", dec!(118000.0000)).as_deref(), Some("118000"));
        assert_eq!(shown("KWD", dec!(1.5)).as_deref(), Some("1.500"));
        assert_eq!(shown("INR", dec!(-0.001)).as_deref(), Some("0.00"));
    }

    #[test]
    fn the_largest_amount_is_what_the_database_allows() {
        assert_eq!(LARGEST, dec!(9999999999999));
    }
}
