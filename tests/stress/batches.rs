//! Batches and the JSON action: many keys in one call, and text in place of handles.

use serde_json::{Value, json};

use crate::calls::{Before, lock};
use crate::counters::What;
use crate::identities::{STEADY, Who};
use crate::server_log_check::{Asker, Record};
use crate::token_oracle::Manner;
use crate::worker::Actor;

impl Actor<'_> {
    /// People by one way, no key id twice, so that a request's key id tells whose it is.
    fn crowd(&mut self) -> Vec<Who> {
        let way = self.dice.weighed(&[(6, 0), (2, 1), (2, 2)]);
        let mut crowd = Vec::new();
        for id in 0..STEADY {
            if self.dice.chance(600) {
                let key = if self.dice.chance(900) { 0 } else { self.dice.below(4) };
                crowd.push(self.storm.cast.who(id, key, way));
            }
        }
        for _ in 0..self.dice.below(4) {
            let anyone = self.storm.cast.anyone(&mut self.dice);
            let here = u64::try_from(anyone.way).expect("there are few") == way;
            if here && crowd.iter().all(|known| known.id != anyone.id) {
                crowd.push(anyone);
            }
        }
        crowd
    }

    fn asker(crowd: &[Who]) -> Asker {
        Asker::Many(crowd.iter().map(|who| (who.id.clone(), who.identity)).collect())
    }

    pub fn batch(&mut self) {
        let crowd = self.crowd();
        let Some(first) = crowd.first() else { return };
        let mode = self.dice.weighed(&[(8, "use"), (1, "refresh"), (1, "bypass")]);
        let how = self.how(first.way, mode, "batch", None);
        how.options.set("concurrency", Some(self.dice.pick(&["1", "4", "16"]))).expect("it is in range");
        how.options.set("batch_timeout_ms", Some(self.dice.pick(&["0", "500", "3000"]))).expect("it is in range");
        // Some places are equal, and get the same.
        let mut places: Vec<usize> = (0..crowd.len()).collect();
        for _ in 0..self.dice.below(3) {
            places.push(self.dice.index(crowd.len()));
        }
        let pairs: Vec<_> = places.iter().map(|at| (Some(&*crowd[*at].id), Some(&*crowd[*at].key))).collect();
        *lock(&self.storm.endings[self.number]) = how.ending.clone();
        let before: Vec<_> = crowd.iter().map(|who| Before::now(self.storm, who)).collect();
        let (_, answers) = self.storm.api.many(&pairs, &how.options);
        *lock(&self.storm.endings[self.number]) = None;
        self.storm.tally.add(What::Batches, 1);
        self.storm.tally.add(What::Places, answers.len() as u64);
        let asked = self.note(&how, Self::asker(&crowd)).asked;
        let manner = Manner { fresh: mode != "use", bypass: mode == "bypass", asked: None };
        let (mut counted, mut first_tokens) = (0, vec![None; crowd.len()]);
        for (at, answer) in places.iter().zip(answers) {
            let (who, before) = (&crowd[*at], &before[*at]);
            match answer {
                Ok(session) if first_tokens[*at].is_some() => {
                    if first_tokens[*at] != Some(session.token()) {
                        self.storm.trouble(2, "two equal places of a batch got two tokens");
                    }
                }
                Ok(session) => {
                    first_tokens[*at] = Some(session.token());
                    let held = self.receive(who, session, before, manner, &how);
                    self.keep(held);
                }
                Err(failure) => {
                    counted += failure.attempts;
                    if failure.status != 12 && failure.status != 11 && first_tokens[*at].is_some() {
                        self.storm.trouble(5, "of two equal places of a batch one failed");
                    }
                    self.suffer(who, &failure, before, &how);
                }
            }
        }
        if counted > asked {
            self.storm.trouble(4, format!("{counted} requests in a batch's errors, {asked} in its log"));
        }
    }

    /// Text in, text out. Such a call has no log, so it is made in some rounds only.
    pub fn act(&mut self) {
        if !self.storm.unheard.load(std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        let mut crowd = self.crowd();
        let alone = self.dice.chance(500);
        if alone {
            crowd.truncate(1);
        }
        let Some(first) = crowd.first() else { return };
        let tag = self.tag("json");
        let way = &self.storm.cast.ways[first.way];
        let all = if self.dice.chance(500) { "all" } else { "action" };
        let request = |who: &Who| {
            json!({ "keyId": who.id, "key": who.key, "realm": way.realm, "ca_file": way.ca, "proxy": "none",
                "user_agent": tag, "max_attempts": 2, "initial_backoff_ms": 5, "rate_limit_per_minute": 0,
                "attempt_timeout_ms": "400", "total_timeout_ms": 900, "negative_ttl_s": 0, "fields": all })
        };
        let text =
            if alone { request(first).to_string() } else { crowd.iter().map(request).collect::<Value>().to_string() };
        let before: Vec<_> = crowd.iter().map(|who| Before::now(self.storm, who)).collect();
        let answer = self.storm.api.action(&text);
        self.storm.tally.add(What::Actions, 1);
        let record = Record {
            asker: Self::asker(&crowd),
            most: u32::try_from(2 * crowd.len()).expect("there are few"),
            ..Record::unheard(tag)
        };
        lock(&self.storm.records[self.number]).push(record);
        let answers = if alone { vec![answer] } else { answer.as_array().cloned().unwrap_or_default() };
        if answers.len() != crowd.len() {
            self.storm.trouble(5, format!("{} answers to {} requests", answers.len(), crowd.len()));
        }
        for ((who, before), answer) in crowd.iter().zip(&before).zip(&answers) {
            self.answered(who, before, answer);
        }
    }

    fn answered(&self, who: &Who, before: &Before, answer: &Value) {
        let text = |name: &str| answer[name].as_str().unwrap_or_default();
        if let Some(error) = answer.get("error") {
            let status = error["status"].as_str().unwrap_or_default();
            let must_not = ["B2_OK", "B2_INVALID_ARGUMENT", "B2_INTERNAL_ERROR", "B2_CANCELLED", "B2_STORE_ERROR", ""];
            if must_not.contains(&status) || self.storm.secrets.stand_in(&answer.to_string()) {
                self.storm.trouble(5, format!("the action answered what it must not: {status}"));
            }
            return;
        }
        let token = text("authorizationToken");
        self.belongs(who, token, text("accountId"));
        if text("apiUrl") != self.storm.cast.ways[who.way].realm {
            self.storm.trouble(2, format!("the action answered {} for another server", text("apiUrl")));
        }
        if let Err(what) = self.storm.ledger.hand_out(who, token, before.began, Manner::default()) {
            self.storm.trouble(3, what);
        }
    }
}
