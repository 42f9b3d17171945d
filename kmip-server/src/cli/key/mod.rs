//! `keybridge key …`.

use keybridge_core::kms::{CreateKey, Find};
use keybridge_core::model::{Attributes, Name, NameType, UsageMask};
use keybridge_core::store::ObjectQuery;
use keybridge_core::{Error, KeyId, KeySpec, Protection};
use serde::Serialize;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::key_type::{self, PUBLIC_USES, parse_hex, parse_protection, parse_type, parse_usage};
use super::output::{self, Output};

mod view;

use view::{for_people, view};

/// Bytes of a `CKA_ID` that is not given: enough that two never meet.
const ID_BYTES: usize = 8;
/// Keys in one `key list` when nothing is said.
const LIST_LIMIT: usize = 1000;

/// The longest that a deletion waits: ten years. What is to be kept longer is disabled.
const MOST_DAYS: i64 = 3650;

/// `key …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a key
    Create(CreateArguments),
    /// List keys
    List {
        /// Leave out this many first
        #[arg(long, default_value_t = 0)]
        offset: usize,
        /// At most this many
        #[arg(long, default_value_t = LIST_LIMIT)]
        limit: usize,
    },
    /// Show a key with its versions and objects
    Show {
        /// Name, alias or identifier
        key: String,
    },
    /// Allow a key's use again
    Enable {
        /// Name, alias or identifier
        key: String,
    },
    /// Refuse a key's use, at every door, from its next call on
    Disable {
        /// Name, alias or identifier
        key: String,
    },
    /// Make a new version, which encrypts and signs from now on; older ones still decrypt and
    /// verify
    Rotate {
        /// Name, alias or identifier
        key: String,
    },
    /// Schedule a key's destruction
    Delete {
        /// Name, alias or identifier
        key: String,
        /// Days until then; 0 destroys at once
        #[arg(long, value_name = "DAYS", allow_negative_numbers = true,
              value_parser = clap::value_parser!(u32).range(0..=MOST_DAYS))]
        days: Option<u32>,
    },
    /// Take a scheduled deletion back; the key is disabled then
    CancelDelete {
        /// Name, alias or identifier
        key: String,
    },
    /// Point an alias to a key, remove one, or list them
    #[command(subcommand)]
    Alias(AliasCommand),
    /// Set or remove a key's tags
    Tag {
        /// Name, alias or identifier
        key: String,
        /// Tags to set
        #[arg(value_name = "NAME=VALUE", required_unless_present = "remove")]
        tags: Vec<String>,
        /// A tag to remove
        #[arg(long, value_name = "NAME")]
        remove: Vec<String>,
    },
}

/// `key alias …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum AliasCommand {
    /// Point an alias to a key
    Set {
        /// The alias
        alias: String,
        /// Name, alias or identifier of the key
        key: String,
        /// Move an alias that points to another key
        #[arg(long)]
        replace: bool,
    },
    /// Remove an alias
    Remove {
        /// The alias
        alias: String,
    },
    /// List aliases
    List {
        /// Of this key only
        key: Option<String>,
    },
}

/// Arguments of `key create`.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArguments {
    /// Name: the PKCS#11 label, and the KMIP Name
    name: String,
    /// Kind of key
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_type, help = type_help())]
    kind: KeySpec,
    /// What the key may be used for: sign, verify, encrypt, decrypt, wrap, unwrap, mac, derive,
    /// agree, certificate-sign, crl-sign; by default what fits its kind
    #[arg(long, value_name = "USE,…", value_delimiter = ',', value_parser = parse_usage)]
    usage: Vec<UsageMask>,
    /// Where the key lives: software, or hsm:POOL
    #[arg(long, value_name = "WHERE", default_value = "software", value_parser = parse_protection)]
    protection: Protection,
    /// Let the value leave the bridge, in the clear and wrapped
    #[arg(long)]
    exportable: bool,
    /// `CKA_ID` in hex; random when not given
    #[arg(long, value_name = "HEX", value_parser = parse_hex)]
    // The parser gives one value of many bytes, which clap would otherwise take for many values.
    id: Option<std::vec::Vec<u8>>,
    /// RSA public exponent
    #[arg(long, value_name = "NUMBER")]
    public_exponent: Option<u64>,
    /// Free tags of the key
    #[arg(long, value_name = "NAME=VALUE")]
    tag: Vec<String>,
}

fn type_help() -> String {
    format!("Kind of key: {}", key_type::TYPES)
}

/// Does a `key` command.
pub(super) fn run(command: Command, context: &Context, output: Output) -> Outcome {
    let Context { kms, caller, .. } = context;
    let resolve = |text: &str| kms.resolve_key(caller, text);
    match command {
        Command::Create(arguments) => create(arguments, context, output),
        Command::List { offset, limit } => list(context, offset, limit, output),
        Command::Show { key } => show(context, resolve(&key)?, output),
        Command::Alias(command) => alias(command, context, output),
        Command::Enable { key } => {
            let id = resolve(&key)?;
            kms.enable_key(caller, id)?;
            brief(context, id, "is enabled", output)
        }
        Command::Disable { key } => {
            let id = resolve(&key)?;
            kms.disable_key(caller, id)?;
            brief(context, id, "is disabled at every door", output)
        }
        Command::Rotate { key } => {
            let id = resolve(&key)?;
            kms.rotate_key(caller, id)?;
            brief(context, id, "has a new primary version", output)
        }
        Command::Delete { key, days } => {
            let id = resolve(&key)?;
            let when = kms.schedule_key_deletion(caller, id, days)?;
            if days == Some(0) {
                let done = Done {
                    key: id.to_string(),
                    done: "destroyed",
                };
                return output.show(&done, |done| format!("{} is {}", done.key, done.done));
            }
            let text = format!(
                "goes on {}; until then `key cancel-delete`",
                output::time(when)
            );
            brief(context, id, &text, output)
        }
        Command::CancelDelete { key } => {
            let id = resolve(&key)?;
            kms.cancel_key_deletion(caller, id)?;
            brief(
                context,
                id,
                "stays, and is disabled; `key enable` opens it",
                output,
            )
        }
        Command::Tag { key, tags, remove } => {
            let id = resolve(&key)?;
            for tag in &tags {
                let (name, value) = name_and_value(tag)?;
                kms.tag_key(caller, id, name, Some(value))?;
            }
            for name in &remove {
                kms.tag_key(caller, id, name, None)?;
            }
            brief(context, id, "has its tags changed", output)
        }
    }
}

#[derive(Debug, Serialize)]
struct Done {
    key: String,
    done: &'static str,
}

fn name_and_value(text: &str) -> Outcome<(&str, &str)> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Failure::Usage(format!("a tag is NAME=VALUE, not {text:?}")))
}

fn create(arguments: CreateArguments, context: &Context, output: Output) -> Outcome {
    let Context { kms, caller, .. } = context;
    if arguments.name.is_empty() {
        return Err(Failure::Usage("a key needs a name".into()));
    }
    let tags: Vec<_> = arguments
        .tag
        .iter()
        .map(|tag| name_and_value(tag))
        .collect::<Outcome<_>>()?;
    let query = ObjectQuery {
        name: Some(arguments.name.clone()),
        limit: Some(1),
        ..Default::default()
    };
    if !kms
        .find(
            caller,
            &Find {
                query,
                ..Find::default()
            },
        )?
        .is_empty()
    {
        return Err(Error::AlreadyExists {
            what: "key",
            name: arguments.name,
        }
        .into());
    }
    let request = request(&arguments)?;
    let created = kms.create_key(caller, request)?;
    let key = created
        .key
        .ok_or_else(|| Error::Internal("a stored key came without an identifier".into()))?;
    for (name, value) in tags {
        kms.tag_key(caller, key, name, Some(value))?;
    }
    show(context, key, output)
}

fn request(arguments: &CreateArguments) -> Outcome<CreateKey> {
    let usage = match arguments.usage.as_slice() {
        [] => key_type::default_usage(arguments.kind),
        given => given
            .iter()
            .fold(UsageMask::default(), |all, one| all | *one),
    };
    let (secret_usage, public_usage) = if arguments.kind.is_asymmetric() {
        (UsageMask(usage.0 & !PUBLIC_USES.0), usage & PUBLIC_USES)
    } else {
        (usage, UsageMask::default())
    };
    let cka_id = match &arguments.id {
        Some(id) => id.clone(),
        None => random_id()?,
    };
    let mut request = CreateKey::new(arguments.kind);
    request.protection = arguments.protection.clone();
    request.public_exponent = arguments.public_exponent;
    let describe = |attributes: &mut Attributes, usage| {
        attributes.label = arguments.name.clone();
        attributes.cka_id = cka_id.clone();
        attributes.usage = usage;
    };
    describe(&mut request.secret, secret_usage);
    describe(&mut request.public, public_usage);
    request.secret.names = vec![Name {
        value: arguments.name.clone(),
        kind: NameType::Text,
    }];
    request.secret.sensitive = !arguments.exportable;
    request.secret.extractable = arguments.exportable;
    Ok(request)
}

fn random_id() -> Outcome<Vec<u8>> {
    let mut id = vec![0; ID_BYTES];
    aws_lc_rs::rand::fill(&mut id)
        .map_err(|_| Error::Internal("the operating system gives no random bytes".into()))?;
    Ok(id)
}

fn list(context: &Context, offset: usize, limit: usize, output: Output) -> Outcome {
    let keys = context.kms.keys(&context.caller, offset, limit)?;
    let views: Vec<_> = keys
        .iter()
        .map(|key| view(context, key, false))
        .collect::<Outcome<_>>()?;
    output.show(&views, |views| {
        let header = [
            "name",
            "type",
            "state",
            "protection",
            "version",
            "created",
            "identifier",
        ];
        output::table(
            &header,
            views.iter().map(|key| {
                vec![
                    key.name.clone(),
                    key.kind.clone(),
                    key.state.clone(),
                    key.protection.clone(),
                    key.primary_version.to_string(),
                    key.created.clone(),
                    key.id.clone(),
                ]
            }),
        )
    })
}

fn show(context: &Context, id: KeyId, output: Output) -> Outcome {
    let key = context.kms.key(&context.caller, id)?;
    output.show(&view(context, &key, true)?, for_people)
}

/// One line for people, the whole key for programs.
fn brief(context: &Context, id: KeyId, what: &str, output: Output) -> Outcome {
    let key = context.kms.key(&context.caller, id)?;
    let view = view(context, &key, output.is_json())?;
    output.show(&view, |key| format!("{} ({}) {what}", key.name, key.id))
}

fn alias(command: AliasCommand, context: &Context, output: Output) -> Outcome {
    let Context { kms, caller, .. } = context;
    let of = match command {
        AliasCommand::Set {
            alias,
            key,
            replace,
        } => {
            let id = kms.resolve_key(caller, &key)?;
            kms.set_alias(caller, &alias, id, replace)?;
            return brief(context, id, &format!("has the alias {alias}"), output);
        }
        AliasCommand::Remove { alias } => {
            kms.delete_alias(caller, &alias)?;
            None
        }
        AliasCommand::List { key } => key.map(|key| kms.resolve_key(caller, &key)).transpose()?,
    };
    let aliases = kms.aliases(caller, of)?;
    let rows: Vec<_> = aliases
        .iter()
        .map(|alias| AliasView {
            alias: &alias.name,
            key: alias.key.to_string(),
        })
        .collect();
    output.show(&rows, |rows| {
        let rows = rows
            .iter()
            .map(|row| vec![row.alias.to_owned(), row.key.clone()]);
        output::table(&["alias", "key"], rows)
    })
}

#[derive(Debug, Serialize)]
struct AliasView<'a> {
    alias: &'a str,
    key: String,
}
