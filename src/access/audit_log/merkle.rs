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
