//! Pure: where systematic selection of monetary units begins and how it goes on.

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

/// Decimals of interval and start.
const SCALE: u32 = 10;

/// Interval and start of drawing `n` units from a total: the total divided by n, and the part of it that the first eight
/// bytes of SHA-256(seed) are of 2^64.
#[must_use]
pub fn units(total: Decimal, n: i64, seed: &str) -> (Decimal, Decimal) {
    let interval = (total / Decimal::from(n.max(1))).trunc_with_scale(SCALE);
    let digest = Sha256::digest(seed.as_bytes());
    let first = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let part = Decimal::from(first) / Decimal::from_i128_with_scale(1_i128 << 64, 0);
    (interval, (interval * part).trunc_with_scale(SCALE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_lies_within_the_first_interval_and_depends_on_the_seed() {
        let total = Decimal::new(21_450_012_050, 2);
        let (interval, start) = units(total, 25, "seed");
        assert_eq!(interval, Decimal::new(858_000_482, 2));
        // SHA-256("seed") begins 19b25856e1c150ca: 0x19b25856e1c150ca / 2^64 = 0.1003775 of the interval.
        assert!(start > Decimal::from(861_000) && start < Decimal::from(862_000), "{start}");
        assert_ne!(units(total, 25, "other").1, start);
        assert_eq!(units(Decimal::ZERO, 5, "seed"), (Decimal::ZERO, Decimal::ZERO));
    }
}
