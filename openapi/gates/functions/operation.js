// One operation with everything that hangs together in it. References are resolved when this is called.
export default (operation, _options, { path, documentInventory }) => {
  const [, route, method] = path;
  const wrong = [];
  const demand = (holds, message) => holds || wrong.push({ message: `${method.toUpperCase()} ${route} ${message}` });
  const parameters = operation.parameters ?? [];
  const has = (place, name, required) => parameters.some((p) => p.in === place && p.name === name && (!required || p.required));
  const answers = Object.entries(operation.responses ?? {});
  const good = answers.filter(([status]) => status.startsWith("2"));
  const status = (...codes) => codes.every((code) => operation.responses?.[code]);
  const shown = (media) => media.example !== undefined || media.examples !== undefined;

  demand(operation.summary?.length > 5, "has no summary");
  demand(operation.description?.length >= 20 && operation.description.trim().endsWith("."), "has no description of a sentence or more");
  demand(operation["x-permission"], "does not say x-permission");
  for (const media of Object.values(operation.requestBody?.content ?? {})) demand(shown(media), "shows no request");
  for (const [code, answer] of good) for (const media of Object.values(answer.content ?? {})) demand(shown(media), `shows no answer of ${code}`);
  demand(answers.some(([code]) => code.startsWith("4")) && status("400", "401", "429", "500"), "does not tell the common refusals");

  if (operation["x-idempotency"] === "required") {
    demand(has("header", "Idempotency-Key", true), "needs a key and has no parameter for it");
    demand(status("409", "422"), "needs a key and does not tell 409 and 422");
  }
  if (operation["x-if-match"] === true || ["patch", "delete"].includes(method)) {
    demand(has("header", "If-Match", true) && status("412", "428"), "changes a version without If-Match, 412 and 428");
  }
  const page = good.map(([, answer]) => answer.content?.["application/json"]?.schema?.properties).find((p) => p?.data && p?.page);
  if (page && method === "get" && page.data.items?.properties?.id) {
    demand(["limit", "cursor"].every((name) => has("query", name)), "is a list without limit and cursor");
  }
  if (operation["x-events"]) {
    const told = Object.keys(documentInventory.resolved.webhooks ?? {});
    for (const event of operation["x-events"]) demand(told.includes(event), `emits ${event}, which is no webhook`);
  }
  return wrong;
};
