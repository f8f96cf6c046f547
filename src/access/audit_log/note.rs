//! Signed heads as text anybody can check: C2SP tlog-checkpoint in a signed note. Pure.
//!
//! ```text
//! duebook/0196f2a0-0000-7000-8000-000000000001
//! 1904
//! n9bmpbZ4jGKJ6uFAwZc+rfzUhKPOGwAbiWB3xwHI7QM=
//!
//! — duebook/0196f2a0-0000-7000-8000-000000000001 gz5nEbVv…
//! ```

use super::merkle::Hash;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What C2SP calls Ed25519.
const ALGORITHM: u8 = 1;

/// The name of a company's log, and of the key for it.
#[must_use]
pub fn origin(company: Uuid) -> String {
    format!("duebook/{company}")
}

/// What the signature covers.
#[must_use]
pub fn text(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root))
}

/// The first four bytes of the key's name and value, hashed.
fn key_hash(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let hash = Sha256::new_with_prefix(name).chain_update([b'\n', ALGORITHM]).chain_update(public).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// The public half of the signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// From a JWK set (`/.well-known/jwks.json`), a `vkey` line (`name+hash+key`), or the key itself in base64.
    #[must_use]
    pub fn read(given: &str) -> Option<Self> {
        let given = given.trim();
        let bytes = if given.starts_with('{') {
            let set: serde_json::Value = serde_json::from_str(given).ok()?;
            let key = set["keys"].as_array().map_or(&set, |keys| keys.iter().find(|key| key["crv"] == "Ed25519").unwrap_or(&serde_json::Value::Null));
            URL_SAFE_NO_PAD.decode(key["x"].as_str()?).ok()?
        } else if let Ok(bytes) = STANDARD.decode(given).or_else(|_| URL_SAFE_NO_PAD.decode(given)) {
            bytes
        } else {
            // A verifier key: a name and a hash, neither with a plus, and the key, which may have some.
            STANDARD.decode(given.splitn(3, '+').nth(2)?).ok()?.strip_prefix(&[ALGORITHM])?.to_vec()
        };
        bytes.try_into().ok().map(Self)
    }
    /// As other tools take it.
    #[must_use]
    pub fn vkey(&self, name: &str) -> String {
        let key = STANDARD.encode([&[ALGORITHM][..], &self.0].concat());
        format!("{name}+{}+{key}", crate::platform::text::hex(&key_hash(name, &self.0)))
    }
    /// Whether a head bears this key's signature.
    #[must_use]
    pub fn signed(&self, origin: &str, size: u64, root: &Hash, signature: &[u8]) -> bool {
        self.signed_text(&text(origin, size, root), signature)
    }
    #[must_use]
    pub fn signed_text(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(text.as_bytes(), signature).is_ok()
    }
}

/// A head with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    pub signature: Vec<u8>,
}

impl Note {
    #[must_use]
    pub fn write(&self, key: &PublicKey) -> String {
        let signature = STANDARD.encode([&key_hash(&self.origin, &key.0)[..], &self.signature].concat());
        format!("{}\n\u{2014} {} {signature}\n", text(&self.origin, self.size, &self.root), self.origin)
    }

    /// Reads a note that `key` signed; signatures of others (witnesses) beside it are left alone.
    #[must_use]
    pub fn read(given: &str, key: &PublicKey) -> Option<Self> {
        let (signed, signatures) = given.split_once("\n\n")?;
        let mut lines = signed.split('\n');
        let origin = lines.next()?.to_owned();
        let size = lines.next()?.parse().ok()?;
        let root: Hash = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        if lines.next().is_some() {
            return None;
        }
        let ours = signatures.lines().filter_map(|line| line.strip_prefix("\u{2014} ")?.strip_prefix(&origin)?.strip_prefix(' ')).find_map(|text| {
            let bytes = STANDARD.decode(text).ok()?;
            let signature = bytes.strip_prefix(&key_hash(&origin, &key.0))?.to_vec();
            key.signed(&origin, size, &root, &signature).then_some(signature)
        })?;
        Some(Self { origin, size, root, signature: ours })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    fn signed() -> (Note, PublicKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).expect("a key");
        let public = PublicKey(pair.public_key().as_ref().try_into().expect("32 bytes"));
        let origin = origin(Uuid::nil());
        let signature = pair.sign(text(&origin, 7, &[3; 32]).as_bytes()).as_ref().to_vec();
        (Note { origin, size: 7, root: [3; 32], signature }, public)
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_not_when_anything_differs() {
        let (note, key) = signed();
        let text = note.write(&key);
        assert_eq!(Note::read(&text, &key), Some(note));
        for (from, to) in [("\n7\n", "\n8\n"), ("AwMD", "AwME"), ("duebook/0", "duebook/1"), ("\n\n", "\nmore\n\n"), ("\u{2014} ", "- ")] {
            assert_ne!(text, text.replacen(from, to, 1), "{from} occurs");
            assert_eq!(Note::read(&text.replacen(from, to, 1), &key), None, "{from}");
        }
        assert_eq!(Note::read(&text, &PublicKey([1; 32])), None);
        let witnessed = format!("{text}\u{2014} witness AAAAAAAA\n");
        assert!(Note::read(&witnessed, &key).is_some());
    }

    #[test]
    fn the_key_hash_is_that_of_the_published_example() {
        // C2SP signed-note: the verifier key of PeterNeumann.
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let bytes: [u8; 32] = STANDARD.decode(&vkey[22..]).expect("base64")[1..].try_into().expect("32 bytes");
        assert_eq!(PublicKey(bytes).vkey("PeterNeumann"), vkey);
    }

    #[test]
    fn a_key_with_plus_and_slash_in_its_text_is_no_verifier_key() {
        let key = PublicKey([0xfb; 32]);
        let text = STANDARD.encode(key.0);
        assert!(text.contains('+') && text.contains('/'), "{text}");
        assert_eq!(PublicKey::read(&text), Some(key));
        assert_eq!(PublicKey::read(&key.vkey("duebook/0")), Some(key));
    }

    #[test]
    fn a_public_key_is_read_in_every_form() {
        let (note, key) = signed();
        let jwk = format!("{{\"keys\": [{{\"crv\": \"Ed25519\", \"x\": \"{}\"}}]}}", URL_SAFE_NO_PAD.encode(key.0));
        for form in [jwk, key.vkey(&note.origin), STANDARD.encode(key.0), URL_SAFE_NO_PAD.encode(key.0)] {
            assert_eq!(PublicKey::read(&form), Some(key), "{form}");
        }
        assert_eq!(PublicKey::read("nothing"), None);
    }
}
