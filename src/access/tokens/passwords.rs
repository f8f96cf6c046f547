//! Passwords: Argon2id at the OWASP setting (19 MiB, 2 passes, 1 lane), two at a time.

use super::problems;
use crate::platform::http::problem::{self, FieldError, Problem};
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::sync::Semaphore;

/// 43 ms of CPU each: two at once, fifty waiting, the rest are told to come back.
static HASHING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));
static WAITING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(52));

/// Verified against when there is no such person, so that both answers take the same time.
static DUMMY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, None).unwrap_or_default())
}

/// Hashes on this thread; for set-up and the command line.
pub fn hash_now(password: &str) -> Result<String, Problem> {
    argon2().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|error| Problem::internal(&error))
}

fn matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

async fn at_most_two<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let busy = || Problem::new(problem::OVERLOADED, "Too many log-ins at once; try again.").retry_after(1);
    let _waiting = WAITING.try_acquire().map_err(|_| busy())?;
    let permit = tokio::time::timeout(Duration::from_secs(5), HASHING.acquire()).await;
    let _permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
    actix_web::web::block(work).await.map_err(|error| Problem::internal(&error))
}

/// Hashes a new password.
pub async fn hash(password: String) -> Result<String, Problem> {
    at_most_two(move || hash_now(&password)).await?
}

/// Compares in the same time whether or not the person exists.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, Problem> {
    at_most_two(move || {
        let known = hash.is_some();
        matches(&password, hash.as_deref().unwrap_or(&DUMMY)) && known
    })
    .await
}

/// NIST SP 800-63B: long, not composed; not the person's own address and nothing repeated.
pub fn check_strength(pointer: &str, password: &str, email: &str) -> Result<(), Problem> {
    let weak = |detail: &str| Err(Problem::new(problems::WEAK_PASSWORD, detail).errors(vec![FieldError::at(pointer, "weak_password", detail)]));
    let length = password.chars().count();
    if !(15..=128).contains(&length) {
        return weak("A password has 15 to 128 characters.");
    }
    let local = email.split('@').next().unwrap_or_default();
    let lower = password.to_lowercase();
    let distinct = lower.chars().collect::<std::collections::HashSet<_>>().len();
    if (local.len() >= 4 && lower.contains(&local.to_lowercase())) || lower.contains("duebook") || lower.contains("password") || distinct < 6 {
        return weak("This password is too easy to guess: it repeats itself or holds a word that stands to reason.");
    }
    Ok(())
}
