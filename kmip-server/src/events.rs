//! What is told to clients that asked to be told: an object's attributes changed, or another object
//! took its place (1.4 section 5; 2.1 section 6.2). Told are changes that clients of this server make;
//! what other processes do to the store is not.

use keybridge_core::{AccountId, Caller, ObjectId};
use keybridge_kmip::Tag;
use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeName, AttributeValue, UniqueIdentifier};
use keybridge_kmip::enums::{LinkType, PutFunction};
use keybridge_kmip::operations::{
    GetRequest, NotifyRequest, PutRequest, RequestPayload, ResponsePayload,
};
use tokio::sync::broadcast;

use crate::attributes::read_named;
use crate::failure::Result;
use crate::operations::get;
use crate::processor::{Context, identifier};

/// Events that wait for a slow client; what is older is lost to it.
const WAITING: usize = 256;

/// A change.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    account: AccountId,
    object: ObjectId,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// These attributes have other values.
    Changed(Vec<AttributeName>),
    /// The object is new, in the place of another.
    Replaced,
}

/// Where changes are told, and heard.
pub(crate) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(WAITING))
    }

    /// Hears what happens from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    /// Tells what an operation did, if anybody listens.
    pub(crate) fn tell(
        &self,
        caller: &Caller,
        attribute: Option<AttributeName>,
        answer: &ResponsePayload,
    ) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let Some((id, what)) = change(attribute, answer) else {
            return;
        };
        if let UniqueIdentifier::Text(id) = id
            && let Ok(object) = id.parse()
        {
            let account = caller.account();
            // Nobody listens any more: then nobody is told.
            let _ = self.0.send(Event {
                account,
                object,
                what,
            });
        }
    }
}

/// The attribute that a request is about to change.
pub(crate) fn attribute_of(payload: &RequestPayload) -> Option<AttributeName> {
    use RequestPayload as R;
    match payload {
        R::AddAttribute(request) => request.attribute.0.as_ref(),
        R::ModifyAttribute(request) => request.attribute.0.as_ref(),
        R::SetAttribute(request) => request.attribute.0.as_ref(),
        _ => None,
    }
    .map(keybridge_kmip::attributes::Attribute::name)
}

fn change(
    attribute: Option<AttributeName>,
    answer: &ResponsePayload,
) -> Option<(&UniqueIdentifier, What)> {
    use ResponsePayload as R;
    let state = || What::Changed(vec![AttributeName::Standard(Tag::State)]);
    let own = || What::Changed(attribute.into_iter().collect());
    Some(match answer {
        R::Activate(done) => (&done.unique_identifier, state()),
        R::Revoke(done) => (&done.unique_identifier, state()),
        R::Destroy(done) => (&done.unique_identifier, state()),
        R::AddAttribute(done) => (&done.unique_identifier, own()),
        R::ModifyAttribute(done) => (&done.unique_identifier, own()),
        R::SetAttribute(done) => (&done.unique_identifier, own()),
        R::DeleteAttribute(done) => (&done.unique_identifier, own()),
        R::AdjustAttribute(done) => (&done.unique_identifier, own()),
        R::ReKey(done) => (&done.unique_identifier, What::Replaced),
        _ => return None,
    })
}

impl Event {
    /// Whether it concerns a client of that account.
    pub(crate) fn is_for(&self, caller: &Caller) -> bool {
        self.account == caller.account()
    }

    /// What the client is sent, as far as it may see the object.
    ///
    /// # Errors
    /// When it may not, or the object is gone.
    pub(crate) fn message(&self, context: &mut Context<'_>) -> Result<RequestPayload> {
        match &self.what {
            What::Changed(names) => self.notify(names, context),
            What::Replaced => self.put(context),
        }
    }

    fn notify(&self, names: &[AttributeName], context: &Context<'_>) -> Result<RequestPayload> {
        let object = context.inline(|kms, caller| kms.inspect(caller, self.object))?;
        let mut all = vec![AttributeName::Standard(Tag::LastChangeDate)];
        all.extend_from_slice(names);
        let attributes = read_named(&object, &all, context.version);
        // What the object no longer has was deleted.
        all.retain(|name| !attributes.iter().any(|attribute| attribute.name() == *name));
        Ok(NotifyRequest {
            unique_identifier: identifier(self.object),
            attributes: attributes.into(),
            deleted: all.into(),
        }
        .into())
    }

    fn put(&self, context: &mut Context<'_>) -> Result<RequestPayload> {
        let unique_identifier = identifier(self.object);
        let request = GetRequest {
            unique_identifier: Some(unique_identifier.clone()),
            ..GetRequest::default()
        };
        let sent = get::handle(request, context)?;
        let object = context.inline(|kms, caller| kms.inspect(caller, self.object))?;
        let names = [Tag::State, Tag::Name].map(AttributeName::Standard);
        let links = [AttributeName::Standard(Tag::Link)];
        let replaced = read_named(&object, &links, Version::V2_1)
            .into_iter()
            .find_map(|attribute| match attribute.value {
                AttributeValue::Link(link) if link.kind == LinkType::ReplacedObjectLink => {
                    Some(link.linked_object)
                }
                _ => None,
            });
        Ok(PutRequest {
            unique_identifier,
            put_function: if replaced.is_some() {
                PutFunction::Replace
            } else {
                PutFunction::New
            },
            replaced_unique_identifier: replaced,
            object: sent.object,
            attributes: read_named(&object, &names, context.version).into(),
        }
        .into())
    }
}
