//! Registration numbers: GSTIN (with the other numbers of its family) and PAN.

use std::fmt;

use serde::Serialize;

use super::states;

const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// How strict to be about a registration number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The portal's forms and the check character.
    Strict,
    /// Also the numbers of NIC's sandbox (`01AMBPG7773M002`), which fail both; still a known
    /// State, a PAN inside, and the end NIC gives them. Only for companies flagged as sandbox.
    Sandbox,
}

/// What kind of registration the form of the number shows. Composition, SEZ and ISD numbers look
/// like regular ones; that distinction is data of the party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GstinCategory {
    Regular,
    Government,
    TdsDeductor,
    TcsOperator,
    Uin,
    Nrtp,
    Oidar,
}

impl GstinCategory {
    /// Stable code for answers and storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Government => "government",
            Self::TdsDeductor => "tds_deductor",
            Self::TcsOperator => "tcs_operator",
            Self::Uin => "uin",
            Self::Nrtp => "nrtp",
            Self::Oidar => "oidar",
        }
    }

    /// NRTP and OIDAR numbers are refused by the portal as recipient of a B2B document.
    #[must_use]
    pub fn can_be_recipient(self) -> bool {
        !matches!(self, Self::Nrtp | Self::Oidar)
    }
}

/// Forms of the portal. Classes: `d` digit, `l` letter, `n` either, `e` 1-9 or letter,
/// `z` Z, 1-9, A, B, D-J, `u` U or O; capitals and figures stand for themselves.
/// TDS comes before regular, whose 14th place would also admit its D.
const FORMS: [(GstinCategory, &[u8; 15]); 7] = [
    (GstinCategory::TdsDeductor, b"ddllllnddddleDn"),
    (GstinCategory::TcsOperator, b"ddlllllddddleCn"),
    (GstinCategory::Regular, b"ddlllllddddlezn"),
    (GstinCategory::Government, b"ddlllldddddldZd"),
    (GstinCategory::Oidar, b"99ddllldddddOSn"),
    (GstinCategory::Uin, b"ddddlllddddduNn"),
    (GstinCategory::Nrtp, b"ddddllldddddNRn"),
];
const SANDBOX_FORM: &[u8; 15] = b"ddlllllddddl00d";
const PAN_FORM: &[u8; 10] = b"lllllddddl";

fn has_form(text: &str, form: &[u8]) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form).all(|(c, class)| match class {
            b'd' => c.is_ascii_digit(),
            b'l' => c.is_ascii_uppercase(),
            b'n' => c.is_ascii_digit() || c.is_ascii_uppercase(),
            b'e' => matches!(c, b'1'..=b'9' | b'A'..=b'Z'),
            b'z' => matches!(c, b'Z' | b'1'..=b'9' | b'A' | b'B' | b'D'..=b'J'),
            b'u' => matches!(c, b'U' | b'O'),
            literal => c == *literal,
        })
}

/// Spaces and hyphens are how people write these numbers down, never part of them.
#[must_use]
pub fn normalise(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect()
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|c| ALPHABET.contains(&c))
}

/// Why a GSTIN is refused. The order of the variants is the order of the checks: the first
/// failing one is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GstinFault {
    Length,
    Charset,
    Structure,
    State,
    Checksum,
}

impl GstinFault {
    /// Stable code for answers.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Charset => "charset",
            Self::Structure => "structure",
            Self::State => "state",
            Self::Checksum => "checksum",
        }
    }

    /// A sentence for people.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Length => "A GSTIN has 15 characters.",
            Self::Charset => "A GSTIN has only the letters A to Z and the digits 0 to 9.",
            Self::Structure => "The characters do not follow any form of GSTIN or UIN.",
            Self::State => "The first two digits are not a State code of GST.",
            Self::Checksum => "The last character does not match the others; check for a typing mistake.",
        }
    }
}

impl fmt::Display for GstinFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for GstinFault {}

/// The 15th character for the first 14; `None` unless there are exactly 14 of `0-9A-Z`.
///
/// Factors 1, 2, 1, 2, ... from the left; quotient and remainder by 36 of every product are
/// added; the check character brings the sum to a multiple of 36.
#[must_use]
pub fn check_character(first14: &str) -> Option<char> {
    if first14.len() != 14 {
        return None;
    }
    let mut sum = 0;
    for (place, c) in first14.bytes().enumerate() {
        let value = ALPHABET.iter().position(|a| *a == c)?;
        let product = value * (1 + place % 2);
        sum += product / 36 + product % 36;
    }
    ALPHABET.get((36 - sum % 36) % 36).map(|c| char::from(*c))
}

/// A valid registration number, normalised: 15 characters, upper-case, no separators.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Gstin(String);

impl Gstin {
    /// Reads a number as people type it.
    ///
    /// # Errors
    /// The first fault in the order of [`GstinFault`].
    pub fn parse(text: &str, mode: Mode) -> Result<Self, GstinFault> {
        let number = normalise(text);
        if number.chars().count() != 15 {
            return Err(GstinFault::Length);
        }
        if !is_alphanumeric(&number) {
            return Err(GstinFault::Charset);
        }
        let sandbox = mode == Mode::Sandbox;
        if form_of(&number).is_none() && !(sandbox && has_form(&number, SANDBOX_FORM)) {
            return Err(GstinFault::Structure);
        }
        let (state, first14, check) = (&number[..2], &number[..14], &number[14..]);
        if !states::find(state).is_some_and(|s| s.usable_as_gstin_prefix) {
            return Err(GstinFault::State);
        }
        if !sandbox && !check_character(first14).is_some_and(|c| check.starts_with(c)) {
            return Err(GstinFault::Checksum);
        }
        Ok(Self(number))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The State code as written, so possibly the obsolete 25 or 28.
    #[must_use]
    pub fn state_code(&self) -> &str {
        &self.0[..2]
    }

    /// Whether an address in the State with this code belongs to the registration; obsolete
    /// prefixes count as the State that took them over.
    #[must_use]
    pub fn is_of_state(&self, code: &str) -> bool {
        states::current_code(self.state_code()) == states::current_code(code)
    }

    /// Characters 3 to 12 where they are a PAN: not for government departments, UIN, NRTP, OIDAR,
    /// nor for deductors registered with their TAN.
    #[must_use]
    pub fn pan(&self) -> Option<&str> {
        Some(&self.0[2..12]).filter(|pan| has_form(pan, PAN_FORM))
    }

    #[must_use]
    pub fn category(&self) -> GstinCategory {
        // A sandbox number has the form of none; NIC uses them as regular ones.
        form_of(&self.0).unwrap_or(GstinCategory::Regular)
    }

    /// What is legal but deserves a look.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let old = self.state_code();
        let new = states::current_code(old);
        if old == new {
            return Vec::new();
        }
        vec![format!("State code {old} is obsolete; registrations moved to {new}. Ask for the current GSTIN.")]
    }
}

impl fmt::Display for Gstin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn form_of(number: &str) -> Option<GstinCategory> {
    FORMS.iter().find(|(_, form)| has_form(number, form.as_slice())).map(|(category, _)| *category)
}

/// Why a PAN is refused; the first failing check in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanFault {
    Length,
    Charset,
    Structure,
    /// The fourth letter is no holder type.
    Holder,
}

impl PanFault {
    /// Stable code for answers.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Charset => "charset",
            Self::Structure => "structure",
            Self::Holder => "holder",
        }
    }

    /// A sentence for people.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Length => "A PAN has 10 characters.",
            Self::Charset => "A PAN has only the letters A to Z and the digits 0 to 9.",
            Self::Structure => "A PAN is five letters, four digits that are not 0000, and a letter.",
            Self::Holder => "The fourth letter of a PAN names the kind of holder; this one is unknown.",
        }
    }
}

impl fmt::Display for PanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for PanFault {}

/// Income-tax permanent account number, normalised: 10 characters, upper-case. Its last
/// character is a check letter of an unpublished scheme, so it is not verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Pan(String);

impl Pan {
    /// Reads a PAN as people type it.
    ///
    /// # Errors
    /// The first fault in the order of [`PanFault`].
    pub fn parse(text: &str) -> Result<Self, PanFault> {
        let number = normalise(text);
        if number.chars().count() != 10 {
            Err(PanFault::Length)
        } else if !is_alphanumeric(&number) {
            Err(PanFault::Charset)
        } else if !has_form(&number, PAN_FORM) || &number[5..9] == "0000" {
            Err(PanFault::Structure)
        } else if holder_name(&number).is_none() {
            Err(PanFault::Holder)
        } else {
            Ok(Self(number))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The fourth letter: P person, C company, ...
    #[must_use]
    pub fn holder_type(&self) -> char {
        char::from(self.0.as_bytes()[3])
    }

    /// The kind of holder in words.
    #[must_use]
    pub fn holder_name(&self) -> &'static str {
        holder_name(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn holder_name(pan: &str) -> Option<&'static str> {
    Some(match pan.as_bytes().get(3)? {
        b'P' => "person",
        b'C' => "company",
        b'H' => "Hindu undivided family",
        b'F' => "firm",
        b'A' => "association of persons",
        b'B' => "body of individuals",
        b'G' => "government",
        b'J' => "artificial juridical person",
        b'L' => "local authority",
        b'T' => "trust",
        b'K' => "Krish",
        _ => return None,
    })
}

#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn strict(text: &str) -> Result<Gstin, GstinFault> {
        Gstin::parse(text, Mode::Strict)
    }

    #[test]
    fn check_character_of_the_worked_example_is_v() {
        assert_eq!(check_character("27AAPFU0939F1Z"), Some('V'));
        assert_eq!(check_character("27AAPFU0939F1"), None);
        assert_eq!(check_character("27aapfu0939f1z"), None);
        assert_eq!(check_character("27AAPFU0939Fé"), None);
    }

    #[test]
    fn public_numbers_of_every_kind_are_accepted() {
        use GstinCategory::{Government, Oidar, Regular, TcsOperator, TdsDeductor, Uin};
        for (number, category, pan) in [
            ("27AAPFU0939F1ZV", Regular, Some("AAPFU0939F")),
            ("24AAACC1206D1ZM", Regular, Some("AAACC1206D")),
            ("29AABCF8078M2ZW", Regular, Some("AABCF8078M")),
            ("36AASFP8573D2ZN", Regular, Some("AASFP8573D")),
            ("27AAJCS5738D1Z6", Regular, Some("AAJCS5738D")),
            ("38AAACC1206D1ZD", Regular, Some("AAACC1206D")),
            ("07DELA12345B1Z5", Government, None),
            ("06DELI09652G1DA", TdsDeductor, None),
            ("09ALDN00287A1DD", TdsDeductor, None),
            ("27AAFT56212B1DO", TdsDeductor, None),
            ("19AAACI1681G1DV", TdsDeductor, Some("AAACI1681G")),
            ("29AABCF8078M1C8", TcsOperator, Some("AABCF8078M")),
            ("27AAECG3736E1C2", TcsOperator, Some("AAECG3736E")),
            ("0717UNO00157UNO", Uin, None),
            ("0717UNO00211UN2", Uin, None),
            ("2117UNO00002UNF", Uin, None),
            ("0717UNO00154UNU", Uin, None),
            ("9917SGP29001OST", Oidar, None),
        ] {
            let gstin = strict(number).unwrap_or_else(|e| panic!("{number}: {e}"));
            assert_eq!((gstin.category(), gstin.pan()), (category, pan), "{number}");
            assert_eq!(gstin.state_code(), &number[..2]);
            assert!(gstin.warnings().is_empty());
        }
    }

    #[test]
    fn non_resident_number_is_read_but_is_no_recipient() {
        let body = "2917USA00001NR";
        let number = format!("{body}{}", check_character(body).unwrap());
        let gstin = strict(&number).unwrap();
        assert_eq!(gstin.category(), GstinCategory::Nrtp);
        assert!(!gstin.category().can_be_recipient());
    }

    #[test]
    fn writing_habits_are_normalised() {
        assert_eq!(strict(" 27-aapfu 0939f-1zv\n").unwrap().as_str(), "27AAPFU0939F1ZV");
    }

    #[test]
    fn first_failing_check_names_the_reason() {
        for (number, reason) in [
            ("", "length"),
            ("27AAPFU0939F1Z", "length"),
            ("27AAPFU0939F1ZVV", "length"),
            ("27AAPFU0939F1Z*", "charset"),
            ("27AAPFU०९३९F1ZV", "charset"),
            ("27AAPFU0939F1ZÄ", "charset"),
            ("27AAPFU09390AZV", "structure"),
            ("27AAPFU0939F0ZV", "structure"),
            ("00AAPFU0939F1ZV", "state"),
            ("39AAPFU0939F1ZV", "state"),
            ("96AAACC1206D1ZB", "state"),
            ("27AAPFU0939F1ZW", "checksum"),
            ("27ABCDE1234F1Z5", "checksum"),
            ("22AAAAA0000A1Z5", "checksum"),
        ] {
            assert_eq!(strict(number).unwrap_err().reason(), reason, "{number}");
        }
    }

    #[test]
    fn sandbox_numbers_are_for_sandbox_companies_only() {
        for number in ["01AMBPG7773M002", "09AAAPG7885R002", "29AFQPB8708K000"] {
            assert_eq!(strict(number), Err(GstinFault::Structure));
            let gstin = Gstin::parse(number, Mode::Sandbox).unwrap();
            assert_eq!(gstin.category(), GstinCategory::Regular);
            assert_eq!(gstin.pan(), Some(&number[2..12]));
        }
        // NIC's sample invoice: right in form, wrong in the check character.
        assert_eq!(strict("29AWGPV7107B1Z1"), Err(GstinFault::Checksum));
        assert!(Gstin::parse("29AWGPV7107B1Z1", Mode::Sandbox).is_ok());
        assert_eq!(Gstin::parse("00AMBPG7773M002", Mode::Sandbox), Err(GstinFault::State));
        assert_eq!(Gstin::parse("01AMBPG777AM002", Mode::Sandbox), Err(GstinFault::Structure));
    }

    #[test]
    fn obsolete_prefixes_are_accepted_with_a_warning() {
        for (number, new) in [("25AAACC1206D1ZK", "26"), ("28AAACC1206D1ZE", "37")] {
            let gstin = strict(number).unwrap();
            assert_eq!(gstin.warnings().len(), 1);
            assert!(gstin.is_of_state(new) && !gstin.is_of_state("27"));
        }
    }

    #[test]
    fn pan_is_read_with_its_holder_type() {
        let pan = Pan::parse("aapfu 0939f").unwrap();
        assert_eq!((pan.as_str(), pan.holder_type(), pan.holder_name()), ("AAPFU0939F", 'F', "firm"));
        for (text, fault) in [
            ("AAPFU0939", PanFault::Length),
            ("AAPFU0939é", PanFault::Charset),
            ("AAPF10939F", PanFault::Structure),
            ("AAPFU0000F", PanFault::Structure),
            ("AAPXU0939F", PanFault::Holder),
        ] {
            assert_eq!(Pan::parse(text), Err(fault), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_a_panic(text in ".{0,20}") {
            let _ = (strict(&text), Gstin::parse(&text, Mode::Sandbox), Pan::parse(&text));
        }

        #[test]
        fn one_mistyped_digit_is_always_noticed(place in 7usize..11, digit in 0u8..10) {
            let mut number = *b"27AAPFU0939F1ZV";
            let old = std::mem::replace(&mut number[place], b'0' + digit);
            let read = strict(std::str::from_utf8(&number).unwrap());
            prop_assert_eq!(read.is_ok(), old == b'0' + digit);
        }
    }
}
