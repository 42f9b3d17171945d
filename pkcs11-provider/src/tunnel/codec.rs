//! The encoding of parameters (KMIP Profiles 2.1, PKCS#11 encoding): CK_BYTE is a byte, CK_ULONG
//! eight bytes, counts and lengths four, all big-endian; structures stand inline; an array has its
//! count before it. An output buffer is, in a request, whether there is one and how long it is; in a
//! response whether it was written, its length, and what was written.

use cryptoki_sys::CK_ULONG;
use zeroize::Zeroizing;

use crate::ffi::pointers::Output;
use crate::rv::{Result as RvResult, Rv};

/// Bytes of one output buffer at most, however long the client says that its own is.
const MAX_OUTPUT: usize = 16 << 20;

/// Input that is not encoded as the profile says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What ends a call early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Malformed,
    Rv(Rv),
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Rv> for Fault {
    fn from(rv: Rv) -> Self {
        Self::Rv(rv)
    }
}

/// An output buffer of the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) is_there: bool,
    pub(super) length: usize,
}

/// Reads input parameters.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// A CK_BBOOL or a flag of the encoding.
    pub(super) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(super) fn ulong(&mut self) -> Result<CK_ULONG, Malformed> {
        Ok(CK_ULONG::from_be_bytes(self.array()?))
    }

    /// A count or length; what it counts is read as it comes, so a wild one costs nothing.
    pub(super) fn count(&mut self) -> Result<usize, Malformed> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| Malformed)
    }

    /// An array of bytes with its length.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.count()?;
        self.take(length)
    }

    pub(super) fn room(&mut self) -> Result<Room, Malformed> {
        Ok(Room {
            is_there: self.flag()?,
            length: self.count()?,
        })
    }

    /// What may be NULL with a meaning of its own: whether it is there, and then it.
    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        self.flag()?.then(|| read(self)).transpose()
    }

    /// Nothing may be left over.
    pub(super) const fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

/// Writes output parameters.
#[derive(Default)]
pub(super) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.raw(&[byte]);
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(super) fn ulong(&mut self, number: CK_ULONG) {
        self.raw(&number.to_be_bytes());
    }

    pub(super) fn count(&mut self, count: usize) {
        self.raw(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }

    /// Bytes without their length; when the buffer must move, the old place is wiped.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if self.0.capacity() < needed {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed * 2));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// An output array that the server knows already, for which there was no need to say the room.
    pub(super) fn made(&mut self, made: Option<&[u8]>, length: usize) {
        self.flag(made.is_some());
        self.count(made.map_or(length, <[u8]>::len));
        self.raw(made.unwrap_or_default());
    }

    /// What another writer has written.
    pub(super) fn append(&mut self, other: Self) {
        self.raw(&other.0);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// Runs a function that writes to a buffer of the client.
    pub(super) fn output(
        &mut self,
        room: Room,
        function: impl FnOnce(&mut Output<'_>) -> RvResult<()>,
    ) -> Result<(), Fault> {
        let mut buffer = Zeroizing::new(Vec::new());
        let (result, length) = if room.is_there {
            // Zeroed pages are not touched until they are written to.
            *buffer = vec![0; room.length.min(MAX_OUTPUT)];
            let mut output = Output::new(&mut buffer);
            let result = function(&mut output);
            (result, output.length())
        } else {
            let mut output = Output::size_query();
            let result = function(&mut output);
            (result, output.length())
        };
        let written = room.is_there && result.is_ok();
        self.flag(written);
        self.count(length);
        if written {
            self.raw(buffer.get(..length).unwrap_or_default());
        }
        // Only what was written may be secret; the rest of a large buffer is zero already.
        buffer.truncate(length);
        Ok(result?)
    }

    /// A list for an array of the client, under the same convention.
    pub(super) fn list(&mut self, room: Room, list: &[CK_ULONG]) -> Result<(), Fault> {
        let fits = room.length >= list.len();
        self.flag(room.is_there && fits);
        self.count(list.len());
        if !room.is_there {
            return Ok(());
        }
        if !fits {
            return Err(Rv::BUFFER_TOO_SMALL.into());
        }
        for number in list {
            self.ulong(*number);
        }
        Ok(())
    }
}
