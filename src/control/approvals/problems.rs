use crate::refusals;

refusals! {
    SOD_SELF_APPROVAL = "sod_self_approval" 403 "Nobody approves what they asked for or made" ["approval_maker_is_not_checker", "approval_decision_once"];
    APPROVAL_LIMIT_EXCEEDED = "approval_limit_exceeded" 403 "More than this caller may concede without another person";
    SOD_CONFLICT = "sod_conflict" 403 "Segregation of duties forbids this person to decide this";
    APPROVAL_STALE = "approval_stale" 409 "The subject changed since the approval was asked for";
    APPROVAL_PENDING = "approval_pending" 409 "An approval of this is pending already" ["approval_pending"];
}
