//! Section 8 of the API design, copied by hand: who holds which permission. Deliberately not the product's table.

use crate::rig::CONTRACT;
use serde_json::Value;

pub const ROLES: [&str; 7] = ["admin", "controller", "ar_executive", "collector", "sales", "integration", "auditor"];

/// Marks in the order of [`ROLES`]: `+` yes, `L` yes within a limit, `O` assigned customers, `s` if the scope was
/// granted, `R` may only request, `.` no. Every mark but `R` and `.` holds the permission.
const MATRIX: &[(&str, &str)] = &[
    ("company:read", "+++++++"),
    ("items:read", "+++++++"),
    ("company:manage", "++....."),
    ("gl:manage", "++....."),
    ("bank:manage", "++....."),
    ("users:read", "++....+"),
    ("users:manage", "+......"),
    ("clients:manage", "+......"),
    ("customers:read", "++++O++"),
    ("customers:write", ".++.Rs."),
    ("items:write", "+++..s."),
    ("invoices:read", ".+++Os+"),
    ("invoices:write", ".++.Rs."),
    ("invoices:issue", ".+L..s."),
    ("invoices:cancel", ".+R...."),
    ("einvoices:read", ".+++Os+"),
    ("einvoices:write", ".++..s."),
    ("receipts:read", ".+++Os+"),
    ("allocations:read", ".+++Os+"),
    ("receipts:write", "..+..s."),
    ("allocations:write", "..+..s."),
    ("receipts:reverse", ".+R...."),
    ("allocations:reverse", ".+R...."),
    ("notes:read", ".+++Os+"),
    ("notes:write", ".++.Rs."),
    ("notes:issue", ".+R...."),
    ("invoices:approve", ".+....."),
    ("notes:approve", ".+....."),
    ("receipts:approve", ".+....."),
    ("tds:read", ".+++Os+"),
    ("tds:write", "..+..s."),
    ("refunds:read", ".+++O.+"),
    ("refunds:request", ".++.O.."),
    ("refunds:pay", ".+....."),
    ("refunds:approve", ".+....."),
    ("write_offs:read", ".+++..+"),
    ("write_offs:write", ".+RR..."),
    ("write_offs:approve", ".+....."),
    ("adjustments:read", ".+++..+"),
    ("adjustments:write", ".+R...."),
    ("adjustments:approve", ".+....."),
    ("journals:approve", ".+....."),
    ("periods:reopen", ".+....."),
    ("periods:approve", ".+....."),
    ("approvals:read", "++++O.+"),
    ("approvals:decide", "++....."),
    ("users:approve", "+......"),
    ("credit:read", ".+++Os+"),
    ("order_holds:approve", ".+....."),
    ("order_holds:release", ".LL...."),
    ("credit_checks:run", ".++.Os."),
    ("credit_limits:approve", ".+....."),
    ("credit:propose", ".++RR.."),
    ("bank:read", ".++...+"),
    ("bank:write", "..+..s."),
    ("gl:read", ".++...+"),
    ("periods:read", ".++...+"),
    ("gst:read", ".++...+"),
    ("gst:lock", ".+....."),
    ("gst:approve", ".+....."),
    ("gl:write", ".+R...."),
    ("periods:close", ".+....."),
    ("statements:read", ".+++O.+"),
    // The auditor's mark there is for confirmations only.
    ("statements:run", ".++O..+"),
    ("reports:read", ".++OO.+"),
    ("audit:read", "++....+"),
    ("exports:read", "+++..s+"),
    ("exports:create", "+++..s+"),
    ("events:read", ".+...+."),
    ("webhooks:manage", "+....s."),
    ("imports:write", "+++..s."),
    ("ops:read", "+......"),
    ("ops:manage", "+......"),
    ("ops:test", "+......"),
];

/// Whether the design gives `permission` to `role`.
pub fn holds(role: &str, permission: &str) -> bool {
    !matches!(mark(role, permission), b'R' | b'.')
}

/// Whether the design lets `role` ask for what `permission` grants.
pub fn asks_for(role: &str, permission: &str) -> bool {
    mark(role, permission) == b'R'
}

/// Whether the design gives it for assigned customers only.
pub fn portfolio_only(role: &str, permission: &str) -> bool {
    permission != "any" && mark(role, permission) == b'O'
}

fn mark(role: &str, permission: &str) -> u8 {
    let column = ROLES.iter().position(|r| *r == role).expect("a role");
    let row = MATRIX.iter().find(|(name, _)| *name == permission);
    let (_, marks) = row.unwrap_or_else(|| panic!("copy the row of {permission} from api.md section 8"));
    marks.as_bytes()[column]
}

/// One operation of the contract.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub permission: String,
    pub spec: &'static Value,
}

impl Operation {
    /// Its parameters, those it shares with others too.
    pub fn parameters(&self) -> Vec<&'static Value> {
        let given = self.spec["parameters"].as_array().expect("parameters").iter();
        given.map(|parameter| parameter["$ref"].as_str().map_or(parameter, |reference| CONTRACT.pointer(&reference[1..]).expect("a parameter"))).collect()
    }
}

/// Every operation of the contract.
pub fn operations() -> Vec<Operation> {
    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
    let paths = CONTRACT["paths"].as_object().expect("paths");
    let of = |path: &String, item: &'static Value| {
        let found = item.as_object().unwrap().iter().filter(|(method, _)| METHODS.contains(&method.as_str()));
        let read = found.map(|(method, spec)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            permission: spec["x-permission"].as_str().unwrap_or_else(|| panic!("{method} {path} names no x-permission")).to_owned(),
            spec,
        });
        read.collect::<Vec<_>>()
    };
    paths.iter().flat_map(|(path, item)| of(path, item)).collect()
}

/// Every scope the design allows a machine, of those the contract knows.
pub fn grantable_scopes() -> Vec<&'static str> {
    let known = operations();
    MATRIX.iter().map(|(name, _)| *name).filter(|name| holds("integration", name) && known.iter().any(|op| op.permission == *name)).collect()
}
