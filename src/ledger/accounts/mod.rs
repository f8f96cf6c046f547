//! The chart of accounts. The posting engine finds accounts by role, so a company may rename and
//! renumber them, or give a role to an account of its own.

pub mod http;
pub mod service;
pub mod store;
pub mod types;

crate::words! {
    /// What an account is for.
    pub enum AccountRole {
        Receivable = "receivable", Bank = "bank", Revenue = "revenue", OutputCgst = "output_cgst", OutputSgst = "output_sgst", OutputIgst = "output_igst",
        OutputCess = "output_cess", Rounding = "rounding", TdsReceivable = "tds_receivable", RetentionReceivable = "retention_receivable",
        BankCharges = "bank_charges", DiscountAllowed = "discount_allowed", SalesReturns = "sales_returns", UnidentifiedReceipts = "unidentified_receipts",
        /// Valuation of open foreign items at the close; beside the control account, which holds items at their own rates.
        ReceivableRevaluation = "receivable_revaluation",
        OpeningBalances = "opening_balances", BadDebtsRecovered = "bad_debts_recovered", PaymentTolerance = "payment_tolerance",
        FxGain = "fx_gain", FxLoss = "fx_loss", UnrealisedFx = "unrealised_fx", BadDebts = "bad_debts", Adjustments = "adjustments",
        /// Charges passed on to customers: the fee of a bounced cheque.
        OtherIncome = "other_income",
        /// Tax that fell due on money on account: ours until the invoice bears it.
        GstOnAdvances = "gst_on_advances",
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
    Template { code: "1220", name: "GST on advances", class: "asset", role: AccountRole::GstOnAdvances },
    Template { code: "2100", name: "Output CGST", class: "liability", role: AccountRole::OutputCgst },
    Template { code: "2110", name: "Output SGST/UTGST", class: "liability", role: AccountRole::OutputSgst },
    Template { code: "2120", name: "Output IGST", class: "liability", role: AccountRole::OutputIgst },
    Template { code: "2130", name: "Output compensation cess", class: "liability", role: AccountRole::OutputCess },
    Template { code: "1110", name: "Receivable revaluation", class: "asset", role: AccountRole::ReceivableRevaluation },
    Template { code: "2200", name: "Unidentified receipts", class: "liability", role: AccountRole::UnidentifiedReceipts },
    Template { code: "3900", name: "Opening balances", class: "equity", role: AccountRole::OpeningBalances },
    Template { code: "4000", name: "Sales", class: "income", role: AccountRole::Revenue },
    Template { code: "4100", name: "Sales returns", class: "income", role: AccountRole::SalesReturns },
    Template { code: "4200", name: "Other income", class: "income", role: AccountRole::OtherIncome },
    Template { code: "4300", name: "Bad debts recovered", class: "income", role: AccountRole::BadDebtsRecovered },
    Template { code: "4800", name: "Exchange gain", class: "income", role: AccountRole::FxGain },
    Template { code: "4810", name: "Unrealised exchange difference", class: "income", role: AccountRole::UnrealisedFx },
    Template { code: "4900", name: "Rounding", class: "income", role: AccountRole::Rounding },
    Template { code: "5100", name: "Bank charges", class: "expense", role: AccountRole::BankCharges },
    Template { code: "5200", name: "Discount allowed", class: "expense", role: AccountRole::DiscountAllowed },
    Template { code: "5210", name: "Payment tolerance", class: "expense", role: AccountRole::PaymentTolerance },
    Template { code: "5300", name: "Bad debts", class: "expense", role: AccountRole::BadDebts },
    Template { code: "5400", name: "Exchange loss", class: "expense", role: AccountRole::FxLoss },
    Template { code: "5900", name: "Receivable adjustments", class: "expense", role: AccountRole::Adjustments },
];
