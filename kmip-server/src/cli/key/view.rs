//! Keys as answers show them.

use keybridge_core::ObjectId;
use keybridge_core::model::{Key, KeyVersion, Object};
use serde::Serialize;

use super::super::context::Context;
use super::super::failure::Outcome;
use super::super::{key_type, output};
use crate::pki::hex;

/// A key as programs see it.
#[derive(Debug, Serialize)]
pub(super) struct KeyView {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) protection: String,
    pub(super) primary_version: u32,
    pub(super) created: String,
    pub(super) deletion: Option<String>,
    pub(super) aliases: Vec<String>,
    pub(super) tags: std::collections::BTreeMap<String, String>,
    pub(super) versions: Vec<VersionView>,
}

#[derive(Debug, Serialize)]
pub(super) struct VersionView {
    pub(super) number: u32,
    pub(super) created: String,
    pub(super) objects: Vec<ObjectView>,
}

#[derive(Debug, Serialize)]
pub(super) struct ObjectView {
    /// KMIP Unique Identifier.
    pub(super) id: String,
    pub(super) class: String,
    pub(super) state: String,
    pub(super) label: String,
    pub(super) cka_id: String,
    pub(super) kmip_names: Vec<String>,
    pub(super) usage: Vec<&'static str>,
    pub(super) sensitive: bool,
    pub(super) extractable: bool,
}

/// A key for the answer; its objects only when wanted, as each is looked up.
pub(super) fn view(context: &Context, key: &Key, with_objects: bool) -> Outcome<KeyView> {
    let time = |time| output::rfc3339(time);
    let (aliases, versions) = if with_objects {
        let aliases = context.kms.aliases(&context.caller, Some(key.id))?;
        let versions = key
            .versions
            .iter()
            .map(|version| version_view(context, version));
        (
            aliases.into_iter().map(|alias| alias.name).collect(),
            versions.collect::<Outcome<_>>()?,
        )
    } else {
        (Vec::new(), Vec::new())
    };
    Ok(KeyView {
        id: key.id.to_string(),
        name: key.name.clone(),
        kind: key_type::type_name(key.spec),
        state: key.state.to_string(),
        protection: key.protection.to_string(),
        primary_version: key.primary,
        created: time(key.created),
        deletion: key.deletion.map(time),
        aliases,
        tags: key.tags.clone(),
        versions,
    })
}

fn version_view(context: &Context, version: &KeyVersion) -> Outcome<VersionView> {
    let mut objects = Vec::new();
    for id in version.secret.into_iter().chain(version.public) {
        objects.push(object_view(context, id)?);
    }
    Ok(VersionView {
        number: version.number,
        created: output::rfc3339(version.created),
        objects,
    })
}

fn object_view(context: &Context, id: ObjectId) -> Outcome<ObjectView> {
    let object: &Object = &*context.kms.inspect(&context.caller, id)?;
    let attributes = &object.attributes;
    Ok(ObjectView {
        id: id.to_string(),
        class: format!("{:?}", object.class),
        state: object.state.to_string(),
        label: attributes.label.clone(),
        cka_id: hex(&attributes.cka_id),
        kmip_names: attributes
            .names
            .iter()
            .map(|name| name.value.clone())
            .collect(),
        usage: key_type::usage_names(attributes.usage),
        sensitive: attributes.sensitive,
        extractable: attributes.extractable,
    })
}

/// A key as a person reads it.
pub(super) fn for_people(key: &KeyView) -> String {
    let tags: Vec<_> = key
        .tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut text = output::facts(&[
        ("name", key.name.clone()),
        ("identifier", key.id.clone()),
        ("type", key.kind.clone()),
        ("state", key.state.clone()),
        ("deletion", key.deletion.clone().unwrap_or_default()),
        ("protection", key.protection.clone()),
        ("primary version", key.primary_version.to_string()),
        ("created", key.created.clone()),
        ("aliases", key.aliases.join(", ")),
        ("tags", tags.join(", ")),
    ]);
    text.push('\n');
    let rows = key.versions.iter().flat_map(|version| {
        version.objects.iter().map(|object| {
            vec![
                version.number.to_string(),
                object.class.clone(),
                object.state.clone(),
                object.id.clone(),
                object.cka_id.clone(),
                object.usage.join(","),
            ]
        })
    });
    let header = [
        "version",
        "object",
        "state",
        "KMIP identifier",
        "CKA_ID",
        "usage",
    ];
    text.push_str(&output::table(&header, rows));
    text
}
