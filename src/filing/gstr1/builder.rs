//! The builder: documents in, return out.

use super::facts::{Advance, AdvanceKind, Document, DocumentKind, Line, OperatorSection, RecipientKind, Tax};
use super::issued::{self, Used};
use super::section::{self, Section};
use crate::filing::gstr3b::Gstr3b;
use crate::filing::json::Json;
use crate::filing::period::ReturnPeriod;
use crate::tax::gst::compute::Treatment;
use crate::tax::gst::{limits, states, units};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
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
struct Form {
    key: &'static str,
    /// Member and list of what groups rows: `ctin` and `inv`.
    grouped: Option<(&'static str, &'static str)>,
}
const FORMS: [Form; 10] = [
    Form { key: "b2b", grouped: Some(("ctin", "inv")) },
    Form { key: "b2ba", grouped: Some(("ctin", "inv")) },
    Form { key: "b2cl", grouped: Some(("pos", "inv")) },
    Form { key: "b2cla", grouped: Some(("pos", "inv")) },
    Form { key: "exp", grouped: Some(("exp_typ", "inv")) },
    Form { key: "expa", grouped: Some(("exp_typ", "inv")) },
    Form { key: "cdnr", grouped: Some(("ctin", "nt")) },
    Form { key: "cdnra", grouped: Some(("ctin", "nt")) },
    Form { key: "cdnur", grouped: None },
    Form { key: "cdnura", grouped: None },
];

/// Rows as they will stand in the return, one after the other, and where each is.
#[derive(Debug, Default)]
struct Rows {
    text: String,
    index: Vec<Row>,
}
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    group: Box<str>,
    date: NaiveDate,
    number: Box<str>,
    at: usize,
    length: usize,
}

/// A row of table 7: `pos`, whether inter-State, operator (s.52), at 65 %, rate.
type B2csKey = (bool, String, String, bool, Decimal);
/// A row of table 12: to consumers, HSN, unit, rate.
type HsnKey = (bool, String, String, Decimal);
/// A row of table 11: month amended, place, inter-State, rate.
type AdvanceKey = (String, String, bool, Decimal);

/// The new amounts of a row of table 7 of an earlier return (table 10).
#[derive(Debug, Clone)]
pub struct B2csAmendment {
    /// `MMYYYY` of the return that is amended.
    pub omon: String,
    pub inter: bool,
    pub place: String,
    pub operator: Option<String>,
    pub items: Vec<(Decimal, Tax)>,
}

/// Makes a return of documents that come one by one.
pub struct Builder {
    gstin: String,
    state: String,
    period: ReturnPeriod,
    rows: [Rows; FORMS.len()],
    b2cs: BTreeMap<B2csKey, Tax>,
    b2csa: Vec<B2csAmendment>,
    /// Whether rows of table 10 are given by [`Builder::amend_b2cs`].
    amends_b2cs: bool,
    /// Nil-rated, exempt, non-GST by kind of supply.
    nil: [[Decimal; 3]; 4],
    hsn: BTreeMap<HsnKey, (Decimal, Tax)>,
    at: [BTreeMap<AdvanceKey, Tax>; 4],
    operators: [BTreeMap<String, Tax>; 2],
    used: Vec<Used>,
    totals: BTreeMap<&'static str, Tax>,
    gstr3b: Gstr3b,
    warnings: Vec<Warning>,
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
const ADVANCES: [&str; 4] = ["at", "txpd", "ata", "txpda"];
const OPERATORS: [&str; 2] = ["clttx", "paytx"];
const NIL_KINDS: [&str; 4] = ["INTRB2B", "INTRAB2B", "INTRB2C", "INTRAB2C"];

impl Builder {
    /// `gstin` is the supplier's, checked.
    #[must_use]
    pub fn new(gstin: &str, period: ReturnPeriod) -> Self {
        Self {
            gstin: gstin.to_owned(),
            state: gstin.get(..2).unwrap_or_default().to_owned(),
            period,
            rows: Default::default(),
            b2cs: BTreeMap::new(),
            b2csa: Vec::new(),
            amends_b2cs: false,
            nil: Default::default(),
            hsn: BTreeMap::new(),
            at: Default::default(),
            operators: Default::default(),
            used: Vec::new(),
            totals: BTreeMap::new(),
            gstr3b: Gstr3b::default(),
            warnings: Vec::new(),
            unlisted: 0,
            pushed: 0,
            scratch: Json::default(),
        }
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
        let section = section::section(document, &self.state);
        let inter = section::is_inter(document, &self.state);
        let sign = if document.kind == DocumentKind::CreditNote { -Decimal::ONE } else { Decimal::ONE };
        let former = document.former.as_ref();
        // An amendment adds what it changes; a document that was cancelled after it was reported comes to nothing.
        let current: &[Line] = if document.cancelled { &[] } else { &document.lines };
        let mut rates: BTreeMap<Decimal, Tax> = BTreeMap::new();
        let mut change = Tax::default();
        let parts = current.iter().enumerate().map(|(at, line)| (at, line, false)).chain(former.iter().flat_map(|f| &f.lines).map(|line| (0, line, true)));
        let mut taxable_change = Tax::default();
        for (at, line, was) in parts {
            let signed = scaled(line.tax, if was { -sign } else { sign });
            change += signed;
            let exempt = exempt_kind(document, line);
            if let Some(kind) = exempt {
                self.exempt(document, section, inter, kind, signed.txval);
            } else {
                let at_rate = rates.entry(line.rate.normalize()).or_default();
                if !was {
                    *at_rate += line.tax;
                }
                taxable_change += signed;
                if section == Section::B2cs && (former.is_none() || !self.amends_b2cs) {
                    let operator = document.operator.as_ref().map(|operator| operator.gstin.clone()).unwrap_or_default();
                    *self.b2cs.entry((inter, document.place.clone(), operator, document.differential, line.rate.normalize())).or_default() += signed;
                }
            }
            if section != Section::Operator {
                let rate = if exempt.is_some() { Decimal::ZERO } else { line.rate.normalize() };
                self.hsn(document, line, at, rate, signed, if was { -sign } else { sign });
            }
        }
        self.check(document, inter, &rates);
        if former.is_some() && section == Section::B2cs && !self.amends_b2cs {
            let detail = "A consumer's document below the limit is part of a total; its change is added to table 7 of this period.";
            self.warn("b2cs_changed_in_this_period", Some(document), "", detail);
        }
        if let Some(operator) = &document.operator {
            let by = usize::from(operator.section == OperatorSection::S9);
            *self.operators[by].entry(operator.gstin.clone()).or_default() += change;
            *self.totals.entry("supeco").or_default() += change;
        }
        if section == Section::Operator {
            self.gstr3b.through_operators += change.txval;
            return Declared { section: section.key(), tax: change };
        }
        let key = if former.is_some() && (section != Section::B2cs || self.amends_b2cs) { section.amended_key() } else { section.key() };
        if rates.is_empty() {
            return Declared { section: "nil", tax: change };
        }
        *self.totals.entry(key).or_default() += taxable_change;
        self.summarise(document, section, inter, taxable_change);
        if section != Section::B2cs {
            self.row(document, section, key, inter, &rates);
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
        if section::is_zero_rated(document) {
            self.gstr3b.zero_rated += change;
            return;
        }
        let to_business = matches!(section, Section::B2b { .. } | Section::Cdnr { .. });
        if to_business && document.reverse_charge {
            return;
        }
        self.gstr3b.taxable += change;
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
    fn row(&mut self, document: &Document, section: Section, key: &'static str, inter: bool, rates: &BTreeMap<Decimal, Tax>) {
        let Some(at) = FORMS.iter().position(|form| form.key == key) else { return };
        let group = match section {
            Section::B2b { .. } | Section::Cdnr { .. } => document.recipient.gstin.as_deref().unwrap_or_default(),
            Section::B2cl => document.place.as_str(),
            Section::Exp { exp_typ } => exp_typ,
            Section::Cdnur { .. } | Section::B2cs | Section::Operator => "",
        };
        let mut json = std::mem::take(&mut self.scratch);
        json.clear();
        json.object(|json| write_row(json, document, section, inter, rates));
        let rows = &mut self.rows[at];
        rows.index.push(Row {
            group: group.into(),
            date: document.date,
            number: document.number.as_str().into(),
            at: rows.text.len(),
            length: json.as_str().len(),
        });
        rows.text.push_str(json.as_str());
        self.scratch = json;
    }

    /// Says that rows of table 10 are given as they come to be, not made of documents.
    pub fn amends_b2cs_by_rows(&mut self) {
        self.amends_b2cs = true;
    }

    /// The new amounts of a row of table 7 of an earlier return. What that changes comes with the documents.
    pub fn amend_b2cs(&mut self, amendment: B2csAmendment) {
        self.b2csa.push(amendment);
    }

    /// Tables 11A and 11B: an advance of the period less what was set off or given back of it within the period;
    /// what is set off of earlier advances.
    pub fn advance(&mut self, advance: &Advance) {
        let own = advance.kind == AdvanceKind::Received || advance.received_in_period;
        let table = usize::from(!own);
        let reduces = advance.kind != AdvanceKind::Received;
        let tax = if own && reduces { -advance.tax } else { advance.tax };
        let key = |omon: &str| (omon.to_owned(), advance.place.clone(), advance.inter, advance.rate.normalize());
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
        self.hsn.retain(|_, (quantity, tax)| !tax.is_zero() || !quantity.is_zero());
        self.check_ties();
        if self.unlisted > 0 {
            let detail = format!("{} more warnings are not listed.", self.unlisted);
            self.warnings.push(Warning { code: "more_warnings", detail, number: None, pointer: None });
        }
        let (doc_issue, issued) = issued::written(&self.used);
        self.used = Vec::new();
        Built { doc_issue, issued, inner: self }
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
            if !ADVANCES.contains(key) && *key != "supeco" {
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

/// A finished return.
pub struct Built {
    doc_issue: Option<String>,
    /// Numbers used, cancelled, and standing.
    pub issued: [usize; 3],
    inner: Builder,
}

impl Built {
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.inner.warnings
    }
    #[must_use]
    pub fn gstr3b(&self) -> &Gstr3b {
        &self.inner.gstr3b
    }
    /// GSTR-3B in the portal's form.
    #[must_use]
    pub fn gstr3b_json(&self) -> String {
        self.inner.gstr3b.written(&self.inner.gstin, self.inner.period)
    }
    /// What a table comes to: credit notes taken off, of amendments what they change. Of `at` and `txpd` both
    /// positive.
    #[must_use]
    pub fn total(&self, key: &str) -> Tax {
        self.inner.totals.get(key).copied().unwrap_or_default()
    }

    /// What each table with something in it comes to, as JSON.
    #[must_use]
    pub fn totals_json(&self) -> String {
        let this = &self.inner;
        let mut json = Json::default();
        json.object(|json| {
            for key in ["b2b", "b2ba", "b2cl", "b2cla", "b2cs", "b2csa", "exp", "expa", "cdnr", "cdnra", "cdnur", "cdnura"] {
                write_total(json, key, this.totals.get(key));
            }
            if this.nil.iter().flatten().any(|value| !value.is_zero()) {
                let sum = |kind: usize| this.nil.iter().map(|row| row[kind]).sum();
                json.name("nil").object(|json| {
                    json.number("nil_amt", sum(0)).number("expt_amt", sum(1)).number("ngsup_amt", sum(2));
                });
            }
            for key in ADVANCES {
                write_total(json, key, this.totals.get(key));
            }
            if limits::hsn_summary_is_split(this.period.first) {
                for (key, consumer) in [("hsn_b2b", false), ("hsn_b2c", true)] {
                    let rows = this.hsn.iter().filter(|((to, ..), _)| *to == consumer);
                    let tax = rows.fold(Tax::default(), |sum, (_, (_, tax))| sum + *tax);
                    write_total(json, key, Some(&tax).filter(|tax| !tax.is_zero()));
                }
            }
            let hsn = this.hsn.values().fold(Tax::default(), |sum, (_, tax)| sum + *tax);
            write_total(json, "hsn", Some(&hsn).filter(|_| !this.hsn.is_empty()));
            write_total(json, "supeco", this.totals.get("supeco"));
            if self.doc_issue.is_some() {
                json.name("doc_issue").object(|json| {
                    json.count("totnum", self.issued[0]).count("cancel", self.issued[1]).count("net_issue", self.issued[2]);
                });
            }
        });
        json.into_text()
    }

    /// Writes the return in the portal's own JSON, table by table. Tables without rows are left out.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let this = &self.inner;
        let mut json = Json::default();
        json.object(|json| {
            json.text("gstin", &this.gstin).text("fp", &this.period.fp());
        });
        let head = json.into_text();
        out.write_all(head.trim_end_matches('}').as_bytes())?;
        let member = |out: &mut dyn Write, name: &str, value: &str| write!(out, ",\"{name}\":{value}");
        for (form, rows) in FORMS.iter().zip(&this.rows) {
            write_rows(form, rows, out)?;
            match form.key {
                "b2cla" => {
                    if let Some(rows) = self.b2cs_json() {
                        member(out, "b2cs", &rows)?;
                    }
                    if let Some(rows) = self.b2csa_json() {
                        member(out, "b2csa", &rows)?;
                    }
                }
                "cdnura" => {
                    if let Some(rows) = self.nil_json() {
                        member(out, "nil", &rows)?;
                    }
                }
                _ => {}
            }
        }
        for (name, rows) in ADVANCES.iter().zip(&this.at).filter(|(_, rows)| !rows.is_empty()) {
            member(out, name, &advances_json(rows))?;
        }
        if !this.hsn.is_empty() {
            member(out, "hsn", &self.hsn_json())?;
        }
        if let Some(rows) = self.operators_json() {
            member(out, "supeco", &rows)?;
        }
        if let Some(rows) = &self.doc_issue {
            member(out, "doc_issue", rows)?;
        }
        out.write_all(b"}")
    }

    /// The return as a text.
    #[must_use]
    pub fn json(&self) -> String {
        let mut out = Vec::new();
        // Writing into memory does not fail, and what is written is text.
        let _ = self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    fn b2cs_json(&self) -> Option<String> {
        let rows = &self.inner.b2cs;
        list(!rows.is_empty(), |json| {
            for ((inter, pos, operator, differential, rate), tax) in rows {
                json.object(|json| {
                    json.text("sply_ty", supply_type(*inter)).text("pos", pos);
                    write_operator(json, operator);
                    if *differential {
                        json.number("diff_percent", Decimal::new(65, 2));
                    }
                    json.number("rt", *rate).number("txval", tax.txval);
                    write_taxes(json, tax, *inter);
                });
            }
        })
    }

    fn b2csa_json(&self) -> Option<String> {
        let mut rows: Vec<_> = self.inner.b2csa.iter().collect();
        rows.sort_by_key(|row| (row.omon.get(2..).unwrap_or_default(), row.omon.as_str(), row.inter, row.place.as_str(), row.operator.as_deref()));
        list(!rows.is_empty(), |json| {
            for row in rows {
                json.object(|json| {
                    json.text("omon", &row.omon).text("sply_ty", supply_type(row.inter)).text("pos", &row.place);
                    write_operator(json, row.operator.as_deref().unwrap_or_default());
                    json.name("itms").array(|json| {
                        for (rate, tax) in &row.items {
                            json.object(|json| {
                                json.number("rt", *rate).number("txval", tax.txval);
                                write_taxes(json, tax, row.inter);
                            });
                        }
                    });
                });
            }
        })
    }

    fn nil_json(&self) -> Option<String> {
        let rows: Vec<_> = NIL_KINDS.iter().zip(&self.inner.nil).filter(|(_, row)| row.iter().any(|value| !value.is_zero())).collect();
        let inv = list(!rows.is_empty(), |json| {
            for (kind, [nil, exempt, non_gst]) in rows {
                json.object(|json| {
                    json.text("sply_ty", kind).number("expt_amt", *exempt).number("nil_amt", *nil).number("ngsup_amt", *non_gst);
                });
            }
        })?;
        Some(format!("{{\"inv\":{inv}}}"))
    }

    fn hsn_json(&self) -> String {
        let split = limits::hsn_summary_is_split(self.inner.period.first);
        let parts: &[(&str, bool)] = if split { &[("hsn_b2b", false), ("hsn_b2c", true)] } else { &[("data", false)] };
        let mut json = Json::default();
        json.object(|json| {
            for (name, consumer) in parts {
                let rows: Vec<_> = self.inner.hsn.iter().filter(|((to, ..), _)| to == consumer).collect();
                if rows.is_empty() {
                    continue;
                }
                json.name(name).array(|json| {
                    for (num, ((_, hsn, uqc, rate), (quantity, tax))) in (1..).zip(rows) {
                        json.object(|json| {
                            json.count("num", num).text("hsn_sc", hsn).text("uqc", uqc).number("qty", *quantity).number("rt", *rate);
                            json.number("txval", tax.txval).number("iamt", tax.iamt).number("camt", tax.camt).number("samt", tax.samt);
                            json.number("csamt", tax.csamt);
                        });
                    }
                });
            }
        });
        json.into_text()
    }

    fn operators_json(&self) -> Option<String> {
        let operators = &self.inner.operators;
        if operators.iter().all(BTreeMap::is_empty) {
            return None;
        }
        let mut json = Json::default();
        json.object(|json| {
            for (name, rows) in OPERATORS.iter().zip(operators).filter(|(_, rows)| !rows.is_empty()) {
                json.name(name).array(|json| {
                    for (etin, tax) in rows {
                        json.object(|json| {
                            json.text("etin", etin).number("suppval", tax.txval).number("igst", tax.iamt).number("cgst", tax.camt);
                            json.number("sgst", tax.samt).number("cess", tax.csamt).text("flag", "N");
                        });
                    }
                });
            }
        });
        Some(json.into_text())
    }
}

fn scaled(tax: Tax, sign: Decimal) -> Tax {
    if sign.is_sign_negative() { -tax } else { tax }
}

/// The column of table 8 a line belongs to: nil-rated, exempt, non-GST. What is exported is zero-rated whatever its
/// treatment (IGST Act s.16), and a rate of 0 on other supplies is nil-rated.
fn exempt_kind(document: &Document, line: &Line) -> Option<usize> {
    if section::is_export(document) {
        return None;
    }
    match line.treatment {
        Treatment::Nil => Some(0),
        Treatment::Exempt => Some(1),
        Treatment::NonGst => Some(2),
        Treatment::Taxable => (line.rate.is_zero() && !section::is_zero_rated(document)).then_some(0),
    }
}

fn supply_type(inter: bool) -> &'static str {
    if inter { "INTER" } else { "INTRA" }
}

fn list(any: bool, rows: impl FnOnce(&mut Json)) -> Option<String> {
    any.then(|| {
        let mut json = Json::default();
        json.array(rows);
        json.into_text()
    })
}

fn write_total(json: &mut Json, key: &str, tax: Option<&Tax>) {
    if let Some(tax) = tax {
        json.name(key).object(|json| {
            json.number("txval", tax.txval).number("iamt", tax.iamt).number("camt", tax.camt).number("samt", tax.samt).number("csamt", tax.csamt);
        });
    }
}

fn write_operator(json: &mut Json, operator: &str) {
    if operator.is_empty() {
        json.text("typ", "OE");
    } else {
        json.text("typ", "E").text("etin", operator);
    }
}

/// IGST, or both halves; the other kind only where it is charged, which is warned of.
fn write_taxes(json: &mut Json, tax: &Tax, inter: bool) {
    if inter || !tax.iamt.is_zero() {
        json.number("iamt", tax.iamt);
    }
    if !(inter && tax.camt.is_zero() && tax.samt.is_zero()) {
        json.number("camt", tax.camt).number("samt", tax.samt);
    }
    json.number("csamt", tax.csamt);
}

fn write_row(json: &mut Json, document: &Document, section: Section, inter: bool, rates: &BTreeMap<Decimal, Tax>) {
    let note = document.kind.is_note();
    let (number, date, former_number, former_date) = if note { ("nt_num", "nt_dt", "ont_num", "ont_dt") } else { ("inum", "idt", "oinum", "oidt") };
    if let Some(former) = &document.former {
        json.text(former_number, &former.number).date(former_date, former.date);
    }
    if let Section::Cdnur { typ } = section {
        json.text("typ", typ);
    }
    if note {
        json.text("ntty", if document.kind == DocumentKind::CreditNote { "C" } else { "D" });
    }
    json.text(number, &document.number).date(date, document.date);
    json.number("val", if document.cancelled { Decimal::ZERO } else { document.value });
    match section {
        Section::B2b { inv_typ } | Section::Cdnr { inv_typ } => {
            json.text("pos", &document.place).text("rchrg", if document.reverse_charge { "Y" } else { "N" }).text("inv_typ", inv_typ);
        }
        Section::Cdnur { typ: "B2CL" } => {
            json.text("pos", &document.place);
        }
        Section::B2cl => {
            if let Some(operator) = &document.operator {
                json.text("etin", &operator.gstin);
            }
        }
        Section::Exp { .. } => {
            let shipping = &document.shipping;
            for (name, value) in [("sbpcode", &shipping.port), ("sbnum", &shipping.number)] {
                if let Some(value) = value {
                    json.text(name, value);
                }
            }
            if let Some(date) = shipping.date {
                json.date("sbdt", date);
            }
        }
        _ => {}
    }
    if document.differential {
        json.number("diff_percent", Decimal::new(65, 2));
    }
    json.name("itms").array(|json| {
        for (rate, tax) in rates {
            json.object(|json| {
                if let Section::Exp { .. } = section {
                    json.number("txval", tax.txval).number("rt", *rate);
                    write_taxes(json, tax, inter);
                    return;
                }
                // As the offline tool numbers rows: 1801 for 18 %.
                json.number("num", *rate * Decimal::ONE_HUNDRED + Decimal::ONE);
                json.name("itm_det").object(|json| {
                    json.number("txval", tax.txval).number("rt", *rate);
                    write_taxes(json, tax, inter);
                });
            });
        }
    });
}

fn write_rows(form: &Form, rows: &Rows, out: &mut impl Write) -> io::Result<()> {
    if rows.index.is_empty() {
        return Ok(());
    }
    write!(out, ",\"{}\":[", form.key)?;
    for (nth, group) in rows.index.chunk_by(|a, b| form.grouped.is_none() || a.group == b.group).enumerate() {
        if nth > 0 {
            out.write_all(b",")?;
        }
        if let (Some((name, list)), Some(first)) = (form.grouped, group.first()) {
            write!(out, "{{\"{name}\":\"{}\",\"{list}\":[", first.group)?;
        }
        for (at, row) in group.iter().enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            out.write_all(rows.text.as_bytes().get(row.at..row.at + row.length).unwrap_or_default())?;
        }
        if form.grouped.is_some() {
            out.write_all(b"]}")?;
        }
    }
    out.write_all(b"]")
}

/// Rows of table 11: a place has the items of its rates.
fn advances_json(rows: &BTreeMap<AdvanceKey, Tax>) -> String {
    let rows: Vec<_> = rows.iter().collect();
    let mut json = Json::default();
    json.array(|json| {
        for place in rows.chunk_by(|a, b| (&a.0.0, &a.0.1, a.0.2) == (&b.0.0, &b.0.1, b.0.2)) {
            let Some(((omon, pos, inter, _), _)) = place.first() else { continue };
            json.object(|json| {
                if !omon.is_empty() {
                    json.text("omon", omon);
                }
                json.text("pos", pos).text("sply_ty", supply_type(*inter)).name("itms").array(|json| {
                    for ((.., rate), tax) in place {
                        json.object(|json| {
                            json.number("rt", *rate).number("ad_amt", tax.txval);
                            write_taxes(json, tax, *inter);
                        });
                    }
                });
            });
        }
    });
    json.into_text()
}

/// The name of a State with its code, as the tables of the offline tool show it: `27-Maharashtra`.
#[must_use]
pub fn place_name(code: &str) -> String {
    states::find(code).map_or_else(|| code.to_owned(), |state| format!("{code}-{}", state.name))
}
