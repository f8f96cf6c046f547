//! The signing key: Ed25519, kept in a file beside the data, never in the database.

use crate::access::audit_log::note::PublicKey;
use crate::access::tokens::revocations;
use crate::platform::clock;
use crate::platform::http::problem::{self, Problem};
use crate::platform::ids::CompanyId;
use crate::platform::unit_of_work::{Actor, EventKey, Principal};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use uuid::Uuid;

pub const ISSUER: &str = "duebook";
pub const AUDIENCE: &str = "duebook-api";
/// Seconds a person's access token lives.
pub const PERSON_SECONDS: i64 = 15 * 60;
/// Seconds a machine's access token lives.
pub const MACHINE_SECONDS: i64 = 30 * 60;
/// Seconds two clocks may differ.
pub const LEEWAY_SECONDS: i64 = 30;

/// Signs and checks tokens and checkpoints.
pub struct Keys {
    pair: Ed25519KeyPair,
    encoding: EncodingKey,
    decoding: DecodingKey,
    pub id: String,
}

/// The claims of RFC 9068 section 2.2, with ours.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    client_id: String,
    company_id: Uuid,
    roles: Vec<String>,
    scope: String,
    /// `user` or `client`.
    kind: String,
    sid: Uuid,
    jti: Uuid,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Keys {
    /// Reads the key of a data directory, or makes one (mode 0600).
    pub fn open(directory: &Path) -> std::io::Result<Self> {
        let file = directory.join("signing.key");
        let invalid = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, format!("{}: {what}", file.display()));
        if !file.exists() {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).map_err(|_| invalid("cannot make a key"))?;
            let fresh = directory.join(format!("signing.key.{}", Uuid::new_v4().simple()));
            let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            out.write_all(pkcs8.as_ref())?;
            out.sync_all()?;
            std::fs::rename(&fresh, &file)?;
        }
        Self::of(&std::fs::read(&file)?).ok_or_else(|| invalid("not an Ed25519 key"))
    }

    /// A key from its PKCS#8 form.
    #[must_use]
    pub fn of(pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
        let public = pair.public_key().as_ref().to_vec();
        Some(Self {
            encoding: EncodingKey::from_ed_der(pkcs8),
            decoding: DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(&public)).ok()?,
            id: URL_SAFE_NO_PAD.encode(&Sha256::digest(&public)[..9]),
            pair,
        })
    }

    /// The public half as a JWK set (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.id, "x": URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref())}]})
    }

    /// A key of its own for another purpose, derived so that replicas agree.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        Sha256::digest(self.pair.sign(purpose.as_bytes()).as_ref()).into()
    }

    /// What makes the service's audit events its own.
    #[must_use]
    pub fn event_key(&self) -> EventKey {
        EventKey::new(self.derived("audit events"))
    }

    /// The public half, by which heads of the audit log are checked.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.pair.public_key().as_ref().try_into().unwrap_or_default())
    }

    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// A signed access token for a principal.
    pub fn mint(&self, principal: &Principal, seconds: i64) -> Result<String, Problem> {
        let now = clock::now().timestamp();
        let (kind, sub) = match principal.actor {
            Actor::User(id) => ("user", id),
            Actor::Client(id) => ("client", id),
            Actor::System => return Err(Problem::internal(&"the system needs no token")),
        };
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub,
            client_id: if kind == "client" { sub.to_string() } else { "duebook".into() },
            company_id: principal.company.uuid(),
            roles: principal.roles.clone(),
            scope: principal.scopes.as_ref().map(|scopes| scopes.join(" ")).unwrap_or_default(),
            kind: kind.into(),
            sid: principal.session,
            jti: Uuid::now_v7(),
            iat: now,
            nbf: now,
            exp: now + seconds,
        };
        let header = Header { typ: Some("at+jwt".into()), kid: Some(self.id.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(|error| Problem::internal(&error))
    }

    /// Who a token speaks for.
    pub fn principal(&self, token: &str) -> Result<Principal, Problem> {
        self.read(token).map(|(principal, _)| principal)
    }

    /// Who a token speaks for, and its own id. One algorithm, one type, one issuer, one audience; nothing is left to defaults.
    pub fn read(&self, token: &str) -> Result<(Principal, Uuid), Problem> {
        let invalid = || Problem::new(problem::TOKEN_INVALID, "The access token is not valid.").header("www-authenticate", "Bearer error=\"invalid_token\"");
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
        let our_type = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt"));
        if header.alg != Algorithm::EdDSA || !our_type || header.kid.as_deref() != Some(&self.id) {
            return Err(invalid());
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_SECONDS.unsigned_abs();
        validation.validate_exp = true;
        validation.validate_nbf = true;
        validation.validate_aud = true;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => {
                    Problem::new(problem::TOKEN_EXPIRED, "The access token has expired; log in again or refresh it.")
                        .header("www-authenticate", "Bearer error=\"invalid_token\"")
                }
                _ => invalid(),
            })?
            .claims;
        let (actor, scopes) = match claims.kind.as_str() {
            "user" => (Actor::User(claims.sub), None),
            "client" => (Actor::Client(claims.sub), Some(claims.scope.split_whitespace().map(str::to_owned).collect())),
            _ => return Err(invalid()),
        };
        let company = CompanyId::of(claims.company_id);
        if revocations::revoked(company, claims.sub, claims.sid, claims.jti) {
            return Err(invalid());
        }
        Ok((Principal { actor, company, roles: claims.roles, scopes, session: claims.sid, requests_per_minute: None }, claims.jti))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).expect("a key");
        Keys::of(pkcs8.as_ref()).expect("a key")
    }
    fn person() -> Principal {
        let session = Uuid::now_v7();
        Principal {
            actor: Actor::User(Uuid::now_v7()),
            company: CompanyId::new(),
            roles: vec!["sales".into()],
            scopes: None,
            session,
            requests_per_minute: None,
        }
    }
    /// Re-signs altered header and claims with the same key.
    fn forged(keys: &Keys, header: &Value, change: impl Fn(&mut Value)) -> String {
        let token = keys.mint(&person(), 60).expect("a token");
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims")).expect("base64");
        let mut claims: Value = serde_json::from_slice(&claims).expect("json");
        change(&mut claims);
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(keys.sign(text.as_bytes())))
    }

    #[test]
    fn a_token_of_ours_is_understood() {
        let keys = keys();
        let person = person();
        let read = keys.principal(&keys.mint(&person, 60).expect("a token")).expect("valid");
        assert_eq!((read.actor, read.company, read.roles), (person.actor, person.company, person.roles));
    }

    #[test]
    fn tokens_that_differ_in_any_demanded_point_are_refused() {
        let keys = keys();
        let good = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": keys.id});
        assert!(keys.principal(&forged(&keys, &good, |_| ())).is_ok(), "the forge itself works");
        for header in [
            json!({"typ": "JWT", "alg": "EdDSA", "kid": keys.id}),
            json!({"typ": "at+jwt", "alg": "none", "kid": keys.id}),
            json!({"typ": "at+jwt", "alg": "HS256", "kid": keys.id}),
            json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "other"}),
            json!({"typ": "at+jwt", "alg": "EdDSA"}),
        ] {
            assert!(keys.principal(&forged(&keys, &header, |_| ())).is_err(), "{header}");
        }
        let now = clock::now().timestamp();
        let changes: [(&str, Value); 6] = [
            ("iss", json!("someone")),
            ("aud", json!("another-api")),
            ("exp", json!(now - 31)),
            ("nbf", json!(now + 60)),
            ("kind", json!("system")),
            ("sub", json!("nobody")),
        ];
        for (claim, value) in changes {
            assert!(keys.principal(&forged(&keys, &good, |c| c[claim] = value.clone())).is_err(), "{claim}");
        }
        for claim in ["iss", "aud", "exp", "nbf", "sub"] {
            let dropped = forged(&keys, &good, |c| {
                c.as_object_mut().map(|c| c.remove(claim));
            });
            assert!(keys.principal(&dropped).is_err(), "without {claim}");
        }
        let other = self::keys();
        assert!(keys.principal(&other.mint(&person(), 60).expect("a token")).is_err(), "another key");
    }
}
