//! From the request of the tool to documents. Pure; names everything that is wrong.

use super::builder::Builder;
use super::facts::{
    Advance, AdvanceKind, Document, DocumentKind, Former, Line, Operator, OperatorSection, Original, Recipient, RecipientKind, ShippingBill, Supplier, Tax,
};
use super::types::{BuildGstr1, ReturnAdvance, ReturnDocument, ReturnDocumentStatus, ReturnLine, ReturnRecipient, ReturnSupplier};
use super::written::Built;
use crate::filing::period::ReturnPeriod;
use crate::platform::dates::FiscalYear;
use crate::platform::http::FieldError;
use crate::platform::money::{Amount, LARGEST};
use crate::tax::gst::gstin::{Gstin, GstinCategory, Mode};
use crate::tax::gst::supply::{OTHER_COUNTRIES, SupplyType};
use crate::tax::gst::{limits, numbers, rates, states};
use crate::tax::tools::problems::{HSN_INVALID, RATE_NOT_IN_FORCE};
use crate::tax::tools::types::{GstinMode, SupplyClass, TaxTreatment};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::{HashMap, HashSet};

/// Faults beyond these are not looked for.
const MOST_FAULTS: usize = 200;

/// GST began.
fn beginning() -> NaiveDate {
    NaiveDate::from_ymd_opt(2017, 7, 1).unwrap_or_default()
}

struct Reader<'r> {
    errors: Vec<FieldError>,
    mode: Mode,
    supplier: String,
    /// Date and value of the documents told, by their number.
    known: HashMap<String, (NaiveDate, Decimal)>,
    request: &'r BuildGstr1,
}

/// Builds the return of a request.
pub fn build(request: &BuildGstr1) -> Result<(Built, ReturnPeriod), Vec<FieldError>> {
    let mode = if request.mode == Some(GstinMode::Sandbox) { Mode::Sandbox } else { Mode::Strict };
    let mut reader = Reader { errors: Vec::new(), mode, supplier: String::new(), known: HashMap::new(), request };
    reader.supplier = reader.gstin("/supplier_gstin", &request.supplier_gstin).map(|gstin| gstin.as_str().to_owned()).unwrap_or_default();
    let period = ReturnPeriod::parse(&request.period).map(|period| if request.quarterly { period.quarter() } else { period });
    let Some(period) = period.filter(|period| period.last >= beginning()) else {
        let detail = "A period is a month from July 2017 on, written 102024.";
        reader.errors.push(FieldError::at("/period", "period_invalid", detail).received(&request.period));
        return Err(reader.errors);
    };
    reader.look_up();
    let mut builder = Builder::new(&reader.supplier, period).of_sez(request.supplier_sez);
    let mut taken = HashSet::with_capacity(request.documents.len());
    for (at, told) in request.documents.iter().enumerate() {
        if reader.errors.len() >= MOST_FAULTS {
            break;
        }
        let pointer = format!("/documents/{at}");
        let Some(document) = reader.document(&pointer, told) else { continue };
        // Unique a supplier, fiscal year and kind, whatever the letters (CGST rule 46(b)).
        if !taken.insert((document.kind, FiscalYear::of(document.date, 4).0, document.number.clone())) {
            let detail = "Another document of this kind and fiscal year has this number; capitals and small letters are the same.";
            reader.errors.push(FieldError::at(format!("{pointer}/number"), "duplicate_number", detail).received(&told.number));
        }
        if reader.errors.is_empty() {
            builder.push(&document);
        }
    }
    for (at, told) in request.advances.iter().enumerate() {
        if let Some(advance) = reader.advance(&format!("/advances/{at}"), told) {
            builder.advance(&advance);
        }
    }
    if reader.errors.is_empty() { Ok((builder.finish(), period)) } else { Err(reader.errors) }
}

/// What of a recipient counts.
struct Party {
    recipient: Recipient,
    state: Option<String>,
}

impl Reader<'_> {
    fn fault(&mut self, pointer: &str, code: &str, detail: &str, received: impl std::fmt::Display) {
        self.errors.push(FieldError::at(pointer, code, detail).received(received));
    }

    fn gstin(&mut self, pointer: &str, text: &str) -> Option<Gstin> {
        match Gstin::parse(text, self.mode) {
            Ok(gstin) => Some(gstin),
            Err(fault) => {
                self.errors.push(FieldError::at(pointer, "gstin_invalid", fault.message()).expected(fault.reason()).received(text));
                None
            }
        }
    }

    /// Only where a note needs it.
    fn look_up(&mut self) {
        let documents = &self.request.documents;
        let wanted: HashSet<String> = documents.iter().filter_map(|told| told.original.as_ref()).map(|original| normal(&original.number)).collect();
        if wanted.is_empty() {
            return;
        }
        let invoices = documents.iter().filter(|told| told.r#type.unwrap_or(DocumentKind::Invoice) == DocumentKind::Invoice);
        self.known = invoices
            .map(|told| (normal(&told.number), (told.date, told.value.map_or_else(|| sum_of_lines(&told.lines, told.reverse_charge), |value| value.0))))
            .filter(|(number, _)| wanted.contains(number))
            .collect();
    }

    fn number(&mut self, pointer: &str, text: &str) -> String {
        numbers::read(text).unwrap_or_else(|fault| {
            self.errors.push(FieldError::at(pointer, fault.code(), fault.message()).expected("at most 16 of A-Z 0-9 / -").received(text));
            String::new()
        })
    }

    fn amount(&mut self, pointer: &str, amount: Amount) -> Decimal {
        let value = amount.0;
        if value < Decimal::ZERO {
            self.fault(pointer, "too_small", "Amounts are positive; the type of the document says which way they go.", value);
        } else if value > LARGEST {
            self.fault(pointer, "amount_too_large", "An amount is at most 9,999,999,999,999.", value);
        } else if value.normalize().scale() > 2 {
            self.fault(pointer, "amount_precision", "An amount in rupees has at most 2 decimals.", value);
        } else {
            return value;
        }
        Decimal::ZERO
    }

    fn optional(&mut self, pointer: &str, name: &str, amount: Option<Amount>) -> Decimal {
        amount.map_or(Decimal::ZERO, |amount| self.amount(&format!("{pointer}/{name}"), amount))
    }

    fn place(&mut self, pointer: &str, code: &str) {
        if !states::is_place_of_supply(code) {
            self.fault(pointer, "place_of_supply_invalid", "This is not a State code that can be a place of supply.", code);
        }
    }

    fn date(&mut self, pointer: &str, date: NaiveDate) {
        if date < beginning() {
            self.errors.push(FieldError::at(pointer, "date_before_gst", "GST began on 2017-07-01.").expected("at least 2017-07-01").received(date));
        }
    }

    fn document(&mut self, pointer: &str, told: &ReturnDocument) -> Option<Document> {
        let before = self.errors.len();
        let kind = told.r#type.unwrap_or(DocumentKind::Invoice);
        let cancelled = told.status == Some(ReturnDocumentStatus::Cancelled);
        let number = self.number(&format!("{pointer}/number"), &told.number);
        self.date(&format!("{pointer}/date"), told.date);
        let default = ReturnRecipient::default();
        let stated = told.supply_type.and_then(supply_of);
        let party = self.party(&format!("{pointer}/recipient"), told.recipient.as_ref().unwrap_or(&default), stated, cancelled || kind.is_voucher());
        let charged = told.lines.iter().flat_map(|line| [line.igst, line.cgst, line.sgst]).flatten().any(|tax| !tax.0.is_zero());
        let outside = stated.is_some_and(SupplyType::is_export) || (stated.is_none() && party.recipient.kind == RecipientKind::Overseas);
        let own = states::current_code(self.supplier.get(..2).unwrap_or_default()).to_owned();
        let place = match &told.place_of_supply {
            Some(code) => {
                self.place(&format!("{pointer}/place_of_supply"), code);
                code.clone()
            }
            None if outside => OTHER_COUNTRIES.to_owned(),
            None => party.state.clone().unwrap_or(own),
        };
        let supply = stated.unwrap_or(match party.recipient.kind {
            RecipientKind::Sez if charged => SupplyType::SezWithPayment,
            RecipientKind::Sez => SupplyType::SezWithoutPayment,
            RecipientKind::Overseas if place != OTHER_COUNTRIES => SupplyType::B2c,
            RecipientKind::Overseas if charged => SupplyType::ExportWithPayment,
            RecipientKind::Overseas => SupplyType::ExportWithoutPayment,
            RecipientKind::DeemedExport => SupplyType::DeemedExport,
            RecipientKind::Registered | RecipientKind::Composition => SupplyType::B2b,
            RecipientKind::Unregistered => SupplyType::B2c,
        });
        if !supply.fits_place(&place) && states::is_place_of_supply(&place) {
            let detail = "An export has its place of supply outside India (96), a supply to SEZ and a deemed export in India.";
            self.fault(&format!("{pointer}/place_of_supply"), "place_of_supply_mismatch", detail, &place);
        }
        if told.lines.is_empty() && !cancelled && !kind.is_voucher() {
            self.errors.push(FieldError::at(format!("{pointer}/lines"), "required", "A document that stands has lines."));
        }
        let lines = self.lines(&format!("{pointer}/lines"), &told.lines, told.date);
        let value = match told.value {
            Some(value) => self.amount(&format!("{pointer}/value"), value),
            None => lines.iter().map(|line| line.tax.txval + if told.reverse_charge { Decimal::ZERO } else { line.tax.taxes() }).sum(),
        };
        let original = self.original(pointer, told);
        let former = told.amends.as_ref().map(|amends| Former {
            number: self.number(&format!("{pointer}/amends/number"), &amends.number),
            date: amends.date,
            lines: self.lines(&format!("{pointer}/amends/lines"), &amends.lines, amends.date),
            value: amends
                .value
                .map_or_else(|| sum_of_lines(&amends.lines, told.reverse_charge), |value| self.amount(&format!("{pointer}/amends/value"), value)),
        });
        let supplied_by = told.supplied_by.as_ref().map(|supplier| self.supplier(pointer, told, supplier));
        let operator = told.operator.as_ref().and_then(|operator| {
            let pointer = format!("{pointer}/operator/gstin");
            let gstin = self.gstin(&pointer, &operator.gstin)?;
            if gstin.as_str() == self.supplier {
                self.fault(&pointer, "gstin_own", "What goes through the own platform says whom it is supplied by.", gstin.as_str());
            }
            Some(Operator { gstin: gstin.as_str().to_owned(), section: operator.section.unwrap_or(OperatorSection::S52) })
        });
        let shipping = told.shipping_bill.as_ref().map_or_else(ShippingBill::default, |bill| ShippingBill {
            number: bill.number.clone(),
            date: bill.date,
            port: bill.port_code.as_deref().map(str::to_ascii_uppercase),
        });
        (self.errors.len() == before).then(|| Document {
            kind,
            number,
            date: told.date,
            series: told.series.clone(),
            cancelled,
            recipient: party.recipient,
            place,
            supply,
            reverse_charge: told.reverse_charge,
            value,
            original,
            operator,
            supplied_by,
            shipping,
            differential: told.differential,
            former,
            lines,
        })
    }

    /// Who supplies through the own platform. Table 15 has no notes: an invoice that was reported is amended.
    fn supplier(&mut self, pointer: &str, told: &ReturnDocument, supplier: &ReturnSupplier) -> Supplier {
        if told.r#type.is_some_and(DocumentKind::is_note) {
            let detail = "Table 15 has no notes: the invoice is told anew as it came to be, with what it amends.";
            self.errors.push(FieldError::at(format!("{pointer}/supplied_by"), "note_in_table_15", detail));
        }
        if told.operator.is_some() {
            let detail = "A supply goes through the own platform or through that of an operator.";
            self.errors.push(FieldError::at(format!("{pointer}/supplied_by"), "one_of", detail));
        }
        let pointer = format!("{pointer}/supplied_by/gstin");
        let gstin = given(supplier.gstin.as_deref()).and_then(|text| self.gstin(&pointer, text));
        Supplier { gstin: gstin.map(|gstin| gstin.as_str().to_owned()) }
    }

    fn original(&mut self, pointer: &str, told: &ReturnDocument) -> Option<Original> {
        let original = told.original.as_ref()?;
        let number = self.number(&format!("{pointer}/original/number"), &original.number);
        // A number comes back in another year.
        let year = |date| FiscalYear::of(date, 4).0;
        let known = self.known.get(&number).copied().filter(|(date, _)| original.date.is_none_or(|told| year(told) == year(*date)));
        let value = original.value.map(|value| self.amount(&format!("{pointer}/original/value"), value)).or(known.map(|(_, value)| value));
        Some(Original { date: original.date.or(known.map(|(date, _)| date)), number, value })
    }

    fn party(&mut self, pointer: &str, told: &ReturnRecipient, supply: Option<SupplyType>, anybody: bool) -> Party {
        let pointer = format!("{pointer}/gstin");
        let given = given(told.gstin.as_deref());
        let gstin = given.and_then(|text| self.gstin(&pointer, text));
        let kind = told.kind.unwrap_or(match (given, supply) {
            (Some(_), _) => RecipientKind::Registered,
            (None, Some(supply)) if supply.is_export() => RecipientKind::Overseas,
            (None, _) => RecipientKind::Unregistered,
        });
        let registered = !matches!(kind, RecipientKind::Unregistered | RecipientKind::Overseas);
        let needs = registered || supply.is_some_and(|supply| supply.is_sez() || supply == SupplyType::DeemedExport);
        if given.is_none() && needs && !anybody {
            self.errors.push(FieldError::at(&pointer, "gstin_missing", "A registered recipient has a GSTIN or UIN."));
        }
        if let (Some(text), false) = (given, registered) {
            self.fault(&pointer, "recipient_kind_mismatch", "A recipient of this kind has no GSTIN.", text);
        }
        if let Some(gstin) = &gstin {
            if gstin.as_str() == self.supplier {
                self.fault(&pointer, "gstin_own", "Nobody supplies to the own GSTIN.", gstin.as_str());
            } else if !gstin.category().can_be_recipient() {
                self.fault(&pointer, "gstin_invalid", "A non-resident or OIDAR registration is no recipient of B2B supplies.", gstin.as_str());
            }
        }
        let uin = gstin.as_ref().is_some_and(|gstin| gstin.category() == GstinCategory::Uin);
        let state = gstin.as_ref().map(|gstin| states::current_code(gstin.state_code()).to_owned()).or_else(|| told.state.clone());
        Party {
            state: state.filter(|code| states::is_place_of_supply(code)),
            recipient: Recipient { kind, gstin: gstin.filter(|_| registered).map(|gstin| gstin.as_str().to_owned()), uin },
        }
    }

    fn lines(&mut self, pointer: &str, told: &[ReturnLine], date: NaiveDate) -> Vec<Line> {
        told.iter().enumerate().map(|(at, line)| self.line(&format!("{pointer}/{at}"), line, date)).collect()
    }

    fn line(&mut self, pointer: &str, told: &ReturnLine, date: NaiveDate) -> Line {
        let tax = Tax {
            txval: self.amount(&format!("{pointer}/taxable"), told.taxable),
            iamt: self.optional(pointer, "igst", told.igst),
            camt: self.optional(pointer, "cgst", told.cgst),
            samt: self.optional(pointer, "sgst", told.sgst),
            csamt: self.optional(pointer, "cess", told.cess),
        };
        let treatment = told.treatment.unwrap_or(TaxTreatment::Taxable);
        let rate = told.gst_rate.map_or(Decimal::ZERO, |rate| rate.0);
        if treatment == TaxTreatment::Taxable {
            self.rate(&format!("{pointer}/gst_rate"), rate, date);
        } else if !tax.taxes().is_zero() {
            self.fault(&format!("{pointer}/treatment"), "tax_on_exempt", "What is nil-rated, exempt or outside GST bears no tax.", treatment);
        }
        let hsn = told.hsn.as_deref().map(str::trim).filter(|hsn| !hsn.is_empty()).map(str::to_owned);
        // Until March 2021 also the two of a chapter.
        let fits = |hsn: &str| (matches!(hsn.len(), 4 | 6 | 8) || hsn.len() == limits::hsn_fewest(date)) && hsn.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(hsn) = hsn.as_deref().filter(|hsn| !fits(hsn)) {
            let detail = "An HSN or SAC in table 12 has 4, 6 or 8 digits (notification 78/2020-CT; of a document before April 2021 also 2).";
            self.fault(&format!("{pointer}/hsn"), HSN_INVALID.code, detail, hsn);
        }
        Line {
            rate,
            tax,
            treatment: treatment.of_law(),
            service: told.service.unwrap_or_else(|| hsn.as_deref().is_some_and(|hsn| hsn.starts_with("99"))),
            hsn,
            uqc: told.uqc.as_deref().map(|uqc| uqc.trim().split('-').next().unwrap_or_default().to_ascii_uppercase()).filter(|uqc| !uqc.is_empty()),
            quantity: told.qty.map_or(Decimal::ZERO, |qty| qty.0),
        }
    }

    /// A document may carry an older rate than that of its day (s.14, s.34), never a later one.
    fn rate(&mut self, pointer: &str, rate: Decimal, date: NaiveDate) {
        let known = rate.is_zero() || rates::is_gst_rate(rate, date) || rates::all().iter().any(|row| row.rate == rate && row.effective_from <= date);
        if !known {
            self.fault(pointer, RATE_NOT_IN_FORCE.code, "This is not a GST rate in force on the document's date or before it.", rate);
        }
    }

    fn advance(&mut self, pointer: &str, told: &ReturnAdvance) -> Option<Advance> {
        let before = self.errors.len();
        self.place(&format!("{pointer}/place_of_supply"), &told.place_of_supply);
        self.rate(&format!("{pointer}/gst_rate"), told.gst_rate.0, NaiveDate::MAX);
        let tax = self.tax(pointer, told.amount, [told.igst, told.cgst, told.sgst, told.cess]);
        let inter = told
            .inter
            .unwrap_or_else(|| self.request.supplier_sez || self.supplier.get(..2).is_some_and(|own| states::current_code(own) != told.place_of_supply));
        let amends = told.amends.as_ref().and_then(|amends| {
            let pointer = format!("{pointer}/amends");
            let former = self.tax(&pointer, amends.amount, [amends.igst, amends.cgst, amends.sgst, amends.cess]);
            let period = ReturnPeriod::parse(&amends.period).filter(|period| period.first >= beginning());
            if period.is_none() {
                self.fault(&format!("{pointer}/period"), "period_invalid", "A period is a month from July 2017 on, written 092024.", &amends.period);
            }
            Some((period?.fp(), former))
        });
        (self.errors.len() == before).then(|| Advance {
            kind: told.kind,
            received_in_period: told.kind == AdvanceKind::Received || told.received_in_period,
            place: told.place_of_supply.clone(),
            inter,
            differential: told.differential,
            rate: told.gst_rate.0,
            tax,
            former: amends.as_ref().map_or(Tax::default(), |(_, former)| *former),
            amends: amends.map(|(omon, _)| omon),
        })
    }

    fn tax(&mut self, pointer: &str, value: Amount, [igst, cgst, sgst, cess]: [Option<Amount>; 4]) -> Tax {
        Tax {
            txval: self.amount(&format!("{pointer}/amount"), value),
            iamt: self.optional(pointer, "igst", igst),
            camt: self.optional(pointer, "cgst", cgst),
            samt: self.optional(pointer, "sgst", sgst),
            csamt: self.optional(pointer, "cess", cess),
        }
    }
}

/// The supply type of the law; `None` for a regular one.
const fn supply_of(class: SupplyClass) -> Option<SupplyType> {
    match class {
        SupplyClass::Regular => None,
        SupplyClass::SezWithPayment => Some(SupplyType::SezWithPayment),
        SupplyClass::SezWithoutPayment => Some(SupplyType::SezWithoutPayment),
        SupplyClass::ExportWithPayment => Some(SupplyType::ExportWithPayment),
        SupplyClass::ExportWithoutPayment => Some(SupplyType::ExportWithoutPayment),
        SupplyClass::DeemedExport => Some(SupplyType::DeemedExport),
    }
}

/// As numbers are compared and reported.
fn normal(number: &str) -> String {
    number.trim().to_ascii_uppercase()
}

/// A number that is given; `URP` is none.
fn given(gstin: Option<&str>) -> Option<&str> {
    gstin.map(str::trim).filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case("URP"))
}

/// What a document over the lines comes to, as far as amounts may be.
fn sum_of_lines(lines: &[ReturnLine], reverse_charge: bool) -> Decimal {
    let amounts = |line: &ReturnLine| {
        let taxes = [line.igst, line.cgst, line.sgst, line.cess].into_iter().flatten().filter(|_| !reverse_charge);
        std::iter::once(line.taxable).chain(taxes).map(|amount| amount.0).collect::<Vec<_>>()
    };
    lines.iter().flat_map(amounts).fold(Decimal::ZERO, Decimal::saturating_add)
}
