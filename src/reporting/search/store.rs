use super::types::{Found, Matched, SearchAnswer, SearchHit, SearchQuery};
use crate::platform::http::Problem;
use crate::platform::ids::CustomerId;
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::Rx;
use crate::row;
use uuid::Uuid;

/// A kind of things, and where of it is looked.
struct Source {
    object: Found,
    permission: &'static str,
    path: &'static str,
    from: &'static str,
    /// Which of its rows.
    of: &'static str,
    /// Number, name, reference and customer as they are told, and the id.
    told: [&'static str; 5],
    within: &'static [(Matched, &'static str)],
}

const DOCUMENT: &[(Matched, &str)] = &[
    (Matched::Number, "x.number"),
    (Matched::ExternalId, "x.external_id"),
    (Matched::PoReference, "x.po_reference"),
    (Matched::Irn, "e.irn"),
    (Matched::Name, "x.customer_name"),
    (Matched::Gstin, "x.buyer_gstin"),
];
const DOCUMENT_TOLD: [&str; 5] = ["x.number", "x.customer_name", "x.external_id", "x.customer_id", "x.id"];

static SOURCES: &[Source] = &[
    Source {
        object: Found::Customer,
        permission: "customers:read",
        path: "customers",
        from: "customer x LEFT JOIN LATERAL (SELECT string_agg(c.phone, ' ') AS phones, string_agg(c.email, ' ') AS emails, string_agg(c.name, ' ') AS names FROM customer_contact c
               WHERE c.company_id = x.company_id AND c.customer_id = x.id) AS c ON true",
        of: "true",
        told: ["x.code", "x.legal_name", "x.external_id", "x.id", "x.id"],
        within: &[
            (Matched::Code, "x.code"),
            (Matched::ExternalId, "x.external_id"),
            (Matched::Gstin, "x.gstin"),
            (Matched::Pan, "x.pan"),
            (Matched::Name, "x.legal_name"),
            (Matched::Phone, "c.phones"),
            (Matched::Email, "c.emails"),
            (Matched::Contact, "c.names"),
        ],
    },
    Source {
        object: Found::Item,
        permission: "items:read",
        path: "items",
        from: "item x",
        of: "true",
        told: ["x.code", "x.name", "x.external_id", "NULL::uuid", "x.id"],
        within: &[(Matched::Code, "x.code"), (Matched::ExternalId, "x.external_id"), (Matched::Name, "x.name")],
    },
    document(Found::Invoice, "invoices:read", "invoices", "x.kind = 'invoice'"),
    document(Found::CreditNote, "notes:read", "credit-notes", "x.kind = 'credit_note'"),
    document(Found::DebitNote, "notes:read", "debit-notes", "x.kind = 'debit_note'"),
    Source {
        object: Found::Receipt,
        permission: "receipts:read",
        path: "receipts",
        from: "receipt x LEFT JOIN customer c ON c.company_id = x.company_id AND c.id = x.customer_id",
        of: "true",
        told: ["x.number", "coalesce(c.legal_name, x.payer_name)", "x.external_id", "x.customer_id", "x.id"],
        within: &[
            (Matched::Number, "x.number"),
            (Matched::Utr, "x.utr"),
            (Matched::ChequeNumber, "x.cheque_number"),
            (Matched::ExternalId, "x.external_id"),
            (Matched::Name, "concat_ws(' ', c.legal_name, x.payer_name)"),
        ],
    },
    Source {
        object: Found::Refund,
        permission: "refunds:read",
        path: "refunds",
        from: "refund x JOIN customer c ON c.company_id = x.company_id AND c.id = x.customer_id",
        of: "true",
        told: ["x.number", "c.legal_name", "NULL::text", "x.customer_id", "x.id"],
        within: &[(Matched::Number, "x.number"), (Matched::Name, "c.legal_name")],
    },
    Source {
        object: Found::OpeningItem,
        permission: "adjustments:read",
        path: "opening-items",
        from: "opening_item x JOIN customer c ON c.company_id = x.company_id AND c.id = x.customer_id",
        of: "true",
        told: ["x.number", "c.legal_name", "x.external_id", "x.customer_id", "x.id"],
        within: &[(Matched::Number, "x.number"), (Matched::ExternalId, "x.external_id"), (Matched::Name, "c.legal_name")],
    },
];
const DOCUMENTS: &str = "invoice x LEFT JOIN einvoice e ON e.company_id = x.company_id AND e.document_id = x.id";

const fn document(object: Found, permission: &'static str, path: &'static str, of: &'static str) -> Source {
    Source { object, permission, path, from: DOCUMENTS, of, told: DOCUMENT_TOLD, within: DOCUMENT }
}

impl Source {
    /// The closest of the kind. `$1` company, `$2` what is looked for in small letters, `$3` how many.
    fn select(&self) -> String {
        let Self { from, of, told: [number, name, external_id, customer, id], .. } = self;
        let looked: Vec<&str> = self.within.iter().map(|(_, column)| *column).collect();
        let fields: Vec<String> = self.within.iter().map(|(member, column)| format!("('{}', {column})", member.as_str())).collect();
        // A row is passed over by one look at all of it; only of what holds the words it is asked where, and how closely.
        format!(
            "(SELECT '{object}' AS object, {id} AS id, {number} AS number, {name} AS name, {external_id} AS external_id, {customer} AS customer_id, m.member AS matched, m.distance
              FROM {from} CROSS JOIN LATERAL (
                  SELECT f.member, CASE WHEN lower(f.held) = $2 THEN 0 WHEN starts_with(lower(f.held), $2) THEN 1 ELSE 2 END AS distance
                  FROM (VALUES {fields}) AS f(member, held) WHERE strpos(lower(f.held), $2) > 0 ORDER BY 2 LIMIT 1) AS m
              WHERE x.company_id = $1 AND {of} AND strpos(lower(concat_ws(E'\n', {looked})), $2) > 0
              ORDER BY m.distance, {id} DESC LIMIT $3)",
            object = self.object.as_str(),
            fields = fields.join(", "),
            looked = looked.join(", "),
        )
    }
}

row! {
    struct HitRow { object: Found, id: Uuid, number: Option<String>, name: Option<String>, external_id: Option<String>, customer_id: Option<CustomerId>, matched: Matched }
}

pub fn search(rx: &mut Rx<'_>, query: &SearchQuery) -> Result<SearchAnswer, Problem> {
    let wanted = |source: &&Source| {
        query.types.as_ref().is_none_or(|types| types.split(',').any(|word| word == source.object.as_str())) && rx.cx().may(source.permission)
    };
    let sources: Vec<&Source> = SOURCES.iter().filter(wanted).collect();
    let types = sources.iter().map(|source| source.object).collect();
    let words = query.q.trim().to_lowercase();
    if sources.is_empty() || words.is_empty() {
        return Ok(SearchAnswer { data: Vec::new(), types });
    }
    let selects: Vec<String> = sources.iter().map(|source| source.select()).collect();
    let company = rx.company();
    let sql = format!("SELECT * FROM ({}) AS found ORDER BY distance, id DESC LIMIT $3", selects.join(" UNION ALL "));
    let rows: Vec<HitRow> = rx.load(Sql::new(sql).one_off().bind(company).bind(words).bind(query.limit))?;
    let path = |object: Found| SOURCES.iter().find(|source| source.object == object).map_or("", |source| source.path);
    let hit = |row: HitRow| SearchHit {
        url: format!("/v1/{}/{}", path(row.object), row.id),
        object: row.object,
        id: row.id,
        number: row.number,
        name: row.name,
        external_id: row.external_id,
        customer_id: row.customer_id,
        matched: row.matched,
    };
    Ok(SearchAnswer { data: rows.into_iter().map(hit).collect(), types })
}
