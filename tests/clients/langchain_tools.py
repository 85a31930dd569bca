"""Drive `langchain-1claw`, its client and its tools, through every call that it documents and this server has."""

import asyncio
import json
import os
from contextlib import contextmanager

# LangChain reports its runs to a hosted service where a developer's environment says so.
os.environ["LANGSMITH_TRACING"] = os.environ["LANGCHAIN_TRACING_V2"] = "false"

from langchain_1claw import (
    OneclawAuthError,
    OneclawChatMessageHistory,
    OneclawClient,
    OneclawError,
    OneclawGetSecretTool,
    OneclawMemoryRetriever,
    OneclawNotFoundError,
    OneclawPutSecretTool,
    OneclawValidationError,
    get_all_tools,
)
from langchain_core.messages import ToolMessage

from harness import URL, done, find, fresh, grant, owner, run, step, vault

EVERYTHING = ("read", "write", "delete", "rotate")


@contextmanager
def place(permissions=EVERYTHING, pattern="**", bound=True):
    """A vault and the key of an agent that may act in it; both are gone afterwards."""
    with vault() as vault_id:
        made = done(owner().agents.create(fresh("chain"), vault_ids=[vault_id] if bound else []), 201)
        if permissions:
            grant(vault_id, ("agent", made["agent"]["id"]), pattern, permissions)
        yield vault_id, made["agent"]["id"], made["api_key"]
        done(owner().agents.delete(made["agent"]["id"]), 204)


@contextmanager
def tools(**more):
    """The toolkit by name, for an agent that knows only its key, and the id of its vault."""
    with place(**more) as (vault_id, _, key), OneclawClient(api_key=key, base_url=URL) as client:
        yield {tool.name: tool for tool in get_all_tools(client)}, vault_id


def said(tool, **arguments):
    """What a tool says that has to succeed."""
    answer = tool.invoke(arguments)
    assert not answer.startswith("[1claw error]"), answer
    return answer


def complains(tool, reason, **arguments):
    """Check that a tool tells a model why it failed."""
    answer = tool.invoke(arguments)
    assert answer.startswith("[1claw error]") and reason in answer, f"{answer!r} does not say {reason!r}"


def raises(kind, text, function, *arguments, **more):
    """Check that the client raises exactly this kind of error."""
    try:
        found = function(*arguments, **more)
    except OneclawError as error:
        assert type(error) is kind and text in str(error), f"{type(error).__name__}: {error}"
        return
    raise AssertionError(f"{found!r} instead of {kind.__name__}")


@step("client/key-only")
def finds_agent_and_vault_by_its_key():
    with place() as (vault_id, agent_id, key), OneclawClient(api_key=key, base_url=URL) as client:
        assert client.agent_id == agent_id, "the exchange tells the agent"
        assert client.vault_id == vault_id, "and its first vault"
        find(client.list_vaults(), id=vault_id)


@step("client/explicit")
def takes_ids():
    with place() as (vault_id, agent_id, key):
        # A slash at the end of the base URL is the client's to remove.
        with OneclawClient(api_key=key, agent_id=agent_id, vault_id=vault_id, base_url=f"{URL}/") as client:
            assert client.list_secrets() == [], "a new vault is empty"
        with OneclawClient(api_key=key, agent_id=vault_id, base_url=URL) as client:
            raises(OneclawAuthError, "401", client.list_vaults)
    with OneclawClient(api_key=f"ocv_{'x' * 43}", base_url=URL) as client:
        raises(OneclawAuthError, "401", client.list_vaults)


@step("client/no-vault")
def says_that_it_has_no_vault():
    with place(permissions=None, bound=False) as (vault_id, agent_id, key):
        with OneclawClient(api_key=key, base_url=URL) as client:
            raises(OneclawError, "No vault_id", client.list_secrets)
        grant(vault_id, ("agent", agent_id), permissions=EVERYTHING)
        with OneclawClient(api_key=key, base_url=URL) as client:
            assert client.list_secrets(vault_id=vault_id) == [], "it works with a vault that is named"


@step("client/secrets")
def secrets():
    with place() as (vault_id, _, key), OneclawClient(api_key=key, base_url=URL) as client:
        made = client.put_secret("api-keys/openai", "sk-1", secret_type="api_key", description="for the bot")
        assert made["path"] == "api-keys/openai" and made["version"] == 1 and made["type"] == "api_key", made
        assert client.get_secret("api-keys/openai") == "sk-1", "another value came back"
        assert client.get_secret("/api-keys/openai") == "sk-1", "the client removes a leading slash"

        # A second write says neither type nor description.
        again = client.put_secret("api-keys/openai", "sk-2", vault_id=vault_id)
        assert again["version"] == 2 and again["type"] == "api_key", again
        assert client.put_secret("plain", "x")["type"] == "generic", "the type of a new path"

        assert [item["path"] for item in client.list_secrets()] == ["api-keys/openai", "plain"]
        assert [item["path"] for item in client.list_secrets(prefix="api-keys/")] == ["api-keys/openai"]

        rotated = client.rotate_secret("api-keys/openai", length=48, charset="alphanumeric")
        value = client.get_secret("api-keys/openai")
        assert rotated["version"] == 3 and len(value) == 48 and value.isalnum(), rotated

        assert client.delete_secret("api-keys/openai") == {}, "204 has no body"
        raises(OneclawError, "410", client.get_secret, "api-keys/openai")
        raises(OneclawNotFoundError, "Not found", client.delete_secret, "api-keys/openai")
        raises(OneclawNotFoundError, "Not found", client.get_secret, "never/was")
        raises(OneclawValidationError, "Validation", client.put_secret, "has space", "x")
        raises(OneclawValidationError, "Validation", client.rotate_secret, "plain", length=7)


@step("client/policies")
def what_policies_leave():
    with place(permissions=["read"], pattern="open/*") as (vault_id, _, key):
        for path in ("open/one", "closed/one"):
            done(owner().secrets.set(vault_id, path, path), 201)
        with OneclawClient(api_key=key, base_url=URL) as client:
            assert client.get_secret("open/one") == "open/one", "the policy opens this path"
            assert [item["path"] for item in client.list_secrets()] == ["open/one"], "and shows no other"
            raises(OneclawAuthError, "403", client.get_secret, "closed/one")
            raises(OneclawAuthError, "403", client.put_secret, "open/one", "x")


@step("tools/all")
def there_are_thirteen():
    with tools() as (kit, _):
        assert len(kit) == 13, sorted(kit)


@step("tools/secrets")
def secret_tools():
    with tools() as (kit, vault_id):
        put, get = kit["oneclaw_put_secret"], kit["oneclaw_get_secret"]
        listing, rotate = kit["oneclaw_list_secrets"], kit["oneclaw_rotate_secret"]

        made = json.loads(said(put, path="api-keys/new-key", value="sk-1", secret_type="api_key", description="new"))
        assert made["version"] == 1 and "value" not in made, made
        assert said(get, path="api-keys/new-key") == "sk-1"
        assert said(get, path="api-keys/new-key", vault_id=vault_id) == "sk-1"
        assert json.loads(said(put, path="other", value="x"))["type"] == "generic"

        assert [item["path"] for item in json.loads(said(listing))] == ["api-keys/new-key", "other"]
        assert [item["path"] for item in json.loads(said(listing, prefix="api-keys"))] == ["api-keys/new-key"]

        assert json.loads(said(rotate, path="api-keys/new-key"))["version"] == 2
        assert len(said(get, path="api-keys/new-key")) == 32
        assert json.loads(said(rotate, path="api-keys/new-key", length=16, charset="hex"))["version"] == 3
        assert len(bytes.fromhex(said(get, path="api-keys/new-key"))) == 8


@step("tools/one-by-one")
def tools_made_by_hand():
    with place() as (_, _, key), OneclawClient(api_key=key, base_url=URL) as client:
        said(OneclawPutSecretTool(client=client), path="a/b", value="x")
        assert said(OneclawGetSecretTool(client=client), path="a/b") == "x"


@step("tools/complaints")
def tools_tell_what_went_wrong():
    with tools(permissions=["read"]) as (kit, vault_id):
        done(owner().secrets.set(vault_id, "read/once", "x", max_access_count=1), 201)
        assert said(kit["oneclaw_get_secret"], path="read/once") == "x"
        complains(kit["oneclaw_get_secret"], "410", path="read/once")
        complains(kit["oneclaw_get_secret"], "Not found", path="never/was")
        complains(kit["oneclaw_put_secret"], "403", path="read/once", value="y")
        complains(kit["oneclaw_put_secret"], "Validation", path="dot.ted", value="y")
        complains(kit["oneclaw_rotate_secret"], "403", path="read/once")


@step("tools/as-a-model-calls")
def tool_calls():
    with tools() as (kit, _):
        call = {"type": "tool_call", "id": "call_1", "name": "oneclaw_put_secret", "args": {"path": "a", "value": "x"}}
        answer = kit["oneclaw_put_secret"].invoke(call)
        assert isinstance(answer, ToolMessage) and answer.tool_call_id == "call_1", answer
        assert json.loads(answer.content)["path"] == "a", answer.content


@step("tools/async")
def tools_await():
    async def together(get):
        return await asyncio.gather(*[get.ainvoke({"path": "shared"}) for _ in range(8)])

    with tools() as (kit, _):
        said(kit["oneclaw_put_secret"], path="shared", value="x")
        assert asyncio.run(together(kit["oneclaw_get_secret"])) == ["x"] * 8


@step("env/tools")
def env_tools():
    with tools() as (kit, vault_id):
        done(owner().env_vars.create(vault_id, "API_URL", "https://api"), 201)
        done(owner().env_vars.create(vault_id, "LEVEL", "debug", environments=["preview"]), 201)
        done(owner().env_vars.create(vault_id, "LEVEL", "trace", environments=["preview"], git_branch="fix"), 201)

        listed = json.loads(said(kit["oneclaw_list_env_vars"]))
        assert {item["key"] for item in listed} == {"API_URL", "LEVEL"}, listed
        listed = json.loads(said(kit["oneclaw_list_env_vars"], environment="production", vault_id=vault_id))
        assert [item["key"] for item in listed] == ["API_URL"], listed

        resolve = kit["oneclaw_resolve_env"]
        assert json.loads(said(resolve, environment="production"))["vars"] == {"API_URL": "https://api"}
        told = json.loads(said(resolve, environment="preview", git_branch="fix", vault_id=vault_id))
        assert told["vars"] == {"API_URL": "https://api", "LEVEL": "trace"}, told
        complains(resolve, "Validation", environment="nowhere")


@step("env/client")
def env_client():
    with place() as (vault_id, _, key), OneclawClient(api_key=key, base_url=URL) as client:
        done(owner().env_vars.create(vault_id, "API_URL", "https://api"), 201)
        assert [item["key"] for item in client.list_env_vars(environment="production")] == ["API_URL"]
        assert client.resolve_env_vars(environment="production")["vars"] == {"API_URL": "https://api"}


@step("outside/complaints")
def what_is_left_out_is_told():
    """Memory, signing and automations are out of the contract's scope (§16): their tools say so and nothing breaks."""
    with tools() as (kit, _):
        complains(kit["oneclaw_memory_put"], "Not found", key="k", value="v")
        complains(kit["oneclaw_memory_search"], "Not found", query="k")
        assert "not found" in kit["oneclaw_memory_get"].invoke({"key": "k"}), "nothing is remembered"
        complains(kit["oneclaw_sign_message"], "Not found", message="hello")
        complains(kit["oneclaw_submit_transaction"], "Not found", chain="ethereum", to="0x0", value="0")
        complains(kit["oneclaw_get_balance"], "Not found", chain="ethereum")
        complains(kit["oneclaw_trigger_automation"], "Not found", automation_id="a")
    with place() as (_, _, key), OneclawClient(api_key=key, base_url=URL) as client:
        assert OneclawChatMessageHistory(client=client, session_id="s").messages == [], "an empty history"
        assert OneclawMemoryRetriever(client=client).invoke("anything") == [], "nothing is found"


if __name__ == "__main__":
    run()
