//! The three encodings of a message, for transports that tell which one they carry (KMIP Profiles
//! 2.1, sections 5.3 to 5.5).

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::error::DecodeError;
use crate::item::Item;
use crate::ttlv::Limits;

/// An encoding. Typed messages are read from and written to TTLV; the others are converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Binary.
    Ttlv,
    /// XML.
    Xml,
    /// JSON.
    Json,
}

impl Encoding {
    /// The encoding of an HTTP body with this Content-Type; parameters such as `charset` are
    /// allowed.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "application/octet-stream" => Some(Self::Ttlv),
            "text/xml" | "application/xml" => Some(Self::Xml),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The Content-Type of an HTTP body.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Ttlv => "application/octet-stream",
            Self::Xml => "text/xml",
            Self::Json => "application/json",
        }
    }

    /// The TTLV of a message that came in this encoding. Limits on bytes are on those that came.
    ///
    /// # Errors
    /// When XML or JSON is not that of one item within `limits`. TTLV is passed as it is, to be
    /// checked by whoever decodes it.
    pub fn to_ttlv<'a>(
        self,
        message: &'a [u8],
        limits: &Limits,
    ) -> Result<Cow<'a, [u8]>, DecodeError> {
        let text =
            || std::str::from_utf8(message).map_err(|error| DecodeError::Text(error.to_string()));
        let item = match self {
            Self::Ttlv => return Ok(Cow::Borrowed(message)),
            Self::Xml => Item::from_xml(text()?, limits)?,
            Self::Json => Item::from_json(text()?, limits)?,
        };
        let too_long = || DecodeError::Text("the message exceeds 4 GiB".to_owned());
        item.to_ttlv().map(Cow::Owned).ok_or_else(too_long)
    }

    /// A message in this encoding, from its TTLV. To be wiped after use where it carries keys.
    ///
    /// # Errors
    /// When the bytes are not the TTLV of one item within `limits`.
    pub fn from_ttlv(self, message: Vec<u8>, limits: &Limits) -> Result<Vec<u8>, DecodeError> {
        if self == Self::Ttlv {
            return Ok(message);
        }
        let message = Zeroizing::new(message);
        let item = Item::from_ttlv(&message, limits)?;
        Ok(if self == Self::Xml {
            item.to_xml()
        } else {
            item.to_json()
        }
        .into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding;
    use crate::message::RequestMessage;
    use crate::operations::RNGRetrieveRequest;
    use crate::ttlv::Limits;
    use crate::version::Version;

    #[test]
    fn a_message_is_the_same_in_every_encoding() {
        let limits = Limits::default();
        let payload = RNGRetrieveRequest { data_length: 32 }.into();
        let ttlv = RequestMessage::new(Version::V2_1, vec![payload])
            .encode(Vec::new())
            .unwrap();
        for encoding in [Encoding::Ttlv, Encoding::Xml, Encoding::Json] {
            let there = encoding.from_ttlv(ttlv.clone(), &limits).unwrap();
            assert_eq!(encoding.to_ttlv(&there, &limits).unwrap(), ttlv);
            assert_eq!(
                Encoding::from_content_type(encoding.content_type()),
                Some(encoding)
            );
        }
        assert!(Encoding::Xml.to_ttlv(&ttlv, &limits).is_err());
        assert!(Encoding::Json.to_ttlv(b"\xFF", &limits).is_err());
    }

    #[test]
    fn content_types_may_have_parameters() {
        let xml = Encoding::from_content_type("Text/XML; charset=utf-8");
        assert_eq!(xml, Some(Encoding::Xml));
        assert_eq!(Encoding::from_content_type("text/html"), None);
    }
}
