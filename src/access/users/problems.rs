use crate::refusals;

refusals! {
    ROLE_CONFLICT = "role_conflict" 409 "These roles conflict";
    DUPLICATE_USER = "duplicate_user" 409 "This person is already a user of the company" ["membership_pkey"];
    EMAIL_TAKEN = "email_taken" 409 "Somebody has this e-mail address" ["app_user_email_key"];
    SELF_GRANT = "sod_self_approval" 403 "Nobody changes their own roles";
}
