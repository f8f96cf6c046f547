use crate::refusals;

refusals! {
    BAD_CREDENTIALS = "bad_credentials" 401 "E-mail address or password is wrong";
    ACCESS_NOT_CURRENT = "access_not_current" 401 "The access has not begun or is over";
    REFRESH_INVALID = "refresh_token_invalid" 401 "The refresh token is not valid";
    REFRESH_RACED = "refresh_token_just_used" 409 "The refresh token was used a moment ago" retryable true;
    WEAK_PASSWORD = "weak_password" 422 "The password is too easy to guess";
}
