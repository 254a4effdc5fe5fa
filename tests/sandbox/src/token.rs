//! The tokens given out so far, and what became of them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use crate::random;
use crate::sync::lock;

/// Older tokens make room, so that a long load test does not fill the memory. They are then as if never given out.
const MOST: usize = 200_000;

#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    by_name: HashMap<Arc<str>, Token>,
    in_order: VecDeque<Arc<str>>,
}

#[derive(Debug)]
struct Token {
    key_id: String,
    born: Instant,
    life: Duration,
    expired: bool,
}

/// What a token is worth now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// Good, and of this key.
    Good(String),
    /// Was good once, and of this key.
    Expired(String),
    /// Never given out.
    Unknown,
}

impl Tokens {
    /// A fresh token in the shape of a real one. Older ones stay good.
    pub(crate) fn mint(&self, key_id: &str, life: Duration) -> String {
        let tail = URL_SAFE.encode(random::bytes::<20>());
        let number = random::number();
        let token = format!("4_{key_id}_{:08x}_{:06x}_acct_{tail}", number >> 32, number & 0x00ff_ffff);
        let entry = Token { key_id: key_id.to_owned(), born: Instant::now(), life, expired: false };
        let mut state = lock(&self.0);
        if state.in_order.len() == MOST
            && let Some(oldest) = state.in_order.pop_front()
        {
            state.by_name.remove(&oldest);
        }
        let name: Arc<str> = token.as_str().into();
        state.in_order.push_back(Arc::clone(&name));
        state.by_name.insert(name, entry);
        token
    }

    pub(crate) fn worth(&self, token: &str) -> Worth {
        match lock(&self.0).by_name.get(token) {
            None => Worth::Unknown,
            Some(known) if known.expired || known.born.elapsed() >= known.life => Worth::Expired(known.key_id.clone()),
            Some(known) => Worth::Good(known.key_id.clone()),
        }
    }

    /// Ends one token.
    pub(crate) fn expire(&self, token: &str) {
        if let Some(known) = lock(&self.0).by_name.get_mut(token) {
            known.expired = true;
        }
    }

    /// Ends every token so far of this key, or with `*` of every key.
    pub(crate) fn expire_all_of(&self, key_id: &str) {
        for token in lock(&self.0).by_name.values_mut() {
            token.expired |= key_id == "*" || token.key_id == key_id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_look_real_and_never_repeat() {
        let tokens = Tokens::default();
        let day = Duration::from_secs(86_400);
        let one = tokens.mint("0014aa9865d6f0000000000b0", day);
        let two = tokens.mint("0014aa9865d6f0000000000b0", day);
        assert_ne!(one, two);
        assert_eq!(one.len(), 77);
        assert!(one.starts_with("4_0014aa9865d6f0000000000b0_") && one.ends_with('='));
        assert_eq!(tokens.worth(&one), Worth::Good("0014aa9865d6f0000000000b0".to_owned()));
    }

    #[test]
    fn the_oldest_make_room() {
        let tokens = Tokens::default();
        let day = Duration::from_secs(86_400);
        let (first, second) = (tokens.mint("k", day), tokens.mint("k", day));
        for _ in 2..=MOST {
            tokens.mint("k", day);
        }
        assert_eq!(tokens.worth(&first), Worth::Unknown);
        assert_eq!(tokens.worth(&second), Worth::Good("k".to_owned()));
    }

    #[test]
    fn a_token_ends_by_its_life_or_by_order() {
        let tokens = Tokens::default();
        let short = tokens.mint("k", Duration::ZERO);
        assert_eq!(tokens.worth(&short), Worth::Expired("k".to_owned()));
        let other = tokens.mint("other", Duration::from_secs(60));
        let mine = tokens.mint("k", Duration::from_secs(60));
        tokens.expire_all_of("k");
        assert_eq!(tokens.worth(&mine), Worth::Expired("k".to_owned()));
        assert!(matches!(tokens.worth(&other), Worth::Good(_)));
        assert_eq!(tokens.worth("4_made_up"), Worth::Unknown);
    }
}
