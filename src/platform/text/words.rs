//! Amounts as people read them: digits in groups, and the whole amount in words.
//!
//! Rupees of India and its neighbours go by lakh and crore; above 99 crore the count of crores is itself put in words
//! (one lakh crore is 10^12). All other currencies go by thousands. An amount in words is what counts where figures
//! and words differ (Negotiable Instruments Act 1881 s.18), so it names every minor unit.

use crate::platform::money::Currency;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Currencies counted in lakh and crore.
const BY_LAKH: [&str; 5] = ["INR", "BDT", "BTN", "NPR", "PKR"];

/// Code, name of the currency, one of its minor units and many of them.
const NAMES: [(&str, &str, &str, &str); 36] = [
    ("INR", "Rupees", "Paisa", "Paise"),
    ("AED", "UAE Dirhams", "Fils", "Fils"),
    ("AUD", "Australian Dollars", "Cent", "Cents"),
    ("BDT", "Bangladeshi Taka", "Poisha", "Poisha"),
    ("BHD", "Bahraini Dinars", "Fils", "Fils"),
    ("BTN", "Bhutanese Ngultrum", "Chhertum", "Chhertum"),
    ("CAD", "Canadian Dollars", "Cent", "Cents"),
    ("CHF", "Swiss Francs", "Rappen", "Rappen"),
    ("CNY", "Chinese Yuan", "Fen", "Fen"),
    ("DKK", "Danish Kroner", "Ore", "Ore"),
    ("EUR", "Euros", "Cent", "Cents"),
    ("GBP", "Pounds Sterling", "Penny", "Pence"),
    ("HKD", "Hong Kong Dollars", "Cent", "Cents"),
    ("IDR", "Indonesian Rupiah", "Sen", "Sen"),
    ("JPY", "Japanese Yen", "", ""),
    ("KES", "Kenyan Shillings", "Cent", "Cents"),
    ("KRW", "Korean Won", "", ""),
    ("KWD", "Kuwaiti Dinars", "Fils", "Fils"),
    ("LKR", "Sri Lankan Rupees", "Cent", "Cents"),
    ("MUR", "Mauritian Rupees", "Cent", "Cents"),
    ("MYR", "Malaysian Ringgit", "Sen", "Sen"),
    ("NOK", "Norwegian Kroner", "Ore", "Ore"),
    ("NPR", "Nepalese Rupees", "Paisa", "Paise"),
    ("NZD", "New Zealand Dollars", "Cent", "Cents"),
    ("OMR", "Omani Rials", "Baisa", "Baisa"),
    ("PHP", "Philippine Pesos", "Centavo", "Centavos"),
    ("PKR", "Pakistani Rupees", "Paisa", "Paise"),
    ("QAR", "Qatari Riyals", "Dirham", "Dirhams"),
    ("RUB", "Russian Roubles", "Kopeck", "Kopecks"),
    ("SAR", "Saudi Riyals", "Halala", "Halalas"),
    ("SEK", "Swedish Kronor", "Ore", "Ore"),
    ("SGD", "Singapore Dollars", "Cent", "Cents"),
    ("THB", "Thai Baht", "Satang", "Satang"),
    ("USD", "US Dollars", "Cent", "Cents"),
    ("VND", "Vietnamese Dong", "", ""),
    ("ZAR", "South African Rand", "Cent", "Cents"),
];

const UP_TO_NINETEEN: [&str; 20] = [
    "Zero",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
    "Thirteen",
    "Fourteen",
    "Fifteen",
    "Sixteen",
    "Seventeen",
    "Eighteen",
    "Nineteen",
];
const TENS: [&str; 10] = ["", "", "Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"];

/// A scale: what its largest unit is called and how many it counts, down to the hundred. The count of the largest is
/// put in words by the same scale.
type Scale = [(u128, &'static str)];
const INDIAN: &Scale = &[(10_000_000, "Crore"), (100_000, "Lakh"), (1_000, "Thousand"), (100, "Hundred")];
const SHORT: &Scale = &[
    (1_000_000_000_000_000, "Quadrillion"),
    (1_000_000_000_000, "Trillion"),
    (1_000_000_000, "Billion"),
    (1_000_000, "Million"),
    (1_000, "Thousand"),
    (100, "Hundred"),
];

fn is_by_lakh(currency: Currency) -> bool {
    BY_LAKH.contains(&currency.code())
}

/// With separators and all decimals of the currency: `12,34,56,789.50` of rupees, `123,456,789.50` of dollars.
/// Rounded half-up to the currency's decimals.
#[must_use]
pub fn grouped(amount: Decimal, currency: Currency) -> String {
    let plain = currency.amount(amount).0.to_string();
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let size = if is_by_lakh(currency) { 2 } else { 3 };
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        let left = whole.len() - at;
        // The last three digits stand together in either system.
        if at > 0 && left >= 3 && (left - 3).is_multiple_of(size) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// `Rupees One Lakh Eighteen Thousand and Fifty Paise Only`. Rounded half-up to the currency's decimals; an amount
/// below zero begins with `Minus`. A currency whose minor unit has no name here says it as a fraction: `and 50/100`.
#[must_use]
pub fn in_words(amount: Decimal, currency: Currency) -> String {
    let amount = currency.amount(amount).0;
    let scale = if is_by_lakh(currency) { INDIAN } else { SHORT };
    let whole = amount.trunc().abs();
    let parts = Decimal::from(10_u64.pow(currency.exponent()));
    let minor = ((amount.abs() - whole) * parts).to_u128().unwrap_or_default();
    let (name, one, many) =
        NAMES.iter().find(|(code, ..)| *code == currency.code()).map_or((currency.code(), "", ""), |(_, name, one, many)| (*name, *one, *many));
    let mut words = Vec::new();
    if amount.is_sign_negative() && !amount.is_zero() {
        words.push("Minus".to_owned());
    }
    words.push(name.to_owned());
    words.push(number(whole.to_u128().unwrap_or_default(), scale));
    if minor > 0 && many.is_empty() {
        words.push(format!("and {minor}/{parts}"));
    } else if minor > 0 {
        words.push(format!("and {} {}", number(minor, scale), if minor == 1 { one } else { many }));
    }
    words.push("Only".to_owned());
    words.join(" ")
}

fn number(value: u128, scale: &Scale) -> String {
    let mut words = Vec::new();
    let mut rest = value;
    for (unit, name) in scale {
        if rest >= *unit {
            words.push(number(rest / unit, scale));
            words.push((*name).to_owned());
            rest %= unit;
        }
    }
    let below_hundred = usize::try_from(rest).unwrap_or_default();
    if below_hundred >= 20 {
        words.push(TENS[below_hundred / 10].to_owned());
        if below_hundred % 10 > 0 {
            words.push(UP_TO_NINETEEN[below_hundred % 10].to_owned());
        }
    } else if below_hundred > 0 || words.is_empty() {
        words.push(UP_TO_NINETEEN[below_hundred].to_owned());
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn rupees(amount: Decimal) -> String {
        in_words(amount, currency("INR"))
    }

    #[test]
    fn rupees_are_said_in_lakh_and_crore() {
        for (amount, words) in [
            (dec!(0), "Zero"),
            (dec!(1), "One"),
            (dec!(19), "Nineteen"),
            (dec!(20), "Twenty"),
            (dec!(99), "Ninety Nine"),
            (dec!(100), "One Hundred"),
            (dec!(1001), "One Thousand One"),
            (dec!(118000), "One Lakh Eighteen Thousand"),
            (dec!(11000011), "One Crore Ten Lakh Eleven"),
            (dec!(123456789), "Twelve Crore Thirty Four Lakh Fifty Six Thousand Seven Hundred Eighty Nine"),
            (dec!(1000000000), "One Hundred Crore"),
            (dec!(1234567890), "One Hundred Twenty Three Crore Forty Five Lakh Sixty Seven Thousand Eight Hundred Ninety"),
            (dec!(1000000000000), "One Lakh Crore"),
            (
                dec!(45678912345678),
                "Forty Five Lakh Sixty Seven Thousand Eight Hundred Ninety One Crore Twenty Three Lakh Forty Five Thousand Six Hundred Seventy Eight",
            ),
        ] {
            assert_eq!(rupees(amount), format!("Rupees {words} Only"));
        }
    }

    #[test]
    fn paise_are_said_where_there_are_any() {
        assert_eq!(rupees(dec!(118000.50)), "Rupees One Lakh Eighteen Thousand and Fifty Paise Only");
        assert_eq!(rupees(dec!(0.01)), "Rupees Zero and One Paisa Only");
        assert_eq!(rupees(dec!(5.00)), "Rupees Five Only");
        assert_eq!(rupees(dec!(-5.05)), "Minus Rupees Five and Five Paise Only");
        assert_eq!(rupees(dec!(-0.001)), "Rupees Zero Only");
    }

    #[test]
    fn other_currencies_go_by_thousands_with_their_own_minor_units() {
        assert_eq!(
            in_words(dec!(1234567.89), currency("USD")),
            "US Dollars One Million Two Hundred Thirty Four Thousand Five Hundred Sixty Seven and Eighty Nine Cents Only"
        );
        assert_eq!(in_words(dec!(1.005), currency("KWD")), "Kuwaiti Dinars One and Five Fils Only");
        assert_eq!(in_words(dec!(10), currency("JPY")), "Japanese Yen Ten Only");
        assert_eq!(in_words(dec!(2.5), currency("PLN")), "PLN Two and 50/100 Only");
        assert_eq!(in_words(dec!(2.01), currency("GBP")), "Pounds Sterling Two and One Penny Only");
    }

    #[test]
    fn digits_are_grouped_as_the_country_does() {
        let shown = |amount, code| grouped(amount, currency(code));
        for (amount, text) in [
            (dec!(0), "0.00"),
            (dec!(999), "999.00"),
            (dec!(1000), "1,000.00"),
            (dec!(99999.9), "99,999.90"),
            (dec!(118000), "1,18,000.00"),
            (dec!(123456789.50), "12,34,56,789.50"),
            (dec!(-1234567), "-12,34,567.00"),
        ] {
            assert_eq!(shown(amount, "INR"), text);
        }
        assert_eq!(shown(dec!(1234567.5), "USD"), "1,234,567.50");
        assert_eq!(shown(dec!(1234567), "JPY"), "1,234,567");
    }

    #[test]
    fn every_named_currency_is_one() {
        for (code, _, one, many) in NAMES {
            let is = currency(code);
            assert_eq!(is.exponent() == 0, many.is_empty(), "{code}");
            assert_eq!(one.is_empty(), many.is_empty(), "{code}");
        }
    }

    /// Reads words back, by the value of each.
    fn read(words: &str) -> u128 {
        let (mut total, mut crores) = (0, 0);
        for word in words.split(' ') {
            match word {
                "Crore" => (crores, total) = ((crores + total) * 10_000_000, 0),
                "Lakh" => total = total / 100_000 * 100_000 + total % 100_000 * 100_000,
                "Thousand" => total = total / 100_000 * 100_000 + total % 100_000 * 1_000,
                "Hundred" => total = total / 1_000 * 1_000 + total % 1_000 * 100,
                _ => {
                    let small = UP_TO_NINETEEN.iter().position(|w| *w == word);
                    total += small.or_else(|| TENS.iter().position(|w| *w == word).map(|ten| ten * 10)).unwrap() as u128;
                }
            }
        }
        crores + total
    }

    proptest! {
        #[test]
        fn words_can_be_read_back(amount in 0_u64..10_000_000_000_000) {
            let words = rupees(Decimal::from(amount));
            prop_assert_eq!(read(words.trim_start_matches("Rupees ").trim_end_matches(" Only")), u128::from(amount));
        }

        #[test]
        fn grouping_only_adds_commas(paise in any::<i64>(), code in prop::sample::select(vec!["INR", "USD"])) {
            let amount = Decimal::new(paise, 2);
            prop_assert_eq!(grouped(amount, currency(code)).replace(',', ""), currency(code).amount(amount).0.to_string());
        }
    }
}
