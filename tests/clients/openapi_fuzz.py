"""Asks every documented operation for what its schema allows and for what it forbids, and holds each answer against the document.

An answer must have a documented status and media type, a body that its schema admits, no member that the schema does not
know, and never a 5xx. The documented examples must be taken as they stand.

Settings: KLUIS_OWNER_KEY, a key of an owner; KLUIS_FUZZ_CASES, how many cases each group of operations gets at least;
KLUIS_FUZZ_SEED; KLUIS_FUZZ_GROUPS, how the names of the groups to ask begin.
"""

import copy
import json
import os
import random
import sys
from collections import Counter, defaultdict

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from openapi_document import Document, Known
from steps import URL, setting

CASES = int(os.environ.get("KLUIS_FUZZ_CASES", "20"))
SEED = int(os.environ.get("KLUIS_FUZZ_SEED", "1"))
GROUPS = os.environ.get("KLUIS_FUZZ_GROUPS", "")
KEY = setting("KLUIS_OWNER_KEY")

CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# How each way to prove who one is stands in a request.
CREDENTIALS = {
    "ApiKeyAuth": {"Authorization": f"ApiKey {KEY}"},
    "BearerAuth": {"Authorization": f"Bearer {KEY}"},
    "KeyAuth": {"X-API-Key": KEY},
}
# Bodies that are no bodies of anything.
RAW = [b"", b"{", b"\xff\xfe", b"null", b"[]", b'"text"', b'{"a":1e999}', b"[" * 5000, b'{"name":"\\ud800"}']
# What may stand in place of any member or parameter.
BOUNDARIES = [
    None, True, 0, -1, 2**31, 2**63, 1.5, "", " ", "\0", "..", "x" * 256, "x" * 70_000, "\U0001d54f" * 300, [], {}, [None],
    ["x"] * 300,
]  # fmt: skip
# Segments of a path that the client itself takes for steps between directories.
STEPS = ("", ".", "..")
# What these examples hold cannot be right everywhere: sealed values, keys to seal for, codes, sessions.
PLACEHOLDERS = {
    "crate_rpc_store_secret", "crate_rpc_retrieve_secrets", "crate_secret_put", "crate_secret_retrieve",
    "credvault_session_delete", "credvault_totp_confirm", "credvault_totp_disable", "oneclaw_password_change",
    "oneclaw_session_delete", "oneclaw_totp_confirm", "oneclaw_totp_disable",
}  # fmt: skip


class Fuzzer:
    """The session, what is known to exist, and what was wrong."""

    def __init__(self):
        self.session = requests.Session()
        self.session.trust_env = False
        self.document = Document(self.session.get(f"{URL}/api-docs/openapi.json", timeout=30).json())
        self.random = random.Random(SEED)
        self.known = Known(self.random, self.organization())
        self.problems = defaultdict(list)
        self.statuses = defaultdict(Counter)

    def organization(self):
        """Whose secrets this is about."""
        return self.session.get(f"{URL}/v1/auth/me", headers=CREDENTIALS["BearerAuth"], timeout=30).json()["org_id"]

    def send(self, operation, case, **changes):
        """Send a case, with `changes` to the request that it makes, and look at the answer."""
        request = {**case.as_transport_kwargs(base_url=URL), "timeout": 60, **changes}
        request["headers"] = {**(request.get("headers") or {}), **self.credentials(operation), **changes.get("headers", {})}
        response = self.session.request(**request)
        self.check(operation, case, response)
        return response

    @staticmethod
    def credentials(operation):
        required = operation.definition.raw.get("security", [])
        return CREDENTIALS[next(iter(required[0]))] if required else {}

    def check(self, operation, case, response):
        name = operation.definition.raw["operationId"]
        self.statuses[name][response.status_code] += 1
        # A procedure that streams says so to whoever asks with a single message; it is documented to.
        if response.status_code >= 500 and response.status_code != 501:
            self.report(name, f"{response.status_code} server error", response)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self.report(name, f"{response.status_code} {failure.title}: {failure.message}", response)
        for member in self.document.undocumented(operation.definition.raw, response):
            self.report(name, f"{response.status_code} undocumented member: {member}", response)

    def report(self, name, problem, response):
        first = " ".join(problem.split())[:400]
        self.problems[name, first.split(" in ")[0][:160]].append((first, response))

    def generated(self, operation, count, mode):
        """Cases that the schema allows, or forbids, many of them about things that exist."""

        @seed(SEED)
        @settings(
            max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case):
            self.known.point(operation, case)
            if any(value in STEPS for value in (case.path_parameters or {}).values()):
                return
            self.known.learn(operation, case, self.send(operation, case))

        try:
            run()
        except Unsatisfiable:
            pass  # an operation that takes nothing has nothing that could be wrong

    def example(self, operation):
        """The documented example, about things that exist: whatever else is wrong, it is well formed."""
        raw = operation.definition.raw
        case = self.example_case(operation)
        response = self.send(operation, case)
        self.known.learn(operation, case, response)
        # Which of the clusters made on the way it is about is chance, and nothing is done on some kinds of them.
        is_unserved = "engine not supported" in response.text
        refused = response.status_code in (400, 413, 415, 422) and not is_unserved
        if refused and raw["operationId"] not in PLACEHOLDERS:
            refusal = f"the example is refused with {response.status_code}: {response.text[:300]}"
            self.report(raw["operationId"], refusal, response)

    def example_case(self, operation):
        raw = operation.definition.raw
        given = {"path": {}, "query": {}, "header": {}}
        for parameter in raw.get("parameters", []):
            if "example" in parameter:
                given[parameter["in"]][parameter["name"]] = parameter["example"]
        more = {}
        for media_type, body in raw.get("requestBody", {}).get("content", {}).items():
            more = {"body": copy.deepcopy(body["example"]), "media_type": media_type}
        case = operation.Case(
            path_parameters=given["path"] or None, query=given["query"] or None, headers=given["header"] or None, **more
        )
        self.known.point(operation, case, always=True)
        return case

    def boundaries(self, operation, count):
        """The example with something else in place of one thing, and bodies that are none."""
        variants = []
        base = self.example_case(operation)
        if isinstance(base.body, dict):
            members = self.document.members(operation.definition.raw)
            variants += [("body", member, value) for member in members for value in BOUNDARIES]
            variants += [("raw", None, body) for body in RAW]
            variants += [("type", None, kind) for kind in ("text/plain", "application/x-www-form-urlencoded", "")]
        for parameter in operation.definition.raw.get("parameters", []):
            place = parameter["in"]
            usable = [value for value in BOUNDARIES if is_text(value) and can_stand(place, str(value))]
            variants += [(place, parameter["name"], value) for value in usable]
        for place, name, value in self.random.sample(variants, min(count, len(variants))):
            case = self.example_case(operation)
            changes = {}
            if place == "body":
                case.body[name] = value
            elif place == "raw":
                changes = {"data": value, "json": None, "headers": {"Content-Type": "application/json"}}
            elif place == "type":
                changes = {"data": json.dumps(case.body), "json": None, "headers": {"Content-Type": value}}
            else:
                container = {"query": "query", "path": "path_parameters", "header": "headers"}[place]
                held = dict(getattr(case, container) or {})
                setattr(case, container, {**held, name: str(value)})
            self.known.learn(operation, case, self.send(operation, case, **changes))


def is_text(value):
    """Whether a value can be a parameter: a line of a request ends somewhere."""
    return isinstance(value, (str, int, float)) and not isinstance(value, bool) and len(str(value)) < 1000


def can_stand(place, value):
    """Whether the client can send a text there."""
    if place == "header":
        return value.isascii() and value.isprintable() and value == value.strip()
    return place == "query" or value not in STEPS


def order(operation):
    """Makers first, so that there is something to ask about; what ends things last."""
    method = operation.method.upper()
    ends = method == "DELETE" or operation.path.endswith(("purge/{path}", "/rotate", "reset-password", "/decline"))
    return (ends, method != "POST", operation.path.count("{"), operation.path)


def main():
    fuzzer = Fuzzer()
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_dict(fuzzer.document.whole, config=config)
    groups = defaultdict(list)
    for found in schema.get_all_operations():
        operation = found.ok()
        groups[operation.definition.raw["tags"][0]].append(operation)
    everything = sorted((operation for group in groups.values() for operation in group), key=order)
    sizes = {operation.label: len(group) for group in groups.values() for operation in group}
    chosen = [operation for operation in everything if operation.definition.raw["tags"][0].startswith(GROUPS)]
    for operation in (operation for operation in everything if operation.method.upper() == "POST"):
        fuzzer.example(operation)
    for operation in chosen:
        share = -(-CASES // sizes[operation.label])
        fuzzer.example(operation)
        fuzzer.generated(operation, -(-share // 3), GenerationMode.POSITIVE)
        fuzzer.generated(operation, -(-share // 3), GenerationMode.NEGATIVE)
        fuzzer.boundaries(operation, -(-share // 3))
    for name, group in groups.items():
        if group[0] in chosen:
            asked = Counter()
            for operation in group:
                asked.update(fuzzer.statuses[operation.definition.raw["operationId"]])
            print(f"ok {name}: {asked.total()} cases, {dict(sorted(asked.items()))}")
    names = [operation.definition.raw["operationId"] for operation in chosen]
    unanswered = [name for name in names if not any(200 <= status < 300 for status in fuzzer.statuses[name])]
    print(f"without a success: {', '.join(unanswered) or 'none'}")
    for (name, _), occurrences in sorted(fuzzer.problems.items()):
        problem, response = occurrences[0]
        asked = response.request
        print(f"\n{name}, {len(occurrences)} times: {problem}\n  {asked.method} {asked.url[:300]}")
        print(f"  {str(asked.body)[:300]}\n  {response.text[:300]}")
    sys.exit(1 if fuzzer.problems else 0)


if __name__ == "__main__":
    main()
