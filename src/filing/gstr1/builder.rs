//! The builder: documents in, return out.

use super::facts::{Advance, AdvanceKind, Document, DocumentKind, Line, Operator, OperatorSection, RecipientKind, Tax};
use super::issued::{self, Used};
use super::section::{self, Parties, Section};
use super::written::{Built, write_row};
use crate::filing::gstr3b::Gstr3b;
use crate::filing::json::Json;
use crate::filing::period::ReturnPeriod;
use crate::tax::gst::compute::Treatment;
use crate::tax::gst::supply::Seat;
use crate::tax::gst::{limits, units};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Something to look at before the return is filed. It is built all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReturnWarning)]
pub struct Warning {
    #[schema(max_length = 60, example = "hsn_missing")]
    pub code: &'static str,
    #[schema(max_length = 400, example = "A line has no HSN; it is missing in table 12.")]
    pub detail: String,
    /// The document it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub number: Option<String>,
    /// Where that stands in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "#/documents/3/lines/0/hsn")]
    pub pointer: Option<String>,
}

/// Warnings of one return that are listed; the rest is counted.
const LISTED: usize = 500;

/// A table of rows that are written by themselves, in the order of the portal.
pub(super) struct Form {
    /// As the JSON calls it; the tables of the operator's own supplies lie one deeper.
    pub key: &'static str,
    /// Members that group rows, and the list they are in: `ctin` and `inv`.
    pub grouped: Option<(&'static [&'static str], &'static str)>,
}
pub(super) const FORMS: [Form; 14] = [
    Form { key: "b2b", grouped: Some((&["ctin"], "inv")) },
    Form { key: "b2ba", grouped: Some((&["ctin"], "inv")) },
    Form { key: "b2cl", grouped: Some((&["pos"], "inv")) },
    Form { key: "b2cla", grouped: Some((&["pos"], "inv")) },
    Form { key: "exp", grouped: Some((&["exp_typ"], "inv")) },
    Form { key: "expa", grouped: Some((&["exp_typ"], "inv")) },
    Form { key: "cdnr", grouped: Some((&["ctin"], "nt")) },
    Form { key: "cdnra", grouped: Some((&["ctin"], "nt")) },
    Form { key: "cdnur", grouped: None },
    Form { key: "cdnura", grouped: None },
    Form { key: "ecom.b2b", grouped: Some((&["stin", "rtin"], "inv")) },
    Form { key: "ecom.urp2b", grouped: Some((&["rtin"], "inv")) },
    Form { key: "ecoma.b2ba", grouped: Some((&["stin", "rtin"], "inv")) },
    Form { key: "ecoma.urp2ba", grouped: Some((&["rtin"], "inv")) },
];

/// Rows as they will stand in the return, one after the other, and where each is.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub text: String,
    pub index: Vec<Row>,
}
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// Values of the members that group it, one after the other with a space between.
    pub group: Box<str>,
    date: NaiveDate,
    number: Box<str>,
    pub at: usize,
    pub length: usize,
}

/// A row of table 7: whether inter-State, place, operator (s.52), at 65 %, rate.
type B2csKey = (bool, String, String, bool, Decimal);
/// A row of table 12: to consumers, HSN, unit, rate.
type HsnKey = (bool, String, String, Decimal);
/// A row of table 11: month amended, place, inter-State, at 65 %, rate.
pub(super) type AdvanceKey = (String, String, bool, bool, Decimal);
/// A row of table 15 to consumers: supplier, inter-State, place, rate.
type PlatformKey = (String, bool, String, Decimal);

/// The new amounts of a row of table 7 of an earlier return (table 10).
#[derive(Debug, Clone)]
pub struct B2csAmendment {
    /// `MMYYYY` of the return that is amended.
    pub omon: String,
    pub inter: bool,
    pub place: String,
    /// The operator (s.52); empty where there is none.
    pub operator: String,
    pub differential: bool,
    pub items: Vec<(Decimal, Tax)>,
}

/// The new amounts of a row of table 14 of an earlier return (table 14A).
#[derive(Debug, Clone)]
pub struct OperatorAmendment {
    /// `MMYYYY` of the return that is amended.
    pub omon: String,
    pub operator: Operator,
    pub tax: Tax,
}

/// Makes a return of documents that come one by one.
pub struct Builder {
    pub(super) gstin: String,
    /// Whether that is of an SEZ, whose supplies are all inter-State.
    sez: bool,
    pub(super) period: ReturnPeriod,
    pub(super) rows: [Rows; FORMS.len()],
    pub(super) b2cs: BTreeMap<B2csKey, Tax>,
    pub(super) b2csa: Vec<B2csAmendment>,
    /// Whether rows of tables 10 and 14A are given as they come to be, not made of documents.
    amends_totals: bool,
    /// Nil-rated, exempt, non-GST by kind of supply.
    pub(super) nil: [[Decimal; 3]; 4],
    pub(super) hsn: BTreeMap<HsnKey, (Decimal, Tax)>,
    pub(super) at: [BTreeMap<AdvanceKey, Tax>; 4],
    pub(super) operators: [BTreeMap<String, Tax>; 2],
    pub(super) operators_amended: Vec<OperatorAmendment>,
    pub(super) platform: BTreeMap<PlatformKey, Tax>,
    used: Vec<Used>,
    pub(super) totals: BTreeMap<&'static str, Tax>,
    pub(super) gstr3b: Gstr3b,
    pub(super) warnings: Vec<Warning>,
    unlisted: usize,
    pushed: usize,
    scratch: Json,
}

/// What a document came to in a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Key of the table; `doc_issue` where only the number is reported, `nil` where nothing of it is taxable.
    pub section: &'static str,
    /// What it adds to the return, negative where it takes away; exempt value included.
    pub tax: Tax,
}

/// What of table 11 is which of [`Builder::at`].
pub(super) const ADVANCES: [&str; 4] = ["at", "txpd", "ata", "txpda"];
pub(super) const NIL_KINDS: [&str; 4] = ["INTRB2B", "INTRAB2B", "INTRB2C", "INTRAB2C"];

impl Builder {
    /// `gstin` is the supplier's, checked.
    #[must_use]
    pub fn new(gstin: &str, period: ReturnPeriod) -> Self {
        Self {
            gstin: gstin.to_owned(),
            sez: false,
            period,
            rows: Default::default(),
            b2cs: BTreeMap::new(),
            b2csa: Vec::new(),
            amends_totals: false,
            nil: Default::default(),
            hsn: BTreeMap::new(),
            at: Default::default(),
            operators: Default::default(),
            operators_amended: Vec::new(),
            platform: BTreeMap::new(),
            used: Vec::new(),
            totals: BTreeMap::new(),
            gstr3b: Gstr3b::default(),
            warnings: Vec::new(),
            unlisted: 0,
            pushed: 0,
            scratch: Json::default(),
        }
    }

    /// Says whether the supplier is a unit or the developer of an SEZ.
    #[must_use]
    pub fn of_sez(self, sez: bool) -> Self {
        Self { sez, ..self }
    }

    fn warn(&mut self, code: &'static str, document: Option<&Document>, member: &str, detail: impl Into<String>) {
        if self.warnings.len() >= LISTED {
            self.unlisted += 1;
            return;
        }
        let at = self.pushed.saturating_sub(1);
        self.warnings.push(Warning {
            code,
            detail: detail.into(),
            number: document.map(|document| document.number.clone()),
            pointer: document.map(|_| format!("#/documents/{at}{member}")),
        });
    }

    /// Takes a document in. What was dated after the period is left out: the portal does not take it.
    pub fn push(&mut self, document: &Document) -> Declared {
        self.pushed += 1;
        let nothing = Declared { section: "doc_issue", tax: Tax::default() };
        if document.date > self.period.last {
            let detail = format!("The date lies after the period; it belongs into the return of {}.", ReturnPeriod::of(document.date).fp());
            self.warn("document_after_period", Some(document), "/date", detail);
            return nothing;
        }
        if document.date < self.period.first && document.former.is_none() {
            let detail = "The date lies before the period: reported late. Where an earlier return has it, leave it out or say what it amends.";
            self.warn("document_before_period", Some(document), "/date", detail);
        }
        let pertains = document.former.as_ref().map_or(document.date, |former| former.date);
        let last_day = limits::credit_note_last_day(pertains);
        if pertains < self.period.first && self.period.last >= last_day {
            let detail = format!("What was left out or wrong in its year is mended in a return filed by {last_day} (CGST Act s.37(3)).");
            self.warn("after_last_day", Some(document), "/date", detail);
        }
        if document.former.is_none() {
            self.used.push(Used {
                kind: document.kind,
                number: document.number.as_str().into(),
                series: document.series.as_deref().map(Into::into),
                cancelled: document.cancelled,
            });
        }
        if document.kind.is_voucher() || (document.cancelled && document.former.is_none()) {
            return nothing;
        }
        self.supply(document)
    }

    /// Counts the number of a document that is in no other table.
    pub fn count(&mut self, kind: DocumentKind, number: &str, cancelled: bool) {
        self.used.push(Used { kind, number: number.into(), series: None, cancelled });
    }

    fn supply(&mut self, document: &Document) -> Declared {
        let supplier = Seat { state: self.gstin.get(..2).unwrap_or_default(), sez: self.sez };
        let (section, inter) = (section::section(document, supplier), section::is_inter(document, supplier));
        let sign = if document.kind == DocumentKind::CreditNote { -Decimal::ONE } else { Decimal::ONE };
        let former = document.former.as_ref();
        // Whether a total of an earlier return is told anew elsewhere, so that it does not change in this one's.
        let retold = former.is_some() && self.amends_totals;
        // An amendment adds what it changes; a document that was cancelled after it was reported comes to nothing.
        let current: &[Line] = if document.cancelled { &[] } else { &document.lines };
        let mut rates: BTreeMap<Decimal, Tax> = BTreeMap::new();
        let (mut change, mut taxable_change) = (Tax::default(), Tax::default());
        let parts = current.iter().enumerate().map(|(at, line)| (at, line, false)).chain(former.iter().flat_map(|f| &f.lines).map(|line| (0, line, true)));
        for (at, line, was) in parts {
            let sign = if was { -sign } else { sign };
            let signed = scaled(line.tax, sign);
            change += signed;
            let rate = if line.treatment == Treatment::Taxable { line.rate.normalize() } else { Decimal::ZERO };
            let exempt = exempt_kind(document, line);
            if let Some(kind) = exempt {
                self.exempt(document, section, inter, kind, signed.txval);
            } else {
                let at_rate = rates.entry(rate).or_default();
                if !was {
                    *at_rate += line.tax;
                }
                taxable_change += signed;
                match (section, &document.supplied_by) {
                    (Section::B2cs, _) if !retold => {
                        let operator = document.operator.as_ref().map(|operator| operator.gstin.clone()).unwrap_or_default();
                        *self.b2cs.entry((inter, document.place.clone(), operator, document.differential, rate)).or_default() += signed;
                    }
                    (Section::Platform(Parties::B2c | Parties::Urp2c), Some(supplier)) => {
                        let supplier = supplier.gstin.clone().unwrap_or_default();
                        *self.platform.entry((supplier, inter, document.place.clone(), rate)).or_default() += signed;
                    }
                    _ => {}
                }
            }
            if section != Section::Operator {
                self.hsn(document, line, at, rate, signed, sign);
            }
        }
        self.check(document, inter, &rates);
        let total = section.list(former.is_some()).is_none();
        if former.is_some() && !self.amends_totals && (total || document.operator.is_some()) {
            let detail = "What is part of a total of its month (tables 7, 14, 15 to consumers) changes the total of this period by the difference.";
            self.warn("total_changed_in_this_period", Some(document), "", detail);
        }
        if let Some(operator) = &document.operator {
            if !retold {
                *self.operators[by(operator.section)].entry(operator.gstin.clone()).or_default() += change;
            }
            *self.totals.entry(if retold { "supecoa" } else { "supeco" }).or_default() += change;
        }
        let amended = if total { retold } else { former.is_some() };
        let key = if amended { section.amended_key() } else { section.key() };
        if section == Section::Operator {
            self.gstr3b.through_operators += change.txval;
            return Declared { section: key, tax: change };
        }
        if rates.is_empty() {
            return Declared { section: "nil", tax: change };
        }
        *self.totals.entry(key).or_default() += taxable_change;
        self.summarise(document, section, inter, taxable_change);
        if let Some(list) = section.list(former.is_some()) {
            self.row(document, section, list, inter, &rates);
        }
        Declared { section: key, tax: change }
    }

    /// Table 8, and 3.1(c) and (e) of GSTR-3B.
    fn exempt(&mut self, document: &Document, section: Section, inter: bool, kind: usize, value: Decimal) {
        if section == Section::Operator {
            return;
        }
        let registered = document.recipient.gstin.is_some();
        let row = usize::from(!registered) * 2 + usize::from(!inter);
        self.nil[row][kind] += value;
        if kind == 2 { self.gstr3b.non_gst += value } else { self.gstr3b.nil_exempt += value }
    }

    /// Table 12: by HSN, unit and rate; services have neither unit nor quantity.
    fn hsn(&mut self, document: &Document, line: &Line, at: usize, rate: Decimal, signed: Tax, sign: Decimal) {
        let Some(hsn) = line.hsn.as_deref().filter(|hsn| !hsn.is_empty()) else {
            if !signed.is_zero() {
                self.warn("hsn_missing", Some(document), &format!("/lines/{at}/hsn"), "A line has no HSN; it is missing in table 12.");
            }
            return;
        };
        let consumer = limits::hsn_summary_is_split(self.period.first) && (document.recipient.gstin.is_none() || section::is_export(document));
        let service = line.service || hsn.starts_with("99");
        let (uqc, quantity) = match (&line.uqc, service) {
            (_, true) => ("NA", Decimal::ZERO),
            (Some(uqc), false) if units::is_unit(uqc) => (uqc.as_str(), line.quantity * sign),
            (given, false) => {
                if given.is_some() {
                    self.warn("uqc_unknown", Some(document), &format!("/lines/{at}/uqc"), "The unit is not on the portal's list; it is reported as OTH.");
                }
                (units::OTHER, line.quantity * sign)
            }
        };
        let row = self.hsn.entry((consumer, hsn.to_owned(), uqc.to_owned(), rate)).or_default();
        row.0 += quantity;
        row.1 += signed;
    }

    /// What does not fit together in a document; its amounts are reported as they are.
    fn check(&mut self, document: &Document, inter: bool, rates: &BTreeMap<Decimal, Tax>) {
        let corrected = document.original.as_ref().and_then(|original| original.date);
        let last_day = corrected.map(limits::credit_note_last_day).filter(|last_day| document.kind == DocumentKind::CreditNote && document.date > *last_day);
        if let Some(last_day) = last_day {
            let detail = format!("A credit note that lowers the tax is declared by {last_day}; a later one leaves the tax as it is (CGST Act s.34(2)).");
            self.warn("credit_note_after_last_day", Some(document), "/date", detail);
        }
        for (rate, tax) in rates {
            let (wrong, right) = if inter { (tax.camt + tax.samt, "IGST") } else { (tax.iamt, "CGST and SGST") };
            if !wrong.is_zero() {
                self.warn("tax_of_other_kind", Some(document), "/lines", format!("Place and kind of the supply ask for {right}; the other tax is charged."));
            }
            if tax.camt != tax.samt {
                self.warn("cgst_sgst_differ", Some(document), "/lines", format!("CGST and SGST at {rate} % are not the same."));
            }
            let factor = if document.differential { Decimal::new(65, 2) } else { Decimal::ONE };
            let due = if document.supply.is_without_payment() { Decimal::ZERO } else { tax.txval * *rate * factor / Decimal::ONE_HUNDRED };
            let charged = tax.iamt + tax.camt + tax.samt;
            if (charged - due).abs() > Decimal::ONE {
                let due = crate::platform::money::round(due, 2);
                self.warn("tax_differs", Some(document), "/lines", format!("Tax at {rate} % would be {due}, charged is {charged}."));
            }
        }
    }

    /// Tables 3.1 and 3.2 of GSTR-3B.
    fn summarise(&mut self, document: &Document, section: Section, inter: bool, change: Tax) {
        let to_business = section.is_to_business();
        if matches!(section, Section::Platform(_)) {
            self.gstr3b.as_operator += change;
        } else if section::is_zero_rated(document) {
            self.gstr3b.zero_rated += change;
            return;
        } else if to_business && document.reverse_charge {
            return;
        } else {
            self.gstr3b.taxable += change;
        }
        if !inter {
            return;
        }
        let places = match (to_business, document.recipient.kind, document.recipient.uin) {
            (false, ..) => &mut self.gstr3b.unregistered,
            (true, RecipientKind::Composition, _) => &mut self.gstr3b.composition,
            (true, _, true) => &mut self.gstr3b.uin,
            (true, ..) => return,
        };
        let place = places.entry(document.place.clone()).or_default();
        place.0 += change.txval;
        place.1 += change.iamt;
    }

    /// The row of a document that is reported by itself.
    fn row(&mut self, document: &Document, section: Section, list: &str, inter: bool, rates: &BTreeMap<Decimal, Tax>) {
        let Some(at) = FORMS.iter().position(|form| form.key == list) else { return };
        let recipient = document.recipient.gstin.as_deref().unwrap_or_default();
        let group = match section {
            Section::Platform(Parties::B2b { .. }) => {
                let supplier = document.supplied_by.as_ref().and_then(|supplier| supplier.gstin.as_deref()).unwrap_or_default();
                format!("{supplier} {recipient}").into_boxed_str()
            }
            Section::B2b { .. } | Section::Cdnr { .. } | Section::Platform(_) => recipient.into(),
            Section::B2cl => document.place.as_str().into(),
            Section::Exp { exp_typ } => exp_typ.into(),
            Section::Cdnur { .. } | Section::B2cs | Section::Operator => "".into(),
        };
        let mut json = std::mem::take(&mut self.scratch);
        json.clear();
        json.object(|json| write_row(json, document, section, inter, rates));
        let rows = &mut self.rows[at];
        rows.index.push(Row { group, date: document.date, number: document.number.as_str().into(), at: rows.text.len(), length: json.as_str().len() });
        rows.text.push_str(json.as_str());
        self.scratch = json;
    }

    /// Says that rows of tables 10 and 14A are given as they come to be, not made of documents.
    pub fn amends_totals_by_rows(&mut self) {
        self.amends_totals = true;
    }

    /// The new amounts of a row of table 7 of an earlier return. What that changes comes with the documents.
    pub fn amend_b2cs(&mut self, amendment: B2csAmendment) {
        self.b2csa.push(amendment);
    }

    /// The new amounts of a row of table 14 of an earlier return. What that changes comes with the documents.
    pub fn amend_operator(&mut self, amendment: OperatorAmendment) {
        self.operators_amended.push(amendment);
    }

    /// Tables 11A and 11B: an advance of the period less what was set off or given back of it within the period;
    /// what is set off of earlier advances.
    pub fn advance(&mut self, advance: &Advance) {
        let own = advance.kind == AdvanceKind::Received || advance.received_in_period;
        let table = usize::from(!own);
        let reduces = advance.kind != AdvanceKind::Received;
        let tax = if own && reduces { -advance.tax } else { advance.tax };
        let key = |omon: &str| (omon.to_owned(), advance.place.clone(), advance.inter, advance.differential, advance.rate.normalize());
        let change = match &advance.amends {
            None => {
                *self.at[table].entry(key("")).or_default() += tax;
                tax
            }
            Some(omon) => {
                *self.at[2 + table].entry(key(omon)).or_default() += tax;
                tax - advance.former
            }
        };
        *self.totals.entry(ADVANCES[table + if advance.amends.is_some() { 2 } else { 0 }]).or_default() += change;
        if own { self.gstr3b.taxable += change } else { self.gstr3b.taxable -= change }
    }

    /// The return.
    #[must_use]
    pub fn finish(mut self) -> Built {
        for rows in &mut self.rows {
            rows.index.sort_unstable();
        }
        self.turn_negative_advances();
        self.b2cs.retain(|_, tax| !tax.is_zero());
        self.platform.retain(|_, tax| !tax.is_zero());
        self.hsn.retain(|_, (quantity, tax)| !tax.is_zero() || !quantity.is_zero());
        self.check_ties();
        if self.unlisted > 0 {
            let detail = format!("{} more warnings are not listed.", self.unlisted);
            self.warnings.push(Warning { code: "more_warnings", detail, number: None, pointer: None });
        }
        let (doc_issue, issued) = issued::written(&self.used);
        self.used = Vec::new();
        Built::new(doc_issue, issued, self)
    }

    /// More was restored in a row of 11A or 11B than done: the other table takes it, as rows are not negative.
    fn turn_negative_advances(&mut self) {
        for (from, to) in [(0, 1), (1, 0)] {
            let negative: Vec<_> = self.at[from].iter().filter(|(_, tax)| tax.txval < Decimal::ZERO).map(|(key, tax)| (key.clone(), *tax)).collect();
            for (key, tax) in negative {
                self.at[from].remove(&key);
                *self.at[to].entry(key).or_default() += -tax;
                *self.totals.entry(ADVANCES[from]).or_default() += -tax;
                *self.totals.entry(ADVANCES[to]).or_default() += -tax;
            }
        }
        for table in &mut self.at[..2] {
            table.retain(|_, tax| !tax.is_zero());
        }
    }

    /// Tables 4 to 9 and table 12 come to the same (validated by the portal since May-2025).
    fn check_ties(&mut self) {
        let mut tables = Tax::default();
        for (key, tax) in &self.totals {
            if !ADVANCES.contains(key) && !["supeco", "supecoa"].contains(key) {
                tables += *tax;
            }
        }
        tables.txval += self.nil.iter().flatten().sum::<Decimal>();
        let hsn = self.hsn.values().fold(Tax::default(), |sum, (_, tax)| sum + *tax);
        if tables != hsn {
            let detail = format!(
                "Tables 4 to 9 come to a value of {} and taxes of {}, table 12 to {} and {}.",
                tables.txval.normalize(),
                tables.taxes().normalize(),
                hsn.txval.normalize(),
                hsn.taxes().normalize()
            );
            self.warn("hsn_does_not_tie", None, "", detail);
        }
    }
}

/// The list of table 14 an operator is in: s.52, then s.9(5).
const fn by(section: OperatorSection) -> usize {
    match section {
        OperatorSection::S52 => 0,
        OperatorSection::S9 => 1,
    }
}

fn scaled(tax: Tax, sign: Decimal) -> Tax {
    if sign.is_sign_negative() { -tax } else { tax }
}

/// The column of table 8 a line belongs to: nil-rated, exempt, non-GST. What is exported or goes to an SEZ is zero-rated
/// whatever its treatment (IGST Act s.16(1), s.16(2)), and a rate of 0 on other supplies is nil-rated.
fn exempt_kind(document: &Document, line: &Line) -> Option<usize> {
    if section::is_zero_rated(document) || document.supplied_by.is_some() {
        return None;
    }
    match line.treatment {
        Treatment::Nil => Some(0),
        Treatment::Exempt => Some(1),
        Treatment::NonGst => Some(2),
        Treatment::Taxable => line.rate.is_zero().then_some(0),
    }
}
