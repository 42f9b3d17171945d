//! The configuration file that `init` writes: every section, with what it is for.

use std::fmt::Write;
use std::path::Path;

/// What goes into the file.
#[derive(Debug)]
pub(super) struct Template<'a> {
    /// The seal.
    pub seal: Seal<'a>,
    /// The HSM pool, if there is one.
    pub pool: Option<Pool<'a>>,
    /// Account of the token.
    pub account: &'a str,
    /// Label of the token, when it is initialized.
    pub token_label: Option<&'a str>,
    /// Whether keys that PKCS#11 makes live in the HSM.
    pub token_in_hsm: bool,
    /// Address of the KMIP listener.
    pub listen: &'a str,
}

/// `[seal]`.
#[derive(Debug)]
pub(super) enum Seal<'a> {
    /// A passphrase, perhaps from a file.
    Passphrase(Option<&'a Path>),
    /// A key file.
    Keyfile,
    /// The HSM pool.
    Hsm,
}

/// `[[hsm.pool]]` with one member.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    /// The vendor's module.
    pub module: &'a Path,
    /// Label of the token in it.
    pub token_label: &'a str,
    /// File of the PIN.
    pub pin_file: Option<&'a Path>,
}

/// Name of the pool that `init` makes.
pub(super) const POOL: &str = "hsm";
/// The store's file, beside the configuration.
pub(super) const STORE: &str = "keybridge.db";
/// The folder of the store's audit journals, as the core names it.
pub(super) const JOURNALS: &str = "keybridge.db-audit";
/// The key file, beside the configuration.
pub(super) const KEYFILE: &str = "seal.key";

impl Template<'_> {
    /// The file's text.
    #[must_use]
    pub(super) fn render(&self) -> String {
        let mut text = String::from(
            "# Configuration of a keybridge. Paths that are not absolute start at this file's folder.\n\
             # Unknown keys are errors, so a mistyped setting is never silently ignored.\n\n\
             [store]\n# The SQLite file with everything in it; secret values are sealed.\n",
        );
        let _ = writeln!(text, "path = {}\n", quoted(STORE));
        self.seal(&mut text);
        self.hsm(&mut text);
        self.token(&mut text);
        self.server(&mut text);
        text.push_str(LIMITS);
        text
    }

    fn seal(&self, text: &mut String) {
        text.push_str(
            "[seal]\n# What protects the root key: \"passphrase\", \"keyfile\" or \"hsm\".\n",
        );
        let _ = match self.seal {
            Seal::Passphrase(Some(file)) => {
                writeln!(
                    text,
                    "kind = \"passphrase\"\npassphrase-file = {}\n",
                    path(file)
                )
            }
            Seal::Passphrase(None) => writeln!(
                text,
                "kind = \"passphrase\"\n\
                 # The passphrase comes from KEYBRIDGE_PASSPHRASE, from this file, or from a prompt.\n\
                 # passphrase-file = \"passphrase\"\n"
            ),
            Seal::Keyfile => writeln!(
                text,
                "kind = \"keyfile\"\n# 32 random bytes. Keep a copy apart from the store's backups.\n\
                 path = {}\n",
                quoted(KEYFILE)
            ),
            Seal::Hsm => writeln!(text, "kind = \"hsm\"\npool = {}\n", quoted(POOL)),
        };
    }

    fn hsm(&self, text: &mut String) {
        let Some(pool) = &self.pool else {
            text.push_str(NO_HSM);
            return;
        };
        let _ = write!(
            text,
            "[[hsm.pool]]\nname = {}\n\n[[hsm.pool.member]]\n# The vendor's PKCS#11 module and the token in it.\n\
             module = {}\ntoken-label = {}\n\
             # The user PIN comes from this file, from KEYBRIDGE_HSM_PIN_HSM, or from a prompt.\n",
            quoted(POOL),
            path(pool.module),
            quoted(pool.token_label),
        );
        let _ = match pool.pin_file {
            Some(file) => writeln!(text, "pin-file = {}", path(file)),
            None => writeln!(text, "# pin-file = \"hsm.pin\""),
        };
        text.push_str("# sessions = 16\n\n");
    }

    fn token(&self, text: &mut String) {
        text.push_str(
            "# What the PKCS#11 module shows: one slot for each [[token]], in this order.\n[[token]]\n",
        );
        let _ = writeln!(text, "account = {}", quoted(self.account));
        let _ = match self.token_label {
            Some(label) => writeln!(text, "label = {}", quoted(label)),
            None => writeln!(text, "# label = \"token\""),
        };
        text.push_str(
            "# Where keys live that PKCS#11 programs make: \"software\" or \"hsm:POOL\".\n",
        );
        let protection = if self.token_in_hsm {
            format!("hsm:{POOL}")
        } else {
            "software".into()
        };
        let _ = writeln!(text, "protection = {}", quoted(&protection));
        text.push_str(
            "# Points of Ed25519 and X25519 keys: \"raw\" as PKCS#11 3.2 says, or \"der\" for programs of 2.40's time\n\
             # (OpenDNSSEC, GnuTLS 3.7).\n# edwards-point = \"raw\"\n\
             # SM2, SM3 and SM4 by the numbers of the HSM vendor whose header a program was built with: the names are those\n\
             # of docs/pkcs11-mechanisms.md, the numbers any that the standard has not given.\n\
             # [token.numbers]\n# CKM_KB_SM4_CBC = 0x80000102\n# CKK_KB_SM4 = 0x80000103\n\n",
        );
    }

    fn server(&self, text: &mut String) {
        let _ = write!(
            text,
            "[server]\n# KMIP over TLS 1.2 and 1.3, with client certificates.\nlisten = [{}]\n\
             # KMIP over HTTPS, POST to https-path: TTLV, XML or JSON by the Content-Type.\n\
             # listen-https = [\"127.0.0.1:5697\"]\n# https-path = \"/kmip\"\n\
             certificate = \"server.crt\"\nprivate-key = \"server.key\"\n\
             # A second certificate with a key of the other kind (RSA beside ECDSA), for old clients:\n\
             # other-certificate = \"server-rsa.crt\"\n# other-private-key = \"server-rsa.key\"\n\
             # Client certificates must be signed by one of these, and be known to `keybridge client list`.\n\
             client-ca = \"ca.crt\"\n\
             # Revocation lists of those CAs (PEM or DER), read again when they change:\n\
             # client-crl = [\"ca.crl\"]\n\
             # How a certificate tells who the client is: \"fingerprint\", \"cn\", \"uid\", \"serial\", \"san\".\n\
             # identify-by = [\"fingerprint\"]\n\
             # `keybridge client add` signs with this key. Move it away if another CA signs.\n\
             ca-private-key = \"ca.key\"\n\n",
            quoted(self.listen)
        );
    }
}

const NO_HSM: &str = "\
# An HSM, by its PKCS#11 module. Keys made with `--protection hsm:NAME` live in it.
# [[hsm.pool]]
# name = \"hsm\"
# [[hsm.pool.member]]
# module = \"/usr/lib/softhsm/libsofthsm2.so\"
# token-label = \"bridge\"
# pin-file = \"hsm.pin\"
# sessions = 16

";

/// The defaults, spelled out; a test compares them with the code's.
const LIMITS: &str = "\
[server.limits]
# Bytes, nesting and items of one message; items of one batch; objects in one answer to Locate.
message-bytes = 4194304
message-depth = 32
message-items = 65536
batch-items = 1000
located-objects = 10000
# Connections in all and from one address.
connections = 16384
connections-per-client = 12000
# Batch items a second from one client; 0 is no limit.
requests-per-second = 0
# Tickets (Login) of one client, and seconds that one is good at most.
tickets-per-client = 100
ticket-seconds = 86400
# Asynchronous requests of one client, and seconds that a result is kept for it.
asynchronous-per-client = 1000
asynchronous-seconds = 3600
# Operations in parts of one client, seconds until a forgotten one goes, bytes collected for one that no engine does in parts.
streams-per-client = 64
stream-seconds = 600
stream-bytes = 16777216
# PKCS#11 modules that one client may have open through KMIP, and all together, and seconds that one is kept unused.
pkcs11-per-client = 100
pkcs11-modules = 10000
pkcs11-idle-seconds = 3600
# Seconds for a TLS handshake, for a started message, of doing nothing, and for requests that run at the end.
handshake-seconds = 10
message-seconds = 30
idle-seconds = 600
shutdown-seconds = 10

[server.answers]
# Leave out of Get Attributes what PyKMIP cannot read and did not ask for by name.
for-pykmip = true
# Seeds that clients send: ignored, used, used-in-part or refused.
seeds = \"ignored\"
# Answer Interop, for a bridge under test only.
interop = false

[limits]
# Wrong PINs before it locks, and the length of a PIN in bytes.
pin-tries = 10
# Wrong passwords in a minute over the network, for one name and from one source; 0 is no limit.
name-tries-per-minute = 20
source-tries-per-minute = 120
pin-min = 4
pin-max = 255
# Bytes of an object's value and of all its attributes.
object-bytes = 1048576
attribute-bytes = 262144
objects-per-account = 10000000
found-objects = 10000000
# Session objects in one process (an application's, or the server's for PKCS#11 over KMIP) of an account and in all,
# bytes of one random call, objects kept ready in memory.
session-objects = 100000
session-objects-in-all = 400000
random-bytes = 1048576
cached-objects = 100000

[deletion]
# Days between a deletion through PKCS#11 or the command line and its execution; 0 destroys at once.
window-days = 7

[policy]
# The rules of docs/SECURITY.md that an application may have to do without; `keybridge status` shows it.
role-lock = true
sticky-sensitivity = true
# What may be demanded beyond: wrapping by mechanisms that find a change, with keys at least as strong as what they
# wrap; bits of security of every key; PKCS#11 mechanisms that nobody uses, by name or number.
authenticated-wrapping = false
strong-wrapping = false
minimum-strength = 0
deny-mechanisms = []
# Different for one account (what is not said is as above):
# [policy.account.acme]
# role-lock = false
";

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ServerLimits, ServerSettings};
    use keybridge_core::settings::{ConfigurationFile, Limits, SealSettings};

    fn parsed(template: &Template<'_>) -> ConfigurationFile {
        let text = template.render();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn plain() -> Template<'static> {
        Template {
            seal: Seal::Keyfile,
            pool: None,
            account: "main",
            token_label: None,
            token_in_hsm: false,
            listen: "127.0.0.1:5696",
        }
    }

    #[test]
    fn what_it_writes_is_the_defaults() {
        let file = parsed(&plain());
        assert!(matches!(&file.seal, SealSettings::Keyfile { .. }));
        assert_eq!(
            format!("{:?}", file.limits),
            format!("{:?}", Limits::default())
        );
        assert_eq!(file.policy.all, keybridge_core::policy::Policy::default());
        assert_eq!(file.deletion.window_days, 7);
        let server = ServerSettings::of(&file, Path::new("/bridge")).unwrap();
        let limits = format!("{:?}", server.limits);
        assert_eq!(limits, format!("{:?}", ServerLimits::default()));
        assert_eq!(server.client_ca, Path::new("/bridge/ca.crt"));
    }

    #[test]
    fn odd_names_survive() {
        let odd = "it's \"odd\" \\ é";
        let template = Template {
            seal: Seal::Hsm,
            pool: Some(Pool {
                module: Path::new(odd),
                token_label: odd,
                pin_file: Some(Path::new(odd)),
            }),
            account: odd,
            token_label: Some(odd),
            token_in_hsm: true,
            ..plain()
        };
        let file = parsed(&template);
        assert_eq!(file.token[0]["account"].as_str(), Some(odd));
        assert_eq!(file.token[0]["protection"].as_str(), Some("hsm:hsm"));
        assert_eq!(file.hsm.pool[0].member[0].token_label.as_deref(), Some(odd));
        parsed(&Template {
            seal: Seal::Passphrase(None),
            ..plain()
        });
        parsed(&Template {
            seal: Seal::Passphrase(Some(Path::new("p"))),
            ..plain()
        });
    }
}
