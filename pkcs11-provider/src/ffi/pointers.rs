//! The only place where a pointer of the application is followed.
//!
//! A pointer enters as a [`Ptr`], made by the exported functions under the contract of the C
//! interface: buffers are as long as the length that comes with them says (PKCS#11 3.2,
//! "Conventions for functions returning output in a variable-length buffer"). From here on
//! everything is checked that can be checked: NULL, a length that no buffer can have, `count *
//! size` that overflows, alignment (values are copied out with unaligned reads), input and output
//! that overlap. Nothing is allocated by a number that the application gave.

use std::ffi::c_void;
use std::marker::PhantomData;

use cryptoki_sys::{CK_ATTRIBUTE, CK_BBOOL, CK_FLAGS, CK_NOTIFY, CK_ULONG};
use zeroize::Zeroizing;

use crate::rv::{Result, Rv};

/// Bytes that one call may bring in or take out. More than any real buffer of an operation; a
/// length above it is a mistake (commonly -1) and would wrap around the address space.
pub(crate) const MAX_BUFFER: usize = i32::MAX as usize;

/// Elements of an array that one call may bring in (attributes of a template, mechanisms of a
/// list). The largest templates of real programs have some thirty.
pub(crate) const MAX_ELEMENTS: usize = 1024;

/// Turns an argument of an exported function into what the implementation takes: numbers stay as
/// they are, pointers become a [`Ptr`].
pub(super) trait Adopt {
    /// What the implementation takes.
    type Argument;

    /// # Safety
    /// A pointer must be NULL or what the standard's prototype says, for the time of the call.
    unsafe fn adopt(self) -> Self::Argument;
}

impl Adopt for CK_ULONG {
    type Argument = CK_ULONG;
    unsafe fn adopt(self) -> CK_ULONG {
        self
    }
}

impl Adopt for CK_BBOOL {
    type Argument = CK_BBOOL;
    unsafe fn adopt(self) -> CK_BBOOL {
        self
    }
}

impl Adopt for CK_NOTIFY {
    type Argument = CK_NOTIFY;
    unsafe fn adopt(self) -> CK_NOTIFY {
        self
    }
}

impl<T> Adopt for *mut T {
    type Argument = Ptr<T>;
    unsafe fn adopt(self) -> Ptr<T> {
        Ptr(self)
    }
}

/// A pointer of the application, for the time of one call. Made by [`Adopt::adopt`] and by reading
/// structures that such a pointer leads to; whoever pairs it with a length takes the length that
/// the standard pairs it with.
pub(super) struct Ptr<T>(*mut T);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ptr<T> {}

impl<T> Ptr<T> {
    /// A pointer found inside a structure of the application.
    ///
    /// # Safety
    /// As for [`Adopt::adopt`].
    pub(super) unsafe fn nested(raw: *mut T) -> Self {
        Ptr(raw)
    }

    pub(super) fn is_null(self) -> bool {
        self.0.is_null()
    }

    pub(super) fn cast<U>(self) -> Ptr<U> {
        Ptr(self.0.cast())
    }
}

impl<T: Copy> Ptr<T> {
    /// The value it points to. NULL is `CKR_ARGUMENTS_BAD`.
    pub(super) fn read(self) -> Result<T> {
        if self.0.is_null() {
            return Err(Rv::ARGUMENTS_BAD);
        }
        // SAFETY: not NULL, so by the contract of `adopt` it is readable; alignment is not assumed.
        Ok(unsafe { self.0.read_unaligned() })
    }

    /// Stores a value. NULL is `CKR_ARGUMENTS_BAD`.
    pub(super) fn write(self, value: T) -> Result<()> {
        if self.0.is_null() {
            return Err(Rv::ARGUMENTS_BAD);
        }
        // SAFETY: not NULL, so by the contract of `adopt` it is writable; alignment is not assumed.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }

    /// Fails as [`Ptr::write`] would: for functions that must not do their work if the result has
    /// nowhere to go.
    pub(super) fn expect_writable(self) -> Result<()> {
        if self.0.is_null() {
            Err(Rv::ARGUMENTS_BAD)
        } else {
            Ok(())
        }
    }

    /// The elements of an array, copied out one by one. NULL with count 0 is an empty array.
    pub(super) fn elements(self, count: CK_ULONG) -> Result<impl Iterator<Item = T>> {
        let count = usize::try_from(count).map_err(|_| Rv::ARGUMENTS_BAD)?;
        if count > MAX_ELEMENTS || (self.0.is_null() && count > 0) {
            return Err(Rv::ARGUMENTS_BAD);
        }
        Ok((0..count).map(move |index| {
            // `wrapping_add`: computing the address is never itself undefined.
            let element = self.0.wrapping_add(index);
            // SAFETY: `index < count`, and by the contract of `adopt` the array has `count`
            // elements.
            unsafe { element.read_unaligned() }
        }))
    }

    /// Stores a list under the convention of `C_GetSlotList` and its kin (PKCS#11 3.2, "Slot and
    /// token management functions"): NULL asks for the count, too little room is
    /// `CKR_BUFFER_TOO_SMALL`, the count is always set.
    pub(super) fn write_list(self, count: Ptr<CK_ULONG>, values: &[T]) -> Result<()> {
        let room = count.read()?;
        let needed = CK_ULONG::try_from(values.len()).map_err(|_| Rv::GENERAL_ERROR)?;
        count.write(needed)?;
        if self.0.is_null() {
            return Ok(());
        }
        if room < needed {
            return Err(Rv::BUFFER_TOO_SMALL);
        }
        self.write_elements(values);
        Ok(())
    }

    /// Stores the elements of a list; NULL takes an empty list only.
    pub(super) fn write_elements(self, values: &[T]) {
        if self.0.is_null() {
            debug_assert!(values.is_empty(), "checked by the callers");
            return;
        }
        for (index, value) in values.iter().enumerate() {
            let element = self.0.wrapping_add(index);
            // SAFETY: the caller's array has room for `values.len()` elements: both callers
            // compared.
            unsafe { element.write_unaligned(*value) };
        }
    }
}

impl Ptr<u8> {
    /// The bytes of an input buffer. NULL is fine for an empty one only.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for NULL with a length, and for a length above [`MAX_BUFFER`].
    pub(super) fn bytes<'call>(self, length: CK_ULONG) -> Result<&'call [u8]> {
        let length = usize::try_from(length).map_err(|_| Rv::ARGUMENTS_BAD)?;
        if length == 0 {
            return Ok(&[]);
        }
        if self.0.is_null() || length > MAX_BUFFER {
            return Err(Rv::ARGUMENTS_BAD);
        }
        // SAFETY: not NULL, and by the contract of `adopt` `length` bytes are readable for the
        // call; the implementation writes to no other buffer while it holds them, except through
        // `Output`, whose overlap with an input is resolved in `Transfer`.
        Ok(unsafe { std::slice::from_raw_parts(self.0, length) })
    }

    /// An input that may be absent (NULL), as opposed to empty.
    pub(super) fn optional_bytes<'call>(self, length: CK_ULONG) -> Result<Option<&'call [u8]>> {
        if self.0.is_null() {
            Ok(None)
        } else {
            self.bytes(length).map(Some)
        }
    }

    /// A zero-terminated string of at most `limit` bytes, without the terminator.
    pub(super) fn c_string<'call>(self, limit: usize) -> Result<&'call [u8]> {
        let mut length = 0;
        while length <= limit {
            if Ptr(self.0.wrapping_add(length)).read()? == 0 {
                return self.bytes(CK_ULONG::try_from(length).map_err(|_| Rv::ARGUMENTS_BAD)?);
            }
            length += 1;
        }
        Err(Rv::ARGUMENTS_BAD)
    }

    /// An output buffer whose size is exactly the given one (random data).
    pub(super) fn exact_output<'call>(self, length: CK_ULONG) -> Result<&'call mut [u8]> {
        let length = usize::try_from(length).map_err(|_| Rv::ARGUMENTS_BAD)?;
        if length == 0 {
            return Ok(&mut []);
        }
        if self.0.is_null() || length > MAX_BUFFER {
            return Err(Rv::ARGUMENTS_BAD);
        }
        // SAFETY: not NULL, and by the contract of `adopt` `length` bytes are writable for the
        // call.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0, length) })
    }
}

/// Where a function's variable-length result goes (PKCS#11 3.2, "Conventions for functions
/// returning output in a variable-length buffer"): the application gives a buffer and its size, or
/// NULL to learn the size.
///
/// The library asks for [`Output::room`] once it knows how much it will write, so a slice is made
/// only of bytes that are about to be written, however large the application says its buffer is.
pub struct Output<'a> {
    buffer: *mut u8,
    capacity: usize,
    /// What goes into the length argument: the size needed, or the bytes written.
    length: usize,
    memory: PhantomData<&'a mut [u8]>,
}

impl<'a> Output<'a> {
    /// A buffer of Rust's own, for callers in this process that do not come through C.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Output {
            buffer: buffer.as_mut_ptr(),
            capacity: buffer.len(),
            length: 0,
            memory: PhantomData,
        }
    }

    /// No buffer: asks for the size.
    #[must_use]
    pub fn size_query() -> Self {
        Output {
            buffer: std::ptr::null_mut(),
            capacity: 0,
            length: 0,
            memory: PhantomData,
        }
    }

    /// Whether only the size is asked for.
    #[must_use]
    pub fn is_size_query(&self) -> bool {
        self.buffer.is_null()
    }

    /// How many bytes the application has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// What the application learns as the length: the size it needs, or what was written.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Exactly `needed` bytes to write to, or `None` when the application asked for the size only.
    /// Until [`Output::wrote`] says otherwise, `needed` is the length that is reported.
    ///
    /// # Errors
    /// `CKR_BUFFER_TOO_SMALL`; the length to report is then `needed`.
    pub fn room(&mut self, needed: usize) -> Result<Option<&mut [u8]>> {
        self.length = needed;
        if self.buffer.is_null() {
            return Ok(None);
        }
        if self.capacity < needed {
            return Err(Rv::BUFFER_TOO_SMALL);
        }
        if needed == 0 {
            return Ok(Some(&mut []));
        }
        // SAFETY: not NULL, and `needed <= capacity` bytes are writable: by the contract of `adopt`
        // for a buffer of the application, by construction for one of ours. `&mut self` keeps a
        // second slice from existing.
        Ok(Some(unsafe {
            std::slice::from_raw_parts_mut(self.buffer, needed)
        }))
    }

    /// What was written, for whoever works on with it.
    #[must_use]
    pub(crate) fn written(&self) -> &[u8] {
        if self.buffer.is_null() || self.length == 0 || self.length > self.capacity {
            return &[];
        }
        // SAFETY: not NULL, and `length <= capacity` bytes of it were given out by `room` and
        // written.
        unsafe { std::slice::from_raw_parts(self.buffer, self.length) }
    }

    /// Says that fewer bytes were written than room was taken for.
    pub fn wrote(&mut self, length: usize) {
        debug_assert!(length <= self.length);
        self.length = length;
    }
}

/// The buffers of a call that produces variable-length output.
pub(super) struct Transfer<'call> {
    pub(super) output: Output<'call>,
    length_out: Ptr<CK_ULONG>,
}

impl<'call> Transfer<'call> {
    /// An output buffer and where its length stands. The length pointer may not be NULL.
    pub(super) fn new(buffer: Ptr<u8>, length: Ptr<CK_ULONG>) -> Result<Self> {
        let capacity = if buffer.is_null() { 0 } else { length.read()? };
        length.expect_writable()?;
        let capacity = usize::try_from(capacity)
            .unwrap_or(MAX_BUFFER)
            .min(MAX_BUFFER);
        Ok(Transfer {
            output: Output {
                buffer: buffer.0,
                capacity,
                length: 0,
                memory: PhantomData,
            },
            length_out: length,
        })
    }

    /// Runs the function and reports the length: on success, and with `CKR_BUFFER_TOO_SMALL`.
    pub(super) fn run(
        mut self,
        function: impl FnOnce(&mut Output<'call>) -> Result<()>,
    ) -> Result<()> {
        let result = function(&mut self.output);
        if matches!(result, Ok(()) | Err(Rv::BUFFER_TOO_SMALL)) {
            let length = CK_ULONG::try_from(self.output.length).map_err(|_| Rv::GENERAL_ERROR)?;
            self.length_out.write(length)?;
        }
        result
    }

    /// As [`Transfer::run`], with an input that may lie in the same place as the output: PKCS#11
    /// allows it ("C_Encrypt": "it is OK if pData and pEncryptedData point to the same
    /// location"), Rust's slices do not, so such an input is copied first.
    pub(super) fn run_with_input(
        self,
        input: &[u8],
        function: impl FnOnce(&[u8], &mut Output<'call>) -> Result<()>,
    ) -> Result<()> {
        let input_start = input.as_ptr().addr();
        let output_start = self.output.buffer.addr();
        let apart = input.is_empty()
            || self.output.buffer.is_null()
            || input_start.saturating_add(input.len()) <= output_start
            || output_start.saturating_add(self.output.capacity) <= input_start;
        if apart {
            return self.run(|output| function(input, output));
        }
        let copy = Zeroizing::new(input.to_vec());
        self.run(|output| function(&copy, output))
    }
}

/// The attributes of a template as they lie in the application's memory, one by one.
pub(super) fn attributes(
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
) -> Result<impl Iterator<Item = RawAttribute>> {
    Ok(template.elements(count)?.map(|attribute| RawAttribute {
        kind: attribute.type_,
        // SAFETY: read from the application's template, whose `pValue` is NULL or points to
        // `ulValueLen` bytes (PKCS#11 3.2, "General data types", CK_ATTRIBUTE).
        value: unsafe { Ptr::nested(attribute.pValue) },
        length: attribute.ulValueLen,
    }))
}

/// One `CK_ATTRIBUTE` with its value not yet followed.
#[derive(Clone, Copy)]
pub(super) struct RawAttribute {
    pub(super) kind: CK_ULONG,
    pub(super) value: Ptr<c_void>,
    pub(super) length: CK_ULONG,
}

/// Writes back type and `ulValueLen` of one attribute of the application's template.
pub(super) fn set_attribute(
    template: Ptr<CK_ATTRIBUTE>,
    index: usize,
    kind: CK_ULONG,
    length: CK_ULONG,
) -> Result<()> {
    // SAFETY: the callers got `index` from `attributes` over the same template.
    let element: Ptr<CK_ATTRIBUTE> = unsafe { Ptr::nested(template.0.wrapping_add(index)) };
    let mut attribute = element.read()?;
    attribute.type_ = kind;
    attribute.ulValueLen = length;
    element.write(attribute)
}

/// The number at an address that may be no address at all. The kernel copies it, so that a wild one
/// is an error and not a fault; where the kernel may not, there is no number.
pub(super) fn probe_number(address: CK_ULONG) -> Option<CK_ULONG> {
    let mut number: CK_ULONG = 0;
    let size = size_of::<CK_ULONG>();
    let to = libc::iovec {
        iov_base: (&raw mut number).cast(),
        iov_len: size,
    };
    let from = libc::iovec {
        iov_base: std::ptr::with_exposed_provenance_mut(usize::try_from(address).ok()?),
        iov_len: size,
    };
    let process = i32::try_from(std::process::id()).ok()?;
    // SAFETY: copies `size` bytes of this process to `number`, or fails.
    let copied =
        unsafe { libc::process_vm_readv(process, &raw const to, 1, &raw const from, 1, 0) };
    (usize::try_from(copied) == Ok(size)).then_some(number)
}

/// Whether every flag of `mask` is set.
pub(super) fn has(flags: CK_FLAGS, mask: CK_FLAGS) -> bool {
    flags & mask == mask
}
