use crate::refusals;

refusals! {
    SCOPE_NOT_GRANTABLE = "scope_not_grantable" 422 "A client may never hold this scope";
    INVALID_CLIENT = "invalid_client" 401 "Client id or secret is wrong";
    UNSUPPORTED_GRANT = "unsupported_grant_type" 400 "The grant type is not supported";
    INVALID_SCOPE = "invalid_scope" 400 "A scope was not granted to this client";
    INVALID_GRANT = "invalid_grant" 400 "The token was issued to another client";
    IP_NOT_ALLOWED = "ip_not_allowed" 403 "The client may not call from this address";
}
