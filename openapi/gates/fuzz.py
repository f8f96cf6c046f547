"""Schemathesis with all its checks over the whole contract, as a person, a machine and an auditor, on a company that
holds objects in every state.

    fuzz.py BINARY                    all of it: every phase, 200 cases an operation and more
    fuzz.py BINARY --seconds 90       what fits into so many seconds for each caller
    fuzz.py BINARY --role auditor     one caller only
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from service import Service, fill

HERE = pathlib.Path(__file__).parent
CONTRACT = HERE.parent / "duebook.json"
ROLES = ["ar_executive", "controller", "client", "auditor", "admin"]
# They end sessions, or close accounts after wrong passwords; tried when all others are done.
LAST = ["logout", "changePassword", "login"]

# Which ids fill which members of a body.
BODIES = {
    "body.customer_id": "customers", "body.items[*].customer_id": "customers", "body.payer_id": "customers",
    "body.original_invoice_id": "invoices", "body.allocations[*].target_id": "invoices", "body.targets[*].target_id": "invoices", "body.items[*].target_id": "invoices",
    "body.target_id": "invoices", "body.source_id": "receipts", "body.receipt_id": "receipts", "body.deductions[*].receipt_id": "receipts",
    "body.lines[*].item_id": "items", "body.bank_account_id": "bank-accounts", "body.payment_terms_id": "payment-terms", "body.gst_registration_id": "gst-registrations",
    "query.customer_id": "customers", "query.source_id": "receipts", "query.target_id": "invoices", "query.account_id": "gl-accounts", "query.gst_registration_id": "gst-registrations",
}


def ids(service):
    """Ids of everything there is, by collection; reads as those who may."""
    readers = [service.person(role) for role in ("controller", "admin")]
    contract = json.load(open(CONTRACT))
    found = {}
    for path, item in contract["paths"].items():
        if "get" in item and "{" not in path and path.startswith("/v1/") and path.count("/") == 2:
            for reader in readers:
                answer = reader.send("GET", path + ("?limit=100" if any("limit" in str(p) for p in item["get"]["parameters"]) else ""))
                rows = answer.get("data") if isinstance(answer, dict) else None
                if isinstance(rows, list) and rows and "id" in rows[0]:
                    found[path[4:]] = [row["id"] for row in rows]
                    break
    # A document is registered with the portal by its own id.
    found["einvoices"] = [row["document_id"] for row in readers[0].get("/v1/einvoices?limit=100")["data"] if row.get("document_id")] or found["invoices"]
    return found, contract


def configuration(found, contract, gstin):
    """schemathesis.toml: real ids in most places where an id stands."""
    lines = ["[dictionaries]"]
    found = {**found, "gstins": [gstin], "months": ["2025-01", "2025-02", "2010-02"], "return-months": ["012025", "022025"]}
    for name, values in found.items():
        lines.append(f"{name} = {{ values = {json.dumps(values)} }}")
    lines.append("[parameters]")
    for key, name in BODIES.items():
        if name in found:
            lines.append(f'"{key}" = {{ dictionary = "{name}", probability = 0.7 }}')
    lines += [
        "[checks.positive_data_acceptance]",
        # What the schema cannot say is refused with 422, with 409 for the state of things, with 412 for another version.
        'expected-statuses = ["2xx", "401", "403", "404", "406", "409", "412", "422", "429"]',
        "[checks.negative_data_rejection]",
        # What is wrong may also be too long for an address.
        'expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "414", "415", "422", "428", "429", "5xx"]',
        "[checks.missing_required_header]",
        # A missing If-Match is 428 (RFC 6585).
        'expected-statuses = ["400", "401", "403", "404", "406", "409", "415", "422", "428"]',
    ]
    for path in contract["paths"]:
        parts = path.split("/")
        bound = {}
        for at, part in enumerate(parts):
            name = {"{gstin}": "gstins", "{period}": "return-months" if "gst-returns" in path else "months"}.get(part, parts[at - 1] if part.endswith("id}") else None)
            if name in found:
                bound[f"path.{part[1:-1]}"] = name
        if bound:
            lines += ["[[operations]]", f'include-path = "{path}"', "[operations.parameters]"]
            lines += [f'"{key}" = {{ dictionary = "{name}", probability = 0.8 }}' for key, name in bound.items()]
        if path.endswith("/bulk"):
            # Each row is judged alone: a bad one is told inside a 207.
            lines += ["[[operations]]", f'include-path = "{path}"', "[operations.checks.negative_data_rejection]"]
            lines.append('expected-statuses = ["207", "400", "401", "403", "404", "405", "406", "409", "413", "414", "415", "422", "428", "429", "5xx"]')
    # A cursor is only good as it was given, a list sorted only by what it has, a payload made only of what is complete.
    lines += ["[[operations]]", 'include-method = "GET"', "[operations.checks.positive_data_acceptance]", 'expected-statuses = ["2xx", "400", "401", "403", "404", "406", "409", "422"]']
    return "\n".join(lines) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("binary")
    arguments.add_argument("--seconds", type=int, help="time for each caller; without it 200 cases an operation and phase")
    arguments.add_argument("--role", action="append", choices=ROLES)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--report", type=pathlib.Path, help="a directory for reports")
    given, rest = arguments.parse_known_args()
    failed = []
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        service = Service(given.binary, directory)
        try:
            fill(service)
            found, contract = ids(service)
            config = pathlib.Path(directory, "schemathesis.toml")
            config.write_text(configuration(found, contract, service.demo["gstin"]))
            roles = given.role or ROLES
            for last in (False, True):
                for role in roles if not last else roles[:1]:
                    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", str(CONTRACT), "--url", service.base_url]
                    command += ["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure", "--suppress-health-check", "all", "--seed", str(given.seed), "--no-color"]
                    command += ["--warnings", "off"]
                    for operation in LAST:
                        command += ["--include-operation-id" if last else "--exclude-operation-id", operation]
                    command += ["--max-examples", "200"] if given.seconds is None else ["--max-examples", "20", "--max-time", str(given.seconds if not last else 5)]
                    if given.report:
                        command += ["--report", "json", "--report-json-path", str(given.report / f"{role}{'-last' if last else ''}.json")]
                    print(f"== schemathesis as {role}", flush=True)
                    environment = {**os.environ, "DEMO": os.path.join(directory, "demo.json"), "ROLE": role, "PYTHONPATH": str(HERE), "SCHEMATHESIS_HOOKS": "hooks"}
                    if subprocess.run(command + rest, env=environment, cwd=directory).returncode:
                        failed.append(role)
        finally:
            service.stop()
        log = open(os.path.join(directory, "server.log")).read()
    # What is no HTTP at all the server notes as an error of its own.
    errors = [line for line in log.splitlines() if '"level":"ERROR"' in line and "request parse error" not in line]
    print("\n".join(errors[:20]))
    if failed or errors:
        sys.exit(f"failures as {', '.join(failed) or 'nobody'}; {len(errors)} errors in the service's log")


if __name__ == "__main__":
    main()
