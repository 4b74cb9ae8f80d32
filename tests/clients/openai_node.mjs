// The official openai package for Node, unmodified: how it is led to the proxy is in the environment.
//
// Standard output carries the streamed text alone, a line for each piece, written the moment it comes.
// openai_python.py sends the same requests in the same order.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import OpenAI, { toFile } from "openai";

const PROMPT = "one two three four five six seven eight nine ten";
const AUDIO = Buffer.alloc(524288, Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)));

const client = new OpenAI({ maxRetries: 0 });

async function chat() {
  const messages = [{ role: "user", content: "hello from Node" }];
  const answer = await client.chat.completions.create({ model: "gpt-4o", messages });
  assert.match(answer.choices[0].message.content, /hello from Node/);
  assert.ok(answer.usage.total_tokens > 0);
}

async function stream() {
  let usage;
  const chunks = await client.chat.completions.create({
    model: "gpt-4o",
    messages: [{ role: "user", content: PROMPT }],
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of chunks) {
    for (const choice of chunk.choices) {
      if (choice.delta.content) console.log(choice.delta.content);
    }
    usage = chunk.usage ?? usage;
  }
  assert.ok(usage?.completion_tokens > 0);
}

async function responses() {
  const answer = await client.responses.create({ model: "gpt-4o", input: "hello again" });
  assert.match(answer.output_text, /hello again/);
  const names = [];
  const events = await client.responses.create({ model: "gpt-4o", input: "once more", stream: true });
  for await (const event of events) names.push(event.type);
  assert.deepEqual([names.at(0), names.at(-1)], ["response.created", "response.completed"]);
}

async function embeddings() {
  const answer = await client.embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"] });
  assert.equal(answer.data.length, 2);
  assert.ok(answer.data[0].embedding.length > 1);
}

async function transcriptions() {
  for (const model of ["gpt-4o-transcribe", "whisper-1"]) {
    const file = await toFile(AUDIO, "speech.wav");
    const { text } = await client.audio.transcriptions.create({ model, file });
    assert.ok(text.includes(`${AUDIO.length} bytes of speech.wav`), text);
    assert.ok(text.includes(crc32(AUDIO).toString(16).padStart(8, "0")), text);
  }
}

async function models() {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes("gpt-4o") && names.includes("whisper-1"), names.join());
  assert.equal((await client.models.retrieve("gpt-4o")).id, "gpt-4o");
}

async function errors() {
  const messages = [{ role: "user", content: "hello" }];
  const missing = client.chat.completions.create({ model: "no-such-model", messages });
  await assert.rejects(missing, { status: 404, code: "DeploymentNotFound" });
  await assert.rejects(client.models.delete("gpt-4o"), { status: 404, code: "unsupported_on_azure" });
}

for (const check of [chat, stream, responses, embeddings, transcriptions, models, errors]) {
  console.error(`${check.name} …`);
  await check();
}
