"""What schemathesis cannot know: how to sign in, and that files are files."""

import json
import os

import schemathesis
from service import Caller, Service


class Running(Service):
    """A service somebody else started."""

    def __init__(self, demo):
        self.demo, self.base_url = demo, demo["base_url"]


running = Running(json.load(open(os.environ["DEMO"])))
role = os.environ["ROLE"]


# A token lives for a quarter of an hour.
@schemathesis.auth(refresh_interval=600)
class Token:
    def get(self, case, context):
        return (running.machine() if role == "client" else running.person(role)).token

    def set(self, case, token, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


def named_once(body):
    """A thing is named in one way (x-named-once), which no keyword of JSON Schema says without confusing tools."""
    if isinstance(body, dict):
        for name in [name for name in body if name.endswith("_id") and not name.endswith("external_id")]:
            for ending in ("_external_id", "_code"):
                body.pop(name[:-3] + ending, None)
        for name in [name for name in body if name.endswith("_external_id")]:
            body.pop(name.removesuffix("_external_id") + "_code", None)
    for value in body.values() if isinstance(body, dict) else body if isinstance(body, list) else []:
        named_once(value)


def without_nul(value):
    """No text and no name holds U+0000, at any depth, which a schema cannot say of objects that are free."""
    if isinstance(value, dict):
        return {name.replace("\0", ""): without_nul(member) for name, member in value.items()}
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    return value.replace("\0", "") if isinstance(value, str) else value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Where it has no value for If-Match it takes 0, which no schema of ours allows; things are named once."""
    if case.meta and case.meta.generation.mode.is_positive:
        if (case.headers or {}).get("If-Match") == "0":
            case.headers["If-Match"] = '"v1"'
        case.body = without_nul(case.body)
        named_once(case.body)


@schemathesis.deserializer("application/pdf", "image/png", "image/svg+xml", "text/csv", "text/plain", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
def a_file(ctx, response):
    return response.content.decode("utf-8", errors="replace")


@schemathesis.serializer("application/jsonl", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
def as_it_is(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", errors="replace")
