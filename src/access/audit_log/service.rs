//! Sealing and verifying.

use super::merkle::{Edge, leaf};
use super::store;
use super::types::Verified;
use crate::access::tokens::keys::Keys;
use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::text::hex;
use crate::platform::unit_of_work::{Doors, Rx, Tx, run_system, run_system_read};

const BATCH: i64 = 1_000;

/// What a checkpoint's signature covers: origin, size and root, one a line (the tlog-checkpoint form).
fn note(company: CompanyId, size: i64, root: &[u8]) -> String {
    format!("duebook/{company}\n{size}\n{}\n", hex(root))
}

/// Seals what is waiting in every company; run every second.
pub fn seal_all(doors: &Doors, keys: &Keys) -> Result<(), Problem> {
    for company in run_system_read(doors, None, "listCompanies", store::companies)? {
        seal_company(doors, keys, company)?;
    }
    Ok(())
}

/// Seals what is waiting in a company.
pub fn seal_company(doors: &Doors, keys: &Keys, company: CompanyId) -> Result<(), Problem> {
    while run_system(doors, Some(company), "sealAudit", |tx| seal(tx, keys))? {}
    Ok(())
}

/// Seals one batch; true when there may be more.
fn seal(tx: &mut Tx<'_>, keys: &Keys) -> Result<bool, Problem> {
    let head = store::lock_head(tx)?;
    let events = store::unsealed(tx, BATCH)?;
    if events.is_empty() {
        return Ok(false);
    }
    let mut edge = match &head {
        None => Edge::default(),
        Some(head) => u64::try_from(head.size)
            .ok()
            .and_then(|size| Edge::restore(size, &head.edge))
            .ok_or_else(|| Problem::internal(&"the audit tree's edge is damaged"))?,
    };
    let first_seq = head.map_or(0, |head| head.size) + 1;
    let leaves: Vec<_> = events.iter().map(|event| leaf(event.body.as_bytes())).collect();
    for hash in &leaves {
        edge.push(*hash);
    }
    let size = i64::try_from(edge.size()).map_err(|e| Problem::internal(&e))?;
    let root = edge.root();
    let signature = keys.sign(note(tx.company(), size, &root).as_bytes());
    let more = i64::try_from(events.len()).is_ok_and(|n| n == BATCH);
    store::append(
        tx,
        store::Sealed {
            first_seq,
            events: &events,
            leaves: leaves.iter().map(|hash| hash.to_vec()).collect(),
            size,
            root: &root,
            edge: edge.bytes(),
            key_id: &keys.id,
            signature,
        },
    )?;
    Ok(more)
}

/// Recomputes the tree from the events and compares it with the signed head.
pub fn verify(rx: &mut Rx<'_>, keys: &Keys) -> Result<Verified, Problem> {
    let company = rx.company();
    let head = store::head(rx)?;
    let size = head.as_ref().map_or(0, |head| head.size);
    let mut edge = Edge::default();
    let mut bad: Option<(i64, &str)> = None;
    let mut next = 1;
    'reading: loop {
        let rows = store::leaves(rx, next - 1, BATCH)?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let finding = match &row.body {
                _ if row.seq != next => Some("A sealed entry is missing."),
                None => Some("The event is missing."),
                Some(body) if leaf(body.as_bytes()).as_slice() != row.leaf_hash => Some("The event differs from what was sealed."),
                Some(_) if !row.columns_agree => Some("The event's columns differ from its sealed body."),
                Some(_) => None,
            };
            if let Some(finding) = finding {
                bad = Some((next, finding));
                break 'reading;
            }
            edge.push(row.leaf_hash.as_slice().try_into().unwrap_or_default());
            next += 1;
        }
    }
    if let (None, Some(head)) = (bad, &head) {
        let intact = next - 1 == size && edge.root().as_slice() == head.root;
        let signed = head.key_id == keys.id && keys.signed(note(company, size, &head.root).as_bytes(), &head.signature);
        bad = match (intact, signed) {
            (true, true) => None,
            (false, _) if next - 1 < size => Some((next, "Sealed entries are missing from the end.")),
            (false, _) => Some((size.max(1), "The tree differs from the signed head.")),
            (true, false) => Some((size, "The head's signature is not valid.")),
        };
    } else if bad.is_none() && next > 1 {
        bad = Some((1, "The signed heads are missing."));
    }
    Ok(Verified {
        verified: bad.is_none(),
        from_seq: i64::from(size > 0),
        to_seq: size,
        head: hex(&edge.root()),
        first_bad_seq: bad.map(|(seq, _)| seq),
        finding: bad.map(|(_, finding)| finding.to_owned()),
    })
}
