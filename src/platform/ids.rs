//! Typed identifiers: `UUIDv7` inside, lowercase UUID on the wire.

use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use uuid::Uuid;

/// The id of a `K`. Ids of different kinds cannot be mixed up.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

impl<K> Id<K> {
    /// A new time-ordered id.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Uuid::now_v7())
    }
    #[must_use]
    pub const fn of(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}
impl<K> Default for Id<K> {
    fn default() -> Self {
        Self::new()
    }
}
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, K> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::of)
    }
}
impl<K> super::postgres::sql::SqlValue for Id<K> {
    type Sql = diesel::sql_types::Uuid;
}
impl<K> ToSql<diesel::sql_types::Uuid, Pg> for Id<K> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<diesel::sql_types::Uuid, Pg>::to_sql(&self.0, out)
    }
}
impl<K> FromSql<diesel::sql_types::Uuid, Pg> for Id<K> {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        <Uuid as FromSql<diesel::sql_types::Uuid, Pg>>::from_sql(bytes).map(Self::of)
    }
}
impl<K> utoipa::PartialSchema for Id<K> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::schema::SchemaFormat::Custom("uuid".into())))
            .max_length(Some(36))
            .examples([serde_json::json!("0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42")])
            .into()
    }
}
impl<K> utoipa::ToSchema for Id<K> {
    fn name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }
}

/// What an id can point at. One empty type per kind of thing.
macro_rules! kinds {
    ($($kind:ident => $alias:ident),* $(,)?) => {$(
        #[derive(Debug, Clone, Copy)] pub enum $kind {}
        pub type $alias = Id<$kind>;
    )*};
}
kinds! {
    CompanyKind => CompanyId,
    UserKind => UserId,
    ClientKind => ClientId,
    RegistrationKind => RegistrationId,
    SeriesKind => SeriesId,
    CustomerKind => CustomerId,
    ContactKind => ContactId,
    AddressKind => AddressId,
    ItemKind => ItemId,
    TermsKind => TermsId,
    BankAccountKind => BankAccountId,
    InvoiceKind => InvoiceId,
    InvoiceLineKind => InvoiceLineId,
    ReceiptKind => ReceiptId,
    AllocationKind => AllocationId,
    OpenItemKind => OpenItemId,
    EntryKind => EntryId,
    AccountKind => AccountId,
    ApprovalKind => ApprovalId,
    RefundKind => RefundId,
    WriteOffKind => WriteOffId,
    AdjustmentKind => AdjustmentId,
    OpeningKind => OpeningItemId,
    CertificateKind => CertificateId,
    DeductionKind => DeductionId,
    JournalKind => JournalId,
    RateKind => ExchangeRateId,
    WaiverKind => WaiverId,
    PayerLinkKind => PayerLinkId,
    SnapshotKind => SnapshotId,
    ReturnKind => ReturnId,
    RevaluationKind => RevaluationId,
    DocumentTemplateKind => DocumentTemplateId,
    DocumentLogoKind => DocumentLogoId,
    DocumentSettingsKind => DocumentSettingsId,
    DocumentPrintKind => DocumentPrintId,
    StatementKind => StatementId,
    ConfirmationKind => ConfirmationId,
    AdvanceKind => AdvanceId,
    EndpointKind => EndpointId,
    DeliveryKind => DeliveryId,
    ImportKind => ImportId,
    JobKind => JobId,
    ExportKind => ExportId,
    CreditPolicyKind => CreditPolicyId,
    CreditLimitKind => CreditLimitId,
    CreditCheckKind => CreditCheckId,
    CreditMoveKind => CreditMoveId,
    OrderHoldKind => OrderHoldId,
    CreditScoreKind => CreditScoreId,
    CreditScoreRunKind => CreditScoreRunId,
    CreditAppraisalKind => CreditAppraisalId,
}
