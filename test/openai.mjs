// The official client of OpenAI's API against `nanozk serve`: crates/cli/tests/cli/serve.rs runs it.
//   node test/openai.mjs BASE_URL API_KEY MODEL PROMPT TEXT
// TEXT is what the model says after PROMPT in four tokens.
import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, apiKey, model, prompt, text] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

const models = [];
for await (const found of client.models.list()) models.push(found.id);
assert.deepEqual(models, [model]);
const { nanozk: about } = await client.models.retrieve(model);
assert.match(about.model_id, /^0x[0-9a-f]{64}$/);

// A text, whole and as it comes.
const whole = await client.completions.create({ model, prompt, max_tokens: 4, temperature: 0 });
assert.equal(whole.choices[0].text, text);
assert.equal(whole.choices[0].finish_reason, "length");
assert.deepEqual(whole.usage, { prompt_tokens: prompt.length, completion_tokens: 4, total_tokens: prompt.length + 4 });
assert.equal(whole.nanozk.receipt.model_id, about.model_id);
let streamed = "";
let receipt;
let usage;
const stream = await client.completions.create({
  model,
  prompt,
  max_tokens: 4,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const part of stream) {
  streamed += part.choices[0]?.text ?? "";
  receipt ??= part.nanozk?.receipt;
  usage = part.usage ?? usage;
}
assert.equal(streamed, text);
assert.deepEqual(usage, whole.usage);
assert.equal(receipt.generated_tokens, 4);
// Salts, and so digests, are new each time.
assert.notEqual(receipt.output_digest, whole.nanozk.receipt.output_digest);

// Messages likewise.
const messages = [{ role: "user", content: "hi" }];
const chat = await client.chat.completions.create({ model, messages, max_completion_tokens: 3 });
assert.equal(chat.choices[0].message.role, "assistant");
assert.equal(chat.choices[0].message.content.length, 3);
const talk = client.chat.completions.stream({ model, messages, max_completion_tokens: 3 });
assert.equal(await talk.finalContent(), chat.choices[0].message.content);

// What cannot be is an error of the client's own kinds.
const refused = async (kind, parameter, request) => {
  const error = await client.chat.completions.create({ model, messages, ...request }).then(
    () => assert.fail(`${parameter} was accepted`),
    (error) => error,
  );
  assert.ok(error instanceof kind, `${error}`);
  assert.equal(error.param, parameter);
};
await refused(OpenAI.BadRequestError, "temperature", { temperature: 0.7 });
await refused(OpenAI.BadRequestError, "max_tokens", { max_completion_tokens: 100 });
await refused(OpenAI.NotFoundError, "model", { model: "another" });
const stranger = new OpenAI({ baseURL, apiKey: "somebody else's", maxRetries: 0 });
await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
console.log("the client is content");
