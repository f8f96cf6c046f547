//! The permission matrix: one row a permission, one column a role. The only place that says who may what.
//!
//! Marks: `Y` yes · `L` within a personal limit or policy band · `O` only assigned customers
//! (portfolio) · `R` may only request: operations marked `x-approval` let it in, and the act waits for an approval ·
//! `S` only if the scope was granted to that API client · `.` no.

use std::fmt;

/// A permission as a type: `Caller<ReceiptsWrite>` is proof that it was checked.
pub trait Permission: 'static {
    const NAME: &'static str;
}

/// Columns of the matrix, in order.
pub const ROLES: [&str; 7] = ["admin", "controller", "ar_executive", "collector", "sales", "integration", "auditor"];

/// One row of the matrix.
pub struct Grant {
    pub permission: &'static str,
    marks: &'static str,
}

impl Grant {
    fn mark(&self, role: &str) -> char {
        let column = ROLES.iter().position(|r| *r == role);
        column.and_then(|at| self.marks.chars().filter(|c| !c.is_whitespace()).nth(at)).unwrap_or('.')
    }
    /// Whether the role alone gives the permission.
    #[must_use]
    pub fn held_by(&self, role: &str) -> bool {
        matches!(self.mark(role), 'Y' | 'L' | 'O' | 'S')
    }
    /// Whether the role may ask for what it grants.
    #[must_use]
    pub fn requested_by(&self, role: &str) -> bool {
        self.mark(role) == 'R'
    }
    /// Whether the role has it for its assigned customers only.
    #[must_use]
    pub fn portfolio_only(&self, role: &str) -> bool {
        self.mark(role) == 'O'
    }
}

macro_rules! permissions {
    ($($type:ident = $name:literal $marks:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            #[derive(Debug, Clone, Copy)]
            pub enum $type {}
            impl Permission for $type { const NAME: &'static str = $name; }
        )*
        /// The whole matrix.
        pub const MATRIX: &[Grant] = &[$(Grant { permission: $name, marks: $marks }),*];
    };
}

permissions! {
    //                                             adm con exe col sal int aud
    CompanyRead        = "company:read"           "Y   Y   Y   Y   Y   Y   Y";
    ItemsRead          = "items:read"             "Y   Y   Y   Y   Y   Y   Y";
    CompanyManage      = "company:manage"         "Y   Y   .   .   .   .   .";
    BankManage         = "bank:manage"            "Y   Y   .   .   .   .   .";
    GlManage           = "gl:manage"              "Y   Y   .   .   .   .   .";
    UsersRead          = "users:read"             "Y   Y   .   .   .   .   Y";
    UsersManage        = "users:manage"           "Y   .   .   .   .   .   .";
    ClientsManage      = "clients:manage"         "Y   .   .   .   .   .   .";
    CustomersRead      = "customers:read"         "Y   Y   Y   Y   O   S   Y";
    CustomersWrite     = "customers:write"        ".   Y   Y   .   R   S   .";
    ItemsWrite         = "items:write"            "Y   Y   Y   .   .   S   .";
    CreditRead         = "credit:read"            ".   Y   Y   Y   O   S   Y";
    CreditPropose      = "credit:propose"         ".   Y   Y   R   R   .   .";
    CreditLimitsApprove = "credit_limits:approve" ".   Y   .   .   .   .   .";
    CreditChecksRun    = "credit_checks:run"      ".   Y   Y   .   O   S   .";
    OrderHoldsRelease  = "order_holds:release"    ".   L   L   .   .   .   .";
    OrderHoldsApprove  = "order_holds:approve"    ".   Y   .   .   .   .   .";
    InvoicesRead       = "invoices:read"          ".   Y   Y   Y   O   S   Y";
    InvoicesWrite      = "invoices:write"         ".   Y   Y   .   R   S   .";
    InvoicesIssue      = "invoices:issue"         ".   Y   L   .   .   S   .";
    InvoicesCancel     = "invoices:cancel"        ".   Y   R   .   .   .   .";
    InvoicesApprove    = "invoices:approve"       ".   Y   .   .   .   .   .";
    NotesRead          = "notes:read"             ".   Y   Y   Y   O   S   Y";
    NotesWrite         = "notes:write"            ".   Y   Y   .   R   S   .";
    NotesIssue         = "notes:issue"            ".   Y   R   .   .   .   .";
    NotesApprove       = "notes:approve"          ".   Y   .   .   .   .   .";
    EinvoicesRead      = "einvoices:read"         ".   Y   Y   Y   O   S   Y";
    EinvoicesWrite     = "einvoices:write"        ".   Y   Y   .   .   S   .";
    ReceiptsRead       = "receipts:read"          ".   Y   Y   Y   O   S   Y";
    AllocationsRead    = "allocations:read"       ".   Y   Y   Y   O   S   Y";
    ReceiptsWrite      = "receipts:write"         ".   .   Y   .   .   S   .";
    AllocationsWrite   = "allocations:write"      ".   .   Y   .   .   S   .";
    ReceiptsReverse    = "receipts:reverse"       ".   Y   R   .   .   .   .";
    ReceiptsApprove    = "receipts:approve"       ".   Y   .   .   .   .   .";
    AllocationsReverse = "allocations:reverse"    ".   Y   R   .   .   .   .";
    TdsRead            = "tds:read"               ".   Y   Y   Y   O   S   Y";
    TdsWrite           = "tds:write"              ".   .   Y   .   .   S   .";
    RefundsRead        = "refunds:read"           ".   Y   Y   Y   O   .   Y";
    RefundsRequest     = "refunds:request"        ".   Y   Y   .   O   .   .";
    RefundsPay         = "refunds:pay"            ".   Y   .   .   .   .   .";
    RefundsApprove     = "refunds:approve"        ".   Y   .   .   .   .   .";
    WriteOffsRead      = "write_offs:read"        ".   Y   Y   Y   .   .   Y";
    WriteOffsWrite     = "write_offs:write"       ".   Y   R   R   .   .   .";
    WriteOffsApprove   = "write_offs:approve"     ".   Y   .   .   .   .   .";
    AdjustmentsRead    = "adjustments:read"       ".   Y   Y   Y   .   .   Y";
    AdjustmentsWrite   = "adjustments:write"      ".   Y   R   .   .   .   .";
    AdjustmentsApprove = "adjustments:approve"    ".   Y   .   .   .   .   .";
    BankRead           = "bank:read"              ".   Y   Y   .   .   .   Y";
    GlRead             = "gl:read"                ".   Y   Y   .   .   .   Y";
    GstRead            = "gst:read"               ".   Y   Y   .   .   .   Y";
    GlWrite            = "gl:write"               ".   Y   R   .   .   .   .";
    JournalsApprove    = "journals:approve"       ".   Y   .   .   .   .   .";
    PeriodsClose       = "periods:close"          ".   Y   .   .   .   .   .";
    PeriodsReopen      = "periods:reopen"         ".   Y   .   .   .   .   .";
    PeriodsApprove     = "periods:approve"        ".   Y   .   .   .   .   .";
    GstLock            = "gst:lock"               ".   Y   .   .   .   .   .";
    GstApprove         = "gst:approve"            ".   Y   .   .   .   .   .";
    ApprovalsRead      = "approvals:read"         "Y   Y   Y   Y   O   .   Y";
    ApprovalsDecide    = "approvals:decide"       "Y   Y   .   .   .   .   .";
    UsersApprove       = "users:approve"          "Y   .   .   .   .   .   .";
    PeriodsRead        = "periods:read"           ".   Y   Y   .   .   .   Y";
    StatementsRead     = "statements:read"        ".   Y   Y   Y   O   .   Y";
    StatementsRun      = "statements:run"         ".   Y   Y   O   .   .   Y";
    ReportsRead        = "reports:read"           ".   Y   Y   O   O   .   Y";
    ExportsRead        = "exports:read"           "Y   Y   Y   .   .   S   Y";
    ExportsCreate      = "exports:create"         "Y   Y   Y   .   .   S   Y";
    AuditRead          = "audit:read"             "Y   Y   .   .   .   .   Y";
    EventsRead         = "events:read"            ".   Y   .   .   .   S   .";
    WebhooksManage     = "webhooks:manage"        "Y   .   .   .   .   S   .";
    ImportsWrite       = "imports:write"          "Y   Y   Y   .   .   S   .";
    OpsRead            = "ops:read"               "Y   .   .   .   .   .   .";
    OpsManage          = "ops:manage"             "Y   .   .   .   .   .   .";
}

/// Any valid token.
#[derive(Debug, Clone, Copy)]
pub enum Anyone {}
impl Permission for Anyone {
    const NAME: &'static str = "any";
}

/// Whether somebody who may only read may call what needs this, by whatever method: what reads, what is everybody's own
/// (signing out), and exports (SOD-11). Operations marked `x-open-to-readers` are open to them besides: what an auditor asks
/// others to confirm (SA 505).
#[must_use]
pub fn open_to_readers(permission: &str) -> bool {
    permission.ends_with(":read") || matches!(permission, "any" | "exports:create")
}

/// The row of a permission.
#[must_use]
pub fn grant(permission: &str) -> Option<&'static Grant> {
    MATRIX.iter().find(|grant| grant.permission == permission)
}

/// Every permission of a set of roles.
pub fn permissions_of<'r>(roles: impl IntoIterator<Item = &'r str> + Clone) -> Vec<&'static str> {
    MATRIX.iter().filter(|grant| roles.clone().into_iter().any(|role| grant.held_by(role))).map(|grant| grant.permission).collect()
}

/// Scopes an API client may be granted (SOD-12: never approvals, reversals, refunds or users).
#[must_use]
pub fn client_scopes() -> Vec<&'static str> {
    permissions_of(["integration"])
}

/// Role pairs one person may not hold together (SOD-16).
#[must_use]
pub fn conflict(roles: &[String]) -> Option<(&str, &str)> {
    const FINANCE: [&str; 4] = ["controller", "ar_executive", "collector", "sales"];
    let conflicts = |a: &str, b: &str| {
        matches!((a, b), ("ar_executive", "controller" | "collector"))
            || (a == "admin" && FINANCE.contains(&b))
            || (a == "auditor" && b != "auditor")
            || (a == "integration" && b != "integration")
    };
    roles.iter().flat_map(|a| roles.iter().map(move |b| (a.as_str(), b.as_str()))).find(|(a, b)| conflicts(a, b))
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.permission, self.marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_mark_for_every_role() {
        for grant in MATRIX {
            let marks: Vec<char> = grant.marks.chars().filter(|c| !c.is_whitespace()).collect();
            assert_eq!(marks.len(), ROLES.len(), "{grant:?}");
            assert!(marks.iter().all(|mark| "YLORS.".contains(*mark)), "{grant:?}");
        }
    }

    #[test]
    fn segregation_of_duties_holds_in_the_matrix() {
        let holds = |role, permission| grant(permission).is_some_and(|g| g.held_by(role));
        for permission in ["receipts:write", "allocations:write"] {
            assert!(!holds("collector", permission) && !holds("sales", permission), "SOD-14 {permission}");
            assert!(!holds("admin", permission), "SOD-10 {permission}");
        }
        for grant in MATRIX {
            // Of statements an auditor only records what customers answered; the others are closed to who only reads.
            let changes = !open_to_readers(grant.permission) && grant.permission != "statements:run";
            assert!(!(changes && grant.held_by("auditor")), "SOD-11 {grant:?}");
            let barred = grant.permission.ends_with(":approve")
                || grant.permission.ends_with(":reverse")
                || grant.permission.starts_with("refunds:")
                || grant.permission.starts_with("users:");
            assert!(!(barred && grant.held_by("integration")), "SOD-12 {grant:?}");
        }
    }

    #[test]
    fn conflicting_roles_are_named() {
        let roles = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert!(conflict(&roles(&["controller", "ar_executive"])).is_some());
        assert!(conflict(&roles(&["admin", "sales"])).is_some());
        assert!(conflict(&roles(&["auditor", "collector"])).is_some());
        assert!(conflict(&roles(&["collector", "sales"])).is_none());
        assert!(conflict(&roles(&["auditor"])).is_none());
    }
}
