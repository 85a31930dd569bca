"""Drive the services of the Crate API through gRPC's Python library, with stubs of the published files."""

from importlib import import_module

from steps import run

TOPICS = ("rpc_storing", "rpc_selecting", "rpc_refusals")

if __name__ == "__main__":
    for topic in TOPICS:
        import_module(topic)
    run()
