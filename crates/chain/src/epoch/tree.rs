//! Merkle trees over the answers of an epoch. A tree has the least height with room for its leaves, and zeros behind the last
//! one; an inner node is `keccak256(left ‖ right)`.

use alloy::primitives::{B256, keccak256};

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
    /// Leaves are places of the tree, rising.
    pub fn siblings(&self, leaves: &[usize]) -> Vec<B256> {
        let mut siblings = Vec::new();
        self.lead(self.levels.len() - 1, 0, leaves, &mut siblings);
        siblings
    }

    fn lead(&self, level: usize, node: usize, leaves: &[usize], siblings: &mut Vec<B256>) {
        let Some(below) = level.checked_sub(1) else {
            return;
        };
        let (children, (left, right)) = (
            [2 * node, 2 * node + 1],
            split(below, node, leaves, |leaf| *leaf),
        );
        for (child, leaves) in children.into_iter().zip([left, right]) {
            if !leaves.is_empty() {
                self.lead(below, child, leaves, siblings);
            }
        }
        match (left, right) {
            ([_, ..], []) => siblings.push(self.levels[below][children[1]]),
            ([], [_, ..]) => siblings.push(self.levels[below][children[0]]),
            _ => {}
        }
    }
}

/// The root of a tree with so many leaves to which siblings lead from some of them, by rising place; none if they do not fit.
pub fn root_of(count: usize, leaves: &[(usize, B256)], siblings: &[B256]) -> Option<B256> {
    let rising = leaves.windows(2).all(|two| two[0].0 < two[1].0);
    if !rising || leaves.last().is_none_or(|last| last.0 >= count) {
        return None;
    }
    let height = count.next_power_of_two().trailing_zeros() as usize;
    let mut siblings = siblings.iter();
    let root = climb(height, 0, leaves, &mut siblings)?;
    siblings.next().is_none().then_some(root)
}

fn climb<'a>(
    level: usize,
    node: usize,
    leaves: &[(usize, B256)],
    siblings: &mut impl Iterator<Item = &'a B256>,
) -> Option<B256> {
    let Some(below) = level.checked_sub(1) else {
        return leaves.first().map(|leaf| leaf.1);
    };
    let (left, right) = split(below, node, leaves, |leaf| leaf.0);
    let mut of = |child, leaves: &[(usize, B256)]| match leaves {
        [] => Some(None),
        _ => climb(below, child, leaves, siblings).map(Some),
    };
    let (left, right) = (of(2 * node, left)?, of(2 * node + 1, right)?);
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (Some(left), None) => (left, *siblings.next()?),
        (None, Some(right)) => (*siblings.next()?, right),
        (None, None) => return None,
    };
    Some(parent(&left, &right))
}

/// Leaves below the left child of a node, and below the right one, which are on a level.
fn split<T>(level: usize, node: usize, leaves: &[T], place: impl Fn(&T) -> usize) -> (&[T], &[T]) {
    leaves.split_at(leaves.partition_point(|leaf| place(leaf) >> level == 2 * node))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(count: u8) -> (Tree, Vec<B256>) {
        let leaves: Vec<B256> = (0..count).map(|i| keccak256([i])).collect();
        (Tree::new(leaves.clone()), leaves)
    }

    type Change<'a> = dyn Fn(&mut Vec<(usize, B256)>, &mut Vec<B256>) + 'a;

    #[test]
    fn siblings_lead_to_the_root() {
        for count in [1, 2, 3, 7, 8, 9] {
            let (tree, leaves) = tree(count);
            let count = leaves.len();
            let at = |places: &[usize]| -> Vec<(usize, B256)> {
                places.iter().map(|i| (*i, leaves[*i])).collect()
            };
            let all: Vec<usize> = (0..count).collect();
            let sets = (0..count)
                .map(|i| vec![i])
                .chain([all.clone(), all[count / 2..].to_vec()]);
            for places in sets {
                let (own, siblings) = (at(&places), tree.siblings(&places));
                assert_eq!(root_of(count, &own, &siblings), Some(tree.root()));
                // Another leaf, another place, more or fewer siblings, a place behind the last one, leaves in disorder.
                let other = |change: &Change<'_>| {
                    let (mut own, mut siblings) = (own.clone(), siblings.clone());
                    change(&mut own, &mut siblings);
                    assert_ne!(
                        root_of(count, &own, &siblings),
                        Some(tree.root()),
                        "{count}: {places:?}"
                    );
                };
                other(&|own, _| own[0].1 = B256::ZERO);
                other(&|_, siblings| siblings.push(B256::ZERO));
                other(&|own, _| own.last_mut().expect("one").0 = count);
                other(&|own, _| own.push(own[0]));
                other(&|own, _| own.clear());
                if !siblings.is_empty() {
                    other(&|_, siblings| siblings.truncate(siblings.len() - 1));
                    other(&|_, siblings| siblings[0] = B256::repeat_byte(0xee));
                }
                if count > 1 && places.len() == 1 {
                    other(&|own, _| own[0].0 = (own[0].0 + 1) % count);
                }
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
