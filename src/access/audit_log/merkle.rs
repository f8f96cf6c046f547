//! The hash tree of RFC 6962 section 2.1: SHA-256, leaves `0x00 || data`, nodes `0x01 || left || right`.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

#[must_use]
pub fn leaf(data: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(data).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The right edge of a growing tree: the roots of its perfect subtrees, largest first. It is all
/// that is needed to append.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    roots: Vec<Hash>,
}

impl Edge {
    /// Restores an edge of a known size.
    #[must_use]
    pub fn restore(size: u64, bytes: &[u8]) -> Option<Self> {
        let roots: Vec<Hash> = bytes.chunks(32).map(|chunk| chunk.try_into().ok()).collect::<Option<_>>()?;
        (roots.len() == size.count_ones() as usize).then_some(Self { size, roots })
    }
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.roots.concat()
    }
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
    pub fn push(&mut self, leaf: Hash) {
        self.roots.push(leaf);
        self.size += 1;
        // Every trailing zero bit of the new size is a pair of equal subtrees that became one.
        for _ in 0..self.size.trailing_zeros() {
            if let (Some(right), Some(left)) = (self.roots.pop(), self.roots.pop()) {
                self.roots.push(node(&left, &right));
            }
        }
    }
    /// The tree's head.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else { return Sha256::digest(b"").into() };
        roots.fold(*last, |right, left| node(left, &right))
    }
}

/// The largest power of two below `size`, where a tree of that size divides.
fn split(size: u64) -> u64 {
    size.next_power_of_two() / 2
}

/// A part of the leaves, from one to before another; its subtree's root is a hash of a proof.
pub type Span = std::ops::Range<u64>;

/// What an inclusion proof of the leaf at `index` is made of, lowest first (RFC 6962 section 2.1.1).
#[must_use]
pub fn inclusion(index: u64, size: u64) -> Vec<Span> {
    let (mut from, mut to) = (0, size);
    let mut spans = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            spans.push(middle..to);
            to = middle;
        } else {
            spans.push(from..middle);
            from = middle;
        }
    }
    spans.reverse();
    spans
}

/// What a proof that the tree of `old` leaves is the beginning of that of `size` is made of (section 2.1.2).
#[must_use]
pub fn consistency(old: u64, size: u64) -> Vec<Span> {
    let (mut from, mut to) = (0, size);
    let mut spans = Vec::new();
    if old == 0 || old >= size {
        return spans;
    }
    while to > old {
        let middle = from + split(to - from);
        if old <= middle {
            spans.push(middle..to);
            to = middle;
        } else {
            spans.push(from..middle);
            from = middle;
        }
    }
    // The old tree itself is known to whoever asks, unless it is only a part on its right.
    if from > 0 {
        spans.push(from..to);
    }
    spans.reverse();
    spans
}

/// The root that an inclusion proof leads to.
#[must_use]
pub fn root_of_inclusion(index: u64, size: u64, leaf: Hash, proof: &[Hash]) -> Option<Hash> {
    let spans = inclusion(index, size);
    (index < size && spans.len() == proof.len())
        .then(|| spans.iter().zip(proof).fold(leaf, |own, (span, other)| if span.start > index { node(&own, other) } else { node(other, &own) }))
}

/// The roots of the old and the new tree that a consistency proof leads to.
#[must_use]
pub fn roots_of_consistency(old: u64, size: u64, old_root: Hash, proof: &[Hash]) -> Option<(Hash, Hash)> {
    let spans = consistency(old, size);
    if old == size {
        return proof.is_empty().then_some((old_root, old_root));
    }
    if spans.len() != proof.len() || old == 0 || old > size {
        return None;
    }
    let mut parts = spans.iter().zip(proof);
    let first = match spans.first() {
        Some(span) if span.end == old => *parts.next()?.1,
        _ => old_root,
    };
    Some(parts.fold((first, first), |(was, is), (span, other)| if span.start >= old { (was, node(&is, other)) } else { (node(other, &was), node(other, &is)) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::text::hex;

    /// The definition of the RFC, word for word, as an independent recomputation.
    fn by_definition(leaves: &[&[u8]]) -> Hash {
        match leaves {
            [] => Sha256::digest(b"").into(),
            [one] => leaf(one),
            many => {
                let split = many.len().next_power_of_two() / 2;
                node(&by_definition(&many[..split]), &by_definition(&many[split..]))
            }
        }
    }

    #[test]
    fn the_edge_gives_the_root_of_the_definition_for_every_size() {
        let data: Vec<Vec<u8>> = (0..70u8).map(|n| vec![n; usize::from(n % 5)]).collect();
        let mut edge = Edge::default();
        for size in 0..data.len() {
            let leaves: Vec<&[u8]> = data[..size].iter().map(Vec::as_slice).collect();
            assert_eq!(edge.root(), by_definition(&leaves), "size {size}");
            assert_eq!(Edge::restore(edge.size(), &edge.bytes()), Some(edge.clone()));
            edge.push(leaf(&data[size]));
        }
    }

    #[test]
    fn proofs_of_every_size_lead_to_the_roots_and_altered_ones_do_not() {
        let data: Vec<Vec<u8>> = (0..40u8).map(|n| vec![n]).collect();
        let leaves: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
        let at = |span: &Span| by_definition(&leaves[usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap()]);
        for size in 1..=leaves.len() {
            let root = by_definition(&leaves[..size]);
            for index in 0..size {
                let (i, n) = (index as u64, size as u64);
                let proof: Vec<Hash> = inclusion(i, n).iter().map(at).collect();
                assert!(proof.len() <= 6);
                assert_eq!(root_of_inclusion(i, n, leaf(leaves[index]), &proof), Some(root));
                assert_ne!(root_of_inclusion(i, n, leaf(b"other"), &proof), Some(root));
                let old_root = by_definition(&leaves[..=index]);
                let proof: Vec<Hash> = consistency(i + 1, n).iter().map(at).collect();
                assert_eq!(roots_of_consistency(i + 1, n, old_root, &proof), Some((old_root, root)), "{} in {size}", index + 1);
                assert_ne!(roots_of_consistency(i + 1, n, [7; 32], &proof), Some(([7; 32], root)));
            }
        }
    }

    #[test]
    fn known_roots_of_the_certificate_transparency_test_vectors() {
        // Published with the reference implementation of RFC 6962 (inputs "", 00, 10, 2021, …).
        let inputs: [&[u8]; 3] = [b"", b"\x00", b"\x10"];
        let mut edge = Edge::default();
        let roots: Vec<String> = inputs
            .iter()
            .map(|data| {
                edge.push(leaf(data));
                hex(&edge.root())
            })
            .collect();
        assert_eq!(
            roots,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            ]
        );
    }
}
