use crate::refusals;

refusals! {
    EINVOICE_NOT_APPLICABLE = "einvoice_not_applicable" 409 "The portal does not take this document";
    EINVOICE_INCOMPLETE = "einvoice_incomplete" 422 "The portal would refuse the document";
    EINVOICE_MISMATCH = "einvoice_mismatch" 422 "The portal's answer is about another document, or another content";
    IRP_SIGNATURE_INVALID = "irp_signature_invalid" 422 "The text is not signed by a portal the installation trusts";
    CANCELLATION_WINDOW_PASSED = "cancellation_window_passed" 409 "The portal no longer cancels the e-invoice";
}
