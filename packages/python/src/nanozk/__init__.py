"""Verify which model an AI provider ran.

``verify`` judges final proofs, ``verify_receipt`` the signed receipts that come with answers. Both raise ``Rejected``, and
return what is shown otherwise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Callable, Collection, Mapping, Sequence, Union

from . import _nanozk

__all__ = ["Proved", "Receipt", "Rejected", "Session", "Verdict", "verify", "verify_receipt"]

_Path = Union[str, "PathLike[str]"]


class Rejected(Exception):
    """A proof or a receipt shows nothing; the text says why."""


@dataclass(frozen=True)
class Session:
    """A claim about one answer, and the model that it has to be of."""

    manifest: Mapping[str, Any]
    claim: Mapping[str, Any]
    #: The model id that you expect, ``0x`` and 64 hexadecimal digits: what is proved is about the model with this id.
    model_id: str

    @classmethod
    def read(cls, directory: _Path, model_id: str) -> Session:
        """Reads ``manifest.json`` and ``claim.json`` of a session's directory."""
        manifest, claim = (_read(Path(directory) / name) for name in ("manifest.json", "claim.json"))
        return cls(manifest, claim, model_id)


@dataclass(frozen=True)
class Proved:
    """What a final proof shows of one session."""

    model_id: str
    #: Digest of the claim, which binds prompt, answer, chain, contract and recipient.
    claim_digest: str
    #: Where the claim is made: chain, contract, claim, recipient.
    context: Mapping[str, Any]
    #: Numbers of tokens.
    prompt_tokens: int
    generated_tokens: int
    #: Layers of the model, and the numbers of those that are proved, counted from zero.
    layers: int
    proved: Sequence[int]


@dataclass(frozen=True)
class Verdict:
    """A final proof that is valid."""

    #: Digest of the key of final proofs by which it is.
    key_digest: str
    sessions: Sequence[Proved]


@dataclass(frozen=True)
class Receipt:
    """What a provider signed of an answer."""

    #: Address that signed.
    provider: str
    model_id: str
    #: EIP-712 digest of the receipt.
    digest: str
    #: Token ids.
    prompt_tokens: Sequence[int]
    generated_tokens: Sequence[int]
    #: The text that came with it, if any; compared with the tokens only if you gave ``decode``.
    text: str | None
    #: All fields of the receipt.
    fields: Mapping[str, Any]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _ask(judge: Callable[[str], str], question: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(judge(json.dumps(question)))
    if not answer["accepted"]:
        raise Rejected(answer["reason"])
    return answer


def verify(
    sessions: Session | Sequence[Session],
    final: Mapping[str, Any] | _Path,
    key: Mapping[str, Any] | _Path,
    *,
    key_digest: str | None = None,
    development: bool = False,
    partial: bool = False,
) -> Verdict:
    """Judges a final proof over one or more sessions, in their order.

    ``final`` and ``key`` are the contents of ``final.json`` and of what ``nanozk setup final-key`` writes, or paths to them.
    ``key_digest`` is the digest of the key that you trust. ``development`` accepts models and keys of the development setup
    instead, whose secret is public: such a proof shows nothing to anybody. ``partial`` accepts proofs of some of a model's layers.

    Raises ``Rejected`` if the proof shows nothing, ``ValueError`` if neither ``key_digest`` nor ``development`` is given.
    """
    if key_digest is None and not development:
        raise ValueError(
            "say which key you trust: key_digest, which nanozk setup final-key prints, or development=True for tests"
        )
    several = [sessions] if isinstance(sessions, Session) else list(sessions)
    loaded = [given if isinstance(given, Mapping) else _read(Path(given)) for given in (final, key)]
    answer = _ask(
        _nanozk.verdict,
        {
            "sessions": [
                {"model_id": s.model_id, "manifest": s.manifest, "claim": s.claim} for s in several
            ],
            "final": loaded[0],
            "key": loaded[1],
        },
    )
    if key_digest is not None and not _same(answer["key_digest"], key_digest):
        raise Rejected(f"the key has the digest {answer['key_digest']}, not {key_digest}")
    for number, said in enumerate(answer["sessions"]):
        if said.pop("development_setup") and not development:
            raise Rejected(f"session {number} is of the development setup, whose secret is public: its proof shows nothing")
        missing = sorted(set(range(said["layers"])) - set(said["proved"]))
        if missing and not partial:
            raise Rejected(f"session {number}: layers {missing} are not proved")
    return Verdict(answer["key_digest"], [Proved(**said) for said in answer["sessions"]])


def verify_receipt(
    answer: Mapping[str, Any] | str | bytes,
    *,
    provider: str | Collection[str],
    model_id: str | None = None,
    decode: Callable[[Sequence[int]], str] | None = None,
) -> Receipt:
    """Judges an answer of ``nanozk serve`` as JSON, the part of a stream that has the receipt, or a receipt alone.

    ``provider`` is the address that you trust, or several: anybody can sign a receipt. ``model_id`` is the model that you asked
    for. ``decode`` makes a text of the generated tokens, with the model's tokenizer, to compare it with the text that came along:
    without it, what is shown is about tokens alone. That the tokens of the prompt are your request's is not compared.

    Raises ``Rejected`` if the receipt is not signed by the provider, or is of other tokens, another model or another text.
    """
    given = json.loads(answer) if isinstance(answer, (str, bytes)) else answer
    said = _ask(_nanozk.receipt, given)
    trusted = [provider] if isinstance(provider, str) else list(provider)
    if not any(_same(said["provider"], address) for address in trusted):
        raise Rejected(f"{said['provider']} signed it, not {' or '.join(trusted)}")
    if model_id is not None and not _same(said["model_id"], model_id):
        raise Rejected(f"it names the model {said['model_id']}, not {model_id}")
    text = said["text"]
    if decode is not None:
        own = decode(said["generated_tokens"])
        # What a stop text cuts off is not shown.
        if text is not None and not (own.startswith(text) if said["is_cut"] else own == text):
            raise Rejected("the text is not that of the tokens that were signed")
    return Receipt(
        provider=said["provider"],
        model_id=said["model_id"],
        digest=said["digest"],
        prompt_tokens=said["prompt_tokens"],
        generated_tokens=said["generated_tokens"],
        text=text,
        fields=said["receipt"],
    )
