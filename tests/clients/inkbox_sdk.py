"""Drive the vendor's Python client `inkbox` through every call of its vault, identities and keys."""

from importlib import import_module

from inkbox_harness import run

# Not named like the client: a script beside them called `inkbox` would be imported in its place.
TOPICS = ("inkbox_vault", "inkbox_secrets", "inkbox_agents", "inkbox_keys")

if __name__ == "__main__":
    for topic in TOPICS:
        import_module(topic)
    run()
