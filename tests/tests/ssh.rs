//! OpenSSH: `ssh-keygen -D`, `ssh -I` and `ssh-agent` against a private `sshd`.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};

use keybridge_tests::{Command, wait};

use crate::control::{Subject, on_both};

on_both! {
    /// The public keys of a token, as OpenSSH writes them.
    fn ssh_keygen_lists_public_keys(on) {
        make_keys(on);
        let listed = ssh_keygen(on);
        assert!(listed.contains("ssh-rsa ") && listed.contains("ecdsa-sha2-nistp256 "), "{listed}");
    }

    /// A login with each of the token's keys.
    fn ssh_logs_in(on) {
        make_keys(on);
        for line in ssh_keygen(on).lines() {
            let server = Server::start(on, line);
            server.login(on, &["-o", &format!("PKCS11Provider={}", on.token.module.display())])
                .ok().says("logged in");
        }
    }

    /// A login through an agent that holds the token.
    fn ssh_agent_logs_in(on) {
        make_keys(on);
        let server = Server::start(on, &ssh_keygen(on));
        let script = on.write("agent.sh", format!(
            "set -e\nssh-add -s {0}\nssh-add -l\n{1}\nssh-add -e {0}\n",
            fs::canonicalize(&on.token.module).expect("the module").display(),
            server.line(on, &[]),
        ));
        ask_pass(on, on.token.command("ssh-agent"))
            .args(["-P", "/*", "sh", &script]).ok().says("logged in");
    }

    /// Without the right PIN nobody gets in.
    fn a_wrong_pin_keeps_out(on) {
        make_keys(on);
        let server = Server::start(on, &ssh_keygen(on));
        on.write("pin.sh", "#!/bin/sh\necho 0000wrong\n");
        let provider = format!("PKCS11Provider={}", on.token.module.display());
        server.command(on, &["-o", &provider]).fails().never_says("logged in");
    }
}

fn make_keys(on: &Subject) {
    on.token
        .tool("--keypairgen --key-type rsa:2048 --label ssh-rsa --id 01 --usage-sign")
        .ok();
    on.token
        .tool("--keypairgen --key-type EC:prime256v1 --label ssh-ec --id 02 --usage-sign")
        .ok();
}

#[track_caller]
fn ssh_keygen(on: &Subject) -> String {
    on.token
        .command("ssh-keygen")
        .arg("-D")
        .arg(&on.token.module)
        .ok()
        .text()
}

/// OpenSSH asks for the PIN through a program when it has no terminal.
fn ask_pass(on: &Subject, command: Command) -> Command {
    let path = on.file("pin.sh");
    if !fs::exists(&path).expect("look for a file") {
        on.write("pin.sh", format!("#!/bin/sh\necho '{}'\n", on.token.pin));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("make it executable");
    command
        .env("SSH_ASKPASS", path)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("DISPLAY", "none")
}

/// A private sshd on a free port that lets in the user of this process with the keys given.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    #[track_caller]
    fn start(on: &Subject, authorized_keys: &str) -> Self {
        let port = wait::free_port();
        let host_key = on.file("host_key");
        if !fs::exists(&host_key).expect("look for a file") {
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &host_key])
                .ok();
        }
        let keys = on.write("authorized_keys", format!("{authorized_keys}\n"));
        let config = on.write(
            "sshd_config",
            format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\n\
                 AuthorizedKeysFile {keys}\nStrictModes no\nUsePAM no\nPidFile none\n\
                 PasswordAuthentication no\nPermitRootLogin prohibit-password\n\
                 ForceCommand echo logged in\n"
            ),
        );
        // Run by root, sshd insists on its own empty folder, which only its service makes.
        if fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
        {
            fs::create_dir_all("/run/sshd").expect("make /run/sshd");
        }
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f", &config])
            .into_inner()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(on.file("sshd.log")).expect("make a log"))
            .spawn()
            .expect("start sshd");
        let mut this = Self { child, port };
        wait::until("sshd to listen", wait::PATIENCE, || {
            let ended = this.child.try_wait().expect("wait for sshd");
            assert!(
                ended.is_none(),
                "{}",
                String::from_utf8_lossy(&on.read("sshd.log"))
            );
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        this
    }

    fn options(&self, extra: &[&str]) -> Vec<String> {
        let mut options: Vec<String> = [
            "-F",
            "none",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ]
        .map(String::from)
        .into();
        // No key files of the user's own, and no other way in.
        options.extend(
            [
                "-o",
                "IdentityFile=none",
                "-o",
                "PreferredAuthentications=publickey",
                "-o",
            ]
            .map(String::from),
        );
        options.extend(["LogLevel=ERROR".into(), "-p".into(), self.port.to_string()]);
        options.extend(extra.iter().map(|&option| option.to_owned()));
        options.push("127.0.0.1".into());
        options
    }

    /// The ssh command that logs in, for a shell script.
    fn line(&self, _on: &Subject, extra: &[&str]) -> String {
        format!("ssh {}", self.options(extra).join(" "))
    }

    fn command(&self, on: &Subject, extra: &[&str]) -> Command {
        ask_pass(on, on.token.command("ssh")).args(self.options(extra))
    }

    fn login(&self, on: &Subject, extra: &[&str]) -> Command {
        self.command(on, extra)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
