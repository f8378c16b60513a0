//! Plans: what is chosen, and which limits are kept.

use nanozk_circuit::{Objective, Packer, PlanError, Program, Registry, Role, Tensor, plan};

/// Tiles of weights one after the other.
struct InOrder {
    k: u32,
}

impl Registry for InOrder {
    fn place(&self, _: &Tensor, indices: &[usize]) -> Option<(u32, usize)> {
        let mut packer = Packer::new(self.k);
        let number = indices[0] * 3 + indices[1];
        let places = (0..=number).map(|_| packer.take(16));
        let (column, offset) = places.last()?;
        Some((column as u32, offset))
    }
}

/// Six tiles of weights with 2^16 cells each, and 3·2^16 limbs.
fn program() -> Program {
    let mut p = Program::new();
    let (i, o) = (p.new_tiled_axis("i", 512, 8), p.new_tiled_axis("o", 768, 8));
    let range = p.range(16);
    let w = p.new_tensor("w", &[i, o], Role::Weight { wide: false });
    let other = p.new_tiled_axis("other", 256, 8);
    let x = p.new_tensor("x", &[other, o], Role::Limb { range });
    let (w, x) = (p.use_of(w), p.use_of(x));
    p.zero("nothing", &[i, o], w - x);
    p
}

fn objective() -> Objective {
    Objective {
        commitment_price: 0.,
        memory: None,
        ..Objective::default()
    }
}

#[test]
fn the_cheapest_layout_is_chosen() {
    let p = program();
    let registry = |k| InOrder { k };
    let free = plan(&p, registry, &objective()).unwrap();
    assert_eq!(free.layout.k(), free.estimate.k);
    assert_eq!(free.layout.columns().len(), free.estimate.commitments);
    let seconds = free.compared.iter().map(|e| e.cpu_seconds);
    assert_eq!(
        free.estimate.cpu_seconds,
        seconds.fold(f64::INFINITY, f64::min)
    );
    // Tiles and tables have 2^16 cells, so that shorter columns hold none.
    let lengths: Vec<u32> = free.compared.iter().map(|e| e.k).collect();
    assert!(lengths.is_sorted() && lengths[0] == 16 && lengths.contains(&20));

    // Whoever takes no more commitments gets a layout with so few, whatever it costs; if there is none, the next best.
    let fewest = free.compared.iter().map(|e| e.commitments).min().unwrap();
    for (most, expected) in [(fewest, fewest), (1, fewest)] {
        let bounded = Objective {
            commitments: Some(most),
            ..objective()
        };
        let bounded = plan(&p, registry, &bounded).unwrap();
        assert_eq!(bounded.estimate.commitments, expected);
        assert!(bounded.estimate.cpu_seconds > free.estimate.cpu_seconds);
    }

    // Dear commitments make columns long: all weights fit one.
    let dear = Objective {
        commitment_price: 1e3,
        ..objective()
    };
    let dear = plan(&p, registry, &dear).unwrap();
    assert!(dear.estimate.commitments < free.estimate.commitments);
    let fewest = dear.compared.iter().map(|e| e.commitments).min();
    assert_eq!(Some(dear.estimate.commitments), fewest);
}

#[test]
fn limits_are_kept() {
    let p = program();
    let registry = |k| InOrder { k };
    let limited = |max_k, memory| Objective {
        commitment_price: 1e3,
        max_k,
        memory,
        ..Objective::default()
    };
    let short = plan(&p, registry, &limited(17, None)).unwrap();
    assert_eq!(short.estimate.k, 17);
    let sizes = short.compared.iter().map(|e| e.peak_bytes);
    let least = sizes.min().unwrap();
    let small = plan(&p, registry, &limited(20, Some(least))).unwrap();
    assert_eq!(small.estimate.peak_bytes, least);

    let error = plan(&p, registry, &limited(20, Some(least - 1))).unwrap_err();
    let expected = PlanError::Memory {
        needed: least,
        allowed: least - 1,
    };
    assert_eq!(error, expected);
    let error = plan(&p, registry, &limited(15, None)).unwrap_err();
    assert!(
        matches!(&error, PlanError::Layout { max_k: 15, reason } if reason.to_string().contains("a tile of w")),
        "{error}"
    );
    // A setup with very few powers.
    let error = plan(&p, registry, &limited(3, None)).unwrap_err();
    assert!(
        matches!(error, PlanError::Layout { max_k: 3, .. }),
        "{error}"
    );
}
