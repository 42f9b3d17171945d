//! A key in memory that is locked where the system allows, so that it is not written to swap, and
//! zeroized when dropped.

use std::fmt;

use zeroize::Zeroize;

/// Bytes of every key of the store.
pub(super) const KEY_BYTES: usize = 32;

/// A 256-bit key.
pub(super) struct LockedKey(Box<[u8; KEY_BYTES]>);

impl LockedKey {
    /// A key of zeros at its final place, to be filled there.
    pub(super) fn zeroed() -> Self {
        let key = Self(Box::new([0; KEY_BYTES]));
        lock(&key.0);
        key
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::zeroed();
        (bytes.len() == KEY_BYTES).then(|| {
            key.0.copy_from_slice(bytes);
            key
        })
    }

    pub(super) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(super) fn expose_mut(&mut self) -> &mut [u8; KEY_BYTES] {
        &mut self.0
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        // The page stays locked: other keys may share it, and locks do not nest.
        self.0.zeroize();
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey")
    }
}

/// Asks for the key's page to stay in memory. Refusals (RLIMIT_MEMLOCK) are no error: the key works
/// as well, and hosts that swap in the clear have been warned in the operations manual.
#[allow(
    unsafe_code,
    reason = "mlock takes a pointer; this is the store's only memory lock"
)]
fn lock(key: &[u8; KEY_BYTES]) {
    // SAFETY: the pointer and length are those of a live array; mlock reads and writes nothing.
    let locked = unsafe { rustix::mm::mlock(key.as_ptr().cast_mut().cast(), KEY_BYTES) };
    if let Err(error) = locked {
        tracing::debug!(%error, "a key could not be locked in memory");
    }
}
