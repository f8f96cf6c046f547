use super::types::{NewNumberSeries, NumberSeries, SeriesFilter};
use super::{NumberedKind, Wanted};
use crate::ledger::problems;
use crate::platform::dates::FiscalYear;
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::{RegistrationId, SeriesId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use crate::tax::gst::states;
use chrono::NaiveDate;

row! { struct Taken { prefix: String, width: i32, next: i64, dates_ascend: bool } }
row! { struct Newest { prefix: String, width: i32, next: i64, last_date: NaiveDate } }

/// Takes as many numbers as there are dates, in their order. `None`: no such series.
pub fn take(tx: &mut Tx<'_>, wanted: &Wanted, dates: &[NaiveDate]) -> Result<Option<Vec<String>>, Problem> {
    const SERIES: &str = "company_id = $1 AND registration_id = $2 AND document_kind = $3 AND fiscal_year = $4";
    let company = tx.company();
    let count = i64::try_from(dates.len()).map_err(|e| Problem::internal(&e))?;
    let (Some(first), Some(last)) = (dates.first(), dates.iter().max()) else { return Ok(Some(Vec::new())) };
    let of_series = |text: String| {
        let sql = Sql::new(text).bind(company).bind(wanted.registration).bind(wanted.kind).bind(wanted.year.0);
        if let Some(series) = wanted.series { sql.bind(series) } else { sql }
    };
    let (which, next) = if wanted.series.is_none() { (format!("{SERIES} AND is_default"), 5) } else { (format!("{SERIES} AND id = $5"), 6) };
    let (first_at, last_at) = (next + 1, next + 2);
    let sql = format!(
        "UPDATE number_series SET next_number = next_number + ${next}, last_date = CASE WHEN dates_ascend THEN ${last_at} ELSE last_date END
         WHERE {which} AND (dates_ascend IS NOT TRUE OR last_date IS NULL OR last_date <= ${first_at})
         RETURNING prefix, width, next_number AS next, coalesce(dates_ascend, false) AS dates_ascend"
    );
    let Some(taken) = tx.optional::<Taken>(of_series(sql).bind(count).bind(*first).bind(*last))? else {
        let newest =
            format!("SELECT prefix, width, next_number AS next, last_date FROM number_series WHERE {which} AND dates_ascend AND last_date IS NOT NULL");
        return match tx.optional::<Newest>(of_series(newest))? {
            Some(newest) => Err(before_previous(wanted.kind, *first, newest.last_date, &printed(&newest.prefix, newest.width, newest.next - 1))),
            None => Ok(None),
        };
    };
    if let (true, Some(pair)) = (taken.dates_ascend, dates.windows(2).find(|pair| pair[1] < pair[0])) {
        return Err(before_previous(wanted.kind, pair[1], pair[0], "the document before it"));
    }
    let number = |number| {
        let number = printed(&taken.prefix, taken.width, number);
        if number.len() > 16 {
            Err(Problem::new(problems::SERIES_EXHAUSTED, format!("{number} has more than 16 characters; start another series.")))
        } else {
            Ok(number)
        }
    };
    (taken.next - count..taken.next).map(number).collect::<Result<_, _>>().map(Some)
}

/// The refusal of a date that lies before that of the number before.
fn before_previous(kind: NumberedKind, date: NaiveDate, last: NaiveDate, number: &str) -> Problem {
    let pointer = if kind == NumberedKind::Invoice { "/invoice_date" } else { "/note_date" };
    let detail = format!("In this series dates go with numbers (CGST Rules r.46(b)), and {number} is of {last}.");
    Problem::invalid(vec![FieldError::at(pointer, "date_before_previous_number", detail).expected(format!("at least {last}")).received(date)])
}

pub fn default_registration(rx: &mut Rx<'_>) -> Result<Option<RegistrationId>, Problem> {
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT id FROM gst_registration WHERE company_id = $1 AND is_default").bind(company))?.into_iter().next())
}

pub fn fits(rx: &mut Rx<'_>, series: SeriesId, registration: RegistrationId, kind: NumberedKind, year: FiscalYear) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT EXISTS (SELECT FROM number_series WHERE company_id = $1 AND id = $2 AND registration_id = $3 AND document_kind = $4 AND fiscal_year = $5)",
        )
        .bind(company)
        .bind(series)
        .bind(registration)
        .bind(kind)
        .bind(year.0),
    )
}

fn printed(prefix: &str, width: i32, number: i64) -> String {
    format!("{prefix}{number:0width$}", width = usize::try_from(width).unwrap_or(1))
}

/// Prefix and width: `MH/25-26/000123` for invoices of a registration in Maharashtra, `RCT/25-26/00123` for receipts.
pub fn default_prefix(state_code: &str, kind: NumberedKind, year: FiscalYear) -> (String, i32) {
    match kind {
        NumberedKind::Invoice => (format!("{}/{}/", states::find(state_code).and_then(|state| state.alpha).unwrap_or("INV"), year.short()), 6),
        NumberedKind::CreditNote => (format!("CN/{}/", year.short()), 5),
        NumberedKind::DebitNote => (format!("DN/{}/", year.short()), 5),
        NumberedKind::Receipt => (format!("RCT/{}/", year.short()), 5),
        NumberedKind::Refund => (format!("RF/{}/", year.short()), 5),
        NumberedKind::WriteOff => (format!("WO/{}/", year.short()), 5),
        NumberedKind::Adjustment => (format!("ADJ/{}/", year.short()), 5),
        NumberedKind::Journal => (format!("JV/{}/", year.short()), 5),
        NumberedKind::ReceiptVoucher => (format!("RV/{}/", year.short()), 5),
        NumberedKind::RefundVoucher => (format!("RFV/{}/", year.short()), 5),
    }
}

pub fn ensure_default(tx: &mut Tx<'_>, registration: RegistrationId, kind: NumberedKind, year: FiscalYear) -> Result<(), Problem> {
    let company = tx.company();
    let state: String = tx.scalar(Sql::new("SELECT state_code FROM gst_registration WHERE company_id = $1 AND id = $2").bind(company).bind(registration))?;
    let (prefix, width) = default_prefix(&state, kind, year);
    // Another series may have the prefix already; then a letter comes before it.
    for prefix in std::iter::once(prefix.clone()).chain(('A'..='Z').map(|letter| format!("{letter}{prefix}"))) {
        let there: bool = tx.scalar(
            Sql::new(
                "WITH made AS (
                    INSERT INTO number_series (company_id, id, registration_id, document_kind, fiscal_year, prefix, width, is_default)
                    SELECT $1, $2, $3, $4, $5, $6, $7, true
                    WHERE NOT EXISTS (SELECT FROM number_series WHERE company_id = $1 AND registration_id = $3 AND document_kind = $4 AND fiscal_year = $5 AND is_default)
                    ON CONFLICT DO NOTHING RETURNING 1
                 )
                 SELECT EXISTS (SELECT FROM made)
                     OR EXISTS (SELECT FROM number_series WHERE company_id = $1 AND registration_id = $3 AND document_kind = $4 AND fiscal_year = $5 AND is_default)",
            )
            .bind(company).bind(SeriesId::new()).bind(registration).bind(kind).bind(year.0).bind(prefix).bind(width),
        )?;
        if there {
            break;
        }
    }
    Ok(())
}

row! {
    struct SeriesRow { id: SeriesId, registration_id: RegistrationId, document_kind: NumberedKind, fiscal_year: i32, prefix: String, width: i32, next_number: i64, is_default: bool, dates_ascend: bool, version: i64 }
}
impl From<SeriesRow> for NumberSeries {
    fn from(row: SeriesRow) -> Self {
        Self {
            id: row.id,
            object: "number_series",
            gst_registration_id: row.registration_id,
            document_kind: row.document_kind,
            fiscal_year: FiscalYear(row.fiscal_year).label(),
            last_number: (row.next_number > 1).then(|| printed(&row.prefix, row.width, row.next_number - 1)),
            prefix: row.prefix,
            width: row.width,
            next_number: row.next_number,
            gaps: Vec::new(),
            is_default: row.is_default,
            dates_ascend: row.dates_ascend,
            version: row.version,
        }
    }
}
const SELECT: &str = "SELECT s.id, s.registration_id, s.document_kind, s.fiscal_year, s.prefix, s.width, s.next_number, s.is_default, coalesce(s.dates_ascend, false) AS dates_ascend, s.version FROM number_series s WHERE s.company_id = $1";
static SERIES: List = List {
    select: SELECT,
    id: "s.id",
    sorts: &[SortKey { name: "fiscal_year", expression: "s.fiscal_year", kind: "int" }, SortKey { name: "prefix", expression: "s.prefix", kind: "text" }],
    default_sort: "-fiscal_year,prefix",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &SeriesFilter) -> Result<Page<NumberSeries>, Problem> {
    let listing =
        SERIES.of(rx).when("s.fiscal_year = {}", filter.fiscal_year.as_deref().and_then(year_of)).any_of("s.document_kind", filter.document_kind.as_deref());
    Ok(listing.page::<SeriesRow>(rx, paging)?.map(NumberSeries::from))
}

/// The year a label like `2025-26` names.
pub fn year_of(label: &str) -> Option<i32> {
    let year = FiscalYear(label.get(..4)?.parse().ok()?);
    (year.label() == label).then_some(year.0)
}

pub fn insert(tx: &mut Tx<'_>, new: &NewNumberSeries, year: i32) -> Result<NumberSeries, Problem> {
    let id = SeriesId::new();
    let company = tx.company();
    tx.execute(
        Sql::new("INSERT INTO number_series (company_id, id, registration_id, document_kind, fiscal_year, prefix, width, dates_ascend) VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, false))")
            .bind(company)
            .bind(id)
            .bind(new.gst_registration_id)
            .bind(new.document_kind)
            .bind(year)
            .bind(new.prefix.as_str())
            .bind(new.width)
            .bind(new.dates_ascend),
    )?;
    tx.one::<SeriesRow>(Sql::new(format!("{SELECT} AND s.id = $2")).bind(company).bind(id)).map(NumberSeries::from)
}
