//! Function lists and interfaces.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::{call, check, refused};

fn version_of(interface: *mut CK_INTERFACE) -> (u8, u8) {
    // SAFETY: given by C_GetInterface.
    let list = unsafe { (*interface).pFunctionList.cast::<CK_VERSION>() };
    // SAFETY: every function list begins with its version.
    let version = unsafe { *list };
    (version.major, version.minor)
}

#[test]
fn the_list_of_2_40() {
    let mut list = null_mut();
    check(call!(C_GetFunctionList, &mut list));
    // SAFETY: given by C_GetFunctionList.
    let version = unsafe { (*list).version };
    assert_eq!((version.major, version.minor), (2, 40));
    refused(call!(C_GetFunctionList, null_mut()), Rv::ARGUMENTS_BAD);
}

#[test]
fn three_interfaces_newest_first() {
    let mut count = 0;
    check(call!(C_GetInterfaceList, null_mut(), &mut count));
    assert_eq!(count, 3);
    let none = CK_INTERFACE {
        pInterfaceName: null_mut(),
        pFunctionList: null_mut(),
        flags: 9,
    };
    let mut interfaces = [none; 3];
    count = 2;
    refused(
        call!(C_GetInterfaceList, interfaces.as_mut_ptr(), &mut count),
        Rv::BUFFER_TOO_SMALL,
    );
    assert_eq!(count, 3);
    check(call!(
        C_GetInterfaceList,
        interfaces.as_mut_ptr(),
        &mut count
    ));
    let versions: Vec<_> = interfaces.iter_mut().map(|each| version_of(each)).collect();
    assert_eq!(versions, [(3, 2), (3, 0), (2, 40)]);
    assert!(interfaces.iter().all(|each| each.flags == 0));
}

#[test]
fn an_interface_by_name_and_version() {
    let mut interface = null_mut();
    let name = c"PKCS 11".as_ptr().cast::<u8>().cast_mut();
    for (major, minor) in [(2, 40), (3, 0), (3, 2)] {
        let mut version = CK_VERSION { major, minor };
        check(call!(C_GetInterface, name, &mut version, &mut interface, 0));
        assert_eq!(version_of(interface), (major, minor));
    }
    check(call!(
        C_GetInterface,
        null_mut(),
        null_mut(),
        &mut interface,
        0
    ));
    assert_eq!(version_of(interface), (3, 2));
    let mut version = CK_VERSION { major: 3, minor: 1 };
    refused(
        call!(C_GetInterface, name, &mut version, &mut interface, 0),
        Rv::ARGUMENTS_BAD,
    );
    let other = c"Vendor".as_ptr().cast::<u8>().cast_mut();
    refused(
        call!(C_GetInterface, other, null_mut(), &mut interface, 0),
        Rv::ARGUMENTS_BAD,
    );
    let flags = CKF_INTERFACE_FORK_SAFE;
    refused(
        call!(C_GetInterface, name, null_mut(), &mut interface, flags),
        Rv::ARGUMENTS_BAD,
    );
    refused(
        call!(C_GetInterface, name, null_mut(), null_mut(), 0),
        Rv::ARGUMENTS_BAD,
    );
}
