//! Objects within a body whose members are known only by another member of it.

use kluis_engine::Error;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::extract::located;

/// What is said of a member that nobody knows; its name may be anything.
pub(crate) const UNKNOWN: &str = "has a member that this type does not know";

/// The value that an object fits which stands in a body as `field`; what is wrong is named within it.
pub(crate) fn object_of<T: DeserializeOwned>(
    field: &'static str,
    object: Map<String, Value>,
) -> Result<T, Error> {
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        let message = error.inner().to_string();
        if message.starts_with("unknown field `") {
            return Error::invalid(field, UNKNOWN);
        }
        let path = match error.path().to_string() {
            path if path == "." => field.to_owned(),
            path => format!("{field}.{path}"),
        };
        located(&path, &message)
    })
}
