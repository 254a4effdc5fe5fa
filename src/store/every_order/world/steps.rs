//! What each process may do next, and what must hold in every state.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{Budget, Content, DAY, Holder, NOW, Place, Process, Rules, SLOTS, Seen, World, tag};
use crate::store::flow::{End, Flow, Pace, Sight, Step};
use crate::store::request::Slot;
use crate::store::settle::{Change, Outcome, Settler};

impl World {
    pub(in crate::store::every_order) fn new(rules: &Rules) -> Self {
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
    pub(in crate::store::every_order) fn next(&self, rules: &Rules) -> Vec<Self> {
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
    pub(in crate::store::every_order) fn check(&self, rules: &Rules) {
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

    pub(in crate::store::every_order) fn is_done(&self) -> bool {
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
