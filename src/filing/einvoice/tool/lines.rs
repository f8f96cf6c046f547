//! Lines of a request with final amounts: as sent, or as the engine computes them.

use super::super::payload::Line;
use super::reading::Reading;
use super::types::EinvoiceLine;
use crate::platform::http::FieldError;
use crate::platform::money::{Amount, Rate, round};
use crate::tax::gst::compute::{self, ChargeInput, ChargeTax, Discount, DocumentInput, LineInput, LineTax, Treatment, compute};
use crate::tax::gst::supply::{Seat, SupplyType, split};
use crate::tax::gst::units;
use crate::tax::tools::rules::rate_fault;
use crate::tax::tools::types::{ChargeTime, TaxTreatment};
use rust_decimal::Decimal;

impl Reading<'_> {
    /// Lines and taxed charges with final amounts, and what is charged after tax.
    pub(super) fn lines(&mut self, supply: SupplyType, seller: Seat<'_>, place: &str, reverse_charge: bool) -> Option<(Vec<Line>, Decimal)> {
        let given = &self.request.document;
        let (asked, base) = self.request.lines();
        let mut inputs = Vec::new();
        // Which line each input is of; those with final amounts are taken as they are.
        let mut computed = Vec::new();
        for (at, line) in asked.iter().enumerate() {
            self.judge(&format!("{base}/{at}"), line);
            let finished = line.taxable.is_some() && (line.igst.is_some() || line.cgst.is_some() || line.sgst.is_some());
            if !finished {
                computed.push(at);
                inputs.push(self.input(line));
            }
        }
        let mut charges = Vec::new();
        for (at, charge) in given.charges.iter().enumerate() {
            let amount = self.not_negative(&format!("/document/charges/{at}/amount"), Some(charge.amount));
            let tax = match (charge.when, charge.gst_rate) {
                (ChargeTime::AfterTax, _) => ChargeTax::Free,
                (ChargeTime::BeforeTax, Some(rate)) => ChargeTax::AtRate(rate.0),
                (ChargeTime::BeforeTax, None) => ChargeTax::AsLines,
            };
            charges.push(ChargeInput { amount, tax });
        }
        let discount = self.not_negative("/document/document_discount", given.document_discount);
        if !self.errors.is_empty() {
            return None;
        }
        let input = DocumentInput {
            charges,
            discount: Discount::of(discount),
            tax_collected: supply.tax_collected(reverse_charge),
            ..DocumentInput::of_lines(split(seller, place, supply), inputs)
        };
        let result = match compute(&input) {
            Ok(result) => result,
            Err(fault) => {
                let pointer = match (fault.line().and_then(|line| computed.get(line)), fault.charge()) {
                    (Some(line), _) => format!("{base}/{line}"),
                    (_, Some(charge)) => format!("/document/charges/{charge}"),
                    _ => base.to_owned(),
                };
                self.errors.push(FieldError::at(pointer, fault.reason(), fault.to_string()));
                return None;
            }
        };
        let mut of_line = computed.iter().zip(&result.lines);
        let mut lines: Vec<Line> = Vec::with_capacity(asked.len());
        let mut next = of_line.next();
        for (at, line) in asked.iter().enumerate() {
            let tax = match next {
                Some((mine, tax)) if *mine == at => {
                    next = of_line.next();
                    tax.clone()
                }
                _ => finished(line),
            };
            lines.push(line_of(at, line, &tax, given.prices_include_tax.unwrap_or(false)));
        }
        for (charge, amounts) in given.charges.iter().zip(&result.charges) {
            for part in &amounts.parts {
                let number = lines.len() + 1;
                lines.push(Line {
                    number,
                    description: charge.label.clone(),
                    is_service: charge.hsn.as_deref().is_none_or(|hsn| hsn.starts_with("99")),
                    hsn: charge.hsn.clone(),
                    quantity: None,
                    free_quantity: None,
                    unit: None,
                    unit_price: part.taxable,
                    gross: part.taxable,
                    taxable: part.taxable,
                    treatment: part.treatment,
                    rate: part.rate,
                    igst: part.igst,
                    cgst: part.cgst,
                    sgst: part.sgst,
                    cess_rate: Decimal::ZERO,
                    cess: part.cess,
                    fixed_cess: Decimal::ZERO,
                    state_cess_rate: Decimal::ZERO,
                    state_cess: Decimal::ZERO,
                    other_charges: Decimal::ZERO,
                });
            }
        }
        Some((lines, result.other_charges))
    }

    fn judge(&mut self, base: &str, line: &EinvoiceLine) {
        let pointer = |name: &str| format!("{base}/{name}");
        for (name, amount) in [
            ("taxable", line.taxable),
            ("igst", line.igst),
            ("cgst", line.cgst),
            ("sgst", line.sgst),
            ("cess", line.cess),
            ("discount_amount", line.discount_amount),
            ("state_cess", line.state_cess),
            ("other_charges", line.other_charges),
        ] {
            self.not_negative(&pointer(name), amount);
            if amount.is_some_and(|amount| amount.0 > compute::MAX_AMOUNT) {
                self.fault(&pointer(name), "too_large", "The amount is too large to compute exactly.", amount.map_or(Decimal::ZERO, |amount| amount.0));
            }
        }
        if line.taxable.is_none() && line.unit_price.is_none() {
            self.errors.push(FieldError::at(pointer("unit_price"), "required", "A line has a price, or its taxable value."));
        }
        let treatment = treatment_of(line);
        let rate = line.gst_rate.map_or(Decimal::ZERO, |rate| rate.0);
        if treatment == Treatment::Taxable {
            // A note bears the rate of the document it corrects (s.14, s.34).
            let document = &self.request.document;
            let on = document.original.iter().chain(&document.originals).map(|original| original.date).min().unwrap_or(document.date);
            self.errors.extend(rate_fault(&pointer("gst_rate"), rate, on, line.hsn.as_deref()));
        }
        if let Some(unit) = line.uqc.as_deref().filter(|unit| !units::is_unit(&unit.to_ascii_uppercase())) {
            self.fault(&pointer("uqc"), "unit_unknown", "This is not a unit quantity code of the GST portal.", unit);
        }
        if line.discount_percent.is_some_and(|percent| percent.0 > Decimal::ONE_HUNDRED) {
            self.fault(&pointer("discount_percent"), "too_large", "A discount is at most 100 per cent.", line.discount_percent.map_or(Decimal::ZERO, |p| p.0));
        }
    }

    fn input(&self, line: &EinvoiceLine) -> LineInput {
        let given = &self.request.document;
        let decimal = |rate: Option<Rate>| rate.map_or(Decimal::ZERO, |rate| rate.0);
        let quantity = line.qty.map_or(Decimal::ONE, |qty| qty.0);
        let (quantity, unit_price, discount) = match line.taxable {
            Some(taxable) => (Decimal::ONE, taxable.0, Discount::NONE),
            None => (
                quantity,
                line.unit_price.map_or(Decimal::ZERO, |price| price.0),
                Discount { percent: decimal(line.discount_percent), amount: line.discount_amount.map_or(Decimal::ZERO, |amount| amount.0) },
            ),
        };
        LineInput {
            quantity,
            unit_price,
            discount,
            rate: decimal(line.gst_rate),
            cess_rate: decimal(line.cess_percent),
            cess_per_unit: line.cess_per_unit.map_or(Decimal::ZERO, |amount| amount.0),
            tax_inclusive: given.prices_include_tax.unwrap_or(false) && line.taxable.is_none(),
            treatment: treatment_of(line),
        }
    }
}

fn treatment_of(line: &EinvoiceLine) -> Treatment {
    line.treatment.unwrap_or(TaxTreatment::Taxable).of_law()
}

fn finished(line: &EinvoiceLine) -> LineTax {
    let amount = |amount: Option<Amount>| amount.map_or(Decimal::ZERO, |amount| amount.0);
    LineTax {
        taxable: amount(line.taxable),
        cgst: amount(line.cgst),
        sgst: amount(line.sgst),
        igst: amount(line.igst),
        cess: amount(line.cess),
        total: Decimal::ZERO,
    }
}

fn line_of(at: usize, line: &EinvoiceLine, tax: &LineTax, inclusive: bool) -> Line {
    let quantity = line.qty.map(|qty| qty.0);
    let is_service = line.service.unwrap_or_else(|| line.hsn.as_deref().is_some_and(|hsn| hsn.starts_with("99")));
    let priced = line.unit_price.filter(|_| !inclusive).map(|price| price.0);
    let count = quantity.unwrap_or(Decimal::ONE);
    // What is off the line is the rest of quantity × price; a price that includes tax says nothing of it.
    let gross = priced.and_then(|price| count.checked_mul(price)).map(|gross| round(gross, 2)).filter(|gross| *gross >= tax.taxable);
    let each = if count.is_zero() { Some(tax.taxable) } else { tax.taxable.checked_div(count) };
    let fixed_cess = line.cess_per_unit.and_then(|cess| cess.0.checked_mul(count)).map_or(Decimal::ZERO, |cess| round(cess, 2)).min(tax.cess);
    let amount = |amount: Option<Amount>| amount.map_or(Decimal::ZERO, |amount| amount.0);
    let unit = line.uqc.as_deref().map(str::to_ascii_uppercase);
    Line {
        number: at + 1,
        description: line.description.clone(),
        is_service,
        hsn: line.hsn.clone(),
        quantity: quantity.or_else(|| (!is_service).then_some(Decimal::ONE)),
        free_quantity: line.free_qty.map(|qty| qty.0),
        // `NA` is what returns say of services.
        unit: unit.filter(|unit| unit != "NA").or_else(|| (!is_service).then(|| units::OTHER.to_owned())),
        unit_price: gross.and(priced).or(each).unwrap_or_default(),
        gross: gross.unwrap_or(tax.taxable),
        taxable: tax.taxable,
        treatment: treatment_of(line),
        rate: line.gst_rate.map_or(Decimal::ZERO, |rate| rate.0),
        igst: tax.igst,
        cgst: tax.cgst,
        sgst: tax.sgst,
        cess_rate: line.cess_percent.map_or(Decimal::ZERO, |rate| rate.0),
        cess: tax.cess - fixed_cess,
        fixed_cess,
        state_cess_rate: line.state_cess_percent.map_or(Decimal::ZERO, |rate| rate.0),
        state_cess: amount(line.state_cess),
        other_charges: amount(line.other_charges),
    }
}
