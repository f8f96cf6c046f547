// Makes collection and environment from the contract and the journeys. Usage: node postman/generate.mjs [--check]
import { readFileSync, writeFileSync } from "node:fs";
import { journeys } from "./journeys.mjs";

const here = new URL("./", import.meta.url);
const contract = JSON.parse(readFileSync(new URL("../openapi/duebook.json", here), "utf8"));
const resolve = (value) => (value?.$ref ? value.$ref.slice(2).split("/").reduce((at, part) => at[part], contract) : value);

const operations = new Map();
for (const [path, item] of Object.entries(contract.paths))
  for (const [method, operation] of Object.entries(item)) operations.set(operation.operationId, { method: method.toUpperCase(), path, operation });

const url = (path, values, query) => {
  const parts = path.slice(1).split("/");
  const variable = parts.filter((part) => part.startsWith("{")).map((part) => ({ key: part.slice(1, -1), value: String(values[part.slice(1, -1)]) }));
  const filled = parts.map((part) => (part.startsWith("{") ? `:${part.slice(1, -1)}` : part));
  const raw = `{{base_url}}/${filled.join("/")}`;
  return { raw, host: ["{{base_url}}"], path: filled, ...(query.length ? { query } : {}), ...(variable.length ? { variable } : {}) };
};

const body = (content, value) => {
  if (content["application/x-www-form-urlencoded"])
    return { mode: "urlencoded", urlencoded: Object.entries(value).map(([key, given]) => ({ key, value: String(given) })) };
  return { mode: "raw", raw: JSON.stringify(value, null, 1), options: { raw: { language: "json" } } };
};

/** A parameter as it is sent: of an object each member (deepObject). */
const queries = ({ name, example, description, required }) =>
  Object.entries(typeof example === "object" ? example : { "": example }).map(([key, value]) => ({ key: key ? `${name}[${key}]` : name, value: String(value), description, disabled: !required }));

/** Every operation with its example. */
function reference({ method, path, operation }) {
  const parameters = operation.parameters.map(resolve);
  const of = (place) => parameters.filter((parameter) => parameter.in === place);
  const content = operation.requestBody?.content;
  const header = of("header").map((p) => ({ key: p.name, value: p.name === "Idempotency-Key" ? "{{$guid}}" : String(p.example), disabled: !p.required }));
  if (content) header.push({ key: "Content-Type", value: Object.keys(content)[0] });
  return {
    name: operation.summary,
    request: {
      method,
      header,
      url: url(path, Object.fromEntries(of("path").map((p) => [p.name, p.example])), of("query").flatMap(queries)),
      description: operation.description,
      ...(operation["x-permission"] !== "public" ? {} : { auth: { type: "noauth" } }),
      ...(content ? { body: body(content, Object.values(content)[0].example) } : {}),
    },
  };
}

/** One step of a journey: the operation by its id, what is sent, what must come back. */
function step(given) {
  const known = operations.get(given.operation);
  if (!known) throw new Error(`no operation ${given.operation}`);
  const { method, path, operation } = known;
  const header = Object.entries(given.headers ?? {}).map(([key, value]) => ({ key, value }));
  if (given.body !== undefined) header.push({ key: "Content-Type", value: Object.keys(operation.requestBody.content)[0] });
  const query = Object.entries(given.query ?? {}).map(([key, value]) => ({ key, value: String(value) }));
  const auth = given.basic
    ? { type: "basic", basic: [{ key: "username", value: given.basic[0] }, { key: "password", value: given.basic[1] }] }
    : given.as
      ? { type: "bearer", bearer: [{ key: "token", value: `{{token_${given.as}}}` }] }
      : { type: "noauth" };
  const test = [`pm.test("${given.status}", () => pm.response.to.have.status(${given.status}));`];
  if (given.test || given.keep) test.push(`const answer = pm.response.${given.text ? "text" : "json"}();`);
  for (const [sentence, code] of Object.entries(given.test ?? {})) test.push(`pm.test(${JSON.stringify(sentence)}, () => { ${code} });`);
  for (const [name, code] of Object.entries(given.keep ?? {})) test.push(`pm.environment.set(${JSON.stringify(name)}, ${code});`);
  const event = [{ listen: "test", script: { type: "text/javascript", exec: test } }];
  if (given.before) event.unshift({ listen: "prerequest", script: { type: "text/javascript", exec: given.before.trim().split("\n") } });
  return {
    name: given.name,
    event,
    request: { method, header, auth, url: url(path, given.path ?? {}, query), ...(given.body === undefined ? {} : { body: body(operation.requestBody.content, given.body) }) },
  };
}

const byTag = new Map(contract.tags.map((tag) => [tag.name, { name: tag.name, description: tag.description, item: [] }]));
for (const known of operations.values()) byTag.get(known.operation.tags[0]).item.push(reference(known));

const collection = {
  info: {
    name: "Duebook",
    description: `${contract.info.description} Generated from the contract; the journeys run as they stand.`,
    schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
  },
  auth: { type: "bearer", bearer: [{ key: "token", value: "{{token}}" }] },
  item: [
    { name: "Journeys", item: journeys.map(({ name, description, steps }) => ({ name, description, item: steps.map(step) })) },
    ...[...byTag.values()].filter((folder) => folder.item.length),
  ],
};
const roles = ["controller", "ar_executive", "auditor"];
const environment = {
  name: "Duebook demo",
  values: [
    ["base_url", "http://127.0.0.1:8080"],
    ["token", ""],
    ["client_id", ""],
    ["client_secret", ""],
    ...roles.flatMap((role) => [[`email_${role}`, `${role}@demo.test`], [`password_${role}`, ""]]),
  ].map(([key, value]) => ({ key, value, type: /password|secret|token/.test(key) ? "secret" : "default", enabled: true })),
};

for (const [file, value] of [["duebook.postman_collection.json", collection], ["duebook.postman_environment.json", environment]]) {
  const text = `${JSON.stringify(value, null, 1)}\n`;
  if (!process.argv.includes("--check")) writeFileSync(new URL(file, here), text);
  else if (readFileSync(new URL(file, here), "utf8") !== text) {
    console.error(`postman/${file} is not what the contract says; run: node postman/generate.mjs`);
    process.exitCode = 1;
  }
}
