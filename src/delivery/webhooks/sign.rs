//! Secrets and signatures by Standard Webhooks 1.0: `v1` is HMAC-SHA256, `v1a` Ed25519, both of `id.timestamp.body`.
//!
//! No secret is stored. Each is derived from a key outside the database, the endpoint and how often it was rotated:
//! whoever holds a copy of the database can sign nothing.

use super::types::Signature;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// What secrets are derived from.
#[derive(Clone, Copy)]
pub struct Root([u8; 32]);

/// The secret of an endpoint.
pub struct Secret([u8; 32]);

impl Root {
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }
    #[must_use]
    pub fn secret(&self, endpoint: Uuid, generation: i32) -> Secret {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).map(|mac| mac.chain_update(endpoint.as_bytes()).chain_update(generation.to_be_bytes()));
        Secret(mac.map(|mac| mac.finalize().into_bytes().into()).unwrap_or_default())
    }
}

/// The signature by a secret of any length.
#[must_use]
pub fn v1(secret: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret).map(|mac| mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body));
    format!("v1,{}", mac.map(|mac| STANDARD.encode(mac.finalize().into_bytes())).unwrap_or_default())
}

impl Secret {
    /// As it is shown once.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.0))
    }
    fn pair(&self) -> Option<Ed25519KeyPair> {
        Ed25519KeyPair::from_seed_unchecked(&self.0).ok()
    }
    /// The public half, by which receivers check `v1a`.
    #[must_use]
    pub fn public(&self) -> String {
        self.pair().map(|pair| format!("whpk_{}", STANDARD.encode(pair.public_key().as_ref()))).unwrap_or_default()
    }
    #[must_use]
    pub fn sign(&self, with: Signature, id: &str, timestamp: i64, body: &str) -> String {
        match with {
            Signature::V1 => v1(&self.0, id, timestamp, body),
            Signature::V1a => {
                let signed = self.pair().map(|pair| STANDARD.encode(pair.sign(format!("{id}.{timestamp}.{body}").as_bytes()).as_ref()));
                format!("v1a,{}", signed.unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use sha2::Digest;

    /// The vector of the documentation, made with another program.
    #[test]
    fn the_published_vector_is_signed_as_published() {
        let body = concat!(
            r#"{"id":"evt_0196f9d4-0d10-7f00-8000-000000000731","type":"receipt.allocated","timestamp":"2025-11-18T06:31:09.540Z","api_version":"v1","company_id":"0196f2a0-0000-7000-8000-000000000001","mode":"live","sequence":480112,"#,
            r#""object_sequence":3,"data":{"object":{"object":"receipt","id":"0196f9d4-0a51-7c3e-b1b2-7a0f6d5e4c3b","version":3,"status":"partially_applied","number":"RCT/25-26/00731","amount_received":"115640.00","unapplied":"2000.00"},"#,
            r#""previous":{"status":"unapplied","unapplied":"115640.00"},"related":[{"object":"invoice","id":"0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77","version":5,"balance_due":"56000.00"}]},"#,
            r#""actor":{"type":"client","id":"0196f2a0-8888-7000-8000-00000000000b"},"request_id":"req_0196f9d40a2b7c11","audit_seq":1904417}"#
        );
        assert_eq!(body.len(), 739);
        assert_eq!(crate::platform::text::hex(&Sha256::digest(body)), "d2fc8a4eee56180a89e1a47b0e18b1b96c74bf15b1b53db83ca2414d9726f454");
        let secret = STANDARD.decode("ZHVlYm9vay1kb2NzLXRlc3QtdmVjdG9yLXNlY3JldCE=").expect("base64");
        assert_eq!(v1(&secret, "msg_0196f9d40d117000", 1_763_447_469, body), "v1,XGFpvLIn04I4muz/C74EH38ux5RvtxNSfh8aqN1/hbs=");
    }

    /// From the reference library of Standard Webhooks (its test suite).
    #[test]
    fn the_vector_of_the_standard_is_signed_as_published() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let signed = v1(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_endpoint_and_each_rotation_has_a_secret_of_its_own() {
        let (root, endpoint) = (Root::new([7; 32]), Uuid::from_u128(1));
        let first = root.secret(endpoint, 1);
        assert_eq!(first.shown(), root.secret(endpoint, 1).shown());
        assert_ne!(first.shown(), root.secret(endpoint, 2).shown());
        assert_ne!(first.shown(), root.secret(Uuid::from_u128(2), 1).shown());
        assert_ne!(first.shown(), Root::new([8; 32]).secret(endpoint, 1).shown());
        let signed = first.sign(Signature::V1a, "msg_1", 5, "{}");
        let signature = STANDARD.decode(signed.strip_prefix("v1a,").expect("its kind")).expect("base64");
        let public = STANDARD.decode(first.public().strip_prefix("whpk_").expect("its kind")).expect("base64");
        assert!(UnparsedPublicKey::new(&ED25519, &public).verify(b"msg_1.5.{}", &signature).is_ok());
        assert!(UnparsedPublicKey::new(&ED25519, &public).verify(b"msg_1.6.{}", &signature).is_err());
    }
}
