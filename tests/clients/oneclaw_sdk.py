"""Drive the vendor's Python client `oneclaw` through every call that it documents and this server has."""

from importlib import import_module

from harness import run

# Not named like the client: a script beside them called `oneclaw` would be imported in its place.
TOPICS = ("sdk_account", "sdk_vaults", "sdk_agents", "sdk_sharing", "sdk_wider", "sdk_outside")

if __name__ == "__main__":
    for topic in TOPICS:
        import_module(topic)
    run()
