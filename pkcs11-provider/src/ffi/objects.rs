//! Object management.

use cryptoki_sys::*;

use super::attributes;
use super::pointers::Ptr;
use crate::module::current;
use crate::rv::{Result, Rv};

/// Handles that one `C_FindObjects` gives at most, so that what the application says its array
/// holds is not what gets allocated.
const MAX_FOUND: CK_ULONG = 4096;

pub(super) fn create_object(
    session: CK_SESSION_HANDLE,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    object: Ptr<CK_OBJECT_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    object.expect_writable()?;
    let template = attributes::read(template, count, instance.numbers(session))?;
    object.write(instance.create_object(session, &template)?)
}

pub(super) fn copy_object(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    copy: Ptr<CK_OBJECT_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    copy.expect_writable()?;
    let template = attributes::read(template, count, instance.numbers(session))?;
    copy.write(instance.copy_object(session, object, &template)?)
}

pub(super) fn destroy_object(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> Result<()> {
    current()?.destroy_object(session, object)
}

pub(super) fn get_object_size(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    size: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    size.expect_writable()?;
    size.write(instance.object_size(session, object)? as CK_ULONG)
}

pub(super) fn get_attribute_value(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    if template.is_null() {
        return Err(Rv::ARGUMENTS_BAD);
    }
    let types = attributes::types(template, count)?;
    let answers = instance.attribute_values(session, object, &types)?;
    attributes::write(template, count, &answers, instance.numbers(session))
}

pub(super) fn set_attribute_value(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    if template.is_null() {
        return Err(Rv::ARGUMENTS_BAD);
    }
    instance.set_attribute_values(
        session,
        object,
        &attributes::read(template, count, instance.numbers(session))?,
    )
}

pub(super) fn find_objects_init(
    session: CK_SESSION_HANDLE,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    instance.find_objects_init(
        session,
        &attributes::read(template, count, instance.numbers(session))?,
    )
}

pub(super) fn find_objects(
    session: CK_SESSION_HANDLE,
    objects: Ptr<CK_OBJECT_HANDLE>,
    most: CK_ULONG,
    count: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    count.expect_writable()?;
    if most > 0 {
        objects.expect_writable()?;
    }
    let most = usize::try_from(most.min(MAX_FOUND)).map_err(|_| Rv::ARGUMENTS_BAD)?;
    let found = instance.find_objects(session, most)?;
    objects.write_elements(&found);
    count.write(found.len() as CK_ULONG)
}

pub(super) fn find_objects_final(session: CK_SESSION_HANDLE) -> Result<()> {
    current()?.find_objects_final(session)
}
