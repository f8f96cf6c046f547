//! Where in a request a fault of its payload lies.

use super::super::payload::Document;
use super::super::table::Fault;
use super::types::EinvoiceRequest;
use crate::tax::gst::compute::Treatment;

/// Members of the payload by where they come from in the request.
const ORIGINS: &[(&str, &str)] = &[
    ("/DocDtls/Typ", "/document/type"),
    ("/DocDtls/No", "/document/number"),
    ("/DocDtls/Dt", "/document/date"),
    ("/TranDtls/SupTyp", "/document/supply_type"),
    ("/TranDtls/EcmGstin", "/document/operator_gstin"),
    ("/BuyerDtls/Pos", "/document/place_of_supply"),
    ("/ValDtls/Discount", "/document/discount_after_tax"),
    ("/ValDtls/OthChrg", "/document/charges"),
    ("/ValDtls/RndOffAmt", "/document/rounding"),
    ("/ValDtls/TotInvValFc", "/document/total_in_currency"),
    ("/ValDtls", "/lines"),
    ("/SellerDtls", "/supplier"),
    ("/BuyerDtls", "/buyer"),
    ("/DispDtls", "/dispatch_from"),
    ("/ShipDtls", "/ship_to"),
    ("/PayDtls", "/payment"),
    ("/ExpDtls", "/export"),
    ("/EwbDtls", "/transport"),
    ("/RefDtls/PrecDocDtls", "/document/originals"),
];
const MEMBERS: &[(&str, &str)] = &[
    ("Gstin", "gstin"),
    ("LglNm", "legal_name"),
    ("Nm", "legal_name"),
    ("TrdNm", "trade_name"),
    ("Addr1", "address/line1"),
    ("Addr2", "address/line2"),
    ("Loc", "address/city"),
    ("Pin", "address/postal_code"),
    ("Stcd", "state"),
    ("Ph", "phone"),
    ("Em", "email"),
    ("PrdDesc", "description"),
    ("IsServc", "service"),
    ("HsnCd", "hsn"),
    ("Qty", "qty"),
    ("FreeQty", "free_qty"),
    ("Unit", "uqc"),
    ("UnitPrice", "unit_price"),
    ("TotAmt", "taxable"),
    ("AssAmt", "taxable"),
    ("Discount", "discount_amount"),
    ("GstRt", "gst_rate"),
    ("IgstAmt", "igst"),
    ("CgstAmt", "cgst"),
    ("SgstAmt", "sgst"),
    ("CesRt", "cess_percent"),
    ("CesAmt", "cess"),
    ("CesNonAdvlAmt", "cess_per_unit"),
    ("StateCesRt", "state_cess_percent"),
    ("StateCesAmt", "state_cess"),
    ("OthChrg", "other_charges"),
    ("InvNo", "number"),
    ("InvDt", "date"),
    ("AccDet", "account"),
    ("Mode", "mode"),
    ("FinInsBr", "ifsc"),
    ("PayTerm", "terms"),
    ("CrDay", "credit_days"),
    ("PaidAmt", "paid"),
    ("PaymtDue", "due"),
    ("ShipBNo", "shipping_bill"),
    ("ShipBDt", "shipping_bill_date"),
    ("Port", "port"),
    ("RefClm", "refund_claimed"),
    ("ForCur", "currency"),
    ("CntCode", "country"),
    ("ExpDuty", "duty"),
    ("TransId", "transporter"),
    ("TransName", "transporter_name"),
    ("TransMode", "mode"),
    ("Distance", "distance"),
    ("TransDocNo", "document"),
    ("TransDocDt", "document_date"),
    ("VehNo", "vehicle"),
    ("VehType", "vehicle_type"),
];

/// Where a fault of the payload lies in the request.
pub fn pointer_of(fault: &Fault, document: &Document, request: &EinvoiceRequest) -> String {
    let (parent, name) = fault.path.rsplit_once('/').unwrap_or(("", &fault.path));
    let member = |base: &str| match MEMBERS.iter().find(|(theirs, _)| *theirs == name) {
        Some((_, ours)) if parent != "/TranDtls" => {
            // The payee of a payment is named like a place goods leave from.
            let ours = if base == "/payment" && name == "Nm" { "payee" } else { ours };
            format!("{base}/{ours}")
        }
        _ => base.to_owned(),
    };
    let (lines, base) = request.lines();
    if let Some((_, origin)) = ORIGINS.iter().find(|(path, _)| *path == fault.path) {
        return if *origin == "/lines" { base } else { origin }.to_owned();
    }
    if let Some(rest) = parent.strip_prefix("/ItemList/") {
        let taxed = document.lines.iter().filter(|line| line.treatment == Treatment::Taxable);
        let at = rest.parse::<usize>().ok().and_then(|at| taxed.clone().nth(at)).map_or(0, |line| line.number - 1);
        // Taxed charges come after the lines.
        return if at < lines.len() { member(&format!("{base}/{at}")) } else { "/document/charges".to_owned() };
    }
    if let Some(at) = parent.strip_prefix("/RefDtls/PrecDocDtls/").and_then(|at| at.parse::<usize>().ok()) {
        let single = usize::from(request.document.original.is_some());
        return if at < single { member("/document/original") } else { member(&format!("/document/originals/{}", at - single)) };
    }
    match ORIGINS.iter().find(|(path, _)| *path == parent) {
        Some((_, origin)) => member(if *origin == "/lines" { base } else { origin }),
        None if fault.path == "/ItemList" => base.to_owned(),
        None => "/document".to_owned(),
    }
}
