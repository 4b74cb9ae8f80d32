// Every family of calls that the official openai package for Node has and Azure answers: the families that FAMILIES
// names, in their order. Whose client it is, and how it is led, is in the environment: with an AZURE_OPENAI_ENDPOINT it
// is AzureOpenAI, else OpenAI. MODELS says what the models are called there.
//
// families.py makes the same calls in the same order.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { HttpsProxyAgent } from "https-proxy-agent";
import OpenAI, { AzureOpenAI, toFile } from "openai";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { ResponsesWS } from "openai/resources/responses/ws";

const AUDIO = Buffer.alloc(16384, Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)));
const LINE = Buffer.from('{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"x"}}\n');
const MODELS = JSON.parse(process.env.MODELS ?? "{}");

const azure = process.env.AZURE_OPENAI_ENDPOINT !== undefined;
const client = azure ? new AzureOpenAI({ maxRetries: 0 }) : new OpenAI({ maxRetries: 0 });

// The ws package ignores https_proxy; who uses it behind a proxy has to give it an agent.
const proxy = process.env.https_proxy;
const agent = proxy && new HttpsProxyAgent(proxy);

const model = (name) => MODELS[name] ?? name;
const said = (content) => [{ role: "user", content }];

async function all(pages) {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
}

async function octets(response) {
  return Buffer.from(await response.arrayBuffer());
}

async function chat() {
  const { create } = client.chat.completions;
  const ask = create.bind(client.chat.completions);
  const answer = await ask({ model: model("gpt-4o"), messages: said("Grüße, „Welt“ \u2028") });
  assert.match(answer.choices[0].message.content, /Grüße, „Welt“/);
  let text = "";
  const chunks = await ask({ model: model("gpt-4o"), messages: said("one two"), stream: true });
  for await (const { choices } of chunks) {
    // Azure's chunk about its filter has no choices; who asks it directly, with its names, has to live with that.
    if (choices.length > 0 || !process.env.MODELS) text += choices[0].delta.content ?? "";
  }
  assert.equal(text, "You said: one two");
}

async function stored() {
  const { completions } = client.chat;
  const asked = { model: model("gpt-4o"), messages: said("keep"), store: true, metadata: { a: "1" } };
  const { id } = await completions.create(asked);
  assert.ok((await all(completions.list({ model: "gpt-4o" }))).some((found) => found.id === id));
  assert.deepEqual((await completions.retrieve(id)).metadata, { a: "1" });
  assert.deepEqual((await completions.update(id, { metadata: { a: "2" } })).metadata, { a: "2" });
  assert.equal((await all(completions.messages.list(id)))[0].content, "keep");
  assert.ok((await completions.delete(id)).deleted);
}

async function completions() {
  const answer = await client.completions.create({ model: model("gpt-3.5-turbo-instruct"), prompt: "once upon" });
  assert.match(answer.choices[0].text, /once upon/);
}

async function embeddings() {
  const answer = await client.embeddings.create({ model: model("text-embedding-3-small"), input: ["a", "b"] });
  assert.equal(answer.data.length, 2);
  assert.ok(answer.data[0].embedding.length > 1);
}

function heard({ text }) {
  const sum = crc32(AUDIO).toString(16).padStart(8, "0");
  assert.ok(text.includes(`${AUDIO.length} bytes of speech.wav with the CRC-32 ${sum}`), text);
}

// The form has its fields in this order: the model comes after the file.
async function recording(name) {
  return { file: await toFile(AUDIO, "speech.wav"), model: model(name) };
}

async function whisper() {
  heard(await client.audio.transcriptions.create(await recording("whisper-1")));
  heard(await client.audio.translations.create(await recording("whisper-1")));
}

async function audio() {
  heard(await client.audio.transcriptions.create(await recording("gpt-4o-transcribe")));
  const speech = { model: model("tts-1"), voice: "alloy", input: "hello" };
  assert.equal((await octets(await client.audio.speech.create(speech))).length, 4096);
}

async function images() {
  const made = await client.images.generate({ model: model("gpt-image-1"), prompt: "blue", n: 2 });
  assert.equal(made.data.length, 2);
  assert.match(made.data[0].b64_json, /^iVBORw0KGgo/);
}

async function image_edits() {
  const image = await toFile(AUDIO, "a.png");
  const made = await client.images.edit({ image, model: model("gpt-image-1"), prompt: "red" });
  assert.match(made.data[0].b64_json, /^iVBORw0KGgo/);
}

async function responses() {
  const made = await client.responses.create({ model: model("gpt-4o"), input: "hello" });
  assert.match(made.output_text, /hello/);
  const events = await all(await client.responses.create({ model: model("gpt-4o"), input: "more", stream: true }));
  assert.deepEqual([events.at(0).type, events.at(-1).type], ["response.created", "response.completed"]);
  assert.equal((await client.responses.retrieve(made.id)).output_text, made.output_text);
  assert.equal((await all(client.responses.inputItems.list(made.id))).length, 1);
  await client.responses.delete(made.id);
}

async function background() {
  const made = await client.responses.create({ model: model("gpt-4o"), input: "later", background: true });
  assert.equal(made.status, "queued");
  assert.equal((await client.responses.cancel(made.id)).status, "cancelled");
}

async function conversations() {
  const { id } = await client.conversations.create({ metadata: { a: "1" } });
  const { items } = client.conversations;
  await items.create(id, { items: [{ type: "message", ...said("hi")[0] }] });
  const [item] = await all(items.list(id));
  assert.equal((await items.retrieve(item.id, { conversation_id: id })).id, item.id);
  await items.delete(item.id, { conversation_id: id });
  assert.deepEqual((await client.conversations.update(id, { metadata: { a: "2" } })).metadata, { a: "2" });
  assert.equal((await client.conversations.retrieve(id)).id, id);
  assert.ok((await client.conversations.delete(id)).deleted);
}

async function files() {
  const { id } = await client.files.create({ file: await toFile(LINE, "in.jsonl"), purpose: "batch" });
  assert.ok((await all(client.files.list())).some((found) => found.id === id));
  assert.equal((await client.files.retrieve(id)).bytes, LINE.length);
  assert.deepEqual(await octets(await client.files.content(id)), LINE);
  assert.ok((await client.files.delete(id)).deleted);
}

async function batches() {
  const lines = await client.files.create({ file: await toFile(LINE, "in.jsonl"), purpose: "batch" });
  const asked = { input_file_id: lines.id, endpoint: "/v1/chat/completions", completion_window: "24h" };
  const { id } = await client.batches.create(asked);
  assert.ok((await all(client.batches.list())).some((found) => found.id === id));
  assert.equal((await client.batches.retrieve(id)).status, "validating");
  assert.equal((await client.batches.cancel(id)).status, "cancelling");
}

async function uploads() {
  const begun = { bytes: LINE.length, filename: "in.jsonl", mime_type: "text/jsonl", purpose: "batch" };
  const upload = await client.uploads.create(begun);
  const part_ids = [];
  for (const data of [LINE.subarray(0, 9), LINE.subarray(9)]) {
    const part = await client.uploads.parts.create(upload.id, { data: await toFile(data, "upload") });
    part_ids.push(part.id);
  }
  const made = await client.uploads.complete(upload.id, { part_ids });
  assert.deepEqual(await octets(await client.files.content(made.file.id)), LINE);
  const other = await client.uploads.create(begun);
  assert.equal((await client.uploads.cancel(other.id)).status, "cancelled");
}

async function vector_stores() {
  const file = await client.files.create({ file: await toFile(Buffer.from("text"), "a.txt"), purpose: "assistants" });
  const stores = client.vectorStores;
  const { id } = await stores.create({ name: "n" });
  assert.equal((await stores.update(id, { name: "m" })).name, "m");
  const added = await stores.files.create(id, { file_id: file.id });
  assert.deepEqual((await all(stores.files.list(id))).map((found) => found.id), [added.id]);
  assert.ok((await stores.files.delete(added.id, { vector_store_id: id })).deleted);
  assert.equal((await stores.retrieve(id)).name, "m");
  assert.ok((await stores.delete(id)).deleted);
}

async function fine_tuning() {
  const lines = await client.files.create({ file: await toFile(LINE, "in.jsonl"), purpose: "fine-tune" });
  const { jobs } = client.fineTuning;
  const { id } = await jobs.create({ model: "gpt-4o", training_file: lines.id });
  assert.ok((await all(jobs.list())).some((found) => found.id === id));
  assert.equal((await jobs.retrieve(id)).model, "gpt-4o");
  assert.equal((await jobs.cancel(id)).status, "cancelled");
}

async function evals() {
  const data_source_config = { type: "custom", item_schema: {} };
  const { id } = await client.evals.create({ name: "e", data_source_config, testing_criteria: [] });
  assert.equal((await client.evals.retrieve(id)).name, "e");
  const data_source = { type: "jsonl", source: { type: "file_content", content: [{ item: {} }] } };
  const { runs } = client.evals;
  const run = await runs.create(id, { data_source });
  assert.deepEqual((await all(runs.list(id))).map((found) => found.id), [run.id]);
  assert.deepEqual(await all(runs.outputItems.list(run.id, { eval_id: id })), []);
  assert.ok((await runs.delete(run.id, { eval_id: id })).deleted);
  assert.ok((await client.evals.delete(id)).deleted);
}

async function containers() {
  const { id } = await client.containers.create({ name: "c" });
  const { files } = client.containers;
  const added = await files.create(id, { file: await toFile(Buffer.from("octets"), "a.txt") });
  assert.deepEqual((await all(files.list(id))).map((found) => found.id), [added.id]);
  const content = await octets(await files.content.retrieve(added.id, { container_id: id }));
  assert.equal(content.toString(), "octets");
  await files.delete(added.id, { container_id: id });
  await client.containers.delete(id);
}

async function videos() {
  const { id } = await client.videos.create({ model: model("sora-2"), prompt: "a cat" });
  assert.equal((await client.videos.retrieve(id)).status, "completed");
  assert.equal((await octets(await client.videos.downloadContent(id))).length, 4096);
  const again = await client.videos.remix(id, { prompt: "a dog" });
  assert.deepEqual((await all(client.videos.list())).slice(0, 2).map((video) => video.id), [again.id, id]);
  await client.videos.delete(id);
}

async function models() {
  assert.ok((await all(client.models.list())).some((found) => found.id === "gpt-4o"));
  assert.equal((await client.models.retrieve("gpt-4o")).id, "gpt-4o");
}

async function client_secrets() {
  const audio = { input: { transcription: { model: model("whisper-1") } } };
  const session = { type: "realtime", model: model("gpt-4o-realtime-preview"), audio };
  const { value } = await client.realtime.clientSecrets.create({ session });
  assert.match(value, /^ek_/);
}

async function converse(connection) {
  const text = await new Promise((resolve, reject) => {
    let text = "";
    connection.on("error", reject);
    connection.on("session.created", () => {
      const transcription = { model: model("whisper-1") };
      connection.send({ type: "session.update", session: { type: "realtime", audio: { input: { transcription } } } });
    });
    connection.on("session.updated", () => {
      const content = [{ type: "input_text", text: "hello there" }];
      connection.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
      connection.send({ type: "response.create" });
    });
    connection.on("response.output_text.delta", (event) => (text += event.delta));
    connection.on("response.done", () => resolve(text));
  });
  connection.close();
  assert.equal(text, "You said: hello there");
}

async function realtime() {
  await converse(new OpenAIRealtimeWS({ model: model("gpt-4o-realtime-preview"), options: { agent } }, client));
}

// By the WebSocket that Node itself has, whose key goes into a subprotocol.
async function browser_realtime() {
  await converse(new OpenAIRealtimeWebSocket({ model: model("gpt-4o-realtime-preview") }, client));
}

async function responses_socket() {
  const connection = new ResponsesWS(client, { agent });
  const completed = new Promise((resolve, reject) => {
    connection.on("error", reject);
    connection.on("response.completed", resolve);
  });
  connection.send({ type: "response.create", model: model("gpt-4o"), input: "hello there" });
  const { response } = await completed;
  connection.close();
  assert.match(response.output[0].content[0].text, /hello there/);
}

const every = {
  chat,
  stored,
  completions,
  embeddings,
  whisper,
  audio,
  images,
  image_edits,
  responses,
  background,
  conversations,
  files,
  batches,
  uploads,
  vector_stores,
  fine_tuning,
  evals,
  containers,
  videos,
  models,
  client_secrets,
  realtime,
  browser_realtime,
  responses_socket,
};
for (const family of process.env.FAMILIES.split(" ")) {
  console.error(`${family} …`);
  await every[family]();
}
