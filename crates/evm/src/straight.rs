//! Gates as straight-line assembly: faster than a table of terms, and longer.

use crate::tables::{small, Tables, ONE};
use halo2curves::bn256::Fr;
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::encode;
use nanozk_verifier::VerifyingKey;
use std::collections::BTreeMap;
use std::fmt::Write;

/// `coefficient · Π cells`.
#[derive(Clone)]
struct Term {
    coefficient: usize,
    cells: Vec<usize>,
}

/// Most summands, each below the order, whose sum is below 2^256.
const SUMMANDS: usize = 4;

fn cell(evaluation: usize) -> String {
    // A one stands before the evaluations.
    format!("mload(add(e, {}))", 32 * (evaluation + 1))
}

/// A product with a coefficient, below the order or, for an opposite, at most it.
fn scaled(tables: &Tables, coefficient: usize, value: Option<String>) -> String {
    let constant = (coefficient >= tables.constants_at() && coefficient < tables.scalars_at())
        .then(|| tables.constants[coefficient - tables.constants_at()]);
    match (constant, value) {
        (None, None) if coefficient == ONE => "1".into(),
        (None, Some(value)) if coefficient == ONE => value,
        (Some(c), Some(value)) if c == -Fr::one() => format!("sub(r, {value})"),
        (Some(c), None) => literal(c),
        (Some(c), Some(value)) => format!("mulmod({value}, {}, r)", literal(c)),
        (None, None) => format!("mload(add(c, {}))", 32 * coefficient),
        (None, Some(value)) => {
            format!("mulmod({value}, mload(add(c, {})), r)", 32 * coefficient)
        }
    }
}

fn literal(c: Fr) -> String {
    let text = small(c);
    if text.bytes().all(|b| b.is_ascii_digit()) {
        text
    } else {
        encode(&scalar_to_bytes(&c))
    }
}

/// The sum, reduced.
fn sum(parts: &[String]) -> String {
    match parts {
        [] => "0".into(),
        [one] => format!("mod({one}, r)"),
        _ => {
            let mut chunks = parts.rchunks(SUMMANDS);
            let first = plain(chunks.next().expect("not empty"));
            let first = match chunks.len() {
                0 => return format!("mod({first}, r)"),
                _ => first,
            };
            chunks.fold(first, |sum, chunk| {
                format!("addmod({}, {sum}, r)", plain(chunk))
            })
        }
    }
}

/// The sum of terms, factored: out of as many as possible, until all are linear. Reduced if there are several.
fn expression(tables: &Tables, mut terms: Vec<Term>) -> Vec<String> {
    let mut parts = Vec::new();
    loop {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for term in terms.iter().filter(|t| t.cells.len() > 1) {
            let mut cells = term.cells.clone();
            cells.dedup();
            for c in cells {
                *counts.entry(c).or_default() += 1;
            }
        }
        let Some((factor, _)) = counts.into_iter().max_by_key(|(_, n)| *n) else {
            break;
        };
        let (with, without): (Vec<Term>, Vec<Term>) = terms
            .into_iter()
            .partition(|t| t.cells.len() > 1 && t.cells.contains(&factor));
        terms = without;
        let inner: Vec<Term> = with
            .into_iter()
            .map(|mut t| {
                let at = t
                    .cells
                    .iter()
                    .position(|c| *c == factor)
                    .expect("it contains it");
                t.cells.remove(at);
                t
            })
            .collect();
        let inner = expression(tables, inner);
        // mulmod reduces whatever is below 2^256.
        let inner = match inner.len() {
            1..=SUMMANDS => plain(&inner),
            _ => sum(&inner),
        };
        parts.push(format!("mulmod({}, {inner}, r)", cell(factor)));
    }
    for term in terms {
        let value = term.cells.first().map(|c| cell(*c));
        parts.push(scaled(tables, term.coefficient, value));
    }
    parts
}

/// Values that are computed once and kept in memory.
#[derive(Default)]
struct Shared {
    out: String,
    count: usize,
    powers: BTreeMap<usize, String>,
}

impl Shared {
    fn keep(&mut self, value: &str) -> String {
        let at = format!("add(p, {})", 32 * self.count);
        self.count += 1;
        let _ = writeln!(self.out, "            mstore({at}, {value})");
        format!("mload({at})")
    }

    /// A power of `y`, from smaller ones.
    fn power(&mut self, exponent: usize) -> String {
        if exponent == 1 {
            return "y".into();
        }
        if let Some(known) = self.powers.get(&exponent) {
            return known.clone();
        }
        let (a, b) = match exponent % 2 {
            0 => (self.power(exponent / 2), self.power(exponent / 2)),
            _ => (self.power(exponent - 1), "y".into()),
        };
        let kept = self.keep(&format!("mulmod({a}, {b}, r)"));
        self.powers.insert(exponent, kept.clone());
        kept
    }
}

/// Statements that store all factors, and the number of words they keep beside.
pub(crate) fn code(vk: &VerifyingKey, tables: &Tables) -> (String, usize) {
    // Of each element, the terms by gate.
    let mut elements: Vec<BTreeMap<usize, Vec<String>>> = Vec::new();
    for element in 0..=tables.linear.len() {
        let mut gates: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (g, gate) in tables.gates.iter().enumerate() {
            let terms: Vec<Term> = gate
                .terms
                .iter()
                .filter(|t| t.linear.map_or(0, |l| l + 1) == element)
                .map(|term| {
                    let mut cells = term.cells.clone();
                    cells.sort_unstable();
                    Term {
                        coefficient: term.coefficient,
                        cells,
                    }
                })
                .collect();
            if !terms.is_empty() {
                gates.insert(g, expression(tables, terms));
            }
        }
        elements.push(gates);
    }
    let mut shared = Shared::default();
    // Sums that several columns have in one gate.
    let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for parts in elements.iter().flat_map(|gates| gates.values()) {
        *seen.entry(parts.clone()).or_default() += 1;
    }
    let mut kept: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for (parts, times) in seen {
        if times > 1 && parts.len() > 1 {
            let value = shared.keep(&sum(&parts));
            kept.insert(parts, value);
        }
    }

    let mut out = String::new();
    for (i, gates) in elements.iter().enumerate() {
        let name = match i.checked_sub(1) {
            Some(l) => vk.program().info(tables.linear[l].0).name.as_str(),
            None => "opened cells only",
        };
        let _ = writeln!(out, "\n            // {name}");
        let order: Vec<usize> = gates.keys().copied().collect();
        // Horner's rule in y, from the last gate on.
        for (at, (g, parts)) in gates.iter().enumerate().rev() {
            let gate = &tables.gates[*g];
            let _ = writeln!(out, "            // {}: {}", gate.id, gate.meaning);
            let parts: Vec<String> = match kept.get(parts) {
                Some(value) => vec![value.clone()],
                None => parts.clone(),
            };
            let mut chunks = parts.chunks(SUMMANDS);
            let mut value = chunks.next().map_or("0".into(), plain);
            for chunk in chunks {
                let _ = writeln!(out, "            t := {value}");
                value = format!("addmod(t, {}, r)", plain(chunk));
            }
            if at + 1 == gates.len() {
                let _ = writeln!(out, "            s := {value}");
            } else {
                let _ = writeln!(out, "            t := {value}");
                let _ = writeln!(out, "            s := addmod(s, t, r)");
            }
            let below = at.checked_sub(1).map_or(0, |b| order[b]);
            let _ = match g - below {
                0 => writeln!(out, "            s := mod(s, r)"),
                distance => {
                    let power = shared.power(distance);
                    writeln!(out, "            s := mulmod(s, {power}, r)")
                }
            };
        }
        if gates.is_empty() {
            let _ = writeln!(out, "            s := 0");
        }
        let _ = writeln!(out, "            mstore(add(factors, {}), s)", 32 * (i + 1));
    }
    out.pop();
    (format!("{}{out}", shared.out), shared.count)
}

/// A sum of few summands, not reduced.
fn plain(parts: &[String]) -> String {
    parts
        .iter()
        .cloned()
        .reduce(|a, b| format!("add({b}, {a})"))
        .expect("not empty")
}
