//! JSON Schemas of what gotracer writes, generated from the types that write it.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The schema of a document. A field with a default may be missing: older versions did not write it.
pub(crate) fn of<T: JsonSchema>(id: &str) -> Value {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(RecursiveTransform(free_defaults));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("$id".into(), id.into());
    schema.into()
}

/// Takes fields with a default out of `required`.
fn free_defaults(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return;
    };
    let defaults = properties
        .iter()
        .filter(|(_, property)| property.get("default").is_some());
    let defaults: Vec<String> = defaults.map(|(name, _)| name.clone()).collect();
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !defaults.iter().any(|free| name == free));
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            if defaults.contains(name)
                && let Some(property) = property.as_object_mut()
            {
                property.remove("default");
            }
        }
    }
}

/// Compares a schema with the published file. `UPDATE_SCHEMAS=1 cargo test` writes the file.
#[cfg(test)]
pub(crate) fn assert_published(file: &str, schema: &Value) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema");
    let path = path.join(file);
    let mut text = serde_json::to_string_pretty(schema).unwrap();
    text.push('\n');
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap();
    assert!(
        published == text,
        "schema/{file} is stale: run UPDATE_SCHEMAS=1 cargo test -p gotracer-core schema"
    );
}
