//! The shape of a tree.

use crate::node::{Child, Node};
use nanozk_circuits::LayerKind;
use nanozk_verifier::VerifyingKey;
use std::fmt;
use std::str::FromStr;

/// Most children of a node over nodes that [`Plan::new`] makes.
const MAX_NODES: usize = 8;

/// Most children of a node. With [`Plan::parse`]'s rule on levels this bounds the work that the text of a tree can ask of
/// whoever makes its keys.
pub const MAX_CHILDREN: usize = 64;

/// Sizes of the nodes of a tree, level by level: those of the first are numbers of layers, those of others numbers of
/// nodes of the level before. The last level is the root.
///
/// Written as `10` (a root over ten layers) or `9,8,9;3` (three nodes over 26 layers, and a root over them). A level has at
/// most half as many nodes, rounded up, as the nodes below it, so that a tree has fewer than three nodes a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(Vec<Vec<usize>>);

/// A text is no plan, or none for this number of layers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tree {text:?} is not one over {layers} layers: the sizes of a level, from 1 to {MAX_CHILDREN} each, must add up to the number of nodes below; each further level must have at most half as many nodes, rounded up, and the last one node")]
pub struct NotAPlan {
    text: String,
    layers: usize,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = |sizes: &Vec<usize>| {
            let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
            sizes.join(",")
        };
        let levels: Vec<String> = self.0.iter().map(level).collect();
        f.write_str(&levels.join(";"))
    }
}

impl Plan {
    /// Reads a plan over a number of layers.
    pub fn parse(text: &str, layers: usize) -> Result<Self, NotAPlan> {
        let error = || NotAPlan {
            text: text.chars().take(100).collect(),
            layers,
        };
        let level = |text: &str| {
            let sizes = text.split(',').map(usize::from_str);
            sizes.collect::<Result<Vec<_>, _>>()
        };
        let levels: Vec<Vec<usize>> = text
            .split(';')
            .map(level)
            .collect::<Result<_, _>>()
            .map_err(|_| error())?;
        let mut below = layers;
        for (level, sizes) in levels.iter().enumerate() {
            let sizes_allowed = sizes.iter().all(|s| (1..=MAX_CHILDREN).contains(s));
            let sum = sizes.iter().try_fold(0usize, |sum, s| sum.checked_add(*s));
            // Nodes over one node each prove nothing more: any number of such levels could follow each other.
            let shrinks = level == 0 || (below > 1 && sizes.len() <= below.div_ceil(2));
            if !sizes_allowed || sum != Some(below) || !shrinks {
                return Err(error());
            }
            below = sizes.len();
        }
        if below != 1 {
            return Err(error());
        }
        Ok(Plan(levels))
    }

    /// As few nodes as fit `2^max_k` rows: a root over all layers, or nodes over about as many layers each.
    ///
    /// Nodes over the same kinds of layers have the same key.
    pub fn new(layers: &[(LayerKind, VerifyingKey)], max_k: u32) -> Self {
        let count = layers.len();
        let fits = |from: usize, to: usize| {
            let children = layers[from..to].iter().cloned();
            let node = Node::new(
                children
                    .map(|(kind, key)| Child::Layer { kind, key })
                    .collect(),
                to - from == count,
            );
            node.rows().1 <= max_k
        };
        if count <= MAX_CHILDREN && fits(0, count) {
            return Plan(vec![vec![count]]);
        }
        let mut size = count.div_ceil(2).min(MAX_CHILDREN);
        let sizes = loop {
            // Even sizes keep attention and MLP together, and nodes alike.
            size += usize::from(size > 1 && size % 2 == 1);
            let starts = (0..count).step_by(size);
            let ranges: Vec<(usize, usize)> = starts
                .map(|start| (start, count.min(start + size)))
                .collect();
            // Sizes shrink until one layer is left, which has to do.
            if size == 1 || ranges.iter().all(|(from, to)| fits(*from, *to)) {
                break ranges
                    .iter()
                    .map(|(from, to)| to - from)
                    .collect::<Vec<_>>();
            }
            size = if size <= 2 { 1 } else { size - 2 };
        };
        let mut levels = vec![sizes];
        while levels[levels.len() - 1].len() > 1 {
            let below = levels[levels.len() - 1].len();
            let nodes = below.div_ceil(MAX_NODES);
            let share = below.div_ceil(nodes);
            levels.push(
                (0..below)
                    .step_by(share)
                    .map(|start| share.min(below - start))
                    .collect(),
            );
        }
        Plan(levels)
    }

    /// Sizes by level.
    pub fn levels(&self) -> &[Vec<usize>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for (text, layers) in [
            ("10", 10),
            ("9,8,9;3", 26),
            ("2,2,1;2,1;2", 5),
            ("1,1,1,1;4", 4),
            ("64", 64),
            ("1", 1),
        ] {
            assert_eq!(Plan::parse(text, layers).unwrap().to_string(), text);
        }
        for (text, layers) in [
            ("", 0),
            ("0", 0),
            ("10", 11),
            ("5,5", 10),
            ("5,5;1", 10),
            ("5,0,5;3", 10),
            ("18446744073709551615,11;2", 10),
            ("5,5;2;x", 10),
            ("-1,11;2", 10),
            // Levels that do not shrink.
            ("2,2;1,1;2", 4),
            ("4;1", 4),
            ("4;1;1;1", 4),
            ("1,1,1,1;1,1,2;3", 4),
            ("65", 65),
        ] {
            assert!(Plan::parse(text, layers).is_err(), "{text}");
        }
    }
}
