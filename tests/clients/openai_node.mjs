// The official openai package for Node, unmodified: how it is led to the proxy is in the environment.

import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ maxRetries: 0 });

const checks = {
  async chat() {
    const answer = await client.chat.completions.create({
      model: "gpt-4o",
      messages: [{ role: "user", content: "hello from node" }],
    });
    assert.match(answer.choices[0].message.content, /hello from node/);
  },

  /** Milliseconds from the first chunk to each. */
  async stream() {
    const arrived = [];
    let text = "";
    const chunks = await client.chat.completions.create({
      model: "gpt-4o",
      messages: [{ role: "user", content: "one two three four five six" }],
      stream: true,
    });
    for await (const chunk of chunks) {
      arrived.push(performance.now());
      for (const choice of chunk.choices) text += choice.delta?.content ?? "";
    }
    assert.match(text, /one two three four five six/);
    return arrived.map((at) => Math.round(at - arrived[0]));
  },

  async responses() {
    const answer = await client.responses.create({ model: "gpt-4o", input: "hello again" });
    assert.match(answer.output_text, /hello again/);
  },

  async embeddings() {
    const answer = await client.embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"] });
    assert.equal(answer.data.length, 2);
  },

  async transcription() {
    const audio = Buffer.alloc(524292, "a");
    for (const model of ["gpt-4o-transcribe", "whisper-1"]) {
      const file = await toFile(audio, "speech.wav");
      const answer = await client.audio.transcriptions.create({ model, file });
      assert.match(answer.text, /524292/);
    }
  },

  async models() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.ok(names.includes("gpt-4o"), String(names));
  },

  async errors() {
    await assert.rejects(client.chat.completions.create({ model: "no-such-model", messages: [] }), {
      status: 404,
      code: "DeploymentNotFound",
    });
  },
};

const done = {};
for (const [name, check] of Object.entries(checks)) {
  done[name] = (await check()) ?? null;
  console.error(`${name}: ok`);
}
console.log(JSON.stringify(done));
