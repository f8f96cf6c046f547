use crate::refusals;

refusals! {
    SCOPE_NOT_GRANTABLE = "scope_not_grantable" 422 "A client may never hold this scope";
}
