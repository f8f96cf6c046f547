//! The chart of accounts. The posting engine finds accounts by role, so a company may rename them.

pub mod store;

crate::words! {
    /// What an account is for.
    pub enum AccountRole {
        Receivable = "receivable", Bank = "bank", Revenue = "revenue", OutputCgst = "output_cgst", OutputSgst = "output_sgst", OutputIgst = "output_igst",
        OutputCess = "output_cess", Rounding = "rounding", TdsReceivable = "tds_receivable", RetentionReceivable = "retention_receivable",
        BankCharges = "bank_charges", DiscountAllowed = "discount_allowed",
    }
}

/// One account of a new company.
pub struct Template {
    pub code: &'static str,
    pub name: &'static str,
    pub class: &'static str,
    pub role: AccountRole,
}

/// The chart a new company starts with.
pub const CHART: &[Template] = &[
    Template { code: "1000", name: "Bank", class: "asset", role: AccountRole::Bank },
    Template { code: "1100", name: "Accounts receivable", class: "asset", role: AccountRole::Receivable },
    Template { code: "1200", name: "TDS receivable", class: "asset", role: AccountRole::TdsReceivable },
    Template { code: "1210", name: "Retention receivable", class: "asset", role: AccountRole::RetentionReceivable },
    Template { code: "2100", name: "Output CGST", class: "liability", role: AccountRole::OutputCgst },
    Template { code: "2110", name: "Output SGST/UTGST", class: "liability", role: AccountRole::OutputSgst },
    Template { code: "2120", name: "Output IGST", class: "liability", role: AccountRole::OutputIgst },
    Template { code: "2130", name: "Output compensation cess", class: "liability", role: AccountRole::OutputCess },
    Template { code: "4000", name: "Sales", class: "income", role: AccountRole::Revenue },
    Template { code: "4900", name: "Rounding", class: "income", role: AccountRole::Rounding },
    Template { code: "5100", name: "Bank charges", class: "expense", role: AccountRole::BankCharges },
    Template { code: "5200", name: "Discount allowed", class: "expense", role: AccountRole::DiscountAllowed },
];
