//! What later items of a batch may refer to: data that earlier ones gave, and objects that they made
//! (2.1 sections 11.13 and 11.65, and the encodings of Data and Unique Identifier).

use keybridge_core::ObjectId;
use keybridge_kmip::enums::{DataEnumeration, UniqueIdentifierEnumeration};
use keybridge_kmip::operations::{Data, ResponsePayload};
use zeroize::Zeroizing;

use crate::failure::{Failure, Result};

/// Results of a batch's items so far, in their order.
#[derive(Debug, Default)]
pub struct References {
    /// There are later items at all.
    wanted: bool,
    data: Vec<(DataEnumeration, Zeroizing<Vec<u8>>)>,
    objects: Vec<(UniqueIdentifierEnumeration, ObjectId)>,
}

/// "Zero based nth … in the response. If negative the count is backwards."
fn nth<T>(list: &[T], index: i32) -> Option<&T> {
    let at = if index < 0 {
        list.len()
            .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(index).ok()?
    };
    list.get(at)
}

impl References {
    /// Of a batch of so many items.
    #[must_use]
    pub fn of_batch(items: usize) -> Self {
        Self {
            wanted: items > 1,
            ..Self::default()
        }
    }

    /// An operation has an object as its result.
    pub fn made(&mut self, kind: UniqueIdentifierEnumeration, id: ObjectId) {
        self.objects.push((kind, id));
    }

    /// The last object of that kind of operation.
    #[must_use]
    pub fn object(&self, kind: UniqueIdentifierEnumeration) -> Option<ObjectId> {
        let made = self.objects.iter().rev().find(|(known, _)| *known == kind);
        made.map(|(_, id)| *id)
    }

    /// The nth object.
    #[must_use]
    pub fn nth_object(&self, index: i32) -> Option<ObjectId> {
        nth(&self.objects, index).map(|(_, id)| *id)
    }

    /// Keeps what an operation has answered, if it is data.
    pub fn answered(&mut self, payload: &ResponsePayload) {
        if !self.wanted {
            return;
        }
        use DataEnumeration as Kind;
        let (kind, data): (_, Option<&[u8]>) = match payload {
            ResponsePayload::Decrypt(done) => (Kind::Decrypt, done.data.as_deref()),
            ResponsePayload::Encrypt(done) => (Kind::Encrypt, done.data.as_deref()),
            ResponsePayload::Hash(done) => (Kind::Hash, done.data.as_deref()),
            ResponsePayload::MAC(done) => (Kind::MACMACData, done.mac_data.as_deref()),
            ResponsePayload::RNGRetrieve(done) => (Kind::RNGRetrieve, Some(&done.data)),
            ResponsePayload::Sign(done) => {
                (Kind::SignSignatureData, done.signature_data.as_deref())
            }
            ResponsePayload::SignatureVerify(done) => (Kind::SignatureVerify, done.data.as_deref()),
            _ => return,
        };
        if let Some(data) = data {
            self.data.push((kind, Zeroizing::new(data.to_vec())));
        }
    }

    /// The bytes that a request means.
    ///
    /// # Errors
    /// When there is no such result.
    pub fn bytes<'a>(&'a self, data: &'a Data) -> Result<&'a [u8]> {
        let found = match data {
            Data::Bytes(bytes) => return Ok(bytes),
            Data::Enumeration(kind) => self.data.iter().rev().find(|(known, _)| known == kind),
            Data::Index(index) => nth(&self.data, *index),
        };
        found.map(|(_, bytes)| bytes.as_slice()).ok_or_else(|| {
            Failure::invalid_field("no earlier item of the batch has given such Data")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_go_both_ways() {
        let list = ["a", "b", "c"];
        let at = |index| nth(&list, index).copied();
        assert_eq!(at(0), Some("a"));
        assert_eq!(at(-1), Some("c"));
        assert_eq!(at(-3), Some("a"));
        assert_eq!((at(3), at(-4), at(i32::MIN)), (None, None, None));
    }
}
