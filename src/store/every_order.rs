//! A model: several processes and a store, in every order of their steps.
//!
//! It runs the flow and the settling rules themselves. Each step of a process (a look, a claim, a wait, a request, its response,
//! a settling, a revoking) is atomic, as it is in a store; between two steps any other process may do any of its own, or a
//! process may die. All states that can be reached are visited.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use zeroize::Zeroizing;

use super::flow::{End, Flow, Pace, Sight, Step};
use super::record::{Reading, Record, Tag};
use super::request::Slot;
use super::settle::{Change, Outcome, Settler};
use crate::model::timestamp::Timestamp;

const NOW: Timestamp = Timestamp { wall_ms: 0, boot_ms: 0 };
const DAY: u64 = 86_400_000;
/// Enough for two askers at once, and for whoever overtakes them.
const SLOTS: usize = 3;

/// What may happen in a model.
#[derive(Clone, Copy)]
struct Rules {
    processes: usize,
    /// The store notices the death of a process at once, or after the lease.
    notices_death: bool,
    deaths: u8,
    /// Requests that fail, and keys that are refused.
    failures: u8,
    refusals: u8,
    /// Tokens that B2 refuses after they were granted.
    revocations: u8,
    /// Processes that stop for ever, with all that they hold.
    stops: u8,
    /// How long each wait of a process takes.
    wait: Duration,
}

/// The state of everything.
#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    record: Option<Content>,
    slots: [Holder; SLOTS],
    processes: Vec<Process>,
    requests: u8,
    tokens: u8,
    /// Tokens that B2 refuses, and whether they were taken out of the store.
    refused: Vec<(u8, bool)>,
    budget: Budget,
}

/// What may still go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Budget {
    deaths: u8,
    failures: u8,
    refusals: u8,
    revocations: u8,
    stops: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Free,
    Process(u8),
    /// Until its lease ends.
    Dead,
}

/// A record, without its times.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Content {
    /// 0 for none.
    token: u8,
    http: u16,
    generation: u64,
    fails: u32,
    paused: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Process {
    /// Tokens that it knows to be refused, and those that were out of the store before it began.
    knows: Vec<u8>,
    must_not_get: Vec<u8>,
    place: Place,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Place {
    NotStarted,
    Walking(Flow, Seen),
    Asking {
        flow: Flow,
        seen: Seen,
        slot: Option<u8>,
    },
    /// The process has the token, and the store does not yet.
    Granted {
        token: u8,
        seen: Seen,
        slot: Option<u8>,
    },
    Refused {
        seen: Seen,
        slot: Option<u8>,
    },
    Has(u8),
    /// B2 refused its token: about to take it out of the store, and to ask anew.
    Revoking(u8),
    Failed,
    Dead,
    Stopped,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Seen {
    generation: u64,
    fails: u32,
}

impl Content {
    fn reading(self) -> Reading {
        let mut record = Record::blank(NOW, [1; 16]);
        record.tag = tag(self.token);
        record.generation = self.generation;
        record.fails = self.fails;
        record.http = self.http;
        record.pause_ms = if self.paused { 1_000 } else { 0 };
        if self.http == 200 {
            (record.life_ms, record.left_ms) = (DAY, DAY);
        }
        Reading::new(record, NOW, None, || [1; 16])
    }

    fn of(record: &Record) -> Self {
        Self {
            token: record.tag[0],
            http: record.http,
            generation: record.generation,
            fails: record.fails,
            paused: record.pause_ms > 0,
        }
    }
}

fn tag(token: u8) -> Tag {
    let mut tag = Tag::default();
    tag[0] = token;
    tag
}

impl World {
    fn new(rules: &Rules) -> Self {
        let new = Process { knows: Vec::new(), must_not_get: Vec::new(), place: Place::NotStarted };
        let Rules { deaths, failures, refusals, revocations, stops, .. } = *rules;
        Self {
            record: None,
            slots: [Holder::Free; SLOTS],
            processes: vec![new; rules.processes],
            requests: 0,
            tokens: 0,
            refused: Vec::new(),
            budget: Budget { deaths, failures, refusals, revocations, stops },
        }
    }

    /// Every state that one step leads to.
    fn next(&self, rules: &Rules) -> Vec<Self> {
        let mut all = Vec::new();
        for index in 0..self.processes.len() {
            self.steps_of(index, rules, &mut all);
        }
        for slot in 0..SLOTS {
            if self.slots[slot] == Holder::Dead {
                let mut world = self.clone();
                world.slots[slot] = Holder::Free;
                all.push(world);
            }
        }
        if let Some(content) = self.record.filter(|content| content.paused) {
            let mut world = self.clone();
            world.record = Some(Content { paused: false, ..content });
            all.push(world);
        }
        all
    }

    fn steps_of(&self, index: usize, rules: &Rules, all: &mut Vec<Self>) {
        let mut push = |change: &dyn Fn(&mut Self)| {
            let mut world = self.clone();
            change(&mut world);
            all.push(world);
        };
        let is_running = !matches!(
            self.processes[index].place,
            Place::NotStarted | Place::Has(_) | Place::Failed | Place::Dead | Place::Stopped
        );
        if is_running && self.budget.deaths > 0 {
            push(&|world| world.die(index, rules));
        }
        if is_running && self.budget.stops > 0 {
            push(&|world| {
                world.budget.stops -= 1;
                world.processes[index].place = Place::Stopped;
            });
        }
        if let Place::Granted { token, .. } = self.processes[index].place
            && self.budget.revocations > 0
        {
            // Another thread of the process got the token first, and B2 refused it.
            push(&|world| {
                world.budget.revocations -= 1;
                world.refused.push((token, true));
                world.processes[index].knows.push(token);
            });
        }
        match &self.processes[index].place {
            Place::NotStarted => push(&|world| world.start(index)),
            Place::Walking(..) => push(&|world| world.walk(index, rules)),
            Place::Asking { .. } => {
                push(&|world| world.respond(index, Response::Grant));
                if self.budget.failures > 0 {
                    push(&|world| world.respond(index, Response::Failure));
                }
                if self.budget.refusals > 0 {
                    push(&|world| world.respond(index, Response::Refusal));
                }
            }
            Place::Granted { .. } | Place::Refused { .. } => push(&|world| world.settle_verdict(index)),
            Place::Has(token) => {
                let token = *token;
                if self.budget.revocations > 0 && !self.refused.iter().any(|(known, _)| *known == token) {
                    push(&|world| {
                        world.budget.revocations -= 1;
                        world.refused.push((token, false));
                        world.processes[index].knows.push(token);
                        world.processes[index].place = Place::Revoking(token);
                    });
                }
            }
            Place::Revoking(token) => {
                let token = *token;
                push(&|world| {
                    if world.record.is_some_and(|content| content.token == token) {
                        world.record = None;
                    }
                    for refused in world.refused.iter_mut().filter(|(known, _)| *known == token) {
                        refused.1 = true;
                    }
                    world.start(index);
                });
            }
            Place::Failed | Place::Dead | Place::Stopped => {}
        }
    }

    fn start(&mut self, index: usize) {
        let pace = Pace {
            refresh_only: false,
            half: Duration::from_secs(5),
            slowest_poll: Duration::from_millis(100),
            max_attempts: 3,
        };
        let process = &mut self.processes[index];
        process.must_not_get = self.refused.iter().filter(|(_, is_out)| *is_out).map(|(token, _)| *token).collect();
        process.place = Place::Walking(Flow::new(pace, 0), Seen::default());
    }

    fn die(&mut self, index: usize, rules: &Rules) {
        self.budget.deaths -= 1;
        self.processes[index].place = Place::Dead;
        for slot in &mut self.slots {
            if *slot == Holder::Process(number(index)) {
                *slot = if rules.notices_death { Holder::Free } else { Holder::Dead };
            }
        }
    }

    /// What the process sees in the store.
    fn sight(&self, index: usize) -> Sight {
        let Some(content) = self.record else { return Sight::default() };
        let is_good = match content.http {
            0 => false,
            200 => !self.processes[index].knows.contains(&content.token),
            _ => true,
        };
        let wait = Duration::from_millis(content.reading().pause_left_ms());
        Sight { good: is_good, wait, fails: content.fails, generation: content.generation }
    }

    fn walk(&mut self, index: usize, rules: &Rules) {
        let Place::Walking(flow, _) = &self.processes[index].place else { return };
        let mut flow = flow.clone();
        let sight = self.sight(index);
        let seen = Seen { generation: sight.generation, fails: sight.fails };
        let me = Holder::Process(number(index));
        match flow.step(|| 0.0) {
            Step::Look => flow.looked(sight),
            Step::Claim(Slot(slot)) => {
                let place = &mut self.slots[usize::from(slot)];
                let is_ours = *place == Holder::Free;
                if is_ours {
                    *place = me;
                }
                flow.claimed(is_ours, sight);
            }
            Step::GiveBack => {
                self.give_back(index);
                flow.gave_back();
            }
            Step::WaitForOthers(_) | Step::WaitForTurn(_) => flow.waited(rules.wait),
            Step::Done(End::Take) => {
                self.processes[index].place = match self.record {
                    // Taken as it was seen: the store may have changed since.
                    Some(content) if content.http == 200 => Place::Has(content.token),
                    Some(_) => Place::Failed,
                    None => Place::Failed,
                };
                return;
            }
            Step::Done(End::Ask | End::WaitedHalf) => {
                let held = self.slots.iter().position(|holder| *holder == me).map(number);
                self.requests += 1;
                self.processes[index].place = Place::Asking { flow, seen, slot: held };
                return;
            }
            Step::Done(End::Exhausted | End::LeaveToOthers) => {
                self.processes[index].place = Place::Failed;
                return;
            }
        }
        // Looking and taking are one step, as a process takes what it has read.
        if flow.step(|| 0.0) == Step::Done(End::Take) {
            self.processes[index].place = Place::Walking(flow, seen);
            return self.walk(index, rules);
        }
        self.processes[index].place = Place::Walking(flow, seen);
    }

    fn respond(&mut self, index: usize, response: Response) {
        let Place::Asking { flow, seen, slot } = self.processes[index].place.clone() else { return };
        self.processes[index].place = match response {
            Response::Grant => {
                self.tokens += 1;
                Place::Granted { token: self.tokens, seen, slot }
            }
            Response::Refusal => {
                self.budget.refusals -= 1;
                Place::Refused { seen, slot }
            }
            Response::Failure => {
                self.budget.failures -= 1;
                if slot.is_none() {
                    Place::Failed
                } else {
                    let mut flow = flow;
                    self.settle(index, seen, &Outcome::Failure { http: 503, pause_ms: 1_000 });
                    let content = self.record.expect("it was settled");
                    flow.asked_in_vain(content.fails, content.generation);
                    Place::Walking(flow, Seen { generation: content.generation, fails: content.fails })
                }
            }
        };
    }

    fn settle_verdict(&mut self, index: usize) {
        match self.processes[index].place.clone() {
            Place::Granted { token, .. } if self.processes[index].knows.contains(&token) => {
                self.give_back(index);
                self.start(index);
            }
            Place::Granted { token, seen, slot } => {
                if slot.is_some() {
                    let body = Zeroizing::default();
                    self.settle(index, seen, &Outcome::Grant { tag: tag(token), life_ms: DAY, left_ms: DAY, body });
                }
                self.processes[index].place = Place::Has(token);
            }
            Place::Refused { seen, slot } => {
                if slot.is_some() {
                    self.settle(index, seen, &Outcome::Refusal { http: 401, body: Zeroizing::default() });
                }
                self.processes[index].place = Place::Failed;
            }
            _ => {}
        }
    }

    fn settle(&mut self, index: usize, seen: Seen, outcome: &Outcome) {
        let settler = Settler { now: NOW, boot_id: [1; 16], seen_generation: seen.generation, per_minute: 0 };
        let knows = &self.processes[index].knows;
        let current = self.record.map(Content::reading);
        if let Change::Write(record) = settler.settle(current.as_ref(), |tag| knows.contains(&tag[0]), outcome) {
            self.record = Some(Content::of(&record));
        }
        self.give_back(index);
    }

    fn give_back(&mut self, index: usize) {
        for slot in &mut self.slots {
            if *slot == Holder::Process(number(index)) {
                *slot = Holder::Free;
            }
        }
    }

    /// What must hold in every state.
    fn check(&self, rules: &Rules) {
        for process in &self.processes {
            if let Place::Has(token) = process.place {
                assert!(!process.must_not_get.contains(&token), "it was out of the store before the call began");
                assert!(!process.knows.contains(&token), "this very process knows that it was refused");
            }
        }
        for (slot, holder) in self.slots.iter().enumerate() {
            if let Holder::Process(index) = holder {
                let holds = !matches!(
                    self.processes[usize::from(*index)].place,
                    Place::NotStarted | Place::Has(_) | Place::Revoking(_) | Place::Failed | Place::Dead
                );
                assert!(holds, "slot {slot} is held by a process that is done");
            }
        }
        if rules.failures + rules.deaths + rules.revocations + rules.stops == 0 && rules.wait.is_zero() {
            assert!(self.requests <= 1, "nothing failed, and {} requests", self.requests);
        }
    }

    fn is_done(&self) -> bool {
        self.processes
            .iter()
            .all(|process| matches!(process.place, Place::Has(_) | Place::Failed | Place::Dead | Place::Stopped))
    }
}

enum Response {
    Grant,
    Refusal,
    Failure,
}

fn number(index: usize) -> u8 {
    u8::try_from(index).expect("few")
}

/// Visits every state, and checks that from each of them the end can be reached.
fn explore(rules: &Rules) -> Explored {
    let mut ids: HashMap<World, u32> = HashMap::new();
    let mut worlds = vec![World::new(rules)];
    let mut before: Vec<Vec<u32>> = vec![Vec::new()];
    ids.insert(worlds[0].clone(), 0);
    let mut at = 0;
    while at < worlds.len() {
        let from = u32::try_from(at).expect("few enough");
        worlds[at].check(rules);
        for next in worlds[at].next(rules) {
            let id = *ids.entry(next).or_insert_with_key(|next| {
                worlds.push(next.clone());
                before.push(Vec::new());
                u32::try_from(worlds.len() - 1).expect("few enough")
            });
            before[id as usize].push(from);
        }
        at += 1;
    }
    let ends: Vec<usize> = (0..worlds.len()).filter(|index| worlds[*index].is_done()).collect();
    let mut reaches: HashSet<usize> = ends.iter().copied().collect();
    let mut open = ends.clone();
    while let Some(index) = open.pop() {
        for from in &before[index] {
            if reaches.insert(*from as usize) {
                open.push(*from as usize);
            }
        }
    }
    assert_eq!(reaches.len(), worlds.len(), "a state without a way to the end");
    println!("{} states, {} ends", worlds.len(), ends.len());
    let requests = ends.iter().map(|index| worlds[*index].requests);
    Explored { states: worlds.len(), most_requests: requests.max().unwrap_or(0), ends: ends.len() }
}

struct Explored {
    states: usize,
    most_requests: u8,
    ends: usize,
}

const QUIET: Rules = Rules {
    processes: 3,
    notices_death: true,
    deaths: 0,
    failures: 0,
    refusals: 0,
    revocations: 0,
    stops: 0,
    wait: Duration::ZERO,
};

#[test]
fn one_request_if_nothing_fails() {
    for processes in 1..=4 {
        let explored = explore(&Rules { processes, ..QUIET });
        assert_eq!(explored.most_requests, 1, "{processes} processes");
    }
    let refused = explore(&Rules { refusals: 1, ..QUIET });
    assert_eq!(refused.most_requests, 1, "a wrong key is refused once");
    assert!(refused.states > 100 && refused.ends > 0);
}

#[test]
fn a_slow_asker_is_overtaken_and_everybody_gets_a_token() {
    let explored = explore(&Rules { wait: Duration::from_secs(3), ..QUIET });
    assert_eq!(explored.most_requests, 3, "the asker, who overtakes it, and who has waited for half of its time");
}

#[test]
fn processes_that_die_at_any_step_keep_nobody_waiting_for_ever() {
    for notices_death in [true, false] {
        for wait in [Duration::ZERO, Duration::from_secs(3)] {
            let explored = explore(&Rules { deaths: 2, notices_death, wait, ..QUIET });
            assert!(explored.ends > 0);
        }
    }
}

#[test]
fn a_process_that_stops_for_ever_keeps_nobody_waiting_for_ever() {
    let explored = explore(&Rules { stops: 1, wait: Duration::from_secs(3), ..QUIET });
    assert_eq!(explored.most_requests, 3);
    explore(&Rules { stops: 2, wait: Duration::from_secs(3), ..QUIET });
}

#[test]
fn failures_and_refusals_in_any_order_end_every_call() {
    explore(&Rules { failures: 2, refusals: 1, ..QUIET });
    explore(&Rules { processes: 2, failures: 4, deaths: 1, ..QUIET });
}

#[test]
fn no_refused_token_is_handed_out_again() {
    for notices_death in [true, false] {
        explore(&Rules { revocations: 1, deaths: 1, notices_death, ..QUIET });
        explore(&Rules {
            processes: 2,
            revocations: 2,
            failures: 1,
            wait: Duration::from_secs(3),
            notices_death,
            ..QUIET
        });
    }
}
