//! A bridge of its own: store, certificates, configuration and, when asked, a running server.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::command::Command;
use crate::p11::Token;
use crate::{products, wait};

/// How a bridge is to be made.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// A passphrase to seal the store with. Without one it is sealed with a key file (which opens at
    /// once, so most tests use it), or by the HSM when `seal_by_hsm` says so.
    pub passphrase: Option<String>,
    /// An HSM to attach.
    pub hsm: Option<Token>,
    /// Whether the HSM seals the store.
    pub seal_by_hsm: bool,
    /// Whether keys that PKCS#11 programs make live in the HSM.
    pub keys_in_hsm: bool,
}

/// A bridge in a temporary folder; gone when dropped, its server with it.
#[derive(Debug)]
pub struct Bridge {
    dir: TempDir,
    env: Vec<(OsString, OsString)>,
    server: Option<Child>,
    /// The port of the KMIP listener.
    pub port: u16,
}

impl Bridge {
    /// Label of the token of every bridge made here.
    pub const LABEL: &'static str = "house";
    /// PIN of the security officer.
    pub const SO_PIN: &'static str = "so-12345678";
    /// PIN of the user.
    pub const PIN: &'static str = "user-1234";
    /// The account that `init` makes.
    pub const ACCOUNT: &'static str = "acme";

    /// A bridge sealed with a key file, its token initialized, no server running.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        Self::make(&Setup::default())
    }

    /// A bridge with a running server.
    #[must_use]
    #[track_caller]
    pub fn serving() -> Self {
        let mut bridge = Self::new();
        bridge.serve();
        bridge
    }

    /// A bridge made in the way described, no server running.
    #[must_use]
    #[track_caller]
    pub fn make(setup: &Setup) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let mut bridge = Self {
            dir,
            env: Vec::new(),
            server: None,
            port: wait::free_port(),
        };
        bridge
            .env
            .push(("KEYBRIDGE_CONFIG".into(), bridge.config().into()));
        let seal = match &setup.passphrase {
            Some(passphrase) => {
                bridge
                    .env
                    .push(("KEYBRIDGE_PASSPHRASE".into(), passphrase.into()));
                "passphrase"
            }
            None if setup.seal_by_hsm => "hsm",
            None => "keyfile",
        };
        let mut init = Command::new(products::keybridge())
            .words("init --seal")
            .args([
                seal,
                "--account",
                Self::ACCOUNT,
                "--token-label",
                Self::LABEL,
            ])
            .args(["--so-pin", Self::SO_PIN, "--pin", Self::PIN])
            .args(["--listen", &format!("127.0.0.1:{}", bridge.port)])
            .arg("--dir")
            .arg(bridge.dir());
        if let Some(hsm) = &setup.hsm {
            bridge.env.extend(hsm.env.iter().cloned());
            bridge
                .env
                .push(("KEYBRIDGE_HSM_PIN_HSM".into(), (&hsm.pin).into()));
            init = init.arg("--hsm-module").arg(&hsm.module);
            init = init.args(["--hsm-token-label", &hsm.label]);
        }
        if setup.keys_in_hsm {
            init = init.words("--token-protection hsm");
        }
        init.envs(&bridge.env).ok();
        bridge
    }

    /// The bridge's folder, the one `init` made.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.dir.path().join("bridge")
    }

    /// A folder for what a test writes; gone with the bridge.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.dir.path()
    }

    /// A file in the scratch folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.dir().join("keybridge.toml")
    }

    /// The environment in which the bridge's programs and clients run.
    #[must_use]
    pub fn env(&self) -> &[(OsString, OsString)] {
        &self.env
    }

    /// Sets a variable in that environment.
    pub fn set_env(&mut self, name: &str, value: impl Into<OsString>) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.into(), value.into()));
    }

    /// A `keybridge` command on this bridge; the words are split at white space.
    #[must_use]
    pub fn cli(&self, words: &str) -> Command {
        Command::new(products::keybridge())
            .envs(&self.env)
            .words(words)
    }

    /// The JSON that a `keybridge` command answers.
    #[track_caller]
    pub fn json(&self, words: &str) -> serde_json::Value {
        self.cli(words).arg("--json").ok().json()
    }

    /// Makes a key on the command line; `words` go to `key create` after the name.
    #[track_caller]
    pub fn create_key(&self, name: &str, words: &str) -> MadeKey {
        let key = self.json(&format!("key create {name} {words}"));
        let objects = key["versions"][0]["objects"]
            .as_array()
            .expect("the objects of a key")
            .clone();
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        let ids: Vec<String> = objects.iter().map(|object| text(&object["id"])).collect();
        MadeKey {
            secret: ids[0].clone(),
            public: ids.get(1).cloned(),
            cka_id: text(&objects[0]["cka_id"]),
        }
    }

    /// The bridge's token as PKCS#11 programs see it.
    #[must_use]
    pub fn token(&self) -> Token {
        Token {
            module: products::module(),
            env: self.env.clone(),
            label: Self::LABEL.to_owned(),
            so_pin: Self::SO_PIN.to_owned(),
            pin: Self::PIN.to_owned(),
        }
    }

    /// The client certificate, key and CA certificate that `init` made.
    #[must_use]
    pub fn client_files(&self) -> ClientFiles {
        self.client_files_of("admin")
    }

    /// The files of a client by its name.
    #[must_use]
    pub fn client_files_of(&self, name: &str) -> ClientFiles {
        let folder = self.dir().join("clients");
        ClientFiles {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
            ca: self.dir().join("ca.crt"),
        }
    }

    /// One of the Python drivers, told where the server is and who the client is.
    #[must_use]
    pub fn driver(&self, name: &str) -> Command {
        self.driver_as(name, &self.client_files())
    }

    /// A Python driver with another client's certificate.
    #[must_use]
    pub fn driver_as(&self, name: &str, files: &ClientFiles) -> Command {
        Command::new(products::python())
            .arg(products::driver(name))
            .args(["--port", &self.port.to_string()])
            .arg("--cert")
            .arg(&files.certificate)
            .arg("--key")
            .arg(&files.key)
            .arg("--ca")
            .arg(&files.ca)
            .dir(self.scratch())
    }

    /// Starts the server and waits until it accepts connections.
    #[track_caller]
    pub fn serve(&mut self) {
        assert!(self.server.is_none(), "the server is running");
        let log = File::create(self.file("server.log")).expect("make the server's log");
        let child = self
            .cli("serve")
            .into_inner()
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone().expect("clone a file")))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("start keybridge serve");
        self.server = Some(child);
        wait::until("the server to listen", wait::PATIENCE, || {
            let child = self.server.as_mut().expect("just started");
            if let Some(status) = child.try_wait().expect("wait for the server") {
                panic!("keybridge serve ended: {status}\n{}", self.log());
            }
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()
        });
    }

    /// The process of the running server.
    #[must_use]
    #[track_caller]
    pub fn server_pid(&self) -> u32 {
        self.server.as_ref().expect("a running server").id()
    }

    /// What the server wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.file("server.log")).unwrap_or_default()
    }

    /// Kills the server as a power cut would: SIGKILL, no warning.
    #[track_caller]
    pub fn kill(&mut self) {
        let mut child = self.server.take().expect("a running server");
        child.kill().expect("kill the server");
        child.wait().expect("reap the server");
    }

    /// Asks the server to stop (SIGTERM) and waits until it has.
    #[track_caller]
    pub fn stop(&mut self) {
        let mut child = self.server.take().expect("a running server");
        Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .ok();
        wait::until("the server to stop", Duration::from_secs(20), || {
            child.try_wait().expect("wait for the server")
        });
    }
}

impl Default for Bridge {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        if let Some(mut child) = self.server.take() {
            let _ = child.kill();
            let _ = child.wait();
            if std::thread::panicking() {
                eprintln!("--- server log\n{}", self.log());
            }
        }
    }
}

/// A key made on the command line, by the names that the doors have for it.
#[derive(Debug, Clone)]
pub struct MadeKey {
    /// KMIP Unique Identifier of the secret key or the private half.
    pub secret: String,
    /// KMIP Unique Identifier of the public half.
    pub public: Option<String>,
    /// `CKA_ID`, hexadecimal.
    pub cka_id: String,
}

/// Where a KMIP client's credentials are.
#[derive(Debug, Clone)]
pub struct ClientFiles {
    /// The client's certificate, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The certificate of the CA that signed the server's, PEM.
    pub ca: PathBuf,
}
