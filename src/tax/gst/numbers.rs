//! Numbers of documents (CGST Rules r.46(b), and alike r.49, 50, 51, 53): at most 16 letters, digits, hyphens and
//! slashes, consecutive, unique for a fiscal year on a GSTIN. The portal compares them without regard to case, and
//! the IRP writes them in capitals, so they are kept in capitals.

/// Most characters a number may have.
pub const LONGEST: usize = 16;

/// Why a text is no number of a document; the first failing check in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFault {
    Empty,
    Length,
    Charset,
}

impl NumberFault {
    /// Stable code for answers.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "required",
            Self::Length => "number_too_long",
            Self::Charset => "number_invalid",
        }
    }

    /// A sentence for people, with its rule.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Empty => "A document needs a number (CGST Rules r.46(b)).",
            Self::Length => "A document's number has at most 16 characters (CGST Rules r.46(b)).",
            Self::Charset => "A document's number has only letters, digits, hyphens and slashes (CGST Rules r.46(b)).",
        }
    }
}

/// The number as it is kept and compared: trimmed, in capitals.
///
/// # Errors
/// The first fault in the order of [`NumberFault`].
pub fn read(text: &str) -> Result<String, NumberFault> {
    let text = text.trim();
    if text.is_empty() {
        Err(NumberFault::Empty)
    } else if text.chars().count() > LONGEST {
        Err(NumberFault::Length)
    } else if text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'/')) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err(NumberFault::Charset)
    }
}

/// Whether the IRP takes the number too: it does not begin with 0, a slash or a hyphen.
#[must_use]
pub fn is_for_einvoice(number: &str) -> bool {
    read(number).is_ok_and(|number| !number.starts_with(['0', '/', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_characters_are_a_number_and_seventeen_are_none() {
        assert_eq!(read("SINV-21-B2B-0021").as_deref(), Ok("SINV-21-B2B-0021"));
        assert_eq!(read("SINV-21-B2B-00210"), Err(NumberFault::Length));
        assert_eq!(read(" mh/25-26/1 ").as_deref(), Ok("MH/25-26/1"));
        assert_eq!(read("  "), Err(NumberFault::Empty));
        for odd in ["INV 1", "INV_1", "INV#1", "INV.1", "ÄB/1", "१२३"] {
            assert_eq!(read(odd), Err(NumberFault::Charset), "{odd}");
        }
    }

    #[test]
    fn the_irp_refuses_numbers_that_begin_with_zero_or_a_sign() {
        assert!(is_for_einvoice("1") && is_for_einvoice("A/0"));
        for number in ["0123", "/12", "-12", "", "AB_1"] {
            assert!(!is_for_einvoice(number), "{number}");
        }
    }
}
