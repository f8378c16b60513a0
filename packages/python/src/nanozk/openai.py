"""Answers of OpenAI's client, with their receipts verified as they arrive.

``api`` is ``client.chat.completions`` or ``client.completions`` of the package ``openai``, whose ``base_url`` is that of
``nanozk serve``. Options are those of ``nanozk.verify_receipt``.
"""

from __future__ import annotations

from typing import Any, Callable, Collection, Iterator, Sequence

from . import Receipt, Rejected, verify_receipt

__all__ = ["Stream", "create", "stream"]


def create(
    api: Any,
    *,
    provider: str | Collection[str],
    model_id: str | None = None,
    decode: Callable[[Sequence[int]], str] | None = None,
    **request: Any,
) -> tuple[Any, Receipt]:
    """Asks, and gives the answer and its receipt.

    Raises ``nanozk.Rejected`` if the answer has no receipt that is worth something.
    """
    answer = api.create(**request)
    # As it came: what OpenAI's client does not know is in it, too.
    said = answer.model_dump(mode="json", exclude_unset=True)
    return answer, verify_receipt(said, provider=provider, model_id=model_id, decode=decode)


class Stream:
    """Parts of an answer; ``receipt`` is there after the last one, which raises ``nanozk.Rejected`` if it is worth nothing."""

    def __init__(self, parts: Any, options: dict[str, Any]) -> None:
        self._parts = parts
        self._options = options
        self.receipt: Receipt | None = None

    def __iter__(self) -> Iterator[Any]:
        text, reason, signed = "", None, None
        for part in self._parts:
            said = part.model_dump(mode="json", exclude_unset=True)
            for choice in said.get("choices", [])[:1]:
                text += choice.get("text") or (choice.get("delta") or {}).get("content") or ""
                reason = choice.get("finish_reason") or reason
            signed = said.get("nanozk") or signed
            yield part
        if signed is None:
            raise Rejected("the answer ended without a receipt")
        # As if it had come whole.
        whole = {"choices": [{"text": text, "finish_reason": reason}], "usage": {}, "nanozk": signed}
        self.receipt = verify_receipt(whole, **self._options)


def stream(
    api: Any,
    *,
    provider: str | Collection[str],
    model_id: str | None = None,
    decode: Callable[[Sequence[int]], str] | None = None,
    **request: Any,
) -> Stream:
    """Asks for an answer in parts."""
    options = {"provider": provider, "model_id": model_id, "decode": decode}
    return Stream(api.create(stream=True, **request), options)
