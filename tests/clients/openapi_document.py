"""What is read of an OpenAPI document to ask for its operations: schemas of answers, and which things exist."""

import json


class Document:
    """The document of a server."""

    def __init__(self, whole):
        self.whole = whole

    def resolved(self, value):
        """What a reference leads to."""
        while isinstance(value, dict) and "$ref" in value:
            found = self.whole
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            value = found
        return value

    def members(self, operation):
        """The members that a request can hold."""
        for content in self.resolved(operation["requestBody"])["content"].values():
            return sorted(self._properties(content["schema"])[0])
        return []

    def undocumented(self, operation, response):
        """Members of an answer that its schema does not know, as paths."""
        documented = self.resolved(operation["responses"].get(str(response.status_code), {}))
        media_type = response.headers.get("content-type", "").split(";")[0]
        content = documented.get("content", {}).get(media_type)
        if content is None or "json" not in media_type or media_type == "application/x-ndjson":
            return []
        try:
            body = response.json()
        except ValueError:
            return []
        return sorted(set(self._unknown(content.get("schema", {}), body, "")))

    def _properties(self, schema):
        """The properties of a schema with all its parts, and whether there may be others."""
        schema = self.resolved(schema)
        properties = dict(schema.get("properties", {}))
        opened = bool(schema.get("additionalProperties")) or "propertyNames" in schema
        parts = [part for kind in ("allOf", "oneOf", "anyOf") for part in schema.get(kind, [])]
        for part in parts:
            more, also = self._properties(part)
            properties.update(more)
            opened |= also
        opened |= not properties and not parts
        return properties, opened and not properties

    def _unknown(self, schema, value, at):
        schema = self.resolved(schema)
        if isinstance(value, list):
            items = next((part["items"] for part in self._parts(schema) if "items" in part), {})
            for item in value:
                yield from self._unknown(items, item, f"{at}[]")
        elif isinstance(value, dict):
            properties, opened = self._properties(schema)
            for name, member in value.items():
                if name in properties:
                    yield from self._unknown(properties[name], member, f"{at}.{name}")
                elif not opened:
                    yield f"{at}.{name}"

    def _parts(self, schema):
        schema = self.resolved(schema)
        yield schema
        for kind in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(kind, []):
                yield from self._parts(part)


class Known:
    """Things that a run has made: for each path that ends in a parameter, what its parameters may be."""

    # Members of bodies that name something, and the parameters that it is known by.
    ALIASES = {"principal_id": "agent_id", "scoped_identity_id": "identity_id"}

    def __init__(self, random, organization):
        self.random = random
        self.chains = {"/organization/{id}": [{"id": organization}]}
        self.organization = organization

    def learn(self, operation, case, response):
        """Remember what a POST made, and forget what a DELETE ended."""
        path, method = operation.path, operation.method.upper()
        given = dict(case.path_parameters or {})
        if method == "POST" and response.status_code == 201:
            for below, name in self._children(operation):
                if (made := made_id(response, name)) is not None:
                    self.chains.setdefault(below, []).append({**given, name: made})
        elif method == "DELETE" and response.status_code < 300 and path.endswith("}"):
            self.chains[path] = [chain for chain in self.chains.get(path, []) if chain != given]

    def point(self, operation, case, always=False):
        """Let a case be about something that exists: always, or mostly."""
        if not always and self.random.random() < 0.2:
            return
        path, given = operation.path, dict(case.path_parameters or {})
        fitting = [below for below in self.chains if self.chains[below] and (path == below or path.startswith(f"{below}/"))]
        if fitting:
            given.update(self.random.choice(self.chains[max(fitting, key=len)]))
        elif not always and given:
            examples = {one["name"]: one.get("example") for one in operation.definition.raw.get("parameters", [])}
            given = {name: examples.get(name, value) for name, value in given.items()}
        if given:
            case.path_parameters = given
        if isinstance(case.body, dict):
            if "organizationId" in case.body:
                case.body = {**case.body, "organizationId": self.organization}
            for name in [name for name in case.body if name.endswith("_id")]:
                parameter = self.ALIASES.get(name, name)
                known = [chain[parameter] for chains in self.chains.values() for chain in chains if parameter in chain]
                if known and (always or self.random.random() < 0.8):
                    case.body = {**case.body, name: self.random.choice(known)}

    def _children(self, operation):
        """The paths one parameter below this one, as the document knows them."""
        for path in operation.schema.raw_schema["paths"]:
            rest = path.removeprefix(f"{operation.path}/")
            if rest != path and rest.startswith("{") and rest.endswith("}") and "/" not in rest:
                yield path, rest[1:-1]


def made_id(response, name):
    """The id of what an answer says was made."""
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    if not isinstance(body, dict):
        return None
    places = [body, body.get("data"), *[member for member in body.values() if isinstance(member, dict)]]
    for place in places:
        if isinstance(place, dict):
            for word in (name, "id", "agent_handle", "slug", "key", "name"):
                if isinstance(place.get(word), str):
                    return place[word]
    return None
