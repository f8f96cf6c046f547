use crate::refusals;

refusals! {
    DUPLICATE_CERTIFICATE = "duplicate_certificate" 409 "The customer has a certificate of this number" ["tds_certificate_number_key"];
    ALREADY_CERTIFIED = "already_certified" 409 "A deduction belongs to another certificate" ["tds_certificate_line_once"];
    TDS_RATE_MISMATCH = "tds_rate_mismatch" 422 "The section has no such rate on this date";
}
