//! The function lists and the interfaces through which applications find the functions.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::pointers::{Ptr, has};
use crate::rv::{Result, Rv};

macro_rules! function_lists {
    (
        V2_40 { $($v2:ident($($a2:tt)*) $(=> $i2:path $([$($b2:tt)+])?)?;)* }
        V3_0 { $($v3:ident($($a3:tt)*) $(=> $i3:path $([$($b3:tt)+])?)?;)* }
        V3_2 { $($v32:ident($($a32:tt)*) $(=> $i32:path $([$($b32:tt)+])?)?;)* }
    ) => {
        /// What `C_GetFunctionList` gives.
        pub static FUNCTION_LIST: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
            version: CK_VERSION { major: 2, minor: 40 },
            $($v2: Some(super::$v2),)*
        };

        /// The interface "PKCS 11" in version 3.0.
        pub static FUNCTION_LIST_3_0: CK_FUNCTION_LIST_3_0 = CK_FUNCTION_LIST_3_0 {
            version: CK_VERSION { major: 3, minor: 0 },
            $($v2: Some(super::$v2),)*
            $($v3: Some(super::$v3),)*
        };

        /// The interface "PKCS 11" in version 3.2.
        pub static FUNCTION_LIST_3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: CK_VERSION { major: 3, minor: 2 },
            $($v2: Some(super::$v2),)*
            $($v3: Some(super::$v3),)*
            $($v32: Some(super::$v32),)*
        };
    };
}

for_each_function!(function_lists);

const NAME: &[u8] = b"PKCS 11\0";

/// Names of interfaces that are longer than this are not ours.
const MAX_NAME: usize = 64;

#[repr(transparent)]
struct Interfaces([CK_INTERFACE; 3]);

// SAFETY: the pointers lead to statics that nobody writes.
unsafe impl Sync for Interfaces {}

/// Newest first: an application that asks for any version gets the newest.
static INTERFACES: Interfaces = Interfaces([
    interface((&raw const FUNCTION_LIST_3_2).cast()),
    interface((&raw const FUNCTION_LIST_3_0).cast()),
    interface((&raw const FUNCTION_LIST).cast()),
]);

/// The versions of [`INTERFACES`], in its order.
const VERSIONS: [CK_VERSION; 3] = [
    CK_VERSION { major: 3, minor: 2 },
    CK_VERSION { major: 3, minor: 0 },
    CK_VERSION {
        major: 2,
        minor: 40,
    },
];

/// Flags are 0: after a fork the child starts anew, which is not what `CKF_INTERFACE_FORK_SAFE`
/// promises (that sessions and logins live on in it).
const fn interface(list: *const c_void) -> CK_INTERFACE {
    CK_INTERFACE {
        pInterfaceName: NAME.as_ptr().cast_mut(),
        pFunctionList: list.cast_mut(),
        flags: 0,
    }
}

pub(super) fn get_function_list(list: Ptr<CK_FUNCTION_LIST_PTR>) -> Result<()> {
    list.write((&raw const FUNCTION_LIST).cast_mut())
}

pub(super) fn get_interface_list(list: Ptr<CK_INTERFACE>, count: Ptr<CK_ULONG>) -> Result<()> {
    list.write_list(count, &INTERFACES.0)
}

pub(super) fn get_interface(
    name: Ptr<CK_UTF8CHAR>,
    version: Ptr<CK_VERSION>,
    interface: Ptr<CK_INTERFACE_PTR>,
    flags: CK_FLAGS,
) -> Result<()> {
    interface.expect_writable()?;
    if !name.is_null() && name.c_string(MAX_NAME)? != &NAME[..NAME.len() - 1] {
        return Err(Rv::ARGUMENTS_BAD);
    }
    let wanted = if version.is_null() {
        None
    } else {
        Some(version.read()?)
    };
    let found = INTERFACES
        .0
        .iter()
        .zip(VERSIONS)
        .find(|(candidate, version)| {
            has(candidate.flags, flags)
                && wanted.is_none_or(|w| (w.major, w.minor) == (version.major, version.minor))
        });
    let (found, _) = found.ok_or(Rv::ARGUMENTS_BAD)?;
    interface.write((&raw const *found).cast_mut())
}
