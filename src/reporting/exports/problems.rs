//! Refusals of exports.

crate::refusals! {
    AR_GL_UNRECONCILED = "ar_gl_unreconciled" 409 "Open items and the control account differ";
    EXPORT_NOT_READY = "export_not_ready" 409 "The export is not finished" retryable true;
}
