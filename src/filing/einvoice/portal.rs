//! What the portal answers: read as downloaded, and held against its signature. Pure but for the keys, which an
//! installation keeps in a file: no answer is believed that they did not sign.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Asia::Kolkata;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use std::sync::OnceLock;

/// Public keys that come with the service, as PEM; an installation adds those of its portals.
const KEPT: &str = include_str!("data/irp-keys.pem");

static KEYS: OnceLock<Vec<DecodingKey>> = OnceLock::new();

/// Sets the keys of the portals; done once by the composition.
///
/// # Errors
/// What in the text is no RSA public key.
pub fn install(pem: &str) -> Result<(), String> {
    let mut keys = keys_in(KEPT)?;
    keys.extend(keys_in(pem)?);
    let _ = KEYS.set(keys);
    Ok(())
}

/// Every `PUBLIC KEY` of a PEM text; what stands between them is comment (RFC 7468).
fn keys_in(pem: &str) -> Result<Vec<DecodingKey>, String> {
    const END: &str = "-----END PUBLIC KEY-----";
    let blocks = pem.split("-----BEGIN PUBLIC KEY-----").skip(1);
    blocks
        .map(|block| {
            let body = block.split_once("-----END").map(|(body, _)| body).ok_or("a key has no end")?;
            let whole = format!("-----BEGIN PUBLIC KEY-----{body}{END}\n");
            DecodingKey::from_rsa_pem(whole.as_bytes()).map_err(|error| format!("not an RSA public key: {error}"))
        })
        .collect()
}

/// Why signed text is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// The installation has no key of a portal.
    NoKeys,
    /// No key it has made this signature.
    Forged,
    /// Signed, but not the content it should have.
    Unreadable,
}

#[derive(Deserialize)]
struct Claims {
    data: String,
}

/// What a JWT of the portal says, when one of its keys signed it (RS256 and nothing else).
///
/// # Errors
/// Why it is not believed.
pub fn verified(token: &str) -> Result<Value, Unsigned> {
    let keys = KEYS.get().map(Vec::as_slice).unwrap_or_default();
    verified_by(keys, token)
}

fn verified_by(keys: &[DecodingKey], token: &str) -> Result<Value, Unsigned> {
    if keys.is_empty() {
        return Err(Unsigned::NoKeys);
    }
    let mut validation = Validation::new(Algorithm::RS256);
    // It says what is registered and holds for ever: there is no time and nobody it is meant for.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims::<&str>(&[]);
    let signed = keys.iter().find_map(|key| jsonwebtoken::decode::<Claims>(token.trim(), key, &validation).ok());
    let claims = signed.ok_or(Unsigned::Forged)?.claims;
    serde_json::from_str(&claims.data).map_err(|_| Unsigned::Unreadable)
}

/// An answer of the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Registered(Signed),
    /// Error 2150: it has the document already, under this IRN.
    Duplicate {
        irn: String,
        ack_no: String,
        ack_at: DateTime<Utc>,
    },
    Refused {
        code: String,
        detail: String,
    },
    Cancelled {
        irn: String,
        at: DateTime<Utc>,
    },
}

/// A registration as answered; nothing of it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub irn: String,
    pub ack_no: String,
    pub ack_at: Option<DateTime<Utc>>,
    pub signed_invoice: Option<String>,
    pub signed_qr: String,
    pub eway_bill_no: Option<String>,
}

/// Reads an answer as it was downloaded: the portal's own, or in the envelope of its API (`Data`, `ErrorDetails`,
/// `InfoDtls`) or of a service provider's (`result`).
#[must_use]
pub fn read(answer: &Value) -> Option<Answer> {
    let inside = ["Data", "data", "result"].iter().find_map(|name| answer.get(*name).filter(|value| !value.is_null()));
    // The API gives its data as text.
    let opened = inside.and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let data = opened.as_ref().or(inside).filter(|value| value.is_object()).unwrap_or(answer);
    if let (Some(irn), Some(signed_qr)) = (text(data, "Irn"), text(data, "SignedQRCode")) {
        return Some(Answer::Registered(Signed {
            irn,
            ack_no: text(data, "AckNo")?,
            ack_at: text(data, "AckDt").as_deref().and_then(instant),
            signed_invoice: text(data, "SignedInvoice"),
            signed_qr,
            eway_bill_no: text(data, "EwbNo"),
        }));
    }
    if let (Some(irn), Some(at)) = (text(data, "Irn"), text(data, "CancelDate")) {
        return Some(Answer::Cancelled { irn, at: instant(&at)? });
    }
    let mut information = ["InfoDtls", "result", "info"].iter().filter_map(|name| answer.get(*name)?.as_array()).flatten();
    if let Some(known) = information.find(|known| known["InfCd"] == "DUPIRN") {
        let of = &known["Desc"];
        return Some(Answer::Duplicate { irn: text(of, "Irn")?, ack_no: text(of, "AckNo")?, ack_at: instant(&text(of, "AckDt")?)? });
    }
    let errors: Vec<(String, String)> = answer["ErrorDetails"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| Some((text(error, "ErrorCode")?, text(error, "ErrorMessage").unwrap_or_default())))
        .collect();
    if let Some((code, _)) = errors.first() {
        let all: Vec<String> = errors.iter().map(|(code, message)| format!("{code} {message}")).collect();
        return Some(Answer::Refused { code: code.clone(), detail: all.join("; ") });
    }
    let detail = text(answer, "message")?;
    let code =
        text(answer, "error_code").or_else(|| detail.split([':', ' ']).next().filter(|code| code.bytes().all(|c| c.is_ascii_digit())).map(str::to_owned));
    (answer["success"] == false).then(|| Answer::Refused { code: code.unwrap_or_else(|| "unknown".to_owned()), detail })
}

/// A member as text; the portal writes numbers both ways.
fn text(of: &Value, name: &str) -> Option<String> {
    match of.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A time as the portal writes it, which is that of India.
#[must_use]
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    const FORMS: [&str; 3] = ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %I:%M:%S %p"];
    let local = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok())?;
    local.and_local_timezone(Kolkata).single().map(|at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn answers_are_read_in_every_envelope() {
        let plain = json!({"AckNo": 232_210_036_754_863_u64, "AckDt": "2022-09-17 16:26:00", "Irn": "68fb", "SignedInvoice": "a.b.c", "SignedQRCode": "d.e.f", "Status": "ACT", "EwbNo": null});
        let signed = Answer::Registered(Signed {
            irn: "68fb".into(),
            ack_no: "232210036754863".into(),
            ack_at: Some(at("2022-09-17T10:56:00Z")),
            signed_invoice: Some("a.b.c".into()),
            signed_qr: "d.e.f".into(),
            eway_bill_no: None,
        });
        for answer in [
            plain.clone(),
            json!({"success": true, "message": "IRN generated successfully", "result": plain, "info": [{"InfCd": "EWBERR", "Desc": []}]}),
            json!({"Status": 1, "Data": plain, "ErrorDetails": null, "InfoDtls": null}),
            json!({"Status": 1, "Data": plain.to_string(), "ErrorDetails": null}),
        ] {
            assert_eq!(read(&answer), Some(signed.clone()), "{answer}");
        }
        let known = json!([{"InfCd": "DUPIRN", "Desc": {"AckNo": 232_210_036_743_849_u64, "AckDt": "2023-10-02 16:26:00", "Irn": "706d"}}]);
        let duplicate = Answer::Duplicate { irn: "706d".into(), ack_no: "232210036743849".into(), ack_at: at("2023-10-02T10:56:00Z") };
        assert_eq!(read(&json!({"success": false, "message": "2150 : Duplicate IRN", "error_code": "2150", "result": known})), Some(duplicate.clone()));
        assert_eq!(read(&json!({"Status": 0, "ErrorDetails": [{"ErrorCode": "2150", "ErrorMessage": "Duplicate IRN"}], "InfoDtls": known})), Some(duplicate));
        assert_eq!(
            read(&json!({"Status": 0, "ErrorDetails": [{"ErrorCode": "3029", "ErrorMessage": "GSTIN is not active"}]})),
            Some(Answer::Refused { code: "3029".into(), detail: "3029 GSTIN is not active".into() })
        );
        assert_eq!(
            read(&json!({"success": false, "message": "2172 : For Intra-state transaction"})),
            Some(Answer::Refused { code: "2172".into(), detail: "2172 : For Intra-state transaction".into() })
        );
        assert_eq!(
            read(&json!({"success": true, "result": {"Irn": "706d", "CancelDate": "17/09/2022 18:09:00"}})),
            Some(Answer::Cancelled { irn: "706d".into(), at: at("2022-09-17T12:39:00Z") })
        );
        for nothing in [json!({}), json!([]), json!("x"), json!({"Irn": "706d"}), json!({"Data": "{"}), json!({"Irn": "1", "CancelDate": "soon"})] {
            assert_eq!(read(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn without_keys_nothing_is_believed_and_keys_are_public_ones() {
        assert_eq!(verified_by(&[], "a.b.c"), Err(Unsigned::NoKeys));
        assert!(keys_in(KEPT).is_ok());
        assert!(keys_in("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").is_err());
        assert!(keys_in("-----BEGIN PUBLIC KEY-----\nAAAA").is_err());
        assert_eq!(keys_in("nothing").map(|keys| keys.len()), Ok(0));
    }
}
