//! The C boundary: the exported functions, and the one module that follows pointers.
//!
//! Each exported function takes the application's pointers under the contract of the standard's C
//! interface, wraps them in [`pointers::Ptr`], and calls an implementation in one of the modules
//! below, which checks and copies what it is given and calls the safe library. The list in
//! [`functions`] is the only place where a function is declared.

// The only unsafe code of the crate. Everything here is a consequence of being called from C:
// pointers that the application vouches for, symbols that keep their names, statics that hold
// pointers, and a handler that runs in a forked child.
#![allow(unsafe_code)]

mod attributes;
mod cipher;
mod derivation_parameters;
mod derived_keys;
mod digest;
pub(crate) mod fork;
#[macro_use]
pub(crate) mod functions;
pub(crate) mod general;
mod guard;
pub mod interfaces;
mod keys;
mod made_vector;
mod mechanism;
mod message_parameters;
mod message_signatures;
mod messages;
mod objects;
pub(crate) mod pointers;
mod random;
mod sessions;
mod signature;
pub(crate) mod slots;
mod tls_keys;

use cryptoki_sys::*;

use pointers::Adopt;

use crate::functions::Second;
use crate::session::Kind;

/// Turns the list into exported functions: wrap the pointers, run under the guard, answer a code.
macro_rules! exports {
    ($($version:ident {
        $($name:ident($($arg:ident: $kind:ident),*) $(=> $implementation:path $([$($first:expr),+])?)?;)*
    })*) => {
        $($(
            #[doc = concat!("`", stringify!($name), "` of PKCS#11.")]
            ///
            /// # Safety
            /// Every pointer is NULL or points to what the standard's prototype says, and buffers
            /// are as long as the length given with them.
            #[unsafe(no_mangle)]
            #[allow(non_snake_case)]
            pub unsafe extern "C" fn $name($($arg: $kind),*) -> CK_RV {
                exports!(@body $name ($($arg),*) $($implementation [$($($first),+)?])?)
            }
        )*)*
    };
    (@body $name:ident ($($arg:ident),*)) => {{
        $(let _ = $arg;)*
        guard::call(stringify!($name), || Err(crate::rv::Rv::FUNCTION_NOT_SUPPORTED))
    }};
    (@body $name:ident ($($arg:ident),*) $implementation:path [$($first:expr),*]) => {{
        $(
            // SAFETY: the caller of the exported function vouches for its arguments.
            let $arg = unsafe { Adopt::adopt($arg) };
        )*
        exports!(@guard $name ($($arg),*) [$($arg),*] $implementation [$($first),*])
    }};
    (@guard $name:ident (hSession $($_:tt)*) [$session:ident $($rest:tt)*] $implementation:path
        [$($first:expr),*]) => {
        guard::call_in_session(stringify!($name), $session, || {
            $implementation($($first,)* $session $($rest)*)
        })
    };
    (@guard $name:ident ($($_:tt)*) [$($arg:ident),*] $implementation:path [$($first:expr),*]) => {
        guard::call(stringify!($name), || $implementation($($first,)* $($arg),*))
    };
}

for_each_function!(exports);

/// One row of the list, for the header and the documentation.
pub struct Declaration {
    /// The function's name.
    pub name: &'static str,
    /// The first version of the standard's function list that has it, as `V2_40`.
    pub since: &'static str,
    /// Names and C types of its arguments.
    pub arguments: &'static [(&'static str, &'static str)],
    /// Whether it does anything but answer `CKR_FUNCTION_NOT_SUPPORTED`.
    pub supported: bool,
}

macro_rules! declarations {
    ($($version:ident {
        $($name:ident($($arg:ident: $kind:ident),*) $(=> $implementation:path $([$($first:expr),+])?)?;)*
    })*) => {
        /// Every exported function, in the standard's order.
        pub const DECLARATIONS: &[Declaration] = &[
            $($(Declaration {
                name: stringify!($name),
                since: stringify!($version),
                arguments: &[$((stringify!($arg), stringify!($kind))),*],
                supported: !str::is_empty(stringify!($($implementation)?)),
            },)*)*
        ];
    };
}

for_each_function!(declarations);
