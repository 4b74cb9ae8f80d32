// A chat completion by the openai package.

import OpenAI from "openai";

const answer = await new OpenAI({ maxRetries: 0 }).chat.completions.create({
  model: "gpt-4o",
  messages: [{ role: "user", content: "hello from the matrix" }],
});
console.log(answer.choices[0].message.content);
