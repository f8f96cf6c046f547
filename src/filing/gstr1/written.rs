//! A finished return: its figures, and its text in the portal's own JSON.

use super::builder::{ADVANCES, AdvanceKey, B2csAmendment, Builder, FORMS, Form, NIL_KINDS, Rows, Warning};
use super::facts::{Document, DocumentKind, OperatorSection, Tax};
use super::section::{Parties, Section};
use crate::filing::gstr3b::Gstr3b;
use crate::filing::json::Json;
use crate::tax::gst::{limits, states};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A finished return.
pub struct Built {
    doc_issue: Option<String>,
    /// Numbers used, cancelled, and standing.
    pub issued: [usize; 3],
    inner: Builder,
}

impl Built {
    pub(super) fn new(doc_issue: Option<String>, issued: [usize; 3], inner: Builder) -> Self {
        Self { doc_issue, issued, inner }
    }
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
            for key in ["supeco", "supecoa", "ecom", "ecoma"] {
                write_total(json, key, this.totals.get(key));
            }
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
        let member = |out: &mut dyn Write, name: &str, value: Option<&str>| value.map_or(Ok(()), |value| write!(out, ",\"{name}\":{value}"));
        for (form, rows) in FORMS.iter().zip(&this.rows).filter(|(form, _)| !form.key.contains('.')) {
            if !rows.index.is_empty() {
                write!(out, ",\"{}\":", form.key)?;
                write_rows(form, rows, out)?;
            }
            match form.key {
                "b2cla" => {
                    member(out, "b2cs", self.b2cs_json().as_deref())?;
                    member(out, "b2csa", self.b2csa_json().as_deref())?;
                }
                "cdnura" => member(out, "nil", self.nil_json().as_deref())?,
                _ => {}
            }
        }
        for (name, rows) in ADVANCES.iter().zip(&this.at) {
            member(out, name, (!rows.is_empty()).then(|| advances_json(rows)).as_deref())?;
        }
        member(out, "hsn", (!this.hsn.is_empty()).then(|| self.hsn_json()).as_deref())?;
        member(out, "supeco", self.operators_json().as_deref())?;
        member(out, "supecoa", self.operators_amended_json().as_deref())?;
        self.write_platform("ecom", out)?;
        self.write_platform("ecoma", out)?;
        member(out, "doc_issue", self.doc_issue.as_deref())?;
        out.write_all(b"}")
    }

    /// Table 15 or its amendments: the lists of documents, then the totals to consumers.
    fn write_platform(&self, table: &str, out: &mut impl Write) -> io::Result<()> {
        let this = &self.inner;
        let mut before = format!(",\"{table}\":{{");
        let mut began = false;
        let mut begin = |out: &mut dyn Write, name: &str| {
            began = true;
            write!(out, "{}\"{name}\":", std::mem::replace(&mut before, ",".to_owned()))
        };
        for (form, rows) in FORMS.iter().zip(&this.rows).filter(|(_, rows)| !rows.index.is_empty()) {
            if let Some((_, name)) = form.key.split_once('.').filter(|(of, _)| *of == table) {
                begin(out, name)?;
                write_rows(form, rows, out)?;
            }
        }
        for (name, registered) in [("b2c", true), ("urp2c", false)] {
            let rows: Vec<_> = this.platform.iter().filter(|((supplier, ..), _)| table == "ecom" && supplier.is_empty() != registered).collect();
            let rows = list(!rows.is_empty(), |json| {
                for ((supplier, inter, pos, rate), tax) in rows {
                    json.object(|json| {
                        if registered {
                            json.text("stin", supplier);
                        }
                        json.text("sply_ty", supply_type(*inter)).text("pos", pos).number("rt", *rate).number("txval", tax.txval);
                        write_taxes(json, tax, *inter);
                        json.text("flag", "N");
                    });
                }
            });
            if let Some(rows) = rows {
                begin(out, name)?;
                out.write_all(rows.as_bytes())?;
            }
        }
        if began { out.write_all(b"}") } else { Ok(()) }
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
                    write_differential(json, *differential);
                    json.number("rt", *rate).number("txval", tax.txval);
                    write_taxes(json, tax, *inter);
                });
            }
        })
    }

    fn b2csa_json(&self) -> Option<String> {
        let mut rows: Vec<&B2csAmendment> = self.inner.b2csa.iter().collect();
        rows.sort_by_key(|row| (by_month(&row.omon), row.inter, row.place.as_str(), row.operator.as_str(), row.differential));
        list(!rows.is_empty(), |json| {
            for row in rows {
                json.object(|json| {
                    json.text("omon", &row.omon).text("sply_ty", supply_type(row.inter)).text("pos", &row.place);
                    write_operator(json, &row.operator);
                    write_differential(json, row.differential);
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
        let [collected, paid] = &self.inner.operators;
        let rows = |operators: &BTreeMap<String, Tax>| operators.iter().map(|(etin, tax)| operator_json(None, etin, tax)).collect();
        operators_object([("clttx", rows(collected)), ("paytx", rows(paid))])
    }

    fn operators_amended_json(&self) -> Option<String> {
        let mut amended: Vec<_> = self.inner.operators_amended.iter().collect();
        amended.sort_by_key(|row| (by_month(&row.omon), row.operator.gstin.as_str()));
        let rows = |section| {
            amended.iter().filter(|row| row.operator.section == section).map(|row| operator_json(Some(&row.omon), &row.operator.gstin, &row.tax)).collect()
        };
        operators_object([("clttxa", rows(OperatorSection::S52)), ("paytxa", rows(OperatorSection::S9))])
    }
}

/// A row of table 14, or of its amendment of a month.
fn operator_json(omon: Option<&str>, etin: &str, tax: &Tax) -> String {
    let mut json = Json::default();
    json.object(|json| {
        if let Some(omon) = omon {
            json.text("omon", omon).text("oetin", etin);
        }
        json.text("etin", etin).number("suppval", tax.txval).number("igst", tax.iamt).number("cgst", tax.camt);
        json.number("sgst", tax.samt).number("cess", tax.csamt).text("flag", "N");
    });
    json.into_text()
}

fn operators_object(lists: [(&str, Vec<String>); 2]) -> Option<String> {
    let mut json = Json::default();
    json.object(|json| {
        for (name, rows) in lists.iter().filter(|(_, rows)| !rows.is_empty()) {
            json.name(name).array(|json| {
                for row in rows {
                    json.raw(row);
                }
            });
        }
    });
    lists.iter().any(|(_, rows)| !rows.is_empty()).then(|| json.into_text())
}

/// `MMYYYY` in the order of time.
fn by_month(omon: &str) -> (&str, &str) {
    omon.split_at_checked(2).map_or(("", omon), |(month, year)| (year, month))
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

fn write_differential(json: &mut Json, differential: bool) {
    if differential {
        json.number("diff_percent", Decimal::new(65, 2));
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

/// The row of a document that is reported by itself.
pub(super) fn write_row(json: &mut Json, document: &Document, section: Section, inter: bool, rates: &BTreeMap<Decimal, Tax>) {
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
        Section::Platform(Parties::B2b { inv_typ } | Parties::Urp2b { inv_typ }) => {
            json.text("pos", &document.place).text("sply_ty", supply_type(inter)).text("inv_typ", inv_typ).text("flag", "N");
        }
        _ => {}
    }
    // Of notes to unregistered the portal takes it only where the note is on B2CL.
    write_differential(json, document.differential && !matches!(section, Section::Cdnur { typ: "EXPWP" | "EXPWOP" }));
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
    out.write_all(b"[")?;
    for (nth, group) in rows.index.chunk_by(|a, b| form.grouped.is_none() || a.group == b.group).enumerate() {
        if nth > 0 {
            out.write_all(b",")?;
        }
        if let (Some((names, list)), Some(first)) = (form.grouped, group.first()) {
            out.write_all(b"{")?;
            for (name, value) in names.iter().zip(first.group.split(' ')) {
                write!(out, "\"{name}\":\"{value}\",")?;
            }
            write!(out, "\"{list}\":[")?;
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
        for place in rows.chunk_by(|((a_month, a_place, a_inter, a_differs, _), _), ((month, place, inter, differs, _), _)| {
            (a_month, a_place, a_inter, a_differs) == (month, place, inter, differs)
        }) {
            let Some(((omon, pos, inter, differential, _), _)) = place.first() else { continue };
            json.object(|json| {
                if !omon.is_empty() {
                    json.text("omon", omon);
                }
                json.text("pos", pos).text("sply_ty", supply_type(*inter));
                write_differential(json, *differential);
                json.name("itms").array(|json| {
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
