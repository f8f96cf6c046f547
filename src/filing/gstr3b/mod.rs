//! GSTR-3B as far as sales fill it: tables 3.1 (a), (b), (c), (e), 3.1.1 and 3.2 (CGST Rules r.61). Pure.
//!
//! Supplies under reverse charge are the recipient's to report and are not counted; inward supplies (3.1(d)) are no
//! part of receivables.

use crate::filing::gstr1::Tax;
use crate::filing::json::Json;
use crate::filing::period::ReturnPeriod;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Value and IGST of each place of supply.
type ByPlace = BTreeMap<String, (Decimal, Decimal)>;

#[derive(Debug, Clone, Default)]
pub struct Gstr3b {
    /// 3.1(a): outward taxable supplies, less credit notes, with advances.
    pub taxable: Tax,
    /// 3.1(b): zero-rated.
    pub zero_rated: Tax,
    /// 3.1(c): nil-rated and exempt.
    pub nil_exempt: Decimal,
    /// 3.1(e).
    pub non_gst: Decimal,
    /// 3.1.1(i): through the own platform, whose tax is its own to pay (s.9(5)).
    pub as_operator: Tax,
    /// 3.1.1(ii): through operators who pay the tax (s.9(5)).
    pub through_operators: Decimal,
    /// 3.2: inter-State to unregistered, composition, UIN holders; parts of 3.1(a) and 3.1.1(i).
    pub unregistered: ByPlace,
    pub composition: ByPlace,
    pub uin: ByPlace,
}

impl Gstr3b {
    /// The return in the portal's form. Credit notes may make figures negative, which is carried forward there.
    #[must_use]
    pub fn written(&self, gstin: &str, period: ReturnPeriod) -> String {
        let zero = Decimal::ZERO;
        let mut json = Json::default();
        json.object(|json| {
            json.text("gstin", gstin).text("ret_period", &period.fp());
            json.name("sup_details").object(|json| {
                json.name("osup_det").object(|json| tax(json, &self.taxable));
                json.name("osup_zero").object(|json| {
                    json.number("txval", self.zero_rated.txval).number("iamt", self.zero_rated.iamt).number("csamt", self.zero_rated.csamt);
                });
                json.name("osup_nil_exmp").object(|json| {
                    json.number("txval", self.nil_exempt);
                });
                json.name("isup_rev").object(|json| tax(json, &Tax::default()));
                json.name("osup_nongst").object(|json| {
                    json.number("txval", self.non_gst);
                });
            });
            json.name("eco_dtls").object(|json| {
                json.name("eco_sup").object(|json| tax(json, &self.as_operator));
                json.name("eco_reg_sup").object(|json| {
                    json.number("txval", self.through_operators);
                });
            });
            json.name("inter_sup").object(|json| {
                for (name, places) in [("unreg_details", &self.unregistered), ("comp_details", &self.composition), ("uin_details", &self.uin)] {
                    json.name(name).array(|json| {
                        for (pos, (txval, iamt)) in places.iter().filter(|(_, amounts)| **amounts != (zero, zero)) {
                            json.object(|json| {
                                json.text("pos", pos).number("txval", *txval).number("iamt", *iamt);
                            });
                        }
                    });
                }
            });
        });
        json.into_text()
    }
}

fn tax(json: &mut Json, tax: &Tax) {
    json.number("txval", tax.txval).number("iamt", tax.iamt).number("camt", tax.camt).number("samt", tax.samt).number("csamt", tax.csamt);
}
