//! The table of sessions: from a session handle to its session, without a lock that threads share.
//!
//! Cells are allocated in chunks and never move, so a handle leads to its cell by arithmetic, and
//! two threads in two sessions touch no common lock. A cell carries how often it was used before;
//! that number is part of the handle, so that the handle of a closed session stays invalid.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use cryptoki_sys::{CK_SESSION_HANDLE, CK_SLOT_ID};

use crate::rv::{Result, Rv};
use crate::session::Session;

/// Bits of a handle that say which cell; the bits above them count the cell's sessions. A handle
/// has 32 bits where `CK_ULONG` has.
const INDEX_BITS: u32 = 16;

/// Sessions that can be open at once: one less than the index bits can say, since no handle is 0.
pub(crate) const MAX_SESSIONS: usize = (1 << INDEX_BITS) - 1;

const CHUNK: usize = 64;
const CHUNKS: usize = (MAX_SESSIONS + 1) / CHUNK;

type Chunk = Box<[Mutex<Cell>]>;

#[derive(Default)]
struct Cell {
    /// How many sessions this cell has held.
    uses: u32,
    session: Option<Box<Session>>,
}

/// The open sessions of a process.
pub(crate) struct SessionTable {
    chunks: Box<[OnceLock<Chunk>]>,
    free: Mutex<FreeCells>,
    limit: usize,
}

#[derive(Default)]
struct FreeCells {
    returned: Vec<u16>,
    next: usize,
    open: usize,
}

impl SessionTable {
    /// A table for at most `limit` sessions.
    pub(crate) fn new(limit: usize) -> Self {
        SessionTable {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            free: Mutex::default(),
            limit: limit.min(MAX_SESSIONS),
        }
    }

    /// Opens a session; `make` is given its handle.
    ///
    /// # Errors
    /// `CKR_SESSION_COUNT` when the limit is reached.
    pub(crate) fn insert(
        &self,
        make: impl FnOnce(CK_SESSION_HANDLE) -> Session,
    ) -> Result<CK_SESSION_HANDLE> {
        let index = {
            let mut free = lock(&self.free);
            if free.open >= self.limit {
                return Err(Rv::SESSION_COUNT);
            }
            free.open += 1;
            free.returned.pop().map(usize::from).unwrap_or_else(|| {
                free.next += 1;
                free.next - 1
            })
        };
        let mut cell = lock(self.cell(index).ok_or(Rv::SESSION_COUNT)?);
        cell.uses = cell.uses.wrapping_add(1);
        let handle = handle_of(index, cell.uses);
        cell.session = Some(Box::new(make(handle)));
        Ok(handle)
    }

    /// Runs `function` on a session, alone on it.
    ///
    /// # Errors
    /// `CKR_SESSION_HANDLE_INVALID`.
    pub(crate) fn with<T>(
        &self,
        handle: CK_SESSION_HANDLE,
        function: impl FnOnce(&mut Session) -> Result<T>,
    ) -> Result<T> {
        let mut cell = self.locked(handle)?;
        function(
            cell.session
                .as_deref_mut()
                .ok_or(Rv::SESSION_HANDLE_INVALID)?,
        )
    }

    /// Whether there is such a session.
    pub(crate) fn contains(&self, handle: CK_SESSION_HANDLE) -> bool {
        self.with(handle, |_| Ok(())).is_ok()
    }

    /// Takes a session out of the table; its handle is invalid from here on. Waits for a call that
    /// is using it.
    pub(crate) fn remove(&self, handle: CK_SESSION_HANDLE) -> Result<Box<Session>> {
        let session = self
            .locked(handle)?
            .session
            .take()
            .ok_or(Rv::SESSION_HANDLE_INVALID)?;
        let mut free = lock(&self.free);
        free.open -= 1;
        if let Some((index, _)) = split(handle) {
            free.returned.extend(u16::try_from(index));
        }
        Ok(session)
    }

    /// The handles of the open sessions of one slot.
    pub(crate) fn of_slot(&self, slot: CK_SLOT_ID) -> Vec<CK_SESSION_HANDLE> {
        let cells = self
            .chunks
            .iter()
            .filter_map(OnceLock::get)
            .flat_map(|chunk| chunk.iter());
        cells
            .filter_map(|cell| {
                let cell = lock(cell);
                let session = cell.session.as_deref()?;
                (session.slot_id() == slot).then_some(session.handle())
            })
            .collect()
    }

    fn locked(&self, handle: CK_SESSION_HANDLE) -> Result<MutexGuard<'_, Cell>> {
        let (index, uses) = split(handle).ok_or(Rv::SESSION_HANDLE_INVALID)?;
        let chunk = self.chunks.get(index / CHUNK).and_then(OnceLock::get);
        let cell = chunk.map(|chunk| lock(&chunk[index % CHUNK]));
        cell.filter(|cell| cell.uses == uses && cell.session.is_some())
            .ok_or(Rv::SESSION_HANDLE_INVALID)
    }

    fn cell(&self, index: usize) -> Option<&Mutex<Cell>> {
        let chunk = self.chunks.get(index / CHUNK)?;
        let chunk = chunk.get_or_init(|| (0..CHUNK).map(|_| Mutex::default()).collect());
        chunk.get(index % CHUNK)
    }
}

/// A panic in a call does not make its session unusable: what the call was doing is over, as the
/// operations' own state says.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn handle_of(index: usize, uses: u32) -> CK_SESSION_HANDLE {
    (CK_SESSION_HANDLE::from(uses) << INDEX_BITS) | (index as CK_SESSION_HANDLE + 1)
}

fn split(handle: CK_SESSION_HANDLE) -> Option<(usize, u32)> {
    let index = (handle & ((1 << INDEX_BITS) - 1)).checked_sub(1)?;
    Some((
        usize::try_from(index).ok()?,
        u32::try_from(handle >> INDEX_BITS).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use keybridge_core::model::SessionId;

    use super::*;

    fn session(handle: CK_SESSION_HANDLE) -> Session {
        Session::new(handle, 0, 3, false, SessionId::fresh())
    }

    #[test]
    fn a_closed_handle_stays_invalid_when_its_cell_is_used_again() {
        let table = SessionTable::new(10);
        let first = table.insert(session).expect("room");
        table.remove(first).expect("open");
        let second = table.insert(session).expect("room");
        assert_ne!(first, second);
        assert_eq!(
            table.with(first, |_| Ok(())),
            Err(Rv::SESSION_HANDLE_INVALID)
        );
        assert_eq!(table.remove(first).err(), Some(Rv::SESSION_HANDLE_INVALID));
        assert_eq!(table.with(second, |s| Ok(s.handle())), Ok(second));
    }

    #[test]
    fn the_limit_counts_open_sessions() {
        let table = SessionTable::new(2);
        let first = table.insert(session).expect("room");
        let _second = table.insert(session).expect("room");
        assert_eq!(table.insert(session), Err(Rv::SESSION_COUNT));
        table.remove(first).expect("open");
        assert!(table.insert(session).is_ok());
        assert_eq!(table.of_slot(3).len(), 2);
        assert_eq!(table.of_slot(4).len(), 0);
    }

    #[test]
    fn handles_from_nowhere_are_invalid() {
        let table = SessionTable::new(2);
        for handle in [0, 1, 0xffff, 1 << 16, CK_SESSION_HANDLE::MAX] {
            assert_eq!(
                table.with(handle, |_| Ok(())),
                Err(Rv::SESSION_HANDLE_INVALID)
            );
        }
    }
}
