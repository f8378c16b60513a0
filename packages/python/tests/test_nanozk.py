"""The wheel, on a real final proof and on answers of a real server. `script/python --check` runs this."""

import copy
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

import nanozk
import nanozk.openai
import nbclient
import nbformat
from nanozk import Rejected, Session
from openai import OpenAI

ROOT = pathlib.Path(__file__).resolve().parents[3]
FIXTURE = ROOT / "test/fixtures/session"
# A key of nobody.
KEY = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
PROMPT = "Ownership is"


def fixture(name):
    return json.loads((FIXTURE / f"{name}.json").read_text())


class Proofs(unittest.TestCase):
    def setUp(self):
        self.sessions = [Session(s["manifest"], s["claim"], s["model_id"]) for s in fixture("sessions")]
        self.final, self.key = fixture("final"), fixture("final-key")

    def verify(self, **options):
        options = {"development": True, "partial": True, **options}
        return nanozk.verify(self.sessions, self.final, self.key, **options)

    def test_says_what_is_proved(self):
        verdict = self.verify()
        self.assertEqual([s.model_id for s in verdict.sessions], [s.model_id for s in self.sessions])
        self.assertEqual(
            [[s.prompt_tokens, s.generated_tokens] for s in verdict.sessions],
            [[s.claim["prompt_tokens"], s.claim["generated_tokens"]] for s in self.sessions],
        )
        self.assertTrue(all(s.proved for s in verdict.sessions))

    def test_reads_files(self):
        with tempfile.TemporaryDirectory() as directory:
            given = self.sessions[0]
            for name, content in [("manifest", given.manifest), ("claim", given.claim)]:
                pathlib.Path(directory, f"{name}.json").write_text(json.dumps(content))
            self.assertEqual(Session.read(directory, given.model_id), given)
        verdict = nanozk.verify(
            self.sessions, FIXTURE / "final.json", str(FIXTURE / "final-key.json"), development=True, partial=True
        )
        self.assertEqual(verdict, self.verify())

    def test_trusts_no_key_by_itself(self):
        with self.assertRaises(ValueError):
            self.verify(development=False)
        digest = self.verify().key_digest
        self.assertEqual(self.verify(key_digest=digest.upper().replace("X", "x")).key_digest, digest)
        with self.assertRaisesRegex(Rejected, "the key has the digest"):
            self.verify(key_digest="0x" + "00" * 32)

    def test_rejects_what_is_of_the_development_setup(self):
        digest = self.verify().key_digest
        with self.assertRaisesRegex(Rejected, "development setup"):
            self.verify(key_digest=digest, development=False)

    def test_rejects_what_is_not_proved(self):
        layers = [s.layers for s in self.verify().sessions]
        proved = [len(s.proved) for s in self.verify().sessions]
        if proved == layers:
            self.verify(partial=False)
        else:
            with self.assertRaisesRegex(Rejected, "are not proved"):
                self.verify(partial=False)

    def test_rejects_forgeries(self):
        claim = dict(self.sessions[0].claim)
        claim["generated_tokens"] += 1
        honest = self.sessions
        self.sessions = [Session(honest[0].manifest, claim, honest[0].model_id), *honest[1:]]
        with self.assertRaises(Rejected):
            self.verify()
        self.sessions = [Session(honest[0].manifest, honest[0].claim, "0x" + "11" * 32), *honest[1:]]
        with self.assertRaisesRegex(Rejected, "not 0x1111"):
            self.verify()
        self.sessions = list(reversed(honest))
        with self.assertRaises(Rejected):
            self.verify()
        self.sessions = honest
        proof = self.final["proof"]
        for at in (10, len(proof) // 2, len(proof) - 2):
            self.final = {**self.final, "proof": proof[:at] + ("0" if proof[at] != "0" else "1") + proof[at + 1 :]}
            with self.assertRaises(Rejected):
                self.verify()

    def test_rejects_what_is_no_input(self):
        self.final = {"format": "something"}
        with self.assertRaisesRegex(Rejected, "the input"):
            self.verify()
        with self.assertRaises(FileNotFoundError):
            Session.read("nowhere", "0x")

    def test_tells_its_time(self):
        times = []
        for _ in range(20):
            start = time.perf_counter()
            self.verify()
            times.append(time.perf_counter() - start)
        print(f"verified in {1000 * sorted(times)[10]:.1f} ms (median of 20)")


class Receipts(unittest.TestCase):
    """A server of the tiny GPT-2."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        key = pathlib.Path(cls.directory.name, "provider.key")
        key.write_text(KEY)
        key.chmod(0o600)
        command = [os.environ["NANOZK"], "--json", "serve", "--listen", "127.0.0.1:0", "--log", "warn"]
        command += ["--model", f"tiny={os.environ['NANOZK_MODEL']}", "--private-key-file", str(key)]
        command += ["--answers", str(pathlib.Path(cls.directory.name, "answers"))]
        cls.server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started = json.loads(cls.server.stdout.readline())
        cls.provider, cls.model_id = started["provider"], started["models"][0]["model_id"]
        cls.client = OpenAI(base_url=started["address"], api_key="none", max_retries=0)
        # What the tokens are the text of.
        cls.whole, cls.receipt = nanozk.openai.create(
            cls.client.completions, provider=cls.provider, model="tiny", prompt=PROMPT, max_tokens=6, temperature=0
        )

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        cls.server.stdout.close()
        cls.client.close()
        cls.directory.cleanup()

    def decode(self, tokens):
        known = {tuple(self.receipt.generated_tokens): self.whole.choices[0].text}
        return known.get(tuple(tokens), "another text")

    def options(self, **more):
        return {"provider": self.provider, "model_id": self.model_id, "model": "tiny", "temperature": 0, **more}

    def said(self):
        return copy.deepcopy(self.whole.model_dump(mode="json", exclude_unset=True))

    def test_says_what_was_signed(self):
        self.assertEqual(self.receipt.provider.lower(), self.provider.lower())
        self.assertEqual(self.receipt.model_id, self.model_id)
        self.assertEqual(len(self.receipt.generated_tokens), 6)
        self.assertEqual(self.receipt.text, self.whole.choices[0].text)
        self.assertEqual(self.receipt.fields["generated_tokens"], 6)

    def test_takes_text_bytes_and_receipts_alone(self):
        for given in (json.dumps(self.said()), json.dumps(self.said()).encode(), self.said()["nanozk"]):
            receipt = nanozk.verify_receipt(given, provider=[self.provider.lower()])
            self.assertEqual(receipt.digest, self.receipt.digest)

    def test_rejects_another_provider_model_and_text(self):
        nobody = "0x" + "12" * 20
        with self.assertRaisesRegex(Rejected, "signed it, not"):
            nanozk.verify_receipt(self.said(), provider=nobody)
        nanozk.verify_receipt(self.said(), provider={nobody, self.provider})
        with self.assertRaisesRegex(Rejected, "names the model"):
            nanozk.verify_receipt(self.said(), provider=self.provider, model_id="0x" + "00" * 32)
        other = self.said()
        other["choices"][0]["text"] += "!"
        nanozk.verify_receipt(other, provider=self.provider)
        with self.assertRaisesRegex(Rejected, "the text"):
            nanozk.verify_receipt(other, provider=self.provider, decode=self.decode)

    def test_rejects_other_tokens_salts_and_signatures(self):
        def changed(change):
            answer = self.said()
            change(answer["nanozk"])
            with self.assertRaises(Rejected):
                nanozk.verify_receipt(answer, provider=self.provider)

        changed(lambda signed: signed["opening"]["generated"].reverse())
        changed(lambda signed: signed["opening"]["prompt"].append(1))
        changed(lambda signed: signed["opening"].update(output_salt=signed["opening"]["input_salt"]))
        changed(lambda signed: signed["receipt"].update(kept_until=signed["receipt"]["kept_until"] + 1))
        changed(lambda signed: signed["receipt"].update(signature="0x" + "11" * 65))
        changed(lambda signed: signed.pop("opening"))

    def test_rejects_answers_of_others(self):
        answer = self.said()
        del answer["nanozk"]
        with self.assertRaisesRegex(Rejected, "without a receipt"):
            nanozk.verify_receipt(answer, provider=self.provider)

    def test_verifies_chats(self):
        messages = [{"role": "user", "content": "hi"}]
        api = self.client.chat.completions
        answer, receipt = nanozk.openai.create(api, **self.options(messages=messages, max_completion_tokens=3))
        self.assertEqual(receipt.text, answer.choices[0].message.content)
        parts = nanozk.openai.stream(api, **self.options(messages=messages, max_completion_tokens=3))
        text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
        self.assertEqual(text, answer.choices[0].message.content)
        self.assertEqual(parts.receipt.generated_tokens, receipt.generated_tokens)
        self.assertEqual(parts.receipt.text, text)

    def test_verifies_streams(self):
        options = self.options(prompt=PROMPT, max_tokens=6, decode=self.decode)
        parts = nanozk.openai.stream(self.client.completions, **options)
        self.assertIsNone(parts.receipt)
        text = "".join(part.choices[0].text for part in parts if part.choices)
        self.assertEqual(text, self.whole.choices[0].text)
        self.assertEqual(parts.receipt.generated_tokens, self.receipt.generated_tokens)
        wrong = nanozk.openai.stream(self.client.completions, **{**options, "decode": lambda tokens: "another"})
        with self.assertRaisesRegex(Rejected, "the text"):
            list(wrong)
        self.assertIsNone(wrong.receipt)
        strange = nanozk.openai.stream(self.client.completions, **{**options, "provider": "0x" + "12" * 20})
        with self.assertRaises(Rejected):
            list(strange)

    def test_rejects_streams_without_a_receipt(self):
        class Nothing:
            def create(self, stream):
                return iter(())

        with self.assertRaisesRegex(Rejected, "without a receipt"):
            list(nanozk.openai.stream(Nothing(), provider=self.provider))


class Notebook(unittest.TestCase):
    def test_runs(self):
        path = ROOT / "packages/python/examples/verify.ipynb"
        notebook = nbformat.read(path, as_version=4)
        nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}}, timeout=None).execute()
        outputs = "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))
        self.assertIn("rejected:", outputs)


if __name__ == "__main__":
    unittest.main()
