use super::types::{AdvanceFilter, AdvanceMovement};
use super::{Advance, Movement};
use crate::ledger::periods::Month;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{AdvanceId, AllocationId, CustomerId, OpenItemId, ReceiptId, RegistrationId};
use crate::platform::money::{Currency, Rate, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use crate::tax::gst::advances::{self, Inclusive, MovementKind};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use uuid::Uuid;

/// An advance with its first movement and what is open of the money, in base currency.
pub struct Held {
    pub advance: Advance,
    pub first: AdvanceId,
    pub open: Decimal,
}

row! {
    pub struct HeldRow {
        id: AdvanceId, registration_id: RegistrationId, customer_id: CustomerId, receipt_id: ReceiptId, receipt_number: String, item_id: OpenItemId, place_of_supply: String, inter: bool,
        rate: Decimal, cess_rate: Decimal, open: Decimal,
    }
}
impl From<HeldRow> for Held {
    fn from(row: HeldRow) -> Self {
        let advance = Advance {
            registration: row.registration_id,
            customer: row.customer_id,
            receipt: row.receipt_id,
            receipt_number: row.receipt_number,
            item: row.item_id,
            place_of_supply: row.place_of_supply,
            inter: row.inter,
            rate: row.rate,
            cess_rate: row.cess_rate,
        };
        Self { advance, first: row.id, open: row.open }
    }
}

/// Which credits of `$5` are advances; ends the statement that writes allocations, so that it tells what was open
/// before them and costs no statement where there is none.
pub const HELD: &str = "SELECT g.id, g.registration_id, g.customer_id, g.receipt_id, i.document_number AS receipt_number, g.item_id, g.place_of_supply, g.inter, g.rate, g.cess_rate, b.open_base::numeric AS open
     FROM gst_advance g JOIN open_item i ON i.company_id = g.company_id AND i.id = g.item_id JOIN open_item_balance b ON b.company_id = g.company_id AND b.item_id = g.item_id
     WHERE g.company_id = $1 AND g.item_id = ANY($5) AND g.because IS NULL ORDER BY g.item_id";

/// The movements allocations made.
pub fn moved_by(rx: &mut Rx<'_>, allocations: Vec<AllocationId>) -> Result<BTreeMap<AllocationId, AdvanceId>, Problem> {
    row! { struct Moved { because: AllocationId, id: AdvanceId } }
    if allocations.is_empty() {
        return Ok(BTreeMap::new());
    }
    let company = rx.company();
    let found: Vec<Moved> =
        rx.load(Sql::new("SELECT because, id FROM gst_advance WHERE company_id = $1 AND because = ANY($2)").bind(company).bind(Many(allocations)))?;
    Ok(found.into_iter().map(|moved| (moved.because, moved.id)).collect())
}

pub(super) fn insert(tx: &mut Tx<'_>, movements: &[Movement<'_>]) -> Result<(), Problem> {
    let company = tx.company();
    let years: Many<i32> = movements.iter().map(|m| tx.cx().fiscal_year(m.on).0).collect();
    let amounts = |pick: fn(&Inclusive) -> Decimal| movements.iter().map(|m| pick(&m.amounts)).collect::<Many<_>>();
    tx.execute(
        Sql::new(
            "INSERT INTO gst_advance (company_id, id, registration_id, customer_id, receipt_id, item_id, moved_on, kind, because, reverses_id, place_of_supply, inter, rate, cess_rate,
                gross, taxable, cgst, sgst, igst, cess, fiscal_year, number, entry_id)
             SELECT $1, m.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::date[], $8::text[], $9::uuid[], $10::uuid[], $11::text[], $12::bool[], $13::numeric[], $14::numeric[],
                $15::numeric[], $16::numeric[], $17::numeric[], $18::numeric[], $19::numeric[], $20::numeric[], $21::int[], $22::text[], $23::uuid[]) AS m",
        )
        .bind(company)
        .bind(movements.iter().map(|m| m.id).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.advance.registration).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.advance.customer).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.advance.receipt).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.advance.item).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.on).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.kind).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.because).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.reverses).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.advance.place_of_supply.as_str()).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.advance.inter).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.advance.rate).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.advance.cess_rate).collect::<Many<_>>())
        .bind(amounts(|a| a.gross))
        .bind(amounts(|a| a.taxable))
        .bind(amounts(|a| a.cgst))
        .bind(amounts(|a| a.sgst))
        .bind(amounts(|a| a.igst))
        .bind(amounts(|a| a.cess))
        .bind(years)
        .bind(movements.iter().map(|m| m.number.clone()).collect::<Many<_>>())
        .bind(movements.iter().map(|m| m.entry).collect::<Many<_>>()),
    )?;
    Ok(())
}

row! {
    struct AmountsRow { gross: Decimal, taxable: Decimal, cgst: Decimal, sgst: Decimal, igst: Decimal, cess: Decimal }
}
impl From<AmountsRow> for Inclusive {
    fn from(row: AmountsRow) -> Self {
        Self { gross: row.gross, taxable: row.taxable, cgst: row.cgst, sgst: row.sgst, igst: row.igst, cess: row.cess }
    }
}
row! { struct VoucherRow { number: Option<String>, moved_on: NaiveDate, gross: Decimal, taxable: Decimal, cgst: Decimal, sgst: Decimal, igst: Decimal, cess: Decimal } }

/// An advance as its receipt shows it.
pub struct Standing {
    /// Number and day of the receipt voucher; none where all the money was placed at once.
    pub voucher: Option<(String, NaiveDate)>,
    pub received: Inclusive,
    /// What is on account still.
    pub held: Inclusive,
}

/// The advance a receipt is, if tax fell due on it.
pub fn of_receipt(rx: &mut Rx<'_>, receipt: ReceiptId) -> Result<Option<Standing>, Problem> {
    let company = rx.company();
    let first: Option<VoucherRow> = rx.optional(
        Sql::new(
            "SELECT number, moved_on, gross::numeric AS gross, taxable::numeric AS taxable, cgst::numeric AS cgst, sgst::numeric AS sgst, igst::numeric AS igst, cess::numeric AS cess
             FROM gst_advance WHERE company_id = $1 AND receipt_id = $2 AND because IS NULL",
        )
        .bind(company)
        .bind(receipt),
    )?;
    let Some(first) = first else { return Ok(None) };
    let held: AmountsRow = rx.one(
        Sql::new(
            "SELECT sum(s * gross)::numeric AS gross, sum(s * taxable)::numeric AS taxable, sum(s * cgst)::numeric AS cgst, sum(s * sgst)::numeric AS sgst, sum(s * igst)::numeric AS igst, sum(s * cess)::numeric AS cess
             FROM (SELECT CASE kind WHEN 'received' THEN 1 ELSE -1 END AS s, gross, taxable, cgst, sgst, igst, cess FROM gst_advance WHERE company_id = $1 AND receipt_id = $2) AS moved",
        )
        .bind(company)
        .bind(receipt),
    )?;
    let received = AmountsRow { gross: first.gross, taxable: first.taxable, cgst: first.cgst, sgst: first.sgst, igst: first.igst, cess: first.cess };
    Ok(Some(Standing { voucher: first.number.map(|number| (number, first.moved_on)), received: received.into(), held: held.into() }))
}

row! {
    struct MovementRow {
        id: AdvanceId, kind: MovementKind, moved_on: NaiveDate, number: Option<String>, registration_id: RegistrationId, gstin: String, customer_id: CustomerId, receipt_id: ReceiptId,
        receipt_number: String, document_type: Option<String>, document_id: Option<Uuid>, document_number: Option<String>, because: Option<AllocationId>, reverses_id: Option<AdvanceId>,
        place_of_supply: String, inter: bool, rate: Decimal, cess_rate: Decimal, gross: Decimal, taxable: Decimal, cgst: Decimal, sgst: Decimal, igst: Decimal, cess: Decimal, recorded_at: DateTime<Utc>,
    }
}
impl MovementRow {
    fn answer(self, currency: Currency) -> AdvanceMovement {
        AdvanceMovement {
            id: self.id,
            object: "gst_advance",
            kind: self.kind,
            moved_on: self.moved_on,
            voucher_number: self.number,
            gst_registration_id: self.registration_id,
            gstin: self.gstin,
            customer_id: self.customer_id,
            receipt_id: self.receipt_id,
            receipt_number: self.receipt_number,
            document_type: self.document_type,
            document_id: self.document_id,
            document_number: self.document_number,
            allocation_id: self.because,
            reverses_id: self.reverses_id,
            place_of_supply: self.place_of_supply,
            inter_state: self.inter,
            tax_rate: Rate(pad(self.rate, 2)),
            cess_rate: Rate(pad(self.cess_rate, 2)),
            gross: currency.amount(self.gross),
            taxable: currency.amount(self.taxable),
            cgst: currency.amount(self.cgst),
            sgst: currency.amount(self.sgst),
            igst: currency.amount(self.igst),
            cess: currency.amount(self.cess),
            created_at: Instant(self.recorded_at),
        }
    }
}
static MOVEMENTS: List = List {
    select: "SELECT g.id, g.kind, g.moved_on, g.number, g.registration_id, r.gstin, g.customer_id, g.receipt_id, i.document_number AS receipt_number, d.document_kind AS document_type, d.document_id,
        d.document_number, g.because, g.reverses_id, g.place_of_supply, g.inter, g.rate, g.cess_rate, g.gross::numeric AS gross, g.taxable::numeric AS taxable, g.cgst::numeric AS cgst, g.sgst::numeric AS sgst,
        g.igst::numeric AS igst, g.cess::numeric AS cess, g.recorded_at
        FROM gst_advance g
        JOIN gst_registration r ON r.company_id = g.company_id AND r.id = g.registration_id
        JOIN open_item i ON i.company_id = g.company_id AND i.id = g.item_id
        LEFT JOIN allocation a ON a.company_id = g.company_id AND a.id = g.because
        LEFT JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
        WHERE g.company_id = $1",
    id: "g.id",
    sorts: &[SortKey { name: "moved_on", expression: "g.moved_on", kind: "date" }],
    default_sort: "-moved_on",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &AdvanceFilter) -> Result<Page<AdvanceMovement>, Problem> {
    let currency = rx.cx().currency();
    let month = filter.period.as_deref().and_then(Month::parse).map(|month| month.0);
    let page = MOVEMENTS
        .of(rx)
        .when("r.gstin = {}", filter.gstin.clone())
        .when("g.moved_on >= {}", month)
        .when("g.moved_on < ({}::date + interval '1 month')::date", month)
        .when("g.customer_id = {}", filter.customer_id)
        .when("g.receipt_id = {}", filter.receipt_id)
        .any_of("g.kind", filter.kind.as_deref())
        .page::<MovementRow>(rx, paging)?;
    Ok(page.map(|row| row.answer(currency)))
}

row! {
    struct DeclaredRow { receipt_id: Uuid, kind: MovementKind, place_of_supply: String, inter: bool, rate: Decimal, gross: Decimal, taxable: Decimal, cgst: Decimal, sgst: Decimal, igst: Decimal, cess: Decimal }
}

/// The movements of a registration dated between two days, for tables 11A and 11B.
pub fn between(rx: &mut Rx<'_>, registration: RegistrationId, from: NaiveDate, to: NaiveDate) -> Result<Vec<advances::Movement>, Problem> {
    let company = rx.company();
    let rows: Vec<DeclaredRow> = rx.load(
        Sql::new(
            "SELECT receipt_id, kind, place_of_supply, inter, rate, sum(gross)::numeric AS gross, sum(taxable)::numeric AS taxable, sum(cgst)::numeric AS cgst, sum(sgst)::numeric AS sgst,
                sum(igst)::numeric AS igst, sum(cess)::numeric AS cess
             FROM gst_advance WHERE company_id = $1 AND registration_id = $2 AND moved_on BETWEEN $3 AND $4 GROUP BY receipt_id, kind, place_of_supply, inter, rate ORDER BY receipt_id, kind",
        )
        .bind(company)
        .bind(registration)
        .bind(from)
        .bind(to),
    )?;
    let movement = |row: DeclaredRow| advances::Movement {
        advance: row.receipt_id,
        kind: row.kind,
        place_of_supply: row.place_of_supply,
        inter: row.inter,
        rate: row.rate,
        amounts: Inclusive { gross: row.gross, taxable: row.taxable, cgst: row.cgst, sgst: row.sgst, igst: row.igst, cess: row.cess },
    };
    Ok(rows.into_iter().map(movement).collect())
}
