//! Why a document bears the tax it bears, told from what is stored of it: the same answer in a preview, on the day of
//! issue and years later. Pure.

use super::store::Stored;
use super::types::TaxTreatment;
use crate::tax::gst::compute::{ChargeInput, ChargeTax, Discount, DocumentInput, LineInput, compute};
use crate::tax::gst::explain::{Explained, Explanation, explain};
use crate::tax::gst::states;
use crate::tax::gst::supply::{PlaceOfSupply, basis, split, tax_collected};
use crate::tax::gst::time::Days3;
use rust_decimal::Decimal;

/// Every decision about a stored document. Its tax is computed once more to tell what charges and discounts came to.
#[must_use]
pub fn of(stored: &Stored) -> Vec<Explanation> {
    let input = input(stored);
    let Ok(computed) = compute(&input) else { return Vec::new() };
    let name = states::find(&stored.place).map_or("", |state| state.name);
    let why = match stored.place_basis.as_str() {
        "stated" => "Stated by the caller",
        "original" => "Of the invoice the note corrects",
        _ => "From the addresses of the parties",
    };
    let place = PlaceOfSupply { code: stored.place.clone(), basis: basis(&stored.place_basis), explanation: format!("{why}: {name} ({}).", stored.place) };
    let pricing = &stored.pricing;
    // A note bears the rates of its invoice's day.
    let original = stored.note.as_ref().and_then(|note| note.original.as_ref()).map(|original| original.date);
    let days = Days3::of(original.unwrap_or(stored.date), pricing.supply_date, pricing.payment_date);
    explain(&Explained {
        days,
        supplier: stored.seat(),
        place: &place,
        supply: stored.supply.of_law(),
        paper: stored.paper(),
        operator: stored.operator_duty(),
        input: &input,
        computed: &computed,
    })
}

/// What the engine was asked, from what is stored.
fn input(stored: &Stored) -> DocumentInput {
    let pricing = &stored.pricing;
    let of_lines = stored.lines.len().saturating_sub(pricing.charge_lines);
    let line = |(at, (_, line)): (usize, &(_, super::rules::PricedLine))| LineInput {
        quantity: line.quantity,
        unit_price: line.unit_price,
        discount: Discount::of(line.discount),
        rate: line.tax_rate,
        cess_rate: line.cess_rate,
        cess_per_unit: pricing.of_line(at).1,
        tax_inclusive: line.tax_inclusive,
        treatment: line.treatment.of_law(),
    };
    let before_tax = stored.lines[of_lines..].iter().map(|(_, line)| {
        // Its own rate, or that of the lines where it bears no tax as they bear none.
        let tax = if line.treatment == TaxTreatment::Taxable { ChargeTax::AtRate(line.tax_rate) } else { ChargeTax::AsLines };
        ChargeInput { amount: line.unit_price, tax }
    });
    let after_tax = pricing.after_tax.iter().map(|(_, amount)| ChargeInput { amount: *amount, tax: ChargeTax::Free });
    let supply = stored.supply.of_law();
    DocumentInput {
        charges: before_tax.chain(after_tax).collect(),
        discount: Discount::of(pricing.discount),
        differential: pricing.differential,
        exponent: stored.currency.exponent(),
        round_to_unit: stored.round_off != Decimal::ZERO,
        tax_collected: tax_collected(supply, stored.seller_composition, stored.operator_duty(), stored.reverse_charge),
        ..DocumentInput::of_lines(split(stored.seat(), &stored.place, supply), stored.lines[..of_lines].iter().enumerate().map(line).collect())
    }
}
