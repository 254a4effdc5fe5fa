//! Changes to a JSON body: merge patches, members taken away, members set.

use serde_json::{Map, Value};

use crate::fault::Edit;

pub(crate) fn apply(edits: &[Edit], body: &mut Value) {
    for edit in edits {
        match edit {
            Edit::Merge(patch) => merge(body, patch),
            Edit::Remove(path) => remove(body, path),
            Edit::Set { path, to } => set(body, path, to),
        }
    }
}

/// RFC 7396: null takes away, objects go deep, all else replaces.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.as_str()).or_insert(Value::Null), change);
        }
    }
}

/// The parent of what a pointer names, and the last name in it.
fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn remove(body: &mut Value, path: &str) {
    let Some((parent, last)) = split(path) else {
        return;
    };
    match body.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(&last);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

fn set(body: &mut Value, path: &str, to: &Value) {
    let Some((parent, last)) = split(path) else {
        *body = to.clone();
        return;
    };
    match body.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.insert(last, to.clone());
        }
        Some(Value::Array(items)) => match last.parse::<usize>() {
            Ok(index) if index < items.len() => items[index] = to.clone(),
            _ => items.push(to.clone()),
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_of_change_finds_its_place() {
        let mut body = json!({"a": {"b": 1, "c": [1, 2]}, "d": null});
        let edits = [
            Edit::Merge(json!({"a": {"b": "x", "new": true}})),
            Edit::Remove("/a/c/0".to_owned()),
            Edit::Remove("/d".to_owned()),
            Edit::Set { path: "/a/c/-".to_owned(), to: json!(3) },
            Edit::Set { path: "/e".to_owned(), to: Value::Null },
            Edit::Remove("/not/there".to_owned()),
        ];
        apply(&edits, &mut body);
        assert_eq!(body, json!({"a": {"b": "x", "c": [2, 3], "new": true}, "e": null}));
    }

    #[test]
    fn the_whole_body_can_be_set() {
        let mut body = json!({"a": 1});
        apply(&[Edit::Set { path: String::new(), to: json!("text") }], &mut body);
        assert_eq!(body, json!("text"));
    }
}
