// Members of a schema by their names: …_at instants, …_date dates, …_id ids, amounts decimal strings.
const types = (schema) => [schema, ...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
const says = (schema, format) => types(schema).some((part) => part.format === format);
// An id of theirs, not one of ours.
const theirs = ["external_id", "request_id", "client_request_id", "client_id", "key_id", "event_id", "webhook_id", "order_id"];

export default (properties, _options, { path }) => {
  const wrong = [];
  for (const [name, schema] of Object.entries(properties ?? {})) {
    const tell = (message) => wrong.push({ message: `${path[2]}.${name} ${message}`, path: [...path, name] });
    if (name.endsWith("_at") && !says(schema, "date-time")) tell("is not an instant");
    if (name.endsWith("_date") && !says(schema, "date")) tell("is not a date");
    if (name.endsWith("_id") && !theirs.some((their) => name.endsWith(their)) && !says(schema, "uuid")) tell("is not an id");
    if (!/^[a-z0-9][a-z0-9_]*$/.test(name) && !path.includes("Partial")) tell("is not in snake case");
  }
  return wrong;
};
