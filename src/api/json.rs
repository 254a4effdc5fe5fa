//! The workflow action, text in and text out: a JSON request, or an array of them, and a JSON answer to each.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::batch::{self, Outcome, Pace, Place};
use crate::diag::error::{Error, Status};
use crate::json::error::Flaw;
use crate::json::{self, Members, Value};
use crate::model::session::Session;
use crate::options::{self, Options};
use crate::ports::World;
use crate::state::Shared;

/// The longest array. Every place has an answer of some hundred bytes, so a few megabytes of commas would fill the memory.
const MOST: usize = 100_000;

/// What the action answers, and how it went: for an array, how the lowest place that failed did.
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) text: Zeroizing<String>,
}

/// Answers a request, whatever it is.
pub(crate) fn answer(shared: &Shared, world: World<'_>, request: &[u8]) -> Answer {
    match json::read(or_empty(request)) {
        Ok(Value::Object(members)) => one(shared, world, members),
        Ok(Value::List(list)) if list.len() > MOST => {
            failed(&Error::invalid(format!("a batch has at most {MOST} requests, not {}", list.len())))
        }
        Ok(Value::List(list)) => many(shared, world, list),
        Ok(other) => failed(&not_an_object(&other)),
        Err(flaw) => failed(&unreadable(&flaw)),
    }
}

/// Nothing at all stands for a request that leaves everything open.
fn or_empty(request: &[u8]) -> &[u8] {
    if request.trim_ascii().is_empty() { b"{}" } else { request }
}

/// What there is to say against a request, all of it, without answering any.
#[cfg(fuzzing)]
pub(crate) fn objections(request: &[u8]) -> Vec<Error> {
    let objection = |value| match value {
        Value::Object(members) => read(members, &mut Alike::new()).err(),
        other => Some(not_an_object(&other)),
    };
    match json::read(or_empty(request)) {
        Ok(Value::List(list)) => list.into_iter().filter_map(objection).collect(),
        Ok(value) => objection(value).into_iter().collect(),
        Err(flaw) => vec![unreadable(&flaw)],
    }
}

/// What one object of a request asks for.
struct Request {
    key_id: Zeroizing<String>,
    key: Zeroizing<String>,
    options: Rc<Options>,
    /// Of a batch, if this says so much of it.
    concurrency: Option<u32>,
}

/// The options of the requests so far, by what was set in them: names, and digests of values, one of which may be a
/// proxy's password. Requests that set the same share their options, by which the batch knows equal places.
type Alike = HashMap<Vec<(&'static str, u128)>, Rc<Options>>;

impl Request {
    fn place(&self) -> Place<'_> {
        Place { key_id: self.key_id.as_bytes(), key: self.key.as_bytes(), options: &self.options }
    }
}

fn one(shared: &Shared, world: World<'_>, members: Members) -> Answer {
    match read(members, &mut Alike::new()) {
        Ok(request) => {
            let pace = Pace { concurrency: 1, timeout: Duration::ZERO };
            let mut outcomes = batch::authorize_many(shared, world, &[request.place()], pace);
            told(&outcomes.remove(0), &request.options)
        }
        Err(error) => failed(&error),
    }
}

/// The concurrency and the time of an array are the largest that one of its places gives.
fn many(shared: &Shared, world: World<'_>, list: Vec<Value>) -> Answer {
    let mut alike = Alike::new();
    let requests: Vec<Result<Request, Error>> = list
        .into_iter()
        .map(|value| match value {
            Value::Object(members) => read(members, &mut alike),
            other => Err(not_an_object(&other)),
        })
        .collect();
    let good: Vec<&Request> = requests.iter().flatten().collect();
    let given = good.iter().filter_map(|request| request.concurrency).max();
    let pace = Pace {
        // Where none is given, each has the default.
        concurrency: given.or(good.first().map(|request| request.options.concurrency)).unwrap_or(1),
        timeout: good.iter().map(|request| request.options.batch_timeout).max().unwrap_or_default(),
    };
    let places: Vec<Place<'_>> = good.iter().map(|request| request.place()).collect();
    let mut outcomes = batch::authorize_many(shared, world, &places, pace).into_iter();
    let mut answer = Answer { status: Status::Ok, text: Zeroizing::new("[".to_owned()) };
    for (index, request) in requests.iter().enumerate() {
        let place = match request {
            Ok(request) => {
                let outcome = outcomes.next().expect("each good request has an outcome");
                told(&outcome, &request.options)
            }
            Err(error) => failed(error),
        };
        if answer.status == Status::Ok {
            answer.status = place.status;
        }
        if index > 0 {
            answer.text.push(',');
        }
        answer.text.push_str(&place.text);
    }
    answer.text.push(']');
    answer
}

/// Reads one object. Its values are not repeated: one may be a key in the wrong place.
fn read(members: Members, alike: &mut Alike) -> Result<Request, Error> {
    let (mut key_id, mut key, mut options) = (blank(), blank(), Options::new());
    let mut settings = Vec::new();
    let mut seen: Vec<&str> = Vec::with_capacity(members.len());
    for (name, value) in members {
        let name = known(&name)?;
        if seen.contains(&name) {
            return Err(Error::invalid(format!("the request has \"{name}\" twice")));
        }
        seen.push(name);
        let setting = match (name, value) {
            ("keyId" | "applicationKeyId", value) => {
                credential(&mut key_id, "keyId", "applicationKeyId", value)?;
                continue;
            }
            ("key" | "applicationKey", value) => {
                credential(&mut key, "key", "applicationKey", value)?;
                continue;
            }
            (_, Value::Null) => continue,
            (_, Value::Text(text)) => text,
            (_, Value::Whole(number)) => Zeroizing::new(number.to_string()),
            (_, other) => {
                let kind = other.kind();
                return Err(Error::invalid(format!("\"{name}\" is {kind}, not a string or a whole number")));
            }
        };
        options.set(name, Some(&setting))?;
        settings.push((name, options.scope().digest(setting.as_bytes())));
    }
    let concurrency = settings.iter().any(|(name, _)| *name == "concurrency").then_some(options.concurrency);
    let options = Rc::clone(alike.entry(settings).or_insert_with(|| Rc::new(options)));
    Ok(Request { key_id, key, options, concurrency })
}

/// The field of that name. A name that is not known is not repeated: it may be a key in the wrong place.
fn known(name: &str) -> Result<&'static str, Error> {
    let fields = || ["keyId", "applicationKeyId", "key", "applicationKey"].into_iter().chain(Options::names());
    fields().find(|field| *field == name).ok_or_else(|| {
        Error::invalid("the request has a field that is not known").with_hint(options::did_you_mean(fields(), name))
    })
}

/// A field that has two spellings. Both may be there if they agree, or if one of them is blank.
fn credential(field: &mut Zeroizing<String>, name: &str, spelling: &str, value: Value) -> Result<(), Error> {
    let text = match value {
        Value::Null => return Ok(()),
        Value::Text(text) => text,
        other => return Err(Error::invalid(format!("\"{name}\" is {}, not a string", other.kind()))),
    };
    if text.trim_ascii().is_empty() {
        return Ok(());
    }
    if !field.is_empty() && field.trim_ascii() != text.trim_ascii() {
        return Err(Error::invalid(format!("the request has \"{name}\" and \"{spelling}\", and they differ")));
    }
    *field = text;
    Ok(())
}

fn blank() -> Zeroizing<String> {
    Zeroizing::new(String::new())
}

fn unreadable(flaw: &Flaw) -> Error {
    Error::invalid(format!("the request can't be read: {flaw}"))
}

fn not_an_object(value: &Value) -> Error {
    Error::invalid(format!("a request is a JSON object, not {}", value.kind()))
        .with_hint("for example {\"keyId\": \"…\", \"key\": \"…\"}, or {} to have the key found")
}

fn told(outcome: &Outcome, options: &Options) -> Answer {
    match outcome {
        Ok(session) => Answer { status: Status::Ok, text: granted(session, options.all_fields) },
        Err(error) => failed(error),
    }
}

fn granted(session: &Arc<Session>, all_fields: bool) -> Zeroizing<String> {
    if all_fields {
        return Zeroizing::new(session.json().to_string_lossy().into_owned());
    }
    session.action_json()
}

fn failed(error: &Error) -> Answer {
    Answer { status: error.status(), text: Zeroizing::new(error.to_json()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_set_the_same_share_their_options() {
        let Ok(Value::List(list)) = json::read(
            br#"[{"cache": "refresh", "max_attempts": 2}, {"keyId": "id", "cache": "refresh", "max_attempts": "2"},
                 {"cache": "refresh", "max_attempts": 3}, {"cache": "bypass", "max_attempts": 2}, {"cache": null}, {}]"#,
        ) else {
            panic!("it is an array")
        };
        let mut alike = Alike::new();
        let mut options = Vec::new();
        for value in list {
            let Value::Object(members) = value else { panic!("they are objects") };
            options.push(read(members, &mut alike).expect("they are sound").options);
        }
        let shares = |index: usize| options.iter().position(|other| Rc::ptr_eq(other, &options[index]));
        assert_eq!((0..6).map(shares).collect::<Vec<_>>(), [0, 0, 2, 3, 4, 4].map(Some));
    }
}
