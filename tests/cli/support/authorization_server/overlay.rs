//! Changes to a JSON answer.

use serde_json::{Map, Value};

pub(super) fn overlay(value: &mut Value, changes: &Map<String, Value>) {
    let object = value.as_object_mut().unwrap();
    for (name, change) in changes {
        if change.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), change.clone());
        }
    }
}
