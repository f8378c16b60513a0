/** 32 bytes: `0x` and 64 lower-case hexadecimal digits. */
export type Digest = `0x${string}`;

/** A session: what `nanozk` keeps in a session directory. */
export interface Session {
  /** Id of the model that the claim must be of. */
  model_id: Digest;
  /** Content of `manifest.json`. */
  manifest: unknown;
  /** Content of `claim.json`. */
  claim: unknown;
}

/** What is judged. */
export interface Question {
  /** The sessions that the proof is over, in its order. */
  sessions: Session[];
  /** Content of `final.json`. */
  final: unknown;
  /** The key of final proofs, which `nanozk setup final-key` writes. */
  key: unknown;
}

/** What is proved of a session. */
export interface Proved {
  model_id: Digest;
  /** What contracts call the claim by. */
  claim_digest: Digest;
  /** Where the claim is made: zeros off chain. */
  context: { chain: number; contract: Digest; claim: Digest; recipient: Digest; epoch?: boolean };
  prompt_tokens: number;
  generated_tokens: number;
  /** Layers of the model. */
  layers: number;
  /** Numbers of the layers that are proved, from 0. A claim is proved if these are all. */
  proved: number[];
  /** The setup's secret is public: nothing is proved to anybody. */
  development_setup: boolean;
}

export type Verdict =
  | {
      accepted: true;
      /** Digest of the key by which the proof is valid: compare it with one that you know. */
      key_digest: Digest;
      sessions: Proved[];
    }
  | { accepted: false; reason: string };

export interface Verifier {
  /** Judges a final proof as contracts do, by the keys that the models were registered with. Never throws for wrong input. */
  verify(question: Question): Verdict;
}

/** A verifier from its compiled module: bytes or a response; by default `verifier.wasm` beside this file. */
export function load(source?: BufferSource | Response | Promise<BufferSource | Response> | URL): Promise<Verifier>;
