//! Objects: create, copy, destroy, look at, change, find.

use cryptoki_sys::*;
use keybridge_core::model::Lifetime;
use keybridge_core::store::ObjectQuery;
use keybridge_core::{Attributes, Object, ObjectId};

use super::mechanisms::mechanisms_of;
use crate::attributes::builtin::Builtin;
use crate::attributes::creation::{Draft, Maker};
use crate::attributes::registry::{self, Attribute, Rules};
use crate::attributes::setting;
use crate::attributes::template::{to_bool, to_ulong};
use crate::attributes::view::{Answer, View, object_class};
use crate::attributes::{Template, Value};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::{Finding, Session};
use crate::slot::Slot;
use crate::token::error::{Doing, rv};
use crate::token::{Find, Register, Token};

/// How long an object lives that a session makes.
pub(super) fn lifetime(session: &Session, stored: bool) -> Lifetime {
    if stored {
        Lifetime::Stored
    } else {
        Lifetime::Session(session.id())
    }
}

impl Instance {
    /// A template, checked for what a session is to make of it.
    ///
    /// # Errors
    /// Those of [`Draft::new`], and `CKR_SESSION_READ_ONLY`.
    pub(super) fn draft<'t, 'a>(
        session: &Session,
        slot: &Slot,
        template: &'t Template<'a>,
        maker: Maker,
        class: Option<CK_OBJECT_CLASS>,
        key_type: Option<CK_KEY_TYPE>,
    ) -> Result<Draft<'t, 'a>> {
        let draft = Draft::new(template, maker, class, key_type, slot.login_state())?;
        Self::check_writable(session, draft.token)?;
        Ok(draft)
    }

    /// `C_CreateObject`.
    ///
    /// # Errors
    /// As the standard gives them for the template.
    pub fn create_object(
        &self,
        session: CK_SESSION_HANDLE,
        template: &Template<'_>,
    ) -> Result<CK_OBJECT_HANDLE> {
        self.in_session(session, |session, slot| {
            let draft = Self::draft(session, slot, template, Maker::Create, None, None)?;
            let (spec, value) = draft.material()?;
            if draft
                .value_len()?
                .is_some_and(|length| length != value.len())
            {
                return Err(Rv::TEMPLATE_INCONSISTENT);
            }
            let mut request = Register::new(draft.object_class(), value);
            request.spec = spec;
            request.lifetime = lifetime(session, draft.token);
            // Software keys that are brought in stay software keys: not every HSM takes keys.
            request.attributes = draft.attributes;
            let private = request.attributes.private;
            let object = slot
                .token
                .register(request)
                .map_err(|error| rv(&error, Doing::Making))?;
            Ok(self.made(session, slot, object, private, draft.token))
        })
    }

    /// The handle of an object that was just made.
    pub(super) fn made(
        &self,
        session: &Session,
        slot: &Slot,
        object: ObjectId,
        private: bool,
        stored: bool,
    ) -> CK_OBJECT_HANDLE {
        if !stored {
            slot.remember(session.id(), object, private);
        }
        self.handle(session, object)
    }

    /// `C_CopyObject`.
    ///
    /// # Errors
    /// `CKR_ACTION_PROHIBITED` for what may not be copied, and those of "Copying objects".
    pub fn copy_object(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        template: &Template<'_>,
    ) -> Result<CK_OBJECT_HANDLE> {
        self.in_session(session, |session, slot| {
            let object = self.object(session, object, Rv::OBJECT_HANDLE_INVALID)?;
            not_builtin(object)?;
            let (edit, stored, private) = self.view(slot, object, |view| {
                let stored = match template.bool(CKA_TOKEN)? {
                    Some(stored) => stored,
                    None => view.is(CKA_TOKEN),
                };
                let private = match template.bool(CKA_PRIVATE)? {
                    Some(private) => private,
                    None => view.is(CKA_PRIVATE),
                };
                Ok((Edit::new(view, template, true)?, stored, private))
            })?;
            Self::check_writable(session, stored)?;
            let mut change = |attributes: &mut Attributes| edit.apply(attributes);
            let copy = slot
                .token
                .copy(object, lifetime(session, stored), &mut change);
            let copy = copy.map_err(|error| rv(&error, Doing::Making))?;
            Ok(self.made(session, slot, copy, private, stored))
        })
    }

    /// `C_DestroyObject`.
    ///
    /// # Errors
    /// `CKR_ACTION_PROHIBITED` for what may not be destroyed.
    pub fn destroy_object(
        &self,
        session: CK_SESSION_HANDLE,
        handle: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let object = self.object(session, handle, Rv::OBJECT_HANDLE_INVALID)?;
            not_builtin(object)?;
            let stored = self.view(slot, object, |view| Ok(view.is(CKA_TOKEN)))?;
            Self::check_writable(session, stored)?;
            slot.token
                .delete(object)
                .map_err(|error| rv(&error, Doing::Making))?;
            self.handles.forget(session.slot(), object);
            session.last_key = None;
            if !stored {
                slot.forget(object);
            }
            Ok(())
        })
    }

    /// `C_GetObjectSize`: the bytes of its attributes that can be seen.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`.
    pub fn object_size(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
    ) -> Result<usize> {
        self.in_session(session, |session, slot| {
            let object = self.object(session, object, Rv::OBJECT_HANDLE_INVALID)?;
            if let Some(builtin) = Builtin::of(object) {
                return Ok(builtin.size());
            }
            self.view(slot, object, |view| {
                let rows = registry::of(view.class(), view.key_type());
                let sizes = rows.map(|row| match view.get(row.kind) {
                    Answer::Value(value) => value.len(),
                    Answer::Template(inner) => inner.iter().map(|(_, value)| value.len()).sum(),
                    Answer::Sensitive | Answer::Invalid => 0,
                });
                Ok(sizes.sum())
            })
        })
    }

    /// `C_GetAttributeValue`: an answer for each type, in their order.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`.
    pub fn attribute_values(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        types: &[CK_ATTRIBUTE_TYPE],
    ) -> Result<Vec<Answer>> {
        self.in_session(session, |session, slot| {
            let object = self.object(session, object, Rv::OBJECT_HANDLE_INVALID)?;
            if let Some(builtin) = Builtin::of(object) {
                return Ok(types.iter().map(|kind| builtin.get(*kind)).collect());
            }
            self.view(slot, object, |view| {
                Ok(types.iter().map(|kind| view.get(*kind)).collect())
            })
        })
    }

    /// `C_SetAttributeValue`.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_READ_ONLY` and those of "Modifying objects".
    pub fn set_attribute_values(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        template: &Template<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let object = self.object(session, object, Rv::OBJECT_HANDLE_INVALID)?;
            not_builtin(object)?;
            let (edit, stored) = self.view(slot, object, |view| {
                Ok((Edit::new(view, template, false)?, view.is(CKA_TOKEN)))
            })?;
            Self::check_writable(session, stored)?;
            let mut change = |attributes: &mut Attributes| edit.apply(attributes);
            slot.token
                .modify(object, &mut change)
                .map_err(|error| rv(&error, Doing::Making))
        })
    }

    /// `C_FindObjectsInit`. What is found is decided here; objects made later are not in it.
    ///
    /// # Errors
    /// `CKR_OPERATION_ACTIVE`.
    pub fn find_objects_init(
        &self,
        session: CK_SESSION_HANDLE,
        template: &Template<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            if session.find.is_some() {
                return Err(Rv::OPERATION_ACTIVE);
            }
            let builtin = Builtin::find(template, || mechanisms_of(slot));
            let mut rest = match builtin {
                Some(found) => found,
                None => find(&*slot.token, template)?,
            };
            rest.reverse();
            session.find = Some(Finding { rest });
            Ok(())
        })
    }

    /// `C_FindObjects`: at most `most` handles, none when all have been given.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`.
    pub fn find_objects(
        &self,
        session: CK_SESSION_HANDLE,
        most: usize,
    ) -> Result<Vec<CK_OBJECT_HANDLE>> {
        self.in_session(session, |session, _| {
            let finding = session.find.as_mut().ok_or(Rv::OPERATION_NOT_INITIALIZED)?;
            let start = finding.rest.len().saturating_sub(most);
            let found = finding.rest.split_off(start);
            Ok(found
                .into_iter()
                .rev()
                .map(|object| self.handle(session, object))
                .collect())
        })
    }

    /// `C_FindObjectsFinal`.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`.
    pub fn find_objects_final(&self, session: CK_SESSION_HANDLE) -> Result<()> {
        self.in_session(session, |session, _| {
            session
                .find
                .take()
                .map(|_| ())
                .ok_or(Rv::OPERATION_NOT_INITIALIZED)
        })
    }
}

/// Nobody changes, copies or destroys what nobody made.
///
/// # Errors
/// `CKR_ACTION_PROHIBITED`.
fn not_builtin(object: ObjectId) -> Result<()> {
    match Builtin::of(object) {
        Some(_) => Err(Rv::ACTION_PROHIBITED),
        None => Ok(()),
    }
}

/// A change of attributes that the table allows for an object. Whether the values are (a sensitive
/// key cannot become another) is for the core to say.
struct Edit<'t, 'a> {
    class: CK_OBJECT_CLASS,
    changes: Vec<(&'static Attribute, &'t Value<'a>)>,
}

impl<'t, 'a> Edit<'t, 'a> {
    fn new(view: &View<'_>, template: &'t Template<'a>, copy: bool) -> Result<Self> {
        let mut changes = Vec::new();
        for (kind, value) in template.entries() {
            let row = registry::find(kind, view.class(), view.key_type());
            let row = row.ok_or(Rv::ATTRIBUTE_TYPE_INVALID)?;
            if kind == CKA_PUBLIC_KEY_INFO && !is_the_same(view, row, value) {
                // "The token MUST verify correspondence between the private key data and the public
                // key data as supplied."
                return Err(Rv::ATTRIBUTE_VALUE_INVALID);
            }
            let may = row.rules.have(Rules::CHANGE) || (copy && row.rules.have(Rules::COPY));
            if may {
                changes.push((row, value));
            } else if !is_the_same(view, row, value) {
                // To say what is already so is no change.
                return Err(Rv::ATTRIBUTE_READ_ONLY);
            }
        }
        Ok(Edit {
            class: view.class(),
            changes,
        })
    }

    fn apply(&self, attributes: &mut Attributes) -> keybridge_core::Result<()> {
        for (row, value) in &self.changes {
            setting::set(attributes, self.class, row, value)
                .map_err(|rv| keybridge_core::Error::invalid_attribute(row.name, rv.to_string()))?;
        }
        Ok(())
    }
}

fn is_the_same(view: &View<'_>, row: &Attribute, value: &Value<'_>) -> bool {
    matches(view, row.kind, value)
}

/// The objects of a token that match a template.
///
/// Class, label and `CKA_ID` are answered from the store's indexes; what an object itself tells is
/// compared as they come by; the rest (a modulus, a value) is asked of the few that remain.
fn find(token: &dyn Token, template: &Template<'_>) -> Result<Vec<ObjectId>> {
    let Some(query) = query(template)? else {
        return Ok(Vec::new());
    };
    let fits = |object: &Object, at_hand: bool| {
        View::new(token, object).is_some_and(|view| {
            template
                .entries()
                .filter(|(kind, _)| View::is_at_hand(*kind) == at_hand)
                .all(|(kind, value)| matches(&view, kind, value))
        })
    };
    let at_hand = |object: &Object| fits(object, true);
    let found = token.find(&Find {
        query,
        filter: Some(&at_hand),
        ..Find::default()
    });
    let mut found = found.map_err(|error| rv(&error, Doing::Object))?;
    if template.entries().any(|(kind, _)| !View::is_at_hand(kind)) {
        found.retain(|id| token.inspect(*id).is_ok_and(|object| fits(&object, false)));
    }
    Ok(found)
}

fn matches(view: &View<'_>, kind: CK_ATTRIBUTE_TYPE, value: &Value<'_>) -> bool {
    match (view.get(kind), value) {
        (Answer::Value(is), Value::Bytes(wanted)) => **is == **wanted,
        (Answer::Template(is), Value::Template(wanted)) => {
            let is = is.iter().map(|(kind, value)| (*kind, value.as_slice()));
            is.eq(wanted.iter().map(|(kind, value)| (*kind, &**value)))
        }
        _ => false,
    }
}

/// What the store's indexes can answer of a template. `None`: nothing can match (a class or an
/// attribute that no object here has, a label that is no text).
fn query(template: &Template<'_>) -> Result<Option<ObjectQuery>> {
    let mut query = ObjectQuery::default();
    for (kind, value) in template.entries() {
        let Value::Bytes(bytes) = value else {
            continue;
        };
        match kind {
            CKA_CLASS => match object_class(to_ulong(bytes)?) {
                Some(class) => query.class = Some(class),
                None => return Ok(None),
            },
            CKA_LABEL => match std::str::from_utf8(bytes) {
                Ok(label) => query.label = Some(label.to_owned()),
                Err(_) => return Ok(None),
            },
            CKA_ID => query.cka_id = Some(bytes.to_vec()),
            CKA_PRIVATE if !to_bool(bytes)? => query.public_only = true,
            _ if registry::shape(kind).is_none() => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(query))
}
