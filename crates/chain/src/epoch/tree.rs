//! Merkle trees over the answers of an epoch. A tree has the least height with room for its leaves, and zeros behind the last
//! one; an inner node is `keccak256(left ‖ right)`.

use alloy::primitives::{keccak256, B256};

/// A tree, level by level, the leaves first.
#[derive(Clone, Debug)]
pub struct Tree {
    levels: Vec<Vec<B256>>,
}

fn parent(left: &B256, right: &B256) -> B256 {
    keccak256([left.0, right.0].concat())
}

impl Tree {
    /// Over leaves, of which there is at least one.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(mut leaves: Vec<B256>) -> Self {
        assert!(!leaves.is_empty(), "an epoch has answers");
        leaves.resize(leaves.len().next_power_of_two(), B256::ZERO);
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let level = below.chunks_exact(2).map(|both| parent(&both[0], &both[1]));
            levels.push(level.collect());
        }
        Self { levels }
    }

    /// The root.
    pub fn root(&self) -> B256 {
        self.levels.last().expect("a level")[0]
    }

    /// A leaf; none behind the tree's room.
    pub fn leaf(&self, place: usize) -> Option<B256> {
        self.levels[0].get(place).copied()
    }

    /// Digests that lead from leaves to the root. For the root, and for each node below which there are some of the leaves:
    /// what leads to its children with such leaves, the left one first; then the digest of the child without, if there is one.
    /// Of a single leaf these are the siblings from below.
    ///
    /// # Panics
    /// If a leaf is not in the tree.
    pub fn siblings(&self, leaves: &[usize]) -> Vec<B256> {
        let mut siblings = Vec::new();
        self.lead(self.levels.len() - 1, 0, leaves, &mut siblings);
        siblings
    }

    fn lead(&self, level: usize, node: usize, leaves: &[usize], siblings: &mut Vec<B256>) {
        let Some(below) = level.checked_sub(1) else {
            return;
        };
        let children = [2 * node, 2 * node + 1];
        let has = |child: usize| leaves.iter().any(|leaf| leaf >> below == child);
        let both = children.map(has);
        for child in children.into_iter().filter(|child| has(*child)) {
            self.lead(below, child, leaves, siblings);
        }
        match both {
            [true, false] => siblings.push(self.levels[below][children[1]]),
            [false, true] => siblings.push(self.levels[below][children[0]]),
            _ => {}
        }
    }

    /// Whether siblings lead from one leaf of a tree with so many leaves to its root.
    pub fn is_in(root: B256, count: usize, place: usize, leaf: B256, siblings: &[B256]) -> bool {
        let height = count.next_power_of_two().trailing_zeros() as usize;
        let climbed = siblings
            .iter()
            .enumerate()
            .fold(leaf, |node, (level, sibling)| match place >> level & 1 {
                0 => parent(&node, sibling),
                _ => parent(sibling, &node),
            });
        siblings.len() == height && place < count && climbed == root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(count: u8) -> (Tree, Vec<B256>) {
        let leaves: Vec<B256> = (0..count).map(|i| keccak256([i])).collect();
        (Tree::new(leaves.clone()), leaves)
    }

    #[test]
    fn siblings_lead_to_the_root() {
        for count in [1, 2, 3, 7, 8, 9] {
            let (tree, leaves) = tree(count);
            let count = leaves.len();
            for (i, leaf) in leaves.iter().enumerate() {
                let path = tree.siblings(&[i]);
                assert!(Tree::is_in(tree.root(), count, i, *leaf, &path));
                // Another place, another leaf, fewer siblings, another tree.
                assert!(!Tree::is_in(tree.root(), count, i + count, *leaf, &path));
                assert!(!Tree::is_in(tree.root(), count, i, B256::ZERO, &path));
                assert!(count == 1 || !Tree::is_in(tree.root(), count, i ^ 1, *leaf, &path));
                assert!(count == 1 || !Tree::is_in(tree.root(), count, i, *leaf, &path[1..]));
                assert!(!Tree::is_in(B256::ZERO, count, i, *leaf, &path));
            }
        }
    }

    #[test]
    fn several_leaves_share_siblings() {
        let (tree, leaves) = tree(8);
        let node = |a: usize| parent(&leaves[a], &leaves[a + 1]);
        assert!(tree.siblings(&[0, 1, 2, 3, 4, 5, 6, 7]).is_empty());
        assert_eq!(
            tree.siblings(&[2, 3]),
            [node(0), parent(&node(4), &node(6))]
        );
        assert_eq!(
            tree.siblings(&[1, 6]),
            [leaves[0], node(2), leaves[7], node(4)]
        );
    }
}
