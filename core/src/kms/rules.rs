//! What attributes an object may be given, and how they may change: PKCS#11 3.2 sections 4.1.2 to 4.10,
//! obeyed through every door.

use crate::authorize::Caller;
use crate::error::{Error, Result};
use crate::model::{Attributes, Demand, Object, Role};

/// Bytes of a label that the bridge keeps.
const LABEL_BYTES: usize = 1024;

/// Bytes of a `CKA_ID`.
const CKA_ID_BYTES: usize = 1024;

/// Names, links, allowed mechanisms and instances of a custom attribute an object may have of each.
const ENTRIES: usize = 1024;

fn read_only<T>(attribute: &'static str, reason: &'static str) -> Result<T> {
    Err(Error::AttributeReadOnly { attribute, reason })
}

/// "Can only be set to CK_TRUE by the SO user": whoever proved the token's SO PIN, and nobody else. An administrator
/// who is to vouch for keys is given that PIN.
fn may_trust(caller: &Caller) -> bool {
    caller.role() == Role::SecurityOfficer
}

/// Checks the attributes of an object to be.
pub(super) fn check_new(caller: &Caller, attributes: &Attributes) -> Result<()> {
    if attributes.trusted && !may_trust(caller) {
        return read_only(
            "CKA_TRUSTED",
            "only the security officer may vouch for a key",
        );
    }
    check_sizes(attributes)
}

pub(super) fn check_sizes(attributes: &Attributes) -> Result<()> {
    let too_long = |attribute: &str, most: usize| {
        Err(Error::invalid_attribute(
            attribute,
            format!("at most {most} are kept"),
        ))
    };
    if attributes.label.len() > LABEL_BYTES {
        return too_long("label", LABEL_BYTES);
    }
    if attributes.cka_id.len() > CKA_ID_BYTES {
        return too_long("CKA_ID", CKA_ID_BYTES);
    }
    if attributes.names.len() > ENTRIES
        || attributes
            .names
            .iter()
            .any(|name| name.value.len() > LABEL_BYTES)
    {
        return too_long("Name", ENTRIES);
    }
    if attributes.links.len() > ENTRIES || attributes.allowed_mechanisms.len() > ENTRIES {
        return too_long("links and allowed mechanisms", ENTRIES);
    }
    if attributes
        .templates
        .all()
        .into_iter()
        .any(|template| template.len() > ENTRIES)
    {
        return too_long("templates", ENTRIES);
    }
    if attributes.custom.len() > ENTRIES
        || attributes.custom.values().any(|all| all.len() > ENTRIES)
    {
        return too_long("custom attributes", ENTRIES);
    }
    Ok(())
}

/// Checks a change in place.
pub(super) fn check_modify(caller: &Caller, before: &Attributes, after: &Attributes) -> Result<()> {
    if before == after {
        return Ok(());
    }
    if !before.modifiable {
        return Err(Error::ActionProhibited("modified"));
    }
    check_one_way(caller, before, after)?;
    check_usage_limits(before, after)?;
    let fixed = [
        ("CKA_PRIVATE", before.private != after.private),
        ("CKA_MODIFIABLE", before.modifiable != after.modifiable),
        ("CKA_DESTROYABLE", before.destroyable != after.destroyable),
        (
            "CKA_ALWAYS_AUTHENTICATE",
            before.always_authenticate != after.always_authenticate,
        ),
        (
            "CKA_WRAP_TEMPLATE and its like",
            before.templates != after.templates,
        ),
    ];
    for (attribute, changed) in fixed {
        if changed {
            return read_only(attribute, "it is fixed when the object is made");
        }
    }
    check_sizes(after)
}

/// "SHALL NOT be changed once the object begins to be used for applying cryptographic protection" (KMIP 1.4
/// section 3.21).
fn check_usage_limits(before: &Attributes, after: &Attributes) -> Result<()> {
    match before.usage_limits {
        Some(limits) if limits.is_begun() && after.usage_limits != before.usage_limits => {
            read_only("Usage Limits", "uses have been counted already")
        }
        _ => Ok(()),
    }
}

/// Checks what a copy may have different: PKCS#11 3.2 section 5.7.2 (`C_CopyObject`).
pub(super) fn check_copy(caller: &Caller, before: &Attributes, after: &Attributes) -> Result<()> {
    check_one_way(caller, before, after)?;
    if before.private && !after.private {
        return read_only("CKA_PRIVATE", "a private object has no public copies");
    }
    if before.always_authenticate != after.always_authenticate {
        return read_only(
            "CKA_ALWAYS_AUTHENTICATE",
            "it is fixed when the object is made",
        );
    }
    if before.templates != after.templates {
        return read_only(
            "CKA_WRAP_TEMPLATE and its like",
            "a copy keeps the templates of its key",
        );
    }
    check_sizes(after)
}

/// Flags that go one way, in place and in copies.
fn check_one_way(caller: &Caller, before: &Attributes, after: &Attributes) -> Result<()> {
    if before.sensitive && !after.sensitive {
        return read_only("CKA_SENSITIVE", "once true, always true");
    }
    if !before.extractable && after.extractable {
        return read_only("CKA_EXTRACTABLE", "once false, always false");
    }
    if before.wrap_with_trusted && !after.wrap_with_trusted {
        return read_only("CKA_WRAP_WITH_TRUSTED", "once true, always true");
    }
    if !before.copyable && after.copyable {
        return read_only("CKA_COPYABLE", "once false, always false");
    }
    if before.trusted != after.trusted && !may_trust(caller) {
        return read_only(
            "CKA_TRUSTED",
            "only the security officer may vouch for a key",
        );
    }
    if before.trusted && !before.usage.contains(after.usage) && !may_trust(caller) {
        return read_only(
            "Cryptographic Usage Mask",
            "the security officer vouched for the uses that this key has",
        );
    }
    let widened = after.allowed_mechanisms.is_empty()
        || after
            .allowed_mechanisms
            .iter()
            .any(|number| !before.allowed_mechanisms.contains(number));
    if !before.allowed_mechanisms.is_empty() && widened {
        return read_only("CKA_ALLOWED_MECHANISMS", "the list only shrinks");
    }
    Ok(())
}

/// Checks a key against a template of another key. A key that is to be wrapped must match it; one that comes out
/// of another key must have become what it says (PKCS#11 3.2, "C_WrapKey", "C_UnwrapKey", "C_DeriveKey").
pub(super) fn check_template(
    template: &'static str,
    demands: &[Demand],
    object: &Object,
) -> Result<()> {
    match demands.iter().find(|demand| !demand.is_met_by(object)) {
        None => Ok(()),
        Some(demand) => Err(Error::TemplateMismatch {
            template,
            demand: format!("{demand:?}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::{Door, Origin};
    use crate::id::{AccountId, PrincipalId};

    fn caller(role: Role) -> Caller {
        let origin = Origin::Process { pid: 1, uid: 1 };
        Caller::proven(
            AccountId::random(),
            PrincipalId::random(),
            role,
            "u",
            "pin",
            origin,
            Door::Pkcs11,
        )
    }

    fn changed(edit: impl FnOnce(&mut Attributes)) -> Attributes {
        let mut attributes = Attributes::default();
        edit(&mut attributes);
        attributes
    }

    #[test]
    fn flags_go_one_way() {
        let user = caller(Role::User);
        let base = changed(|a| {
            a.wrap_with_trusted = true;
            a.copyable = false;
            a.allowed_mechanisms = vec![1, 2];
        });
        let forbidden: [fn(&mut Attributes); 10] = [
            |a| a.sensitive = false,
            |a| a.extractable = true,
            |a| a.wrap_with_trusted = false,
            |a| a.copyable = true,
            |a| a.trusted = true,
            |a| a.private = false,
            |a| a.modifiable = false,
            |a| a.destroyable = false,
            |a| a.always_authenticate = true,
            |a| a.allowed_mechanisms.push(3),
        ];
        for (number, edit) in forbidden.into_iter().enumerate() {
            let mut after = base.clone();
            edit(&mut after);
            let refused = check_modify(&user, &base, &after);
            assert!(
                matches!(refused, Err(Error::AttributeReadOnly { .. })),
                "edit {number}"
            );
        }
        let mut after = base.clone();
        after.allowed_mechanisms.pop();
        after.label = "new".into();
        check_modify(&user, &base, &after).expect("narrowing and relabelling");
    }

    #[test]
    fn only_the_security_officer_vouches() {
        let trusted = changed(|a| a.trusted = true);
        assert!(check_new(&caller(Role::User), &trusted).is_err());
        assert!(check_copy(&caller(Role::User), &Attributes::default(), &trusted).is_err());
        check_new(&caller(Role::SecurityOfficer), &trusted).expect("the SO may");
    }

    #[test]
    fn an_unmodifiable_object_stays() {
        let before = changed(|a| a.modifiable = false);
        let after = changed(|a| {
            a.modifiable = false;
            a.label = "x".into();
        });
        let refused = check_modify(&caller(Role::User), &before, &after);
        assert!(matches!(refused, Err(Error::ActionProhibited(_))));
    }
}
