//! Fuzz targets, one for every decoder of untrusted bytes.
//!
//! A target takes a valid encoding, applies mutations, and decodes: no input may panic, and what is
//! accepted must encode to the same bytes again where an encoding is unique.

use halo2curves::bn256::G1Affine;
use nanozk_argument::Opening;
use nanozk_executor::{Activation, Architecture, MlpKind, Positions, QuantizedModel, synthetic};
use nanozk_verifier::hex::{Digest32, HexBytes, Point, Scalar};
use nanozk_verifier::statement::Context;
use nanozk_verifier::{
    CLAIM_FORMAT, CheckedManifest, Claim, FINAL_FORMAT, FinalFile, GREEDY, MANIFEST_FORMAT,
    Manifest, ProofFile, ProvedClaim, ProvedWindow, RegisteredProgram, Tree, program_list,
};

/// One change of an encoding.
#[derive(Clone, Copy, Debug)]
pub enum Mutation {
    /// Replaces a byte.
    Set(u16, u8),
    /// Removes bytes.
    Remove(u16, u8),
    /// Repeats bytes.
    Repeat(u16, u8),
    /// Cuts the rest.
    Truncate(u16),
}

impl From<(u8, u16, u8)> for Mutation {
    fn from((kind, at, value): (u8, u16, u8)) -> Self {
        match kind % 8 {
            0 => Mutation::Remove(at, value),
            1 => Mutation::Repeat(at, value),
            2 => Mutation::Truncate(at),
            _ => Mutation::Set(at, value),
        }
    }
}

/// Applies mutations; positions are relative to the length.
pub fn mutate(mut bytes: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for m in mutations {
        if bytes.is_empty() {
            break;
        }
        let place = |at: u16| at as usize * bytes.len() / (1 << 16);
        match *m {
            Mutation::Set(at, value) => {
                let i = place(at);
                bytes[i] = value;
            }
            Mutation::Remove(at, count) => {
                let i = place(at);
                bytes.drain(i..(i + count as usize).min(bytes.len()));
            }
            Mutation::Repeat(at, count) => {
                let i = place(at);
                let part = bytes[i..(i + count as usize).min(bytes.len())].to_vec();
                bytes.splice(i..i, part);
            }
            Mutation::Truncate(at) => bytes.truncate(place(at)),
        }
    }
    bytes
}

fn architecture() -> Architecture {
    Architecture {
        layers: 1,
        width: 8,
        heads: 2,
        kv_heads: 1,
        head_width: 4,
        mlp_width: 16,
        vocab: 8,
        context: 8,
        positions: Positions::Rotary,
        mlp: MlpKind::Gated,
        qk_norm: true,
    }
}

/// A small model.
pub fn model() -> QuantizedModel {
    synthetic::model(architecture(), Activation::Silu, 1)
}

/// A well-formed joint proof that proves nothing.
pub fn joint_proof() -> nanozk_argument::Proof {
    let g = G1Affine::generator();
    nanozk_argument::Proof {
        points: vec![g; 3],
        scalars: vec![5.into(); 7],
        opening: Opening::new([g; 8], [5.into(); 6]),
    }
}

/// A manifest; its commitments are no real ones.
pub fn manifest() -> Manifest {
    let model = model();
    let shape = nanozk_layers::Shape {
        architecture: model.arch,
        spec: model.spec,
        positions: 4,
    };
    let packing = nanozk_layers::Packing::new(&shape, 16).expect("the shape fits");
    Manifest {
        format: MANIFEST_FORMAT.into(),
        architecture: shape.architecture,
        spec: shape.spec,
        tokenizer: Digest32([1; 32]),
        tokens: shape.positions,
        setup: Digest32([2; 32]),
        development_setup: false,
        k: 16,
        fractions: 4,
        weights: vec![Point(G1Affine::generator()); packing.weights().len()],
        programs: Vec::new(),
    }
}

/// A claim of that model.
pub fn claim() -> Claim {
    Claim {
        format: CLAIM_FORMAT.into(),
        model_id: manifest().model_id(),
        context: Context::default(),
        input_digest: Scalar(3.into()),
        output_digest: Scalar(4.into()),
        prompt_tokens: 2,
        generated_tokens: 2,
        decoding: GREEDY,
        seed_digest: Digest32([5; 32]),
        activations: vec![Point(G1Affine::generator()); 3],
    }
}

/// A file of a proof of one layer of that claim, as long as such proofs are.
pub fn joint_file(manifest: &CheckedManifest) -> ProofFile {
    let claim = manifest.claim(claim()).expect("it is of this model");
    let goal = claim.goal(&[1]).expect("there is such a layer");
    let length = nanozk_argument::Proof::byte_length(&goal.program, &goal.layout);
    // One point, and scalars.
    let mut proof = joint_proof();
    proof.points.truncate(1);
    let own = proof.to_bytes().len() - 32 * proof.scalars.len();
    proof.scalars = vec![5.into(); (length - own) / 32];
    ProofFile {
        statement: claim.claim().statement(),
        layers: vec![1],
        proof: proof.to_bytes(),
    }
}

/// A manifest with programs, whose keys are no real ones.
pub fn registered() -> Manifest {
    let plain = manifest();
    let list = program_list(plain.layers() as u32, plain.tokens, &[(0, 4)]);
    let program = |[first, count, rows]: [u32; 3]| RegisteredProgram {
        first,
        count,
        rows,
        key: Scalar(3.into()),
        weights: Scalar(4.into()),
    };
    Manifest {
        programs: list.into_iter().map(program).collect(),
        ..plain
    }
}

/// A file of a final proof that proves nothing.
pub fn final_file() -> FinalFile {
    let window = |first: u32, count: u32| ProvedWindow {
        first,
        count,
        digest: Scalar(6.into()),
    };
    FinalFile {
        format: FINAL_FORMAT.into(),
        claims: vec![ProvedClaim {
            statement: Digest32(claim().statement()),
            windows: vec![window(0, 2), window(2, 2)],
        }],
        tree: Tree {
            shape: HexBytes(vec![0, 0, 2]),
            digests: vec![Scalar(7.into())],
        },
        proof: HexBytes(vec![8; 1152]),
    }
}
