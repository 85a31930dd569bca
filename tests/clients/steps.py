"""What all scripts share: where the server is, and how steps run.

Settings: KLUIS_URL. KLUIS_STEPS, a comma list of steps or topics, runs those alone: `secrets,sharing/link`.
"""

import os
import sys
import traceback
import uuid

for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]  # the clients would ask a proxy for a server on this machine


def setting(name):
    """A setting that a script cannot do without."""
    value = os.environ.get(name)
    assert value, f"this step needs {name}"
    return value


URL = setting("KLUIS_URL")

_steps = []


def step(name):
    """Make a function a step called `topic/what`; steps run in the order of their definition."""

    def register(function):
        _steps.append((name, function))
        return function

    return register


def sentence(function):
    """Make a function a step that is called as the function is: `a_key_is_wanted` is `a key is wanted`."""
    return step(function.__name__.replace("_", " "))(function)


def run():
    """Run the chosen steps and stop at the first that fails."""
    names = {part for name, _ in _steps for part in (name, name.split("/")[0])}
    chosen = {part.strip() for part in os.environ.get("KLUIS_STEPS", "").split(",")} - {""}
    if chosen - names:
        sys.exit(f"no such steps: {', '.join(sorted(chosen - names))}; there are: {', '.join(sorted(names))}")
    for name, function in _steps:
        if chosen and not chosen & {name, name.split("/")[0]}:
            continue
        try:
            function()
        except Exception:  # an unexpected error of the client fails its step like an assertion
            traceback.print_exc()
            sys.exit(f"FAILED {name}")
        print(f"ok {name}", flush=True)


def fresh(word):
    """A name that nothing else has."""
    return f"{word}-{uuid.uuid4().hex[:12]}"
