//! What a small layer is made from.

use nanozk_circuits::composer::Plan;
use nanozk_circuits::{BlockShape, LayerKind, Shape};
use nanozk_executor::{synthetic, Activation, Architecture, Linear, QuantizedLayer, Spec};

/// What a small layer is made from.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub width: usize,
    pub heads: usize,
    pub mlp_width: usize,
    pub tokens: usize,
    pub activation: Activation,
    pub plan: Plan,
    pub seed: u64,
    /// Factor on the weights of queries and keys: how far scores are apart.
    pub spread: i64,
    /// The two first positions have the same input.
    pub twins: bool,
}

/// The setting of most tests.
pub const SMALL: Setting = Setting {
    width: 8,
    heads: 2,
    mlp_width: 16,
    tokens: 4,
    activation: Activation::GeluNew,
    plan: Plan {
        k: 12,
        weights: 1,
        lanes: 5,
        limb: 8,
    },
    seed: 1,
    spread: 1,
    twins: false,
};

impl Setting {
    pub fn spec(&self) -> Spec {
        synthetic::spec(self.width, self.activation)
    }

    fn arch(&self) -> Architecture {
        Architecture {
            layers: 1,
            width: self.width,
            heads: self.heads,
            mlp_width: self.mlp_width,
            vocab: 16,
            context: self.tokens,
        }
    }

    pub fn shape(&self, kind: LayerKind) -> Shape {
        Shape {
            kind,
            block: BlockShape::new(&self.arch(), &self.spec()),
            tokens: self.tokens,
            plan: self.plan,
        }
    }

    pub fn weights(&self) -> QuantizedLayer {
        let mut layer = synthetic::layer(self.arch(), self.seed);
        let scale = |l: &mut Linear| {
            l.weight
                .iter_mut()
                .chain(&mut l.bias)
                .for_each(|w| *w *= self.spread)
        };
        scale(&mut layer.q);
        scale(&mut layer.k);
        layer
    }

    pub fn input(&self) -> Vec<i64> {
        let mut input = synthetic::residual(self.tokens, self.width, self.seed + 100);
        if self.twins {
            input.copy_within(..self.width, self.width);
        }
        input
    }
}
