//! How many connections there are, in all and from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections against two limits.
#[derive(Debug)]
pub(super) struct Counts {
    state: Arc<Mutex<State>>,
    all: usize,
    per_client: usize,
}

#[derive(Debug, Default)]
struct State {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// A connection's place; dropping it makes room.
#[derive(Debug)]
pub(super) struct Place {
    state: Arc<Mutex<State>>,
    client: IpAddr,
}

impl Counts {
    pub(super) fn new(all: usize, per_client: usize) -> Self {
        Self {
            state: Arc::default(),
            all,
            per_client,
        }
    }

    /// A place for another connection from there, if there is one.
    pub(super) fn enter(&self, client: IpAddr) -> Option<Place> {
        // Counting cannot leave the state half changed, so a poisoned lock means nothing.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.all >= self.all {
            return None;
        }
        let own = state.by_client.get(&client).copied().unwrap_or(0);
        if own >= self.per_client {
            return None;
        }
        state.all += 1;
        state.by_client.insert(client, own + 1);
        Some(Place {
            state: Arc::clone(&self.state),
            client,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.all = state.all.saturating_sub(1);
        match state.by_client.get_mut(&self.client) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                state.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_places_come_back() {
        let counts = Counts::new(3, 2);
        let [one, other]: [IpAddr; 2] = [[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
        let first = counts.enter(one).unwrap();
        let _second = counts.enter(one).unwrap();
        assert!(counts.enter(one).is_none(), "two from one address");
        let _third = counts.enter(other).unwrap();
        assert!(counts.enter(other).is_none(), "three in all");
        drop(first);
        let _again = counts.enter(other).unwrap();
        assert_eq!(counts.state.lock().unwrap().by_client.len(), 2);
    }
}
